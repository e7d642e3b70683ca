//! `backends.c`, asked line by line.

use super::common;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use zeus_amd_sim::Sim;

pub const ADAPTIVE: &str = "3";
pub const OFF: &str = "2";

pub const AMDSMI: u64 = 1;
pub const SYSFS: u64 = 2;

pub const NOT_SUPPORTED: i64 = -4;
pub const BUSY: i64 = -7;

/// What it said to one line.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: i64,
    pub words: Vec<String>,
    /// Behind the bar: the last error, or what was asked for.
    pub text: String,
}

impl Answer {
    pub fn number(&self, i: usize) -> u64 {
        self.words[i].parse().unwrap()
    }

    #[track_caller]
    pub fn ok(self) -> Answer {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// It failed so, and its words say that.
    #[track_caller]
    pub fn fails(self, status: i64, says: &str) {
        assert!(self.status == status && self.text.contains(says), "{self:?}, not {status} with {says:?}");
    }
}

pub struct Client {
    child: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
}

impl Client {
    /// In a machine, with validation off, and not open yet.
    pub fn new(sim: &Sim, backend: &str, arguments: &[&str]) -> Client {
        let mut command = sim.command(Self::program());
        command.env("ZEUS_AMD_BACKEND", backend).args(arguments);
        Client::start(command)
    }

    pub fn program() -> &'static PathBuf {
        static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
        PROGRAM.get_or_init(|| common::c_program("backends"))
    }

    pub fn start(mut command: Command) -> Client {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let from = BufReader::new(child.stdout.take().unwrap()).lines();
        Client { to: child.stdin.take(), child, from }
    }

    /// The same with an open session.
    pub fn open(sim: &Sim, backend: &str, validation: &str) -> Client {
        let mut asked = Client::new(sim, backend, &[validation]);
        asked.ask("open").ok();
        asked
    }

    #[track_caller]
    pub fn ask(&mut self, line: &str) -> Answer {
        writeln!(self.to.as_mut().unwrap(), "{line}").unwrap();
        // One that hangs is killed.
        let said = self.from.next().unwrap_or_else(|| panic!("{line}: no answer")).unwrap();
        let (values, text) = said.split_once('|').unwrap_or_else(|| panic!("{line}: {said:?}"));
        let mut words = values.split_whitespace().map(str::to_owned);
        let status = words.next().unwrap().parse().unwrap();
        Answer { status, words: words.collect(), text: text.trim().to_owned() }
    }

    /// Where a GPU's readings come from.
    #[track_caller]
    pub fn source(&mut self, gpu: usize) -> u64 {
        self.ask(&format!("info {gpu}")).ok().number(0)
    }

    pub fn log(&mut self) -> String {
        self.ask("log").text
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.to.take());
        let status = self.child.wait();
        if !std::thread::panicking() {
            assert!(status.unwrap().success());
        }
    }
}
