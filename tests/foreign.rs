//! Other code of the process that uses libamd_smi: it shuts it down, initialises it, and has a copy of this library.

mod common;
#[path = "common/random.rs"]
mod random;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use zeus_amd_sim::Sim;

/// Eight GPUs that differ in power, temperature and cap.
fn machine(rocm: &str, more: &[&str]) -> Sim {
    let mut with: Vec<String> = more.iter().map(|&m| m.to_owned()).collect();
    for gpu in 0..8 {
        with.push(format!("gpu.{gpu}.power = {{ kind = \"constant\", w = {} }}", 100 + 10 * gpu));
        with.push(format!("gpu.{gpu}.temps.hotspot = {}", 40_000 + 1_000 * gpu));
        with.push(format!("gpu.{gpu}.caps.cap_w = {}", 600 + gpu));
        with.push(format!("gpu.{gpu}.counter.initial = {}", (gpu + 1) * 65_536_000_000_u64));
    }
    Sim::start("mi300x-8", rocm, &with).unwrap()
}

fn program(name: &'static str) -> PathBuf {
    static PROGRAMS: OnceLock<std::sync::Mutex<std::collections::HashMap<&str, PathBuf>>> = OnceLock::new();
    let mut programs = PROGRAMS.get_or_init(std::sync::Mutex::default).lock().unwrap();
    programs.entry(name).or_insert_with(|| common::c_program(name)).clone()
}

/// 10,000 in the longest form.
fn rounds() -> u32 {
    let rounds = std::env::var("ZEUS_AMD_ROUNDS").map_or(1000, |n| n.parse().expect("a number"));
    zeus_amd_sim::start::set_limit(Duration::from_secs(300.max(rounds / 4).into()));
    rounds
}

/// Runs `foreign.c`: nothing that is given with OK is another GPU's, and no other one's setting changes.
fn meddled_with(backend: &str, rocm: &str) {
    let answered = meddled_with_on(&machine(rocm, &[]), backend, rocm, rounds(), &[]);
    assert!(answered > u64::from(rounds()), "{backend} {rocm}: {answered}");
}

fn meddled_with_on(sim: &Sim, backend: &str, rocm: &str, rounds: u32, more: &[&str]) -> u64 {
    let seed = random::seed();
    let mut command: Command = sim.command(program("foreign"));
    command
        .env("ZEUS_AMD_BACKEND", backend)
        .arg(sim.library())
        .arg(rounds.to_string())
        .arg(seed.to_string())
        .args(more);
    let out = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    println!("{backend} {rocm} seed {seed}: {stdout}");
    assert!(out.status.success(), "{backend} {rocm} seed {seed}: {:?} {stdout} {stderr}", out.status);
    let word = |name: &str| -> u64 {
        let mut words = stdout.split_whitespace();
        words.find(|w| *w == name).and_then(|_| words.next()).unwrap().parse().unwrap()
    };
    word("ok")
}

/// sysfs serves readings and settings, so nothing of libamd_smi matters.
#[test]
fn auto_beside_code_that_shuts_libamd_smi_down() {
    for rocm in ["6.0.2", "6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.1.1", "7.13", "10.0", "10.2"] {
        meddled_with("auto", rocm);
    }
}

/// All releases but those of one reading a process (6.0) and those that crash with two threads inside (6.3.0 to 6.3.2): calls
/// of other code race with a session's, and what they leave behind is not believed.
#[test]
fn amdsmi_beside_code_that_shuts_it_down() {
    for rocm in ["6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.1.1", "7.2.0", "7.13", "7.14", "10.0", "10.2"] {
        meddled_with("amdsmi", rocm);
    }
}

/// The library is shut down and initialised again between the proof of a handle and the call with it, which the other way
/// round comes once in some ten thousand calls: the proof takes a while here. What such a call gives is not believed.
#[test]
fn a_handle_that_changes_after_its_proof() {
    for rocm in ["6.2.4", "7.1.1", "10.2"] {
        let sim = machine(rocm, &["all.fault.amdsmi_get_gpu_bdf_id = { delay_ms = 2 }"]);
        assert!(meddled_with_on(&sim, "amdsmi", rocm, 200, &["reads"]) > 0, "{rocm}");
    }
}

/// The same with limits: one may reach another GPU, and then the error says so.
#[test]
fn a_handle_that_changes_before_a_change() {
    for rocm in ["6.2.4", "7.1.1", "10.2"] {
        let sim = machine(rocm, &["all.fault.amdsmi_get_gpu_bdf_id = { delay_ms = 2 }"]);
        meddled_with_on(&sim, "amdsmi", rocm, 150, &["sets"]);
    }
}

/// "First init wins": a library that was initialised for CPUs lists no GPU, whatever is asked of it later.
#[test]
fn initialised_for_cpus_only() {
    for rocm in ["6.3.3", "7.13"] {
        let sim = machine(rocm, &[]);
        let run = |backend: &str| {
            let mut command: Command = sim.command(program("cpu_first"));
            let out = command.env("ZEUS_AMD_BACKEND", backend).arg(sim.library()).output().unwrap();
            let text = String::from_utf8(out.stdout).unwrap();
            assert!(out.status.success(), "{text}");
            // The library's own line comes first.
            text.lines().nth(1).unwrap().to_owned()
        };
        let (insisted, auto) = (run("amdsmi"), run("auto"));
        assert!(insisted.starts_with("-6 ") && insisted.contains("for CPUs only"), "{rocm}: {insisted}");
        assert!(auto.starts_with("0 libamd_smi is not used") && auto.contains("for CPUs only"), "{rocm}: {auto}");
    }
}

/// A wheel's and a profiler's copy: calls are serialised across both where the release mixes up GPUs otherwise.
#[test]
fn two_copies_of_this_library() {
    let folder = tempfile::tempdir().unwrap();
    let copies = ["one.so", "two.so"].map(|name| {
        std::fs::copy(common::deps().join("libzeus_amd.so"), folder.path().join(name)).unwrap();
        folder.path().join(name)
    });
    for rocm in ["6.1.2", "6.3.1", "6.4.3", "7.0.2"] {
        let sim = machine(rocm, &[]);
        let mut command: Command = sim.command(program("two_copies"));
        let out = command.env("ZEUS_AMD_BACKEND", "amdsmi").args(&copies).arg("1000").output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        assert!(
            out.status.success() && text.trim() == "calls 8000 wrong 0 errors 0",
            "{rocm}: {:?} {text}",
            out.status
        );
    }
}

/// A call that hangs in one copy does not hold up the other one.
#[test]
fn two_copies_and_a_call_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let copies = ["one.so", "two.so"].map(|name| {
        std::fs::copy(common::deps().join("libzeus_amd.so"), folder.path().join(name)).unwrap();
        folder.path().join(name)
    });
    let sim = machine("6.3.3", &["gpu.3.fault.amdsmi_get_power_info = { hang = true, after = 300 }"]);
    let mut command: Command = sim.command(program("two_copies"));
    let out = command.env("ZEUS_AMD_BACKEND", "amdsmi").args(&copies).arg("1000").output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && text.trim() == "calls 8000 wrong 0 errors 0", "{:?} {text}", out.status);
    let calls = sim.calls("amdsmi_get_power_info");
    assert!(calls < 8 * 1000, "both call on: {calls}");
}

/// In a virtual machine libamd_smi refuses settings before ROCm 7.1, whatever the rights; sysfs does not.
#[test]
fn a_guest_whose_caps_are_refused() {
    let sim = Sim::start("mi300x-8", "6.4.3", &["guest = true"]).unwrap();
    let run = |backend: &str| {
        let mut command: Command = sim.command(program("control"));
        let out = command.env("ZEUS_AMD_BACKEND", backend).args(["limit", "3", "600000"]).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    let refused = run("amdsmi");
    assert!(
        refused.starts_with("limit -4 ") && refused.contains("guest") && refused.contains("from ROCm 7.1"),
        "{refused}"
    );
    assert_eq!(run("auto").trim(), "limit 0");
}

/// From ROCm 7.1.0 on a refusal has another reason.
#[test]
fn a_guest_whose_caps_are_settable() {
    for (fault, refused) in [("0", false), ("2", true)] {
        let fault = format!("gpu.3.fault.amdsmi_set_power_cap = {fault}");
        let sim = Sim::start("mi300x-8", "7.1.0", &["guest = true", &fault]).unwrap();
        let mut command: Command = sim.command(program("control"));
        let out = command.env("ZEUS_AMD_BACKEND", "amdsmi").args(["limit", "3", "600000"]).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        assert_eq!(said.trim() == "limit 0", !refused, "{said}");
        assert!(!said.contains("guest"), "{said}");
    }
}

/// In most virtual machines amdgpu makes the file read-only, and sysfs opens it for root neither.
#[test]
fn a_cap_that_nobody_may_write() {
    for (rocm, words) in [("6.4.3", "guest"), ("none", "read-only for every user")] {
        let sim =
            Sim::start("mi300x-8", rocm, &["guest = true", "gpu.3.file.power1_cap = { write = \"EACCES\" }"]).unwrap();
        let device = sim.dir().join(format!("sys/bus/pci/devices/{}/hwmon", sim.machine().gpus()[3].bdf));
        let file = std::fs::read_dir(device).unwrap().next().unwrap().unwrap().path().join("power1_cap");
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o444)).unwrap();
        let mut command: Command = sim.command(program("control"));
        let out = command.args(["limit", "3", "600000"]).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        assert!(said.starts_with("limit -4 ") && said.contains(words), "{rocm}: {said}");
    }
}
