//! All at once, for long: see `tests/soak.sh`, which runs it, and `tests/c/soak.c`, which says what is going on.

mod common;
#[path = "common/random.rs"]
mod random;

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;
use zeus_amd_sim::Sim;

const LOADS: [&str; 8] = [
    "{ kind = \"constant\", w = 412 }",
    "{ kind = \"square\", low = 80, high = 700, period_s = 0.05 }",
    "{ kind = \"square\", low = 80, high = 700, period_s = 0.9, duty = 0.3 }",
    "{ kind = \"ramp\", from = 100, to = 700, over_s = 0.7, repeat = true }",
    "{ kind = \"sine\", mean = 400, amplitude = 300, period_s = 0.3 }",
    "{ kind = \"sine\", mean = 300, amplitude = 200, period_s = 2 }",
    "{ kind = \"square\", low = 120, high = 650, period_s = 7.0 }",
    "{ kind = \"ramp\", from = 90, to = 600, over_s = 60, repeat = true }",
];

/// An energy of the library beside the machine file's.
#[derive(Default)]
struct Energies {
    count: u64,
    failed: u64,
    /// The largest error as a part of the uncertainty, and the mean uncertainty in mJ.
    worst: f64,
    uncertainty_mj: f64,
    outside: Vec<String>,
}

impl Energies {
    fn add(&mut self, sim: &Sim, line: &str, n: &[u64]) {
        let [gpu, status, _, _, energy_mj, uncertainty_mj, begin_ns, end_ns] = n else { panic!("{line}") };
        self.count += 1;
        self.failed += u64::from(*status != 0);
        let gpu = &sim.machine().gpus()[*gpu as usize];
        let truth_mj = gpu.energy_between_j(sim.machine_ns(*begin_ns), sim.machine_ns(*end_ns)) * 1e3;
        let part = (truth_mj - *energy_mj as f64).abs() / *uncertainty_mj as f64;
        self.worst = self.worst.max(part);
        self.uncertainty_mj += *uncertainty_mj as f64;
        if *status != 0 || part.is_nan() || part > 1.0 {
            self.outside.push(format!("{truth_mj} mJ: {line}"));
        }
    }
}

/// Energies since the first sample of each GPU.
#[derive(Default)]
struct Samples {
    first: [Option<(u64, u64)>; 8],
    count: u64,
    worst_uj: f64,
}

impl Samples {
    fn add(&mut self, sim: &Sim, n: &[u64]) {
        let (gpu, time_ns, energy_uj) = (n[0] as usize, n[1], n[2]);
        let (first_ns, first_uj) = *self.first[gpu].get_or_insert((time_ns, energy_uj));
        let spec = &sim.machine().gpus()[gpu];
        let truth_uj = spec.energy_between_j(sim.machine_ns(first_ns), sim.machine_ns(time_ns)) * 1e6;
        self.worst_uj = self.worst_uj.max((truth_uj - (energy_uj - first_uj) as f64).abs());
        self.count += 1;
    }
}

/// Heap in bytes, resident memory in kB, descriptors, threads.
type Memory = [u64; 4];

/// The medians of a part of the run.
fn medians(part: &[Memory]) -> Memory {
    std::array::from_fn(|field| {
        let mut all: Vec<u64> = part.iter().map(|m| m[field]).collect();
        all.sort_unstable();
        all[all.len() / 2]
    })
}

fn memory_is_flat(memory: &[Memory]) {
    let tenth = (memory.len() / 10).max(5);
    // The samplers' rings fill in the first minute.
    let third = memory.len() / 3;
    let (early, late) = (medians(&memory[third..third + tenth]), medians(&memory[memory.len() - tenth..]));
    println!("heap, kB resident, descriptors, threads: {early:?} after a third of the time, {late:?} in the end");
    assert!(late[0] <= early[0] + (64 << 10), "the heap grows");
    assert!(late[1] <= early[1] + 1024, "resident memory grows");
    assert!(late[2] <= early[2] && late[3] <= early[3], "descriptors or threads stay");
}

/// Set by `tests/soak.sh`.
const MINUTES: &str = "ZEUS_AMD_SOAK_MINUTES";

#[test]
#[ignore = "takes an hour: tests/soak.sh [MINUTES]"]
fn everything_at_once() {
    let minutes: u64 = std::env::var(MINUTES).map_or(60, |m| m.parse().expect("a number"));
    zeus_amd_sim::start::set_limit(Duration::from_secs(minutes * 60 + 300));
    let patches: Vec<String> = (0..8)
        .flat_map(|i| [format!("gpu.{i}.power = {}", LOADS[i]), format!("gpu.{i}.counter.refresh_ms = 1.0")])
        .collect();
    let sim = Sim::start("mi300x-8", "7.0.2", &patches).unwrap();
    let mut command = sim.command(common::c_program("soak"));
    command.args([(minutes * 60).to_string(), random::seed().to_string()]);
    let mut program = command.stdout(Stdio::piped()).spawn().unwrap();
    let (mut energies, mut samples, mut memory) = (Energies::default(), Samples::default(), Vec::<Memory>::new());
    let mut totals = Vec::new();
    for line in BufReader::new(program.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let (kind, rest) = line.split_once(' ').unwrap();
        // A status is negative.
        let n: Vec<u64> = rest.split(' ').map(|w| w.parse::<i64>().unwrap() as u64).collect();
        match kind {
            "w" => energies.add(&sim, &line, &n),
            "s" => samples.add(&sim, &n),
            "m" => memory.push(n.try_into().unwrap()),
            "loss" => totals = n,
            _ => println!(
                "GPU {}: {} samples; {} times over 1.5 ms, {} over 10 ms, {} over 100 ms, longest {:.1} ms; {} flagged",
                n[0],
                n[1],
                n[2],
                n[3],
                n[4],
                n[5] as f64 * 1e-6,
                n[6]
            ),
        }
    }
    assert!(program.wait().unwrap().success());
    let Energies { count, failed, worst, uncertainty_mj, outside } = energies;
    println!("{count} energies: {} outside of their uncertainty, {failed} failed, worst error {worst:.3} of the uncertainty, which is {:.1} mJ in the mean", outside.len(), uncertainty_mj / count as f64);
    println!("{} samples compared: at most {:.1} uJ off", samples.count, samples.worst_uj);
    let &[lost, small, small_lost, surely, at_most] = &totals[..] else { panic!("{totals:?}") };
    println!("lost: {lost}; small sampler: {small} drained + {small_lost} reported lost = {}, which is {surely} to {at_most}", small + small_lost);
    assert!(outside.is_empty(), "{}", outside[..outside.len().min(20)].join("\n"));
    assert!(count > minutes * 600, "{count} energies");
    // Two counts of 2^-16 J, and a rounding.
    assert!(samples.count > minutes * 60 && samples.worst_uj < 33.0);
    assert_eq!(lost, 0);
    assert!(small_lost > small / 100, "the small sampler proves nothing");
    // Both begin and stop with a sample of their own for each GPU, and one of their rounds may have come between.
    assert!(small + small_lost + 16 >= surely && small + small_lost <= at_most + 32);
    memory_is_flat(&memory);
}
