//! Without a command: what the tool says of the GPUs, against the machine; and what names, options and files come to.

use super::tables::{csv_samples, trace_joules, true_joules};
use super::*;

fn checked(sim: &Sim, change: impl Fn(&mut Command)) -> (Option<i32>, Value) {
    let mut command = command(sim, &["--check=json"]);
    change(&mut command);
    let (status, stdout, stderr) = ran(&command.output().unwrap());
    let said: Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout} {stderr}"));
    schema::holds(&said, "zeus-amd-run.check.schema.json");
    (status, said)
}

fn findings(gpu: &Value) -> Vec<&str> {
    gpu["findings"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect()
}

#[test]
fn check_says_what_the_machine_has() {
    let stuck = r#"gpu.2.counter.stuck_at_s = 0"#;
    let sim = Sim::start("mi300x-8", "7.0.2", &[stuck]).unwrap();
    let (status, said) = checked(&sim, |_| ());
    assert_eq!((status, &said["all_works"], &said["no_gpus"]), (Some(0), &Value::Bool(true), &Value::Null));
    assert_eq!(said["amdsmi"]["status"], "success");
    assert!(said["amdsmi"]["path"].as_str().unwrap().contains("libamd_smi.so"), "{said}");
    for (i, (gpu, place)) in said["gpus"].as_array().unwrap().iter().zip(sim.machine().in_hip_order()).enumerate() {
        let truth = sim.machine().gpu_of(place);
        assert_eq!((gpu["gpu"].as_u64(), gpu["pci_address"].as_str()), (Some(i as u64), Some(&*truth.bdf.to_string())));
        assert!((gpu["power_w"].as_f64().unwrap() - truth.power_w(0.0)).abs() <= 1.0, "{gpu}");
        let is_stuck = truth.number == 2;
        assert_eq!(gpu["energy_from"], if is_stuck { "power" } else { "counter" }, "{gpu}");
        assert_eq!(findings(gpu).iter().any(|f| f.contains("does not advance")), is_stuck, "{gpu}");
        let caps = sim.dir().join(format!("sys/bus/pci/devices/{}/hwmon", truth.bdf));
        let file = std::fs::read_dir(caps).unwrap().next().unwrap().unwrap().path().join("power1_cap");
        let cap_uw: f64 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        assert_eq!(gpu["limit_w"].as_f64(), Some(cap_uw / 1e6));
    }
    let (status, stdout, stderr) = ran(&command(&sim, &[] as &[&str]).output().unwrap());
    assert!(status == Some(0) && stderr.is_empty(), "{stderr}");
    for place in sim.machine().in_hip_order() {
        let gpu = sim.machine().gpu_of(place);
        assert!(
            stdout.lines().any(|l| l.contains(&gpu.bdf.to_string()) && l.contains("AMD Instinct MI300X")),
            "{stdout}"
        );
    }
    let (_, text, _) = ran(&command(&sim, &["--check"]).output().unwrap());
    assert!(text.contains(": its energy counter does not advance; energies are integrated from its power\n"), "{text}");
    assert!(text.ends_with("result: energies can be measured\n"), "{text}");
}

/// A counter that cannot be read: the energy is integrated, and the reason is said.
#[test]
fn check_of_a_counter_that_cannot_be_read() {
    for (fault, reason) in [("content = \"revision\"", "revision 99.99"), ("read = \"EACCES\"", "Permission denied")] {
        let sim = Sim::start("mi300x-8", "none", &[format!("gpu.1.file.gpu_metrics = {{ {fault} }}")]).unwrap();
        let (status, said) = checked(&sim, |_| ());
        let gpu = &said["gpus"][1];
        assert_eq!((status, &gpu["energy_from"]), (Some(0), &Value::from("power")), "{said}");
        let findings = findings(gpu).join("\n");
        assert!(findings.contains("integrated from its power") && findings.contains(reason), "{findings}");
    }
}

/// A secondary die has the energy of its package where the primary is visible too, and none alone.
#[test]
fn check_of_masks_and_missing_libraries() {
    let sim = Sim::start("mi250x-4", "none", &[] as &[&str]).unwrap();
    let (status, said) = checked(&sim, |_| ());
    assert!(status == Some(0) && said["amdsmi"]["status"] != "success" && said["amdsmi"]["path"].is_null(), "{said}");
    let from: Vec<_> = said["gpus"].as_array().unwrap().iter().map(|g| g["energy_from"].as_str().unwrap()).collect();
    assert_eq!(from, ["counter", "package"].repeat(4));
    let (status, said) = checked(&sim, |c| _ = c.env("HIP_VISIBLE_DEVICES", "1"));
    assert!(status == Some(1) && said["all_works"] == false, "{said}");
    assert!(findings(&said["gpus"][0])[0].contains("must be visible"), "{said}");
    let (status, said) = checked(&sim, |c| _ = c.env("HIP_VISIBLE_DEVICES", ""));
    assert!(status == Some(1) && said["no_gpus"].as_str().unwrap().contains("HIP_VISIBLE_DEVICES"), "{said}");
    let (_, _, stderr) = ran(&command(&sim, &["--", "true"]).output().unwrap());
    assert!(stderr.contains("libamd_smi is not used ("), "{stderr}");
}

/// What cannot be written is a failure, and no file is left of a check that was not made.
#[test]
fn check_that_cannot_be_written() {
    let sim = small();
    for options in [&["--check"][..], &["--check=json"], &[]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (status, _, stderr) = ran(&command(&sim, options).stdout(full).output().unwrap());
        assert!(
            status == Some(125) && stderr == "zeus-amd-run: standard output: No space left on device\n",
            "{stderr}"
        );
    }
    let file = path(&sim, "new.txt");
    let (status, ..) = ran(&command(&sim, &["--check", "--gpus", "99", "--output", &file]).output().unwrap());
    assert!(status == Some(2) && !Path::new(&file).exists());
    let (status, stdout, _) = ran(&command(&sim, &["--check", "--output", &file]).output().unwrap());
    assert_eq!((status, &*stdout), (Some(0), ""));
    assert!(std::fs::read_to_string(file).unwrap().ends_with("result: energies can be measured\n"));
}

/// Where the page on roctx sets ROCM_PATH to what is no ROCm, libamd_smi is still found.
#[test]
fn documented_command_of_roctx() {
    let sim = small();
    let page = std::fs::read_to_string(common::root().join("docs/tools/roctx.md")).unwrap();
    let line = page.lines().find(|l| l.starts_with("ROCM_PATH=")).unwrap();
    let variables = line.split(' ').filter_map(|word| word.split_once('='));
    let (_, said) = checked(&sim, |c| {
        for (name, value) in variables.clone() {
            c.env(name, value.replace("/opt/rocm", &path(&sim, "opt/rocm")));
        }
    });
    assert_eq!(said["amdsmi"]["status"], "success", "{line}: {said}");
}

#[test]
fn names_of_files_of_ranks() {
    let sim = small();
    let pattern = path(&sim, "%r-%h-%p-100%%.json");
    let ranked = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--", "sh", "-c", "echo ran; exit 3"]);
        let mut command = command(&sim, &all);
        ran(&command.env("OMPI_COMM_WORLD_RANK", "2").env("OMPI_COMM_WORLD_SIZE", "4").output().unwrap())
    };
    let (status, _, stderr) = ranked(&["--json", &pattern]);
    assert!(status == Some(3) && stderr.contains("rank 2 of a job"), "{stderr}");
    let mut names = std::fs::read_dir(sim.dir()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let name = names.find(|n| n.starts_with("2-")).unwrap();
    assert!(name.ends_with("-100%.json"), "{name}");
    let said = json(&sim.dir().join(&name));
    assert_eq!(said["rank"], 2);
    assert!(name.starts_with(&format!("2-{}-", said["host"].as_str().unwrap())), "{name}");
    // Four ranks would write one file.
    let (status, stdout, stderr) = ranked(&["--json", &path(&sim, "one.json")]);
    assert_eq!((status, stdout.as_str(), stderr.lines().count()), (Some(2), "", 1), "{stderr}");
    assert!(stderr.contains("put %r into the name"), "{stderr}");
    // Standard output has what the command wrote, and then the report.
    let (_, stdout, _) = ranked(&["--json", "-"]);
    let said: Value = serde_json::from_str(stdout.strip_prefix("ran\n").unwrap()).unwrap();
    assert_eq!(said["exit_status"], 3);
}

/// The commands of the page, in a batch script or as the second of two tasks of a step.
#[test]
fn documented_commands_of_slurm() {
    let sim = small();
    let page = std::fs::read_to_string(common::root().join("docs/slurm.md")).unwrap();
    let mut ranks = Vec::new();
    for line in page.lines().filter(|l| l.contains("zeus-amd-run --")) {
        let (launcher, words) = line.split_once("zeus-amd-run ").unwrap();
        let (options, _) = words.split_once(" -- ").unwrap();
        let report = sim.dir().join(format!("slurm-{}", ranks.len()));
        std::fs::create_dir(&report).unwrap();
        let mut shell = sim.command("sh");
        shell.args(["-c", &format!("exec {} {options} -- true", tool().display())]).current_dir(&report);
        // sbatch sets this one alone.
        shell.env("SLURM_PROCID", "0");
        if launcher.starts_with("srun") {
            shell.envs([("SLURM_PROCID", "1"), ("SLURM_STEP_NUM_TASKS", "2")]);
        }
        let (status, _, stderr) = ran(&shell.output().unwrap());
        assert_eq!(status, Some(0), "{line}: {stderr}");
        let file = std::fs::read_dir(&report).unwrap().next().unwrap().unwrap();
        ranks.push(json(&file.path())["rank"].as_i64());
    }
    assert_eq!(ranks, [None, Some(1), Some(1)]);
}

/// What is behind a report in a file that standard output goes to stays.
#[test]
fn standard_output_is_not_cut_off() {
    let sim = small();
    let file = path(&sim, "out");
    let script = format!("echo before; {} -o - -- echo ran", tool().display());
    let mut shell = sim.command("sh");
    shell.args(["-c", &script]).stdout(std::fs::File::create(&file).unwrap());
    assert!(shell.status().unwrap().success());
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.starts_with("before\nran\nzeus-amd-run: echo ran\n"), "{text}");
}

/// Nothing is between what the command writes, also of files that grow while it runs.
#[test]
fn samples_come_after_what_the_command_wrote() {
    let sim = small();
    let file = path(&sim, "samples.csv");
    let ran = |option: &str| {
        let options = ["--quiet", option, "-", "--", "sh", "-c", "echo a; sleep 0.5; echo b"];
        let (status, stdout, stderr) = ran(&command(&sim, &options).output().unwrap());
        assert_eq!(status, Some(0), "{stderr}");
        stdout.strip_prefix("a\nb\n").unwrap_or_else(|| panic!("{stdout}")).to_owned()
    };
    std::fs::write(&file, ran("--csv")).unwrap();
    assert!(!csv_samples(&file).is_empty());
    let trace = serde_json::from_str(&ran("--trace")).unwrap();
    assert!(trace_joules(&trace)["GPU 0"] > 0.0, "{trace}");
}

/// Fewer samples, and the same energy.
#[test]
fn fewer_samples_in_files() {
    let wave = r#"all.power = { kind = "square", low = 100, high = 600, period_s = 0.05 }"#;
    let sim = Sim::start("mi300x-8", "7.0.2", &[wave]).unwrap();
    let [report, csv, trace] = ["report.json", "samples.csv", "trace.json"].map(|n| path(&sim, n));
    let arguments = ["--every-ms", "60", "--json", &report, "--csv", &csv, "--trace", &trace, "--", "sleep", "0.7"];
    assert!(command(&sim, &arguments).status().unwrap().success());
    let (said, samples, tracks) = (json(Path::new(&report)), csv_samples(&csv), trace_joules(&json(Path::new(&trace))));
    schema::holds(&said, "zeus-amd-run.schema.json");
    for (gpu, place) in (0..8_u64).zip(sim.machine().in_hip_order()) {
        let (rows, of) = (&samples[&gpu], &said["gpus"][gpu as usize]);
        let sampled = of["sampler_energy_j"].as_f64().unwrap();
        assert!((tracks[&format!("GPU {gpu}")] - sampled).abs() < 1e-2, "{tracks:?} {of}");
        assert!((rows[rows.len() - 1].1 - rows[0].1 - sampled).abs() < 1e-3, "{rows:?} {of}");
        let apart = |pair: &[(u64, f64)]| pair[1].0 - pair[0].0;
        assert!(rows[..rows.len() - 1].windows(2).all(|pair| apart(pair) >= 60_000_000), "{rows:?}");
        let truth = true_joules(&sim, sim.machine().gpu_of(place), rows);
        assert!((sampled / truth - 1.0).abs() < 0.02, "{sampled} {truth}");
    }
}
