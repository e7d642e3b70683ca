//! What one reading costs: a single pread on a descriptor that stays open, and no memory.

use super::common;
use std::process::Command;
use zeus_amd_sim::Sim;

/// Runs `read_cost.c`, whose own pread, open and malloc count.
/// `reads_a_call`: of all GPUs in one call; `refused_reads`: where each read fails.
fn counts(machine: &str, rocm: &str, backend: &str, reads_a_call: u32, refused_reads: u32) {
    // The kernel's own pread, which no other library stands before.
    let sim = Sim::start(machine, rocm, &["preload = false"]).unwrap();
    let mut command: Command = sim.command(common::c_program("read_cost"));
    let out = command
        .env("ZEUS_AMD_BACKEND", backend)
        .args([reads_a_call, refused_reads].map(|n| n.to_string()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && out.stdout.is_empty(), "{machine} {rocm} {backend}: {said}");
}

#[test]
fn one_pread_and_no_memory() {
    counts("mi300x-8", "none", "sysfs", 8, 16);
    counts("mi300x-8", "7.0.2", "auto", 8, 16);
    counts("mi350x-8", "none", "auto", 8, 16);
    // Of two dies one is read for energy and power, each for its temperature.
    counts("mi250x-4", "6.4.3", "auto", 8, 12);
}
