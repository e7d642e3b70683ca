//! Machines that users have reported, rebuilt: what each reading, setting and window has to be there.

mod common;

#[allow(dead_code)] // All of it is used in tests/backends.
#[path = "backends/client.rs"]
mod client;

use client::{Answer, Client, ADAPTIVE, BUSY, NOT_SUPPORTED, OFF};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const OUT_OF_RANGE: i64 = -23;
const NO_GPU: i64 = -3;

/// What an answer has to be.
enum Must {
    /// These values come first.
    Be(&'static [&'static str]),
    /// This status, with this text, and without this one.
    Fail(i64, &'static str, &'static str),
}

use Must::{Be, Fail};

/// What is done in it, and what has to come of it.
struct Case {
    name: &'static str,
    /// Of the simulator, or a file of `tests/machines`.
    machine: &'static str,
    with: &'static [&'static str],
    /// ROCm release and backend.
    by: &'static [(&'static str, &'static str)],
    masks: &'static [(&'static str, &'static str)],
    /// Lines for `backends.c`.
    reads: &'static [(&'static str, Must)],
    /// Operations of `control.c`.
    sets: &'static [(&'static str, Must)],
    /// Of GPU 0, constant; 0 where it has none to be read.
    power_w: u64,
    more: fn(&Sim, &str),
}

const NOTHING: fn(&Sim, &str) = |_, _| {};

const CASES: &[Case] = &[
    Case {
        name: "mi50: 0 W in the table, 178 W in hwmon",
        machine: "mi50-1",
        with: &["gpu.0.caps = { cap_w = 190, default_w = 190, min_w = 0, max_w = 190 }"],
        by: &[
            ("none", "sysfs"),
            ("6.3.3", "auto"),
            ("6.4.3", "auto"),
            ("7.0.2", "auto"),
            ("10.0", "auto"),
            ("10.0", "amdsmi"),
        ],
        masks: &[],
        reads: &[
            ("instant 0", Be(&["178000"])),
            ("average 0", Fail(NOT_SUPPORTED, "instant power only", "0 W")),
            ("temperature 0", Be(&["74"])),
            ("energy 0", Fail(NOT_SUPPORTED, "no energy counter", "")),
            ("limit 0", Be(&["190000"])),
            ("levels 0", Be(&["808", "1725"])),
        ],
        sets: &[
            ("limit 0 300", Fail(OUT_OF_RANGE, "0.3 W", "")),
            ("limit 0 191000", Fail(OUT_OF_RANGE, "to 190 W", "")),
            ("limit 0 150000", Be(&[])),
            ("read_limit 0 0", Be(&["150000"])),
            ("reset_limit 0 0", Be(&[])),
            ("read_limit 0 0", Be(&["190000"])),
        ],
        power_w: 178,
        more: NOTHING,
    },
    Case {
        name: "rx580 beside mi210, ROCm 6: shown",
        machine: "rx580-beside-mi210.toml",
        with: &[],
        by: &[("6.1.2", "auto"), ("6.4.3", "auto")],
        masks: &[],
        reads: &[
            ("explain", Be(&["2"])),
            ("temperature 0", Be(&["41"])),
            ("average 1", Be(&["219000"])),
            ("temperature 1", Be(&["51"])),
        ],
        sets: &[],
        power_w: 38,
        more: NOTHING,
    },
    Case {
        name: "rx580 beside mi210, ROCm 10: skipped",
        machine: "rx580-beside-mi210.toml",
        with: &[],
        by: &[("10.0", "auto")],
        masks: &[],
        reads: &[
            ("explain", Be(&["1"])),
            ("average 0", Be(&["219000"])),
            ("temperature 0", Be(&["51"])),
            ("energy 1", Fail(NO_GPU, "there is one, GPU 0", "")),
        ],
        sets: &[],
        power_w: 219,
        more: NOTHING,
    },
    Case {
        name: "rx580 beside mi210, ROCm 7.0 to 7.2: the runtime does not start",
        machine: "rx580-beside-mi210.toml",
        with: &[],
        by: &[("7.0.2", "auto"), ("7.2.0", "auto")],
        masks: &[],
        reads: &[("explain", Be(&["0"])), ("average 0", Fail(NO_GPU, "there are none", ""))],
        sets: &[],
        power_w: 0,
        more: NOTHING,
    },
    Case {
        name: "rx7900 beside the graphics of the processor, which is masked out",
        machine: "rx7900-2",
        with: &[],
        by: &[("none", "sysfs"), ("6.4.3", "auto"), ("7.0.2", "auto"), ("7.0.2", "amdsmi")],
        masks: &[("HIP_VISIBLE_DEVICES", "0")],
        reads: &[
            ("average 0", Be(&["55000"])),
            ("instant 0", Fail(NOT_SUPPORTED, "average power only", "")),
            ("temperature 0", Be(&["47"])),
            ("energy 0", Fail(NOT_SUPPORTED, "no energy counter", "")),
            ("limit 0", Be(&["265000"])),
            ("levels 0", Be(&["500", "2371"])),
            ("range 0", Be(&["500", "3000"])),
            ("average 1", Fail(NO_GPU, "there is one, GPU 0", "")),
        ],
        sets: &[("limit 0 200000", Fail(OUT_OF_RANGE, "212 W to 304 W", ""))],
        power_w: 55,
        more: |sim, context| {
            assert_eq!(sim.touched(1), 0, "{context}: a file of the GPU that is masked out was opened");
            assert!(sim.touched(0) > 0, "{context}");
        },
    },
    Case {
        name: "rx7900 beside the graphics of the processor, which are shown",
        machine: "rx7900-2",
        with: &[],
        by: &[("none", "sysfs"), ("7.0.2", "auto")],
        masks: &[],
        reads: &[
            ("average 0", Be(&["55000"])),
            ("instant 1", Be(&["31000"])),
            ("temperature 1", Be(&["44"])),
            ("limit 1", Fail(NOT_SUPPORTED, "power limit", "1000")),
            ("energy 1", Fail(NOT_SUPPORTED, "no energy counter", "")),
        ],
        sets: &[("limit 1 100000", Fail(NOT_SUPPORTED, "power limit", "1000"))],
        power_w: 55,
        more: NOTHING,
    },
    Case {
        name: "rx7900 that is suspended: left alone",
        machine: "rx7900-2",
        with: &["gpu.0.suspended = \"resumes\""],
        by: &[("none", "sysfs"), ("7.0.2", "auto"), ("7.0.2", "amdsmi")],
        masks: &[("HIP_VISIBLE_DEVICES", "0")],
        reads: &[
            ("average 0", Fail(BUSY, "runtime-suspended", "")),
            ("temperature 0", Fail(BUSY, "runtime-suspended", "")),
            ("limit 0", Fail(BUSY, "runtime-suspended", "")),
        ],
        sets: &[("read_limit 0 0", Fail(BUSY, "runtime-suspended", ""))],
        power_w: 0,
        more: |sim, context| assert_eq!((sim.touched(0), sim.touched(1)), (0, 0), "{context}"),
    },
    Case {
        name: "rx9070: an offset of the graphics clock only, and a counter of 0",
        machine: "rx9070-1",
        with: &[],
        by: &[("none", "sysfs"), ("6.4.3", "auto"), ("7.0.2", "auto"), ("7.0.2", "amdsmi")],
        masks: &[],
        reads: &[
            ("average 0", Be(&["20000"])),
            ("temperature 0", Be(&["43"])),
            ("energy 0", Fail(NOT_SUPPORTED, "does not advance although power is drawn", "")),
            ("limit 0", Be(&["220000"])),
            ("levels 0", Be(&["500", "2520"])),
            ("range 0", Fail(NOT_SUPPORTED, "knows only an offset", "OD_RANGE")),
            ("lock 0", Fail(NOT_SUPPORTED, "knows only an offset", "OD_RANGE")),
        ],
        sets: &[
            ("gfx 0 500:2000", Fail(NOT_SUPPORTED, "knows only an offset", "")),
            ("mem_range 0 0", Be(&["97:1500"])),
            ("mem 0 97:1000", Be(&[])),
            ("gfx 0 500:2000", Fail(NOT_SUPPORTED, "knows only an offset", "")),
            ("reset_clocks 0 0", Be(&[])),
            ("limit 0 153000", Fail(OUT_OF_RANGE, "154 W to 242 W", "")),
            ("limit 0 200000", Be(&[])),
            ("reset_limit 0 0", Be(&[])),
        ],
        power_w: 20,
        more: |sim, context| {
            let level = std::fs::read_to_string(folder(sim).join("power_dpm_force_performance_level")).unwrap();
            assert_eq!(level.trim(), "auto", "{context}");
        },
    },
    Case {
        name: "rx7900 without overdrive: no clocks to set, and how to get them",
        machine: "rx7900-2",
        with: &["gpu.0.file.pp_od_clk_voltage = { open = \"ENOENT\", read = \"ENOENT\" }"],
        by: &[("none", "sysfs"), ("7.0.2", "auto"), ("10.2", "amdsmi")],
        masks: &[("HIP_VISIBLE_DEVICES", "0")],
        reads: &[
            ("levels 0", Be(&["500", "2371"])),
            ("range 0", Fail(NOT_SUPPORTED, "amdgpu.ppfeaturemask", "")),
            ("lock 0", Fail(NOT_SUPPORTED, "amdgpu.ppfeaturemask", "")),
        ],
        sets: &[("gfx 0 500:2000", Fail(NOT_SUPPORTED, "amdgpu.ppfeaturemask", ""))],
        power_w: 0,
        more: NOTHING,
    },
    Case {
        name: "strix-halo through a libamd_smi that shows no power, although the driver does",
        machine: "strix-halo-1",
        with: &[],
        by: &[("10.2", "amdsmi")],
        masks: &[],
        reads: &[("average 0", Fail(NOT_SUPPORTED, "libamd_smi reports none", "the driver"))],
        sets: &[],
        power_w: 0,
        more: NOTHING,
    },
    Case {
        name: "strix-halo: the edge sensor, a table of version 3.0, and no limit",
        machine: "strix-halo-1",
        with: &[],
        by: &[("none", "sysfs"), ("6.3.3", "auto"), ("7.0.2", "auto"), ("7.13", "auto"), ("10.0", "auto")],
        masks: &[],
        reads: &[
            ("average 0", Be(&["119000"])),
            ("temperature 0", Be(&["88"])),
            // ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT.
            ("flags 0", Be(&["256"])),
            ("energy 0", Fail(NOT_SUPPORTED, "no energy counter", "the driver reports none")),
            ("limit 0", Fail(NOT_SUPPORTED, "power limit", "1000")),
            ("levels 0", Be(&["600", "2900"])),
        ],
        sets: &[("reset_limit 0 0", Fail(NOT_SUPPORTED, "power limit", "1000"))],
        power_w: 119,
        more: NOTHING,
    },
];

fn folder(sim: &Sim) -> PathBuf {
    sim.dir().join("sys/bus/pci/devices").join(sim.machine().gpus()[0].bdf.to_string())
}

fn start(machine: &str, rocm: &str, with: &[&str]) -> Sim {
    let file = common::root().join("tests/machines").join(machine);
    Sim::start(if file.exists() { file.to_str().unwrap() } else { machine }, rocm, with).unwrap()
}

/// Runs a program in the machine, and returns what it printed.
fn run(sim: &Sim, program: &'static str, arguments: &str, backend: &str, masks: &[(&str, &str)]) -> String {
    let mut command = sim.command(common::c_program(program));
    command.args(arguments.split_whitespace()).env("ZEUS_AMD_BACKEND", backend).envs(masks.iter().copied());
    let out = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && stderr.is_empty(), "{program} {arguments}: {:?} {stderr}", out.status);
    String::from_utf8(out.stdout).unwrap()
}

fn check(must: &Must, said: &Answer, context: &str) {
    match must {
        Be(values) => {
            assert_eq!(said.status, 0, "{context}: {said:?}");
            assert_eq!(said.words.get(..values.len()).unwrap_or_default(), *values, "{context}: {said:?}");
        }
        Fail(status, text, absent) => {
            let has_text = said.text.contains(text) && (absent.is_empty() || !said.text.contains(absent));
            assert!(said.status == *status && has_text, "{context}: {said:?}");
        }
    }
}

/// Each step in the process that did those before it.
fn settings(case: &Case, sim: &Sim, backend: &str, context: &str) {
    let steps: Vec<&str> = case.sets.iter().map(|(step, _)| *step).collect();
    let text = run(sim, "control", &steps.join(" "), backend, case.masks);
    assert_eq!(text.lines().count(), steps.len(), "{context}: {text}");
    for ((step, must), line) in case.sets.iter().zip(text.lines()) {
        let (status, text) = line.split_once(' ').unwrap().1.split_once(' ').unwrap();
        let words = text.split_whitespace().map(str::to_owned).collect();
        check(
            must,
            &Answer { status: status.parse().unwrap(), words, text: text.to_owned() },
            &format!("{context}: {step}"),
        );
    }
}

/// Many powers, samples and a window: never 0, and the energy is that of the power.
fn energies(case: &Case, sim: &Sim, asked: &mut Client, backend: &str, context: &str) {
    let powers = run(sim, "powers", "50 2000", backend, case.masks);
    let numbers: Vec<u64> = powers.split_whitespace().filter_map(|w| w.parse().ok()).collect();
    let mw = case.power_w * 1000;
    assert_eq!(numbers[..5], [50, 0, 0, mw, mw], "{context}: {powers}");
    assert!(numbers[6] > 0 && numbers[7..] == [0, mw, mw], "{context}: {powers}");
    asked.ask("begin").ok();
    std::thread::sleep(Duration::from_millis(300));
    let used = asked.ask("end 0").ok();
    let seconds = (used.number(6) - used.number(5)) as f64 * 1e-9;
    let (energy_mj, uncertainty_mj) = (used.number(3) as f64, used.number(4) as f64);
    assert!((energy_mj - mw as f64 * seconds).abs() <= uncertainty_mj, "{context}: {used:?}");
    assert!(energy_mj > 0.5 * mw as f64 * seconds, "{context}: {used:?}");
}

#[test]
fn every_case_ends_right() {
    for case in CASES {
        for (rocm, backend) in case.by {
            let context = format!("{}, ROCm {rocm}, {backend}", case.name);
            let sim = start(case.machine, rocm, case.with);
            let mut command = sim.command(Client::program());
            command.env("ZEUS_AMD_BACKEND", backend).envs(case.masks.iter().copied()).arg(ADAPTIVE);
            let mut asked = Client::start(command);
            asked.ask("open").ok();
            for (line, must) in case.reads {
                check(must, &asked.ask(line), &format!("{context}: {line}"));
            }
            settings(case, &sim, backend, &context);
            if case.power_w > 0 {
                energies(case, &sim, &mut asked, backend, &context);
            }
            (case.more)(&sim, &context);
        }
    }
}

/// Level manual, with bounds of somebody's own, before a guard, and a libamd_smi that refuses at its end.
#[test]
fn a_guard_over_a_manual_level() {
    for backend in ["amdsmi", "auto"] {
        let refuses = "gpu.0.fault.amdsmi_set_gpu_clk_limit = { status = 10, after = 1 }";
        let sim = start("mi300x-8", "7.0.2", &[refuses]);
        let file = |name: &str| std::fs::read_to_string(folder(&sim).join(name)).unwrap();
        std::fs::write(folder(&sim).join("power_dpm_force_performance_level"), "manual\n").unwrap();
        let before = file("pp_od_clk_voltage");
        let text = run(&sim, "guard", "begin gfx 0 500 1000 end", backend, &[]);
        assert_eq!(text, "end 0 \n", "{backend}");
        // The machine takes some milliseconds to show what is written by sysfs.
        let is_back = || file("pp_od_clk_voltage") == before && file("power_dpm_force_performance_level") == "manual\n";
        assert!(happens(is_back), "{backend}: {} {:#?}", file("pp_od_clk_voltage"), sim.log());
        let log = sim.log();
        assert!(log.iter().any(|l| l.contains("1000")), "{backend}: it was changed at all: {log:#?}");
    }
}

/// What `sampler.c` prints that samples for so many milliseconds and stands still in between.
fn with_a_gap(ms: u64) -> Option<String> {
    let sim = start("mi300x-8", "none", &[]);
    let mut command = sim.command(common::c_program("sampler"));
    command.env("ZEUS_AMD_BACKEND", "sysfs").args([OFF, "0", "10000", "65536"]);
    command.args([ms.to_string().as_str(), "50", "65536", "2000", "1"]);
    let begun = Instant::now();
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    // It has sampled for a while: of 2,000 random energies some begin before the gap.
    let before = sim.touched(0);
    let is_over = || begun.elapsed() > Duration::from_millis(ms - 1000);
    assert!(happens(|| sim.touched(0) > before + 80 || is_over()));
    let pid = child.id() as i32;
    // SAFETY: signals to the child.
    unsafe { libc::kill(pid, libc::SIGSTOP) };
    std::thread::sleep(Duration::from_millis(808));
    unsafe { libc::kill(pid, libc::SIGCONT) };
    let was_within = !is_over();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    was_within.then(|| String::from_utf8(out.stdout).unwrap())
}

/// A process that stands still for 0.8 s samples nothing meanwhile, and its samples and energies say so.
#[test]
fn a_gap_is_flagged() {
    const SAMPLING_GAP: i64 = 32;
    // A busy machine may take so long to sample that the gap would not end before the program.
    let text = [4_000, 40_000].into_iter().find_map(with_a_gap).expect("a gap while it samples");
    let of = |kind: &'static str| {
        let lines = text.lines().filter_map(move |l| l.strip_prefix(kind));
        lines.map(|l| l.split_whitespace().map(|w| w.parse::<i64>().unwrap()).collect::<Vec<_>>())
    };
    let samples: Vec<_> = of("s ").filter(|s| s[0] == 0).map(|s| (s[3], s[2] & SAMPLING_GAP != 0)).collect();
    let mut gaps = Vec::new();
    for pair in samples.windows(2) {
        let ((from, _), (to, flagged)) = (pair[0], pair[1]);
        let ms = (to - from) as f64 * 1e-6;
        // Between these it depends on when the counter was refreshed.
        assert!(flagged || ms < 300.0, "a gap of {ms} ms is not flagged");
        assert!(!flagged || ms > 200.0, "{ms} ms are no gap");
        if flagged {
            gaps.push((from, to));
        }
    }
    assert!(gaps.iter().any(|(from, to)| to - from > 700_000_000), "{gaps:?}");
    let mut over_gaps = 0;
    for e in of("b ").filter(|e| e[0] == 0 && e[1] == 0) {
        let covers = gaps.iter().any(|(from, to)| e[6] <= *from && *to <= e[7]);
        assert!(!covers || e[3] & SAMPLING_GAP != 0, "{e:?}");
        over_gaps += u32::from(covers);
    }
    assert!(over_gaps > 0);
}
