//! What is in the files that a run writes.

use serde_json::Value;
use std::collections::HashMap;
use zeus_amd_sim::{Gpu, Sim};

/// The integral of each track of a trace: a step at each of its times, the last one to zero.
pub fn trace_joules(trace: &Value) -> HashMap<String, f64> {
    let mut tracks: HashMap<String, (f64, f64, f64)> = HashMap::new();
    for event in trace["traceEvents"].as_array().unwrap().iter().filter(|e| e["ph"] == "C") {
        let (at, watts) = (event["ts"].as_f64().unwrap(), event["args"]["W"].as_f64().unwrap());
        let track = tracks.entry(event["name"].as_str().unwrap().to_owned()).or_insert((at, watts, 0.0));
        assert!(at >= track.0, "times go back");
        *track = (at, watts, track.2 + track.1 * (at - track.0) / 1e6);
    }
    tracks.into_iter().map(|(name, (_, last, joules))| (name, if last == 0.0 { joules } else { f64::NAN })).collect()
}

/// When each GPU was sampled, and its joules until then, by a table of samples.
pub fn csv_samples(path: &str) -> HashMap<u64, Vec<(u64, f64)>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let columns = header.split(',').count();
    // zeus-amd-run has a column more than the example power_trace.
    assert!(header.trim_end_matches(",domain") == "time_ns,gpu,energy_uj,power_mw,counter_power_mw,valid,flags");
    let mut samples: HashMap<u64, Vec<(u64, f64)>> = HashMap::new();
    for line in lines {
        let words: Vec<&str> = line.split(',').collect();
        assert_eq!(words.len(), columns, "{line}");
        if words[1].is_empty() {
            continue;
        }
        if let Ok(uj) = words[2].parse::<f64>() {
            samples.entry(words[1].parse().unwrap()).or_default().push((words[0].parse().unwrap(), uj / 1e6));
        }
    }
    samples
}

/// Of each domain beside the GPUs: the microjoules of its rows.
pub fn csv_domains(path: &str) -> HashMap<String, Vec<u64>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut domains: HashMap<String, Vec<u64>> = HashMap::new();
    for line in text.lines().skip(1).filter(|l| l.split(',').nth(1) == Some("")) {
        let words: Vec<&str> = line.split(',').collect();
        domains.entry(words[7].to_owned()).or_default().extend(words[2].parse::<u64>());
    }
    domains
}

pub fn csv_joules(samples: &[(u64, f64)]) -> f64 {
    samples[samples.len() - 1].1 - samples[0].1
}

/// What a GPU really used between its first sample and its last.
pub fn true_joules(sim: &Sim, gpu: &Gpu, samples: &[(u64, f64)]) -> f64 {
    gpu.energy_between_j(sim.machine_ns(samples[0].0), sim.machine_ns(samples[samples.len() - 1].0))
}
