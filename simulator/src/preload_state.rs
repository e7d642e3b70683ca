//! What a program sees in a moving file at a time: one place for the files of the tree, the preloaded library that makes
//! them at each read, and the simulated libamd_smi.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::State;
use crate::machine::{Gpu, Machine, Suspended};
use crate::metrics::Blob;
use crate::node::NODE;
use crate::preload;
use crate::tree;

pub const METRICS: &str = "gpu_metrics";

/// A moving file, short enough for one page.
pub type Page = [u8; 4096];

pub struct Shown {
    machine: Machine,
    blobs: Vec<Option<Blob>>,
    /// How often tables were read.
    reads: AtomicU64,
}

impl Shown {
    pub fn new(machine: &Machine) -> Shown {
        let blobs = machine.gpus().iter().map(Blob::new).collect();
        Shown { blobs, machine: machine.clone(), reads: AtomicU64::new(0) }
    }

    /// A program opens or reads a file that asks the hardware: it is counted, and reading resumes a suspended GPU.
    pub fn touch(&self, state: &State, gpu: usize, name: &str, reads: bool) {
        if gpu == NODE && reads {
            state.touch(NODE);
        }
        let (Some(g), false) = (self.machine.gpus().get(gpu), name == tree::RUNTIME_STATUS) else { return };
        state.touch(gpu);
        if reads && g.spec.suspended == Suspended::Resumes {
            state.resume(gpu);
        }
    }

    /// Since when a GPU's files answer; None: they do not.
    fn awake_ns(&self, state: &State, g: &Gpu) -> Option<u64> {
        match g.spec.suspended {
            Suspended::No => Some(0),
            _ => state.resumed_ns(g.index),
        }
    }

    /// The text of power/runtime_status.
    pub fn runtime_status(&self, state: &State, g: &Gpu) -> &'static str {
        if self.awake_ns(state, g).is_some() {
            "active\n"
        } else {
            "suspended\n"
        }
    }

    /// The error that opening a file gives now, or 0.
    pub fn open(&self, state: &State, gpu: usize, name: &str) -> i32 {
        let fault = self.machine.gpus().get(gpu).and_then(|g| g.file_fault(name, state.now_ns()));
        fault.and_then(|f| f.open).map_or(0, |e| e.number())
    }

    /// The error that writing a file gives now, or 0.
    pub fn write(&self, state: &State, gpu: usize, name: &str) -> i32 {
        let fault = self.machine.gpus().get(gpu).and_then(|g| g.file_fault(name, state.now_ns()));
        fault.and_then(|f| f.write).map_or(0, |e| e.number())
    }

    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// How many bytes the file has now, and the bytes; None for a file that does not move (and has no fault now).
    pub fn read(&self, state: &State, gpu: usize, name: &str, page: &mut Page) -> Option<Result<usize, i32>> {
        let put = |page: &mut Page, text: &str| {
            page[..text.len()].copy_from_slice(text.as_bytes());
            Some(Ok(text.len()))
        };
        if gpu == NODE {
            self.machine.node().wait();
            let nth = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
            return put(page, &self.machine.node().text(name, state.now_ns(), nth)?);
        }
        let g = self.machine.gpus().get(gpu)?;
        let now = state.now_ns();
        if name == tree::RUNTIME_STATUS {
            return put(page, self.runtime_status(state, g));
        }
        let Some(awake_ns) = self.awake_ns(state, g) else { return Some(Err(libc::EPERM)) };
        let nth = || self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        let is_due = |every: u64| every == 0 || nth().checked_rem(every) == Some(0);
        let fault = g.file_fault(name, now).filter(|f| is_due(f.every));
        if let Some(e) = fault.and_then(|f| f.read) {
            return Some(Err(e.number()));
        }
        let text = name.starts_with("power1_") && tree::power_name(g) == Some(name);
        if name != METRICS && !text {
            return None;
        }
        match state.broken(gpu) {
            0 => {}
            errno => return Some(Err(errno)),
        }
        let mut r = g.reading(now);
        if awake_ns > 0 && now < awake_ns + (g.spec.resume_s * 1e9) as u64 {
            r.power_w = 0;
        }
        if text {
            return put(page, &format!("{}\n", u64::from(r.power_w) * 1_000_000));
        }
        let blob = self.blobs[gpu].as_ref()?;
        let n = blob.put(page, state.epoch_ns(), &r);
        let driver_ns = state.epoch_ns() + r.system_ns;
        Some(Ok(fault.and_then(|f| f.content).map_or(n, |c| c.apply(page, n, blob, driver_ns, r.tick))))
    }
}

/// Files as the machine made them, by device and inode: one that a test has put in their place is not among them.
pub struct Originals(HashSet<(u64, u64)>);

impl Originals {
    pub fn load(root: &Path) -> Originals {
        let text = std::fs::read_to_string(root.join(preload::LIST)).unwrap_or_default();
        let entry = |line: &str| {
            let mut numbers = line.split(' ').map_while(|w| w.parse().ok());
            Some((numbers.next()?, numbers.next()?))
        };
        Originals(text.lines().filter_map(entry).collect())
    }

    pub fn has(&self, path: &Path) -> bool {
        std::fs::metadata(path).is_ok_and(|m| self.0.contains(&(m.dev(), m.ino())))
    }
}
