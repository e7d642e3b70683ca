//! Every reading from C equals the machine file's truth, for each generation and machine.

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zeus_amd_sim::machine::{DieRole, PowerSensor};
use zeus_amd_sim::start::Patience;
use zeus_amd_sim::Sim;

const NOT_SUPPORTED: i32 = -4;

/// What the program printed: (gpu, key) → (status, value).
type Readings = HashMap<(usize, String), (i32, String)>;

fn program() -> &'static Path {
    static PROGRAM: OnceLock<std::path::PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("readings"))
}

/// Opens in the running machine, then reads in the stopped one; what was read, and the time it stood at. What stands for
/// 250 ms is stale, and so no reading: a busy machine needs some tries.
fn readings(sim: &Sim, rocm: &str, backend: &str, firmware_unit: bool) -> (Readings, u64) {
    let mut patience = Patience::new();
    while !patience.is_over() {
        let (got, now, took) = readings_once(sim, rocm, backend, firmware_unit);
        if took < Duration::from_millis(235) {
            return (got, now);
        }
    }
    panic!("timed out: host too slow")
}

fn readings_once(sim: &Sim, rocm: &str, backend: &str, firmware_unit: bool) -> (Readings, u64, Duration) {
    let unit = firmware_unit.then_some("firmware");
    let mut command = sim.command(program());
    command.env("ZEUS_AMD_BACKEND", backend).args(unit);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "ready");
    let begun = Instant::now();
    let now = sim.stop_clock();
    // ROCm 6.4.3 keeps a table for 100 ms.
    std::thread::sleep(Duration::from_millis(if rocm.starts_with("6.4") { 110 } else { 5 }));
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    let mut text = String::new();
    out.read_to_string(&mut text).unwrap();
    let took = begun.elapsed();
    assert!(child.wait().unwrap().success());
    sim.start_clock();
    let parse = |line: &str| {
        let mut words = line.splitn(4, ' ');
        let gpu = words.next()?.parse().ok()?;
        let key = words.next()?.to_owned();
        Some(((gpu, key), (words.next()?.parse().ok()?, words.next()?.to_owned())))
    };
    (text.lines().map(|l| parse(l).unwrap_or_else(|| panic!("{l}"))).collect(), now, took)
}

/// Who says it: libamd_smi of a release, the kernel's files, or both.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Amdsmi,
    Auto,
    Sysfs,
}

fn assert_matches_machine(machine: &str, rocm: &str, by: By, with: &[&str]) {
    let sim = Sim::start(machine, rocm, with).unwrap();
    let backend = match by {
        By::Amdsmi => "amdsmi",
        By::Auto => "auto",
        By::Sysfs => "sysfs",
    };
    let (got, now) = readings(&sim, rocm, backend, false);
    let context = format!("{machine} {rocm} {backend} {with:?}");
    let truth = sim.machine();
    let order = truth.in_hip_order();
    let smi = truth.in_smi_order();
    // libamd_smi is not asked at all, or not there.
    let without = by == By::Sysfs || rocm == "none";
    // Its energy is no measure of anything; the file's is.
    let frozen = rocm.starts_with("6.0") && by == By::Amdsmi;
    assert_eq!(got.keys().map(|k| k.0).max().unwrap() + 1, order.len(), "{context}");
    for (i, p) in order.iter().enumerate() {
        let gpu = truth.gpu_of(p);
        let reading = gpu.reading(now);
        let at = |key: &str| got.get(&(i, key.to_owned())).unwrap_or_else(|| panic!("no {key}")).clone();
        let expect = |key: &str, want: Option<String>| {
            let want = want.map_or((NOT_SUPPORTED, "0".to_owned()), |v| (0, v));
            assert_eq!(at(key), want, "{context} GPU {i} ({}): {key}", gpu.bdf);
        };
        let some = |key: &str, want: u64| expect(key, Some(want.to_string()));
        let second = gpu.spec.die == DieRole::Secondary;
        // Tables of APUs have no counter, that of the first revision 32 bits of it; the firmware's time came with 1.2.
        let revision = gpu.metrics_revision().unwrap();
        let counts = !second && !frozen && revision.0 == 1;
        let accumulator = if revision == (1, 0) { reading.accumulator & 0xFFFF_FFFF } else { reading.accumulator };
        let firmware = by != By::Amdsmi && revision >= (1, 2);

        expect("name", Some(gpu.spec.name.clone()));
        expect("pci", Some(gpu.bdf.to_string()));
        some("source", if by == By::Amdsmi { 1 } else { 2 });
        let smi_index = smi.iter().position(|s| s.node == p.node).unwrap();
        some("amdsmi_index", if without { 0 } else { smi_index as u64 });
        // Without libamd_smi all but its index.
        some("valid", if without { 0b11_1101 } else { 0b11_1111 });
        some("kfd_node", p.node.into());
        some("unique_id", p.unique_id);
        some("device_id", u64::from(gpu.spec.device_id));
        some(
            "die_role",
            match gpu.spec.die {
                DieRole::Single => 0,
                DieRole::Primary => 1,
                DieRole::Secondary => 2,
            },
        );

        let power = Some(u64::from(reading.power_w) * 1000).filter(|_| !second);
        let (instant, average) = match gpu.spec.power_sensor {
            PowerSensor::Current => (power, None),
            PowerSensor::Average => (None, power),
        };
        expect("instant", instant.map(|v| v.to_string()));
        expect("average", average.map(|v| v.to_string()));
        expect("memory_power", None);

        let stuck = gpu.spec.counter.stuck_at_s.is_some();
        some(
            "counter_state",
            match () {
                () if second => 6,
                () if !counts => 5,
                () if stuck => 2,
                () => 1,
            },
        );
        some("energy_counter_usable", u64::from(counts && !stuck));
        // 15.3f as a fraction: 16043213 / 2^20. The truth of floor(accumulator × unit / 1000), in integers.
        let unit = (f64::from(15.3_f32) * f64::from(1 << 20)) as u128;
        let mj = (u128::from(accumulator) * unit / 1000) >> 20;
        expect("energy", (counts && !stuck).then(|| mj.to_string()));
        // 15.3f to all its digits.
        expect("resolution_uj", counts.then(|| "15.300000190734863".to_owned()));
        expect("accumulator", counts.then(|| accumulator.to_string()));
        expect("driver_time", counts.then(|| (sim.epoch_ns() + reading.system_ns).to_string()));
        // Accumulator, resolution and the driver's time; and the firmware's, which libamd_smi does not pass on.
        expect("energy_valid", counts.then(|| (2 | 512 | 4 | if firmware { 8 } else { 0 }).to_string()));
        expect("energy_flags", counts.then(|| "0".to_owned()));
        let firmware_ns = if firmware { reading.firmware_10ns * 10 } else { 0 };
        expect("firmware_time", counts.then(|| firmware_ns.to_string()));

        some("temperature", (gpu.spec.temps.hotspot.unwrap() / 1000) as u64);
        let cap = |uw: u64| (!second).then(|| (uw / 1000).to_string());
        expect("limit", cap(gpu.cap_uw()));
        expect("limit_default", cap(gpu.default_cap_uw()));
        expect("limit_min", cap(gpu.min_cap_uw()));
        expect("limit_max", cap(gpu.max_cap_uw()));

        for (key, levels) in [("memory", &gpu.spec.clocks.mem.levels), ("graphics", &gpu.spec.clocks.gfx.levels)] {
            some(&format!("{key}_max"), (*levels.last().unwrap()).into());
            some(&format!("{key}_min"), levels[0].into());
        }
        for (key, clock) in [("memory", &gpu.spec.clocks.mem), ("graphics", &gpu.spec.clocks.gfx)] {
            let [min, max] = clock.range.unwrap();
            some(&format!("{key}_range_min"), min.into());
            some(&format!("{key}_range_max"), max.into());
        }
        expect("persistence", None);
        some("nonblocking", 0);
    }
}

/// The firmware's resolution on request: floor(accumulator × 2^-16 J), and the result says so. Where the kernel states none
/// (MI100) the reported one stays.
#[test]
fn the_firmware_s_resolution() {
    let sim = Sim::start("mi100-1", "7.0.2", &[] as &[&str]).unwrap();
    let (got, _) = readings(&sim, "7.0.2", "sysfs", true);
    assert_eq!(got[&(0, "resolution_uj".to_owned())], (0, "15.300000190734863".to_owned()));
    assert_eq!(got[&(0, "energy_flags".to_owned())], (0, "0".to_owned()));

    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    for backend in ["amdsmi", "sysfs"] {
        firmware_s_unit(&sim, backend);
    }
}

fn firmware_s_unit(sim: &Sim, backend: &str) {
    let (got, now) = readings(sim, "7.0.2", backend, true);
    for (i, p) in sim.machine().in_hip_order().iter().enumerate() {
        let accumulator = sim.machine().gpu_of(p).reading(now).accumulator;
        let mj = u128::from(accumulator) * 1000 / 65536;
        assert_eq!(got[&(i, "energy".to_owned())], (0, mj.to_string()));
        assert_eq!(got[&(i, "resolution_uj".to_owned())], (0, "15.2587890625".to_owned()));
        assert_eq!(got[&(i, "energy_flags".to_owned())], (0, "128".to_owned()));
    }
}

const MACHINES: [&str; 6] = ["mi300x-8", "mi250x-4", "mi350x-8", "mi210-1", "mi100-1", "mixed-2"];

fn assert_release_matches_machines(rocm: &str) {
    for machine in MACHINES {
        assert_matches_machine(machine, rocm, By::Amdsmi, &[]);
    }
    // Both sides agree, and the file is read, on one machine with dies and one with many GPUs.
    for machine in ["mi250x-4", "mi300x-8"] {
        assert_matches_machine(machine, rocm, By::Auto, &[]);
    }
}

/// A test for each of these releases, so that they run side by side, and one for all others that the simulator has.
macro_rules! releases {
    ($($name:ident $rocm:literal;)*) => {
        $(#[test]
        fn $name() {
            assert_release_matches_machines($rocm);
        })*

        #[test]
        fn other_releases() {
            let others = zeus_amd_sim::release::RELEASES.iter().filter(|r| ![$($rocm),*].contains(&r.name));
            others.for_each(|release| assert_release_matches_machines(release.name));
        }
    };
}

releases! {
    rocm_6_0_0 "6.0.0";
    rocm_6_0_2 "6.0.2";
    rocm_6_1_1 "6.1.1";
    rocm_6_1_2 "6.1.2";
    rocm_6_2_4 "6.2.4";
    rocm_6_3_1 "6.3.1";
    rocm_6_3_3 "6.3.3";
    rocm_6_4_0 "6.4.0";
    rocm_6_4_3 "6.4.3";
    rocm_7_0_2 "7.0.2";
    rocm_7_2_0 "7.2.0";
    rocm_7_12 "7.12";
    rocm_7_13 "7.13";
    rocm_7_14 "7.14";
    rocm_10_0 "10.0";
    rocm_10_2 "10.2";
}

/// The kernel's files alone, beside a libamd_smi and without one.
#[test]
fn the_kernel_s_files() {
    for machine in MACHINES {
        assert_matches_machine(machine, "7.0.2", By::Sysfs, &[]);
        assert_matches_machine(machine, "none", By::Sysfs, &[]);
        assert_matches_machine(machine, "none", By::Auto, &[]);
    }
}

/// Each revision of the table that a machine may have.
#[test]
fn every_revision_of_the_table() {
    for metrics in ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9"] {
        let metrics = format!("all.metrics = \"{metrics}\"");
        for by in [By::Sysfs, By::Auto] {
            assert_matches_machine("mi300x-8", "10.2", by, &[&metrics]);
        }
    }
    // Those of APUs: powers and temperatures are hwmon's.
    for metrics in ["2.0", "2.1", "2.2", "2.3", "2.4", "3.0"] {
        assert_matches_machine("mi300x-8", "none", By::Sysfs, &[&format!("all.metrics = \"{metrics}\"")]);
    }
}
