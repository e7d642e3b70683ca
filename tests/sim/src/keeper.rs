//! Looks after the files that take settings: what programs without the preloaded library write is applied and logged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::Machine;
use crate::tree::driver::{self, Driver};
use crate::tree::{self, od};

/// One GPU's files, and what they said last.
struct Files {
    cap: Option<PathBuf>,
    level: PathBuf,
    od: PathBuf,
    said: [String; 3],
}

pub struct Keeper {
    root: PathBuf,
    files: Vec<Files>,
}

impl Keeper {
    pub fn new(machine: &Machine, root: &Path) -> Keeper {
        let files = machine.gpus().iter().map(|g| {
            let dir = tree::pci_dir(root, g);
            let (cap, level, od) = (tree::cap_file(root, g), dir.join(od::LEVEL_FILE), dir.join(od::FILE));
            let said = [cap.as_deref().map_or(String::new(), text), text(&level), text(&od)];
            Files { cap, level, od, said }
        });
        Keeper { root: root.to_owned(), files: files.collect() }
    }

    /// Looks at all of them.
    pub fn step(&mut self, m: &Machine) {
        for (g, f) in m.gpus().iter().zip(&mut self.files) {
            let now = [f.cap.as_deref().map_or(String::new(), text), text(&f.level), text(&f.od)];
            // An empty file is one that is being written.
            let [cap, level, od] = [0, 1, 2].map(|i| !now[i].trim().is_empty() && now[i] != f.said[i]);
            if cap {
                driver::log(&self.root, g, "power1_cap", now[0].trim());
                f.said[0].clone_from(&now[0]);
            }
            if level || od {
                let Some(driver) = Driver::lock(m, &self.root, g) else { continue };
                let level = text(&f.level);
                if level != f.said[1] && !level.trim().is_empty() {
                    driver.level_is(level.trim());
                    f.said[1] = level;
                }
                // Read once: what comes after this look is for the next one.
                let table = text(&f.od);
                let commands = od::appended(&table).unwrap_or_default();
                if !commands.is_empty() {
                    driver.clean();
                }
                for command in commands {
                    // Nobody waits for the answer; the log has it.
                    let _ = driver.command(command, true);
                }
                f.said[2] = text(&f.od);
            }
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
