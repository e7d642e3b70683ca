//! A file that goes wrong under an open session: each fault has its status, none is a number, and when the file is well
//! again so is the session.

use super::asked::{Asked, ADAPTIVE, BUSY, OFF};
use std::path::PathBuf;
use zeus_amd_sim::Sim;

const NONE: &[&str] = &[];
const IO: i64 = -10;
const DEVICE_LOST: i64 = -14;
const UNEXPECTED_DATA: i64 = -25;

fn metrics(sim: &Sim, gpu: usize) -> PathBuf {
    let bdf = sim.machine().gpus()[gpu].bdf.to_string();
    sim.dir().join("sys/bus/pci/devices").join(bdf).join("gpu_metrics")
}

/// A table of the machine, whole, with other bytes at some places.
fn table(sim: &Sim, gpu: usize, changes: &[(usize, &[u8])]) -> Vec<u8> {
    sim.hold();
    // What the machine writes now and then stands still.
    std::thread::sleep(std::time::Duration::from_millis(20));
    let mut bytes = std::fs::read(metrics(sim, gpu)).unwrap();
    sim.run();
    for (at, change) in changes {
        bytes[*at..*at + change.len()].copy_from_slice(change);
    }
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
    for backend in ["auto", "sysfs"] {
        let mut asked = Asked::open(&sim, backend, ADAPTIVE);
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
            let all = asked.ask("all 8 80").ok();
            let third = all.words.iter().position(|w| w == "[").unwrap() + 3 * 14;
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
        let (energy_mj, bound_mj) = (used.number(3), used.number(4));
        assert_eq!((used.number(0), used.words[2].as_str()), (1, "0"), "{used:?}");
        let truth = &sim.machine().gpus()[3];
        let joules = truth.energy_between_j(sim.machine_ns(used.number(5)), sim.machine_ns(used.number(6)));
        let off = (energy_mj as f64 - joules * 1e3).abs();
        assert!(off <= bound_mj as f64 && bound_mj < energy_mj / 10 + 3000, "{used:?}, {joules} J");
    }
}

/// A GPU that cannot be read at the end of a window: said so, and what it may have drawn is inside the bound.
#[test]
fn a_gpu_is_gone_at_the_end() {
    const STALE: u64 = 16;
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    for errno in [libc::ENODEV, libc::EPERM] {
        let mut asked = Asked::open(&sim, "auto", ADAPTIVE);
        asked.ask("begin").ok();
        std::thread::sleep(std::time::Duration::from_millis(300));
        sim.break_files(3, errno);
        std::thread::sleep(std::time::Duration::from_millis(100));
        let used = asked.ask("end 3").ok();
        sim.break_files(3, 0);
        assert_eq!(used.number(1) & STALE, STALE, "{used:?}");
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
        let mut asked = Asked::open(&sim, backend, OFF);
        asked.ask("energy 3").ok();
        sim.break_files(3, libc::ENODEV);
        asked.ask("energy 3").fails(DEVICE_LOST, "the GPU is gone");
        // Gone altogether.
        let (path, aside) = (metrics(&sim, 3), metrics(&sim, 3).with_extension("aside"));
        std::fs::rename(&path, &aside).unwrap();
        asked.ask("energy 3").fails(DEVICE_LOST, "the GPU is gone");
        let bytes = std::fs::read(&aside).unwrap();
        let fresh = 123_456_789_u64.to_le_bytes();
        let revision = [0, 0, 1, 6];
        assert_eq!(bytes[2..4], revision[2..], "the offset below is that of 1.6");
        replace(&sim, 3, &table(&sim, 2, &[(16, &fresh)]));
        assert_eq!(asked.ask("raw 3").ok().number(0), 123_456_789, "{backend}");
        assert_eq!(asked.ask("instant 3").ok().number(0), 688_000, "{backend}: that of the GPU whose table it is");
        std::fs::rename(&aside, &path).unwrap();
        sim.break_files(3, 0);
    }
}

/// Tables that are none, or have nothing in them, from the start of a session or in the middle of one.
#[test]
fn a_table_that_is_none_is_no_number() {
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    let good = table(&sim, 0, &[]);
    let ones = |n: usize| vec![0xFF; n];
    let filled = |changes: &[(usize, &[u8])]| table(&sim, 0, changes);
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
        ("another size said", filled(&[(0, &(good.len() as u16 + 8).to_le_bytes())]), UNEXPECTED_DATA),
        ("another revision", filled(&[(2, &[99, 99])]), UNEXPECTED_DATA),
        ("a known revision of another size", filled(&[(2, &[1, 5])]), UNEXPECTED_DATA),
        ("nothing filled", unavailable, -4),
        ("no counter", filled(&[(16, &ones(8))]), -4),
        ("no counter, in 32 bits", filled(&[(16, &[255, 255, 255, 255, 0, 0, 0, 0])]), -4),
    ] {
        let path = metrics(&sim, 0);
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        replace(&sim, 0, &good);
        let mut open = Asked::open(&sim, "sysfs", OFF);
        open.ask("energy 0").ok();
        // The same file, so the descriptor that is open sees it.
        std::fs::write(&path, &bytes).unwrap();
        let mut late = Asked::open(&sim, "sysfs", OFF);
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
            let all = asked.ask("all 8 80").ok();
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
