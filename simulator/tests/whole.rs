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
                let now = state.hold().unwrap();
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
                state.run().unwrap();
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
                let held = sim.hold();
                assert_eq!(sim.now_ns(), held);
                sim.run();
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
        while state.now_ns() < 2_010_000_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!((held(0), held(1), held(2)), (Err(libc::EBUSY), Err(libc::ENODEV), Ok(4095)));
        assert_eq!((again(0), again(1)), (Err(libc::EBUSY), Err(libc::ENOENT)));
        assert_eq!([0, 1, 6].map(status), [2, 2, 0]);
        while state.now_ns() < 3_010_000_000 {
            std::thread::sleep(Duration::from_millis(5));
        }
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
    let now = sim.hold();
    let file = sim.dir().join("sys/bus/pci/devices/0000:63:00.0/gpu_metrics");
    let out = sim.command("cat").arg(file).output().unwrap();
    let reading = sim.machine().gpus()[0].reading(now);
    assert_eq!(Decoded::parse(&out.stdout).unwrap().get("energy_accumulator"), Some(reading.accumulator));
}

#[test]
fn a_call_takes_as_long_as_it_is_told() {
    inside("mi210-1", "6.2.4", &["gpu.0.fault.amdsmi_get_energy_count = { delay_us = 900 }"], |lib| {
        let h = lib.handles()[0];
        let time = |_| {
            let start = Instant::now();
            assert_eq!(lib.energy(h).0, 0);
            start.elapsed().as_micros()
        };
        let fastest = (0..50).map(time).min().unwrap();
        assert!((900..3000).contains(&fastest), "{fastest} µs");
    });
}
