//! The driver's side of the files that take settings: what is written to them directly is applied and logged.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::clock::boottime_ns;
use crate::machine::{Gpu, Machine};
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
    pub fn step(&mut self, gpus: &[Gpu]) {
        for (g, f) in gpus.iter().zip(&mut self.files) {
            let now = [f.cap.as_deref().map_or(String::new(), text), text(&f.level), text(&f.od)];
            // An empty file is one that is being written.
            let [cap, level, od] = [0, 1, 2].map(|i| !now[i].trim().is_empty() && now[i] != f.said[i]);
            if cap {
                log(&self.root, g, "power1_cap", now[0].trim());
                f.said[0].clone_from(&now[0]);
            }
            if level || od {
                let _alone = od::lock(&self.root);
                let level = text(&f.level);
                if level != f.said[1] && !level.trim().is_empty() {
                    log(&self.root, g, od::LEVEL_FILE, level.trim());
                    f.said[1].clone_from(&level);
                }
                // Read once: what comes after this look is for the next one.
                let table = text(&f.od);
                let fresh = od::table(g, None);
                let made = match od::committed(g, &table, level.trim()) {
                    Some((made, commands)) => {
                        log(&self.root, g, od::FILE, &commands);
                        Some(made)
                    }
                    // In this level the driver forgets all limits.
                    None if level.trim() == "auto" && table != fresh && !table.is_empty() => Some(fresh),
                    None => None,
                };
                if let Some(made) = &made {
                    let _ = fs::write(&f.od, made);
                }
                f.said[2] = made.unwrap_or(table);
            }
        }
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// `time_ns pid tid FILE gpu name value`: a file has changed, by whomever.
fn log(root: &Path, g: &Gpu, name: &str, value: &str) {
    let line = format!("{} {} 0 FILE {} {name} {value}\n", boottime_ns(), std::process::id(), g.number);
    let file = fs::OpenOptions::new().append(true).open(root.join("calls.log"));
    let _ = file.and_then(|mut f| f.write_all(line.as_bytes()));
}
