//! The power limit of one GPU, as it stands.

use super::Device;
use crate::amdsmi::PowerCaps;
use crate::error::{Error, Result};
use crate::platform::log;
use std::sync::atomic::Ordering;

/// Power limits in milliwatts, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerLimits {
    pub current_mw: Option<u64>,
    pub default_mw: Option<u64>,
    pub min_mw: Option<u64>,
    pub max_mw: Option<u64>,
}

impl Device {
    pub fn power_limits(&self) -> Result<PowerLimits> {
        let caps = self.power_caps()?;
        let mw = |uw: Option<u64>| {
            uw.map(|uw| {
                if uw % 1000 != 0 && !self.warned_rounding.swap(true, Ordering::Relaxed) {
                    log::warning(|| {
                        format!("{}: a power limit of {uw} µW is not a whole number of mW; rounded down", self.label())
                    });
                }
                uw / 1000
            })
        };
        Ok(PowerLimits {
            current_mw: mw(caps.current_uw),
            default_mw: mw(caps.default_uw),
            min_mw: mw(caps.min_uw),
            max_mw: mw(caps.max_uw),
        })
    }

    /// The caps in µW.
    pub(super) fn power_caps(&self) -> Result<PowerCaps> {
        self.check_own_power("power limit")?;
        match &self.amdsmi {
            Some(amdsmi) => self.vendor_caps(amdsmi),
            None => self.file_caps(),
        }
    }

    /// One of the limits; absent is a failure.
    pub fn power_limit_mw(&self, which: impl FnOnce(&PowerLimits) -> Option<u64>) -> Result<u64> {
        which(&self.power_limits()?).ok_or_else(|| self.no_limit())
    }

    pub(super) fn no_limit(&self) -> Error {
        self.not_supported(
            "power limit",
            "the driver reports none, or libamd_smi cannot show one of 1000 W and more and the hwmon folder is not readable",
        )
    }
}
