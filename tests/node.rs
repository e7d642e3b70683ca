//! The node beside its GPUs against the formulas of the machine file: the truth lies within the uncertainty for every domain.

mod common;
#[path = "common/random.rs"]
mod random;

use random::Random;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

const OK: i32 = 0;
const NOT_SUPPORTED: i32 = -4;
const NO_PERMISSION: i32 = -5;
const IO: i32 = -10;
const STALE: u32 = 16;
const RESET: u32 = 2;
const SAMPLING_GAP: u32 = 32;
const IN_TOTAL: u32 = 16384;
const INCOMPLETE: u32 = 512;
const COUNTER: i32 = 1;
const ESTIMATED: i32 = 3;
const SCOPE_GPUS: i32 = 1;
const SCOPE_PARTS: i32 = 2;
const SCOPE_NODE: i32 = 3;

/// No domain draws more.
const MOST_W: f64 = 3000.0;

const EX: &str = "mi250x-ex";

/// A Cray EX255a: four MI300A, and no files of the processor and the memory.
const EX255A: &str = r#"
[node.pm_counters]
other = { power = { kind = "constant", w = 210 } }
accel = [{ gpu = 2 }, { gpu = 3, gain = 1.01 }, { gpu = 0 }, { gpu = 1, offset_w = 30 }]
"#;

/// The program is made first, so that no time of the machine passes meanwhile.
fn start(machine: &str, with: &[&str]) -> Sim {
    program();
    zeus_amd_sim::spawn(machine, "none", with).unwrap()
}

fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("node"))
}

fn run(sim: &Sim, args: &[&str]) -> String {
    said(sim.command(program()), args)
}

fn said(mut command: Command, args: &[&str]) -> String {
    let out = command.args(args).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// What `list` prints of a domain.
#[derive(Debug)]
struct Domain {
    kind: u32,
    status: i32,
    /// Where it is in the machine file: "cpu", "rapl:0", or "gpu3" of the session.
    name: String,
    parent: Option<usize>,
    gpu: usize,
}

fn domains(sim: &Sim) -> Vec<Domain> {
    let parse = |line: &str| {
        let w: Vec<&str> = line.splitn(10, ' ').collect();
        let number = |i: usize| w[i].parse::<u64>().unwrap();
        let parent = (number(4) & 1024 != 0).then(|| number(6) as usize);
        let (kind, name) = (number(1) as u32, w[9].to_owned());
        Domain { kind, status: w[3].parse().unwrap(), name, parent, gpu: number(7) as usize }
    };
    run(sim, &["list"]).lines().map(parse).collect()
}

/// The domain's name in the machine file: zones come in the order of their numbers, without AMD's "core".
fn true_names(sim: &Sim, domains: &[Domain]) -> Vec<String> {
    let zones = sim.machine().node().zones.iter().filter(|z| z.spec.name != "core");
    let mut zones = zones.map(|z| format!("rapl:{}", z.id));
    let of = |d: &Domain| match d.kind {
        0..=3 => d.name.clone(),
        9 => format!("gpu{}", d.gpu),
        _ => zones.next().unwrap(),
    };
    domains.iter().map(of).collect()
}

/// True microjoules of a domain between two times on CLOCK_BOOTTIME.
fn truth_uj(sim: &Sim, name: &str, from: u64, to: u64) -> f64 {
    let (from, to) = (sim.machine_ns(from), sim.machine_ns(to));
    let joules = match name.strip_prefix("gpu") {
        Some(gpu) => {
            let machine = sim.machine();
            machine.gpu_of(machine.in_hip_order()[gpu.parse::<usize>().unwrap()]).energy_between_j(from, to)
        }
        None => sim.machine().node().energy_j(name, from, to).unwrap(),
    };
    joules * 1e6
}

/// A line of `windows`; the total is domain -1.
#[derive(Debug, Clone)]
struct Line {
    window: u32,
    domain: i32,
    flags: u32,
    method: i32,
    status: i32,
    energy_uj: f64,
    uncertainty_uj: f64,
    from: u64,
    to: u64,
    /// Of the total: between the readings of the clock inside of the calls.
    duration: u64,
}

fn windows(sim: &Sim, count: u32, range_ms: (u32, u32), seed: u64) -> Vec<Line> {
    windows_of(sim.command(program()), count, range_ms, seed)
}

/// The program does not wait: the clock goes on instead.
fn sleepless(sim: &Sim, count: u32, range_ms: (u32, u32), seed: u64) -> Vec<Line> {
    let mut command = sim.command(program());
    command.env("LD_PRELOAD", common::preload("sleepless", sim));
    windows_of(command, count, range_ms, seed)
}

/// Of 0.05 to 100 s.
fn long_windows(sim: &Sim, count: u32, seed: u64) -> Vec<Line> {
    let lines = sleepless(sim, count, (50, 51_200), seed);
    assert_within(sim, &lines);
    lines
}

fn windows_of(command: Command, count: u32, (shortest_ms, longest_ms): (u32, u32), seed: u64) -> Vec<Line> {
    let us = |ms: u32| (ms * 1000).to_string();
    let text = said(command, &["windows", &count.to_string(), &us(shortest_ms), &us(longest_ms), &seed.to_string()]);
    let parse = |line: &str| {
        let w: Vec<i64> = line.split(' ').map(|w| w.parse().unwrap()).collect();
        let [window, domain, flags, method, status, energy, error, duration, from, to] = w[..] else {
            panic!("{line}")
        };
        Line {
            window: window as u32,
            domain: domain as i32,
            flags: flags as u32,
            method: method as i32,
            status: status as i32,
            energy_uj: energy as f64,
            uncertainty_uj: error as f64,
            from: from as u64,
            to: to as u64,
            duration: duration as u64,
        }
    };
    text.lines().map(parse).collect()
}

/// Of each window and domain that has an energy: the truth between the calls is within the uncertainty. The total is the
/// sum of domains that are not within each other.
fn assert_within(sim: &Sim, lines: &[Line]) {
    let domains = domains(sim);
    let names = true_names(sim, &domains);
    // What may be drawn while the program waits for a processor, at the end of begin or the start of end.
    let waited_uj = |window: u32| {
        let t = lines.iter().find(|t| t.window == window && t.domain < 0).unwrap();
        (t.duration - (t.to - t.from)) as f64 * MOST_W / 1e3
    };
    let mut seen = 0;
    for l in lines.iter().filter(|l| l.domain >= 0 && l.status == OK) {
        let name = &names[l.domain as usize];
        let truth = truth_uj(sim, name, l.from, l.to);
        let error_uj = l.uncertainty_uj + waited_uj(l.window);
        assert!((l.energy_uj - truth).abs() <= error_uj, "{name}: true {truth} uJ, {l:?}");
        seen += 1;
    }
    assert!(seen > 0, "nothing has an energy");
    for l in lines.iter().filter(|l| l.domain < 0) {
        let counted: Vec<usize> = lines
            .iter()
            .filter(|d| d.window == l.window && d.domain >= 0 && d.flags & IN_TOTAL != 0)
            .map(|d| d.domain as usize)
            .collect();
        for d in &counted {
            let mut above = domains[*d].parent;
            while let Some(parent) = above {
                assert!(!counted.contains(&parent), "{} is in {}", names[*d], names[parent]);
                above = domains[parent].parent;
            }
        }
        let truth: f64 = counted.iter().map(|d| truth_uj(sim, &names[*d], l.from, l.to)).sum();
        let error_uj = l.uncertainty_uj + waited_uj(l.window) * counted.len() as f64;
        assert!((l.energy_uj - truth).abs() <= error_uj, "total: true {truth} uJ, {l:?}");
    }
}

fn total(lines: &[Line]) -> &Line {
    lines.iter().find(|l| l.domain < 0).unwrap()
}

#[test]
fn domains_of_a_cray_ex_node() {
    let sim = start(EX, &[]);
    let found = domains(&sim);
    let names: Vec<&str> = found.iter().map(|d| d.name.as_str()).collect();
    let gpus = ["gpu0", "gpu2", "gpu4", "gpu6"];
    let board = ["node", "cpu", "memory", "accel0", "accel1", "accel2", "accel3", "package-0"];
    assert_eq!(names, [&board[..], &gpus[..]].concat());
    assert!(found.iter().all(|d| d.status == OK), "{found:?}");
    let parents: Vec<Option<usize>> = found.iter().map(|d| d.parent).collect();
    let node = Some(0);
    assert_eq!(parents[..8], [None, node, node, node, node, node, node, Some(1)]);
    assert_eq!(parents[8..], [node; 4]);
}

#[test]
fn the_truth_is_within_the_uncertainty_of_every_domain() {
    let mut random = Random::new();
    let reads = format!("node.read_us = {}", [0, 0, 300, 4000][random.below(4)]);
    let hz = format!("node.pm_counters.hz = {}", [10, 10, 7, 20][random.below(4)]);
    let phase = format!("node.pm_counters.phase_ms = {}", random.below(100));
    println!("{reads} {hz} {phase}");
    let sim = start(EX, &[&reads, &hz, &phase]);
    let lines = windows(&sim, 10, (30, 1500), random.next() >> 1);
    assert_within(&sim, &lines);
    assert!(lines.iter().filter(|l| l.domain < 0).all(|l| l.method == SCOPE_NODE && l.flags & INCOMPLETE == 0));
    // On a host that is not too slow an update lies in a long window.
    assert!(lines.iter().any(|l| l.domain >= 0 && l.method == COUNTER), "{lines:?}");
}

#[test]
fn torn_and_slow_files() {
    let sim = start(EX, &["node.pm_counters.torn_every = 3", "node.read_us = 5000"]);
    let lines = windows(&sim, 2, (900, 1000), 3);
    assert_within(&sim, &lines);
    assert!(lines.iter().all(|l| l.domain < 0 || l.status == OK), "{lines:?}");
}

#[test]
fn a_restart_of_the_controller() {
    for clock in ["true", "false"] {
        // However late the program starts: one is in each window of three seconds.
        let times: Vec<f64> = (0..40).map(|n| 1.5 + 2.5 * f64::from(n)).collect();
        let restart =
            format!("node.pm_counters = {{ restart_at_s = {times:?}, restart_s = 0.3, restart_clock = {clock} }}");
        let sim = start(EX, &[&restart]);
        let lines = windows(&sim, 1, (3000, 3000), 5);
        assert_within(&sim, &lines);
        let node = &lines[0];
        assert!(node.flags & RESET != 0 && node.method == ESTIMATED, "{node:?}");
    }
}

#[test]
fn a_controller_that_stops_is_stale() {
    let sim = start(EX, &["node.pm_counters.stalled_at_s = 1.0"]);
    let lines = windows(&sim, 1, (4000, 4000), 5);
    assert_within(&sim, &lines);
    assert!(lines[0].flags & STALE != 0, "{:?}", lines[0]);
}

/// 2^29 counts are 8192 J: a register wraps around at once and twice more, and a thread of the session sees each.
#[test]
fn registers_wrap_around() {
    let zone = |id: &str, name: &str, low: u32, high: u32| {
        let load = format!("kind = \"square\", low = {low}, high = {high}, period_s = 0.9");
        format!(
            "node.powercap.\"{id}\" = {{ name = \"{name}\", bits = 29, initial = 536800000, power = {{ {load} }} }}"
        )
    };
    let zones = [zone("0", "package-0", 800, 990), zone("1", "package-1", 850, 960), zone("0:0", "dram", 300, 590)];
    let sim = start("mi300x-8", &zones.each_ref().map(String::as_str));
    let lines = windows(&sim, 1, (10_000, 10_000), 1);
    assert_within(&sim, &lines);
    let domains = domains(&sim);
    for l in lines.iter().filter(|l| l.domain >= 0 && domains[l.domain as usize].kind != 9) {
        assert!(l.method == COUNTER && l.flags & (RESET | SAMPLING_GAP) == 0, "{l:?}");
        assert!(l.energy_uj > 4e9 && l.uncertainty_uj < l.energy_uj / 4.0, "{l:?}");
    }
    // Two packages, memory, eight GPUs.
    assert_eq!((total(&lines).method, total(&lines).status), (SCOPE_PARTS, 0));
}

/// Intel's zone of a package once more, and psys, are in no total.
#[test]
fn packages_of_two_sockets_count_once() {
    let zone = |id: &str, name: &str, w: u32| {
        format!("node.powercap.\"{id}\" = {{ name = \"{name}\", unit_bits = 14, power = {{ kind = \"constant\", w = {w} }} }}")
    };
    let zones = [
        zone("0", "package-0", 150),
        zone("1", "package-1", 170),
        zone("0:0", "dram", 30),
        zone("1:0", "dram", 31),
        zone("2", "psys", 600),
    ];
    let zones: Vec<&str> = zones.iter().map(String::as_str).collect();
    let sim = start("mi210-1", &zones);
    let mmio = sim.dir().join("sys/class/powercap/intel-rapl-mmio:0");
    std::os::unix::fs::symlink(sim.dir().join("sys/class/powercap/intel-rapl:0"), mmio).unwrap();
    let lines = windows(&sim, 1, (1000, 1000), 1);
    assert_within(&sim, &lines);
    let domains = domains(&sim);
    let counted = |l: &&Line| l.domain >= 0 && l.flags & IN_TOTAL != 0;
    let names: Vec<&str> = lines.iter().filter(counted).map(|l| domains[l.domain as usize].name.as_str()).collect();
    assert_eq!(names, ["package-0", "package-0 dram", "package-1", "package-1 dram", "gpu0"]);
}

/// As for every user since Linux 5.10.
#[test]
fn registers_that_may_not_be_read() {
    let zone =
        "node.powercap.\"0\" = { name = \"package-0\", readable = false, power = { kind = \"constant\", w = 150 } }";
    let sim = start("mi210-1", &[zone]);
    assert_eq!(domains(&sim)[0].status, NO_PERMISSION);
    let lines = windows(&sim, 1, (300, 300), 1);
    assert_eq!((lines[0].status, lines[0].flags & IN_TOTAL), (NO_PERMISSION, 0));
    let t = total(&lines);
    assert_eq!((t.method, t.status, t.flags & INCOMPLETE), (SCOPE_GPUS, 1, INCOMPLETE));
    assert_within(&sim, &lines);
}

/// A refusal by the vendor is no refusal of the call: the window has ended, and may not be ended again.
#[test]
fn an_end_without_an_energy_has_ended() {
    program();
    let refused = ["amdsmi_get_energy_count", "amdsmi_get_power_info", "amdsmi_get_gpu_metrics_info"]
        .map(|call| format!("gpu.0.fault.{call} = {{ status = 1 }}"));
    let sim = zeus_amd_sim::spawn("mi210-1", "6.2.4", &refused.each_ref().map(String::as_str)).unwrap();
    let mut command = sim.command(program());
    command.env("ZEUS_AMD_BACKEND", "amdsmi");
    let lines = windows_of(command, 1, (10, 10), 1);
    assert_eq!((lines[0].status, total(&lines).status), (IO, 1), "{lines:?}");
}

#[test]
fn missing_and_unreadable_files_of_the_controller() {
    let missing = "node.pm_counters.missing = [\"energy\", \"freshness\", \"startup\", \"raw_scan_hz\", \"cpu_energy\", \"cpu_power\"]";
    let sim = start(EX, &[missing, "node.pm_counters.unreadable = [\"memory_energy\"]"]);
    let found = domains(&sim);
    let status = |name: &str| found.iter().find(|d| d.name == name).map(|d| d.status);
    assert_eq!([status("node"), status("cpu"), status("memory")], [Some(NOT_SUPPORTED), None, Some(NO_PERMISSION)]);
    let lines = windows(&sim, 1, (1200, 1200), 1);
    assert_within(&sim, &lines);
    // The power is there, so the node's energy is estimated.
    assert_eq!((lines[0].method, total(&lines).method), (ESTIMATED, SCOPE_NODE));
}

#[test]
fn the_processor_of_an_mi300a_is_in_the_package_of_its_gpu() {
    let zone = "node.powercap.\"0\" = { name = \"package-0\", power = { kind = \"constant\", w = 150 } }";
    let sim = start("mi300a-4", &[zone]);
    let lines = windows(&sim, 1, (500, 500), 1);
    assert_within(&sim, &lines);
    assert_eq!((lines[0].status, lines[0].flags & IN_TOTAL, total(&lines).method), (OK, 0, SCOPE_GPUS));
    let sim = start("mi300a-4", &[zone, EX255A]);
    let names: Vec<String> = domains(&sim).into_iter().map(|d| d.name).collect();
    assert_eq!(names[..5], ["node", "accel0", "accel1", "accel2", "accel3"]);
    let lines = windows(&sim, 2, (500, 900), 1);
    assert_within(&sim, &lines);
    assert_eq!(total(&lines).method, SCOPE_NODE);
}

#[test]
fn the_processor_of_an_apu_is_in_the_package_of_its_gpu() {
    let zone = "node.powercap.\"0\" = { name = \"package-0\", power = { kind = \"constant\", w = 15 } }";
    for gfx in [110_501, 110_504, 110_700, 110_701] {
        let sim = start("strix-halo-1", &[zone, &format!("all.gfx_target = {gfx}")]);
        let lines = windows(&sim, 1, (300, 300), 1);
        let package = &lines[0];
        assert_eq!((package.status, package.flags & IN_TOTAL, total(&lines).method), (OK, 0, SCOPE_GPUS), "{gfx}");
    }
}

#[test]
fn partitions_of_a_package_count_once() {
    let cpx = "all.partitions = 8\nall.compute_partition = \"CPX\"";
    let sim = start("mi300x-8", &[cpx]);
    assert_eq!(domains(&sim).len(), 8);
    let lines = windows(&sim, 1, (300, 300), 1);
    assert_within(&sim, &lines);
}

/// Windows of 50 to 100 s say something of what the board measures, however slow its files are. Memory draws little.
fn assert_precise(sim: &Sim) {
    for l in sleepless(sim, 3, (50_000, 50_000), 7).iter().filter(|l| [0, 1, 3, 4, 5, 6].contains(&l.domain)) {
        assert!(l.method == COUNTER && l.uncertainty_uj < l.energy_uj / 5.0, "{l:?}");
    }
}

/// On a board that updates its values whenever it does, restarts, stops, and tears its files.
#[test]
fn windows_of_up_to_100_seconds_of_a_board() {
    let mut random = Random::new();
    for _ in 0..4 {
        let hz = format!("node.pm_counters.hz = {}", [10, 10, 7, 20][random.below(4)]);
        let phase = format!("node.pm_counters.phase_ms = {}", random.below(100));
        let reads = format!("node.read_us = {}", [0, 0, 300, 4000][random.below(4)]);
        let torn = format!("node.pm_counters.torn_every = {}", [0, 0, 3, 5][random.below(4)]);
        let every_s = random.between(20.0, 200.0);
        let times = |shift: f64| (0..60).map(|n| shift + every_s * f64::from(n)).collect::<Vec<_>>();
        let clock = random.below(2) == 0;
        let restarts = [
            String::new(),
            format!("node.pm_counters.restart_at_s = {:?}\nnode.pm_counters.restart_clock = {clock}", times(3.0)),
        ];
        let stall = |t: &f64| [*t, t + every_s / 5.0];
        let stalls = [
            String::new(),
            format!("node.pm_counters.stalled_at_s = {:?}", times(11.0).iter().map(stall).collect::<Vec<_>>()),
        ];
        let patches = [&hz, &phase, &reads, &torn, &restarts[random.below(2)], &stalls[random.below(2)]];
        println!("{patches:?}");
        let sim = start(EX, &patches.map(String::as_str));
        let lines = long_windows(&sim, 40, random.next() >> 1);
        assert!(lines.iter().filter(|l| l.domain < 0).all(|l| l.method == SCOPE_NODE && l.flags & INCOMPLETE == 0));
        if patches[4].is_empty() && patches[5].is_empty() {
            assert!(lines.iter().all(|l| l.domain < 0 || l.flags & (RESET | STALE) == 0), "{lines:?}");
            assert_precise(&sim);
        }
    }
}

/// Files that are missing, or may not be read: of each domain there is the truth, or a status.
#[test]
fn windows_of_up_to_100_seconds_of_half_a_board() {
    const FILES: [&str; 12] = [
        "energy",
        "power",
        "cpu_energy",
        "cpu_power",
        "memory_energy",
        "memory_power",
        "accel0_energy",
        "accel1_energy",
        "accel2_power",
        "freshness",
        "startup",
        "raw_scan_hz",
    ];
    let mut random = Random::new();
    for _ in 0..4 {
        let mut some = || FILES.iter().filter(|_| random.below(4) == 0).collect::<Vec<_>>();
        let (missing, unreadable) = (some(), some());
        let patches = [
            format!("node.pm_counters.missing = {missing:?}"),
            format!("node.pm_counters.unreadable = {unreadable:?}"),
        ];
        println!("{patches:?}");
        let sim = start(EX, &patches.each_ref().map(String::as_str));
        long_windows(&sim, 12, random.next() >> 1);
    }
}

/// Dies of one package, processors in the package of a GPU, partitions of one: with and without a board, beside registers
/// that wrap around within a window, and one that starts again.
#[test]
fn windows_of_up_to_100_seconds_count_nothing_twice() {
    let package = "node.powercap.\"0\" = { name = \"package-0\", initial = 4290000000, power = { kind = \"sine\", mean = 700, amplitude = 200, period_s = 7.0 } }";
    let dram = "node.powercap.\"0:0\" = { name = \"dram\", reset_at_s = [90.0, 400.0], power = { kind = \"square\", low = 20, high = 90, period_s = 11.0 } }";
    let split = "all.partitions = 8\nall.compute_partition = \"CPX\"";
    let mut random = Random::new();
    let thirds = "all.partitions = 3\nall.compute_partition = \"TPX\"";
    let machines: [(&str, &[&str], i32, &[u32]); 6] = [
        ("mi250x-4", &[package, dram], SCOPE_PARTS, &[4, 7, 9]),
        ("mi300a-4", &[package], SCOPE_GPUS, &[9]),
        ("mi300a-4", &[package, EX255A], SCOPE_NODE, &[0]),
        (
            "mi300a-4",
            &[package, EX255A, thirds, "node.pm_counters.missing = [\"energy\", \"power\"]"],
            SCOPE_GPUS,
            &[3],
        ),
        ("mi300x-8", &[package, dram, split], SCOPE_PARTS, &[4, 7, 9]),
        (EX, &["node.pm_counters.missing = [\"energy\", \"power\"]", dram], SCOPE_PARTS, &[1, 2, 3]),
    ];
    for (machine, with, scope, kinds) in machines {
        let sim = start(machine, with);
        let lines = long_windows(&sim, 30, random.next() >> 1);
        let domains = domains(&sim);
        for l in &lines {
            match domains.get(l.domain as usize) {
                Some(d) => assert_eq!(l.flags & IN_TOTAL != 0, kinds.contains(&d.kind), "{machine}: {d:?}, {l:?}"),
                None => assert_eq!((l.method, l.status), (scope, 0), "{machine}: {l:?}"),
            }
        }
        let is_package = |l: &&Line| domains.get(l.domain as usize).is_some_and(|d| d.kind == 4);
        assert!(lines.iter().filter(is_package).all(|l| l.flags & (RESET | SAMPLING_GAP) == 0), "{machine}");
    }
}

#[test]
fn a_window_of_gpus_reads_nothing_of_the_node() {
    let sim = start(EX, &[]);
    run(&sim, &["gpus"]);
    assert_eq!(sim.node_reads(), 0);
    run(&sim, &["list"]);
    assert!(sim.node_reads() > 20);
}

#[test]
fn single_readings() {
    let sim = start(EX, &[]);
    let domains = domains(&sim);
    let names = true_names(&sim, &domains);
    let text = run(&sim, &["readings", "1500000"]);
    let lines: Vec<Vec<i64>> = text.lines().map(|l| l.split(' ').map(|w| w.parse().unwrap()).collect()).collect();
    let (first, second) = lines.split_at(domains.len());
    for ((a, b), (domain, name)) in first.iter().zip(second).zip(domains.iter().zip(&names)) {
        if domain.kind == 9 {
            assert_eq!([a[1], a[6]], [i64::from(NOT_SUPPORTED); 2], "{name}");
            continue;
        }
        assert_eq!([a[1], b[1], a[6], b[6]], [0_i64; 4], "{name}");
        // A reading is of some time in its call, in which this program may have had to wait for a processor.
        let calls_ns = (a[5] - a[4] + b[5] - b[4]) as f64;
        let (counted, error) = ((b[2] - a[2]) as f64, (a[3] + b[3]) as f64 + calls_ns * MOST_W / 1e3);
        let truth = truth_uj(&sim, name, a[4] as u64, b[4] as u64);
        assert!((counted - truth).abs() <= error, "{name}: {counted} uJ, true {truth}, off by at most {error}");
        // Of a register it is the mean over 50 ms or more of the call.
        if name.starts_with("rapl") {
            let call_ns = (b[9] - b[5]) as f64;
            let truth = truth_uj(&sim, name, b[5] as u64, b[9] as u64) / call_ns * 1e6;
            let error = b[8] as f64 + (call_ns - 50e6) / call_ns * MOST_W * 1e3;
            assert!((b[7] as f64 - truth).abs() <= error, "{name}: {} mW, true {truth}", b[7]);
        }
    }
}

/// What the board says of the counters stands in the explanation, once there was a window. Where the host was so slow that
/// the readings' times are uncertain, it says that, or nothing.
#[test]
fn a_second_opinion_on_the_counters() {
    let line = |sim: &Sim, ms: u32| {
        let text = run(sim, &["explain", &(ms * 1000).to_string()]);
        text.lines().find(|l| l.contains("by pm_counters")).map(str::to_owned)
    };
    // Wrong counters that windows and Zeus's rule believe.
    let gains = |gain: f64| [0, 2, 4, 6].map(|gpu| format!("gpu.{gpu}.counter.gain = {gain}")).join("\n");
    let expected = [(1.0, 21_000, "they agree"), (0.7, 13_000, "counts too little"), (1.3, 13_000, "counts too much")];
    std::thread::scope(|scope| {
        for (gain, ms, opinion) in expected {
            scope.spawn(move || {
                let Some(text) = line(&start(EX, &[&gains(gain)]), ms) else { return };
                let is_said = text.contains(opinion) || text.contains("too short");
                assert!(text.contains("4 packages") && is_said, "{gain}: {text}");
            });
        }
    });
    // Not comparable: a board with another number of accelerators, and none.
    let fewer = "node.pm_counters.accel = [{ gpu = 0 }]";
    assert_eq!(line(&start(EX, &[fewer]), 500), None);
    assert_eq!(line(&start("mi300x-8", &[]), 100), None);
}

/// A counter that is 5 % off, which windows, Zeus's rule and the sum of all believe, is named by the course of its energy; a
/// healthy one never is. Where the host was too busy to sample them, its gain is unknown.
#[test]
fn a_gain_of_5_percent_in_one_counter() {
    let said = |with: &[&str]| {
        let text = run(&start(EX, with), &["explain", "30000000"]);
        println!("{with:?}: {text}");
        let lines: Vec<String> = text.lines().filter(|l| l.contains("gain")).map(str::to_owned).collect();
        assert!(!lines.is_empty());
        lines
    };
    let too = |lines: &[String], way: &str| lines.iter().filter(|l| l.contains(way)).cloned().collect::<Vec<_>>();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let lines = said(&["node.pm_counters.phase_ms = 77"]);
            assert!(too(&lines, "counts about").is_empty(), "{lines:?}");
            // In the machine file accel1 is of package 0, accel0 of package 2.
            for (board, gpu) in [("accel1", "gpu0"), ("accel3", "gpu2"), ("accel0", "gpu4"), ("accel2", "gpu6")] {
                let of_gpu: Vec<&String> = lines.iter().filter(|l| l.contains(&format!("is {gpu} by"))).collect();
                assert!(of_gpu.iter().all(|l| l.starts_with(board)), "{lines:?}");
            }
        });
        for (gain, way) in [(1.05, "too much"), (0.95, "too little")] {
            scope.spawn(move || {
                let lines = said(&[&format!("gpu.4.counter.gain = {gain}")]);
                let named = too(&lines, "counts about");
                let is_right = |l: &String| l.contains("gpu4") && l.contains(way);
                assert!(named.len() <= 1 && named.iter().all(is_right), "{gain}: {lines:?}");
                assert!(!named.is_empty() || lines.iter().any(|l| l.contains("unknown")), "{gain}: {lines:?}");
            });
        }
    });
}

#[test]
fn a_child_opens_its_own() {
    let text = run(&start(EX, &[]), &["fork"]);
    assert!(text.lines().count() > 10, "{text}");
}

/// A line of `limits`.
fn limits(sim: &Sim, us: u32) -> Vec<Vec<u64>> {
    let text = run(sim, &["limits", &us.to_string()]);
    text.lines().map(|l| l.split(' ').map(|w| w.parse::<i64>().unwrap() as u64).collect()).collect()
}

/// Exactly the formula, through a wraparound of all counters.
#[test]
fn time_at_a_limit_is_exact() {
    let of = |gpu: u32, shares: &str| {
        format!("gpu.{gpu}.counter.limited = {{ cycles = 4294967000, initial = 4294967200, {shares} }}")
    };
    let one = of(0, "ppt = 0.867, hbm_thm = 0.25");
    let other = of(1, "prochot = 0.01, socket_thm = 0.5, vr_thm = 1.0");
    for revision in ["1.6", "1.7", "1.8", "1.9"] {
        let metrics = format!("all.metrics = \"{revision}\"");
        let sim = start("mi300x-8", &[&one, &other, &metrics]);
        for (i, l) in limits(&sim, 900_000).iter().enumerate() {
            let gpu = sim.machine().gpu_of(sim.machine().in_hip_order()[i]);
            // Each refresh is a cycle, at a whole millisecond of the machine.
            let at = |ns: u64| gpu.limited(sim.machine_ns(ns) / gpu.refresh_ns());
            let (begin, end) = (at(l[10]), at(l[11]));
            let counted: Vec<u64> = begin.iter().zip(end).map(|(a, b)| b - a).collect();
            // All ones stand for a missing value, in the table as well.
            if begin.iter().chain(&end).any(|count| *count as u32 == u32::MAX) {
                continue;
            }
            assert_eq!(l[4..10], counted, "gpu {i}, {revision}");
            assert_eq!((l[0], l[2], l[3]), (0, 0, l[11] - l[10]));
            assert!(l[1] == 0x3F_0000 && l[4] > 500, "{l:?}");
        }
    }
}

#[test]
fn time_at_a_limit_after_a_reset() {
    let sim = start(
        "mi300x-8",
        &["all.counter.limited = { cycles = 50000, initial = 7000, ppt = 0.5 }", "all.counter.reset_at_s = 8.0"],
    );
    // The program starts within these seconds.
    let l = &limits(&sim, 12_000_000)[0];
    let gpu = sim.machine().gpu_of(sim.machine().in_hip_order()[0]);
    let end = gpu.limited(sim.machine_ns(l[11]) / gpu.refresh_ns());
    assert_eq!((l[2], &l[4..10]), (u64::from(RESET), &end[..]));
}

#[test]
fn revisions_that_do_not_count_limits() {
    for (machine, with) in [("mi250x-4", ""), ("mi300x-8", "all.metrics = \"1.5\""), ("strix-halo-1", "")] {
        let sim = start(machine, &[with]);
        for l in limits(&sim, 1000) {
            assert_eq!(l[0] as i64, i64::from(NOT_SUPPORTED), "{machine}");
        }
    }
}
