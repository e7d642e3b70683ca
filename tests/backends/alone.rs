//! The kernel's files with nothing beside them: settings, guards, dies, partitions, a machine without KFD.

use super::asked::{Asked, NOT_SUPPORTED, OFF, SYSFS};
use super::common;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zeus_amd_sim::tree::od::Limits;
use zeus_amd_sim::Sim;

const NONE: &[&str] = &[];

fn folder(sim: &Sim, gpu: usize) -> PathBuf {
    sim.dir().join("sys/bus/pci/devices").join(sim.machine().gpus()[gpu].bdf.to_string())
}

/// The machine makes a settings file anew now and then.
fn file(sim: &Sim, gpu: usize, name: &str) -> String {
    let path = folder(sim, gpu).join(name);
    let read = || std::fs::read_to_string(&path).ok().filter(|t| !t.is_empty());
    let text = (0..10_000).find_map(|_| {
        std::thread::sleep(Duration::from_millis(1));
        read()
    });
    text.unwrap_or_else(|| panic!("{} cannot be read", path.display())).trim().to_owned()
}

/// A plain file is empty for a moment while it is written, which the kernel's is not: then it is read again.
fn cap_uw(sim: &Sim, gpu: usize) -> u64 {
    let hwmon = std::fs::read_dir(folder(sim, gpu).join("hwmon")).unwrap().next().unwrap().unwrap().path();
    loop {
        let text = std::fs::read_to_string(hwmon.join("power1_cap")).unwrap();
        if !text.is_empty() {
            return text.trim().parse().unwrap();
        }
    }
}

/// Level, graphics bounds, memory bounds.
fn clocks(sim: &Sim, gpu: usize) -> (String, Option<[u32; 2]>, Option<[u32; 2]>) {
    let limits = Limits::parse(&file(sim, gpu, "pp_od_clk_voltage"));
    (file(sim, gpu, "power_dpm_force_performance_level"), limits.gfx, limits.mem)
}

/// The machine answers a written setting within some milliseconds, where the kernel does at once.
#[track_caller]
fn soon(sim: &Sim, gpu: usize, what: &str, is: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(
            Instant::now() < end,
            "not so: {what}; now {:?}, {} µW, after {:#?}",
            clocks(sim, gpu),
            cap_uw(sim, gpu),
            sim.log()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs `control.c` or `guard.c`, and returns what it printed.
fn run(sim: &Sim, program: &str, steps: &str, masks: &[(&str, &str)]) -> String {
    static PROGRAMS: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    let built = PROGRAMS[usize::from(program == "guard")].get_or_init(|| common::c_program(program));
    let mut command: Command = sim.command(built);
    command.env("ZEUS_AMD_BACKEND", "sysfs").args(steps.split_whitespace()).envs(masks.iter().copied());
    let out = command.output().unwrap();
    assert!(out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The statuses of the steps.
fn statuses(text: &str) -> Vec<i32> {
    text.lines().map(|l| l.split(' ').nth(1).unwrap().parse().unwrap()).collect()
}

/// Under masks, where HIP's order is not PCI order: exactly that GPU.
#[test]
fn a_limit() {
    for rocm in ["none", "7.0.2"] {
        let sim = Sim::start("mi350x-8", rocm, NONE).unwrap();
        let target = sim.machine().in_hip_order()[6].gpu;
        let before: Vec<u64> = (0..8).map(|gpu| cap_uw(&sim, gpu)).collect();
        let masks = [("ROCR_VISIBLE_DEVICES", "6,2,5"), ("HIP_VISIBLE_DEVICES", "2,0")];
        let said = run(&sim, "control", "limit 1 801000 read_limit 1 0 limit 1 99999000 limit 1 0", &masks);
        assert_eq!(statuses(&said), [0, 0, -23, -1], "{said}");
        assert!(said.contains("801000"), "{said}");
        for (gpu, old) in before.iter().enumerate() {
            assert_eq!(cap_uw(&sim, gpu), if gpu == target { 801_000_000 } else { *old }, "{gpu}");
        }
        assert_eq!(statuses(&run(&sim, "control", "reset_limit 1 0", &masks)), [0]);
        assert_eq!(cap_uw(&sim, target), sim.machine().gpus()[target].default_cap_uw());
        assert!(!sim.log().iter().any(|l| l.contains(" amdsmi_")), "libamd_smi was called");
    }
}

#[test]
fn clock_locks() {
    let sim = Sim::start("mi300x-8", "none", NONE).unwrap();
    let free = clocks(&sim, 2);
    let said = run(&sim, "control", "gfx 2 1000:1500 gfx 2 1600:2000 gfx 2 600:900 mem 2 1100:1200 gfx 2 100:900", &[]);
    assert_eq!(statuses(&said), [0, 0, 0, 0, -23], "{said}");
    soon(&sim, 2, "both are locked", || clocks(&sim, 2) == ("manual".into(), Some([600, 900]), Some([1100, 1200])));
    // Manual first, then the bounds, in an order that never has the lower one above the upper one.
    let log = sim.log();
    let at = |word: &str| log.iter().position(|l| l.contains(word)).unwrap_or_else(|| panic!("no {word}: {log:#?}"));
    assert!(at("power_dpm_force_performance_level manual") < at("pp_od_clk_voltage"), "{log:#?}");
    assert_eq!(clocks(&sim, 3).0, "auto", "another GPU");
    assert_eq!(statuses(&run(&sim, "control", "reset_clocks 2 0", &[])), [0]);
    soon(&sim, 2, "all is as it was", || clocks(&sim, 2) == free);
}

/// A guard of a session that has the files alone; also its watcher, when the program is killed.
#[test]
fn guards() {
    for (steps, dies) in [("begin CHANGES end", false), ("begin CHANGES close", false), ("watch CHANGES abort", true)] {
        let sim = Sim::start("mi300x-8", "none", NONE).unwrap();
        let before = (cap_uw(&sim, 0), clocks(&sim, 0));
        let steps = steps.replace("CHANGES", "limit 0 300000 gfx 0 600 900");
        let said = run(&sim, "guard", &steps, &[]);
        assert!(dies || statuses(&said).iter().all(|s| *s == 0), "{said}");
        soon(&sim, 0, &steps, || (cap_uw(&sim, 0), clocks(&sim, 0)) == before);
        let log = sim.log();
        assert!(log.iter().any(|l| l.contains("power1_cap 300000000")), "it was changed at all: {log:#?}");
    }
}

/// One GPU in partitions, by either way of numbering them: the first has power and energy, the others say who.
#[test]
fn partitions() {
    for how in ["", "gpu.0.partition_is_function = true"] {
        let with = ["gpu.0 = { compute_partition = \"CPX\", partitions = 8 }", how];
        let sim = Sim::start("mi300x-8", "none", &with).unwrap();
        let mut asked = Asked::open(&sim, "sysfs", OFF);
        assert_eq!(asked.ask("explain").number(0), 15, "{how}");
        asked.ask("energy 0").ok();
        for gpu in 1..8 {
            asked.ask(&format!("energy {gpu}")).fails(NOT_SUPPORTED, "GPU 0 has it");
            asked.ask(&format!("limit {gpu}")).fails(NOT_SUPPORTED, "GPU 0 has it");
        }
        assert_eq!(asked.ask("instant 8").ok().number(0), 137_000);
    }
}

/// No KFD at all: the cards, by PCI address, and that this need not be HIP's order.
#[test]
fn without_kfd() {
    let sim = Sim::start("mi350x-8", "none", &["kfd = false"]).unwrap();
    let mut asked = Asked::open(&sim, "auto", OFF);
    let mut addresses: Vec<String> = sim.machine().gpus().iter().map(|g| g.bdf.to_string()).collect();
    addresses.sort();
    for (gpu, address) in addresses.iter().enumerate() {
        let info = asked.ask(&format!("info {gpu}")).ok();
        assert_eq!((info.number(0), info.number(2), &info.words[5]), (SYSFS, 2, address), "{info:?}");
        asked.ask(&format!("energy {gpu}")).ok();
    }
    assert!(asked.ask("explain").text.contains("may differ from HIP's"));
    assert!(asked.log().contains("HIP's order of the GPUs is not certain"));
}
