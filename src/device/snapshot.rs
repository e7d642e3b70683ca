//! All values of one GPU at one time.

use crate::error::Kind;
use crate::gpu::{Powers, RawEnergy, Temperature};

/// What a source reports. What is missing it did not report.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The count, or why there is none.
    pub energy: Result<RawEnergy, Kind>,
    pub powers: Powers,
    /// The powers are of the driver's time; else they were read after that.
    pub powers_in_table: bool,
    pub temperature: Option<Temperature>,
    /// The driver's clock (boot time) of all of it.
    pub driver_ns: Option<u64>,
    /// `Some(age)` if that clock has been stalled for too long.
    pub stale_ms: Option<u64>,
    /// A count, or a power, that is missing now will be missing later too.
    pub counter_unsupported: bool,
    pub power_unsupported: bool,
}

impl Reading {
    #[must_use]
    pub fn new(
        energy: Result<RawEnergy, Kind>,
        powers: Result<Powers, Kind>,
        temperature: Option<Temperature>,
        driver_ns: Option<u64>,
        stale_ms: Option<u64>,
    ) -> Self {
        Reading {
            energy: energy.map(|e| RawEnergy { stale_ms, ..e }),
            power_unsupported: powers.map_or_else(|e| e == Kind::NotSupported, |p| !p.any()),
            powers: powers.unwrap_or_default(),
            powers_in_table: false,
            temperature,
            driver_ns,
            stale_ms,
            counter_unsupported: energy.err() == Some(Kind::NotSupported),
        }
    }

    /// Without a count of 0, and with counts in the session's unit.
    #[must_use]
    pub fn checked(self, resolution_uj: impl Fn(f64) -> f64) -> Self {
        let count = |e: RawEnergy| match e.accumulator {
            0 => Err(Kind::UnexpectedData),
            _ => Ok(RawEnergy { resolution_uj: resolution_uj(e.resolution_uj), ..e }),
        };
        Reading { energy: self.energy.and_then(count), ..self }
    }
}
