//! Every example in C and C++, on good and on bad days, under valgrind and with the sanitizers: nothing lost, nothing wrong,
//! and the exit status is the right one.

mod common;
#[path = "common/examples.rs"]
mod examples;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

const NO_SESSION: &str = "ZEUS_AMD_BACKEND=amdsmi ZEUS_AMD_AMDSMI=/no/such/library";
const NO_GPU: &str = "HIP_VISIBLE_DEVICES=";

/// Program, arguments, environment, exit status. `@` is a folder. The command of most ends with 124.
type Run = (&'static str, &'static str, &'static str, i32);

const RUNS: &[Run] = &[
    ("energy_report", "-- timeout 0.05 sleep 9", "", 124),
    ("energy_report", "--seconds soon", "", 2),
    ("energy_report", "-- timeout 0.05 sleep 9", NO_SESSION, 1),
    ("list_gpus", "", "", 0),
    ("list_gpus", "", NO_SESSION, 1),
    ("phases", "", "", 0),
    ("phases", "", NO_SESSION, 1),
    ("power_cap", "--steps 1 --csv @/caps.csv -- true", "", 0),
    ("power_cap", "--caps 200, -- true", "", 2),
    ("power_cap", "--caps 99999 -- true", "", 1),
    ("power_cap", "--steps 1 --csv /no/such/folder/caps.csv -- true", "", 1),
    ("power_cap", "-- true", NO_SESSION, 1),
    ("power_trace", "--seconds 0.1 --csv @/power.csv --trace @/power.trace", "", 0),
    ("power_trace", "--period-us", "", 2),
    ("power_trace", "-- true", NO_SESSION, 1),
    ("power_trace", "--csv /no/such/folder/power.csv -- true", "", 1),
    ("region", "--seconds 0.1", "", 0),
    ("region", "--minutes 1", "", 2),
    ("region", "", NO_SESSION, 1),
    ("node_energy", "0.05", "", 0),
    ("node_energy", "0.05", NO_SESSION, 1),
    ("which_gpu", "", "", 0),
    ("which_gpu", "", NO_SESSION, 1),
    ("zeus-amd-run", "--output @/o --json @/j --csv @/c --trace @/t --svg @/s -- timeout 0.05 sleep 9", "", 124),
    ("zeus-amd-run", "--output @/o --json @/j --csv @/c --trace @/t --svg @/s -- /no/such/program", "", 127),
    ("zeus-amd-run", "--json @/j --csv /no/such/folder/c -- true", "", 125),
    ("zeus-amd-run", "--json @/j --gpus 99 true", "", 2),
    ("zeus-amd-run", "--nonsense true", "", 2),
    ("zeus-amd-run", "--json @/j --svg @/s timeout 0.05 sleep 9", NO_SESSION, 124),
];

/// The same for the sanitizers alone: valgrind takes ten times as long. FAILING names the call that fails
/// (`tests/c/failing.c`).
const MORE_RUNS: &[Run] = &[
    ("energy_report", "--seconds 0.1", "", 0),
    ("energy_report", "-- /no/such/program", "", 127),
    ("energy_report", "-- timeout 0.05 sleep 9", NO_GPU, 124),
    ("energy_report", "--seconds 0.1", NO_GPU, 1),
    ("energy_report", "--seconds 0.1", "FAILING=zeus_amd_session_info", 1),
    ("energy_report", "--seconds 0.1", "FAILING=zeus_amd_gpu_info", 0),
    ("energy_report", "--seconds 0.1", "FAILING=calloc", 1),
    ("energy_report", "--seconds 0.1", "FAILING=zeus_amd_window_begin", 1),
    ("energy_report", "--seconds 0.1", "FAILING=zeus_amd_window_end", 1),
    ("list_gpus", "", NO_GPU, 0),
    ("list_gpus", "", "FAILING=zeus_amd_gpu_count", 1),
    ("list_gpus", "", "FAILING=zeus_amd_gpu_info", 1),
    ("phases", "", "FAILING=zeus_amd_window_begin", 1),
    ("phases", "", "FAILING=zeus_amd_window_begin:1", 1),
    ("phases", "", "FAILING=zeus_amd_window_end", 0),
    ("power_cap", "--steps 1 -- timeout 0.05 sleep 9", "", 1),
    ("power_cap", "--gpu 9 -- true", "", 1),
    ("power_cap", "-- /no/such/program", "", 127),
    ("power_cap", "-- true", NO_GPU, 1),
    ("power_cap", "-- true", "FAILING=zeus_amd_gpu_count", 1),
    ("power_cap", "-- true", "FAILING=zeus_amd_power_limit_range_mw", 1),
    ("power_cap", "-- true", "FAILING=zeus_amd_power_limit_range_mw:1", 1),
    ("power_cap", "-- true", "FAILING=zeus_amd_guard_begin", 1),
    ("power_cap", "-- true", "FAILING=zeus_amd_set_power_limit_mw", 1),
    ("power_cap", "-- true", "FAILING=zeus_amd_set_power_limit_mw:1", 1),
    ("power_cap", "--steps 1 -- true", "FAILING=zeus_amd_window_begin", 1),
    ("power_cap", "--steps 1 -- true", "FAILING=zeus_amd_window_end", 1),
    ("power_cap", "--steps 1 -- true", "FAILING=zeus_amd_guard_end", 1),
    ("power_trace", "-- timeout 0.05 sleep 9", "", 124),
    ("power_trace", "-- /no/such/program", "", 127),
    ("power_trace", "--", "", 2),
    ("power_trace", "-- true", NO_GPU, 0),
    ("power_trace", "--csv @/power.csv --trace /no/such/folder/power.trace -- true", "", 1),
    ("power_trace", "--csv /dev/full -- true", "", 1),
    ("power_trace", "--csv @/power.csv -- true", "FAILING=zeus_amd_gpu_count", 1),
    ("power_trace", "--csv @/power.csv -- true", "FAILING=calloc", 1),
    ("power_trace", "--csv @/power.csv -- true", "FAILING=zeus_amd_sampler_start", 1),
    ("power_trace", "--seconds 0.1 --csv @/power.csv", "FAILING=zeus_amd_sampler_drain:1", 1),
    // It runs for long enough to be drained twice.
    ("power_trace", "-- timeout 0.5 sleep 9", "FAILING=zeus_amd_sampler_drain:1", 1),
    ("power_trace", "-- timeout 0.05 sleep 9", "FAILING=zeus_amd_sampler_stop", 1),
    ("region", "--seconds 0.1", NO_GPU, 1),
    ("region", "", "FAILING=zeus_amd_gpu_count", 1),
    ("region", "", "FAILING=calloc", 1),
    ("region", "", "FAILING=zeus_amd_window_begin", 1),
    ("region", "--seconds 0.1", "FAILING=zeus_amd_window_begin:2", 1),
    ("region", "--seconds 0.1", "FAILING=zeus_amd_window_end", 1),
    ("region", "--seconds 0.1", "FAILING=zeus_amd_window_end:3", 1),
    ("which_gpu", "", NO_GPU, 0),
    ("which_gpu", "", "FAILING=malloc", 1),
    ("which_gpu", "", "FAILING=zeus_amd_gpu_count", 1),
    ("which_gpu", "", "FAILING=zeus_amd_gpu_info", 1),
    ("which_gpu", "", "FAILING=zeus_amd_explain", 1),
    ("which_gpu", "", "FAILING=zeus_amd_explain:1", 1),
    ("zeus-amd-run", "--json @/j --gpus all true", "", 2),
    ("zeus-amd-run", "--csv - --gpus all true", "", 2),
    ("zeus-amd-run", "--csv - --trace - timeout 0.05 sleep 9", "", 124),
    ("zeus-amd-run", "--help", "", 0),
    ("zeus-amd-run", "", "", 0),
    ("zeus-amd-run", "--check", NO_GPU, 1),
    ("zeus-amd-run", "--check=json --output @/o", "", 0),
    ("zeus-amd-run", "--check=json", NO_SESSION, 1),
    ("zeus-amd-run", "--check", "FAILING=calloc", 1),
    ("zeus-amd-run", "--check=json", "FAILING=zeus_amd_explain", 0),
    ("zeus-amd-run", "--json @/%%%p%h true", "FAILING=malloc", 2),
    ("zeus-amd-run", "--json /dev/full timeout 0.05 sleep 9", "", 124),
    ("zeus-amd-run", "--json @/j --require true", NO_SESSION, 125),
    ("zeus-amd-run", "--json @/j --svg @/s timeout 0.05 sleep 9", NO_GPU, 124),
    ("zeus-amd-run", "--json @/j timeout 0.05 sleep 9", "FAILING=zeus_amd_session_info", 124),
    ("zeus-amd-run", "--json @/j timeout 0.05 sleep 9", "FAILING=zeus_amd_gpu_count", 124),
    ("zeus-amd-run", "--json @/j timeout 0.05 sleep 9", "FAILING=zeus_amd_gpu_info", 124),
    ("zeus-amd-run", "--json @/j timeout 0.05 sleep 9", "FAILING=calloc", 124),
    ("zeus-amd-run", "--svg @/s timeout 0.05 sleep 9", "FAILING=calloc:1", 124),
    ("zeus-amd-run", "--svg @/s timeout 0.05 sleep 9", "FAILING=calloc:2", 124),
    ("zeus-amd-run", "--trace @/t --svg @/s timeout 0.05 sleep 9", "FAILING=malloc", 124),
    ("zeus-amd-run", "--csv @/c --svg @/s timeout 0.05 sleep 9", "FAILING=zeus_amd_sampler_start", 124),
    ("zeus-amd-run", "--csv @/c --svg @/s timeout 0.05 sleep 9", "FAILING=zeus_amd_sampler_drain:1", 124),
    ("zeus-amd-run", "--csv @/c --svg @/s timeout 0.05 sleep 9", "FAILING=zeus_amd_sampler_stop", 124),
    ("zeus-amd-run", "--csv @/c --svg @/s timeout 0.05 sleep 9", "FAILING=zeus_amd_window_begin", 124),
    ("zeus-amd-run", "--csv @/c --require true", "FAILING=zeus_amd_window_begin", 125),
    ("zeus-amd-run", "--csv @/c --svg @/s timeout 0.05 sleep 9", "FAILING=zeus_amd_window_end", 124),
];

/// The exit status of a program in which the sanitizers found something.
const WRONG: i32 = 99;

const SANITIZERS: [&str; 3] = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"];

/// With the sanitizers in it. They need not be first: the simulator's library before them has nothing that they replace.
fn sanitized(sim: &Sim, program: &Path) -> Command {
    let mut command = sim.command(program);
    command.env("ASAN_OPTIONS", format!("verify_asan_link_order=0:detect_leaks=1:exitcode={WRONG}"));
    command.env("LSAN_OPTIONS", format!("exitcode={WRONG}"));
    command.env("UBSAN_OPTIONS", format!("exitcode={WRONG}:print_stacktrace=1"));
    command
}

/// Definite and possible losses are errors; what the simulator itself keeps until the end is not looked at.
fn valgrind(sim: &Sim, program: &Path) -> Command {
    let mut command = sim.command("valgrind");
    command.args([
        "--quiet",
        "--leak-check=full",
        "--show-leak-kinds=definite,possible",
        "--child-silent-after-fork=yes",
    ]);
    command.arg(format!("--suppressions={}", common::root().join("tests/c/simulator.supp").display())).arg(program);
    command
}

/// The exit status, if nothing was found. Lines of valgrind with "--" are about a system call that it does not know.
fn checked(command: &mut Command) -> Result<i32, String> {
    let out = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    let found = text.contains("==") || text.contains("runtime error:");
    out.status.code().filter(|code| *code != WRONG && !found).ok_or(format!("{}\n{text}", out.status))
}

/// What makes calls of the examples fail: its object and what the linker has to know.
fn failing() -> &'static [String] {
    static FLAGS: OnceLock<Vec<String>> = OnceLock::new();
    FLAGS.get_or_init(|| {
        let source = common::root().join("tests/c/failing.c");
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-g", "-c"]).arg(&source);
        let object = common::built(cc.arg("-I").arg(common::root().join("include")), "failing.o");
        let text = std::fs::read_to_string(source).unwrap();
        let wraps = text.lines().filter(|l| ["FAILS(", "ENDS(", "NO_MEMORY("].iter().any(|w| l.starts_with(w)));
        let names = wraps.map(|l| l.split(['(', ',']).nth(1).unwrap());
        names.map(|n| format!("-Wl,--wrap={n}")).chain([object.to_str().unwrap().to_owned()]).collect()
    })
}

/// All runs of all examples, those of one after each other.
fn all(kind: &str, flags: &[&str], runs: &[&[Run]], start: fn(&Sim, &Path) -> Command) {
    let names = examples::names();
    let runs = runs.concat();
    assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), runs.iter().map(|r| r.0).collect());
    let all_of = |name: &str| {
        let sim = Sim::start("mi210-1", "6.2.4", &[] as &[&str]).unwrap();
        let extra: Vec<&str> = failing().iter().map(String::as_str).chain(flags.iter().copied()).collect();
        let program = examples::build(name, kind, &extra);
        for (_, arguments, env, code) in runs.iter().filter(|r| r.0 == name) {
            let mut command = start(&sim, &program);
            command.env_remove("HIP_VISIBLE_DEVICES").envs(env.split_whitespace().map(|e| e.split_once('=').unwrap()));
            command.args(arguments.replace('@', sim.dir().to_str().unwrap()).split_whitespace());
            assert_eq!(checked(&mut command), Ok(*code), "{env} {name} {arguments}");
        }
    };
    std::thread::scope(|scope| names.iter().for_each(|name| _ = scope.spawn(|| all_of(name))));
}

#[test]
fn sanitizers_find_nothing() {
    all("-sanitized", &SANITIZERS, &[RUNS, MORE_RUNS], sanitized);
}

#[test]
fn valgrind_finds_nothing() {
    all("-plain", &[], &[RUNS], valgrind);
}

/// What is wrong would be found so.
#[test]
fn both_find_what_is_wrong() {
    let sim = Sim::start("mi210-1", "6.2.4", &[] as &[&str]).unwrap();
    let compile = |kind: &str, flags: &[&str]| {
        let mut cc = Command::new("cc");
        common::link(
            cc.arg("-g").args(flags).arg(common::root().join("tests/c/sanitizer_probe.c")),
            &format!("sanitizer_probe{kind}"),
        )
    };
    let (with, without) = (compile("-sanitized", &SANITIZERS), compile("-plain", &[]));
    for (fault, sanitizers_see, valgrind_sees) in
        [("none", false, false), ("leak", true, true), ("overrun", true, true), ("overflow", true, false)]
    {
        assert_eq!(checked(sanitized(&sim, &with).arg(fault)).is_err(), sanitizers_see, "{fault}");
        assert_eq!(checked(valgrind(&sim, &without).arg(fault)).is_err(), valgrind_sees, "{fault}");
    }
}
