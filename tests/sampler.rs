//! Samplers: as guests in other people's processes, and against the exact integral of the machine file.

mod common;
#[path = "common/random.rs"]
mod random;
#[path = "c/support.rs"]
mod support;

use random::Random;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{cdylib, run, work, Fake};
use zeus_amd_sim::Sim;

fn guest(what: &str, env: &[(&str, &str)]) -> Fake {
    let folder = work(what);
    let fake = Fake::new(&folder);
    run(fake.command(support::program("sampler_guest", &folder)).arg(what).envs(env.iter().copied())).silent();
    fake
}

/// T15 (fork); T16 (close in a child).
#[test]
fn fork_while_sampling() {
    guest("forks", &[]);
}

/// T15 (fork).
#[test]
fn a_child_does_not_wait_for_libamd_smi_s_locks() {
    let program = common::c_program("forked");
    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let out = sim.command(program).output().unwrap();
    assert!(out.status.success(), "{:?} {}", out.status, String::from_utf8_lossy(&out.stderr));
}

/// T17 (the vendor forks).
#[test]
fn the_vendor_forks_while_it_is_read() {
    let fake = guest("vendor_forks", &[("FAKE_FORKS", "10")]);
    assert!(fake.events().iter().filter(|e| *e == "forked").count() > 10, "{:?}", fake.events());
}

#[test]
fn started_and_stopped_a_thousand_times() {
    guest("again_and_again", &[]);
}

#[test]
fn two_samplers_share_a_thread() {
    guest("two", &[]);
}

#[test]
fn the_session_may_end_first() {
    guest("closed", &[]);
}

#[test]
fn what_is_lost_is_said_once() {
    guest("lost", &[]);
}

/// The process ends with the status that `main` returns, and in silence. The exit handler waits a second for calls of
/// libamd_smi: the fake library ends a process whose thread gets no processor for so long. Twice at one place that is no
/// chance.
fn ends_well(fake: &Fake, command: &mut Command, what: &str) {
    let mut end = || {
        // Nothing of an earlier run is there.
        let _ = ["fake.log", "exit"].map(|name| std::fs::remove_file(fake.folder.join(name)));
        run(command)
    };
    let mut ran = end();
    if ran.code.is_none() && fake.events().iter().any(|e| e == "too late") {
        ran = end();
    }
    assert!(ran.code == Some(7) && ran.stdout.is_empty() && ran.stderr.is_empty(), "{what}: {ran:?}");
}

/// T12 (dlclose, then the thread ends).
#[test]
fn dlclose_while_sampling() {
    let folder = work("sampler_dlclose");
    let fake = Fake::new(&folder);
    let to = folder.join("sampler_dlclose");
    let mut c = support::cc("gcc", "gnu99");
    c.arg(support::root().join("tests/c/sampler_dlclose.c")).arg("-o").arg(&to).args(["-lpthread", "-ldl"]);
    run(&mut c).silent();
    for then in ["again", "leave"] {
        ends_well(&fake, fake.command(&to).arg(cdylib()).arg(then).env("FAKE_DIES", "1"), then);
    }
}

/// T14 (exit while a thread is inside libamd_smi).
/// libamd_smi's statics are destroyed at exit, and a call after that crashes: background threads end before, calls of the
/// program's threads are waited for, and later ones refused.
#[test]
fn return_from_main_while_sampling() {
    let folder = work("exit_race");
    let fake = Fake::new(&folder);
    let to = support::program("exit_race", &folder);
    // One that is loaded after the first thread was started, and so destroyed before the first one.
    let other = folder.join("other.so");
    std::fs::copy(&fake.library, &other).unwrap();
    let command = |how: &str| {
        let mut command = fake.command(&to);
        command.arg(how).args(Some(&other).filter(|_| how == "second")).env("FAKE_DIES", "1");
        command
    };
    for (how, times) in [("sampler", 30), ("second", 10), ("background", 15), ("window", 15), ("own", 30)] {
        for i in 0..times {
            ends_well(&fake, &mut command(how), &format!("{how} {i}"));
        }
    }
    // A thread that calls libamd_smi itself calls too late, if it gets a processor in time, and the fake ends the process.
    let died = (0..20).any(|_| run(&mut command("raw")).code.is_none());
    assert!(died, "the fake library forgives late calls, so this test proves nothing");
}

/// T14. The first open of another thread is inside libamd_smi, whose statics its first call has just made.
#[test]
fn return_from_main_while_opening() {
    let folder = work("exit_while_opening");
    let to = support::program("exit_race", &folder);
    for (slow, wait_ms) in [("init", "2000"), ("list", "0")] {
        let fake = Fake::new(&work(&format!("exit_while_{slow}")));
        let mut command = fake.command(&to);
        command.args(["open", wait_ms]).envs([("FAKE_DIES", "1"), ("FAKE_SLOW", slow)]);
        ends_well(&fake, command.env("FAKE_EXIT", fake.folder.join("exit")), slow);
    }
}

/// Of `valid`.
const POWER: u32 = 128;
const COUNTER_POWER: u32 = 256;
/// Of `flags`.
const RESET: u32 = 2;
const SAMPLING_GAP: u32 = 32;
const FIRMWARE_RESOLUTION: u32 = 128;
const INTEGRATED: u32 = 1024;

#[derive(Debug, Clone, Copy)]
struct Sample {
    valid: u32,
    flags: u32,
    time_ns: u64,
    energy_uj: u64,
    power_mw: u64,
    counter_power_mw: u64,
    counter_power_uncertainty_mw: u64,
}

#[derive(Debug, Clone, Copy)]
struct Between {
    gpu: usize,
    status: i32,
    method: u32,
    flags: u32,
    energy_mj: u64,
    uncertainty_mj: u64,
    from_ns: u64,
    to_ns: u64,
}

/// What came of a run: the samples of each GPU in the order of the drains, energies, how many were lost.
#[derive(Default)]
struct Ran {
    gpus: [Vec<Sample>; 8],
    between: Vec<Between>,
    lost: u64,
}

struct How {
    period_us: u64,
    capacity: u32,
    ms: u64,
    drain_ms: u64,
    room: u32,
    asks: u32,
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("sampler"))
}

/// The program is made first, so that no time of the machine passes meanwhile.
fn start<S: AsRef<str>>(rocm: &str, with: &[S]) -> Sim {
    program();
    Sim::start("mi300x-8", rocm, with).unwrap()
}

/// With the default resolution, which is the firmware's on these machines.
fn sampled(sim: &Sim, validation: &str, h: &How, seed: u64) -> Ran {
    sampled_in(sim, DEFAULT, validation, h, seed)
}

fn sampled_in(sim: &Sim, unit: &str, validation: &str, h: &How, seed: u64) -> Ran {
    sampled_by(sim, "auto", unit, validation, h, seed)
}

fn sampled_by(sim: &Sim, backend: &str, unit: &str, validation: &str, h: &How, seed: u64) -> Ran {
    let mut command = sim.command(program());
    command.env("ZEUS_AMD_BACKEND", backend);
    command.args([validation, unit, &h.period_us.to_string(), &h.capacity.to_string(), &h.ms.to_string()]);
    command.args([h.drain_ms.to_string(), h.room.to_string(), h.asks.to_string(), seed.to_string()]);
    let out = command.output().unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut ran = Ran::default();
    for line in String::from_utf8(out.stdout).unwrap().lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let n: Vec<i64> = rest.split(' ').map(|w| w.parse().unwrap()).collect();
        match kind {
            "s" => ran.gpus[n[0] as usize].push(Sample {
                valid: n[1] as u32,
                flags: n[2] as u32,
                time_ns: n[3] as u64,
                energy_uj: n[4] as u64,
                power_mw: n[5] as u64,
                counter_power_mw: n[6] as u64,
                counter_power_uncertainty_mw: n[7] as u64,
            }),
            "b" => ran.between.push(Between {
                gpu: n[0] as usize,
                status: n[1] as i32,
                method: n[2] as u32,
                flags: n[3] as u32,
                energy_mj: n[4] as u64,
                uncertainty_mj: n[5] as u64,
                from_ns: n[6] as u64,
                to_ns: n[7] as u64,
            }),
            _ => ran.lost += n[0] as u64,
        }
    }
    for samples in &ran.gpus {
        assert!(samples.windows(2).all(|w| w[0].time_ns < w[1].time_ns), "a sample came twice, or out of order");
        assert!(samples.windows(2).all(|w| w[0].energy_uj <= w[1].energy_uj));
    }
    ran
}

const DEFAULT: &str = "0";
const REPORTED: &str = "1";
const FIRMWARE: &str = "2";

const OFF: &str = "2";
const ADAPTIVE: &str = "3";
const BACKGROUND: &str = "4";

const LOADS: [&str; 8] = [
    "{ kind = \"constant\", w = 412 }",
    "{ kind = \"square\", low = 80, high = 700, period_s = 0.05 }",
    "{ kind = \"square\", low = 80, high = 700, period_s = 0.9, duty = 0.3 }",
    "{ kind = \"ramp\", from = 100, to = 700, over_s = 0.7, repeat = true }",
    "{ kind = \"sine\", mean = 400, amplitude = 300, period_s = 0.3 }",
    "{ kind = \"sine\", mean = 300, amplitude = 200, period_s = 2 }",
    "{ kind = \"steps\", steps = [[0, 100], [1, 600], [2, 250], [3, 700], [4, 90]] }",
    "{ kind = \"ramp\", from = 90, to = 600, over_s = 5 }",
];

fn patches(more: impl Fn(usize) -> String) -> Vec<String> {
    (0..8)
        .flat_map(|i| [format!("gpu.{i}.power = {}", LOADS[i]), format!("gpu.{i}.counter = {{ {} }}", more(i))])
        .collect()
}

/// What the machine file says of a GPU between two CLOCK_BOOTTIMEs, in mJ.
fn truth_mj(sim: &Sim, gpu: usize, from_ns: u64, to_ns: u64) -> f64 {
    sim.machine().gpus()[gpu].energy_between_j(sim.machine_ns(from_ns), sim.machine_ns(to_ns)) * 1e3
}

/// What the loads may have drawn more or less, in mJ, while a busy machine did not look: for longer than three readings.
fn unseen_mj(samples: &[Sample], reading_ms: f64) -> f64 {
    let ms = samples.windows(2).map(|w| (w[1].time_ns - w[0].time_ns) as f64 * 1e-6 - 3.0 * reading_ms);
    ms.filter(|ms| *ms > 0.0).sum::<f64>() * 620.0
}

fn energies_hold(sim: &Sim, ran: &Ran, method: u32) {
    let mut asked = 0;
    for b in &ran.between {
        let samples = &ran.gpus[b.gpu];
        let within = samples[0].time_ns <= b.from_ns && b.to_ns <= samples.last().unwrap().time_ns;
        assert_eq!(b.status, if within { 0 } else { -3 }, "{b:?}");
        if within {
            asked += 1;
            let truth = truth_mj(sim, b.gpu, b.from_ns, b.to_ns);
            assert!((truth - b.energy_mj as f64).abs() <= b.uncertainty_mj as f64, "{truth} mJ: {b:?}");
            assert_eq!(b.method, method, "{b:?}");
        }
    }
    assert!(asked * 2 > ran.between.len(), "{asked} of {}", ran.between.len());
}

/// By itself: about as many samples as the GPU has readings, each once; power from the counter and its energy are exact.
#[test]
fn a_sampler_finds_its_own_pace() {
    let mut random = Random::new();
    let refreshes = [1.5, 3.0, 5.0, 7.0, 12.0, 20.0, 50.0, 100.0];
    let sim = start("7.13", &patches(|i| format!("refresh_ms = {}", refreshes[i])));
    let how = How { period_us: 0, capacity: 1 << 18, ms: 5000, drain_ms: 200, room: 1 << 16, asks: 400 };
    let ran = sampled(&sim, ADAPTIVE, &how, random.next());
    assert_eq!(ran.lost, 0);
    for (gpu, samples) in ran.gpus.iter().enumerate() {
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        let readings = (last.time_ns - first.time_ns) as f64 / (refreshes[gpu] * 1e6);
        let part = (samples.len() - 1) as f64 / readings;
        // A busy machine misses some, one after another: then they are few times, however long.
        let next = samples.windows(2).filter(|w| w[1].time_ns - w[0].time_ns < (refreshes[gpu] * 1.5e6) as u64).count();
        let seen = next as f64 / (samples.len() - 1) as f64;
        println!("{} ms: {} samples, {part:.3} of all readings, {seen:.3} at once", refreshes[gpu], samples.len());
        assert!(part <= 1.0 + 1e-6, "GPU {gpu}: {part}");
        assert!(seen > 0.6, "GPU {gpu}, {} ms: {seen} of the readings next to each other", refreshes[gpu]);
        assert_eq!(first.energy_uj, 0);
        for w in samples.windows(2) {
            let ns = w[1].time_ns - w[0].time_ns;
            let truth_uj = truth_mj(&sim, gpu, w[0].time_ns, w[1].time_ns) * 1e3;
            let uj = w[1].energy_uj - w[0].energy_uj;
            // Two counts of 15.3 uJ, and a rounding.
            assert!((uj as f64 - truth_uj).abs() < 33.0, "GPU {gpu}: {truth_uj} uJ: {w:?}");
            assert_eq!(w[1].valid & (POWER | COUNTER_POWER), POWER | COUNTER_POWER, "{w:?}");
            // A busy machine may not sample for so long that it is said.
            let gap = if ns > 250_000_000 { SAMPLING_GAP } else { 0 };
            let flags = w[1].flags & (INTEGRATED | SAMPLING_GAP | FIRMWARE_RESOLUTION);
            assert_eq!(flags, FIRMWARE_RESOLUTION | gap, "{w:?}");
            let by_slope = w[1].counter_power_mw as f64 * ns as f64 * 1e-6;
            assert!(
                (by_slope - uj as f64).abs() <= 2.0 + ns as f64 * 1e-6,
                "GPU {gpu}: {by_slope} uJ by its slope: {w:?}"
            );
        }
        // The sensor says what the load is at that moment, or one refresh later: libamd_smi is asked for it separately.
        let right = samples.iter().filter(|s| {
            let w = sim.machine().gpus()[gpu].power_w(sim.machine_ns(s.time_ns) as f64 * 1e-9);
            (s.power_mw as f64 - w * 1e3).abs() <= 501.0
        });
        assert!(right.count() * 10 > samples.len() * 7, "GPU {gpu}");
    }
    energies_hold(&sim, &ran, 1);
}

/// Where the counter stands still power is added up: near the truth, and the truth is inside the bound.
#[test]
fn untrusted_counters_are_integrated() {
    let mut random = Random::new();
    let refreshes = [1.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 33.0];
    let stuck = patches(|i| format!("stuck_at_s = 0.0, refresh_ms = {}", refreshes[i]));
    let sim = start("7.13", &stuck);
    let how = How { period_us: 0, capacity: 1 << 18, ms: 5000, drain_ms: 200, room: 1 << 16, asks: 400 };
    let ran = sampled(&sim, ADAPTIVE, &how, random.next());
    for (gpu, samples) in ran.gpus.iter().enumerate() {
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        assert!(samples[1..].iter().all(|s| s.flags & INTEGRATED != 0 && s.valid & COUNTER_POWER == 0), "GPU {gpu}");
        let truth = truth_mj(&sim, gpu, first.time_ns, last.time_ns);
        let error = (last.energy_uj as f64 / 1e3 - truth).abs() / truth;
        println!("GPU {gpu}: {} samples, {:.3} % off", samples.len(), error * 100.0);
        assert!(error < 0.03 + unseen_mj(samples, refreshes[gpu]) / truth, "GPU {gpu}: {error}");
        // It is the trapezoids of what it says.
        let mut sum = 0.0;
        for w in samples.windows(2) {
            sum += (w[0].power_mw + w[1].power_mw) as f64 / 2.0 * (w[1].time_ns - w[0].time_ns) as f64 * 1e-6;
            assert!((sum - w[1].energy_uj as f64).abs() <= 2.0 + sum * 1e-6, "GPU {gpu}: {sum} uJ: {w:?}");
        }
    }
    energies_hold(&sim, &ran, 2);
}

/// Eight GPUs at 1 kHz for half a minute into a ring that is too small: nothing comes twice, out of order, or is lost unsaid.
#[test]
fn eight_gpus_at_1_khz_into_a_small_ring() {
    let sim = start("7.13", &patches(|_| "refresh_ms = 0.1".to_owned()));
    let how = How { period_us: 1000, capacity: 1000, ms: 30_000, drain_ms: 150, room: 50, asks: 0 };
    let ran = sampled(&sim, OFF, &how, 0);
    let drained: usize = ran.gpus.iter().map(Vec::len).sum();
    let taken = drained as u64 + ran.lost;
    let (mut most, mut per_gpu) = (0, Vec::new());
    for (gpu, samples) in ran.gpus.iter().enumerate() {
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        most += (last.time_ns - first.time_ns) / 800_000 + 2;
        per_gpu.push((last.time_ns - first.time_ns) / 1_000_000);
        // What was drained is right although its neighbours are gone.
        let truth = truth_mj(&sim, gpu, first.time_ns, last.time_ns);
        let energy = (last.energy_uj - first.energy_uj) as f64 / 1e3;
        assert!((energy - truth).abs() < 0.05 + 1e-6 * truth, "GPU {gpu}: {energy}, not {truth} mJ");
    }
    let asked: u64 = per_gpu.iter().sum();
    println!("{drained} drained, {} lost, {taken} of {asked} taken", ran.lost);
    assert!(ran.lost > 0, "nothing was lost, so nothing was tested");
    assert!(taken <= most, "{taken} taken, at most {most} are apart by a period");
    // A busy machine misses most; what comes so seldom does not fill the ring.
    assert!(taken * 100 > asked, "{taken} of {asked}");
}

/// A counter that stops under a running sampler: what was drawn while nobody could know it yet is in the energies or in
/// their bounds.
#[test]
fn a_counter_that_stops_under_a_sampler() {
    let mut random = Random::new();
    // The counters stop from `lead` seconds after the machine's start; a host on which the sampler starts later gets more.
    let mut sampled_over_stops = |lead: u64| {
        let sim = start("none", &patches(|i| format!("stuck_at_s = {}.0", lead + i as u64 % 3)));
        let ms = (lead + 4) * 1000;
        let how = How { period_us: 5000, capacity: 1 << 18, ms, drain_ms: 200, room: 1 << 16, asks: 800 };
        let ran = sampled(&sim, ADAPTIVE, &how, random.next());
        let began = ran.gpus.iter().all(|samples| sim.machine_ns(samples[0].time_ns) < lead * 1_000_000_000);
        began.then_some((sim, ran))
    };
    let (sim, ran) = [1, 4, 16].into_iter().find_map(&mut sampled_over_stops).expect("timed out: host too slow");
    let known: Vec<&Between> = ran.between.iter().filter(|b| b.status == 0).collect();
    assert!(known.len() > 200 && known.iter().any(|b| b.method == 1) && known.iter().any(|b| b.method == 2));
    for b in known {
        let truth = truth_mj(&sim, b.gpu, b.from_ns, b.to_ns);
        assert!((truth - b.energy_mj as f64).abs() <= b.uncertainty_mj as f64, "{truth} mJ: {b:?}");
    }
    for (gpu, samples) in ran.gpus.iter().enumerate() {
        let (first, last) = (samples[0], samples[samples.len() - 1]);
        let truth = truth_mj(&sim, gpu, first.time_ns, last.time_ns);
        let error = (last.energy_uj as f64 / 1e3 - truth).abs() / truth;
        let error = error - unseen_mj(samples, 5.0) / truth;
        assert!(last.flags & INTEGRATED != 0 && error < 0.03, "GPU {gpu}: {error}");
    }
}

/// Counts in the unit that is reported are 0.27 % too many, which the bound covers; a reset is said in its sample and in
/// each energy that it lies in.
#[test]
fn resets_and_the_reported_unit() {
    const WAS_RESET: u32 = 2;
    let reset_s = [1.2, 2.7];
    let counter = |i: usize| {
        if i % 2 == 0 {
            "initial = 9999999999".to_owned()
        } else {
            format!("initial = 9999999999, reset_at_s = {reset_s:?}")
        }
    };
    let patches = patches(counter);
    let sim = start("none", &patches);
    let how = How { period_us: 1000, capacity: 1 << 18, ms: 4500, drain_ms: 200, room: 1 << 16, asks: 600 };
    let ran = sampled_in(&sim, REPORTED, OFF, &how, Random::new().next());
    energies_hold(&sim, &ran, 1);
    assert!(ran.gpus.iter().flatten().all(|s| s.flags & FIRMWARE_RESOLUTION == 0));
    let s = |ns: u64| sim.machine_ns(ns) as f64 * 1e-9;
    for (gpu, samples) in ran.gpus.iter().enumerate() {
        let resets = samples.iter().filter(|s| s.flags & RESET != 0 && s.valid & COUNTER_POWER == 0).count();
        // On a busy machine both may lie between two samples.
        let has_reset = |w: &[Sample]| reset_s.iter().any(|r| (s(w[0].time_ns)..s(w[1].time_ns)).contains(r));
        let planted = samples.windows(2).filter(|w| has_reset(w) && gpu % 2 == 1).count();
        assert_eq!(resets, planted, "GPU {gpu}");
    }
    let (mut without, mut more) = (0, 0);
    for b in ran.between.iter().filter(|b| b.status == 0) {
        // Away from a reset by more than the two looks around it are apart.
        let samples = &ran.gpus[b.gpu];
        let clear = reset_s.iter().all(|r| {
            let next = samples.partition_point(|sample| s(sample.time_ns) < *r).clamp(1, samples.len() - 1);
            let margin = 0.2 + s(samples[next].time_ns) - s(samples[next - 1].time_ns);
            (s(b.from_ns) - r).abs() > margin && (s(b.to_ns) - r).abs() > margin
        });
        let inside = b.gpu % 2 == 1 && reset_s.iter().any(|r| (s(b.from_ns)..s(b.to_ns)).contains(r));
        assert!(!clear || (b.flags & WAS_RESET != 0) == inside, "{b:?}");
        let truth = truth_mj(&sim, b.gpu, b.from_ns, b.to_ns);
        without += u32::from(b.flags & WAS_RESET == 0);
        more += u32::from(b.flags & WAS_RESET == 0 && b.energy_mj as f64 > truth);
    }
    assert!(without > 100 && more * 10 > without * 7, "{more} of {without} are too large");
}

/// A sampler sees each table first: the check that goes on beside it sees them too. The library of ROCm 6.4.3 makes ten a second,
/// and the GPU's own file, which decides where GPUs share a table, has one at each refresh.
#[test]
fn a_check_beside_a_sampler_sees_what_that_sees() {
    let sim = start("6.4.3", &[] as &[&str]);
    let how = How { period_us: 1000, capacity: 1 << 18, ms: 9000, drain_ms: 200, room: 1 << 16, asks: 0 };
    // On a busy machine the check may be over before the first sample: then it was not beside the sampler.
    let is_beside = |ran: &Ran| ran.gpus.iter().all(|samples| samples[0].flags & INTEGRATED != 0);
    let mut runs = (0..10).map(|_| sampled_by(&sim, "amdsmi", FIRMWARE, BACKGROUND, &how, 0));
    let ran = runs.find(is_beside).expect("no GPU was checked in the background");
    for (gpu, samples) in ran.gpus.iter().enumerate() {
        let last = samples[samples.len() - 1];
        assert!(last.flags & INTEGRATED == 0, "GPU {gpu}: {last:?}");
        let by_counter: Vec<u64> =
            samples.iter().filter(|s| s.valid & COUNTER_POWER != 0).map(|s| s.counter_power_mw).collect();
        let truth = sim.machine().gpu_of(sim.machine().in_hip_order()[gpu]).power_w(1.0) * 1e3;
        let is_near = |mw: &u64| (*mw as f64 - truth).abs() <= 0.1 * truth;
        assert!(!by_counter.is_empty() && by_counter.iter().all(is_near), "GPU {gpu}: {truth} mW, {by_counter:?}");
    }
}

/// Through libamd_smi a count may be as old as the driver's lag, a refresh and the call itself: no power of 573 W where 300 W
/// are drawn all the time.
#[test]
fn a_counter_power_has_an_interval_that_is_long_enough() {
    let lags = ["0", "200", "[0, 300]", "[0, 600]"];
    let patches: Vec<String> = (0..8)
        .flat_map(|i| {
            let (lag, driver_ms) = (lags[i % 4], [0, 3][i / 4]);
            let counter = format!("initial = 281474976710656, driver_lag_us = {lag}, driver_ms = {driver_ms}");
            [
                format!("gpu.{i}.power = {{ kind = \"constant\", w = 300 }}"),
                format!("gpu.{i}.counter = {{ {counter} }}"),
            ]
        })
        .collect();
    let mut number = 0;
    for (rocm, backend) in [("7.0.2", "amdsmi"), ("6.3.3", "amdsmi"), ("7.13", "sysfs")] {
        let sim = start(rocm, &patches);
        let how = How { period_us: 1000, capacity: 1 << 18, ms: 3000, drain_ms: 200, room: 1 << 16, asks: 0 };
        let ran = sampled_by(&sim, backend, FIRMWARE, ADAPTIVE, &how, 0);
        for (gpu, samples) in ran.gpus.iter().enumerate() {
            let powers: Vec<(u64, u64)> = samples
                .iter()
                .filter(|s| s.valid & COUNTER_POWER != 0)
                .map(|s| (s.counter_power_mw, s.counter_power_uncertainty_mw))
                .collect();
            number += powers.len();
            let off = powers.iter().find(|(mw, uncertainty)| mw.abs_diff(300_000) > *uncertainty.min(&30_000));
            assert!(off.is_none(), "{rocm} {backend} GPU {gpu}: {off:?} of {} powers", powers.len());
        }
    }
    assert!(number > 3, "{number} powers");
}

/// No counter, and nobody checked: there is no energy of 0 J, but that of the power.
#[test]
fn no_counter_and_no_check() {
    let sim = start("none", &patches(|_| "missing = \"ones\"".to_owned()));
    let how = How { period_us: 2000, capacity: 1 << 18, ms: 3000, drain_ms: 200, room: 1 << 16, asks: 400 };
    let ran = sampled(&sim, OFF, &how, Random::new().next());
    assert!(ran.gpus.iter().flatten().skip(8).all(|s| s.valid & COUNTER_POWER == 0));
    energies_hold(&sim, &ran, 2);
}
