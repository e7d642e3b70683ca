//! The settings of one GPU, read to be saved, and restored.

use super::clock_levels::NO_CLOCKS;
use super::clock_state::{domain_name, format_range, ClockState, CLOCKS};
use super::controller::Controller;
use super::power_limit::{is_same, watts_or_unreadable};
use super::read_back::read_back;
use super::restore_clocks::restore_clocks;
use super::sysfs_settings::FileError;
use super::writer::POWER_LIMIT;
use crate::device::SourceError;
use crate::error::{Error, Result};
use crate::gpu::{Clock, PowerLimit};
use crate::sysfs::pp_od::{Bounds, Table};
use crate::sysfs::SysfsError;
use std::fmt;

const CLOCKS_WHAT: &str = "clock range";

/// Settings to restore; what is absent is left alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    pub cap_uw: Option<u64>,
    pub clocks: Option<ClockState>,
}

/// A change of settings.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    PowerLimit {
        uw: u64,
    },
    ResetPowerLimit,
    Lock(Clock, Bounds),
    /// `None`: both clocks.
    Reset(Option<Clock>),
}

/// A setting that is not as it was saved.
pub struct Difference {
    what: &'static str,
    saved: String,
    now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} now, {} before", self.what, self.now, self.saved)
    }
}

impl Controller {
    /// Makes a change.
    pub fn apply(&self, change: &Change) -> Result<()> {
        self.reporting_moved(|| match *change {
            Change::PowerLimit { uw } => self.set_power_limit_uw(uw),
            Change::ResetPowerLimit => self.reset_power_limit(),
            Change::Lock(clock, bounds) => self.lock_clocks(clock, bounds),
            Change::Reset(which) => self.reset_clocks(which),
        })
    }

    /// What is in force of the settings that a change concerns. What cannot be read could not be restored: an error.
    pub fn save(&self, change: &Change) -> Result<Settings> {
        match change {
            Change::PowerLimit { .. } | Change::ResetPowerLimit => {
                let cap_uw = self.power_limits()?.current_uw.ok_or_else(|| self.no_limit(PowerLimit::Current))?;
                Ok(Settings { cap_uw: Some(cap_uw), clocks: None })
            }
            Change::Lock(..) | Change::Reset(_) => {
                let (clocks, table) = self.saved_clocks()?;
                if let Change::Lock(clock, wanted) = *change {
                    self.check_can_come_back(&table, clock, wanted)?;
                }
                Ok(Settings { cap_uw: None, clocks: Some(clocks) })
            }
        }
    }

    /// RDNA2's memory starts with a lower bound that its driver does not take
    /// (sienna_cichlid_od_edit_dpm_table in drivers/gpu/drm/amd/pm/swsmu/smu11/sienna_cichlid_ppt.c).
    fn check_can_come_back(&self, table: &Table, clock: Clock, wanted: Bounds) -> Result<()> {
        let (Some(now), Some(range)) = (table.of(clock), table.range_of(clock)) else { return Ok(()) };
        let is_lost = |now: u32, wanted: u32| now != wanted && !(range.min_mhz..=range.max_mhz).contains(&now);
        if is_lost(now.min_mhz, wanted.min_mhz) || is_lost(now.max_mhz, wanted.max_mhz) {
            let (now, range) = (format_range(now), format_range(range));
            let why = format!("its bounds of now, {now}, are not within {range} (OD_RANGE), so the driver would not take them back; keep the one that is outside, or change it without a guard");
            return Err(self.identity.not_supported(domain_name(clock), &why));
        }
        Ok(())
    }

    fn saved_clocks(&self) -> Result<(ClockState, Table)> {
        self.identity.check_own_clocks(CLOCKS_WHAT)?;
        self.check_active(CLOCKS_WHAT)?;
        let sysfs = self.files.sysfs();
        let read = || Ok((sysfs.level()?, sysfs.od_table()?));
        let (level, table) = read().map_err(|FileError { file, errno }| {
            self.error(CLOCKS_WHAT, SourceError::Sysfs { file, error: SysfsError::Os(errno) })
        })?;
        let why = match level {
            None => "the driver shows no performance level that is known (power_dpm_force_performance_level)",
            Some(_) if table.graphics.is_none() && table.memory.is_none() => NO_CLOCKS,
            Some(_) => return Ok((ClockState { level, graphics: table.graphics, memory: table.memory }, table)),
        };
        Err(self.identity.not_supported(CLOCKS_WHAT, &format!("{why}; a change could not be undone")))
    }

    /// Restores what is not as it was saved, through sysfs or libamd_smi and, where that fails, the other one. What counts is
    /// what can be read back: the first setting that is still not as it was is the error.
    pub fn restore(&self, saved: &Settings) -> Result<()> {
        let _one_at_a_time = self.ranges.lock();
        if self.difference(saved).is_none() {
            return Ok(());
        }
        self.reporting_moved(|| {
            let first = self.write_settings(saved, true);
            let mut left = self.difference_after_writes(saved);
            if left.is_some() && self.amdsmi.is_some() {
                // Its failure is no better reason than the first one.
                let _ = self.write_settings(saved, false);
                left = self.difference_after_writes(saved);
            }
            match left {
                None => Ok(()),
                Some(Difference { what, saved, now }) => {
                    Err(Error::NotRestored { device: self.label(), what, saved, now, cause: first.err().map(Box::new) })
                }
            }
        })
    }

    /// Whether nothing differs from what was saved.
    #[must_use]
    pub fn is_as_saved(&self, saved: &Settings) -> bool {
        self.difference(saved).is_none()
    }

    /// A failure of one setting does not keep the other one from being restored.
    fn write_settings(&self, saved: &Settings, is_first: bool) -> Result<()> {
        let by = |what| self.restoring_writer(what, is_first);
        let cap = saved.cap_uw.map_or(Ok(()), |uw| self.restore_power_limit(&by(POWER_LIMIT)?, uw));
        let clocks = saved.clocks.map_or(Ok(()), |was| restore_clocks(&by(CLOCKS_WHAT)?, &was));
        cap.and(clocks)
    }

    fn difference_after_writes(&self, saved: &Settings) -> Option<Difference> {
        read_back(|| self.difference(saved), Option::is_none)
    }

    fn difference(&self, saved: &Settings) -> Option<Difference> {
        let cap = saved.cap_uw.and_then(|cap_uw| {
            let now = self.current_cap_uw();
            let differs = !now.is_some_and(|now| is_same(now, cap_uw));
            let text = |uw| watts_or_unreadable(uw);
            differs.then(|| Difference { what: POWER_LIMIT, saved: text(Some(cap_uw)), now: text(now) })
        });
        cap.or_else(|| self.clocks_differ(&self.files.clock_state(), &saved.clocks?))
    }

    pub(super) fn clocks_differ(&self, now: &ClockState, was: &ClockState) -> Option<Difference> {
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
}
