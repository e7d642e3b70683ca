//! A file that goes wrong under an open session: each fault has its status, none is a number, and when the file is well
//! again so is the session.

use super::client::{Client, ADAPTIVE, BUSY, OFF};
use std::path::PathBuf;
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const NONE: &[&str] = &[];
const IO: i64 = -10;
const DEVICE_LOST: i64 = -14;
const STALE: i64 = -24;
const UNEXPECTED_DATA: i64 = -25;

fn metrics(sim: &Sim, gpu: usize) -> PathBuf {
    let bdf = sim.machine().gpus()[gpu].bdf.to_string();
    sim.dir().join("sys/bus/pci/devices").join(bdf).join("gpu_metrics")
}

/// A table of the machine, whole.
fn table(sim: &Sim, gpu: usize) -> Vec<u8> {
    sim.stop_clock();
    // What the machine writes now and then stands still.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let bytes = std::fs::read(metrics(sim, gpu)).unwrap();
    sim.start_clock();
    bytes
}

/// A table with other bytes at one place.
fn changed(table: &[u8], at: usize, change: &[u8]) -> Vec<u8> {
    let mut bytes = table.to_vec();
    bytes[at..at + change.len()].copy_from_slice(change);
    bytes
}

/// Another file under the old name, as when a device has come back.
fn replace(sim: &Sim, gpu: usize, bytes: &[u8]) {
    let path = metrics(sim, gpu);
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, bytes).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

/// Passing states and refusals of the kernel: the status says which, the other GPUs are none the worse, and all is well
/// as soon as the kernel answers again. A window over it all has the right energy.
#[test]
fn the_kernel_refuses_for_a_while() {
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    // On a busy machine a window may come out wide; not every one.
    for backend in ["auto", "sysfs"] {
        assert!(happens(|| refused_for_a_while(&sim, backend)), "{backend}: no window comes out tight");
    }
}

/// A GPU that sleeps while the session is opened holds nobody up, has no counter state, and is checked when it wakes.
#[test]
fn a_gpu_that_sleeps_at_open() {
    const TRUSTED: u64 = 1;
    const PENDING: u64 = 8;
    for errno in [libc::EPERM, libc::EBUSY] {
        let sim = Sim::start("mi300x-8", "none", NONE).unwrap();
        sim.break_files(3, errno);
        let mut asked = Client::open(&sim, "sysfs", ADAPTIVE);
        let counter_state = |asked: &mut Client, gpu: usize| asked.ask(&format!("info {gpu}")).ok().number(1);
        assert_eq!((counter_state(&mut asked, 2), counter_state(&mut asked, 3)), (TRUSTED, PENDING));
        asked.ask("energy 2").ok();
        asked.ask("energy 3").fails(BUSY, "suspended");
        asked.ask("raw 3").fails(BUSY, "GPU 3");
        sim.break_files(3, 0);
        assert!(happens(|| counter_state(&mut asked, 3) != PENDING), "its counter_state is still pending");
        assert_eq!(counter_state(&mut asked, 3), TRUSTED);
        asked.ask("energy 3").ok();
    }
}

/// Is the bound tight? Right it is in any case.
fn refused_for_a_while(sim: &Sim, backend: &str) -> bool {
    let mut asked = Client::open(sim, backend, ADAPTIVE);
    asked.ask("begin").ok();
    for (errno, status) in [
        (libc::EPERM, BUSY),
        (libc::EBUSY, BUSY),
        (libc::EAGAIN, BUSY),
        (libc::ENODEV, DEVICE_LOST),
        (libc::EIO, IO),
        (libc::ETIME, IO),
        (libc::EREMOTEIO, IO),
    ] {
        sim.break_files(3, errno);
        for what in ["energy 3", "raw 3", "instant 3"] {
            asked.ask(what).fails(status, "GPU 3");
        }
        let all = asked.ask("all 8 88").ok();
        let third = all.words.iter().position(|w| w == "[").unwrap() + 3 * 16;
        let third = &all.words[third..];
        // Of the table nothing; the status says why.
        assert_eq!((third[2].as_str(), third[4].as_str()), ("3", status.to_string().as_str()), "{errno}: {all:?}");
        assert_eq!(third[3].parse::<u32>().unwrap() & 0b1111, 0, "{errno}: {all:?}");
        asked.ask("energy 2").ok();
        sim.break_files(3, 0);
        asked.ask("energy 3").ok();
        asked.ask("instant 3").ok();
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    let used = asked.ask("end 3").ok();
    let (energy_mj, uncertainty_mj) = (used.number(3), used.number(4));
    assert_eq!((used.number(0), used.words[2].as_str()), (1, "0"), "{used:?}");
    let truth = &sim.machine().gpus()[3];
    let joules = truth.energy_between_j(sim.machine_ns(used.number(5)), sim.machine_ns(used.number(6)));
    let off = (energy_mj as f64 - joules * 1e3).abs();
    assert!(off <= uncertainty_mj as f64, "{used:?}, {joules} J");
    uncertainty_mj < energy_mj / 10 + 3000
}

/// A GPU that cannot be read at the end of a window: said so, and what it may have drawn is inside the bound.
#[test]
fn a_gpu_is_gone_at_the_end() {
    const STALE_BIT: u64 = 16;
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    for errno in [libc::ENODEV, libc::EPERM] {
        let mut asked = Client::open(&sim, "auto", ADAPTIVE);
        asked.ask("begin").ok();
        std::thread::sleep(std::time::Duration::from_millis(300));
        sim.break_files(3, errno);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let used = asked.ask("end 3").ok();
        sim.break_files(3, 0);
        assert_eq!(used.number(1) & STALE_BIT, STALE_BIT, "{used:?}");
        let truth = &sim.machine().gpus()[3];
        let joules = truth.energy_between_j(sim.machine_ns(used.number(5)), sim.machine_ns(used.number(6)));
        assert!((used.number(3) as f64 - joules * 1e3).abs() <= used.number(4) as f64, "{used:?}, {joules} J");
    }
}

/// A GPU that was unplugged or reset comes back under a new file of the old name: readings again, from the new one.
#[test]
fn a_gpu_comes_back() {
    let sim = Sim::start("mi300x-8", "none", NONE).unwrap();
    for backend in ["auto", "sysfs"] {
        let mut asked = Client::open(&sim, backend, OFF);
        asked.ask("energy 3").ok();
        sim.break_files(3, libc::ENODEV);
        asked.ask("energy 3").fails(DEVICE_LOST, "the GPU was removed");
        // Gone altogether.
        let (path, aside) = (metrics(&sim, 3), metrics(&sim, 3).with_extension("aside"));
        std::fs::rename(&path, &aside).unwrap();
        asked.ask("energy 3").fails(DEVICE_LOST, "the GPU was removed");
        let bytes = std::fs::read(&aside).unwrap();
        let revision = [0, 0, 1, 6];
        assert_eq!(bytes[2..4], revision[2..], "the offsets below are those of 1.6");
        let fresh = changed(&table(&sim, 2), 16, &123_456_789_u64.to_le_bytes());
        // Nobody refreshes this table: on a busy machine it may be an old one before it is read.
        let is_back = happens(|| {
            replace(&sim, 3, &changed(&fresh, 24, &sim.boottime_ns(sim.now_ns()).to_le_bytes()));
            let [count, power] = ["raw 3", "instant 3"].map(|what| asked.ask(what));
            assert_eq!(count.ok().number(0), 123_456_789, "{backend}");
            power.status != STALE && power.ok().number(0) == 688_000
        });
        assert!(is_back, "{backend}: its power is not that of the GPU whose table it is");
        std::fs::rename(&aside, &path).unwrap();
        sim.break_files(3, 0);
    }
}

/// The driver copies its table without a lock, so a read may find one half filled: then a second one finds it whole.
#[test]
fn a_torn_table_is_read_again() {
    for content in ["ones", "zeros", "truncated", "unavailable", "revision"] {
        for revision in ["1.3", "1.6", "1.9"] {
            let torn = format!("all.file.gpu_metrics = {{ content = \"{content}\", every = 2 }}");
            let sim = Sim::start("mi300x-8", "none", &[torn, format!("all.metrics = \"{revision}\"")]).unwrap();
            let mut asked = Client::open(&sim, "sysfs", OFF);
            for what in ["energy 3", "raw 3", "instant 3", "temperature 3"] {
                // More than once: every second read is torn, and some of these are second ones.
                for _ in 0..3 {
                    asked.ask(what).ok();
                }
            }
            let all = asked.ask("all 8 88").ok();
            for (gpu, word) in all.words.iter().enumerate().filter(|w| w.1 == "[").map(|w| w.0).enumerate() {
                assert_eq!(all.words[word + 4], "0", "{content} {revision} GPU {gpu}: {all:?}");
            }
        }
    }
}

/// What was not there, or could not be opened, when the session was, may come; and hwmon may come under another number.
#[test]
fn files_come_and_move() {
    // Powers and temperatures of this table are hwmon's.
    let sim = Sim::start("mi300x-8", "none", &["gpu.3.metrics = \"2.2\""]).unwrap();
    let (here, away) = (metrics(&sim, 2), metrics(&sim, 2).with_extension("away"));
    std::fs::rename(&here, &away).unwrap();
    let mut asked = Client::open(&sim, "sysfs", OFF);
    asked.ask("energy 2").fails(-4, "No such file");
    std::fs::rename(&away, &here).unwrap();
    asked.ask("energy 2").ok();

    let folder = metrics(&sim, 3).parent().unwrap().join("hwmon");
    let first = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    for name in ["hwmon77", "hwmon4"] {
        let before = ["limit 3", "instant 3", "temperature 3"].map(|what| asked.ask(what).ok().words);
        let moved = folder.join(name);
        let old = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
        std::fs::rename(old, &moved).unwrap();
        let after = ["limit 3", "instant 3", "temperature 3"].map(|what| asked.ask(what).ok().words);
        assert_eq!(after, before, "{name}");
    }
    std::fs::rename(folder.join("hwmon4"), first).unwrap();
}

/// A state of the GPU that passes is not a power that it lacks.
#[test]
fn a_busy_hwmon_is_busy() {
    let with = ["all.metrics = \"2.2\"", "all.file.power1_input = { read = \"EBUSY\" }"];
    let sim = Sim::start("mi300x-8", "none", &with).unwrap();
    let mut asked = Client::open(&sim, "sysfs", OFF);
    asked.ask("instant 0").fails(BUSY, "power1_input");
    asked.ask("average 0").fails(BUSY, "power1_input");
}

/// Tables that are none, or have nothing in them, from the start of a session or in the middle of one.
#[test]
fn a_table_that_is_none_is_no_number() {
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    let good = table(&sim, 0);
    let ones = |n: usize| vec![0xFF; n];
    let filled = |at: usize, change: &[u8]| changed(&good, at, change);
    let unavailable = [&good[..4], &ones(good.len() - 4)].concat();
    for (name, bytes, status) in [
        ("empty", Vec::new(), -4),
        ("a byte", good[..1].to_vec(), UNEXPECTED_DATA),
        ("a header", good[..4].to_vec(), UNEXPECTED_DATA),
        ("truncated", good[..good.len() / 2].to_vec(), UNEXPECTED_DATA),
        ("one byte less", good[..good.len() - 1].to_vec(), UNEXPECTED_DATA),
        ("one byte more", [&good[..], &[0]].concat(), UNEXPECTED_DATA),
        ("oversized", [&good[..], &ones(4096)].concat(), UNEXPECTED_DATA),
        ("ones", ones(good.len()), UNEXPECTED_DATA),
        ("zeros", vec![0; good.len()], UNEXPECTED_DATA),
        ("another size said", filled(0, &(good.len() as u16 + 8).to_le_bytes()), UNEXPECTED_DATA),
        ("another revision", filled(2, &[99, 99]), UNEXPECTED_DATA),
        ("a known revision of another size", filled(2, &[1, 5]), UNEXPECTED_DATA),
        ("nothing filled", unavailable, -4),
        ("no counter", filled(16, &ones(8)), -4),
        ("no counter, in 32 bits", filled(16, &[255, 255, 255, 255, 0, 0, 0, 0]), -4),
    ] {
        let path = metrics(&sim, 0);
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        replace(&sim, 0, &good);
        let mut open = Client::open(&sim, "sysfs", OFF);
        // Nobody refreshes this table.
        assert!([0, STALE].contains(&open.ask("energy 0").status), "{name}");
        // The same file, so the descriptor that is open sees it.
        std::fs::write(&path, &bytes).unwrap();
        let mut late = Client::open(&sim, "sysfs", OFF);
        for asked in [&mut open, &mut late] {
            for what in ["energy 0", "raw 0"] {
                let said = asked.ask(what);
                assert_eq!((said.status, said.words[0].as_str()), (status, "0"), "{name}: {said:?}");
                assert!(said.text.contains("GPU 0"), "{name}: {said:?}");
            }
            // Another source of the same power, by the same driver: that of hwmon is the GPU's own.
            let power = asked.ask("instant 0");
            let hwmon = name != "no counter" && name != "no counter, in 32 bits";
            assert!(!hwmon || power.status != 0 || power.number(0) == 412_000, "{name}: {power:?}");
            let all = asked.ask("all 8 88").ok();
            let first = all.words.iter().position(|w| w == "[").unwrap();
            assert_eq!(all.words[first + 4], status.to_string(), "{name}: {all:?}");
            assert_eq!(all.words[first + 3].parse::<u32>().unwrap() & 0b11, 0, "{name}: no energy, no count: {all:?}");
            asked.ask("begin").ok();
            let used = asked.ask("end 0").ok();
            assert_ne!(used.number(0), 1, "{name}: not by the counter: {used:?}");
        }
        std::fs::rename(&aside, &path).unwrap();
    }
}

/// Zeros, powers that no GPU has, and times from the future, in the table: what hwmon has is given, and what it has not is
/// refused, never the number; also if only one refresh in three is so.
#[test]
fn values_that_cannot_be_right() {
    for (content, energy) in [("zero_values", "count is 0"), ("time_ahead", "time"), ("absurd_power", "")] {
        for every in [0, 3] {
            let fault = format!("gpu.3.file.gpu_metrics = {{ content = \"{content}\", every = {every} }}");
            let sim = Sim::start("mi300x-8", "none", &[fault]).unwrap();
            for backend in ["sysfs", "auto"] {
                let mut asked = Client::open(&sim, backend, OFF);
                let mut counts = 0;
                for n in 0..30 {
                    let truth = &sim.machine().gpus()[3];
                    assert_eq!(
                        asked.ask("instant 3").ok().number(0),
                        truth.power_w(0.0) as u64 * 1000,
                        "{content} {every}"
                    );
                    let hotspot = truth.spec.temps.hotspot.unwrap() as u64 / 1000;
                    assert_eq!(asked.ask("temperature 3").ok().number(0), hotspot, "{content} {every}");
                    let count = asked.ask("raw 3");
                    if every == 0 && content == "zero_values" {
                        count.fails(UNEXPECTED_DATA, energy);
                    } else {
                        counts += u32::from(count.status == 0 && n >= 10);
                        assert!(count.status == 0 && count.number(0) > 0 || count.text.contains(energy), "{count:?}");
                    }
                }
                // The same wrong clock in every table is a clock of another zero, and one bad table spoils no others.
                assert!(counts > 0 || (every == 0 && content == "zero_values"), "{content} {every}");
            }
        }
    }
}

/// MI50: the table's power is 0 and hwmon's is right, whoever reads it.
#[test]
fn a_power_that_only_hwmon_has() {
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("10.0", "auto"), ("10.0", "amdsmi")] {
        let sim = Sim::start("mi50-1", rocm, NONE).unwrap();
        let mut asked = Client::open(&sim, backend, ADAPTIVE);
        assert_eq!(asked.ask("instant 0").ok().number(0), 178_000, "{rocm} {backend}");
        asked.ask("average 0").fails(-4, "instant power only");
        asked.ask("begin").ok();
        std::thread::sleep(std::time::Duration::from_millis(300));
        let used = asked.ask("end 0").ok();
        let seconds = (used.number(6) - used.number(5)) as f64 * 1e-9;
        let (energy_mj, uncertainty_mj) = (used.number(3) as f64, used.number(4) as f64);
        assert!(
            (energy_mj - 178e3 * seconds).abs() <= uncertainty_mj.min(0.1 * energy_mj),
            "{rocm} {backend}: {used:?}"
        );
    }
    // hwmon's zero confirms nothing: a running GPU draws some power.
    let sim = Sim::start("mi50-1", "none", &["gpu.0.power.w = 0"]).unwrap();
    Client::open(&sim, "sysfs", OFF).ask("instant 0").fails(UNEXPECTED_DATA, "0 W");
    // Nor does its absence.
    let sim = Sim::start("mi50-1", "none", &["gpu.0.file.power1_input = { open = \"ENOENT\" }"]).unwrap();
    Client::open(&sim, "sysfs", OFF).ask("average 0").fails(UNEXPECTED_DATA, "0 W");
}

/// One table with a time from the future, in the middle of a session: the next good one is good.
#[test]
fn one_table_from_the_future() {
    // Compiled before any machine's clock begins.
    Client::program();
    let ahead = "gpu.3.file.gpu_metrics = { content = \"time_ahead\", from_s = 1.0, for_s = 0.002 }";
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "amdsmi")] {
        let sim = Sim::start("mi300x-8", rocm, &[ahead]).unwrap();
        let mut asked = Client::open(&sim, backend, ADAPTIVE);
        asked.ask("begin").ok();
        // Without a pause, so that one of the tables is such a one.
        while sim.now_ns() < 1_050_000_000 {
            let said = asked.ask("energy 3");
            assert!(said.status == 0 || said.status == UNEXPECTED_DATA, "{backend}: {said:?}");
        }
        for _ in 0..100 {
            for what in ["energy 3", "instant 3", "temperature 3"] {
                asked.ask(what).ok();
            }
        }
        let used = asked.ask("end 3").ok();
        let truth = &sim.machine().gpus()[3];
        let joules = truth.energy_between_j(sim.machine_ns(used.number(5)), sim.machine_ns(used.number(6)));
        assert!((used.number(3) as f64 - joules * 1e3).abs() <= used.number(4) as f64, "{used:?}, {joules} J");
    }
}

/// A revision that this library does not know is called that, not a driver without values.
#[test]
fn an_unknown_revision() {
    let with = [
        "gpu.3.file.gpu_metrics = { content = \"revision\" }",
        "gpu.3.file.power1_input = { open = \"ENOENT\" }",
        "gpu.3.file.temp2_input = { open = \"ENOENT\" }",
    ];
    for (rocm, backend) in
        [("none", "sysfs"), ("7.0.2", "auto"), ("6.3.3", "amdsmi"), ("7.0.2", "amdsmi"), ("10.0", "amdsmi")]
    {
        let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
        let mut asked = Client::open(&sim, backend, ADAPTIVE);
        for what in ["energy 3", "raw 3", "instant 3", "temperature 3"] {
            asked.ask(what).fails(UNEXPECTED_DATA, "revision 99.99, which is unknown");
        }
    }
}

/// A GPU whose files fail at open and later: its counter could not be read, which is not to say that there is none. It is
/// checked as soon as it can be read.
#[test]
fn a_counter_that_cannot_be_read() {
    const TRUSTED: u64 = 1;
    const UNREADABLE: u64 = 9;
    for validation in [ADAPTIVE, "1"] {
        for errno in [libc::ETIME, libc::EIO] {
            let sim = Sim::start("mi300x-8", "none", NONE).unwrap();
            sim.break_files(3, errno);
            let mut asked = Client::open(&sim, "sysfs", validation);
            assert_eq!(asked.ask("info 3").ok().number(1), UNREADABLE, "{errno}");
            for what in ["energy 3", "raw 3", "instant 3"] {
                asked.ask(what).fails(IO, "the kernel returned");
            }
            sim.break_files(3, 0);
            assert!(happens(|| asked.ask("info 3").ok().number(1) == TRUSTED), "{errno}");
            asked.ask("energy 3").ok();
        }
    }
}

/// The kernel's error is what a setting that cannot be read gives too.
#[test]
fn settings_that_cannot_be_read() {
    for (errno, status) in [("ETIME", IO), ("EPERM", BUSY), ("EBUSY", BUSY), ("EIO", IO)] {
        for (file, what) in [("power1_cap", "limit 3"), ("pp_dpm_sclk", "levels 3"), ("pp_od_clk_voltage", "range 3")] {
            let fault = format!("gpu.3.file.{file} = {{ read = \"{errno}\" }}");
            let sim = Sim::start("mi300x-8", "none", &[fault]).unwrap();
            let mut asked = Client::open(&sim, "sysfs", OFF);
            asked.ask(what).fails(status, file);
            asked.ask(&what.replace('3', "2")).ok();
        }
    }
}
