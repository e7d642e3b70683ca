//! What is said of the GPUs, against the machine.

use super::tables::{csv_joules, csv_samples, trace_joules, true_joules};
use super::*;

#[test]
fn energies_are_the_machines() {
    let square = r#"gpu.0.power = { kind = "square", low = 100, high = 600, period_s = 0.1 }"#;
    let stuck = "gpu.2.counter.stuck_at_s = 0";
    for (machine, rocm, packages, unit) in
        [("mi300x-8", "7.0.2", 8, "default"), ("mi250x-4", "6.2.4", 4, "reported"), ("mi100-1", "6.2.4", 1, "firmware")]
    {
        let mut with = vec![square];
        if machine == "mi300x-8" {
            with.push(stuck);
        }
        let sim = Sim::start(machine, rocm, &with).unwrap();
        let [report, csv, trace] = ["report.json", "samples.csv", "trace.json"].map(|n| path(&sim, n));
        let arguments =
            ["--resolution", unit, "--json", &report, "--csv", &csv, "--trace", &trace, "--", "sleep", "0.7"];
        let (status, _, stderr) = ran(&command(&sim, &arguments).output().unwrap());
        assert_eq!(status, Some(0), "{stderr}");
        let said = json(Path::new(&report));
        schema::holds(&said, "zeus-amd-run.schema.json");
        let (tracks, samples) = (trace_joules(&json(Path::new(&trace))), csv_samples(&csv));
        let order = sim.machine().in_hip_order();
        let gpus = said["gpus"].as_array().unwrap();
        assert_eq!(gpus.len(), order.len());
        let (mut sum, mut bound, mut lines) = (0.0, 0.0, 0);
        for (index, said) in gpus.iter().enumerate() {
            let gpu = sim.machine().gpu_of(order[index]);
            assert_eq!(said["pci_address"], gpu.bdf.to_string());
            if gpu.is_secondary_die() {
                assert!(
                    said["energy_j"].is_null() && said["samples"] == 0 && said["counter"] == "secondary die",
                    "{said}"
                );
                continue;
            }
            let at = |name: &str| sim.machine_ns(said[name].as_u64().unwrap());
            let truth = gpu.energy_between_j(at("begin_ns"), at("end_ns"));
            let (joules, within) = (said["energy_j"].as_f64().unwrap(), said["uncertainty_j"].as_f64().unwrap());
            assert!((joules - truth).abs() <= within, "{machine} {index}: {joules} +- {within}, in truth {truth}");
            assert!(stderr.contains(&format!(" {joules:.3} ")), "{joules}: {stderr}");
            // The sampler's own energy, in the report, in the table and under the curve.
            let sampled = said["sampler_energy_j"].as_f64().unwrap();
            let truth = true_joules(&sim, gpu, &samples[&(index as u64)]);
            // The reported unit is 0.27 % off; a power that is averaged over a second follows no square wave.
            let off = if said["peak_from"] == "averaged sensor" { 0.1 } else { 0.003 };
            assert!((sampled / truth - 1.0).abs() < off, "{machine} {index}: {sampled}, in truth {truth}");
            assert!((tracks[&format!("GPU {index}")] - sampled).abs() < 1e-4, "{tracks:?} {sampled}");
            assert!((csv_joules(&samples[&(index as u64)]) - sampled).abs() < 1e-6, "{index}: {sampled}");
            sum += joules;
            bound += within;
            lines += 1;
        }
        assert_eq!((tracks.len(), samples.len()), (lines, lines));
        let total = &said["total"];
        assert!((total["energy_j"].as_f64().unwrap() - sum).abs() < 1e-6, "{total}");
        assert!((total["uncertainty_j"].as_f64().unwrap() - bound).abs() < 1e-6, "{total}");
        assert_eq!((&total["packages"], &total["missing_packages"]), (&packages.into(), &0.into()));
        assert_eq!(said["energy_resolution"], unit);
        assert!(said["duration_s"].as_f64().unwrap() > 0.7);
        if machine == "mi300x-8" {
            assert_eq!(gpus[2]["counter"], "stuck");
            assert_eq!((&gpus[2]["method"], &gpus[2]["peak_from"]), (&"integrated".into(), &"sensor".into()));
        }
    }
}

/// Through libamd_smi the time of a count is known to its lag and its refresh: no peak of 573 W where 300 W are drawn, and none
/// above that of all together.
#[test]
fn peaks_through_libamd_smi() {
    let load = "all.power = { kind = \"constant\", w = 300 }";
    for machine in ["mi210-1", "mi300x-8"] {
        let lag = "all.counter = { initial = 281474976710656, driver_lag_us = [0, 600] }";
        let sim = Sim::start(machine, "7.0.2", &[load, lag]).unwrap();
        let report = path(&sim, "report.json");
        let mut command = command(&sim, &["--json", report.as_str(), "--", "sleep", "1.5"]);
        let (status, _, stderr) = ran(&command.env("ZEUS_AMD_BACKEND", "amdsmi").output().unwrap());
        assert_eq!(status, Some(0), "{stderr}");
        let said = json(Path::new(&report));
        let all = said["total"]["peak_power_w"].as_f64().unwrap();
        // On a busy machine a GPU may have no power at that time.
        let most = 300.0 * sim.machine().gpus().len() as f64;
        let bound = said["total"]["peak_uncertainty_w"].as_f64().unwrap_or(most / 10.0);
        assert!(all <= most + bound, "{machine}: {}", said["total"]);
        for gpu in said["gpus"].as_array().unwrap() {
            let peak = gpu["peak_power_w"].as_f64().unwrap();
            // On a busy machine there may be none but the mean of the whole run.
            let uncertainty = gpu["peak_uncertainty_w"].as_f64().unwrap_or(30.0);
            assert!((peak - 300.0).abs() <= uncertainty && peak <= all, "{machine}: {peak} W of {all} W: {gpu}");
            assert!(uncertainty < 100.0, "{machine}: {gpu}");
        }
    }
}

/// The peak of a GPU is the highest mean over the time between two of its samples, of all together that over a millisecond. With
/// enough samples a square wave's is its height, and the sum of heights, as all are in step; a busy machine takes fewer.
#[test]
fn peaks_and_the_picture() {
    let waves = [
        r#"all.power = { kind = "square", low = 100, high = 500, period_s = 0.1 }"#,
        r#"gpu.3.power = { kind = "ramp", from = 100, to = 700, over_s = 1, repeat = true }"#,
    ];
    let sim = Sim::start("mi300x-8", "7.0.2", &waves).unwrap();
    let [report, picture, csv] = ["report.json", "picture.svg", "samples.csv"].map(|n| path(&sim, n));
    // More than its buckets hold at first.
    let arguments =
        ["--resolution", "default", "--json", &report, "--svg", &picture, "--csv", &csv, "--", "sleep", "2.2"];
    let (status, _, stderr) = ran(&command(&sim, &arguments).output().unwrap());
    assert_eq!(status, Some(0), "{stderr}");
    let said = json(Path::new(&report));
    let near = |value: &Value, truth: f64, by: f64| {
        let value = value.as_f64().unwrap();
        assert!((value / truth - 1.0).abs() < by, "{value}, in truth {truth}");
    };
    let text = std::fs::read_to_string(picture).unwrap();
    let svg = roxmltree::Document::parse(&text).unwrap();
    let paths = |class: &str| -> Vec<String> {
        let all = svg.descendants().filter(|n| n.has_tag_name("path") || n.tag_name().name() == "path");
        all.filter(|n| n.attribute("class") == Some(class)).map(|n| n.attribute("d").unwrap().to_owned()).collect()
    };
    let (lines, ranges) = (paths("line"), paths("range"));
    assert_eq!((lines.len(), ranges.len()), (8, 8));
    let [begin, end] = ["begin_boottime_ns", "end_boottime_ns"].map(|n| said[n].as_u64().unwrap());
    let samples = csv_samples(&csv);
    let mut together = vec![0.0; ((end - begin) / 1_000_000) as usize + 1];
    for (index, (gpu, place)) in said["gpus"].as_array().unwrap().iter().zip(sim.machine().in_hip_order()).enumerate() {
        let (mut truth, mut seconds) = (0.0_f64, vec![]);
        for pair in samples[&(index as u64)].windows(2).filter(|p| p[1].0 > begin && p[0].0 < end) {
            let ns = pair[1].0 - pair[0].0;
            let watts = true_joules(&sim, sim.machine().gpu_of(place), pair) / ns as f64 * 1e9;
            truth = truth.max(watts);
            seconds.push(ns as f64 / 1e9);
            let (from, to) = (pair[0].0.max(begin) - begin, pair[1].0.min(end) - begin);
            for cell in from / 1_000_000..=to / 1_000_000 {
                let (first, last) = (from.max(cell * 1_000_000), to.min((cell + 1) * 1_000_000));
                together[cell as usize] += watts * last.saturating_sub(first) as f64 / 1e6;
            }
        }
        near(&gpu["peak_power_w"], truth, 0.01);
        near(&gpu["peak_interval_s"], seconds.iter().sum::<f64>() / seconds.len() as f64, 1e-3);
        let d = &lines[index];
        let points = d.matches(['M', 'V', 'H']).count();
        assert!((300..=1500).contains(&points), "{points}");
        // Up to the peak: watts from the heights of line and range, which have 800 W at 84 and 0 at 444.
        let heights = |d: &str| -> Vec<f64> {
            let mut all: Vec<f64> =
                d.split('V').skip(1).map(|s| s.split(['H', 'M', 'z']).next().unwrap().parse().unwrap()).collect();
            all.sort_by(f64::total_cmp);
            all
        };
        let both: Vec<f64> = heights(d).into_iter().chain(heights(&ranges[index])).collect();
        let highest = both.iter().copied().fold(f64::MAX, f64::min);
        let watts = (444.0 - highest) / 360.0 * 800.0;
        assert!((watts / truth - 1.0).abs() < 0.015, "GPU {index}: the picture goes up to {watts} W");
        assert!(both.iter().all(|y| (84.0..=444.0).contains(y)));
    }
    near(&said["total"]["peak_power_w"], together.into_iter().fold(0.0, f64::max), 0.02);
    let words: Vec<&str> = svg.descendants().filter_map(|n| n.text()).collect();
    assert!(words.contains(&"sleep 2.2") && words.contains(&"Power of sleep 2.2"), "{words:?}");
    let total = format!("{:.3}", said["total"]["energy_j"].as_f64().unwrap());
    assert!(words.contains(&total.as_str()), "{total}: {words:?}");
    // Nothing that a viewer would have to fetch or run.
    assert!(!text.contains("<script") && !text.contains("href") && !text.contains("url("));
}

#[test]
fn no_gpu_and_masks() {
    let none = Sim::start("mi300x-8", "none", &["all.absent = true"]).unwrap();
    let [report, picture] = ["report.json", "picture.svg"].map(|n| path(&none, n));
    let arguments = ["--json", &report, "--svg", &picture, "--", "sh", "-c", "echo ran; exit 4"];
    let (status, stdout, stderr) = ran(&command(&none, &arguments).output().unwrap());
    assert_eq!((status, stdout.as_str()), (Some(4), "ran\n"));
    assert!(stderr.contains("no energy: no GPU"), "{stderr}");
    let said = json(Path::new(&report));
    schema::holds(&said, "zeus-amd-run.schema.json");
    assert!(said["total"].is_null() && said["no_energy"].as_str().unwrap().starts_with("no GPU"), "{said}");
    roxmltree::Document::parse(&std::fs::read_to_string(picture).unwrap()).unwrap();
    let (status, stdout, stderr) = ran(&command(&none, &["--require", "--", "echo", "ran"]).output().unwrap());
    assert!(status == Some(125) && stdout.is_empty() && stderr.contains("no GPU"), "{stderr}");

    let sim = Sim::start("mi300x-8", "7.0.2", &[] as &[&str]).unwrap();
    let indices = |arguments: &[&str]| {
        let report = path(&sim, "masked.json");
        let mut all = vec!["--json", &report];
        all.extend(arguments);
        all.extend(["--", "sleep", "0.1"]);
        let out = command(&sim, &all).env("HIP_VISIBLE_DEVICES", "5,2,7").output().unwrap();
        assert!(out.status.success());
        let said = json(Path::new(&report));
        let gpus = said["gpus"].as_array().unwrap().iter();
        let bdf = |g: &Value| g["pci_address"].as_str().unwrap().to_owned();
        (gpus.map(|g| (g["gpu"].as_u64().unwrap(), bdf(g))).collect::<Vec<_>>(), ran(&out).2)
    };
    let order: Vec<String> =
        sim.machine().in_hip_order().iter().map(|p| sim.machine().gpu_of(p).bdf.to_string()).collect();
    let (gpus, stderr) = indices(&[]);
    assert_eq!(gpus, [(0, order[5].clone()), (1, order[2].clone()), (2, order[7].clone())]);
    assert!(stderr.contains("3 GPUs that the environment shows (HIP_VISIBLE_DEVICES=5,2,7)"), "{stderr}");
    assert_eq!(indices(&["--gpus", "1-2"]).0, gpus[1..]);
    assert_eq!(indices(&["--all", "--gpus", "0,6-7"]).0.iter().map(|g| g.0).collect::<Vec<_>>(), [0, 6, 7]);
    // A second die alone has no energy, and that is said.
    let dies = Sim::start("mi250x-4", "6.2.4", &[] as &[&str]).unwrap();
    let (status, _, stderr) = ran(&command(&dies, &["--gpus", "1", "--", "sleep", "0.1"]).output().unwrap());
    assert!(status == Some(0) && stderr.contains("0 packages, each once; WITHOUT 1 that has no energy"), "{stderr}");
}

/// The example that the tool grew out of.
#[test]
fn power_trace_and_its_files() {
    let wave = r#"all.power = { kind = "square", low = 100, high = 600, period_s = 0.05 }"#;
    let sim = Sim::start("mi300x-8", "7.0.2", &[wave]).unwrap();
    let [csv, trace] = ["samples.csv", "trace.json"].map(|n| path(&sim, n));
    let out = sim
        .command(example("power_trace"))
        .args(["--csv", &csv, "--trace", &trace, "--", "sh", "-c", "sleep 0.5; exit 7"])
        .output();
    let (status, stdout, stderr) = ran(&out.unwrap());
    assert_eq!((status, stderr.as_str()), (Some(7), ""));
    let (tracks, samples) = (trace_joules(&json(Path::new(&trace))), csv_samples(&csv));
    for (gpu, place) in (0..8_u64).zip(sim.machine().in_hip_order()) {
        let samples = &samples[&gpu];
        let line = stdout.lines().find(|l| l.starts_with(&format!("GPU {gpu}: "))).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (said, seconds): (f64, f64) = (words[2].parse().unwrap(), words[5].parse().unwrap());
        assert!((tracks[&format!("GPU {gpu}")] - said).abs() < 1e-3, "{line} {tracks:?}");
        assert!((csv_joules(samples) - said).abs() < 1e-3, "{line} {samples:?}");
        assert!((said / true_joules(&sim, sim.machine().gpu_of(place), samples) - 1.0).abs() < 0.01, "{line}");
        assert!(seconds >= 0.5, "{line}");
    }
}

#[test]
fn regions_add_up() {
    let sim = Sim::start("mi250x-4", "6.2.4", &[] as &[&str]).unwrap();
    let (status, stdout, stderr) = ran(&sim.command(example("region")).args(["--seconds", "0.6"]).output().unwrap());
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let watts = sim.machine().gpus().iter().map(|g| g.power_w(0.0)).sum::<f64>();
    // Joules, their bound and seconds of a line, each in truth within half of its last digit.
    let said = |name: &str| -> [f64; 3] {
        let line = stdout.lines().find(|l| l.starts_with(name)).unwrap_or_else(|| panic!("{name}: {stdout}"));
        let words: Vec<&str> = line.split_whitespace().collect();
        let [joules, bound, seconds] = [1, 4, 7].map(|i| words[i].parse::<f64>().unwrap());
        assert!((joules - watts * seconds).abs() <= bound + 0.1 + watts * 0.0005, "{line}: {watts} W");
        // How small it is depends on how busy this machine is; that it is large is said.
        assert!(bound < joules * 0.11 || line.contains("too short"), "{line}");
        [joules, bound, seconds]
    };
    let parts = ["load", "solve", "store"].map(said);
    let [joules, bound, seconds] = [0, 1, 2].map(|i| parts.iter().map(|p| p[i]).sum::<f64>());
    let all = said("all");
    assert!(seconds >= 0.6 && all[2] >= seconds - 0.002, "{stdout}");
    // Between the phases time passes as well.
    let between = watts * (all[2] - seconds);
    assert!((all[0] - joules - between).abs() <= all[1] + bound + 0.4 + watts * 0.002, "{stdout}: {watts} W");
}
