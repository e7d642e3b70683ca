//! What a window costs its process: reads, and nothing else.

mod common;

use std::process::Command;
use zeus_amd_sim::Sim;

fn run(machine: &str, strict: u32, many: u32) {
    // The kernel's own pread, which no other library stands before.
    let sim = Sim::start(machine, "none", &["preload = false"]).unwrap();
    let mut command: Command = sim.command(common::c_program("window_cost"));
    let out = command.args([strict.to_string(), many.to_string()]).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && out.stdout.is_empty(), "{machine}: {:?} {said}", out.status);
}

#[test]
fn windows_start_no_thread_and_only_read() {
    for machine in zeus_amd_sim::machine::Machine::names() {
        run(&machine, 300, 300);
    }
}

#[test]
fn a_million_windows_leave_nothing_behind() {
    run("mi210-1", 0, 500_000);
}
