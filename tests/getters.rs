//! What each getter and setter of a GPU says while the files of that GPU fail, or while it is to be left alone.

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

const BUSY: i32 = -7;
const IO: i32 = -10;
const DEVICE_LOST: i32 = -14;

/// By key: status, value and text.
type Said = BTreeMap<String, (i32, i64, String)>;

fn said(sim: &Sim, backend: &str, masks: &[(&str, &str)], arguments: [&str; 2]) -> Said {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = sim.command(PROGRAM.get_or_init(|| common::c_program("getters")));
    let out = command.env("ZEUS_AMD_BACKEND", backend).envs(masks.iter().copied()).args(arguments).output().unwrap();
    assert!(out.status.success(), "{:?} {}", out.status, String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let parse = |line: &str| {
        let (head, text) = line.split_once(" |").unwrap();
        let words: Vec<&str> = head.split(' ').collect();
        (words[0].to_owned(), (words[1].parse().unwrap(), words[2].parse().unwrap(), text.trim().to_owned()))
    };
    text.lines().map(parse).collect()
}

/// All files of the GPU that a driver answers.
const FILES: [&str; 16] = [
    "gpu_metrics",
    "power1_input",
    "power1_average",
    "power1_cap",
    "power1_cap_default",
    "power1_cap_min",
    "power1_cap_max",
    "temp1_input",
    "temp2_input",
    "temp3_input",
    "freq1_input",
    "freq2_input",
    "pp_dpm_sclk",
    "pp_dpm_mclk",
    "pp_od_clk_voltage",
    "power_dpm_force_performance_level",
];

/// Each getter gives the kernel's error for what: not "not supported", and never that the caller's argument is wrong.
#[test]
fn every_getter_gives_the_kernel_s_error() {
    let models = ["mi300x-8", "mi210-1", "mi250x-4", "mi50-1", "rx6800-1", "rx7900-2", "rx9070-1", "strix-halo-1"];
    let of = |model: &str| {
        let mut wrong = Vec::new();
        for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("10.0", "auto"), ("10.0", "amdsmi")] {
            let healthy = said(&Sim::start(model, rocm, &[] as &[&str]).unwrap(), backend, &[], ["0", "idle"]);
            for (errno, status) in [
                ("EPERM", BUSY),
                ("EBUSY", BUSY),
                ("EAGAIN", BUSY),
                ("ETIME", IO),
                ("EIO", IO),
                ("EREMOTEIO", IO),
                ("EINVAL", IO),
                ("ENODEV", DEVICE_LOST),
            ] {
                let fault = FILES.map(|file| format!("gpu.0.file.{file} = {{ read = \"{errno}\" }}"));
                let sim = Sim::start(model, rocm, &fault).unwrap();
                let sick = said(&sim, backend, &[], ["0", "idle"]);
                for (key, (was, _, why)) in &healthy {
                    let (now, _, text) = &sick[key];
                    // What it lacks it still lacks; or nobody can tell.
                    let expected = if *was == 0 { vec![status] } else { vec![*was, status] };
                    if !expected.contains(now) {
                        wrong
                            .push(format!("{model} {rocm} {backend} {errno} {key}: {now} {text}, healthy {was} {why}"));
                    }
                }
            }
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let started: Vec<_> = models.iter().map(|model| scope.spawn(move || of(model))).collect();
        started.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
}

/// One file that fails is named, and takes nothing else with it.
#[test]
fn one_file_of_the_power_limit_fails() {
    for (file, key, errno, status) in [
        ("power1_cap_min", "limit_range", "ETIME", IO),
        ("power1_cap_max", "limit_range", "EBUSY", BUSY),
        ("power1_cap_default", "limit_default", "EPERM", BUSY),
        ("power1_cap", "limit", "EIO", IO),
    ] {
        for (rocm, backend) in [("none", "sysfs"), ("7.0.2", "auto"), ("7.0.2", "amdsmi")] {
            let fault = format!("gpu.0.file.{file} = {{ read = \"{errno}\" }}");
            let all = said(&Sim::start("mi210-1", rocm, &[fault]).unwrap(), backend, &[], ["0", "idle"]);
            for each in ["limit", "limit_default", "limit_range"] {
                let (now, _, text) = &all[each];
                let expected = if each == key { status } else { 0 };
                let names_it = expected == 0 || text.contains(&format!("{file}: "));
                assert!(*now == expected && names_it, "{file} {backend} {each}: {now} {text}");
            }
        }
    }
}

/// Counts of limits of a table that is not filled are none, and a table that was torn is read again.
#[test]
fn limit_counts_of_tables_that_are_not_filled() {
    for content in ["zero_values", "unavailable", "ones", "zeros"] {
        for every in [0, 2] {
            let fault = format!("gpu.0.file.gpu_metrics = {{ content = \"{content}\", every = {every} }}");
            let sim = Sim::start("mi300x-8", "none", &[fault]).unwrap();
            let (status, is_counting, text) = &said(&sim, "sysfs", &[], ["0", "idle"])["limit_counts"];
            let is_right = if every == 0 { *status < 0 } else { (*status, *is_counting) == (0, 1) };
            assert!(is_right, "{content} {every}: {status} {is_counting} {text}");
        }
    }
}

/// A GPU that is runtime-suspended is not touched by anything that a session does, and says so everywhere; nor is one that is
/// masked out, of any model.
#[test]
fn nothing_touches_a_gpu_that_is_left_alone() {
    let mut wrong = Vec::new();
    for model in ["mi300x-8", "mi210-1", "mi250x-4", "mi50-1", "rx6800-1", "rx7900-2", "strix-halo-1"] {
        for (rocm, backend) in [("none", "sysfs"), ("6.3.3", "amdsmi"), ("7.0.2", "auto"), ("10.0", "amdsmi")] {
            let context = format!("{model} {rocm} {backend}");
            let sim = Sim::start(model, rocm, &["gpu.0.suspended = \"resumes\""]).unwrap();
            let order = sim.machine().in_hip_order();
            let index = order.iter().position(|at| at.gpu == 0).unwrap();
            let all = said(&sim, backend, &[], [&index.to_string(), "busy"]);
            if sim.touched(0) > 0 {
                wrong.push(format!("{context}: suspended, and touched"));
            }
            for (key, (status, _, text)) in &all {
                // What no such GPU has need not be asked for; a guard and the samples of others are none of this GPU.
                let other = match key.as_str() {
                    "guard_begin" | "guard_end" | "between" | "memory_power" => true,
                    "limit_counts" => backend == "amdsmi",
                    _ => false,
                };
                if !(other || *status == BUSY) {
                    wrong.push(format!("{context} {key}: {status} {text}"));
                }
            }
            if order.len() > 1 {
                let sim = Sim::start(model, rocm, &[] as &[&str]).unwrap();
                let shown = order.iter().position(|at| at.gpu != 0).unwrap();
                let masks = [("ROCR_VISIBLE_DEVICES", shown.to_string())];
                said(&sim, backend, &masks.each_ref().map(|(name, value)| (*name, value.as_str())), ["0", "busy"]);
                if sim.touched(0) > 0 {
                    wrong.push(format!("{context}: masked out, and touched"));
                }
                assert!(sim.touched(order[shown].gpu) > 0, "{context}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.join("\n"));
}
