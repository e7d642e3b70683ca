//! The example that sweeps power limits: what it says, and that it leaves the machine as it was.

mod common;
#[path = "common/examples.rs"]
mod examples;

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

fn power_cap(sim: &Sim, arguments: &[&str]) -> Command {
    let mut command = sim.command(examples::example("power_cap"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn caps(sim: &Sim) -> Vec<String> {
    let cap = |bdf: String| {
        let device = sim.dir().join(format!("sys/bus/pci/devices/{bdf}/hwmon"));
        let hwmon = std::fs::read_dir(device).unwrap().next().unwrap().unwrap().path();
        std::fs::read_to_string(hwmon.join("power1_cap")).unwrap_or_default().trim().to_owned()
    };
    sim.machine().gpus().iter().map(|g| cap(g.bdf.to_string())).collect()
}

#[test]
fn a_sweep_measures_and_puts_back() {
    // Steady, so that the truth of any second is that of the command's time.
    let primary = [0, 2, 4, 6].map(|gpu| format!("gpu.{gpu}.power = {{ kind = \"constant\", w = 400 }}"));
    let sim = Sim::start("mi250x-4", "6.2.4", &primary).unwrap();
    let before = caps(&sim);
    let csv = sim.dir().join("sweep.csv");
    // The command sees the limit that is in force: one for each package.
    let shell = "cat $ZEUS_AMD_SIM/sys/bus/pci/devices/*/hwmon/hwmon*/power1_cap | sort -u; sleep 0.2";
    let arguments = ["--caps", "300,450.5", "--csv", csv.to_str().unwrap(), "--", "sh", "-c", shell];
    let out = power_cap(&sim, &arguments).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{text}{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<&str> = text.lines().collect();
    // The driver takes whole watts.
    assert_eq!(lines[..2], ["300000000", "450000000"]);
    assert!(text.contains("energy x delay") && text.contains("least energy"), "{text}");
    let table = std::fs::read_to_string(&csv).unwrap();
    let rows: Vec<Vec<f64>> =
        table.lines().skip(1).map(|l| l.split(',').map(|v| v.parse().unwrap()).collect()).collect();
    assert_eq!(rows.iter().map(|r| r[0]).collect::<Vec<_>>(), [300.0, 450.0]);
    let truth: f64 = sim.machine().gpus().iter().map(|g| g.energy_j(10.0, 11.0)).sum();
    for row in rows {
        let [_, seconds, joules, uncertainty, watts, product, status] = row[..] else { panic!("{table}") };
        assert!(seconds > 0.2 && status == 0.0, "{table}");
        assert!((watts / truth - 1.0).abs() < 0.05, "{watts} W, in truth {truth} W");
        assert!(uncertainty > 0.0, "{table}");
        // The energy is between the counters' own times, the delay is the command's.
        assert!((product - joules * seconds).abs() < 0.01 * product, "{table}");
        assert!(joules > 0.19 * truth, "{table}");
    }
    assert_eq!(caps(&sim), before);
}

/// One of 32 bits does at 60 kW every 1.1 s: the energy is that of the whole time, not that since it last did.
#[test]
fn a_counter_that_wraps_around() {
    const W: f64 = 60e3;
    let machine = [
        "gpu.0.caps = { cap_w = 60000, default_w = 60000, min_w = 0, max_w = 60000 }",
        "gpu.0.power = { kind = \"constant\", w = 60000 }",
        "gpu.0.counter = { initial = 4294967295, bits = 32 }",
    ];
    let sim = Sim::start("mi210-1", "6.2.4", &machine).unwrap();
    let csv = sim.dir().join("sweep.csv");
    let arguments = ["--steps", "1", "--csv", csv.to_str().unwrap(), "--", "sleep", "1.5"];
    let before = std::time::Instant::now();
    let out = power_cap(&sim, &arguments).output().unwrap();
    let whole = before.elapsed().as_secs_f64();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let table = std::fs::read_to_string(&csv).unwrap();
    let row: Vec<f64> = table.lines().nth(1).unwrap().split(',').map(|v| v.parse().unwrap()).collect();
    let [_, seconds, joules, uncertainty, ..] = row[..] else { panic!("{table}") };
    // It lasts longer than the command, and not as long as the program.
    assert!(joules + uncertainty >= W * seconds && joules - uncertainty <= W * whole, "{table}");
}

/// Without an energy of each GPU there is none of all: a reason once, and times.
#[test]
fn what_is_not_known_is_not_counted() {
    let unread = r#"gpu.0.file = { power1_input = { read = "EIO" }, power1_average = { read = "EIO" } }"#;
    let sim = Sim::start("mi210-1", "none", &[r#"gpu.0.metrics = "none""#, unread]).unwrap();
    let out = power_cap(&sim, &["--caps", "200,300", "--", "true"]).output().unwrap();
    let (text, said) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success() && said.matches("only time is measured").count() == 1, "{text}{said}");
    assert!(text.contains("200 W") && !text.contains(" J"), "{text}");
}

#[test]
fn bad_caps_and_failing_commands() {
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let before = caps(&sim);
    for (arguments, code, words) in [
        (&["--caps", "300,751", "--", "true"][..], 1, "within its range, 0 to 750 W"),
        (&["--caps", "300,", "--", "true"], 2, "usage"),
        (&["--caps", "300", "--"], 2, "usage"),
        (&["--gpu", "8", "--", "true"], 1, "no GPU 8"),
        (&["--steps", "0", "--", "true"], 2, "usage"),
        (&["--steps", "2", "--", "/no/such/program"], 127, "/no/such/program"),
        (&["--steps", "2", "--gpu", "1", "--", "false"], 1, ""),
    ] {
        let out = power_cap(&sim, arguments).output().unwrap();
        let text = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
        assert_eq!(caps(&sim), before, "{arguments:?}");
    }
}

/// Ctrl-C (to the whole group), SIGTERM and SIGKILL to the program alone.
#[test]
fn interrupted_sweeps_put_back() {
    for (signal, group) in [(libc::SIGINT, true), (libc::SIGTERM, false), (libc::SIGKILL, false)] {
        let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
        let before = caps(&sim);
        let mark = sim.dir().join("runs");
        let script = format!("touch {}; exec sleep 600", mark.display());
        let mut child = power_cap(&sim, &["--steps", "2", "--", "sh", "-c", &script]).spawn().unwrap();
        let runs = || mark.exists() && caps(&sim).iter().all(|c| c == "300000000");
        assert!(happens(runs), "the command does not run under the first limit");
        let target = if group { -(child.id() as i32) } else { child.id() as i32 };
        // SAFETY: a process that the test started.
        unsafe { libc::kill(target, signal) };
        let status = child.wait().unwrap();
        assert_eq!((status.code(), status.signal()), if group { (Some(130), None) } else { (None, Some(signal)) });
        assert!(happens(|| caps(&sim) == before), "the limits do not come back");
        // The command outlives a program that is killed.
        // SAFETY: as above.
        unsafe { libc::kill(-(child.id() as i32), libc::SIGKILL) };
    }
}
