//! Watches the files that take settings: what programs without the preloaded library write to them is applied and logged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::file_watch::FileWatch;
use crate::machine::Machine;
use crate::tree::driver::Driver;
use crate::tree::{self, od};

/// One GPU's files, and the last text of pp_od_clk_voltage.
struct Files {
    cap: Option<PathBuf>,
    level: PathBuf,
    od: PathBuf,
    table: String,
}

impl Files {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        self.cap.as_deref().into_iter().chain([self.level.as_path(), self.od.as_path()])
    }
}

pub struct SettingsPoller {
    root: PathBuf,
    files: Vec<Files>,
    watch: FileWatch,
}

impl SettingsPoller {
    pub fn new(machine: &Machine, root: &Path) -> SettingsPoller {
        let files = machine.gpus().iter().map(|g| {
            let dir = tree::pci_dir(root, g);
            let (cap, level, od) = (tree::cap_file(root, g), dir.join(od::LEVEL_FILE), dir.join(od::FILE));
            let table = text(&od);
            if let Some(driver) = Driver::lock(machine, root, g) {
                driver.begin(text(&level).trim(), cap.as_deref().map(text).unwrap_or_default().trim());
            }
            Files { cap, level, od, table }
        });
        SettingsPoller { root: root.to_owned(), files: files.collect(), watch: FileWatch::new() }
    }

    /// Polls every GPU once whose files may have changed.
    pub fn step(&mut self, m: &Machine) {
        // First, so that a write during the poll is seen at the next one.
        if !self.watch.has_changed(self.files.iter().flat_map(Files::paths)) {
            return;
        }
        for (g, f) in m.gpus().iter().zip(&mut self.files) {
            let now = || (f.cap.as_deref().map(text).unwrap_or_default(), text(&f.level));
            let (cap, level) = now();
            if text(&f.od) == f.table && tree::driver::is_known(&self.root, g, level.trim(), cap.trim()) {
                continue;
            }
            let Some(driver) = Driver::lock(m, &self.root, g) else { continue };
            let (cap, level) = now();
            // An empty file is one that is being written.
            if !cap.trim().is_empty() {
                driver.cap_is(cap.trim());
            }
            if !level.trim().is_empty() {
                driver.level_is(level.trim());
            }
            // Read once: a later write is for the next poll.
            let table = text(&f.od);
            let commands = od::appended(&table).unwrap_or_default();
            if !commands.is_empty() {
                driver.clean();
            }
            for command in commands {
                // The writer has gone; its error is in the log.
                let _ = driver.command(command, true);
            }
            // What has been appended since is there at the next poll.
            f.table = table;
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
