//! Counter states on energy counters: planted faults × ways to check, healthy machines that are never called sick, and how many
//! samples it takes.

mod common;
#[path = "common/energies.rs"]
mod energies;
#[path = "common/random.rs"]
mod random;

use random::Random;
use std::path::PathBuf;
use std::sync::OnceLock;
use zeus_amd_sim::machine::{DieRole, Machine};
use zeus_amd_sim::start::happens;
use zeus_amd_sim::Sim;

const NOT_CHECKED: u32 = 0;
const TRUSTED: u32 = 1;
const STUCK: u32 = 2;
const IMPLAUSIBLE: u32 = 3;
const NO_POWER: u32 = 4;
const UNSUPPORTED: u32 = 5;
const UNREADABLE: u32 = 9;
const SECONDARY_DIE: u32 = 6;
const SECONDARY_PARTITION: u32 = 7;
const PENDING: u32 = 8;

const OK: i32 = 0;
const NOT_SUPPORTED: i32 = -4;
const NOT_YET: i32 = -31;

/// What `counter states.c` says of a GPU.
#[derive(Debug, Clone, Copy)]
struct Said {
    gpu: usize,
    at_once: u32,
    energy_at_once: i32,
    counter_state: u32,
    energy: i32,
    supported: u32,
}

/// One open: how it was checked, how long it took, and its GPUs.
#[derive(Debug, Default)]
struct Open {
    validation: String,
    us: u64,
    begin_ns: u64,
    gpus: Vec<Said>,
}

/// Opens `times` times with each of these in turn, the first time at second `at` of the machine.
fn opens(sim: &Sim, at: f64, times: u32, validations: &[&str]) -> Vec<Open> {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("counter_validation")));
    // Faults of libamd_smi's calls are meant for these.
    command.env("ZEUS_AMD_BACKEND", "amdsmi");
    command.arg(sim.boottime_ns((at * 1e9) as u64).to_string()).arg(times.to_string());
    let out = command.args(validations.iter().map(|v| energies::validation(v))).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let name = |number: &str| *validations.iter().find(|v| energies::validation(v) == number).unwrap();
    let mut all: Vec<Open> = Vec::new();
    for line in text.lines() {
        let w: Vec<&str> = line.split(' ').collect();
        if w[0] == "open" {
            let [us, begin_ns] = [2, 3].map(|i| w[i].parse().unwrap());
            all.push(Open { validation: name(w[1]).to_owned(), us, begin_ns, gpus: Vec::new() });
            continue;
        }
        let n = |i: usize| w[i].parse::<i32>().unwrap();
        let said = Said {
            gpu: n(0) as usize,
            at_once: n(2) as u32,
            energy_at_once: n(3),
            counter_state: n(4) as u32,
            energy: n(5),
            supported: n(6) as u32,
        };
        all.last_mut().unwrap().gpus.push(said);
    }
    assert_eq!(all.len(), times as usize * validations.len());
    all
}

/// A planted fault: the patch for a GPU ("@" is its number), and the counter states of a check that follows the counter and of
/// Zeus's half second.
struct Fault {
    name: &'static str,
    patch: &'static str,
    followed: u32,
    fixed: Option<u32>,
}

const fn fault(name: &'static str, patch: &'static str, counter_state: u32) -> Fault {
    Fault { name, patch, followed: counter_state, fixed: Some(counter_state) }
}

/// Where Zeus's half second is wrong.
const fn unlike_zeus(name: &'static str, patch: &'static str, followed: u32, fixed: u32) -> Fault {
    Fault { name, patch, followed, fixed: Some(fixed) }
}

/// The session is opened at this second of the machine.
const AT: f64 = 0.5;

/// For mi300x-8: constant power of 137 to 745 W.
const FAULTS: [Fault; 32] = [
    fault("healthy", "", TRUSTED),
    fault("stuck", "counter.stuck_at_s = 0.0", STUCK),
    fault("stuck at zero", "counter = { initial = 0, stuck_at_s = 0.0 }", STUCK),
    fault("frozen table", "counter.frozen_at_s = 0.2", STUCK),
    fault("20 times too fast", "counter.gain = 20", IMPLAUSIBLE),
    fault("20 times too slow", "counter.gain = 0.05", IMPLAUSIBLE),
    fault("runs away", "counter.drift_per_s = 60", IMPLAUSIBLE),
    fault("no power", "fault.amdsmi_get_power_info = 2", NO_POWER),
    fault("ones for a counter", "counter.missing = \"ones\"", UNSUPPORTED),
    fault("32 ones for a counter", "counter.missing = \"u32_ones\"", UNSUPPORTED),
    fault("zero for a counter", "counter.missing = \"zero\"", STUCK),
    fault("no call for a counter", "fault.amdsmi_get_energy_count = 2", UNSUPPORTED),
    fault("the call always fails", "fault.amdsmi_get_energy_count = 43", UNREADABLE),
    fault("6 times too fast", "counter.gain = 6", TRUSTED),
    fault("7 times too slow", "counter.gain = 0.145", TRUSTED),
    fault("12 times too fast", "counter.gain = 12", IMPLAUSIBLE),
    fault("16 times too slow", "counter.gain = 0.06", IMPLAUSIBLE),
    fault("slowest refresh", "counter.refresh_ms = 100", TRUSTED),
    fault("slow refresh under a fast driver", "counter = { refresh_ms = 100, driver_ms = 1 }", TRUSTED),
    fault("slow driver", "counter = { driver_ms = 20, driver_lag_us = 300 }", TRUSTED),
    fault("jitter", "counter = { refresh_ms = 5, refresh_jitter_ms = 4.9 }", TRUSTED),
    fault("stuck for a while", "counter.stuck_at_s = [[0.51, 0.6]]", TRUSTED),
    fault("frozen for a while", "counter.frozen_at_s = [[0.51, 0.6]]", TRUSTED),
    fault("huge", "counter.initial = 9223372036854775000", TRUSTED),
    // With so slow a refresh the check that follows the counter sees it too.
    unlike_zeus("reset", "counter = { reset_at_s = 0.75, refresh_ms = 99 }", TRUSTED, IMPLAUSIBLE),
    // What could not be read is checked again, soon after.
    Fault {
        name: "first calls for energy fail",
        patch: "fault.amdsmi_get_energy_count = { status = 30, first = 2 }",
        followed: TRUSTED,
        fixed: None,
    },
    unlike_zeus(
        "first calls say there is none",
        "fault.amdsmi_get_energy_count = { status = 2, first = 2 }",
        TRUSTED,
        TRUSTED,
    ),
    unlike_zeus(
        "first calls for power fail",
        "fault.amdsmi_get_power_info = { status = 30, first = 2 }",
        TRUSTED,
        NO_POWER,
    ),
    unlike_zeus(
        "idle to load",
        "power = { kind = \"steps\", steps = [[0, 20], [0.75, 740]] }\ngpu.@.counter.refresh_ms = 80",
        TRUSTED,
        IMPLAUSIBLE,
    ),
    // Whether the half second takes this for a fault depends on when exactly it begins.
    Fault {
        name: "load to idle",
        patch: "power = { kind = \"steps\", steps = [[0, 740], [0.53, 5]] }\ngpu.@.counter.refresh_ms = 80",
        followed: TRUSTED,
        fixed: None,
    },
    // 300 W are 19660800 counts a second: the 32 bits come round at 0.75 s.
    unlike_zeus(
        "comes round",
        "gfx_target = 90008\ngpu.@.power = { kind = \"constant\", w = 300 }\ngpu.@.counter = { initial = 4280221696, bits = 32, refresh_ms = 60 }",
        TRUSTED,
        IMPLAUSIBLE,
    ),
    fault("leaps", "counter = { gain = 90, refresh_ms = 20 }", IMPLAUSIBLE),
];

/// Did the scheduler let it begin at its second, and the half second be one? Then what is planted at a moment lies in it.
fn is_in_time(sim: &Sim, open: &Open) -> bool {
    let late = sim.machine_ns(open.begin_ns) as f64 * 1e-9 - AT;
    late < 0.1 && open.us < 600_000
}

/// What Zeus's rule says of a GPU's counter, whenever within this open it was read, at least half a second apart.
fn zeus_may_say(sim: &Sim, open: &Open, gpu: usize) -> Vec<u32> {
    const HALF_NS: u64 = 500_000_000;
    let gpu = sim.machine().gpu_of(sim.machine().in_hip_order()[gpu]);
    let begin = sim.machine_ns(open.begin_ns);
    let spare_ns = (open.us * 1000).saturating_sub(HALF_NS);
    let count = |ns: u64| gpu.reading(ns).accumulator;
    let times: Vec<u64> = (0..=200).map(|k| begin + spare_ns * k / 200).collect();
    let [before, after] = [0, HALF_NS].map(|more| times.iter().map(|t| count(t + more)).collect::<Vec<_>>());
    let powers = times.iter().map(|t| gpu.reported_power_w(*t as f64 * 1e-9));
    let powers = [powers.clone().min().unwrap(), powers.max().unwrap()];
    let mut all = Vec::new();
    for (i, before) in before.iter().enumerate() {
        for (after, power) in after[i..].iter().flat_map(|a| powers.map(|p| (a, p))) {
            let joules = after.checked_sub(*before).map(|counts| counts as f64 * 15.3e-6);
            let expected = f64::from(power) * 0.5;
            all.push(match joules {
                _ if power == 0 => NO_POWER,
                Some(j) if j > expected * 0.1 && j < expected * 10.0 => TRUSTED,
                Some(0.0) => STUCK,
                _ => IMPLAUSIBLE,
            });
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn check(sim: &Sim, open: &Open, said: &Said, name: &str, followed: u32, fixed: Option<u32>) {
    let what = format!("{name}, {}: {said:?}", open.validation);
    let secondary = [SECONDARY_DIE, SECONDARY_PARTITION].contains(&followed);
    // On a busy machine what its own times say, where the calls work at all.
    let by_times = |fixed: &u32| {
        let timed = [TRUSTED, STUCK, IMPLAUSIBLE].contains(fixed) && !is_in_time(sim, open);
        timed && zeus_may_say(sim, open, said.gpu).contains(&said.counter_state)
    };
    let expected = match open.validation.as_str() {
        "off" if !secondary => NOT_CHECKED,
        "fixed" => fixed.filter(|f| !by_times(f)).unwrap_or(said.counter_state),
        _ => followed,
    };
    assert_eq!(said.counter_state, expected, "{what}");
    if open.validation == "background" && !secondary {
        assert!([PENDING, UNREADABLE, expected].contains(&said.at_once), "{what}");
        if said.at_once == PENDING {
            // Or why it cannot be read, or what is known since.
            assert!(
                said.energy_at_once == NOT_YET
                    || said.energy_at_once == OK && expected == TRUSTED
                    || said.energy_at_once < 0 && expected != TRUSTED
                    || name.contains("first calls"),
                "{what}"
            );
        }
    } else if fixed.is_some() || open.validation != "fixed" {
        assert_eq!(said.at_once, expected, "{what}");
    }
    // Trusted is what is given, and nothing else is.
    if open.validation != "off" {
        let given = if expected == TRUSTED { OK } else { NOT_SUPPORTED };
        let passing = name == "the call always fails";
        assert!(said.energy == given || passing && said.energy < 0, "{what}");
        assert_eq!(said.supported, u32::from(expected == TRUSTED), "{what}");
    }
}

#[test]
fn each_fault_has_its_verdict_in_each_way_of_checking() {
    std::thread::scope(|scope| {
        for (number, faults) in FAULTS.chunks(8).enumerate() {
            scope.spawn(move || {
                for validation in ["adaptive", "fixed", "off", "background"] {
                    let patches = faults.iter().enumerate().filter(|(_, f)| !f.patch.is_empty());
                    let patches: Vec<String> =
                        patches.map(|(i, f)| format!("gpu.{i}.{}", f.patch.replace('@', &i.to_string()))).collect();
                    let rocm = ["7.13", "7.0.2", "6.3.3", "7.13"][number];
                    let sim = Sim::start("mi300x-8", rocm, &patches).unwrap();
                    let open = opens(&sim, AT, 1, &[validation]).remove(0);
                    assert_eq!(open.gpus.len(), faults.len());
                    for (said, fault) in open.gpus.iter().zip(faults) {
                        check(&sim, &open, said, fault.name, fault.followed, fault.fixed);
                    }
                }
            });
        }
    });
}

/// What belongs to another GPU of the package says so whatever is checked.
#[test]
fn dies_and_partitions() {
    for validation in ["adaptive", "fixed", "off", "background"] {
        let sim = Sim::start("mi250x-4", "7.0.2", &["gpu.4.counter.stuck_at_s = 0.0"]).unwrap();
        let open = opens(&sim, 0.0, 1, &[validation]).remove(0);
        for said in &open.gpus {
            let expected =
                [TRUSTED, SECONDARY_DIE, TRUSTED, SECONDARY_DIE, STUCK, SECONDARY_DIE, TRUSTED, SECONDARY_DIE];
            check(&sim, &open, said, "MI250X", expected[said.gpu], Some(expected[said.gpu]));
        }
        let cpx = ["gpu.0.compute_partition = \"CPX\"", "gpu.0.memory_partition = \"NPS4\"", "gpu.0.partitions = 8"];
        let sim = Sim::start("mi300x-8", "7.0.2", &cpx).unwrap();
        let open = opens(&sim, 0.0, 1, &[validation]).remove(0);
        assert_eq!(open.gpus.len(), 15);
        for said in &open.gpus {
            let expected = if (1..8).contains(&said.gpu) { SECONDARY_PARTITION } else { TRUSTED };
            check(&sim, &open, said, "CPX", expected, Some(expected));
        }
    }
}

/// Only the time between two counts shows whether a counter advances: in half a second of which most readings fail, a slow one
/// may advance between none that succeed.
#[test]
fn failed_readings_are_no_evidence() {
    let patches = (0..8).flat_map(|gpu| {
        // A poll asks twice. Four failed ones of the first four GPUs take half a second together, and the fifth sample, the
        // first with a count, is enough for a verdict if their time is counted.
        let fails = if gpu < 4 { "after = 0, first = 8, delay_ms = 20" } else { "after = 2, first = 30, delay_ms = 5" };
        [
            format!("gpu.{gpu}.counter.refresh_ms = {}", 130 + 10 * gpu),
            format!("gpu.{gpu}.fault.amdsmi_get_energy_count = {{ status = 30, {fails} }}"),
        ]
    });
    let sim = Sim::start("mi300x-8", "7.13", &patches.collect::<Vec<_>>()).unwrap();
    for said in &opens(&sim, 0.2, 1, &["adaptive"])[0].gpus {
        assert!([TRUSTED, PENDING].contains(&said.at_once) && said.counter_state == TRUSTED, "{said:?}");
    }
}

/// With constant power Zeus's half second is right, whatever the counter does; so are the others then.
#[test]
fn adaptive_says_what_zeus_says() {
    let mut random = Random::new();
    let sims: Vec<_> = (0..4)
        .map(|_| {
            let patches = (0..8).map(|gpu| {
                // From a hundredth to a hundred times.
                let gain = 10_f64.powf(random.below(4001) as f64 / 1000.0 - 2.0);
                let refresh = 1.0 + random.below(20) as f64;
                (gain, format!("gpu.{gpu}.counter = {{ gain = {gain}, refresh_ms = {refresh} }}"))
            });
            patches.collect::<Vec<_>>()
        })
        .collect();
    std::thread::scope(|scope| {
        for gpus in &sims {
            scope.spawn(move || {
                let patches: Vec<&str> = gpus.iter().map(|g| g.1.as_str()).collect();
                let sim = Sim::start("mi300x-8", "7.13", &patches).unwrap();
                // Where samples are far apart, a step beyond what the GPU can draw is a reset, and a second one is a verdict
                // that Zeus, which takes two readings, does not have.
                let is_beyond_the_gpu = |gpu: usize, gain: f64| {
                    let machine = sim.machine();
                    let gpu = &machine.gpus()[gpu];
                    gain * gpu.power_w(0.0) > 2.0 * gpu.spec.caps.max_w
                };
                let all = opens(&sim, 0.2, 2, &["fixed", "adaptive", "background"]);
                for turn in all.chunks(3) {
                    // What is near a limit may be beyond it for Zeus, whose half second takes longer on a busy machine.
                    let stretched = turn[0].us as f64 / 500e3;
                    let near = |limit: f64, gain: f64| (0.7 * limit / stretched..1.2 * limit).contains(&gain);
                    for (gpu, (gain, patch)) in gpus.iter().enumerate() {
                        if near(0.1, *gain) || near(10.0, *gain) {
                            continue;
                        }
                        let verdicts: Vec<u32> = turn.iter().map(|o| o.gpus[gpu].counter_state).collect();
                        assert!(verdicts.iter().all(|v| [TRUSTED, IMPLAUSIBLE].contains(v)), "{verdicts:?}: {patch}");
                        let is_one = verdicts.iter().all(|v| *v == verdicts[0]);
                        assert!(is_one || is_beyond_the_gpu(gpu, *gain), "{verdicts:?}: {patch}");
                    }
                }
            });
        }
    });
}

/// Loads that rise and fall, noise, sensors that average, every refresh: all counters are sound, and none is called anything
/// else.
#[test]
fn no_false_alarm_in_500_healthy_runs() {
    let mut random = Random::new();
    // The machine, the refreshes (ms), how often.
    let runs = [
        ("mi300x-8", 1.0, 4.0, 200),
        ("mi300x-8", 1.0, 8.0, 160),
        ("mi300x-8", 10.0, 100.0, 40),
        ("mi210-1", 1.0, 5.0, 60),
        ("mi250x-4", 1.0, 20.0, 60),
    ];
    let runs = runs.map(|(name, fastest, slowest, times)| {
        let machine = Machine::load(name).unwrap();
        let mut patches = Vec::new();
        for (gpu, of) in machine.gpus().iter().enumerate().filter(|(_, g)| g.spec.die != DieRole::Secondary) {
            // What the GPU can draw: a power beyond is ignored.
            let most_w = of.spec.caps.max_w;
            let low = most_w * random.between(0.03, 0.23);
            let high = most_w * random.between(0.25, 0.85);
            let period = 0.005 * 600_f64.powf(random.part());
            let refresh = random.between(fastest, slowest);
            let power = match random.below(3) {
                0 => format!("kind = \"ramp\", from = {low}, to = {high}, over_s = {period}, repeat = true"),
                1 => {
                    let (mean, amplitude) = (0.53 * most_w, 0.49 * most_w);
                    format!("kind = \"sine\", mean = {mean}, amplitude = {amplitude}, period_s = {period}")
                }
                _ => format!(
                    "kind = \"square\", low = {low}, high = {high}, period_s = {period}, duty = {}",
                    random.between(0.1, 0.9)
                ),
            };
            patches.push(format!("gpu.{gpu}.power = {{ {power} }}"));
            // Never so much that a power is negative.
            patches.push(format!("gpu.{gpu}.noise = {{ w = {}, seed = {gpu} }}", 0.02 * most_w));
            patches.push(format!(
                "gpu.{gpu}.counter = {{ refresh_ms = {refresh}, refresh_jitter_ms = {} }}",
                refresh / 2.0
            ));
        }
        (name, patches, times)
    });
    std::thread::scope(|scope| {
        for (machine, patches, times) in &runs {
            scope.spawn(move || {
                let sim = Sim::start(machine, "7.13", patches).unwrap();
                for (i, open) in opens(&sim, 0.0, *times, &["adaptive"]).iter().enumerate() {
                    for said in open.gpus.iter().filter(|s| s.counter_state != SECONDARY_DIE) {
                        let patches: Vec<_> =
                            patches.iter().filter(|p| p.starts_with(&format!("gpu.{}.", said.gpu))).collect();
                        assert_eq!(said.counter_state, TRUSTED, "{machine}, open {i}: {said:?}: {patches:#?}");
                    }
                }
            });
        }
    });
}

/// A sensor that averages over seconds shows a load that has ended for long, and one that began not yet.
#[test]
fn no_false_alarm_while_an_averaging_sensor_catches_up() {
    let patches: Vec<String> = (0..4)
        .flat_map(|i| {
            let (gpu, average) = (2 * i, [1.0, 2.0, 3.0, 4.0][i]);
            [
                format!("gpu.{gpu}.average_s = {average}"),
                format!(
                    "gpu.{gpu}.power = {{ kind = \"square\", low = 30, high = 520, period_s = {}, phase_s = {} }}",
                    2.0 * average + 0.7,
                    0.9 * i as f64
                ),
            ]
        })
        .collect();
    let sim = Sim::start("mi250x-4", "7.13", &patches).unwrap();
    for (n, open) in opens(&sim, 1.0, 24, &["adaptive"]).iter().enumerate() {
        for said in open.gpus.iter().filter(|s| s.gpu % 2 == 0) {
            assert_eq!(said.counter_state, TRUSTED, "open {n}: {said:?}");
        }
    }
}

/// A refresh of a millisecond: four of them are seen in a fraction of the half second, and a firmware's clock is known; in the
/// background the first sample is all that an open takes.
#[test]
fn adaptive_takes_a_fraction_of_the_half_second() {
    let sim = Sim::start("mi300x-8", "7.13", &["gpu.7.counter.refresh_ms = 100"]).unwrap();
    let mut pending = || opens(&sim, 0.0, 1, &["background"])[0].gpus[7].at_once == PENDING;
    // A counter that moves ten times a second is not known at once; on a busy machine it may be when that is asked.
    assert!(happens(&mut pending), "the background was done before it began");
    let sim = Sim::start("mi300x-8", "7.13", &[] as &[&str]).unwrap();
    let samples = |validation: &str| {
        let before = sim.calls("amdsmi_get_energy_count");
        let open = opens(&sim, 0.0, 1, &[validation]).remove(0);
        // Asked once for a GPU at its end.
        (open.us, (sim.calls("amdsmi_get_energy_count") - before) / 8)
    };
    let (us, fixed) = samples("fixed");
    assert!(us >= 500_000, "{us} us");
    let [(_, adaptive), (_, off)] = ["adaptive", "off"].map(samples);
    println!("samples of a GPU: fixed {fixed}, adaptive {adaptive}, off {off}");
    // One each 4 ms for 45 ms, which is less where the scheduler makes them fewer; in half a second there are 125.
    assert!(adaptive > off && adaptive < off + 20, "fixed {fixed}, adaptive {adaptive}, off {off}");
}
