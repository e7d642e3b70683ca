//! gpu_metrics and libamd_smi inside a machine: each read is one whole table, made at that moment, by the machine's formula.

mod common;

use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{inside, u64_at};
use zeus_amd_sim::metrics::{Decoded, Table};
use zeus_amd_sim::{Gpu, Machine, Sim, State};

/// The machine that this process is in.
fn machine() -> (Machine, State) {
    let dir = PathBuf::from(std::env::var_os("ZEUS_AMD_SIM").unwrap());
    let m = Machine::from_json(&std::fs::read_to_string(dir.join("machine.json")).unwrap()).unwrap();
    (m, State::open(&dir).unwrap())
}

fn path(g: &Gpu) -> PathBuf {
    let root = PathBuf::from(std::env::var_os("ZEUS_AMD_ROOT").unwrap());
    root.join("sys/bus/pci/devices").join(g.bdf.to_string()).join("gpu_metrics")
}

#[test]
fn eight_readers_see_whole_tables() {
    let with = ["all.power = { kind = \"square\", low = 100, high = 700, period_s = 0.013 }", "all.metrics = \"1.8\""];
    inside("mi300x-8", "7.2.0", &with, |_| {
        let (m, state) = machine();
        let wrong = AtomicU64::new(0);
        let table = Table::of((1, 8)).unwrap();
        let names = ["energy_accumulator", "system_clock_counter", "firmware_timestamp"];
        let at = names.map(|n| table.items[n].offset);
        std::thread::scope(|s| {
            for i in 0..8 {
                let (g, size, state, wrong) = (&m.gpus()[i % 2], table.size, &state, &wrong);
                s.spawn(move || {
                    let file = std::fs::File::open(path(g)).unwrap();
                    let mut buffer = [0; 4096];
                    for _ in 0..20_000 {
                        let before = state.now_ns();
                        assert_eq!(file.read_at(&mut buffer, 0).unwrap(), size);
                        let after = state.now_ns();
                        let [energy, driver, firmware] = at.map(|at| u64_at(&buffer, at));
                        let r = g.reading(driver - state.epoch_ns());
                        let whole = (energy, firmware) == (r.accumulator, r.firmware_10ns);
                        // Made between the two looks at the clock: not a moment old.
                        let fresh = (g.reading(before).tick..=g.reading(after).tick).contains(&r.tick);
                        wrong.fetch_add(u64::from(!whole || !fresh), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(wrong.into_inner(), 0);
    });
}

#[test]
fn file_and_library_say_what_the_formula_says() {
    let with = [
        "all.power = { kind = \"square\", low = 100, high = 700, period_s = 0.07 }\nall.noise = { w = 30, seed = 5 }",
        "gpu.0.power = { kind = \"constant\", w = 20000 }\ngpu.0.counter = { bits = 32, initial = 4294967000 }",
        "gpu.1.counter.reset_at_s = [0.3, 0.6]\ngpu.1.counter.reset_clock = true",
        "gpu.2.counter.stuck_at_s = [[0.2, 0.5], [0.7, 0.9]]",
        "gpu.3.counter = { gain = 0.5, drift_per_s = 0.2 }",
        "gpu.4.counter.frozen_at_s = [[0.3, 0.6]]\ngpu.4.counter.unit_uj = 31.5",
        "gpu.5.counter = { refresh_ms = 1.7, refresh_jitter_ms = 0.9 }",
        "gpu.6.counter = { refresh_ms = 100, driver_ms = 5, driver_lag_us = [0, 300] }",
        "gpu.7.power = { kind = \"ramp\", from = 100, to = 900, over_s = 0.3, repeat = true }\ngpu.7.counter.refresh_ms = 10",
    ];
    for release in ["6.2.4", "7.13"] {
        inside("mi300x-8", release, &with, |lib| {
            let (m, state) = machine();
            let handles = lib.handles();
            let mut last = 0;
            for _ in 0..40 {
                let now = state.stop().unwrap();
                assert!(now > last);
                last = now;
                // Some releases keep a table for a millisecond.
                std::thread::sleep(Duration::from_millis(2));
                for (g, h) in m.gpus().iter().zip(&handles) {
                    let r = g.reading(now);
                    let table = Decoded::parse(&std::fs::read(path(g)).unwrap()).unwrap();
                    let driver = state.epoch_ns() + r.system_ns;
                    assert_eq!(table.get("energy_accumulator"), Some(r.accumulator), "GPU {}", g.number);
                    assert_eq!(table.get("system_clock_counter"), Some(driver), "GPU {}", g.number);
                    assert_eq!(table.get("firmware_timestamp"), Some(r.firmware_10ns), "GPU {}", g.number);
                    assert_eq!(table.get("curr_socket_power"), Some(r.power_w.into()), "GPU {}", g.number);
                    // The unit that it reports is 15.3 whatever the firmware counts in: `energy` asserts that.
                    assert_eq!(lib.energy(*h), (0, r.accumulator, driver), "GPU {}", g.number);
                }
                state.start().unwrap();
                std::thread::sleep(Duration::from_millis(23));
            }
            assert!(last > 900_000_000, "all that was planted has happened");
        });
    }
}

#[test]
fn the_clock_never_goes_back() {
    let sim = Sim::start("mi300x-8", "none", &[] as &[&str]).unwrap();
    let (end, mut last) = (Instant::now() + Duration::from_millis(600), 0);
    std::thread::scope(|s| {
        s.spawn(|| {
            while Instant::now() < end {
                let held = sim.stop_clock();
                assert_eq!(sim.now_ns(), held);
                sim.start_clock();
            }
        });
        while Instant::now() < end {
            let now = sim.now_ns();
            assert!(now >= last, "{last} then {now}");
            last = now;
        }
    });
    assert_eq!(sim.machine_ns(sim.boottime_ns(last)), last);
}

#[test]
fn files_with_faults() {
    let with = [
        "gpu.0.file.gpu_metrics = { read = \"EBUSY\", from_s = 2, for_s = 1 }",
        "gpu.1.file.gpu_metrics = { open = \"ENOENT\", read = \"ENODEV\", from_s = 2 }",
        "gpu.2.file.gpu_metrics = [{ content = \"truncated\", for_s = 2 }, { content = \"oversized\", from_s = 2 }]",
        "gpu.3.file.gpu_metrics.content = \"revision\"",
        "gpu.4.file.gpu_metrics.open = \"EACCES\"",
        "gpu.5.file.gpu_metrics.content = \"garbage\"",
        "gpu.6.file.power1_cap.read = \"EIO\"",
        "gpu.7.file.gpu_metrics.content = \"empty\"",
    ];
    inside("mi300x-8", "7.13", &with, |lib| {
        let (m, state) = machine();
        state.stop().unwrap();
        state.move_to(1_000_000_000);
        let handles = lib.handles();
        let open: Vec<_> = m.gpus().iter().map(|g| std::fs::File::open(path(g))).collect();
        let size = Table::of(m.gpus()[0].metrics_revision().unwrap()).unwrap().size;
        let errno = |e: std::io::Error| e.raw_os_error().unwrap();
        let again = |i: usize| std::fs::read(path(&m.gpus()[i])).map(|b| b.len()).map_err(errno);
        let held = |i: usize| open[i].as_ref().unwrap().read_at(&mut [0; 4096], 0).map_err(errno);
        assert_eq!(
            (held(0), held(1), held(2), held(3), held(5)),
            (Ok(size), Ok(size), Ok(size / 2), Ok(size), Ok(size))
        );
        assert_eq!(open[4].as_ref().err().and_then(|e| e.raw_os_error()), Some(libc::EACCES));
        assert_eq!((held(7), again(7)), (Ok(0), Ok(0)));
        let cap = path(&m.gpus()[6]).with_file_name("hwmon/hwmon9/power1_cap");
        assert_eq!(std::fs::read(cap).map_err(errno), Err(libc::EIO));
        let status = |i: usize| lib.energy(handles[i]).0;
        assert_eq!([0, 1, 2, 3, 4, 6].map(status), [0, 0, 2, 2, 2, 0]);
        state.move_to(2_010_000_000);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!((held(0), held(1), held(2)), (Err(libc::EBUSY), Err(libc::ENODEV), Ok(4095)));
        assert_eq!((again(0), again(1)), (Err(libc::EBUSY), Err(libc::ENOENT)));
        // One that is there and cannot be read is answered from the last good table.
        assert_eq!([0, 1, 6].map(status), [0, 2, 0]);
        state.move_to(3_010_000_000);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!((held(0), held(1), status(0)), (Ok(size), Err(libc::ENODEV), 0));
    });
}

#[test]
fn files_that_break_when_the_test_says_so() {
    let sim = Sim::start("mi210-1", "none", &[] as &[&str]).unwrap();
    let file = sim.dir().join("sys/bus/pci/devices/0000:63:00.0/gpu_metrics");
    let read = || sim.command("head").args(["-c", "120"]).arg(&file).env("LC_ALL", "C").output().unwrap();
    assert_eq!(read().stdout.len(), 120);
    sim.break_files(0, libc::EBUSY);
    let out = read();
    assert!(out.stdout.is_empty() && String::from_utf8_lossy(&out.stderr).contains("busy"), "{}", common::text(&out));
    sim.break_files(0, 0);
    assert_eq!(read().stdout.len(), 120);
}

#[test]
fn without_the_preloaded_library_the_files_are_there() {
    let sim = Sim::start("mi210-1", "none", &["preload = false"]).unwrap();
    assert!(!sim.env().iter().any(|(name, _)| *name == "LD_PRELOAD"));
    let now = sim.stop_clock();
    let file = sim.dir().join("sys/bus/pci/devices/0000:63:00.0/gpu_metrics");
    let out = sim.command("cat").arg(file).output().unwrap();
    let reading = sim.machine().gpus()[0].reading(now);
    assert_eq!(Decoded::parse(&out.stdout).unwrap().get("energy_accumulator"), Some(reading.accumulator));
}

#[test]
fn a_call_takes_as_long_as_it_is_told() {
    inside("mi210-1", "6.2.4", &["gpu.0.fault.amdsmi_get_energy_count = { delay_us = 900 }"], |lib| {
        let h = lib.handles()[0];
        for _ in 0..50 {
            let start = Instant::now();
            assert_eq!(lib.energy(h).0, 0);
            assert!(start.elapsed() >= Duration::from_micros(900));
        }
    });
}

#[test]
fn single_tables_that_are_wrong() {
    let with = [
        "gpu.0.file.gpu_metrics = { content = \"zero_values\", every = 3 }",
        "gpu.1.file.gpu_metrics = { content = \"time_ahead\", every = 3 }",
        "gpu.2.file.gpu_metrics = { content = \"absurd_power\", every = 3 }",
    ];
    for metrics in ["1.3", "1.6", "1.9"] {
        let metrics = format!(
            "all.metrics = \"{metrics}\"\nall.power_sensor = \"{}\"",
            if metrics == "1.3" { "average" } else { "current" }
        );
        let with = [with[0], with[1], with[2], &metrics];
        inside("mi300x-8", "7.2.0", &with, |_| {
            let (m, state) = machine();
            state.stop().unwrap();
            let names = ["energy_accumulator", "system_clock_counter", "curr_socket_power", "average_socket_power"];
            let seen = |i: usize| {
                let open = std::fs::File::open(path(&m.gpus()[i])).unwrap();
                let mut page = [0; 4096];
                let reads = (0..6).map(|_| {
                    let n = open.read_at(&mut page, 0).unwrap();
                    let d = Decoded::parse(&page[..n]).unwrap();
                    names.map(|name| d.get(name))
                });
                reads.collect::<Vec<_>>()
            };
            for (i, g) in m.gpus().iter().enumerate().take(3) {
                let r = g.reading(state.now_ns());
                let time = state.epoch_ns() + r.system_ns;
                let wrong = seen(i).into_iter().filter(|v| {
                    let power = v[2].or(v[3]).unwrap();
                    let right = (v[0].unwrap(), v[1].unwrap(), power) == (r.accumulator, time, r.power_w.into());
                    let planted = [
                        (0, time, 0),
                        (r.accumulator, time + 3_600_000_000_000, r.power_w.into()),
                        (r.accumulator, time, 60490),
                    ];
                    assert!(right || (v[0].unwrap(), v[1].unwrap(), power) == planted[i], "GPU {i}: {v:?}");
                    !right
                });
                assert_eq!(wrong.count(), 2, "GPU {i}");
            }
        });
    }
}

#[test]
fn each_file_has_its_errors() {
    let with = [
        "gpu.0.file.power1_input = { read = \"ETIME\" }",
        "gpu.1.file.temp2_input = { read = \"EPERM\" }",
        "gpu.2.file.pp_dpm_sclk = { read = \"EBUSY\" }",
        "gpu.3.file.power1_cap = { read = \"EIO\", write = \"EBUSY\" }",
        "gpu.4.file.pp_od_clk_voltage = { write = \"ETIME\" }",
        "gpu.5.file.power_dpm_force_performance_level = { write = \"EPERM\", for_s = 100 }",
    ];
    inside("mi300x-8", "7.13", &with, |lib| {
        let (m, _) = machine();
        let file = |gpu: usize, name: &str| {
            let dir = path(&m.gpus()[gpu]).with_file_name("");
            let hwmon = dir.join(format!("hwmon/hwmon{}", gpu + 3)).join(name);
            if hwmon.exists() {
                hwmon
            } else {
                dir.join(name)
            }
        };
        let read = |gpu, name| std::fs::read(file(gpu, name)).err().and_then(|e| e.raw_os_error());
        let write = |gpu, name: &str, text: &str| {
            let open = std::fs::OpenOptions::new().write(true).open(file(gpu, name)).unwrap();
            std::io::Write::write_all(&mut &open, text.as_bytes()).err().and_then(|e| e.raw_os_error())
        };
        assert_eq!(read(0, "power1_input"), Some(libc::ETIME));
        assert_eq!(read(1, "temp2_input"), Some(libc::EPERM));
        assert_eq!(read(2, "pp_dpm_sclk"), Some(libc::EBUSY));
        assert_eq!(
            (read(3, "power1_cap"), write(3, "power1_cap", "400000000\n")),
            (Some(libc::EIO), Some(libc::EBUSY))
        );
        assert_eq!((write(4, "pp_od_clk_voltage", "r\n"), read(4, "pp_od_clk_voltage")), (Some(libc::ETIME), None));
        assert_eq!(write(5, "power_dpm_force_performance_level", "manual\n"), Some(libc::EPERM));
        assert_eq!([1, 2, 3].map(|i| read(i, "power1_input")), [None; 3], "the others' are as ever");
        // libamd_smi reads and writes the same files.
        let h = lib.handles();
        assert_eq!((lib.temperature(h[1], 1, 0).0, lib.temperature(h[0], 1, 0).0), (2, 0));
        let limit: extern "C" fn(*mut std::ffi::c_void, u32, u32, u64) -> u32 = lib.get("amdsmi_set_gpu_clk_limit");
        assert_eq!([3, 4, 5].map(|i| limit(h[i], 0, 1, 1500)), [0, 10, 10]);
    });
}
