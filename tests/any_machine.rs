//! Machines that nobody thought of, sick in any way: no reading, window or sample that is given differs from the machine's
//! truth by more than its uncertainty.

mod common;
#[path = "common/random.rs"]
mod random;

use random::Random;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use zeus_amd_sim::machine::{DieRole, Gpu, Suspended, Times};
use zeus_amd_sim::power::Shape;
use zeus_amd_sim::Sim;

/// How many machines, unless ZEUS_AMD_MACHINES says so; the longest form has 20,000.
const MACHINES: usize = 500;
/// At once: most of the time a machine waits.
const THREADS: usize = 8;

/// An older value is stale, and refused: 250 ms, and the least lag with which the table was read.
const OLDEST_NS: u64 = 280_000_000;
/// The driver stamps a table so much after the refresh that it shows, at most.
const LAG_NS: u64 = 300_000;
/// A tick of the firmware's clock.
const TICK_NS: u64 = 10;
/// Bits of a sample.
const COUNTER_POWER: u32 = 256;
const RESET: u32 = 2;
const INTEGRATED: u32 = 1024;
/// Of an energy.
const FIRMWARE_DURATION: u32 = 256;
/// Its method.
const INTEGRAL: &str = "2";

/// The period of the sampler of a machine that is read.
const SAMPLED_NS: u64 = 5_000_000;

/// Windows of a round, in microseconds: at most so long where all is read meanwhile, and where nothing is.
const READ_US: u64 = 20_000;
const UNREAD_US: u64 = 1_200_000;

/// Model, the revisions of its table, and the most that it draws.
const MODELS: [(&str, &[&str], f64); 14] = [
    ("mi50", &["1.0", "1.1"], 225.0),
    ("mi100", &["1.0", "1.1", "1.3"], 290.0),
    ("mi210", &["1.1", "1.2", "1.3"], 300.0),
    ("mi250x", &["1.2", "1.3"], 560.0),
    ("mi300a", &["1.4", "1.5", "1.6", "1.7", "1.8", "1.9"], 550.0),
    ("mi300x", &["1.4", "1.5", "1.6", "1.7", "1.8", "1.9"], 750.0),
    ("mi325x", &["1.6", "1.7", "1.8", "1.9"], 1000.0),
    ("mi350x", &["1.6", "1.7", "1.8", "1.9"], 1000.0),
    ("mi355x", &["1.7", "1.8", "1.9"], 1400.0),
    ("rx6800", &["1.1", "1.3"], 203.0),
    ("rx7900", &["1.3"], 265.0),
    ("rx9070", &["1.3"], 220.0),
    ("raphael", &["2.1", "2.2"], 60.0),
    ("strix-halo", &["2.3", "2.4", "3.0"], 120.0),
];

const ERRNOS: [&str; 8] = ["EPERM", "EBUSY", "EIO", "ETIME", "EAGAIN", "ENODEV", "EREMOTEIO", "EINVAL"];
const CONTENTS: [&str; 11] = [
    "empty",
    "truncated",
    "oversized",
    "ones",
    "zeros",
    "unavailable",
    "revision",
    "size",
    "zero_values",
    "time_ahead",
    "absurd_power",
];

fn pick<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len())]
}

fn one_in(random: &mut Random, n: usize) -> bool {
    random.below(n) == 0
}

fn load(random: &mut Random, most_w: f64) -> String {
    let (low, high) = (random.between(0.05, 0.3) * most_w, random.between(0.3, 1.0) * most_w);
    let period = random.between(0.01_f64.ln(), 20_f64.ln()).exp();
    match random.below(5) {
        0 => format!("{{ kind = \"constant\", w = {high} }}"),
        // Idle at both ends of what is measured.
        4 => {
            let (from, to) = (random.between(0.0, 1.0), random.between(1.0, 3.0));
            format!("{{ kind = \"steps\", steps = [[0, {low}], [{from}, {high}], [{to}, {low}]] }}")
        }
        1 => format!("{{ kind = \"ramp\", from = {high}, to = {low}, over_s = {period}, repeat = true }}"),
        2 => format!(
            "{{ kind = \"sine\", mean = {high}, amplitude = {}, period_s = {period} }}",
            high.min(most_w - high) * 0.9
        ),
        _ => format!("{{ kind = \"square\", low = {low}, high = {high}, period_s = {period} }}"),
    }
}

/// From and for how long, within the second or so that a machine is looked at.
fn times(random: &mut Random) -> String {
    match random.below(3) {
        0 => String::new(),
        1 => format!(", from_s = {}", random.between(0.0, 0.6)),
        _ => format!(", from_s = {}, for_s = {}", random.between(0.0, 0.5), random.between(0.001, 0.4)),
    }
}

fn counter(random: &mut Random) -> String {
    let mut keys = vec![
        format!("initial = {}", random.next() >> (8 + random.below(50))),
        format!("refresh_ms = {}", random.between(0_f64, 40_f64.ln()).exp()),
        format!("firmware_offset_s = {}", random.below(100_000)),
        format!("driver_lag_us = [0, {}]", random.below(300)),
    ];
    match random.below(14) {
        0 => keys.push(format!("missing = \"{}\"", pick(random, &["ones", "u32_ones", "zero"]))),
        1 => keys.push("bits = 32".to_owned()),
        2 => keys.push(format!("stuck_at_s = {}", random.between(0.0, 0.8))),
        3 => keys.push(format!("frozen_at_s = {}", random.between(0.0, 0.8))),
        4 => keys.push(format!("reset_at_s = {}\nreset_clock = {}", random.between(0.0, 0.8), one_in(random, 2))),
        5 => keys.push(format!("driver_ms = {}", random.between(0.2, 20.0))),
        // A stop that ends: what was drawn meanwhile is lost, or is counted then.
        6 => {
            let from_s = random.between(0.0, 0.7);
            let to_s = from_s + random.between(0.001_f64.ln(), 0.4_f64.ln()).exp();
            keys.push(format!("stuck_at_s = [[{from_s}, {to_s}]]\nstuck_catches_up = {}", one_in(random, 2)));
        }
        _ => {}
    }
    keys.iter().map(|k| format!("{k}\n")).collect()
}

fn gpu(random: &mut Random, n: usize) -> String {
    let (model, revisions, most_w) = MODELS[random.below(MODELS.len())];
    let mut text = format!(
        "[gpu.{n}]\nmodel = \"{model}\"\nbdf = \"0000:{:02x}:00.0\"\nunique_id = \"{:016x}\"\npower = {}\n",
        0x10 * (n + 1),
        random.next(),
        load(random, most_w)
    );
    let sensors = match model {
        "raphael" | "strix-halo" => "edge = 44000",
        "mi50" | "mi100" | "mi210" | "mi250x" => "edge = 41000, hotspot = 52000, mem = 47000, vrsoc = 43000",
        "rx6800" | "rx7900" | "rx9070" => "edge = 39000, hotspot = 61000, mem = 58000",
        _ => "hotspot = 55000, mem = 42000, vrsoc = 51000",
    };
    text += &format!("temps = {{ {sensors} }}\nmetrics = \"{}\"\n", pick(random, revisions));
    if ["mi100", "mi210", "mi250x", "rx6800", "rx7900", "rx9070"].contains(&model) && one_in(random, 2) {
        text += &format!("average_s = {}\n", random.between(0.05_f64.ln(), 5.5_f64.ln()).exp());
    }
    if model == "mi250x" {
        text += &format!("package = {n}\ndie = \"primary\"\n");
    }
    if one_in(random, 12) {
        text += "table_power_w = 0\n";
    }
    if one_in(random, 10) {
        text += &format!("suspended = \"{}\"\n", pick(random, &["resumes", "refuses"]));
    }
    text += &format!("[gpu.{n}.counter]\n{}", counter(random));
    let (mut files, mut calls) = (String::new(), String::new());
    if one_in(random, 3) {
        let every = if one_in(random, 2) { 0 } else { 2 + random.below(4) };
        files += &format!(
            "gpu_metrics = {{ content = \"{}\", every = {every}{} }}\n",
            pick(random, &CONTENTS),
            times(random)
        );
    } else if one_in(random, 4) {
        let how = pick(random, &["open", "read"]);
        files += &format!("gpu_metrics = {{ {how} = \"{}\"{} }}\n", pick(random, &ERRNOS), times(random));
    }
    for name in
        ["power1_input", "power1_average", "power1_cap", "power1_cap_max", "temp2_input", "temp1_input", "pp_dpm_sclk"]
    {
        if one_in(random, 12) {
            let errno = if one_in(random, 2) { "ENOENT" } else { pick(random, &ERRNOS) };
            files += &format!("{name} = {{ open = \"{errno}\"{} }}\n", times(random));
        }
    }
    for name in
        ["amdsmi_get_energy_count", "amdsmi_get_power_info", "amdsmi_get_temp_metric", "amdsmi_get_power_cap_info"]
    {
        if one_in(random, 12) {
            calls +=
                &format!("{name} = {{ status = {}, first = {} }}\n", [2, 7, 30, 43][random.below(4)], random.below(6));
        }
    }
    if !files.is_empty() {
        text += &format!("[gpu.{n}.file]\n{files}");
    }
    if !calls.is_empty() {
        text += &format!("[gpu.{n}.fault]\n{calls}");
    }
    text
}

struct Case {
    seed: u64,
    machine: String,
    rocm: &'static str,
    backend: &'static str,
    validation: &'static str,
    /// Whether it is read between the ends of windows.
    is_read: bool,
}

impl Case {
    fn of(seed: u64) -> Case {
        let random = &mut Random::seeded(seed);
        let gpus = 1 + random.below(3);
        let mut machine = "irregular = true\n".to_owned() + &(0..gpus).map(|n| gpu(random, n)).collect::<String>();
        let rocm = pick(random, &["none", "6.3.3", "6.4.3", "7.0.2", "7.13", "10.0"]);
        let backends = if rocm == "none" { &["sysfs"][..] } else { &["auto", "sysfs", "amdsmi"] };
        let backend = pick(random, backends);
        // Without a check nothing is known of a counter: what it shows is given.
        let validation = pick(random, &["3", "3", "3", "4"]);
        let is_read = !one_in(random, 4);
        if !is_read {
            // Two readings cannot distinguish every stop from a load: how many are not covered is counted where time is simulated, by
            // windows_over_a_counter_that_stops_once in src/energy/plausibility/tests.rs.
            machine = machine.lines().filter(|l| !l.starts_with("stuck_")).map(|l| format!("{l}\n")).collect();
        }
        Case { seed, machine, rocm, backend, validation, is_read }
    }
}

fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("any_machine"))
}

/// What a GPU shows in an interval of its time, lowest and highest; looked at often enough to see every refresh of note. One
/// that the driver stamps late shows for as much less.
fn range(gpu: &Gpu, from: u64, to: u64, of: impl Fn(u64) -> f64) -> (f64, f64) {
    let step = ((to - from) / 400).clamp(1, gpu.refresh_ns() - LAG_NS);
    let times = (from..=to).step_by(step as usize).chain([to]);
    times.map(of).fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)))
}

/// Whether a value is the truth of some moment that it may be of.
fn is_true(gpu: &Gpu, key: &str, value: f64, from: u64, to: u64) -> Result<(), String> {
    let within = |(low, high): (f64, f64), tolerance: f64| {
        let good = (low - tolerance..=high + tolerance).contains(&value);
        if good {
            Ok(())
        } else {
            Err(format!("{key} {value}, in truth {low} to {high}"))
        }
    };
    let is = |truth: f64| within((truth, truth), 0.0);
    let spec = &gpu.spec;
    let counts = |t: u64| {
        let count = gpu.reading(t).accumulator;
        (if gpu.metrics_revision() == Some((1, 0)) { count & 0xFFFF_FFFF } else { count }) as f64
    };
    match key {
        "power" | "power_instant" | "power_average" => {
            within(range(gpu, from, to, |t| f64::from(gpu.reading(t).power_w) * 1e3), 1e3)
        }
        // In one of the two units.
        "energy" => {
            let (low, high) = range(gpu, from, to, counts);
            within((low * 1e3 / 65536.0, high * f64::from(15.3_f32) * 1e-3), 1.0 + high * 1e-12)
        }
        "count" => within(range(gpu, from, to, counts), 0.0),
        "temperature" => is((spec.temps.hotspot.or(spec.temps.edge).unwrap() / 1000) as f64),
        "limit" => is((gpu.cap_uw() / 1000) as f64),
        "limit_min" => is((gpu.min_cap_uw() / 1000) as f64),
        "limit_max" => is((gpu.max_cap_uw() / 1000) as f64),
        "limit_default" => is((gpu.default_cap_uw() / 1000) as f64),
        "cycles" => within(range(gpu, from, to, |t| gpu.reading(t).limited[0] as f64), 0.0),
        "memory_level_min" => is(spec.clocks.mem.levels[0].into()),
        "memory_level_max" => is((*spec.clocks.mem.levels.last().unwrap()).into()),
        "level_min" => is(spec.clocks.gfx.levels[0].into()),
        "level_max" => is((*spec.clocks.gfx.levels.last().unwrap()).into()),
        "range_min" | "range_max" | "memory_range_min" | "memory_range_max" => {
            let clock = if key.starts_with("memory") { &spec.clocks.mem } else { &spec.clocks.gfx };
            let range = clock.range.or(clock.unset).ok_or("a range that is not there")?;
            is(range[usize::from(key.ends_with("max"))].into())
        }
        _ => Err(format!("{key}?")),
    }
}

fn sets_its_clock(gpu: &Gpu) -> bool {
    let faults = gpu.spec.file.get("gpu_metrics");
    faults.is_some_and(|f| format!("{f:?}").contains("TimeAhead"))
}

/// Powers of so long are what the library knows of a load, at the least, before it takes their range for that of the load.
const SEEN_NS: f64 = 800e6;

/// Refreshes, or samples, that fall on the same one or two moments of each period of the load show another load, for as long as they
/// do: an integral holds as far as the samples show.
fn is_in_step(gpu: &Gpu) -> bool {
    let period_ns = 1e9
        * match gpu.spec.power {
            Shape::Sine { period_s, .. } | Shape::Square { period_s, .. } => period_s,
            Shape::Ramp { over_s, repeat: true, .. } => over_s,
            _ => return false,
        };
    [gpu.refresh_ns(), SAMPLED_NS].iter().any(|&ns| {
        let half_periods = 2.0 * ns as f64 / period_ns;
        half_periods > 0.75 && (half_periods - half_periods.round()).abs() * SEEN_NS / (ns as f64) < 2.0
    })
}

/// From and to, of stops that end: those whose counts are lost, or are caught up with.
fn stops_ns(gpu: &Gpu, catches_up: bool) -> impl Iterator<Item = [u64; 2]> + '_ {
    let counter = &gpu.spec.counter;
    let stops =
        counter.stuck_at_s.iter().flat_map(Times::intervals).filter(move |_| counter.stuck_catches_up == catches_up);
    stops.filter(|[_, end]| end.is_finite()).map(|stop| stop.map(|s| (s * 1e9) as u64))
}

/// A stop that is over, whose counts are lost, and which a busy machine has sampled so seldom that no two samples need show it.
fn hides_a_stop(gpu: &Gpu, sampled_ns: &[u64], from_ns: u64, to_ns: u64) -> bool {
    let overlap = |[a, b]: [u64; 2], [c, d]: [u64; 2]| a < d && c < b;
    let gaps = sampled_ns.windows(2).map(|w| [w[0], w[1]]).filter(|[a, b]| b - a > 2 * SAMPLED_NS);
    stops_ns(gpu, false)
        .filter(|stop| overlap(*stop, [from_ns, to_ns]))
        .any(|stop| gaps.clone().any(|gap| overlap(stop, gap)))
}

/// What a lap catches up with while its mean stays within the powers that the GPU has shown: the counter stopped before it.
fn hides_what_it_catches_up_with(gpu: &Gpu, energy_mj: f64, from_ns: u64, to_ns: u64) -> bool {
    let is_behind = |[begin, end]: [u64; 2]| begin < from_ns && end + gpu.refresh_ns() > from_ns;
    let most_w = || range(gpu, 0, to_ns, |t| f64::from(gpu.reading(t).power_w)).1 + 1.0;
    stops_ns(gpu, true).any(is_behind) && energy_mj * 1e6 <= most_w() * (to_ns - from_ns) as f64
}

/// What was given, by kind; or what was wrong.
fn check(case: &Case) -> Result<BTreeMap<String, usize>, String> {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().map_err(|e| e.to_string())?;
    std::fs::write(file.path(), &case.machine).map_err(|e| e.to_string())?;
    let sim = Sim::start(file.path().to_str().unwrap(), case.rocm, &[] as &[&str])?;
    let mut command = sim.command(program());
    let (rounds, most_us, period_ns) = if case.is_read { (12, READ_US, SAMPLED_NS) } else { (4, UNREAD_US, 0) };
    command.env("ZEUS_AMD_BACKEND", case.backend).args([case.validation.to_owned(), rounds.to_string()]);
    command.args([case.seed.to_string(), most_us.to_string(), period_ns.to_string()]);
    let out = command.output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout);
    if !out.status.success() {
        return Err(format!("{:?}: {}", out.status, String::from_utf8_lossy(&out.stderr)));
    }
    let machine = sim.machine();
    let order = machine.in_hip_order();
    let (mut given, mut counted_ns) = (BTreeMap::new(), BTreeMap::new());
    let mut sampled_ns: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for words in text.lines().map(|line| line.split(' ').collect::<Vec<_>>()).filter(|words| words[0] == "slope") {
        sampled_ns.entry(words[1]).or_default().push(sim.machine_ns(words[4].parse().unwrap()));
    }
    // Of the lines of one call: their truths, or `None` where one is not known.
    let mut truths_mj = Some(Vec::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |i: usize| words[i].parse::<f64>().unwrap();
        let time = |i: usize| sim.machine_ns(words[i].parse().unwrap());
        let gpu = || machine.gpu_of(order[words[1].parse::<usize>().unwrap()]);
        let wrong = |why: String| format!("{line}: {why}");
        match words[0] {
            "refused" if words[1] == "total" => truths_mj = Some(Vec::new()),
            "refused" | "state" => {}
            // Where the driver's clock is set, times are estimates, and so it is not known which counts these are.
            "lap" | "slope" | "between" if sets_its_clock(gpu()) => truths_mj = None,
            // A power that stands and has no time looks like a steady load: an integral holds as far as the samples show.
            "window" | "lap" | "between"
                if words[7] == INTEGRAL && (gpu().spec.counter.frozen_at_s.is_some() || is_in_step(gpu())) =>
            {
                truths_mj = None;
            }
            "window" | "lap" | "between" => {
                // A lap with the firmware's clock is from count to count.
                let is_counted = words[0] == "lap" && words[6].parse::<u32>().unwrap() & FIRMWARE_DURATION != 0;
                let at = |i: usize| if is_counted { gpu().reading(time(i) + TICK_NS).at_ns } else { time(i) };
                let sampled_ns = sampled_ns.get(words[1]).map_or(&[][..], Vec::as_slice);
                let (from_ns, to_ns) = (at(4), at(5));
                if hides_a_stop(gpu(), sampled_ns, from_ns, to_ns)
                    || words[0] == "lap" && hides_what_it_catches_up_with(gpu(), number(2), from_ns, to_ns)
                {
                    truths_mj = None;
                    continue;
                }
                let truth = gpu().energy_between_j(from_ns, to_ns) * 1e3;
                if (number(2) - truth).abs() > number(3) + 1.0 {
                    return Err(wrong(format!("{truth} mJ in truth")));
                }
                if let Some(all) = &mut truths_mj {
                    all.push(truth);
                }
            }
            "total" => {
                if let Some(all) = truths_mj.replace(Vec::new()) {
                    let (truth, packages) = (all.iter().sum::<f64>(), all.len() as f64);
                    if (number(1) - truth).abs() > number(2) + packages || number(3) != packages {
                        return Err(wrong(format!("{truth} mJ of {packages} packages in truth")));
                    }
                }
            }
            // What is read is of the last refresh, which the driver stamps a little later.
            "sample" => {
                let from = time(3).saturating_sub(gpu().refresh_ns() + LAG_NS);
                is_true(gpu(), "power", number(2), from, time(4) + TICK_NS).map_err(wrong)?;
            }
            "slope" => {
                let [valid, flags] = [5, 6].map(|i| words[i].parse::<u32>().unwrap());
                let count_ns = gpu().reading(time(4) + TICK_NS).at_ns;
                let last = counted_ns.entry(words[1].to_owned());
                if valid & COUNTER_POWER != 0 {
                    let from = *last.or_insert(count_ns);
                    let truth = gpu().energy_between_j(from, count_ns) * 1e12 / (count_ns - from) as f64;
                    if (number(2) - truth).abs() > number(3) + 1.0 {
                        return Err(wrong(format!("{truth} mW in truth")));
                    }
                    *given.entry("counter power".to_owned()).or_insert(0) += 1;
                }
                // From the first sample on, or from the last that says nothing of the counter.
                if valid & COUNTER_POWER != 0 || flags & (RESET | INTEGRATED) != 0 || !counted_ns.contains_key(words[1])
                {
                    counted_ns.insert(words[1].to_owned(), count_ns);
                }
            }
            key => is_true(gpu(), key, number(2), time(3).saturating_sub(OLDEST_NS), time(4)).map_err(wrong)?,
        }
        *given.entry(words[0].to_owned()).or_insert(0) += 1;
    }
    for gpu in machine.gpus() {
        let is_suspended = gpu.spec.suspended != Suspended::No;
        if is_suspended && sim.touched(gpu.index) > 0 {
            return Err(format!("the suspended GPU {} was touched", gpu.bdf));
        }
        assert!(gpu.spec.die != DieRole::Secondary);
    }
    Ok(given)
}

/// What was given on `count` machines from the seed on, by kind; fails with what was wrong.
fn on_machines(
    count: usize,
    check: impl Fn(&Case) -> Result<BTreeMap<String, usize>, String> + Sync,
) -> BTreeMap<String, usize> {
    let seed = random::seed();
    let next = AtomicUsize::new(0);
    let (all, failures) = (Mutex::new(BTreeMap::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= count || failures.lock().unwrap().len() >= 10 {
                    return;
                }
                let case = Case::of(seed.wrapping_add(n as u64));
                match check(&case) {
                    Ok(given) => {
                        let mut all = all.lock().unwrap();
                        given.into_iter().for_each(|(key, n)| *all.entry(key).or_insert(0) += n);
                    }
                    Err(why) => failures.lock().unwrap().push(format!(
                        "seed {} (ZEUS_AMD_SEED={0} ZEUS_AMD_MACHINES=1), ROCm {}, {}, validation {}: {why}\n{}",
                        case.seed, case.rocm, case.backend, case.validation, case.machine
                    )),
                }
            });
        }
    });
    let (all, failures) = (all.into_inner().unwrap(), failures.into_inner().unwrap());
    println!("{count} machines: {all:?}");
    assert!(failures.is_empty(), "{} machines: {}", failures.len(), failures.join("\n"));
    all
}

fn machines(unless_said: usize) -> usize {
    std::env::var("ZEUS_AMD_MACHINES").map_or(unless_said, |n| n.parse().expect("a number"))
}

#[test]
fn what_is_given_is_true() {
    let count = machines(MACHINES);
    let all = on_machines(count, check);
    // None of it is only refused.
    let keys = [
        "power",
        "energy",
        "count",
        "temperature",
        "window",
        "lap",
        "total",
        "between",
        "sample",
        "counter power",
        "limit",
    ];
    // Of a few there may be none that has it.
    for key in keys.into_iter().chain(["level_min", "range_max"]).filter(|_| count >= 20) {
        assert!(all.get(key).copied().unwrap_or(0) > count / 20, "{key}: {all:?}");
    }
}

/// A machine whose faults neither come nor go.
fn steady(machine: &str) -> String {
    let lines = machine.lines().filter(|line| !line.starts_with("frozen_at_s") && !line.starts_with("reset_"));
    let without_times = lines.map(|line| {
        let end = [", every", ", from_s", ", first"].iter().filter_map(|word| line.find(word)).min();
        match end {
            _ if line.starts_with("stuck_at_s") => "stuck_at_s = 0.0\n".to_owned(),
            Some(end) => format!("{} }}\n", &line[..end]),
            None => format!("{line}\n"),
        }
    });
    without_times.collect()
}

/// AUTO over a libamd_smi against sysfs, in one process: the same GPUs in the same order, and whatever sysfs gives AUTO gives too.
/// What AUTO gives beyond it is true, what neither gives has one reason.
fn check_pair(case: &Case) -> Result<BTreeMap<String, usize>, String> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let file = tempfile::Builder::new().suffix(".toml").tempfile().map_err(|e| e.to_string())?;
    std::fs::write(file.path(), steady(&case.machine)).map_err(|e| e.to_string())?;
    let rocm = if case.rocm == "none" { "7.2.0" } else { case.rocm };
    let sim = Sim::start(file.path().to_str().unwrap(), rocm, &[] as &[&str])?;
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("auto_and_sysfs")));
    let out = command.env("ZEUS_AMD_BACKEND", "auto").arg("4").output().map_err(|e| e.to_string())?;
    if !out.status.success() {
        return Err(format!("{:?}: {}", out.status, String::from_utf8_lossy(&out.stderr)));
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let (machine, order) = (sim.machine(), sim.machine().in_hip_order());
    let (mut given, mut gpus) = (BTreeMap::new(), [Vec::new(), Vec::new()]);
    let mut said: BTreeMap<(&str, &str), [Vec<i32>; 2]> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let session: usize = words[1].parse().unwrap();
        let gpu = machine.gpu_of(order[words[2].parse::<usize>().unwrap()]);
        if words[0] == "gpu" {
            // Identity; where readings come from, and what is known of the counter by then, may differ.
            gpus[session].push(words[2..8].to_vec());
            continue;
        }
        let status: i32 = words[3].parse().unwrap();
        said.entry((words[0], words[2])).or_default()[session].push(status);
        if status != 0 {
            continue;
        }
        let value: f64 = words[4].parse().unwrap();
        let time = |i: usize| sim.machine_ns(words[i].parse().unwrap());
        let checked = match words[0] {
            "window" => {
                let truth = gpu.energy_between_j(time(5), time(6)) * 1e3;
                let bound = words[7].parse::<f64>().unwrap() + 1.0;
                if (value - truth).abs() > bound {
                    Err(format!("{truth} mJ in truth"))
                } else {
                    Ok(())
                }
            }
            key => is_true(gpu, key, value, time(5).saturating_sub(OLDEST_NS), time(6)),
        };
        checked.map_err(|why| format!("{line}: {why}"))?;
        *given.entry(words[0].to_owned()).or_insert(0) += 1;
    }
    if gpus[0] != gpus[1] {
        return Err(format!("AUTO has {:?}, sysfs {:?}", gpus[0], gpus[1]));
    }
    for (what, [auto, sysfs]) in &said {
        let differs = |(auto, sysfs): (&i32, &i32)| *auto != *sysfs && (*auto != 0 || *sysfs == 0);
        if auto.len() != sysfs.len() || auto.iter().zip(sysfs).any(differs) {
            return Err(format!("{what:?}: AUTO {auto:?}, sysfs {sysfs:?}"));
        }
    }
    Ok(given)
}

#[test]
fn auto_gives_what_sysfs_gives() {
    let count = machines(100);
    let all = on_machines(count, check_pair);
    let keys = ["power_instant", "power_average", "energy", "count", "temperature", "window", "limit", "level_min"];
    // Of a few there may be none that has it.
    for key in keys.into_iter().filter(|_| count >= 20) {
        assert!(all.get(key).copied().unwrap_or(0) > count / 20, "{key}: {all:?}");
    }
}
