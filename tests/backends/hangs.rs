//! A call of libamd_smi that does not return: nobody waits for it for longer than the time limit, and sysfs serves.

use super::client::{Client, ADAPTIVE, AMDSMI, OFF, SYSFS};
use super::common;
use super::source_selection::{beside, liar, TIMEOUT};
use std::path::PathBuf;
use std::sync::OnceLock;
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

/// A call that takes longer hangs, in milliseconds. One that does not may take most of it on a busy machine.
const LIMIT_MS: u32 = 2000;
/// Releases with one lock for all GPUs, and with one for each.
const RELEASES: [&str; 3] = ["6.3.3", "7.0.2", "7.13"];

/// Functions, what asks for them, and whether a setting does.
const READINGS: [(&str, &str); 4] = [
    ("amdsmi_get_energy_count", "raw"),
    ("amdsmi_get_power_info", "instant"),
    ("amdsmi_get_temp_metric", "temperature"),
    ("amdsmi_get_power_cap_info", "limit"),
];

/// GPU g draws 100 + 10 g watts, has 40 + g degrees and a limit of 600 + g watts.
fn machine(rocm: &str, more: &[String]) -> Sim {
    let mut with = more.to_vec();
    for gpu in 0..8 {
        with.push(format!("gpu.{gpu}.power = {{ kind = \"constant\", w = {} }}", 100 + 10 * gpu));
        with.push(format!("gpu.{gpu}.temps.hotspot = {}", 40_000 + 1_000 * gpu));
        with.push(format!("gpu.{gpu}.caps.cap_w = {}", 600 + gpu));
    }
    Sim::start("mi300x-8", rocm, &with).unwrap()
}

/// An open session, whatever that took; from now on calls may take so long.
fn hurried(sim: &Sim, backend: &str, ms: u32) -> Client {
    let mut asked = Client::open(sim, backend, OFF);
    asked.ask(&format!("hurry {ms}")).ok();
    asked
}

fn truth(what: &str, gpu: u64) -> Option<u64> {
    match what {
        "instant" => Some(1000 * (100 + 10 * gpu)),
        "temperature" => Some(40 + gpu),
        "limit" => Some(1000 * (600 + gpu)),
        _ => None,
    }
}

/// Each reading of libamd_smi hangs at some time: the caller itself gets what sysfs has, and later ones do not call again.
#[test]
fn a_reading_that_hangs_is_served_by_sysfs() {
    for rocm in RELEASES {
        for (function, what) in READINGS {
            let sim = machine(rocm, &[format!("gpu.3.fault.{function} = {{ hang = true, after = 12 }}")]);
            let mut asked = hurried(&sim, "amdsmi", LIMIT_MS);
            assert_eq!(asked.source(3), AMDSMI, "{rocm} {function}");
            let line = format!("{what} 3");
            for _ in 0..30 {
                let said = asked.ask(&line).ok();
                assert!(truth(what, 3).map_or(true, |truth| said.number(0) == truth), "{rocm} {function}: {said:?}");
            }
            let calls = sim.calls(function);
            assert_eq!(asked.source(3), SYSFS, "{rocm} {function}");
            let warning = format!("{function} has not returned within {LIMIT_MS} ms");
            assert_eq!(asked.log().matches(&warning).count(), 1, "{rocm} {function}: {}", asked.log());
            // All else of it, and other GPUs.
            for (_, what) in READINGS {
                for gpu in [0, 3] {
                    let said = asked.ask(&format!("{what} {gpu}")).ok();
                    assert!(
                        truth(what, gpu).map_or(true, |t| said.number(0) == t),
                        "{rocm} {function} {what}: {said:?}"
                    );
                }
            }
            let one_lock = rocm != "7.13";
            assert_eq!(asked.source(0), if one_lock { SYSFS } else { AMDSMI }, "{rocm} {function}");
            assert!(!one_lock || sim.calls(function) == calls, "{rocm} {function} is called again");
            // Another session that insists on it is not held up either.
            let again = asked.ask("open");
            assert_eq!(again.status, if one_lock { TIMEOUT } else { 0 }, "{rocm} {function}: {again:?}");
        }
    }
}

/// In the automatic choice sysfs serves what it has, hung or not; libamd_smi is not even called.
#[test]
fn the_automatic_choice_does_not_notice() {
    let all = READINGS.map(|(function, _)| format!("all.fault.{function} = {{ hang = true }}"));
    for rocm in RELEASES {
        let sim = machine(rocm, &all);
        let mut asked = hurried(&sim, "auto", LIMIT_MS);
        for (function, what) in READINGS {
            asked.ask(&format!("{what} 3")).ok();
            assert_eq!(sim.calls(function), 0, "{rocm} {function}");
        }
    }
}

/// Where only libamd_smi has the counter, it is TIMEOUT, and says what to do; sysfs serves the rest.
#[test]
fn what_only_libamd_smi_has_is_a_timeout() {
    let hang = "gpu.3.fault.amdsmi_get_energy_count = { hang = true, after = 12 }".to_owned();
    let sim = machine("7.13", &["gpu.3.metrics = \"none\"".to_owned(), hang]);
    let mut asked = beside(&sim, &liar(&sim), "energy");
    asked.ask(&format!("hurry {LIMIT_MS}")).ok();
    assert_eq!(asked.source(3), AMDSMI, "{}", asked.log());
    let first = (0..30).map(|_| asked.ask("raw 3")).find(|said| said.status != 0).unwrap();
    first.fails(TIMEOUT, &format!("amdsmi_get_energy_count has not returned within {LIMIT_MS} ms"));
    for text in
        ["was not called, because an earlier call has not returned", "init_timeout_ms", "ZEUS_AMD_BACKEND_SYSFS"]
    {
        asked.ask("raw 3").fails(TIMEOUT, text);
    }
    assert_eq!(asked.ask("instant 3").ok().number(0), 130_000);
    assert_eq!(asked.ask("temperature 3").ok().number(0), 43);
    asked.ask("raw 2").ok();
}

/// Setters and what has no other source: the limit, then TIMEOUT at once.
#[test]
fn a_setter_that_hangs_is_a_timeout() {
    for rocm in RELEASES {
        let hang = ["amdsmi_set_gpu_clk_limit", "amdsmi_set_gpu_perf_level", "amdsmi_set_gpu_clk_range"]
            .map(|function| format!("gpu.3.fault.{function} = {{ hang = true }}"));
        let sim = machine(rocm, &hang);
        let mut asked = hurried(&sim, "amdsmi", LIMIT_MS);
        let late = "and was abandoned, but may still take effect";
        asked.ask("lock 3").fails(TIMEOUT, &format!("has not returned within {LIMIT_MS} ms {late}"));
        asked.ask("lock 3").fails(TIMEOUT, "an earlier call has not returned");
        asked.ask("instant 3").ok();
    }
    let with =
        ["gpu.3.fault.amdsmi_get_clock_info = { hang = true }", "gpu.3.file.pp_dpm_sclk = { open = \"ENOENT\" }"];
    let sim = machine("7.0.2", &with.map(str::to_owned));
    for backend in ["amdsmi", "auto"] {
        let mut asked = hurried(&sim, backend, LIMIT_MS);
        asked.ask("levels 3").fails(TIMEOUT, &format!("amdsmi_get_clock_info has not returned within {LIMIT_MS} ms"));
        asked.ask("levels 3").fails(TIMEOUT, "an earlier call has not returned");
        asked.ask("instant 3").ok();
    }
}

/// A call that is only slow is waited for, and one that returns late is forgotten.
#[test]
fn a_call_that_comes_back() {
    let slow = "gpu.3.fault.amdsmi_get_temp_metric = { delay_ms = 2000, after = 1, first = 1 }".to_owned();
    let sim = machine("6.3.3", &[slow]);
    let mut patient = Client::open(&sim, "amdsmi", OFF);
    for _ in 0..3 {
        assert_eq!(patient.ask("temperature 3").ok().number(0), 43);
    }
    assert_eq!(patient.source(3), AMDSMI);
    let mut asked = hurried(&sim, "amdsmi", 200);
    for _ in 0..2 {
        assert_eq!(asked.ask("temperature 3").ok().number(0), 43);
    }
    assert!(happens(|| asked.source(3) != SYSFS), "it has returned long since");
    assert_eq!(asked.ask("temperature 3").ok().number(0), 43);
}

fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("hangs"))
}

/// Threads, a window, a sampler and a guard while a call hangs, and the end of the session, of the process, and a fork:
/// nobody hangs, and what is given is right.
#[test]
fn nobody_hangs() {
    for (rocm, backend) in [("6.3.3", "amdsmi"), ("7.13", "amdsmi"), ("6.4.3", "auto")] {
        for (function, _) in READINGS {
            for end in ["close", "exit", "fork"] {
                let sim = machine(rocm, &[format!("gpu.3.fault.{function} = {{ hang = true, after = 20 }}")]);
                let mut command = sim.command(program());
                let out = command.env("ZEUS_AMD_BACKEND", backend).arg(end).output().unwrap();
                let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
                let context = format!("{rocm} {backend} {function} {end}: {:?} {stdout} {stderr}", out.status);
                assert!(out.status.success() && stderr.is_empty(), "{context}");
                assert!(stdout.starts_with("wrong 0 refused 0 "), "{context}");
                // The guard has put the limit back.
                let log = sim.log();
                let caps: Vec<_> = log.iter().filter_map(|l| l.split("FILE 2 power1_cap ").nth(1)).collect();
                assert_eq!(caps, ["500000000", "602000000"], "{context}");
            }
        }
    }
}

/// What libamd_smi prints is part of the error at open, whatever the failure is, and does not reach standard error.
#[test]
fn the_cause_that_is_printed_is_in_the_error() {
    const LINE: &str = "Failed to initialize RSMI device mutex after 5 seconds";
    let init = |what: &str| vec![format!("init.stderr = \"{LINE}\""), format!("init.{what}")];
    let list = |what: &str| vec![format!("fault.amdsmi_get_socket_handles = {{ {what}, stderr = \"{LINE}\" }}")];
    let text = format!("it printed \"{LINE}\"");
    for (with, status) in [
        (init("status = 14"), -10),
        (init("hang = true"), TIMEOUT),
        (init("delay_ms = 10"), 0),
        (list("status = 14"), -10),
        (list("hang = true"), TIMEOUT),
    ] {
        let sim = Sim::start("mi300x-8", "6.3.3", &with).unwrap();
        let limit = if status == TIMEOUT { "3000" } else { "0" };
        let opened = Client::new(&sim, "amdsmi", &[OFF, limit]).ask("open");
        assert_eq!(opened.status, status, "{with:?}: {opened:?}");
        assert!(status == 0 || opened.text.contains(&text), "{with:?}: {opened:?}");
        let mut auto = Client::new(&sim, "auto", &[OFF, limit]);
        auto.ask("open").ok();
        let explained = auto.ask("explain").text;
        assert_eq!(explained.contains(&text), status != 0, "{with:?}: {explained}");
    }
}

/// While the counters are checked at open: the check goes on with sysfs.
#[test]
fn a_reading_that_hangs_at_open() {
    for function in ["amdsmi_get_energy_count", "amdsmi_get_power_info"] {
        let sim = machine("6.3.3", &[format!("gpu.3.fault.{function} = {{ hang = true }}")]);
        let mut asked = Client::new(&sim, "amdsmi", &[ADAPTIVE, "5000"]);
        asked.ask("open").ok();
        // TRUSTED.
        assert_eq!(asked.ask("info 3").ok().number(1), 1, "{function}: {}", asked.log());
        assert_eq!(asked.ask("instant 3").ok().number(0), 130_000, "{function}");
        asked.ask("energy 3").ok();
        assert_eq!(asked.source(3), SYSFS, "{function}");
    }
}
