//! The kernel's files with nothing beside them: settings, guards, dies, partitions, a machine without KFD.

use super::client::{Client, ADAPTIVE, BUSY, NOT_SUPPORTED, OFF, SYSFS};
use super::common;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use zeus_amd_sim::start::happens;
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
    assert!(happens(|| read().is_some()), "{} cannot be read", path.display());
    read().unwrap_or_default().trim().to_owned()
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
    let (now, cap) = (|| clocks(sim, gpu), || cap_uw(sim, gpu));
    assert!(happens(is), "not so: {what}; now {:?}, {} µW, after {:#?}", now(), cap(), sim.log());
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
        let mut asked = Client::open(&sim, "sysfs", OFF);
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
    let mut asked = Client::open(&sim, "auto", OFF);
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

/// An APU has no junction sensor: the edge sensor's temperature is given; it has no limit, and nothing is said of one of
/// 1000 W.
#[test]
fn an_apu() {
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("7.13", "auto")] {
        let sim = Sim::start("strix-halo-1", rocm, NONE).unwrap();
        let mut asked = Client::open(&sim, backend, OFF);
        assert_eq!(asked.ask("temperature 0").ok().number(0), 88, "{rocm} {backend}");
        assert_eq!(asked.ask("average 0").ok().number(0), 119_000, "{rocm} {backend}");
        // And flagged so.
        assert_eq!(asked.ask("flags 0").ok().number(0), 256, "{rocm} {backend}");
        let limit = asked.ask("limit 0");
        assert!(limit.status == NOT_SUPPORTED && !limit.text.contains("1000"), "{limit:?}");
        assert_eq!(asked.ask("levels 0").ok().words[..2], ["600", "2900"], "{rocm} {backend}");
    }
    // Its table in the older form, which libamd_smi cannot read.
    for metrics in ["2.1", "2.2", "2.4"] {
        let sim = Sim::start("strix-halo-1", "6.3.3", &[format!("all.metrics = \"{metrics}\"")]).unwrap();
        let mut asked = Client::open(&sim, "auto", OFF);
        assert_eq!(asked.ask("average 0").ok().number(0), 119_000, "{metrics}");
    }
    // No table at all.
    let sim = Sim::start("strix-halo-1", "7.0.2", &["all.metrics = \"none\""]).unwrap();
    assert_eq!(Client::open(&sim, "auto", OFF).ask("average 0").ok().number(0), 119_000);
}

/// The lowest level of Navi does not move with the load, through no source.
#[test]
fn levels_of_navi() {
    for rocm in ["none", "6.1.2", "6.3.3", "6.4.3", "7.0.2", "10.0"] {
        for now in [41, 1300, 2475] {
            let sim = Sim::start("rx6800-1", rocm, &[format!("gpu.0.clocks.gfx.now = {now}")]).unwrap();
            for backend in ["auto", "amdsmi"].iter().take(if rocm == "none" { 1 } else { 2 }) {
                let mut asked = Client::open(&sim, backend, OFF);
                assert_eq!(asked.ask("levels 0").ok().words[..2], ["500", "2475"], "{rocm} {now} {backend}");
                assert_eq!(asked.ask("range 0").ok().words[..2], ["500", "2800"], "{rocm} {now} {backend}");
            }
        }
    }
}

/// RDNA4 has no bounds of the graphics clock: a lock and the range say so, and nothing is written.
#[test]
fn a_clock_with_an_offset_only() {
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("7.0.2", "amdsmi")] {
        let sim = Sim::start("rx9070-1", rocm, NONE).unwrap();
        let mut asked = Client::open(&sim, backend, OFF);
        asked.ask("range 0").fails(NOT_SUPPORTED, "knows only an offset");
        asked.ask("lock 0").fails(NOT_SUPPORTED, "knows only an offset");
        assert_eq!(clocks(&sim, 0).0, "auto");
    }
}

/// A GPU that is masked out is not touched, nor a suspended one, whatever is asked: BUSY, until it is in use again.
#[test]
fn gpus_that_are_left_alone() {
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("7.0.2", "amdsmi")] {
        for suspended in ["no", "resumes", "refuses"] {
            let with = [format!("all.suspended = \"{suspended}\"")];
            let sim = Sim::start("rx7900-2", rocm, &with).unwrap();
            let mut command = sim.command(Client::program());
            command.env("ZEUS_AMD_BACKEND", backend).env("HIP_VISIBLE_DEVICES", "0").arg(ADAPTIVE);
            let mut asked = Client::start(command);
            asked.ask("open").ok();
            let context = format!("{rocm} {backend} {suspended}");
            let all =
                ["instant 0", "average 0", "temperature 0", "energy 0", "raw 0", "limit 0", "levels 0", "range 0"];
            let said: Vec<_> = all.iter().map(|what| asked.ask(what)).collect();
            asked.ask("all 1 88").ok();
            asked.ask("begin").ok();
            let ended = asked.ask("end 0");
            // With no energy at all the total is refused, for the GPU's own reason.
            assert_eq!(ended.status, if suspended == "no" { 0 } else { BUSY }, "{context}: {ended:?}");
            asked.ask("explain").ok();
            assert_eq!(sim.touched(1), 0, "{context}: masked out");
            if suspended == "no" {
                assert!(sim.touched(0) > 0, "{context}");
            } else {
                assert_eq!(sim.touched(0), 0, "{context}");
                for (what, said) in all.iter().zip(said) {
                    assert!(
                        said.status == BUSY && said.text.contains("runtime-suspended"),
                        "{context} {what}: {said:?}"
                    );
                }
            }
        }
    }
}

/// With the option a suspended GPU is resumed. Its power is 0 for a while then, which is not its power.
#[test]
fn a_suspended_gpu_is_resumed_on_request() {
    const WAKE_SUSPENDED: &str = "16";
    for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "amdsmi")] {
        let with = ["gpu.0.suspended = \"resumes\"", "gpu.0.resume_s = 0.5"];
        let sim = Sim::start("rx7900-2", rocm, &with).unwrap();
        let mut asked = Client::new(&sim, backend, &[OFF, "0", "0", WAKE_SUSPENDED]);
        asked.ask("open").ok();
        let first = asked.ask("average 0");
        assert!(first.status == 0 && first.number(0) == 55_000 || first.text.contains("0 W"), "{first:?}");
        assert!(sim.resumed_ns(0).is_some(), "{backend}");
        assert!(happens(|| asked.ask("average 0").status == 0), "{backend}");
        assert_eq!(asked.ask("average 0").ok().number(0), 55_000, "{backend}");
        assert!(sim.now_ns() >= sim.resumed_ns(0).unwrap() + 500_000_000, "{backend}: too early");
    }
}

/// The dies of MI200: a masked-out one is read only where no link shows which die it is.
#[test]
fn masked_out_dies() {
    let roles = |sim: &Sim, mask: &str| {
        let mut command = sim.command(Client::program());
        command.env("ZEUS_AMD_BACKEND", "sysfs").env("ROCR_VISIBLE_DEVICES", mask).arg(OFF);
        let mut asked = Client::start(command);
        asked.ask("open").ok();
        let count = mask.split(',').count();
        (0..count).map(|gpu| asked.ask(&format!("info {gpu}")).ok().number(3)).collect::<Vec<_>>()
    };
    let sim = Sim::start("mi250x-4", "none", NONE).unwrap();
    assert_eq!(roles(&sim, "1,4"), [2, 1]);
    for gpu in [0, 2, 3, 5, 6, 7] {
        assert_eq!(sim.touched(gpu), 0, "GPU {gpu}");
    }
}

/// A job that holds only later partitions reads the package's energy from the files of the first one.
#[test]
fn later_partitions_alone() {
    for (how, rocm, backend) in [
        ("", "none", "sysfs"),
        ("gpu.0.partition_is_function = true", "none", "sysfs"),
        ("", "7.0.2", "auto"),
        ("", "7.0.2", "amdsmi"),
    ] {
        let with = ["gpu.0 = { compute_partition = \"CPX\", partitions = 8 }", how];
        let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
        let mut command = sim.command(Client::program());
        command.env("ZEUS_AMD_BACKEND", backend).env("ROCR_VISIBLE_DEVICES", "2,3").arg(ADAPTIVE);
        let mut asked = Client::start(command);
        asked.ask("open").ok();
        let context = format!("{how} {rocm} {backend}");
        asked.ask("begin").ok();
        asked.ask("energy 0").ok();
        assert_eq!(asked.ask("instant 0").ok().number(0), 412_000, "{context}");
        std::thread::sleep(Duration::from_millis(500));
        let used = asked.ask("end 0").ok();
        // By the counter, and of a package with others.
        assert!(used.number(0) == 1 && used.number(1) & 4 != 0, "{context}: {used:?}");
        let truth = &sim.machine().gpus()[0];
        let joules = truth.energy_between_j(sim.machine_ns(used.number(5)), sim.machine_ns(used.number(6)));
        assert!((used.number(3) as f64 - joules * 1e3).abs() <= used.number(4) as f64, "{context}: {used:?}");
        // The others, and what is set, are the first partition's.
        asked.ask("energy 1").fails(NOT_SUPPORTED, "the first partition");
        asked.ask("limit 0").fails(NOT_SUPPORTED, "the first partition");
    }
}

/// libamd_smi remembers the path of hwmon; the files may move all the same.
#[test]
fn a_limit_after_hwmon_was_renumbered() {
    let sim = Sim::start("mi300x-8", "7.0.2", NONE).unwrap();
    let mut asked = Client::open(&sim, "auto", OFF);
    let before = asked.ask("limit 3").ok().words;
    let hwmon = folder(&sim, 3).join("hwmon");
    let old = std::fs::read_dir(&hwmon).unwrap().next().unwrap().unwrap().path();
    std::fs::rename(&old, hwmon.join("hwmon77")).unwrap();
    assert_eq!(asked.ask("limit 3").ok().words, before);
    std::fs::rename(hwmon.join("hwmon77"), old).unwrap();
}
