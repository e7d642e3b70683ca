//! What can be changed on one GPU, remembered and put back.

use super::clocks::{ClockLocks, ClockState, LEVELS, LEVEL_FILE, MANUAL, OD_FILE};
use super::Device;
use crate::error::{Kind, Result};
use crate::sysfs::pp_od::Bounds;
use crate::topology::Role;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of one GPU at a moment; what could not be read is left alone.
#[derive(Debug, Clone, Copy)]
pub struct SavedSettings {
    cap_uw: Option<u64>,
    clocks: ClockState,
    locks: ClockLocks,
}

/// How the kernel's files put a setting back: unless `file` says `is`, each text is written to its file, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct SysfsWrite {
    pub file: PathBuf,
    pub is: String,
    pub texts: Vec<(PathBuf, String)>,
}

impl Device {
    /// As they are now. A second die has clocks, but no limit; a second partition has neither.
    pub fn settings(&self) -> Result<SavedSettings> {
        let clocks = match self.role {
            Role::SecondaryPartition { .. } => ClockState::default(),
            _ => self.clock_state(),
        };
        let cap_uw = match self.power_caps() {
            Ok(caps) => caps.current_uw,
            // It has none. Any other failure would leave it unguarded without a word.
            Err(e) if matches!(e.kind(), Kind::NotSupported | Kind::NotFound) => None,
            Err(e) => return Err(e),
        };
        Ok(SavedSettings { cap_uw, clocks, locks: self.locks() })
    }

    /// Puts back what differs; a failure of the one does not keep the other from it.
    pub fn restore(&self, was: &SavedSettings) -> Result<()> {
        let cap = was.cap_uw.map_or(Ok(()), |uw| self.change_power_limit(|_| Ok(uw)));
        if let Role::SecondaryPartition { .. } = self.role {
            return cap;
        }
        let clocks = self.restore_clocks(was.clocks, was.locks);
        cap.and(clocks)
    }

    /// The same through the kernel's files, where libamd_smi would not. Did everything come back?
    #[must_use]
    pub fn restore_via_sysfs(&self, was: &SavedSettings) -> bool {
        if (was.cap_uw.is_some() && !self.hwmon.is_there()) || was.clocks.level.is_none() {
            return false;
        }
        let mut writes = Vec::new();
        self.sysfs_writes(was, &mut writes);
        let is = |w: &SysfsWrite| crate::sysfs::text(&w.file).as_deref() == Some(w.is.as_str());
        for w in writes.iter().filter(|w| !is(w)) {
            for (file, text) in &w.texts {
                let several = w.texts.len() > 1;
                let open = OpenOptions::new().write(true).append(several).truncate(!several).open(file);
                // Whether it was taken shows below.
                let _ = open.and_then(|mut f| f.write_all(text.as_bytes()));
            }
        }
        // A process has a little patience with the driver.
        (0..20).any(|_| {
            let done = writes.iter().all(is);
            if !done {
                std::thread::sleep(Duration::from_millis(5));
            }
            done
        })
    }

    /// The same for somebody who has nothing but the kernel's files.
    pub fn sysfs_writes(&self, was: &SavedSettings, to: &mut Vec<SysfsWrite>) {
        if let Some((uw, file)) = was.cap_uw.zip(self.hwmon.power_cap_file()) {
            to.push(SysfsWrite { is: uw.to_string(), texts: vec![(file.clone(), format!("{uw}\n"))], file });
        }
        let level_file = self.folder.join(LEVEL_FILE);
        let Some(level) = was.clocks.level else { return };
        let name = LEVELS[level];
        to.push(SysfsWrite {
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
        to.push(SysfsWrite { file, is, texts });
    }
}
