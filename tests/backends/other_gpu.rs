//! Up to ROCm 7.12 the library has one table for all GPUs, and returns it as it is when it has failed to read: another GPU's
//! values with SUCCESS, and new ones, so their time does not tell.

use super::client::{Client, OFF};
use super::common;
use std::path::PathBuf;
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("other_gpu"))
}

/// GPUs of different powers and counts.
fn machine(rocm: &str, fault: &str) -> Sim {
    let mut with = vec![format!("gpu.3.file.gpu_metrics = {fault}")];
    for gpu in 0..8_u64 {
        with.push(format!("gpu.{gpu}.power = {{ kind = \"constant\", w = {} }}", 100 + 50 * gpu));
        with.push(format!("gpu.{gpu}.counter.initial = {}", 1_000_000_000_000 * (gpu + 1)));
    }
    Sim::start("mi300x-8", rocm, &with).unwrap()
}

/// The library itself is seen to lie; the session gives no value that is another GPU's.
#[test]
fn a_failed_read_is_not_another_gpus_value() {
    // Compiled before any machine's clock begins.
    let program = program();
    // It goes on until the library has lied often enough, which takes long where the processors are busy.
    zeus_amd_sim::start::set_limit(std::time::Duration::from_secs(900));
    // For a second, and again: whenever the program begins, and for as long as it may take.
    let busy = (0..1350).map(|n| format!("{{ read = \"EBUSY\", from_s = {}.0, for_s = 1.0 }}", 2 * n + 1));
    let busy = format!("[{}]", busy.collect::<Vec<_>>().join(", "));
    for rocm in ["6.1.2", "6.2.4", "6.3.1", "6.3.3", "6.4.1", "6.4.3", "7.0.2"] {
        for fault in ["{ read = \"EIO\", every = 3 }", "{ content = \"truncated\", every = 5 }", &busy] {
            let backends: &[&str] = if rocm == "6.3.3" { &["amdsmi", "auto"] } else { &["amdsmi"] };
            for backend in backends {
                let sim = machine(rocm, fault);
                let mut command = sim.command(program);
                command.env("ZEUS_AMD_BACKEND", backend).env("AMDSMI_GPU_METRICS_CACHE_MS", "0").arg(sim.library());
                // Where a counter cannot be read when a window begins, a thread of the session samples the GPU, and 6.3.1 dies
                // of two threads at once.
                command.arg(if rocm == "6.3.1" { "after" } else { "beside" });
                let out = command.output().unwrap();
                let text = String::from_utf8(out.stdout).unwrap();
                let context = format!("{rocm} {fault} {backend}: {text} {}", String::from_utf8_lossy(&out.stderr));
                assert!(out.status.success(), "{:?} {context}", out.status);
                let words: Vec<&str> = text.split_whitespace().collect();
                let number = |i: usize| words[i].parse::<u32>().unwrap();
                assert!(number(3) > 500 && number(7) == 0, "{context}");
            }
        }
    }
}

/// A GPU whose files have no power any more: what the library gives for it is what it has read of the other one.
#[test]
fn a_power_that_no_file_has_is_another_gpus() {
    let machine = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    let gpu = |n: u32, more: &str| {
        let (bdf, w) = (format!("0000:{}0:00.0", n + 1), 100 + 50 * n);
        format!("[gpu.{n}]\nmodel = \"mi210\"\nbdf = \"{bdf}\"\nunique_id = \"{n:016x}\"\npower = {{ kind = \"constant\", w = {w} }}\ntemps = {{ edge = 41000, hotspot = 52000, mem = 47000 }}\n{more}")
    };
    let files =
        "[gpu.1.file]\ngpu_metrics = { content = \"empty\", from_s = 0.7 }\npower1_average = { open = \"ENOENT\" }\n";
    std::fs::write(machine.path(), "irregular = true\n".to_owned() + &gpu(0, "") + &gpu(1, files)).unwrap();
    // Compiled before any machine's clock begins.
    Client::program();
    for rocm in ["6.1.2", "6.3.3", "6.4.1", "7.0.2"] {
        let sim = Sim::start(machine.path().to_str().unwrap(), rocm, &[] as &[&str]).unwrap();
        let mut asked = Client::open(&sim, "amdsmi", OFF);
        // The library keeps the table that it has read well.
        let mut failed = 0;
        while failed < 20 {
            assert_eq!(asked.ask("average 0").ok().words[0], "100000", "{rocm}");
            let said = asked.ask("average 1");
            assert!(said.status != 0 || said.words[0] == "150000", "{rocm}: {said:?}");
            failed += u32::from(said.status != 0);
        }
    }
}

/// From ROCm 7.13 on the library repeats a GPU's own last table, for as long as it cannot read the file: power and energy are
/// stale then, and new ones when it can.
#[test]
fn a_repeated_table_is_stale() {
    const STALE: i64 = -24;
    for rocm in ["7.13", "7.14", "10.0", "10.2"] {
        let sim = machine(rocm, "{ read = \"EIO\", from_s = 1000000.0 }");
        let mut asked = Client::open(&sim, "amdsmi", OFF);
        for what in ["instant 3", "raw 3", "energy 3"] {
            asked.ask(what).ok();
        }
        sim.break_files(3, libc::EIO);
        asked.ask("instant 3");
        std::thread::sleep(std::time::Duration::from_millis(400));
        for what in ["instant 3", "energy 3"] {
            asked.ask(what).fails(STALE, "has not advanced");
        }
        // STALE in its flags, and no power.
        let all = asked.ask("all 8 88").ok();
        let third = &all.words[all.words.iter().position(|w| w == "[").unwrap() + 3 * 16..];
        let valid: u32 = third[3].parse().unwrap();
        assert_eq!((third[2].as_str(), third[4].as_str(), valid & (16 | 32)), ("3", "-24", 0), "{rocm}: {all:?}");
        asked.ask("instant 2").ok();
        sim.break_files(3, 0);
        // The library may keep what it has read for some milliseconds.
        let is_read = || asked.ask("instant 3").status == 0;
        assert!(std::iter::repeat_with(is_read).take(1_000).any(|read| read), "{rocm}");
        asked.ask("energy 3").ok();
    }
}
