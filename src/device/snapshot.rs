//! All values of one GPU at one time.

use crate::error::Kind;
use crate::gpu::{is_temperature, Powers, RawEnergy};

/// What a source reports. What is missing it did not report.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The count, or why there is none.
    pub energy: Result<RawEnergy, Kind>,
    pub powers: Powers,
    /// Hotspot (junction).
    pub hotspot_c: Option<i32>,
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
        powers: Powers,
        power_unsupported: bool,
        hotspot_c: Option<i32>,
        driver_ns: Option<u64>,
        stale_ms: Option<u64>,
    ) -> Self {
        Reading {
            energy: energy.map(|e| RawEnergy { stale_ms, ..e }),
            powers,
            hotspot_c: hotspot_c.filter(|c| is_temperature(*c)),
            driver_ns,
            stale_ms,
            counter_unsupported: energy.err() == Some(Kind::NotSupported),
            power_unsupported,
        }
    }

    /// Without the zeros of a die that reports nothing of its own, and with counts in the session's unit.
    #[must_use]
    pub fn checked(self, is_real: impl Fn(u64) -> bool, resolution_uj: impl Fn(f64) -> f64) -> Self {
        let real = |mw: &u64| is_real(*mw);
        let count = |e: RawEnergy| RawEnergy { resolution_uj: resolution_uj(e.resolution_uj), ..e };
        let powers =
            Powers { instant_mw: self.powers.instant_mw.filter(real), average_mw: self.powers.average_mw.filter(real) };
        Reading {
            energy: self
                .energy
                .and_then(|e| if is_real(e.accumulator) { Ok(count(e)) } else { Err(Kind::NotSupported) }),
            powers,
            ..self
        }
    }
}
