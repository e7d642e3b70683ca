//! Guards: the machine is left as it was found, however the program ends.

mod common;
#[path = "guard/shared.rs"]
mod shared;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const GENERATIONS: [&str; 9] = ["6.0.0", "6.1.1", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"];

fn program(sim: &Sim, steps: &str) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("guard")));
    // Through libamd_smi where there is one: the tests plant its faults.
    if sim.library().exists() {
        command.env("ZEUS_AMD_BACKEND", "amdsmi");
    }
    command.args(steps.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `guard.c` to its end; what it printed.
fn run(sim: &Sim, steps: &str) -> String {
    let out = program(sim, steps).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    text
}

/// A program that still runs, and its lines.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(sim: &Sim, steps: &str) -> Running {
        let mut child = program(sim, steps).stderr(Stdio::inherit()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Lets an "await" go on.
    fn go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    }

    fn end(mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// All settings of a GPU: cap, level, table of clocks.
fn settings(sim: &Sim, gpu: usize) -> [String; 3] {
    let device = sim.dir().join(format!("sys/bus/pci/devices/{}", sim.machine().gpus()[gpu].bdf));
    let hwmon = std::fs::read_dir(device.join("hwmon")).unwrap().next().unwrap().unwrap().path();
    let files =
        [hwmon.join("power1_cap"), device.join("power_dpm_force_performance_level"), device.join("pp_od_clk_voltage")];
    // A second die has no cap.
    files.map(|f| std::fs::read_to_string(f).unwrap_or_default().trim().to_owned())
}

fn all(sim: &Sim) -> Vec<[String; 3]> {
    (0..sim.machine().gpus().len()).map(|g| settings(sim, g)).collect()
}

#[track_caller]
fn soon(sim: &Sim, wanted: &[[String; 3]], what: &str) {
    assert!(happens(|| all(sim) == wanted), "{what}: {:?} is not {wanted:?}", all(sim));
}

/// The pids whose parent is this one, with their names.
fn children(of: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let value =
            |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or_default().trim().to_owned();
        if value("PPid:") == of.to_string() {
            found.push((pid, value("Name:")));
        }
    }
    found
}

/// Does it run? One that only waits for init to notice its end does not.
fn exists(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

#[track_caller]
fn gone_soon(pid: u32) {
    assert!(happens(|| !exists(pid)), "process {pid} is still there");
}

const CHANGES: &str = "limit 0 300000 limit 2 400000 gfx 0 600 900 gfx 3 1000 1000 mem 3 1000 1100";
/// For releases that cannot lock a clock to one value.
const OLD_CHANGES: &str = "limit 0 300000 limit 2 400000 gfx 0 600 900 gfx 3 1000 1200 mem 3 1000 1100";

fn changes(rocm: &str) -> &'static str {
    if ["6.0.0", "6.1.1", "6.1.2", "6.2.4"].contains(&rocm) {
        OLD_CHANGES
    } else {
        CHANGES
    }
}

#[test]
fn the_end_puts_everything_back_and_touches_nothing_else() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        let before = all(&sim);
        for flags in ["begin", "watch"] {
            assert_eq!(run(&sim, &format!("{flags} end")), "end 0 \n", "{rocm}");
            assert!(!sim.log().iter().any(|l| l.contains("amdsmi_set_")), "{rocm}: nothing differs, nothing is set");
        }
        for flags in ["begin", "watch"] {
            assert_eq!(run(&sim, &format!("{flags} {} end", changes(rocm))), "end 0 \n", "{rocm}");
            assert_eq!(all(&sim), before, "{rocm}");
        }
        // Two limits in two programs, and back by the files, which cannot be another GPU's; no other GPU was called.
        let caps = sim.log().iter().filter(|l| l.contains("amdsmi_set_power_cap")).count();
        assert_eq!(caps, 4, "{rocm}");
        let touched = |g: usize| sim.log().iter().any(|l| l.contains("amdsmi_set_") && l.contains(&format!(" {g} ")));
        let others: Vec<usize> = (0..8).filter(|g| touched(*g)).collect();
        assert_eq!(others, [0, 2, 3], "{rocm}");
    }
}

#[test]
fn nested_guards_end_in_order() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let before = all(&sim);
    let mut p = Running::start(
        &sim,
        "watch limit 0 300000 gfx 0 600 900 say a await watch limit 0 500000 limit 1 500000 gfx 0 1500 2000 mem 0 1000 1000
         say b await end say c await end say d",
    );
    assert_eq!(p.line(), "a");
    let inner = all(&sim);
    assert_eq!((inner[0][0].as_str(), inner[0][1].as_str()), ("300000000", "manual"));
    p.go();
    assert_eq!(p.line(), "b");
    assert_ne!(all(&sim), inner);
    assert_eq!(children(p.child.id()).len(), 1, "one watcher serves for both");
    p.go();
    assert_eq!((p.line(), p.line()), ("end 0".into(), "c".into()));
    assert_eq!(all(&sim), inner);
    p.go();
    assert_eq!((p.line(), p.line()), ("end 0".into(), "d".into()));
    assert_eq!(all(&sim), before);
    assert!(p.end().success());
}

/// The outer one first: the inner one ends with it, and its own end is nothing more.
#[test]
fn an_outer_guard_ends_the_inner_ones() {
    let sim = Sim::start("mi300x-8", "6.4.3", &[] as &[&str]).unwrap();
    let before = all(&sim);
    let mut p = Running::start(
        &sim,
        "begin limit 0 300000 watch limit 0 500000 end_first say a await limit 0 600000 end say b",
    );
    assert_eq!((p.line(), p.line()), ("end_first 0".into(), "a".into()));
    assert_eq!(all(&sim), before);
    assert_eq!(children(p.child.id()), []);
    p.go();
    assert_eq!((p.line(), p.line()), ("end 0".into(), "b".into()));
    assert_eq!(settings(&sim, 0)[0], "600000000", "set after both had ended");
    assert!(p.end().success());
}

/// Closing ends the guards; what is left of them can still be freed.
#[test]
fn close_ends_guards() {
    for rocm in GENERATIONS {
        let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        let before = all(&sim);
        for steps in
            ["begin CHANGES close end", "watch CHANGES begin limit 0 600000 close end end", "watch CHANGES close"]
        {
            let text = run(&sim, &steps.replace("CHANGES", changes(rocm)));
            assert!(text.lines().all(|l| l == "end 0 "), "{rocm}: {text}");
            assert_eq!(all(&sim), before, "{rocm} {steps}");
        }
    }
}

#[test]
fn bad_arguments() {
    let sim = Sim::start("mi210-1", "7.0.2", &[] as &[&str]).unwrap();
    let text = run(&sim, "flags");
    assert!(text.starts_with("flags -1 ") && text.contains("0x6"), "{text}");
}

/// However the program dies, within a second the machine is as before.
#[test]
fn a_watcher_puts_back_after_any_death() {
    for (i, rocm) in GENERATIONS.into_iter().enumerate() {
        let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        let before = all(&sim);
        for how in ["kill", "abort", "exit", "return", "exec"] {
            // All ways with some releases, the worst one with each.
            if how != "kill" && i % 4 != 0 {
                continue;
            }
            let steps = format!("threads watch {} begin say ready await {how}", changes(rocm));
            let mut p = Running::start(&sim, &steps);
            assert_eq!(p.line(), "ready", "{rocm}");
            assert_ne!(all(&sim), before);
            let watchers = children(p.child.id());
            assert_eq!(watchers.iter().map(|w| w.1.as_str()).collect::<Vec<_>>(), ["zeus_amd-guard"], "{rocm}");
            p.go();
            if how == "exec" {
                soon(&sim, &before, how);
                p.kill();
            } else {
                let status = p.end();
                let signal = match how {
                    "kill" => Some(libc::SIGKILL),
                    "abort" => Some(libc::SIGABRT),
                    _ => None,
                };
                assert_eq!(status.signal(), signal);
                soon(&sim, &before, how);
            }
            gone_soon(watchers[0].0);
        }
    }
}

/// A manual level with a lock from before comes back as such, by the kernel's files alone.
#[test]
fn a_watcher_puts_back_an_older_lock() {
    for rocm in ["6.2.4", "7.0.2", "10.0"] {
        let sim = Sim::start("mi250x-4", rocm, &[] as &[&str]).unwrap();
        run(&sim, "gfx 0 700 1200 mem 0 700 1200 gfx 1 500 900 limit 2 400000");
        let before = all(&sim);
        let mut p = Running::start(
            &sim,
            "watch limit 0 300000 limit 2 350000 gfx 0 1300 1600 gfx 1 1000 1100 gfx 3 600 700 say ready await kill",
        );
        assert_eq!(p.line(), "ready");
        p.go();
        p.end();
        soon(&sim, &before, rocm);
    }
}

/// Children that outlive the program hold copies of what it had open, and keep nobody from noticing its end.
#[test]
fn children_that_outlive_the_program_do_not_keep_it_alive() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let before = all(&sim);
    for how in ["fork_exec", "fork"] {
        for death in ["kill", "exit", "abort"] {
            let mut p = Running::start(&sim, &format!("watch {CHANGES} {how} sleep_ms 50 say ready await {death}"));
            assert_eq!(p.line(), "ready");
            assert_ne!(all(&sim), before, "a child cannot end a guard");
            let of: Vec<_> = children(p.child.id());
            assert_eq!(of.len(), 2, "{of:?}");
            p.go();
            p.end();
            soon(&sim, &before, &format!("{how} {death}"));
            let outliving = of.iter().find(|c| c.1 != "zeus_amd-guard").unwrap();
            assert!(exists(outliving.0), "{of:?}");
            // SAFETY: a process that the test started.
            unsafe { libc::kill(outliving.0 as i32, libc::SIGKILL) };
        }
    }
}

/// Ctrl-C in a terminal goes to the process group: the watcher is not in it.
#[test]
fn a_signal_to_the_group_spares_the_watcher() {
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGKILL] {
        let sim = Sim::start("mi210-1", "7.0.2", &[] as &[&str]).unwrap();
        let before = all(&sim);
        let mut child = program(&sim, "watch limit 0 200000 say ready await").spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        // SAFETY: the group of a process that the test started.
        unsafe { libc::kill(-(child.id() as i32), signal) };
        assert_eq!(child.wait().unwrap().signal(), Some(signal));
        soon(&sim, &before, "a signal to the group");
    }
}

/// The host is not told of a child, finds none, and has no more open than before.
#[test]
fn the_host_does_not_notice_the_watcher() {
    let sim = Sim::start("mi210-1", "7.0.2", &[] as &[&str]).unwrap();
    for before in ["on_sigchld", "ignore_sigchld", "threads"] {
        let steps = format!(
            "settle {before} descriptors watch wait_any limit 0 200000 wait_any end wait_any sigchlds descriptors watch end watch close end wait_any sigchlds pid await"
        );
        let mut p = Running::start(&sim, &steps);
        let mut lines = Vec::new();
        while lines.last().map_or(true, |l: &String| !l.starts_with("pid")) {
            lines.push(p.line());
        }
        let of = |word: &str| lines.iter().filter(|l| l.starts_with(word)).cloned().collect::<Vec<_>>();
        assert_eq!(of("wait_any"), ["wait_any ECHILD"; 4], "{before}");
        assert_eq!(of("sigchlds"), ["sigchlds 0"; 2], "{before}");
        let descriptors = of("descriptors");
        assert_eq!(descriptors[0], descriptors[1], "{before}");
        assert_eq!(children(p.child.id()), [], "{before}: a zombie is left");
        p.go();
        assert!(p.end().success());
    }
}

/// What a watcher holds: the wire and the host's pidfd, no folder, no terminal, no memory to speak of.
#[test]
fn a_watcher_holds_nothing_of_the_host() {
    for kind in ["memory", "heap"] {
        holds_nothing(kind);
    }
}

/// Of 256 MB of this kind.
fn holds_nothing(kind: &str) {
    let sim = Sim::start("mi210-1", "7.0.2", &[] as &[&str]).unwrap();
    let mut p = Running::start(&sim, &format!("threads {kind} watch limit 0 200000 say ready await"));
    assert_eq!(p.line(), "ready");
    let host = p.child.id();
    let watcher = children(host)[0].0;
    let link = |name: &str| std::fs::read_link(format!("/proc/{watcher}/{name}")).unwrap();
    let open: Vec<String> = std::fs::read_dir(format!("/proc/{watcher}/fd"))
        .unwrap()
        .map(|e| link(&format!("fd/{}", e.unwrap().file_name().to_str().unwrap())).display().to_string())
        .collect();
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.iter().any(|o| o.starts_with("socket:")) && open.iter().any(|o| o.contains("pidfd")), "{open:?}");
    assert_eq!(link("cwd"), PathBuf::from("/"));
    let stat = std::fs::read_to_string(format!("/proc/{watcher}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let (group, session) = (fields[2], fields[3]);
    assert_eq!((group, session), (watcher.to_string().as_str(), watcher.to_string().as_str()));
    let kept_kb = || -> u64 {
        let rollup = std::fs::read_to_string(format!("/proc/{watcher}/smaps_rollup")).unwrap();
        let anonymous = rollup.lines().find_map(|l| l.strip_prefix("Anonymous:")).unwrap();
        anonymous.split_whitespace().next().unwrap().parse().unwrap()
    };
    // It gives the memory back after the guard has begun.
    assert!(happens(|| kept_kb() < 16 << 10), "{kind}: {} kB of the host's 256 MB are kept", kept_kb());
    p.go();
    assert!(p.end().success());
    gone_soon(watcher);
}

/// A setter of libamd_smi that fails at the end: the kernel's files bring it back; where they do not either, that is told.
#[test]
fn an_end_that_libamd_smi_refuses_goes_by_the_kernel_s_files() {
    let fault = "gpu.0.fault.amdsmi_set_power_cap = { status = 30, after = 1 }";
    let sim = Sim::start("mi300x-8", "7.0.2", &[fault]).unwrap();
    let before = all(&sim);
    let text = run(&sim, "begin limit 0 300000 limit 1 300000 gfx 0 600 900 end");
    assert!(text.starts_with("end 0"), "{text}");
    soon(&sim, &before, "by the kernel's files");
    let sim = Sim::start("mi300x-8", "7.0.2", &[fault]).unwrap();
    let cap = |i: usize| {
        let hwmon = sim.dir().join(format!("sys/bus/pci/devices/{}/hwmon", sim.machine().gpus()[i].bdf));
        std::fs::read_dir(hwmon).unwrap().next().unwrap().unwrap().path().join("power1_cap")
    };
    let text = run(&sim, &format!("begin limit 0 300000 limit 1 300000 remove {} end", cap(0).display()));
    assert!(text.starts_with("end -") && text.contains("GPU 0"), "{text}");
    assert_eq!(std::fs::read_to_string(cap(1)).unwrap().trim(), before[1][0], "the others are put back");
}

/// A host without a standard error: what it writes there does not reach the watcher.
#[test]
fn the_wire_is_none_of_the_standard_streams() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let before = all(&sim);
    let mut host =
        program(&sim, "close_fd 2 close_fd 0 watch limit 0 300000 write_fd 2 write_fd 0 kill").spawn().unwrap();
    assert!(!host.wait().unwrap().success());
    soon(&sim, &before, "killed without a standard error");
}

/// What is in force cannot be read for the moment: nothing is changed that could not be restored.
#[test]
fn what_cannot_be_saved_is_not_changed() {
    let fault = "gpu.0.fault.amdsmi_get_power_cap_info = { status = 30, first = 1 }";
    let sim = Sim::start("mi300x-8", "7.0.2", &[fault]).unwrap();
    let before = all(&sim);
    let text = run(&sim, "begin limit 0 300000 say then limit 0 400000 end");
    assert!(text.starts_with("limit -7 GPU 0") && text.ends_with("then\nend 0 \n"), "{text}");
    assert_eq!(all(&sim), before);
    // The files of the clocks, while a GPU is suspended or in reset; then it is there again.
    let busy = |name: &str| format!("gpu.1.file.{name} = {{ read = \"EBUSY\", from_s = 0.0, for_s = 2.0 }}");
    for name in ["power_dpm_force_performance_level", "pp_od_clk_voltage"] {
        for rocm in ["7.0.2", "none"] {
            let sim = Sim::start("mi300x-8", rocm, &[busy(name)]).unwrap();
            sim.stop_clock();
            sim.move_clock(1_000_000_000);
            let mut p = Running::start(&sim, "watch gfx 1 600 900 say now await gfx 1 600 900 end");
            let said = p.line();
            assert!(said.starts_with("gfx -7 GPU 1") && said.contains(name), "{said}");
            assert_eq!(p.line(), "now");
            sim.move_clock(2_000_000_000);
            sim.start_clock();
            let before = all(&sim);
            p.go();
            assert_eq!(p.line(), "end 0");
            assert_eq!(all(&sim), before, "{name} {rocm}");
        }
    }
}

/// Without a free descriptor a guard does not begin, a change is refused, and an end fails and can be repeated.
#[test]
fn without_a_free_descriptor() {
    for rocm in ["6.2.4", "7.0.2", "none"] {
        let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
        let before = all(&sim);
        for flags in ["begin", "watch"] {
            let text = run(&sim, &format!("limit_fds fill_fds {flags} free_fds limit 0 300000 say done"));
            assert!(text.starts_with(&format!("{flags} -9 ")), "{text}");
            assert_eq!(settings(&sim, 0)[0], "300000000", "not through a guard");
            run(&sim, "limit 0 750000");
            let steps = "limit 0 300000 gfx 1 600 900 fill_fds limit 2 300000 end free_fds info 0 end";
            let text = run(&sim, &format!("limit_fds {flags} {steps}"));
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].starts_with("limit -9 ") && lines[1].starts_with("end -9 "), "{rocm}: {text}");
            assert!(lines[2].contains("valid 1 ") && lines[2].contains("750000 mW"), "{rocm}: {text}");
            assert_eq!(lines[3], "end 0 ", "{rocm}");
            assert_eq!(all(&sim), before, "{rocm}");
        }
    }
}

/// What is restored where: the settings that were changed through the guard, with their values from before.
#[test]
fn a_guard_says_what_it_holds() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let steps = "watch info 0 limit 0 300000 gfx 0 600 900 mem 3 1000 1100 info 0 info 1 info 3 begin limit 0 200000 info 0 info 8 end info 0 end";
    let text = run(&sim, steps);
    let expected = [
        "info gpu 0 valid 0 flags 3: 0 mW, 0 to 0, 0 to 0 MHz",
        "info gpu 0 valid 3 flags 3: 750000 mW, 500 to 2100, 0 to 0 MHz",
        "info gpu 1 valid 0 flags 3: 0 mW, 0 to 0, 0 to 0 MHz",
        "info gpu 3 valid 4 flags 3: 0 mW, 0 to 0, 900 to 1300 MHz",
        "info gpu 0 valid 1 flags 3: 300000 mW, 0 to 0, 0 to 0 MHz",
        "info -3 no GPU 8: there are 8",
        "end 0 ",
        "info gpu 0 valid 3 flags 3: 750000 mW, 500 to 2100, 0 to 0 MHz",
        "end 0 ",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
}

/// An end that fails gives nothing up: the guard is open, its watchdog runs, and the next end restores.
#[test]
fn an_end_that_fails_can_be_repeated() {
    let fault = |name: &str| format!("gpu.0.file.{name} = {{ write = \"EBUSY\", from_s = 2.0, for_s = 3.0 }}");
    let faults = ["power1_cap", "power_dpm_force_performance_level", "pp_od_clk_voltage"].map(fault);
    for (rocm, then) in [("none", "end"), ("7.0.2", "end"), ("none", "close"), ("none", "kill")] {
        let sim = Sim::start("mi300x-8", rocm, &faults).unwrap();
        sim.stop_clock();
        sim.move_clock(1_000_000_000);
        let before = all(&sim);
        let steps =
            format!("watch limit 0 300000 gfx 0 600 900 limit 1 300000 say changed await end info 0 await {then}");
        let mut p = Running::start(&sim, &steps);
        assert_eq!(p.line(), "changed");
        sim.move_clock(2_100_000_000);
        p.go();
        let said = p.line();
        assert!(said.starts_with("end -7 GPU 0"), "{rocm}: {said}");
        assert!(p.line().starts_with("info gpu 0 valid 3 flags 3: 750000 mW"), "{rocm}");
        assert_eq!(settings(&sim, 1), before[1], "the others are restored");
        assert_ne!(settings(&sim, 0), before[0]);
        sim.move_clock(5_100_000_000);
        sim.start_clock();
        p.go();
        if then == "end" {
            assert_eq!(p.line(), "end 0", "{rocm}");
        }
        p.end();
        soon(&sim, &before, then);
    }
}

/// With `old_kernel.c` before what the machine preloads.
fn on_old_kernel(sim: &Sim, steps: &str) -> Command {
    let mut command = program(sim, steps);
    command.env("LD_PRELOAD", common::preload("old_kernel", sim)).env("ZEUS_AMD_BACKEND", "auto");
    command
}

/// A sandbox that allows no process refuses the watchdog for good: EPERM is no transient state here.
#[test]
fn a_watchdog_that_is_refused_is_no_permission() {
    let sim = Sim::start("mi210-1", "7.0.2", &[] as &[&str]).unwrap();
    let out = on_old_kernel(&sim, "watch").env("REFUSE_CLONE", "1").output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.starts_with("watch -5 ") && text.contains("watchdog"), "{text}");
}

/// Path of a file of a GPU.
fn file(sim: &Sim, gpu: usize, name: &str) -> PathBuf {
    sim.dir().join(format!("sys/bus/pci/devices/{}/{name}", sim.machine().gpus()[gpu].bdf))
}

/// A level manual that another program has set, and calls of libamd_smi that fail at the end: the bounds are compared
/// with what was saved, and come back through another call or through sysfs.
#[test]
fn a_manual_level_comes_back_where_libamd_smi_refuses() {
    let refuses = |call: &str, after: u32| format!("gpu.0.fault.{call} = {{ status = 10, after = {after} }}");
    let limit = refuses("amdsmi_set_gpu_clk_limit", 1);
    let range = refuses("amdsmi_set_gpu_clk_range", 1);
    let level = refuses("amdsmi_set_gpu_perf_level", 0);
    for (rocm, faults) in [
        ("7.0.2", vec![&limit]),
        ("7.0.2", vec![&limit, &level]),
        ("6.2.4", vec![&range]),
        ("6.2.4", vec![&range, &level]),
    ] {
        let sim = Sim::start("mi300x-8", rocm, &faults).unwrap();
        std::fs::write(file(&sim, 0, "power_dpm_force_performance_level"), "manual\n").unwrap();
        let before = all(&sim);
        assert_eq!(before[0][1], "manual");
        assert_eq!(run(&sim, "begin gfx 0 500 1000 end"), "end 0 \n", "{rocm} {faults:?}");
        soon(&sim, &before, &format!("{rocm} {faults:?}"));
    }
}

/// What no way brings back is an error that names the setting, as it is and as it was.
#[test]
fn an_end_that_does_not_restore_says_what() {
    let refuses = |call: &str| format!("gpu.0.fault.{call} = {{ status = 10, after = 1 }}");
    let faults = ["amdsmi_set_gpu_clk_limit", "amdsmi_set_power_cap"].map(refuses);
    let faults = [faults[0].clone(), faults[1].clone(), "gpu.0.fault.amdsmi_set_gpu_perf_level = 10".to_owned()];
    for flags in ["begin", "watch"] {
        let sim = Sim::start("mi300x-8", "7.0.2", &faults).unwrap();
        let level = file(&sim, 0, "power_dpm_force_performance_level");
        std::fs::write(&level, "manual\n").unwrap();
        let od = file(&sim, 0, "pp_od_clk_voltage");
        let text = run(&sim, &format!("{flags} gfx 0 500 1000 remove {} end", od.display()));
        assert!(text.starts_with("end -5 GPU 0 "), "{text}");
        for words in ["graphics clock", "not readable now", "500 to 2100 MHz (level manual) then", "set_gpu_clk_limit"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}

/// A lower bound that was in force before, and lies below the range that the driver accepts, cannot be written back: level
/// auto brings it back, through sysfs, through libamd_smi, and by the watchdog.
#[test]
fn a_lower_bound_below_the_range_comes_back() {
    for rocm in ["none", "7.0.2"] {
        for (flags, end) in [("begin", "end"), ("watch", "end"), ("watch", "kill")] {
            let with =
                ["gpu.0.clocks.gfx.unset = [400, 2100]", "gpu.0.od_checks_range = true", "gpu.0.od_range = false"];
            let sim = Sim::start("mi300x-8", rocm, &with).unwrap();
            std::fs::write(file(&sim, 0, "power_dpm_force_performance_level"), "manual\n").unwrap();
            let before = all(&sim);
            assert!(before[0][1] == "manual" && before[0][2].contains("0: 400Mhz"), "{before:?}");
            let out = program(&sim, &format!("{flags} gfx 0 600 900 {end}")).output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            assert_eq!(text, if end == "end" { "end 0 \n" } else { "" }, "{rocm} {flags} {end}");
            soon(&sim, &before, &format!("{rocm} {flags} {end}"));
        }
    }
}

/// Radeon keeps bounds in force in level auto, and RDNA2 takes its own lower bound of the memory from nobody: what could not
/// be taken back is not changed, all else comes back.
#[test]
fn radeon_clocks_come_back() {
    for rocm in ["none", "6.3.3", "7.0.2"] {
        for (flags, end) in [("begin", "end"), ("watch", "end"), ("watch", "kill")] {
            let sim = Sim::start("rx6800-1", rocm, &[] as &[&str]).unwrap();
            let before = all(&sim);
            assert!(before[0][1] == "auto" && before[0][2].contains("0: 97Mhz"), "{before:?}");
            let out =
                program(&sim, &format!("{flags} mem 0 800 1000 gfx 0 600 1500 mem 0 97 900 {end}")).output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            let (refused, rest) = text.split_once('\n').unwrap();
            assert!(refused.starts_with("mem -4 ") && refused.contains("97 to 1000 MHz"), "{refused}");
            assert_eq!(rest, if end == "end" { "end 0 \n" } else { "" }, "{rocm} {flags} {end}");
            soon(&sim, &before, &format!("{rocm} {flags} {end}"));
        }
    }
}

/// Drivers before mid-2025 keep the bounds of a level that has ended, and the next commit of anybody brings them back.
#[test]
fn nothing_is_left_for_the_next_commit() {
    for kernel in ["2025-01", "2026-06"] {
        for (flags, end) in [("begin", "end"), ("watch", "kill")] {
            let sim = Sim::start("mi300x-8", "none", &[format!("kernel = \"{kernel}\"")]).unwrap();
            let before = all(&sim);
            program(&sim, &format!("{flags} gfx 0 600 900 {end}")).output().unwrap();
            soon(&sim, &before, &format!("{kernel} {flags} {end}"));
            let files = ["power_dpm_force_performance_level", "pp_od_clk_voltage"].map(|name| file(&sim, 0, name));
            let [level, od] = files.each_ref().map(|file| file.display());
            let script = format!("echo manual > {level} && echo m 1 1200 > {od} && echo c > {od}");
            assert!(sim.command("sh").args(["-c", &script]).status().unwrap().success());
            let table = all(&sim)[0][2].clone();
            assert!(table.contains("0: 500Mhz") && table.contains("1: 2100Mhz"), "{kernel} {flags} {end}: {table}");
            assert!(table.contains("1: 1200Mhz"), "{kernel}: {table}");
        }
    }
}

/// Level perf_determinism keeps to its clock from a commit in that level on: bounds that are committed in another one show
/// the same and do not do it.
#[test]
fn a_determinism_clock_comes_back() {
    for (rocm, kernel) in [("none", "2026-06"), ("7.0.2", "2024-01"), ("6.2.4", "2026-06")] {
        for end in ["end", "kill"] {
            let sim = Sim::start("mi300x-8", rocm, &[format!("kernel = \"{kernel}\"")]).unwrap();
            let files = ["power_dpm_force_performance_level", "pp_od_clk_voltage"].map(|name| file(&sim, 0, name));
            let [level, od] = files.each_ref().map(|file| file.display());
            let script = format!("echo perf_determinism > {level} && echo s 1 1200 > {od} && echo c > {od}");
            assert!(sim.command("sh").args(["-c", &script]).status().unwrap().success());
            let before = all(&sim);
            assert!(before[0][1] == "perf_determinism" && before[0][2].contains("1: 1200Mhz"), "{before:?}");
            let out = program(&sim, &format!("watch gfx 0 600 900 mem 0 1000 1100 {end}")).output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            assert_eq!(text, if end == "end" { "end 0 \n" } else { "" }, "{rocm} {kernel}");
            soon(&sim, &before, &format!("{rocm} {kernel} {end}"));
            // The bounds may show before the last commit, which the machine sees some milliseconds after the watchdog.
            let is_committed = || {
                let log = sim.log();
                let changes: Vec<_> = log.iter().filter_map(|line| line.split(" FILE 0 ").nth(1)).collect();
                let level = format!("{LEVEL} perf_determinism");
                let since = changes.iter().rposition(|change| *change == level).unwrap();
                changes[since..].iter().any(|change| change.starts_with("pp_od_clk_voltage s 1 1200; c"))
            };
            assert!(happens(is_committed), "{rocm} {kernel} {end}: {:?}", sim.log());
        }
    }
}

const LEVEL: &str = "power_dpm_force_performance_level";

/// hwmonN is another one after the GPU was bound again: the watchdog finds its limit, and so does the user's next guard.
#[test]
fn a_limit_comes_back_after_hwmon_was_renumbered() {
    for rocm in ["none", "7.0.2"] {
        for (flags, end) in [("watch", "end"), ("watch", "kill"), ("begin", "kill")] {
            let sim = Sim::start("mi300x-8", rocm, &[] as &[&str]).unwrap();
            let before = all(&sim);
            let mut p = Running::start(&sim, &format!("{flags} limit 3 300000 say set await {end}"));
            assert_eq!(p.line(), "set");
            let hwmon = file(&sim, 3, "hwmon");
            let old = std::fs::read_dir(&hwmon).unwrap().next().unwrap().unwrap().path();
            std::fs::rename(&old, hwmon.join("hwmon77")).unwrap();
            assert_eq!(settings(&sim, 3)[0], "300000000");
            p.go();
            if end == "end" {
                assert_eq!(p.line(), "end 0");
            }
            p.end();
            if flags == "begin" {
                assert_eq!(run(&sim, "begin end"), "end 0 \n");
            }
            soon(&sim, &before, &format!("{rocm} {flags} {end}"));
        }
    }
}

/// Without pidfd and close_range: the watcher looks for its parent, and closes one by one.
#[test]
fn on_an_old_kernel() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let before = all(&sim);
    for how in ["fork kill", "fork_exec exit", "kill"] {
        let steps = how.replace(' ', " sleep_ms 50 say ready await ");
        let steps = if how == "kill" { "say ready await kill".to_owned() } else { steps };
        let mut command = on_old_kernel(&sim, &format!("threads watch {CHANGES} {steps}"));
        let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
        let mut p = Running { lines: BufReader::new(child.stdout.take().unwrap()), child };
        assert_eq!(p.line(), "ready");
        let of = children(p.child.id());
        let watcher = of.iter().find(|c| c.1 == "zeus_amd-guard").unwrap().0;
        let open = std::fs::read_dir(format!("/proc/{watcher}/fd")).unwrap().count();
        assert_eq!(open, 1, "the wire alone");
        p.go();
        p.end();
        soon(&sim, &before, how);
        gone_soon(watcher);
        for (pid, _) in of.iter().filter(|c| c.0 != watcher) {
            // SAFETY: a process that the test started.
            unsafe { libc::kill(*pid as i32, libc::SIGKILL) };
        }
    }
    assert!(on_old_kernel(&sim, "watch limit 0 300000 end").output().unwrap().status.success());
    assert_eq!(all(&sim), before);
}

/// Somebody ends the watcher: the guard itself still works, and leaves no zombie.
#[test]
fn a_watcher_that_is_killed_is_not_missed() {
    let sim = Sim::start("mi210-1", "7.13", &[] as &[&str]).unwrap();
    let before = all(&sim);
    let mut p = Running::start(&sim, "watch limit 0 200000 say ready await end wait_any pid await");
    assert_eq!(p.line(), "ready");
    let watcher = children(p.child.id())[0].0;
    // SAFETY: a process that the test's program started.
    unsafe { libc::kill(watcher as i32, libc::SIGKILL) };
    gone_soon(watcher);
    p.go();
    assert_eq!((p.line(), p.line()), ("end 0".into(), "wait_any ECHILD".into()));
    assert!(p.line().starts_with("pid"));
    assert_eq!((all(&sim), children(p.child.id())), (before, vec![]));
    p.go();
    assert!(p.end().success());
}
