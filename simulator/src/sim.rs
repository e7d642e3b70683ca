//! A machine for the tests of this repository: started in one line, gone when it is dropped.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::clock::State;
use crate::library;
use crate::machine::Machine;
use crate::serve::environment;
use crate::smi::FUNCTIONS;
use crate::start::{isolated, plain};

/// A running machine. A process of its own keeps it, so that a busy or forking test does not disturb its clock.
pub struct Sim {
    dir: PathBuf,
    machine: Machine,
    state: State,
    child: Child,
    /// The simulator ends when this closes, whatever becomes of the test.
    stdin: Option<ChildStdin>,
}

/// See [`Sim::start`].
pub fn spawn<S: AsRef<str>>(machine: &str, rocm: &str, with: &[S]) -> Result<Sim, String> {
    Sim::start(machine, rocm, with)
}

impl Sim {
    /// Starts a machine (by name or file) with the libamd_smi of a ROCm release (or `none`), and TOML patches on top.
    /// Builds what it needs with cargo the first time.
    pub fn start<S: AsRef<str>>(machine: &str, rocm: &str, with: &[S]) -> Result<Sim, String> {
        let mut command = plain(library::built()?.join("zeus-amd-sim"), &std::env::temp_dir());
        command.args(["serve", "--machine", machine, "--rocm", rocm]);
        for patch in with {
            command.args(["--with", patch.as_ref()]);
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|e| format!("zeus-amd-sim: {e}"))?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        }
        let dir = PathBuf::from(line.trim());
        if line.trim().is_empty() {
            let _ = child.wait();
            return Err(format!("machine {machine} with ROCm {rocm} did not start (its reason is on stderr)"));
        }
        let temporary = dir.join("tmp");
        let made = std::fs::create_dir(&temporary)
            .and_then(|()| std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o1777)));
        made.map_err(|e| format!("{}: {e}", temporary.display()))?;
        let text = std::fs::read_to_string(dir.join("machine.json")).map_err(|e| e.to_string())?;
        Ok(Sim { machine: Machine::from_json(&text)?, state: State::open(&dir)?, dir, child, stdin })
    }

    /// The directory: root of `sys` and `dev`, and of `opt/rocm`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The truth (as fitted to the release).
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Path of libamd_smi.so in the machine.
    pub fn library(&self) -> PathBuf {
        self.dir.join("opt/rocm/lib/libamd_smi.so")
    }

    /// Variables that bring a program into the machine; None is to be removed.
    pub fn env(&self) -> Vec<(&'static str, Option<PathBuf>)> {
        environment(&self.dir, None)
    }

    /// A program in the machine, with that environment and nothing of the caller's; see [`isolated`].
    pub fn command<P: AsRef<std::ffi::OsStr>>(&self, program: P) -> Command {
        let mut c = isolated(program, &self.dir.join("tmp"));
        for (name, value) in self.env() {
            match value {
                Some(v) => c.env(name, v),
                None => c.env_remove(name),
            };
        }
        c
    }

    /// Stops the machine's clock and returns the time (ns since its start) at which it stands.
    pub fn stop_clock(&self) -> u64 {
        self.state.stop().expect("the simulator answers")
    }

    /// Lets the clock run again.
    pub fn start_clock(&self) {
        self.state.start().expect("the simulator answers");
    }

    /// Moves the stopped clock to a time of the machine (ns), from which it goes on.
    pub fn move_clock(&self, ns: u64) {
        self.state.move_to(ns);
    }

    /// Nanoseconds since machine start.
    pub fn now_ns(&self) -> u64 {
        self.state.now_ns()
    }

    /// CLOCK_BOOTTIME of machine start: what a timestamp minus machine time is.
    pub fn epoch_ns(&self) -> u64 {
        self.state.epoch_ns()
    }

    /// Machine time (ns) of a CLOCK_BOOTTIME, as the driver's timestamps are.
    pub fn machine_ns(&self, boottime_ns: u64) -> u64 {
        boottime_ns.saturating_sub(self.epoch_ns())
    }

    /// CLOCK_BOOTTIME of a machine time (ns).
    pub fn boottime_ns(&self, machine_ns: u64) -> u64 {
        machine_ns + self.epoch_ns()
    }

    /// From now on reading the moving files of a GPU (its place in `machine().gpus()`) gives this errno; 0: all is well.
    pub fn break_files(&self, gpu: usize, errno: i32) {
        self.state.set_broken(gpu, errno);
    }

    /// How often programs opened or read files of a GPU that ask its hardware: 0 for one that is left alone.
    pub fn touched(&self, gpu: usize) -> u64 {
        self.state.touched(gpu)
    }

    /// How often programs read files of the node (pm_counters, powercap).
    pub fn node_reads(&self) -> u64 {
        self.state.touched(crate::node::NODE)
    }

    /// Machine time (ns) at which a suspended GPU was resumed.
    pub fn resumed_ns(&self, gpu: usize) -> Option<u64> {
        self.state.resumed_ns(gpu)
    }

    /// How often all processes together called a function.
    pub fn calls(&self, function: &str) -> u64 {
        FUNCTIONS.iter().position(|f| *f == function).map_or(0, |i| self.state.calls(i))
    }

    /// The log of writing calls: `time_ns pid tid function gpu args -> status` (for direct writes `… WRITE gpu …`).
    pub fn log(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.join("calls.log")).expect("a machine has its log");
        text.lines().map(str::to_string).collect()
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
