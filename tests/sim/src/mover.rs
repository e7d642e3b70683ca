//! Keeps the moving files of the tree moving.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{boottime_ns, State};
use crate::keeper::Keeper;
use crate::machine::Machine;
use crate::metrics::Blob;
use crate::tree;

/// One GPU's files, kept open: each refresh is one pwrite, so that one pread is one sample.
struct Moving {
    blob: Option<(Blob, File)>,
    power: Option<File>,
    shown_w: Option<u16>,
}

pub struct Mover {
    machine: Machine,
    state: State,
    moving: Vec<Moving>,
    keeper: Keeper,
    /// When the files that take settings were looked at.
    kept_ns: u64,
}

/// The thread that moves; it ends when this is dropped.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Mover {
    /// Opens the moving files of a tree and shows the first values.
    pub fn new(machine: &Machine, root: &Path) -> Result<Mover, String> {
        let fail = |e: io::Error| format!("{}: {e}", root.display());
        let create = |path: &Path| OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path);
        let mut moving = Vec::new();
        for g in machine.gpus() {
            let blob = match Blob::new(g) {
                Some(b) => Some((b, create(&tree::pci_dir(root, g).join("gpu_metrics")).map_err(fail)?)),
                None => None,
            };
            let power = tree::power_file(root, g).map(|p| create(&p)).transpose().map_err(fail)?;
            moving.push(Moving { blob, power, shown_w: None });
        }
        let mut mover = Mover {
            machine: machine.clone(),
            state: State::open(root)?,
            moving,
            keeper: Keeper::new(machine, root),
            kept_ns: 0,
        };
        mover.show(mover.state.now_ns());
        Ok(mover)
    }

    /// Brings all files to a machine time.
    fn show(&mut self, now_ns: u64) {
        let epoch = self.state.epoch_ns();
        for (g, m) in self.machine.gpus().iter().zip(&mut self.moving) {
            if let Some((blob, file)) = &mut m.blob {
                if blob.refresh(g, epoch, now_ns) {
                    // A full disk shows as values that stand still; there is nobody to tell here.
                    let _ = file.write_all_at(blob.bytes(), 0);
                }
            }
            if let Some(file) = &m.power {
                let w = g.reading(now_ns).power_w;
                if m.shown_w != Some(w) {
                    let text = format!("{}\n", u64::from(w) * 1_000_000);
                    // A shorter number must leave nothing of a longer one behind; cut before writing, or a reader sees both.
                    if m.shown_w.is_some_and(|old| old.to_string().len() > w.to_string().len()) {
                        let _ = file.set_len(text.len() as u64);
                    }
                    let _ = file.write_all_at(text.as_bytes(), 0);
                    m.shown_w = Some(w);
                }
            }
        }
        self.state.beat(now_ns);
    }

    /// Shows the present values; with the clock wanted or found held, no more than that.
    fn step(&mut self) {
        // A program that writes settings waits some milliseconds for them at most.
        let now = boottime_ns();
        if now - self.kept_ns > 2_000_000 {
            self.kept_ns = now;
            self.keeper.step(self.machine.gpus());
        }
        match (self.state.hold_wanted(), self.state.is_held()) {
            (true, true) => {}
            (true, false) => {
                let now = boottime_ns() - self.state.epoch_ns();
                self.show(now);
                self.state.set_held(Some(now));
            }
            (false, held) => {
                if held {
                    self.state.set_held(None);
                }
                self.show(boottime_ns() - self.state.epoch_ns());
            }
        }
    }

    /// Time to the next refresh of any GPU.
    fn pause(&self) -> Duration {
        let now = boottime_ns() - self.state.epoch_ns();
        let next = self.machine.gpus().iter().map(|g| g.refresh_ns() - now % g.refresh_ns()).min();
        // At most some milliseconds, so that a wish to hold is soon granted.
        Duration::from_nanos(next.unwrap_or(u64::MAX).clamp(50_000, 5_000_000))
    }

    pub fn start(mut self) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                self.step();
                std::thread::sleep(self.pause());
            }
        });
        Running { stop, thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(t) = self.thread.take() {
            let _ = t.join();
        }
    }
}
