//! Many threads, and values that do not exist, on the simulated libamd_smi of several releases.

#[path = "c/support.rs"]
mod support;

use support::{program, run, work};
use zeus_amd_sim::Sim;

const NONE: &[&str] = &[];

/// Two sessions, eight threads, all GPUs, whose powers and temperatures all differ.
fn eight_threads(rocm: &str) {
    let sim = Sim::start("mi300x-8", rocm, NONE).unwrap();
    let machine = sim.machine();
    let gpus: Vec<_> = machine.in_hip_order().into_iter().map(|p| machine.gpu_of(p)).collect();
    let watts: Vec<_> = gpus.iter().map(|g| u64::from(g.reported_power_w(0.0)) * 1000).collect();
    let celsius: Vec<_> = gpus.iter().map(|g| g.spec.temps.hotspot.unwrap() / 1000).collect();
    let mut different = watts.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!((different.len(), gpus.len()), (8, 8), "{watts:?}");
    let to = program("threads", &work(&format!("threads_{rocm}")));
    let mut c = sim.command(to);
    // Else nothing of libamd_smi would be called here.
    c.env("ZEUS_AMD_BACKEND", "amdsmi")
        .arg("2000")
        .args(watts.iter().map(u64::to_string))
        .args(celsius.iter().map(i64::to_string));
    run(&mut c).silent();
    assert_eq!(sim.calls("amdsmi_init"), 1);
}

#[test]
fn eight_threads_at_rocm_6_1_2() {
    eight_threads("6.1.2");
}

/// Its libamd_smi crashes with two threads inside, as AMD's does.
#[test]
fn eight_threads_at_rocm_6_3_1() {
    eight_threads("6.3.1");
}

#[test]
fn eight_threads_at_rocm_6_3_3() {
    eight_threads("6.3.3");
}

#[test]
fn eight_threads_at_rocm_6_4_3() {
    eight_threads("6.4.3");
}

#[test]
fn eight_threads_at_rocm_7_0_2() {
    eight_threads("7.0.2");
}

/// From here on calls run side by side.
#[test]
fn eight_threads_at_rocm_7_13() {
    eight_threads("7.13");
}

/// Eight threads on eight GPUs and on one, each value held to the machine's formula: counts, too, to the refresh.
fn every_value(rocm: &str, backend: &str, ms: u32) {
    let sim = Sim::start("mi300x-8", rocm, NONE).unwrap();
    let machine = sim.machine();
    let to = program("threads_files", &work(&format!("threads_files_{rocm}_{backend}")));
    for same in ["0", "1"] {
        let mut c = sim.command(&to);
        c.env("ZEUS_AMD_BACKEND", backend).args([ms.to_string().as_str(), same, &sim.epoch_ns().to_string()]);
        for p in machine.in_hip_order() {
            let g = machine.gpu_of(p);
            let celsius = g.spec.temps.hotspot.unwrap() / 1000;
            c.args([
                g.reported_power_w(0.0).to_string(),
                g.spec.counter.initial.to_string(),
                celsius.to_string(),
                "1".into(),
            ]);
        }
        run(&mut c).silent();
    }
}

#[test]
fn every_value_of_the_files() {
    every_value("none", "sysfs", 10_000);
}

/// Beside a libamd_smi that scrambles what is asked twice at once: nobody asks it once the file is chosen.
#[test]
fn every_value_of_the_automatic_choice() {
    every_value("6.3.3", "auto", 5000);
}

#[test]
fn every_value_of_libamd_smi() {
    // The last one's calls run side by side.
    for rocm in ["6.1.2", "6.2.4", "6.3.3", "6.4.0", "7.0.2", "7.13"] {
        every_value(rocm, "amdsmi", 1500);
    }
}

/// The simulated library mixes up GPUs without a lock, as AMD's does. Through this library that would show in the crash at
/// ROCm 6.3.1 alone: where a GPU's own files can be read, they stand in for values that may be another GPU's.
#[test]
fn without_the_lock_values_are_another_gpu_s() {
    for (rocm, offset) in [("6.1.2", "0"), ("6.3.3", "0"), ("6.4.3", "8"), ("7.0.2", "8")] {
        let sim = Sim::start("mi300x-8", rocm, NONE).unwrap();
        let to = program("unlocked", &work(&format!("unlocked_{rocm}")));
        run(sim.command(to).arg(sim.library()).arg(offset)).silent();
    }
}

/// Which readings a GPU has, by the letters of `absent.c`; in each release that differs in what it calls absent.
fn has(machine: &str, releases: &[&str], with: &[&str], gpu: usize, letters: &str) {
    for rocm in releases {
        let sim = Sim::start(machine, rocm, with).unwrap();
        let to = program("absent", &work(&format!("absent_{machine}_{rocm}_{gpu}")));
        let ran = run(sim.command(to).arg(gpu.to_string()).arg(letters));
        assert!(ran.code == Some(0) && ran.stdout.is_empty(), "{machine} {rocm} {with:?} GPU {gpu}: {ran:#?}");
    }
}

/// T32 (sentinel numbers).
/// 0xFFFF, UINT32_MAX and zero of a second die are no values: the call says that there is none.
#[test]
fn absent_is_a_status() {
    let all = ["6.1.2", "6.2.4", "6.3.3", "6.4.3", "7.0.2", "7.13"];
    has("mi300x-8", &all, NONE, 0, "ieldrtLg");
    has("mi210-1", &all, NONE, 0, "aeldrtLg");
    // The second die has a temperature and clocks; power, energy and limits are the first one's.
    has("mi250x-4", &all, NONE, 0, "aeldrtLg");
    has("mi250x-4", &all, NONE, 1, "tg");
}

/// T32 (sentinel numbers).
#[test]
fn a_missing_counter_is_a_status() {
    let all = ["6.1.2", "6.3.3", "6.4.3", "7.0.2", "7.13"];
    for missing in ["ones", "u32_ones"] {
        let patch = format!("all.counter.missing = \"{missing}\"");
        has("mi210-1", &all, &[&patch], 0, "aldtLg");
    }
}
