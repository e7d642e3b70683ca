//! Keeps the moving files of the tree moving.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock::{boottime_ns, State};
use crate::machine::{Content, Machine, Reading, Suspended};
use crate::metrics::Blob;
use crate::preload_state::{Shown, METRICS};
use crate::settings_poller::SettingsPoller;
use crate::tree;

/// One GPU's files, kept open: each refresh is one pwrite. (A read may still see half of it: the preloaded library does not.)
struct Moving {
    metrics: Option<File>,
    power: Option<File>,
    shown: Option<(Reading, Option<Content>)>,
    /// Sizes of the two files.
    sizes: [usize; 2],
    /// A suspended GPU's file with its state, until it has resumed.
    suspended: Option<PathBuf>,
}

pub struct FileRefresher {
    machine: Machine,
    shown: Shown,
    state: State,
    moving: Vec<Moving>,
    settings: SettingsPoller,
    /// When the files that take settings were looked at.
    kept_ns: u64,
}

/// The thread that moves; it ends when this is dropped.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FileRefresher {
    /// Opens the moving files of a tree and shows the first values.
    pub fn new(machine: &Machine, root: &Path) -> Result<FileRefresher, String> {
        let fail = |e: io::Error| format!("{}: {e}", root.display());
        let create = |path: &Path| OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path);
        let mut moving = Vec::new();
        for g in machine.gpus() {
            let path = tree::pci_dir(root, g).join(METRICS);
            let metrics = Blob::new(g).map(|_| create(&path)).transpose().map_err(fail)?;
            let power = tree::power_file(root, g).map(|p| create(&p)).transpose().map_err(fail)?;
            let starts_suspended = g.spec.suspended != Suspended::No;
            let suspended = starts_suspended.then(|| tree::pci_dir(root, g).join(tree::RUNTIME_STATUS));
            moving.push(Moving { metrics, power, shown: None, sizes: [0, 0], suspended });
        }
        let mut refresher = FileRefresher {
            machine: machine.clone(),
            shown: Shown::new(machine),
            state: State::open(root)?,
            moving,
            settings: SettingsPoller::new(machine, root),
            kept_ns: 0,
        };
        refresher.show();
        Ok(refresher)
    }

    /// Brings all files to the present.
    fn show(&mut self) {
        let now_ns = self.state.now_ns();
        let mut page = [0; 4096];
        for (i, (g, m)) in self.machine.gpus().iter().zip(&mut self.moving).enumerate() {
            let is = (g.reading(now_ns), g.file_fault(METRICS, now_ns).and_then(|f| f.content));
            if m.shown == Some(is) {
                continue;
            }
            if self.state.resumed_ns(i).is_some() {
                if let Some(file) = m.suspended.take() {
                    let _ = std::fs::write(file, self.shown.runtime_status(&self.state, g));
                }
            }
            let before = m.shown.replace(is).map(|b| b.0.power_w);
            let power = tree::power_name(g).unwrap_or_default();
            for (file, name, size) in [(&m.metrics, METRICS, 0), (&m.power, power, 1)] {
                if size == 1 && before == Some(is.0.power_w) && g.spec.suspended == Suspended::No {
                    continue;
                }
                let (Some(file), Some(Ok(n))) = (file, self.shown.read(&self.state, i, name, &mut page)) else {
                    continue;
                };
                // A shorter one must leave nothing of a longer one behind; cut before writing, or a reader sees both.
                if n < m.sizes[size] {
                    let _ = file.set_len(n as u64);
                }
                m.sizes[size] = n;
                // A full disk shows as values that stand still; there is nobody to tell here.
                let _ = file.write_all_at(&page[..n], 0);
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
            self.settings.step(&self.machine);
        }
        match (self.state.stop_wanted(), self.state.is_stopped()) {
            (true, true) => {}
            (true, false) => {
                self.state.halt();
                self.show();
                self.state.set_held(true);
            }
            (false, held) => {
                if held {
                    self.state.set_held(false);
                }
                self.show();
            }
        }
    }

    /// Time to the next refresh of any GPU.
    fn pause(&self) -> Duration {
        let now = boottime_ns() - self.state.epoch_ns();
        let next = self.machine.gpus().iter().map(|g| g.refresh_ns() - now % g.refresh_ns()).min();
        // At most one millisecond: the driver's copies come in between, and a wish to hold is soon granted.
        Duration::from_nanos(next.unwrap_or(u64::MAX).clamp(50_000, 1_000_000))
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
