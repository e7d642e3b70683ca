//! `zeus-amd-run`: what it says of the GPUs, against the machine; and that the command does not notice it.

mod common;
#[path = "common/examples.rs"]
mod examples;

use examples::example;
use serde_json::Value;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use zeus_amd_sim::{Gpu, Sim};

fn tool() -> PathBuf {
    example("zeus-amd-run")
}

fn command<S: AsRef<OsStr>>(sim: &Sim, arguments: &[S]) -> Command {
    let mut command = sim.command(tool());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in ["ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"] {
        command.env_remove(name);
    }
    command
}

fn ran(out: &Output) -> (Option<i32>, String, String) {
    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

fn small() -> Sim {
    Sim::start("mi210-1", "6.2.4", &[] as &[&str]).unwrap()
}

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn path(sim: &Sim, name: &str) -> String {
    sim.dir().join(name).to_str().unwrap().to_owned()
}

fn wait(child: &mut Child) -> std::process::ExitStatus {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begin.elapsed() > Duration::from_secs(20) {
            let _ = child.kill();
            panic!("it did not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn exit_statuses() {
    let sim = small();
    for (arguments, code, words) in [
        (&["true"][..], 0, "exit status 0\n"),
        (&["--", "sh", "-c", "exit 3"], 3, "exit status 3\n"),
        (&["sh", "-c", "exit 200"], 200, "exit status 200\n"),
        (&["--", "sh", "-c", "kill -TERM $$"], 143, "exit status 143 (signal 15)\n"),
        (&["--", "sh", "-c", "kill -KILL $$"], 137, "exit status 137 (signal 9)\n"),
        (&["--", "/no/such/program"], 127, "/no/such/program: No such file"),
        (&["--", "no-such-program"], 127, "no-such-program: No such file"),
        (&["--", "/tmp"], 126, "/tmp: Permission denied"),
        (&[], 2, "usage"),
        (&["--"], 2, "usage"),
        (&["--nonsense", "true"], 2, "usage"),
        (&["--period-us", "99", "true"], 2, "usage"),
        (&["--period-us", "-5", "true"], 2, "usage"),
        (&["--unit", "kWh", "true"], 2, "usage"),
        (&["--gpus", "0,1", "true"], 2, "--gpus 0,1: not a list such as 0,2-3 of the 1 GPUs"),
        (&["--gpus", "all", "true"], 2, "--gpus all: not a list"),
        (&["--gpus", "", "true"], 2, "--gpus : not a list"),
        (&["--gpus", "0-", "true"], 2, "--gpus 0-: not a list"),
        (&["--json", "/no/such/folder/file", "true"], 125, "/no/such/folder/file: No such file"),
        (&["--json", "/dev/full", "sh", "-c", "exit 5"], 5, "/dev/full: No space left"),
    ] {
        let (status, stdout, stderr) = ran(&command(&sim, arguments).output().unwrap());
        assert_eq!((status, stdout.as_str()), (Some(code), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
    }
}

/// Without a command that ran there is nothing to say: no new files, and old ones are what they were.
#[test]
fn files_are_written_only_if_the_command_was_run() {
    let sim = small();
    let [old, new] = ["old.json", "new.csv"].map(|n| path(&sim, n));
    std::fs::write(&old, "of the last run").unwrap();
    let (fifo, _end) = fifo(&sim);
    for (last, code) in [
        (&["/no/such/program"][..], 127),
        (&["/tmp"], 126),
        (&["--svg", "/no/such/folder/file", "true"], 125),
        (&["--gpus", "9", "true"], 2),
        (&["sh", "-c", "exit 4"], 4),
    ] {
        let arguments = [&["--json", &old, "--csv", &new, "--trace", &fifo, "--output", "/dev/null"], last].concat();
        let out = command(&sim, &arguments).output().unwrap();
        assert_eq!(out.status.code(), Some(code), "{last:?}");
        let text = std::fs::read_to_string(&old).unwrap();
        if code == 4 {
            assert_eq!(json(Path::new(&old))["exit_status"], 4);
            assert!(!csv_samples(&new).is_empty());
        } else {
            assert!(text == "of the last run" && !Path::new(&new).exists(), "{last:?}: {text}");
        }
        assert!(Path::new(&fifo).exists() && Path::new("/dev/null").exists(), "{last:?}");
    }
}

#[test]
fn streams_pass_untouched() {
    let sim = small();
    let mut random = std::fs::File::open("/dev/urandom").unwrap();
    let mut bytes = vec![0; 1 << 20];
    random.read_exact(&mut bytes).unwrap();
    let file = path(&sim, "report.txt");
    let arguments = ["--output", &file, "--", "sh", "-c", "printf 'its own\\377' >&2; exec cat"];
    let mut child = command(&sim, &arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let to_write = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&to_write));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(out.status.success() && out.stdout == bytes && out.stderr == b"its own\xff");
    assert!(std::fs::read_to_string(file).unwrap().contains("1 package, each once"));
}

/// Signals, open files, group: the same with the tool as without, whatever it was started with.
#[test]
fn the_command_inherits_what_the_tool_did() {
    let sim = Sim::start("mi300x-8", "6.3.3", &[] as &[&str]).unwrap();
    let program = common::c_program("inherited");
    let odd = |command: &mut Command| {
        // SAFETY: only calls that a child may make.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGCHLD, libc::SIG_IGN);
                libc::signal(libc::SIGPIPE, libc::SIG_IGN);
                libc::signal(libc::SIGINT, libc::SIG_IGN);
                let mut set = std::mem::zeroed();
                libc::sigemptyset(&mut set);
                libc::sigaddset(&mut set, libc::SIGUSR1);
                libc::sigaddset(&mut set, libc::SIGTERM);
                libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
                libc::dup2(0, 9);
                Ok(())
            })
        };
    };
    for is_odd in [false, true] {
        let json = path(&sim, "inherited.json");
        let mut direct = sim.command(&program);
        let mut through = command(&sim, &["--json", &json, "--csv", "/dev/null", "--", program.to_str().unwrap()]);
        direct.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if is_odd {
            odd(&mut direct);
            odd(&mut through);
        }
        let (direct, through) = (ran(&direct.output().unwrap()), ran(&through.output().unwrap()));
        assert!(direct.0 == Some(0) && direct.1.contains("file 0\nfile 1\nfile 2\n"), "{direct:?}");
        assert_eq!(direct.1.contains("file 9"), is_odd);
        assert_eq!((direct.0, direct.1), (through.0, through.1), "{}", through.2);
        assert_eq!(self::json(Path::new(&json))["exit_status"], 0);
    }
}

/// The integral of each track of a trace: a step at each of its times, the last one to zero.
fn trace_joules(trace: &Value) -> HashMap<String, f64> {
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
fn csv_samples(path: &str) -> HashMap<u64, Vec<(u64, f64)>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("time_ns,gpu,energy_uj,power_mw,slope_mw,flags"));
    let mut samples: HashMap<u64, Vec<(u64, f64)>> = HashMap::new();
    for line in lines {
        let words: Vec<&str> = line.split(',').collect();
        assert_eq!(words.len(), 6, "{line}");
        if let Ok(uj) = words[2].parse::<f64>() {
            samples.entry(words[1].parse().unwrap()).or_default().push((words[0].parse().unwrap(), uj / 1e6));
        }
    }
    samples
}

fn csv_joules(samples: &[(u64, f64)]) -> f64 {
    samples[samples.len() - 1].1 - samples[0].1
}

/// What a GPU really used between its first sample and its last.
fn true_joules(sim: &Sim, gpu: &Gpu, samples: &[(u64, f64)]) -> f64 {
    gpu.energy_between_j(sim.machine_ns(samples[0].0), sim.machine_ns(samples[samples.len() - 1].0))
}

#[test]
fn energies_are_the_machines() {
    let square = r#"gpu.0.power = { kind = "square", low = 100, high = 600, period_s = 0.1 }"#;
    let stuck = "gpu.2.counter.stuck_at_s = 0";
    for (machine, rocm, packages, unit) in [
        ("mi300x-8", "7.0.2", 8, "firmware"),
        ("mi250x-4", "6.2.4", 4, "reported"),
        ("mi100-1", "6.2.4", 1, "firmware"),
    ] {
        let mut with = vec![square];
        if machine == "mi300x-8" {
            with.push(stuck);
        }
        let sim = Sim::start(machine, rocm, &with).unwrap();
        let [report, csv, trace] = ["report.json", "samples.csv", "trace.json"].map(|n| path(&sim, n));
        let arguments = ["--unit", unit, "--json", &report, "--csv", &csv, "--trace", &trace, "--", "sleep", "0.7"];
        let (status, _, stderr) = ran(&command(&sim, &arguments).output().unwrap());
        assert_eq!(status, Some(0), "{stderr}");
        let said = json(Path::new(&report));
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
            let (joules, within) = (said["energy_j"].as_f64().unwrap(), said["bound_j"].as_f64().unwrap());
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
        assert!((total["bound_j"].as_f64().unwrap() - bound).abs() < 1e-6, "{total}");
        assert_eq!((&total["packages"], &total["missing_packages"]), (&packages.into(), &0.into()));
        assert_eq!(said["energy_unit"], unit);
        assert!(said["duration_s"].as_f64().unwrap() > 0.7);
        if machine == "mi300x-8" {
            assert_eq!(gpus[2]["counter"], "stuck");
            assert_eq!((&gpus[2]["method"], &gpus[2]["peak_from"]), (&"power, sampled".into(), &"sensor".into()));
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
    let arguments = ["--unit", "firmware", "--json", &report, "--svg", &picture, "--csv", &csv, "--", "sleep", "2.2"];
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

#[test]
fn odd_words_of_a_command() {
    let sim = small();
    let [report, picture, trace] = ["report.json", "picture.svg", "trace.json"].map(|n| path(&sim, n));
    let long = "long ".repeat(20_000);
    let odd: Vec<&[u8]> = vec![
        b"",
        b"a \"b\" \\ 'c'",
        b"<&>]]>",
        "ü€😀\u{feff}".as_bytes(),
        b"\n\r\t\x01\x1b[31m\x7f",
        b"\xff\xfe\xc0\x80\xed\xa0\x80",
        "\u{85}\u{9b}\u{fffe}\u{ffff}".as_bytes(),
        b"%s%n%d",
        b"cut \xe2\x82",
        long.as_bytes(),
    ];
    let options = ["--json", &report, "--svg", &picture, "--trace", &trace, "--", "true"];
    let mut all: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
    all.extend(odd.iter().map(|w| OsStr::from_bytes(w)));
    let out = command(&sim, &all).output().unwrap();
    assert!(out.status.success());
    let stderr = String::from_utf8(out.stderr).expect("the report is UTF-8 whatever the command is");
    assert!(!stderr.chars().any(|c| c.is_control() && c != '\n'), "{stderr:?}");
    let said = json(Path::new(&report));
    let words: Vec<&str> = said["command"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert_eq!(words.len(), 1 + odd.len());
    for (said, true_word) in words[1..].iter().zip(&odd) {
        match std::str::from_utf8(true_word) {
            Ok(whole) => assert_eq!(*said, whole),
            // Each broken byte is one replacement character.
            Err(_) => assert!(said.contains('\u{fffd}'), "{said:?}"),
        }
    }
    json(Path::new(&trace));
    let text = std::fs::read_to_string(picture).unwrap();
    let svg = roxmltree::Document::parse(&text).unwrap();
    let title = svg.descendants().find(|n| n.tag_name().name() == "title").unwrap().text().unwrap();
    assert!(title.contains("a \"b\" \\ '\\''c'\\''") && title.contains("<&>]]>") && title.contains("ü€😀"), "{title}");
}

/// A terminal for a command; the side of the user.
fn on_terminal(command: &mut Command) -> (Child, std::fs::File) {
    let (mut master, mut slave) = (0, 0);
    let size = libc::winsize { ws_row: 25, ws_col: 60, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: plain out-pointers; the descriptors are owned from here on.
    let (master, slave) = unsafe {
        assert_eq!(
            libc::openpty(
                &mut master,
                &mut slave,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                &size as *const _ as *mut _
            ),
            0
        );
        libc::fcntl(master, libc::F_SETFD, libc::FD_CLOEXEC);
        (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    };
    let raw = slave.as_raw_fd();
    command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave.try_clone().unwrap());
    // SAFETY: only calls that a child may make.
    unsafe {
        command.pre_exec(move || {
            libc::setsid();
            libc::ioctl(raw, libc::TIOCSCTTY, 0);
            libc::close(raw);
            Ok(())
        })
    };
    let child = command.spawn().unwrap();
    (child, std::fs::File::from(master))
}

/// Reads until the words have come; all that was read.
fn read_until(terminal: &mut std::fs::File, seen: &mut String, words: &str) {
    let begin = Instant::now();
    let mut bytes = [0; 4096];
    while !seen.contains(words) {
        assert!(begin.elapsed() < Duration::from_secs(20), "{words:?} did not come: {seen:?}");
        let mut ready = libc::pollfd { fd: terminal.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one descriptor.
        if unsafe { libc::poll(&mut ready, 1, 100) } > 0 {
            match terminal.read(&mut bytes) {
                Ok(n) if n > 0 => seen.push_str(&String::from_utf8_lossy(&bytes[..n])),
                _ => panic!("{words:?} did not come: {seen:?}"),
            }
        }
    }
}

#[test]
fn control_c_ends_both_and_still_reports() {
    let sim = small();
    let (mut child, mut terminal) =
        on_terminal(&mut command(&sim, &["--", "sh", "-c", "echo begun; sleep 30; echo not ''reached"]));
    let mut seen = String::new();
    read_until(&mut terminal, &mut seen, "begun");
    // The line while it runs, cut to the terminal.
    read_until(&mut terminal, &mut seen, "\r\u{1b}[Kzeus-amd-run: ");
    read_until(&mut terminal, &mut seen, " W\r");
    terminal.write_all(b"\x03").unwrap();
    read_until(&mut terminal, &mut seen, "exit status 130 (signal 2)");
    read_until(&mut terminal, &mut seen, "1 package, each once");
    assert_eq!(wait(&mut child).code(), Some(130));
    assert!(!seen.contains("not reached"), "{seen:?}");

    // A command that takes Ctrl-C in its own way, once; and no line with --quiet.
    let script = "trap 'echo caught; n=1' INT; echo begun; while [ -z \"$n\" ]; do sleep 0.1; done; sleep 0.3; exit 6";
    let (mut child, mut terminal) = on_terminal(&mut command(&sim, &["--quiet", "--", "sh", "-c", script]));
    let mut seen = String::new();
    read_until(&mut terminal, &mut seen, "begun");
    std::thread::sleep(Duration::from_millis(600));
    terminal.write_all(b"\x03").unwrap();
    read_until(&mut terminal, &mut seen, "each once");
    assert_eq!(wait(&mut child).code(), Some(6));
    assert_eq!(seen.matches("caught\r\n").count(), 1, "{seen:?}");
    assert!(!seen.contains("\u{1b}"), "{seen:?}");
}

/// A terminal on which bash runs the tool with a script, as one does by hand; then `then`.
fn under_bash(sim: &Sim, script: &str, then: &str) -> (Child, std::fs::File) {
    let mut bash = sim.command("bash");
    bash.arg("-c").arg(format!("set -m; {} --quiet -- sh -c \"$SCRIPT\"; {then}", tool().display()));
    on_terminal(bash.env("SCRIPT", script))
}

/// A named pipe in the machine's folder, and its open end: nobody waits for the other.
fn fifo(sim: &Sim) -> (String, std::fs::File) {
    let name = path(sim, "fifo");
    assert!(Command::new("mkfifo").arg(&name).status().unwrap().success());
    let end = std::fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    (name, end)
}

/// Whatever stops the command: the shell sees that, and continues both.
#[test]
fn stopped_and_continued_by_a_shell() {
    let sim = small();
    let (_, mut end) = fifo(&sim);
    let then = "echo stopped $?; fg >/dev/null; echo ended $?";
    for (stop, status) in
        [("read word <$ZEUS_AMD_SIM/fifo", 148), ("kill -STOP $$", 148), ("kill -TTIN $$", 149), ("kill -TTOU $$", 150)]
    {
        let script = format!("echo begun; {stop}; exit 4");
        let (mut child, mut terminal) = under_bash(&sim, &script, then);
        let mut seen = String::new();
        read_until(&mut terminal, &mut seen, "begun");
        let is_control_z = stop.starts_with("read");
        if is_control_z {
            terminal.write_all(b"\x1a").unwrap();
        }
        read_until(&mut terminal, &mut seen, &format!("stopped {status}"));
        if is_control_z {
            end.write_all(b"\n").unwrap();
        }
        read_until(&mut terminal, &mut seen, "ended 4");
        assert!(seen.contains("exit status 4"), "{stop}: {seen:?}");
        wait(&mut child);
    }
}

/// A command that takes no notice of Ctrl-Z runs on, and so does the tool.
#[test]
fn a_stop_that_the_command_ignores_stops_nobody() {
    let sim = small();
    let (_, mut end) = fifo(&sim);
    let script = "trap '' TSTP; echo begun; read word <$ZEUS_AMD_SIM/fifo; exit 4";
    let (mut child, mut terminal) = under_bash(&sim, script, "echo ended $?");
    let mut seen = String::new();
    read_until(&mut terminal, &mut seen, "begun");
    terminal.write_all(b"\x1a").unwrap();
    // The terminal shows it when the signal is sent; then there is time to be stopped by it.
    read_until(&mut terminal, &mut seen, "^Z");
    std::thread::sleep(Duration::from_millis(300));
    end.write_all(b"\n").unwrap();
    read_until(&mut terminal, &mut seen, "ended ");
    read_until(&mut terminal, &mut seen, "\r\n");
    assert!(seen.contains("exit status 4") && seen.contains("ended 4"), "{seen:?}");
    wait(&mut child);
}

#[test]
fn signals_to_the_tool_reach_the_command() {
    let sim = small();
    // What schedulers send before they kill, and what they can be told to send.
    for signal in [
        libc::SIGTERM,
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGUSR1,
        libc::SIGXCPU,
        libc::SIGPWR,
        libc::SIGALRM,
        libc::SIGRTMIN(),
        libc::SIGRTMAX(),
    ] {
        let script = format!("trap 'echo got; exit 9' {signal}; echo ready; while :; do sleep 0.02; done");
        let mut child = command(&sim, &["--", "sh", "-c", &script]).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut ready = [0; 6];
        stdout.read_exact(&mut ready).unwrap();
        // SAFETY: a process that the test started.
        unsafe { libc::kill(child.id() as i32, signal) };
        assert_eq!(wait(&mut child).code(), Some(9), "{signal}");
        let (mut out, mut err) = (String::new(), String::new());
        stdout.read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert!(out == "got\n" && err.contains("exit status 9"), "{signal}: {out:?} {err}");
        assert!(!err.contains('\u{1b}'), "a line for a terminal where there is none: {err:?}");
    }
}

/// An alarm that was set before the tool was started would be the command's without it.
#[test]
fn an_alarm_reaches_the_command() {
    let sim = small();
    let mut command = command(&sim, &["--", "sleep", "20"]);
    // SAFETY: only a call that a child may make.
    unsafe { command.pre_exec(|| Ok(_ = libc::alarm(1))) };
    let (status, _, stderr) = ran(&command.output().unwrap());
    assert!(status == Some(142) && stderr.contains("exit status 142 (signal 14)"), "{status:?} {stderr}");
}

/// The tool killed outright: nothing is left waiting.
#[test]
fn nobody_waits_for_a_tool_that_is_gone() {
    let sim = Sim::start("mi210-1", "6.2.4", &["init.delay_ms = 60000"]).unwrap();
    let mark = path(&sim, "was run");
    let mut child = command(&sim, &["--backend", "amdsmi", "--", "touch", &mark]).spawn().unwrap();
    let waits = format!("/proc/{0}/task/{0}/children", child.id());
    let begin = Instant::now();
    while std::fs::read_to_string(&waits).unwrap().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "no process waits to become the command");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    // Its pipes close, so the process that waited to become the command is gone, and did not become it.
    let mut err = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut err).unwrap();
    assert!(!Path::new(&mark).exists());
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
        assert!(bound < 15.0, "{line}");
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
