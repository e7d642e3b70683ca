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
    // The example divides by one time for all packages: each draws the same in its own.
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
        let [_, seconds, joules, watts, product, status] = row[..] else { panic!("{table}") };
        assert!(seconds > 0.2 && status == 0.0, "{table}");
        assert!((watts / truth - 1.0).abs() < 0.05, "{watts} W, in truth {truth} W");
        // The energy is between the counters' own times, the delay is the command's.
        assert!((product - joules * seconds).abs() < 0.01 * product, "{table}");
        assert!(joules > 0.19 * truth, "{table}");
    }
    assert_eq!(caps(&sim), before);
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
