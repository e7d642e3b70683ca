//! `zeus-amd-run`: what it says of the GPUs, against the machine; and that the command does not notice it.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/examples.rs"]
mod examples;
#[path = "../common/random.rs"]
mod random;

mod check;
mod command;
mod energies;
mod node;
mod schema;
mod signals;
mod tables;

use examples::example;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use zeus_amd_sim::start::{happens, Patience};
use zeus_amd_sim::Sim;

fn tool() -> PathBuf {
    example("zeus-amd-run")
}

fn command<S: AsRef<OsStr>>(sim: &Sim, arguments: &[S]) -> Command {
    let mut command = sim.command(tool());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
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

/// A named pipe in the machine's folder, and its open end: nobody waits for the other.
fn fifo(sim: &Sim) -> (String, std::fs::File) {
    let name = path(sim, "fifo");
    assert!(Command::new("mkfifo").arg(&name).status().unwrap().success());
    let end = std::fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    (name, end)
}
