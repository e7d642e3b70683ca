//! Is a reading a new one? Its own clock has to go on.

use super::Device;
use crate::clock::coarse_ns;
use crate::error::{Error, Result};

/// The driver refreshes its table in 1 to 20 ms, a libamd_smi with a cache in 100: after this the value is old.
const STALE_AFTER_NS: u64 = 250_000_000;

/// The driver time last seen, and when it was first seen, on our clock.
#[derive(Debug, Default)]
pub(super) struct LastTime {
    driver_ns: u64,
    first_seen_ns: u64,
    /// How far our clock is ahead of the driver's at least, whatever the driver's zero is.
    least_lag_ns: i64,
    /// The driver's clock was seen to go as fast as ours: then the lag tells how old a reading is.
    paced: bool,
}

impl LastTime {
    /// How long the driver's time has been `driver_ns`, if that is too long.
    fn standing_still_ns(&mut self, driver_ns: u64, now: u64) -> Option<u64> {
        let lag = now.wrapping_sub(driver_ns) as i64;
        self.least_lag_ns = if self.driver_ns == 0 { lag } else { self.least_lag_ns.min(lag) };
        if self.driver_ns != driver_ns {
            let (ours, theirs) = (now.saturating_sub(self.first_seen_ns), driver_ns.wrapping_sub(self.driver_ns));
            self.paced |= self.driver_ns != 0 && ours > STALE_AFTER_NS && theirs.abs_diff(ours) < ours / 4;
            (self.driver_ns, self.first_seen_ns) = (driver_ns, now);
        }
        // A time that is new to us may be old all the same.
        let lagging = if self.paced { lag.wrapping_sub(self.least_lag_ns).unsigned_abs() } else { 0 };
        let age = now.saturating_sub(self.first_seen_ns).max(lagging);
        (age > STALE_AFTER_NS).then_some(age)
    }
}

/// A look that seems old is taken once more: this thread may have stood still between it and the clock.
#[inline(always)]
pub(super) fn again_if_old<T, E>(
    look: impl Fn() -> std::result::Result<T, E>,
    is_old: impl Fn(&T) -> bool,
) -> std::result::Result<T, E> {
    match look() {
        Ok(looked) if is_old(&looked) => again(look),
        looked => looked,
    }
}

#[cold]
#[inline(never)]
fn again<T>(look: impl Fn() -> T) -> T {
    look()
}

impl Device {
    /// How long the driver's time has been `driver_ns`, if that is too long.
    #[inline]
    pub(super) fn standing_still_ms(&self, driver_ns: Option<u64>) -> Option<u64> {
        let now = coarse_ns();
        self.last_time.lock().standing_still_ns(driver_ns?, now).map(|ns| ns / 1_000_000)
    }

    pub(super) fn refuse_stale(&self, what: &'static str, stale_ms: Option<u64>) -> Result<()> {
        stale_ms.map_or(Ok(()), |age_ms| Err(Error::Stale { device: self.label(), what, age_ms }))
    }
}
