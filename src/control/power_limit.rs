//! The power limit: read, set, reset. Nothing is written when nothing changes, and every change is read back.

use super::controller::Controller;
use super::read_back::read_back;
use super::writer::{SettingsWriter, POWER_LIMIT};
use crate::device::{AmdsmiSource, SourceError};
use crate::error::{Error, Kind, Result};
use crate::gpu::{PowerLimit, PowerLimits};
use crate::platform::log;
use crate::sysfs::hwmon::{limit_file, UNKNOWN_LIMIT_MW};
use crate::sysfs::SysfsError;
use std::sync::atomic::Ordering;

impl Controller {
    /// One of the limits in milliwatts, rounded down; an error if the driver does not report it.
    pub fn power_limit_mw(&self, which: PowerLimit) -> Result<u64> {
        let by_sysfs = || self.files.hwmon.power_limit_uw(which).map_err(|error| (limit_file(which), error));
        let uw = self.limits(by_sysfs, |limits| limits.get(which))?.ok_or_else(|| self.no_limit(which))?;
        if uw % 1000 != 0 && !self.warned_rounding.swap(true, Ordering::Relaxed) {
            log::warning(|| {
                format!("{}: a power limit of {uw} µW is not a whole number of mW; rounded down", self.label())
            });
        }
        Ok(uw / 1000)
    }

    /// Sets the power limit of the package. The range is checked first, the result read back.
    pub(super) fn set_power_limit_uw(&self, limit_uw: u64) -> Result<()> {
        if limit_uw == 0 {
            return Err(Error::InvalidArgument(format!(
                "{}: 0 is not a power limit; to lift one, reset it",
                self.label()
            )));
        }
        self.warn_without_rights();
        let set = self.change_power_limit(|_| Ok(limit_uw))?;
        if set != limit_uw {
            log::warning(|| {
                format!(
                    "{}: the driver takes whole watts: {} is in force, not {}",
                    self.label(),
                    watts(set),
                    watts(limit_uw)
                )
            });
        }
        Ok(())
    }

    /// Sets the power limit back to the vendor's default.
    pub(super) fn reset_power_limit(&self) -> Result<()> {
        self.warn_without_rights();
        self.change_power_limit(|limits| limits.default_uw.ok_or_else(|| self.no_limit(PowerLimit::Default))).map(drop)
    }

    /// Returns what the driver takes for it.
    fn change_power_limit(&self, wanted: impl FnOnce(&PowerLimits) -> Result<u64>) -> Result<u64> {
        let _one_at_a_time = self.ranges.lock();
        let limits = self.power_limits()?;
        let asked = wanted(&limits)?;
        let current = limits.current_uw.ok_or_else(|| self.no_limit(PowerLimit::Current))?;
        if is_same(current, asked) {
            return Ok(asked);
        }
        let (min, max) = (lowest_uw(&limits), limits.max_uw.unwrap_or(UNKNOWN_LIMIT_MW * 1000));
        if !(min..=max).contains(&asked) {
            return Err(Error::OutOfRange {
                device: self.label(),
                what: POWER_LIMIT,
                asked: watts(asked),
                range: format!("{} to {}", watts(min), watts(max)),
            });
        }
        let wanted = whole_watts(asked);
        if is_same(current, wanted) {
            return Ok(wanted);
        }
        let by = self.writer(POWER_LIMIT)?;
        by.set_power_cap_uw(wanted)?;
        let is_done = |now: &Result<Option<u64>>| now.as_ref().map_or(true, |n| n.is_some_and(|n| is_same(n, wanted)));
        let now = read_back(|| self.power_limits().map(|l| l.current_uw), is_done);
        if is_done(&now) {
            return now.map(|_| wanted);
        }
        Err(by.not_applied(POWER_LIMIT, watts(wanted), watts_or_unreadable(now?)))
    }

    /// Writes a saved limit. The range was that of another time, so the driver decides.
    pub(super) fn restore_power_limit(&self, by: &SettingsWriter, saved_uw: u64) -> Result<()> {
        if self.current_cap_uw().is_some_and(|now| is_same(now, saved_uw)) {
            return Ok(());
        }
        by.set_power_cap_uw(saved_uw)
    }

    /// The limit in force, through either way.
    pub(super) fn current_cap_uw(&self) -> Option<u64> {
        self.power_limits().ok().and_then(|l| l.current_uw).or_else(|| self.files.hwmon.power_cap_uw())
    }

    /// All limits; fails if one cannot be read.
    pub(super) fn power_limits(&self) -> Result<PowerLimits> {
        self.limits(|| self.files.hwmon.power_limits(), |limits| limits)
    }

    /// Limits by sysfs, or by libamd_smi, which always reads all.
    fn limits<T>(
        &self,
        by_sysfs: impl Fn() -> std::result::Result<T, (&'static str, SysfsError)>,
        of_all: impl Fn(PowerLimits) -> T,
    ) -> Result<T> {
        self.identity.check_own_power(POWER_LIMIT)?;
        self.check_active(POWER_LIMIT)?;
        let hwmon = &self.files.hwmon;
        let by_sysfs = || {
            by_sysfs().map_err(|(file, error)| match error.kind() {
                Kind::NotSupported if !hwmon.is_there() => {
                    SourceError::NotSupported("the driver has no hwmon folder for it")
                }
                _ => SourceError::Sysfs { file, error },
            })
        };
        let by_amdsmi = |amdsmi: &AmdsmiSource| amdsmi.power_limits().map(&of_all);
        let limits = match &self.amdsmi {
            None => by_sysfs(),
            Some(amdsmi) if self.prefers_sysfs => by_sysfs().or_else(|e| by_amdsmi(amdsmi).map_err(|_| e)),
            // It answers "not supported" for files that cannot be read.
            Some(amdsmi) => by_amdsmi(amdsmi).map_err(|e| match by_sysfs() {
                Err(own) if e.kind() == Kind::NotSupported && own.kind() != Kind::NotSupported => own,
                _ => e,
            }),
        };
        limits.map_err(|e| self.error(POWER_LIMIT, e))
    }

    pub(super) fn no_limit(&self, which: PowerLimit) -> Error {
        match self.files.hwmon.power_limit_uw(which) {
            // libamd_smi leaves out what it could not read.
            Err(error) if error.kind() != Kind::NotSupported => {
                return self.error(POWER_LIMIT, SourceError::Sysfs { file: limit_file(which), error });
            }
            _ => {}
        }
        let why = if self.amdsmi.as_ref().is_some_and(AmdsmiSource::hides_high_limits) {
            "the driver reports none, or libamd_smi cannot show one of 1000 W and more and the hwmon folder is not readable"
        } else {
            "the driver reports none"
        };
        self.identity.not_supported(POWER_LIMIT, why)
    }
}

/// The lowest limit that is plausible. Many drivers report a range from 0; no GPU can work below a tenth of its default
/// limit, which is less than it draws idle, so a lower one is a mistake such as 300 mW for 300 W. Without a default one, of the
/// highest, or of the one in force.
fn lowest_uw(limits: &PowerLimits) -> u64 {
    const LEAST_UW: u64 = 1_000_000;
    match limits.min_uw {
        Some(min) if min >= LEAST_UW => min,
        _ => limits.default_uw.or(limits.max_uw).or(limits.current_uw).map_or(LEAST_UW, |uw| (uw / 10).max(LEAST_UW)),
    }
}

/// What the driver takes: it drops what is below a watt (amdgpu_hwmon_set_power_cap in
/// drivers/gpu/drm/amd/pm/amdgpu_pm.c). No limit that is in the range is less than one.
fn whole_watts(uw: u64) -> u64 {
    const WATT_UW: u64 = 1_000_000;
    uw - uw % WATT_UW
}

/// Zeus's rule: the same milliwatts are the same limit.
pub(super) fn is_same(a_uw: u64, b_uw: u64) -> bool {
    a_uw / 1000 == b_uw / 1000
}

/// For texts: a saturated limit is not written out.
fn watts(uw: u64) -> String {
    if uw == u64::MAX {
        "above the representable limit".to_owned()
    } else {
        format!("{} W", uw as f64 / 1e6)
    }
}

pub(super) fn watts_or_unreadable(uw: Option<u64>) -> String {
    uw.map_or_else(|| super::clock_state::NOT_READABLE.to_owned(), watts)
}
