//! Every table that the simulated machine writes, and its hwmon files, equal its truth.

use std::path::PathBuf;
use zeus_amd::sysfs::gpu_metrics::{Metrics, MetricsFile};
use zeus_amd::sysfs::hwmon::{Hwmon, Sensor};
use zeus_amd::sysfs::pp_dpm;
use zeus_amd::sysfs::SysfsError;
use zeus_amd::{PowerLimits, Powers};
use zeus_amd_sim::machine::PowerSensor;
use zeus_amd_sim::{Gpu, Machine, Sim};

fn folder(sim: &Sim, gpu: &Gpu) -> PathBuf {
    sim.dir().join("sys/bus/pci/devices").join(gpu.bdf.to_string())
}

fn truth(sim: &Sim, gpu: &Gpu, now: u64) -> Metrics {
    let (revision, reading, spec) = (gpu.metrics_revision().unwrap(), gpu.reading(now), &gpu.spec);
    // Up to 1.3: averages and one clock. From 1.4 on: the power of the moment, a clock for each compute die.
    let old = revision.1 <= 3;
    let power = Some(u32::from(reading.power_w) * 1000);
    let celsius = |mc: Option<i64>| mc.map(|mc| (mc / 1000) as i32);
    let (graphics, memory) = (spec.clocks.gfx.now, spec.clocks.mem.now);
    Metrics {
        revision,
        energy: Some(if revision == (1, 0) { reading.accumulator & 0xFFFF_FFFF } else { reading.accumulator }),
        energy_bits: if revision == (1, 0) { 32 } else { 64 },
        driver_time_ns: Some(sim.epoch_ns() + reading.system_ns),
        firmware_time_ns: (revision.1 >= 2).then_some(reading.firmware_10ns * 10),
        average_power_mw: power.filter(|_| old && spec.power_sensor == PowerSensor::Average),
        current_power_mw: power.filter(|_| !old && spec.power_sensor == PowerSensor::Current),
        edge_c: celsius(spec.temps.edge).filter(|_| old),
        hotspot_c: celsius(spec.temps.hotspot),
        memory_c: celsius(spec.temps.mem),
        vrsoc_c: celsius(spec.temps.vrsoc),
        graphics_mhz: std::array::from_fn(|i| (i == 0 || !old).then_some(graphics)),
        graphics_average_mhz: old.then_some(graphics),
        memory_mhz: Some(memory),
        memory_average_mhz: old.then_some(memory),
        graphics_activity_percent: Some(spec.activity[0]),
        memory_activity_percent: Some(spec.activity[1]),
        throttle_status: old.then_some(0),
        throttle_independent: None,
        accumulations: (revision.1 >= 6).then_some(reading.tick),
        limited: std::array::from_fn(|i| (revision.1 >= 6).then_some(reading.limited[i + 1])),
    }
}

fn start(machine: &str, patches: &[&str]) -> Sim {
    Sim::start(machine, "none", patches).unwrap()
}

#[test]
fn every_revision_on_every_machine() {
    let machines = Machine::names();
    assert!(machines.len() >= 6, "{machines:?}");
    let mut tables = 0;
    for machine in &machines {
        for minor in 0..=9 {
            let sim = start(machine, &[&format!("all.metrics = \"1.{minor}\"")]);
            let now = sim.stop_clock();
            for gpu in sim.machine().gpus() {
                let file = MetricsFile::open(&folder(&sim, gpu).join("gpu_metrics")).unwrap();
                let want = truth(&sim, gpu, now);
                assert_eq!(file.read(), Ok(want), "{machine} {}", gpu.bdf);
                let (energy, power) =
                    file.read_with(|t| (t.energy(), t.current_power_mw().or(t.average_power_mw()))).unwrap();
                // Each machine's own revision is read the short way.
                let own = gpu.spec.power_sensor == if minor <= 3 { PowerSensor::Average } else { PowerSensor::Current };
                let short = file.fast_reading().map(|w| (w.energy, w.driver_time_ns, w.firmware_time_ns));
                let long = want.energy.zip(want.driver_time_ns).zip(want.firmware_time_ns).map(|((e, d), f)| (e, d, f));
                assert_eq!(short, long.filter(|_| own && minor >= 2), "{machine} 1.{minor}");
                assert_eq!((energy, power), (want.energy, want.current_power_mw.or(want.average_power_mw)));
                tables += 1;
            }
        }
    }
    println!("{tables} tables");
    assert!(tables >= 10 * machines.len());
}

/// A counter that is not there, in each way in which drivers say so; a second die's 0 is not for the table to judge.
#[test]
fn missing_counters() {
    for (how, want) in [("ones", None), ("u32_ones", None), ("zero", Some(0))] {
        for minor in [0, 1, 3, 5, 8, 9] {
            let missing = format!("all.counter.missing = \"{how}\"");
            let sim = start("mixed-2", &[&missing, &format!("all.metrics = \"1.{minor}\"")]);
            for gpu in sim.machine().gpus() {
                let file = MetricsFile::open(&folder(&sim, gpu).join("gpu_metrics")).unwrap();
                let got = file.read().unwrap();
                assert_eq!(got.energy, want, "1.{minor} {how}");
                assert!(got.driver_time_ns.is_some());
            }
        }
    }
}

#[test]
fn hwmon_and_levels_are_the_truth() {
    for machine in Machine::names() {
        let sim = start(&machine, &[]);
        let now = sim.stop_clock();
        for gpu in sim.machine().gpus() {
            let hwmon = Hwmon::new(&folder(&sim, gpu), false);
            let absent = Err(SysfsError::Os(libc::ENOENT));
            let power = u64::from(gpu.reading(now).power_w) * 1_000_000;
            let at = |sensor: PowerSensor| {
                let has = gpu.spec.power_sensor == sensor && !gpu.is_secondary_die();
                if has {
                    Ok(power)
                } else {
                    absent
                }
            };
            assert_eq!(hwmon.instant_power_uw(), at(PowerSensor::Current), "{machine} {}", gpu.bdf);
            assert_eq!(hwmon.average_power_uw(), at(PowerSensor::Average));
            let mw = |sensor: PowerSensor| at(sensor).ok().map(|uw| uw / 1000);
            let both = Powers { instant_mw: mw(PowerSensor::Current), average_mw: mw(PowerSensor::Average) };
            assert_eq!(hwmon.powers(), if both.any() { Ok(both) } else { Err(SysfsError::Os(libc::ENOENT)) });

            let temps = &gpu.spec.temps;
            for (sensor, mc) in
                [(Sensor::Edge, temps.edge), (Sensor::Junction, temps.hotspot), (Sensor::Memory, temps.mem)]
            {
                assert_eq!(hwmon.temperature_mc(sensor), mc.map(|v| v as i32).ok_or(SysfsError::Os(libc::ENOENT)));
            }
            assert_eq!(hwmon.graphics_clock_hz(), Ok(u64::from(gpu.spec.clocks.gfx.now) * 1_000_000));
            assert_eq!(hwmon.memory_clock_hz(), Ok(u64::from(gpu.spec.clocks.mem.now) * 1_000_000));

            for (file, clock) in [("pp_dpm_sclk", &gpu.spec.clocks.gfx), ("pp_dpm_mclk", &gpu.spec.clocks.mem)] {
                let got = pp_dpm::read(&folder(&sim, gpu).join(file)).unwrap();
                let ends = (*clock.levels.first().unwrap(), *clock.levels.last().unwrap());
                assert_eq!((got.lowest_mhz, got.highest_mhz), ends, "{machine} {}", gpu.bdf);
                assert!(got.current_mhz.map_or(true, |mhz| clock.levels.contains(&mhz)));
            }

            if !gpu.spec.caps.present {
                assert_eq!(hwmon.power_limits().map_err(|(_, e)| e), Err(SysfsError::Os(libc::ENOENT)));
                continue;
            }
            let mut caps = PowerLimits {
                current_uw: Some(gpu.cap_uw()),
                default_uw: Some(gpu.default_cap_uw()),
                min_uw: Some(gpu.min_cap_uw()),
                max_uw: Some(gpu.max_cap_uw()),
            };
            assert_eq!(hwmon.power_limits().map_err(|(_, e)| e), Ok(caps));
            // A shorter number leaves nothing of the longer one.
            for uw in [1_000_000_000, 90_000_000] {
                hwmon.set_power_cap_uw(uw).unwrap();
                caps.current_uw = Some(uw);
                assert_eq!((hwmon.power_limits().map_err(|(_, e)| e), hwmon.power_cap_uw()), (Ok(caps), Some(uw)));
            }
            assert_eq!(hwmon.set_power_cap_uw(1 << 32), Err(SysfsError::Os(libc::EINVAL)));
        }
    }
}

/// Texts that amdgpu is known to write where it has no number.
#[test]
fn hwmon_s_quirks() {
    let device = tempfile::tempdir().unwrap();
    let folder = device.path().join("hwmon/hwmon7");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("name"), "amdgpu\n").unwrap();
    let hwmon = Hwmon::new(device.path(), false);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    for (text, want) in [
        ("412000000\n", Ok(412_000_000)),
        ("0\n", Ok(0)),
        ("\n", Err(SysfsError::Empty)),
        ("", Err(SysfsError::Empty)),
        // 2200 W, computed in 32 bits.
        ("-2094967296\n", Err(SysfsError::NotANumber)),
        ("412 W\n", Err(SysfsError::NotANumber)),
    ] {
        write("power1_input", text);
        assert_eq!(hwmon.instant_power_uw(), want, "{text:?}");
    }
    std::fs::write(folder.join("power1_input"), [0xFF, 0xFE]).unwrap();
    assert_eq!(hwmon.instant_power_uw(), Err(SysfsError::NotANumber));

    // The firmware was not asked: no cap, and no range of 0 to 0.
    for name in ["power1_cap", "power1_cap_min", "power1_cap_max", "power1_cap_default"] {
        write(name, "0\n");
    }
    assert_eq!(hwmon.power_limits().map_err(|(_, e)| e), Ok(PowerLimits { min_uw: Some(0), ..PowerLimits::default() }));
    write("power1_cap", "\n");
    assert_eq!((hwmon.power_limits().map_err(|(_, e)| e), hwmon.power_cap_uw()), (Err(SysfsError::Empty), None));
    write("power1_cap", "750000000\n");
    write("power1_cap_max", "\n");
    let caps = hwmon.power_limits().map_err(|(_, e)| e).unwrap();
    assert_eq!((caps.current_uw, caps.max_uw), (Some(750_000_000), None));

    // Numbers of sensors are the driver's business; freezing is a temperature.
    write("temp2_label", "mem\n");
    write("temp2_input", "-5000\n");
    write("temp1_label", "junction\n");
    write("temp1_input", "\n");
    assert_eq!(hwmon.temperature_mc(Sensor::Memory), Ok(-5000));
    assert_eq!(hwmon.temperature_mc(Sensor::Junction), Err(SysfsError::Empty));
    assert_eq!(hwmon.temperature_mc(Sensor::Edge), Err(SysfsError::Os(libc::ENOENT)));
    write("name", "k10temp\n");
    assert!(hwmon.is_there() && !Hwmon::new(device.path(), false).is_there(), "another chip's");
}

/// A GPU that went and came back has another folder, or had none at first.
#[test]
fn hwmon_moves() {
    let device = tempfile::tempdir().unwrap();
    let hwmon = Hwmon::new(device.path(), false);
    let absent = SysfsError::Os(libc::ENOENT);
    let gone = Err(absent);
    assert_eq!(
        (hwmon.is_there(), hwmon.instant_power_uw(), hwmon.power_limits().map_err(|(_, e)| e).err()),
        (false, gone, gone.err())
    );
    for n in [3, 7, 1] {
        let folder = device.path().join(format!("hwmon/hwmon{n}"));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in [("name", "amdgpu"), ("power1_input", "5000000"), ("power1_cap", "6000000")] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        // The sensor has another number each time.
        std::fs::write(folder.join(format!("temp{n}_label")), "junction").unwrap();
        std::fs::write(folder.join(format!("temp{n}_input")), "41000").unwrap();
        assert!(hwmon.is_there());
        assert_eq!((hwmon.instant_power_uw(), hwmon.power_cap_uw()), (Ok(5_000_000), Some(6_000_000)));
        assert_eq!(hwmon.temperature_mc(Sensor::Junction), Ok(41_000));
        assert_eq!(hwmon.average_power_uw(), gone, "what it has not, it has not");
        hwmon.set_power_cap_uw(7_000_000).unwrap();
        assert_eq!(hwmon.power_cap_file(), Ok(folder.join("power1_cap")));
        std::fs::remove_dir_all(device.path().join("hwmon")).unwrap();
        assert_eq!((hwmon.power_cap_file(), hwmon.set_power_cap_uw(1)), (Err(absent), Err(absent)));
    }
}
