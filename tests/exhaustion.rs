//! Descriptors, memory or threads run out, any single call of the system fails, a table is nonsense: a status says so, no
//! list is shorter, in another order or with a wrong number, and what fails is one GPU or one object.

mod common;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use zeus_amd::capi::status::zeus_amd_status_t as S;
use zeus_amd_sim::Sim;

const OK: i32 = 0;
const NO_MEMORY: i32 = S::ZEUS_AMD_STATUS_NO_MEMORY as i32;
const IO: i32 = S::ZEUS_AMD_STATUS_IO as i32;

const WATTS: u32 = 300;
const MACHINES: [&str; 2] = ["mi300x-8", "mi250x-4"];

fn start(machine: &str, rocm: &str) -> Sim {
    Sim::start(machine, rocm, &[format!("all.power={{kind=\"constant\",w={WATTS}}}")]).unwrap()
}

/// One attempt of `resources.c`.
struct Attempt {
    status: i32,
    calls: u64,
    line: String,
}

fn command(sim: &Sim) -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    sim.command(PROGRAM.get_or_init(|| common::c_program("resources")))
}

/// With `fail_calls.c` before what the machine preloads.
fn with_failing_calls(sim: &Sim) -> Command {
    let mut command = command(sim);
    command.env("LD_PRELOAD", common::preload("fail_calls", sim));
    command
}

/// Runs `resources.c` with these arguments, then the machine's truth.
#[track_caller]
fn run(sim: &Sim, command: Command, arguments: &str) -> Vec<Attempt> {
    run_with_aborts(sim, command, arguments, 0)
}

/// So many attempts may end as the header says: Rust or glibc has no memory for a thread that starts.
#[track_caller]
fn run_with_aborts(sim: &Sim, mut command: Command, arguments: &str, most_aborts: u64) -> Vec<Attempt> {
    command.args(arguments.split_whitespace()).arg(WATTS.to_string());
    let machine = sim.machine();
    command.args(machine.in_hip_order().iter().map(|p| machine.gpu_of(p).bdf.to_string()));
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    let is_abort = |line: &&str| line.starts_with("WRONG call") && line.ends_with("signal 6");
    let (aborts, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(is_abort);
    let is_right = out.status.success() && aborts.len() as u64 <= most_aborts && !lines.concat().contains("WRONG");
    assert!(is_right && (stderr.is_empty() || !aborts.is_empty()), "{arguments}: {}\n{text}{stderr}", out.status);
    let attempt = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap().parse::<i64>().unwrap_or_else(|_| panic!("{arguments}: {text}"));
        next();
        Attempt { status: next() as i32, calls: next() as u64, line: line.to_owned() }
    };
    lines.into_iter().map(attempt).collect()
}

/// With few free descriptors a session opens whole, or not.
#[test]
fn few_descriptors_at_open() {
    for machine in MACHINES {
        for rocm in ["none", "7.0.2"] {
            let sim = start(machine, rocm);
            let mut opened = 0;
            for free in [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48] {
                let attempts = run(&sim, command(&sim), &format!("full {free}"));
                let Attempt { status, line, .. } = &attempts[0];
                assert!([OK, NO_MEMORY].contains(status), "{machine} {rocm}: {line}");
                assert!(free > 0 || *status == NO_MEMORY, "{machine} {rocm}: {line}");
                opened += usize::from(*status == OK);
            }
            assert!(opened > 0, "{machine} {rocm}: with 48 it opens");
        }
    }
}

/// Another thread takes all descriptors and gives them back, again and again.
#[test]
fn descriptors_that_come_and_go() {
    for machine in MACHINES {
        for rocm in ["none", "6.4.3"] {
            let sim = start(machine, rocm);
            for Attempt { status, line, .. } in run(&sim, command(&sim), "crowd 40") {
                assert!([OK, NO_MEMORY].contains(&status), "{machine} {rocm}: {line}");
            }
        }
    }
}

/// A function, the errno with which its calls fail, and the statuses that may follow.
const FAILURES: [(&str, i32, &[i32]); 11] = [
    ("open", libc::EMFILE, &[NO_MEMORY]),
    ("open", libc::ENFILE, &[NO_MEMORY]),
    ("openat", libc::EMFILE, &[NO_MEMORY]),
    ("opendir", libc::EMFILE, &[NO_MEMORY]),
    ("opendir", libc::EIO, &[IO]),
    ("readdir", libc::EIO, &[IO]),
    ("access", libc::ENOMEM, &[NO_MEMORY]),
    ("stat", libc::ENOMEM, &[NO_MEMORY]),
    ("mmap", libc::ENOMEM, &[NO_MEMORY]),
    ("pthread_create", libc::EAGAIN, &[NO_MEMORY]),
    ("malloc", libc::ENOMEM, &[NO_MEMORY]),
];

/// Lets each `step`th call fail. Returns how many attempts failed.
fn each_call_fails(machine: &str, rocm: &str, operation: &str, step: usize) -> usize {
    let sim = start(machine, rocm);
    let before = settings(&sim);
    let (mut failed, mut threads, mut log) = (0, 0, String::new());
    for (function, errno, allowed) in FAILURES {
        let command = with_failing_calls(&sim);
        let most_aborts = if function == "malloc" { threads } else { 0 };
        let arguments = format!("nth {operation} {function} {errno} 1 200 {step}");
        let attempts = run_with_aborts(&sim, command, &arguments, most_aborts);
        let calls = attempts.iter().map(|a| a.calls).max().unwrap_or(0);
        threads = if function == "pthread_create" { calls } else { threads };
        for Attempt { status, line, .. } in &attempts {
            assert!(
                *status == OK || allowed.contains(status),
                "{machine} {rocm} {operation} {function} {errno}: {line}"
            );
            failed += usize::from(*status != OK);
        }
        log += &format!(" {function} {} of {}", attempts.iter().filter(|a| a.status != OK).count(), calls);
        assert_eq!(settings(&sim), before, "{machine} {rocm} {operation} {function}");
    }
    println!("{machine} {rocm} {operation}:{log}");
    failed
}

/// Power caps and clock levels.
fn settings(sim: &Sim) -> Vec<String> {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let of = |bdf: String| {
        let device = sim.dir().join("sys/bus/pci/devices").join(bdf);
        let hwmon = std::fs::read_dir(device.join("hwmon")).unwrap().next().unwrap().unwrap().path();
        read(hwmon.join("power1_cap")) + &read(device.join("power_dpm_force_performance_level"))
    };
    sim.machine().gpus().iter().map(|gpu| of(gpu.bdf.to_string())).collect()
}

/// The nth call fails, a sample of all n; `ZEUS_AMD_EACH_CALL=1` takes them all.
#[test]
fn any_single_call_may_fail() {
    let all = std::env::var_os("ZEUS_AMD_EACH_CALL").is_some();
    let mut failed = 0;
    for (machine, rocm, step) in [("mi300x-8", "none", 17), ("mi250x-4", "7.0.2", 23)] {
        for operation in ["open", "window", "sampler", "guard"] {
            failed += each_call_fails(machine, rocm, operation, if all { 1 } else { step });
        }
    }
    assert!(failed > 20, "only {failed} attempts failed: the calls do not fail");
}

/// Without any memory: readings need none, and nor do ends.
#[test]
fn readings_and_ends_need_no_memory() {
    for rocm in ["none", "7.0.2"] {
        let sim = start("mi300x-8", rocm);
        let before = settings(&sim);
        for operation in ["readings", "ends"] {
            let command = with_failing_calls(&sim);
            let attempts = run(&sim, command, &format!("nth {operation} malloc {} 1 1 0", libc::ENOMEM));
            let Attempt { status, calls, line, .. } = &attempts[0];
            assert_eq!(*status, OK, "{rocm} {operation}: {line}");
            assert!(operation != "readings" || *calls == 0, "{rocm}: readings allocate: {line}");
            println!("{rocm} {operation}: {calls} allocations");
        }
        assert_eq!(settings(&sim), before, "{rocm}");
    }
}

/// Times, counts and firmware times at the ends of their ranges, in the table of one GPU.
#[test]
fn nonsense_in_one_table_is_of_one_gpu() {
    let sim = Sim::start("mi300x-8", "none", &["all.metrics = \"1.3\""]).unwrap();
    // A copy in which nothing moves but by the program.
    let still = tempfile::tempdir().unwrap();
    for part in ["sys", "dev"] {
        let copied = Command::new("cp").arg("-a").arg(sim.dir().join(part)).arg(still.path()).status().unwrap();
        assert!(copied.success());
    }
    let bdf = sim.machine().gpus()[3].bdf.to_string();
    let mut command = sim.command(common::c_program("driver_time"));
    command.env_remove("LD_PRELOAD").env("ZEUS_AMD_ROOT", still.path());
    command.arg(still.path().join("sys/bus/pci/devices").join(&bdf).join("gpu_metrics")).args([&bdf, "8"]);
    let out = command.output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
}
