//! The node beside its GPUs, and time at a limit, in the reports of a run and in --check.

use super::tables::csv_domains;
use super::*;

/// Runs something for so many seconds: the JSON, the report for people, the table of samples.
fn measured(sim: &Sim, seconds: &str) -> (Value, String, std::collections::HashMap<String, Vec<u64>>) {
    let [report, csv] = ["report.json", "samples.csv"].map(|n| path(sim, n));
    let out = command(sim, &["--json", &report, "--csv", &csv, "--", "sleep", seconds]).output().unwrap();
    let (status, _, stderr) = ran(&out);
    assert_eq!(status, Some(0), "{stderr}");
    let said = json(Path::new(&report));
    schema::holds(&said, "zeus-amd-run.schema.json");
    (said, stderr, csv_domains(&csv))
}

fn checked(sim: &Sim) -> (Value, String) {
    let out = command(sim, &["--check=json"]).output().unwrap();
    let said: Value = serde_json::from_slice(&out.stdout).unwrap();
    schema::holds(&said, "zeus-amd-run.check.schema.json");
    (said, ran(&command(sim, &["--check"]).output().unwrap()).1)
}

fn number(of: &Value, name: &str) -> f64 {
    of[name].as_f64().unwrap_or_else(|| panic!("{name} in {of}"))
}

/// True joules of a domain of the machine file for the time of the command, which each window encloses.
fn truth_j(sim: &Sim, said: &Value, domain: &str) -> f64 {
    let at = |name: &str| sim.machine_ns(said[name].as_u64().unwrap());
    sim.machine().node().energy_j(domain, at("begin_boottime_ns"), at("end_boottime_ns")).unwrap()
}

/// What the domain may have used while the windows were open and the command did not run.
fn around_j(said: &Value, domain: &Value, most_w: f64) -> f64 {
    let window_s = number(&said["total"], "duration_s");
    (window_s - number(said, "duration_s")).max(0.0) * most_w + number(domain, "uncertainty_j")
}

#[test]
fn a_node_that_measures_itself() {
    let sim = Sim::start("mi250x-ex", "none", &[] as &[&str]).unwrap();
    let (said, text, rows) = measured(&sim, "1.5");
    let domains = said["node"].as_array().unwrap();
    let names: Vec<&str> = domains.iter().map(|d| d["name"].as_str().unwrap()).collect();
    let board = ["node", "cpu", "memory", "accel0", "accel1", "accel2", "accel3"];
    assert_eq!(names, [&board[..], &["package-0"]].concat());
    for domain in domains {
        let name = domain["name"].as_str().unwrap();
        let of_machine = match name {
            "package-0" => "rapl:0",
            other => other,
        };
        let (joules, truth) = (number(domain, "energy_j"), truth_j(&sim, &said, of_machine));
        assert!((joules - truth).abs() <= around_j(&said, domain, 3000.0), "{name}: {domain}, in truth {truth}");
        assert_eq!(domain["in_run"], name == "node");
        assert!(text.contains(&format!("{name} ")), "{text}");
        // The last row is the report's; the first may be estimates.
        assert_eq!(rows[name].last().map(|uj| *uj as f64 / 1e6), Some(joules), "{name}");
    }
    assert_eq!((&said["run"]["scope"], &said["run"]["energy_j"]), (&"node".into(), &domains[0]["energy_j"]));
    assert!(text.contains(": the whole node\n") && said["node_finding"].is_null(), "{text}");
    // The board's opinion is there, and it is not part of how the list was made.
    let opinion = said["second_opinion"].as_str().unwrap();
    assert!(opinion.contains("4 packages") && text.contains(opinion.lines().next().unwrap()), "{opinion}");
    let (said, text) = checked(&sim);
    let of_board = said["node"].as_array().unwrap().iter().filter(|d| d["source"] == "pm_counters").count();
    assert!(of_board == 7 && said["second_opinion"].as_str().unwrap().contains("4 packages"), "{said}");
    assert!(!said["order"].as_str().unwrap().contains("4 packages"), "{said}");
    assert!(text.contains("node: accel3 ") && text.contains("by pm_counters"), "{text}");
}

/// Processors with registers, which may be read or not.
#[test]
fn registers_of_the_processors() {
    let zone = |readable: bool| {
        format!("node.powercap.\"0\" = {{ name = \"package-0\", readable = {readable}, power = {{ kind = \"constant\", w = 150 }} }}")
    };
    let sim = Sim::start("mi210-1", "none", &[zone(true)]).unwrap();
    let (said, text, rows) = measured(&sim, "0.5");
    let (run, package) = (&said["run"], &said["node"][0]);
    assert_eq!((&run["scope"], &package["in_run"], run["missing"].as_u64()), (&"parts".into(), &true.into(), Some(0)));
    let truth = truth_j(&sim, &said, "rapl:0");
    assert!((number(package, "energy_j") - truth).abs() <= around_j(&said, package, 1000.0), "{package} {truth}");
    let sum = number(package, "energy_j") + number(&said["total"], "energy_j");
    // The node's window ends a little later than the GPU's, and each ends within the uncertainty.
    let later_s = number(run, "energy_j") / number(run, "mean_power_w") - number(&said["total"], "duration_s");
    let error = number(run, "uncertainty_j") * 2.0 + later_s.max(0.0) * 300.0;
    assert!((number(run, "energy_j") - sum).abs() <= error, "{run}: {sum}");
    assert!(text.contains("GPUs, processors and memory as far as they are measured") && !rows.is_empty(), "{text}");

    let sim = Sim::start("mi210-1", "none", &[zone(false)]).unwrap();
    let (said, text, rows) = measured(&sim, "0.1");
    let finding = said["node_finding"].as_str().unwrap();
    assert!(finding.contains("energy_uj") && finding.contains("root"), "{finding}");
    assert_eq!(text.lines().filter(|l| *l == finding).count(), 1, "{text}");
    assert!(said["node"] == Value::Array(vec![]) && rows.is_empty(), "{said}");
    assert_eq!((&said["run"]["scope"], &said["run"]["energy_j"]), (&"gpus".into(), &said["total"]["energy_j"]));
    let (said, text) = checked(&sim);
    assert_eq!(said["node_finding"], finding);
    assert!(text.contains(finding) && said["node"][0]["status"] != "success", "{text}");
}

/// Without a board the GPU's own power contradicts a counter that passes Zeus's rule; where the host was too busy to sample
/// both without a gap, nothing is said. A load that varies, and healthy counters, are never spoken of.
#[test]
fn a_counter_that_its_own_power_contradicts() {
    let constant = |gpu: u32| format!("gpu.{gpu}.power = {{ kind = \"constant\", w = 400 }}");
    let sim =
        Sim::start("mi300x-8", "none", &[constant(3), constant(4), "gpu.3.counter.gain = 0.8".to_owned()]).unwrap();
    let (said, text, _) = measured(&sim, "12");
    let machine = sim.machine();
    let wrong = machine.in_hip_order().into_iter().position(|place| machine.gpu_of(place).number == 3).unwrap();
    if let Some(opinion) = said["second_opinion"].as_str() {
        assert!(opinion.starts_with(&format!("GPU {wrong} ")) && opinion.contains("shows 0.80 of"), "{opinion}");
        assert!(opinion.lines().count() == 1 && text.contains(opinion.trim_end()), "{opinion}");
    }
}

/// Exactly the formula, between the two readings of the driver.
#[test]
fn time_at_a_limit() {
    let limited = "gpu.0.counter.limited = { cycles = 70000, initial = 50000, ppt = 0.867, hbm_thm = 0.25 }";
    let sim = Sim::start("mi300x-8", "none", &[limited]).unwrap();
    let (said, text, _) = measured(&sim, "0.9");
    assert!(said["node"] == Value::Array(vec![]) && said["second_opinion"].is_null(), "{said}");
    let keys =
        ["cycles", "prochot", "package_power", "socket_temperature", "regulator_temperature", "memory_temperature"];
    for (gpu, place) in said["gpus"].as_array().unwrap().iter().zip(sim.machine().in_hip_order()) {
        let (l, truth) = (&gpu["limited"], sim.machine().gpu_of(place));
        let begin = l["begin_ns"].as_u64().unwrap();
        let end = begin + (number(l, "duration_s") * 1e9).round() as u64;
        // Each refresh is a cycle, at a whole millisecond of the machine.
        let at = |ns: u64| truth.limited((sim.machine_ns(ns) + truth.refresh_ns() / 2) / truth.refresh_ns());
        let counted: Vec<u64> = at(begin).iter().zip(at(end)).map(|(a, b)| b - a).collect();
        assert_eq!(keys.map(|k| l[k].as_u64().unwrap()).to_vec(), counted, "{l}");
    }
    let l = &said["gpus"][0]["limited"];
    let percent = 100.0 * number(l, "package_power") / number(l, "cycles");
    let watts = number(&said["gpus"][0], "mean_power_w");
    let line = format!("GPU 0: {percent:.1} % of the time limited by package power, {watts:.1} W (limit ");
    assert!(text.contains(&line) && text.contains(" % by memory temperature\n"), "{line}: {text}");
    assert!(!text.contains("GPU 1: "), "{text}");
    let (said, _, _) = measured(&Sim::start("mi210-1", "none", &[] as &[&str]).unwrap(), "0.1");
    assert!(said["gpus"][0]["limited"].is_null(), "{said}");
}
