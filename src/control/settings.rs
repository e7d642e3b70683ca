//! The settings of one GPU, saved and restored.

use super::clock_state::{domain_name, ClockLocks, ClockState, Level, CLOCKS};
use super::controller::Controller;
use super::power_limit::{is_same, watts_or_unreadable};
use super::read_back::read_back;
use super::writer::{SettingsWriter, POWER_LIMIT};
use crate::error::{Error, Kind, Result};
use crate::gpu::Bound;
use crate::sysfs::SysfsWrite;
use crate::topology::Role;
use std::path::PathBuf;

/// The settings of one GPU at a moment; what could not be read is left alone.
#[derive(Debug, Clone)]
pub struct SavedSettings {
    cap_uw: Option<u64>,
    clocks: ClockState,
    /// The text of the table with the bounds.
    od_text: Option<String>,
    locks: ClockLocks,
}

/// How sysfs restores one setting: unless `file` has the text `saved`, the writes in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysfsRestore {
    pub file: PathBuf,
    pub saved: String,
    /// Before the comparison earlier writes are given time to take effect.
    pub waits: bool,
    pub writes: Vec<SysfsWrite>,
}

/// A setting that is not as it was saved.
struct Difference {
    what: &'static str,
    saved: String,
    now: String,
}

impl Controller {
    /// The settings in force. A secondary die has clocks but no limit; a secondary partition has neither.
    pub fn save(&self) -> Result<SavedSettings> {
        let (od_text, clocks) = match self.identity.role {
            Role::SecondaryPartition { .. } => (None, ClockState::default()),
            _ => (self.files.od_text(), self.files.clock_state()),
        };
        let cap_uw = match self.power_limits() {
            Ok(limits) => limits.current_uw,
            // There is none. After any other failure a limit would be left unguarded.
            Err(e) if matches!(e.kind(), Kind::NotSupported | Kind::NotFound) => None,
            Err(e) => return Err(e),
        };
        let locks = *self.locks.lock();
        Ok(SavedSettings { cap_uw, clocks, od_text, locks })
    }

    /// Restores what is not as it was saved, through libamd_smi and, where that fails, through sysfs. What counts is
    /// what can be read back: the first setting that is still not as it was is the error.
    pub fn restore(&self, saved: &SavedSettings) -> Result<()> {
        let mut locks = self.locks.lock();
        locks.locked = saved.locks.locked;
        if self.difference(saved).is_none() {
            return Ok(());
        }
        let first = self.writer("settings").and_then(|by| self.write_settings(&by, saved));
        let mut left = self.difference_after_writes(saved);
        if left.is_some() && self.amdsmi.is_some() {
            // Its failure is no better reason than the first one.
            let _ = self.write_settings(&self.sysfs_writer(), saved);
            left = self.difference_after_writes(saved);
        }
        match left {
            None => Ok(()),
            Some(Difference { what, saved, now }) => {
                Err(Error::NotRestored { device: self.label(), what, saved, now, cause: first.err().map(Box::new) })
            }
        }
    }

    /// The first setting that is not as it was saved, as an error.
    pub fn check_restored(&self, saved: &SavedSettings) -> Result<()> {
        self.difference(saved).map_or(Ok(()), |Difference { what, saved, now }| {
            Err(Error::NotRestored { device: self.label(), what, saved, now, cause: None })
        })
    }

    /// A failure of one setting does not keep the other one from being restored.
    fn write_settings(&self, by: &SettingsWriter, saved: &SavedSettings) -> Result<()> {
        let cap = saved.cap_uw.map_or(Ok(()), |uw| self.restore_power_limit(by, uw));
        let clocks =
            if self.clock_difference(saved).is_some() { self.write_clock_state(by, saved.clocks) } else { Ok(()) };
        cap.and(clocks)
    }

    fn difference_after_writes(&self, saved: &SavedSettings) -> Option<Difference> {
        read_back(|| self.difference(saved), Option::is_none)
    }

    fn difference(&self, saved: &SavedSettings) -> Option<Difference> {
        let cap = saved.cap_uw.and_then(|cap_uw| {
            let now = self.current_cap_uw();
            let differs = !now.is_some_and(|now| is_same(now, cap_uw));
            let text = |uw| watts_or_unreadable(uw);
            differs.then(|| Difference { what: POWER_LIMIT, saved: text(Some(cap_uw)), now: text(now) })
        });
        cap.or_else(|| self.clock_difference(saved))
    }

    fn clock_difference(&self, saved: &SavedSettings) -> Option<Difference> {
        let was = &saved.clocks;
        if *was == ClockState::default() {
            return None;
        }
        let now = self.files.clock_state();
        let bounds = |clock| {
            now.bounds_differ(was, clock).map(|_| Difference {
                what: domain_name(clock),
                saved: was.format_bounds(clock),
                now: now.format_bounds(clock),
            })
        };
        let level = || Difference {
            what: "performance level",
            saved: was.format_level().to_owned(),
            now: now.format_level().to_owned(),
        };
        CLOCKS.into_iter().find_map(bounds).or_else(|| (was.level.is_some() && now.level != was.level).then(level))
    }

    /// How sysfs alone restores the settings, whatever they are by then.
    #[must_use]
    pub fn sysfs_restores(&self, saved: &SavedSettings) -> Vec<SysfsRestore> {
        let mut steps = Vec::new();
        if let Some((uw, file)) = saved.cap_uw.zip(self.files.hwmon.power_cap_file()) {
            let writes = vec![SysfsWrite::value(file.clone(), uw)];
            steps.push(SysfsRestore { file, saved: uw.to_string(), waits: false, writes });
        }
        let Some(level) = saved.clocks.level else { return steps };
        let of_level = |level| vec![self.files.level_write(level)];
        let restore_level = SysfsRestore {
            file: self.files.level_file(),
            saved: level.name().to_owned(),
            waits: false,
            writes: of_level(level),
        };
        steps.push(restore_level.clone());
        // All other levels bring their own bounds.
        let Some(od_text) = saved.od_text.as_ref().filter(|_| level == Level::MANUAL) else { return steps };
        let bounds = CLOCKS.into_iter().filter_map(|clock| Some((clock, saved.clocks.of(clock)?)));
        let bounds = bounds.flat_map(|(clock, b)| [(clock, Bound::Min, b.min_mhz), (clock, Bound::Max, b.max_mhz)]);
        let writes = self.files.bound_writes(bounds);
        // A lower bound that the driver does not accept comes back with level auto.
        let attempts = [(false, writes.clone()), (true, of_level(Level::AUTO)), (true, writes)];
        steps.extend(attempts.map(|(waits, writes)| SysfsRestore {
            file: self.files.od_file(),
            saved: od_text.clone(),
            waits,
            writes,
        }));
        steps.push(restore_level);
        steps
    }
}
