//! What can be changed on one GPU, remembered and put back.

use super::clocks::{ClockState, Locks, LEVELS, LEVEL_FILE, MANUAL, OD_FILE};
use super::Device;
use crate::error::Result;
use crate::sysfs::od::Bounds;
use crate::topology::Role;
use std::path::PathBuf;

/// The settings of one GPU at a moment; what could not be read is left alone.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    cap_uw: Option<u64>,
    clocks: ClockState,
    locks: Locks,
}

/// How the kernel's files put a setting back: unless `file` says `is`, each text is written to its file, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Write {
    pub file: PathBuf,
    pub is: String,
    pub texts: Vec<(PathBuf, String)>,
}

impl Device {
    /// As they are now. A second die has clocks, but no limit; a second partition has neither.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let clocks = match self.role {
            Role::SecondaryPartition { .. } => ClockState::default(),
            _ => self.clock_state(),
        };
        Settings { cap_uw: self.power_caps().ok().and_then(|c| c.current_uw), clocks, locks: self.locks() }
    }

    /// Puts back what differs; a failure of the one does not keep the other from it.
    pub fn put_back(&self, was: &Settings) -> Result<()> {
        let cap = was.cap_uw.map_or(Ok(()), |uw| self.change_power_limit(|_| Ok(uw)));
        if let Role::SecondaryPartition { .. } = self.role {
            return cap;
        }
        let clocks = self.put_clocks_back(was.clocks, was.locks);
        cap.and(clocks)
    }

    /// The same for somebody who has nothing but the kernel's files.
    pub fn writes(&self, was: &Settings, to: &mut Vec<Write>) {
        if let (Some(uw), Some(hwmon)) = (was.cap_uw, &self.hwmon) {
            let file = hwmon.power_cap_file();
            to.push(Write { is: uw.to_string(), texts: vec![(file.clone(), format!("{uw}\n"))], file });
        }
        let level_file = self.folder.join(LEVEL_FILE);
        let Some(level) = was.clocks.level else { return };
        let name = LEVELS[level];
        to.push(Write {
            is: name.to_owned(),
            texts: vec![(level_file.clone(), format!("{name}\n"))],
            file: level_file,
        });
        // All other levels bring their own bounds.
        let file = self.folder.join(OD_FILE);
        let Some(is) = crate::sysfs::text(&file).filter(|_| level == MANUAL) else { return };
        let mut texts = Vec::new();
        let mut bounds = |letter: char, b: Option<Bounds>| {
            if let Some(b) = b {
                texts.push((file.clone(), format!("{letter} 0 {}\n", b.min_mhz)));
                texts.push((file.clone(), format!("{letter} 1 {}\n", b.max_mhz)));
            }
        };
        bounds('s', was.clocks.graphics);
        bounds('m', was.clocks.memory);
        texts.push((file.clone(), "c\n".to_owned()));
        to.push(Write { file, is, texts });
    }
}
