//! What `windows.c` prints.

#![allow(dead_code)]

use super::common;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

pub const COUNTER: u32 = 1;
pub const INTEGRATED: u32 = 2;
pub const ESTIMATED: u32 = 3;

pub const HIGH_UNCERTAINTY: u32 = 1;
pub const RESET: u32 = 2;
pub const SHARED_PACKAGE: u32 = 4;
pub const COUNTER_REJECTED: u32 = 8;
pub const STALE: u32 = 16;
pub const SAMPLING_GAP: u32 = 32;
pub const AVERAGED_POWER: u32 = 64;
pub const FIRMWARE_RESOLUTION: u32 = 128;
pub const FIRMWARE_DURATION: u32 = 256;
pub const INCOMPLETE: u32 = 512;

pub const NOT_SUPPORTED: i32 = -4;

/// One GPU in one window.
#[derive(Debug, Clone)]
pub struct Energy {
    pub gpu: usize,
    pub method: u32,
    pub flags: u32,
    pub counter_state: u32,
    pub status: i32,
    pub energy_mj: u64,
    pub uncertainty_mj: u64,
    pub duration_ns: u64,
    pub mean_mw: u64,
    pub begin_ns: u64,
    pub end_ns: u64,
    pub resolution_uj: f64,
    pub window: u32,
    /// When the begin had returned and the end was called.
    pub from_ns: u64,
    pub to_ns: u64,
    /// The duration of the total.
    pub total_ns: u64,
    /// How long begin and end took.
    pub calls_ns: u64,
}

impl Energy {
    fn parse(line: &str) -> Option<Energy> {
        fn next<T: std::str::FromStr>(words: &mut std::str::SplitWhitespace) -> Option<T> {
            words.next()?.parse().ok()
        }
        let w = &mut line.split_whitespace();
        Some(Energy {
            gpu: next(w)?,
            method: next(w)?,
            flags: next(w)?,
            counter_state: next(w)?,
            status: next(w)?,
            energy_mj: next(w)?,
            uncertainty_mj: next(w)?,
            duration_ns: next(w)?,
            mean_mw: next(w)?,
            begin_ns: next(w)?,
            end_ns: next(w)?,
            resolution_uj: next(w)?,
            window: next(w)?,
            from_ns: next(w)?,
            to_ns: next(w)?,
            total_ns: next(w)?,
            calls_ns: next(w)?,
        })
    }
}

pub fn validation(name: &str) -> &'static str {
    match name {
        "fixed" => "1",
        "off" => "2",
        "adaptive" => "3",
        "background" => "4",
        _ => panic!("no validation {name}"),
    }
}

pub fn resolution(name: &str) -> &'static str {
    match name {
        "default" => "0",
        "reported" => "1",
        "firmware" => "2",
        _ => panic!("no resolution {name}"),
    }
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| common::c_program("windows"))
}

/// A machine for windows: their program is made first, so that no time of the machine passes meanwhile.
pub fn start<S: AsRef<str>>(machine: &str, rocm: &str, with: &[S]) -> Sim {
    program();
    Sim::start(machine, rocm, with).unwrap()
}

/// `count` windows of random lengths (µs), several at once, in one process; what each GPU used in each.
pub fn windows(
    sim: &Sim,
    (backend, validation, unit): (&str, &str, &str),
    threads: u32,
    count: u32,
    (shortest, longest): (f64, f64),
    seed: u64,
) -> Vec<Energy> {
    windows_after(sim, (backend, validation, unit), threads, count, (shortest, longest, 0.0), seed)
}

/// The same, with a pause before each.
pub fn windows_after(
    sim: &Sim,
    (backend, validation, unit): (&str, &str, &str),
    threads: u32,
    count: u32,
    (shortest, longest, pause): (f64, f64, f64),
    seed: u64,
) -> Vec<Energy> {
    let mut command = sim.command(program());
    command.env("ZEUS_AMD_BACKEND", backend);
    command.args([self::validation(validation), resolution(unit)]);
    command.args([
        threads.to_string(),
        count.to_string(),
        shortest.to_string(),
        longest.to_string(),
        seed.to_string(),
        pause.to_string(),
    ]);
    let out = command.output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && out.stderr.is_empty(), "{}", String::from_utf8_lossy(&out.stderr));
    let all: Vec<Energy> = text.lines().map(|l| Energy::parse(l).unwrap_or_else(|| panic!("{l}"))).collect();
    assert!(all.len() >= count as usize);
    all
}
