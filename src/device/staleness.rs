//! Is a reading a new one? Its own clock has to go on.

use super::Device;
use crate::error::{Error, Result};
use crate::platform::clock::coarse_ns;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// The driver refreshes its table in 1 to 20 ms, a libamd_smi with a cache in 100: after this the value is old.
const STALE_AFTER_NS: u64 = 250_000_000;

/// Whether the readings of one GPU are new ones.
#[derive(Debug)]
pub(super) struct StalenessDetector {
    /// That of `last`, once it is paced: then no more is needed to know a new reading, nor a lock.
    min_offset_ns: AtomicI64,
    last: Mutex<LastDriverTime>,
}

/// So far from any lag that nothing is near.
const UNKNOWN: i64 = i64::MAX;

impl Default for StalenessDetector {
    fn default() -> Self {
        StalenessDetector { min_offset_ns: AtomicI64::new(UNKNOWN), last: Mutex::default() }
    }
}

impl StalenessDetector {
    /// Surely new.
    #[inline]
    fn is_new(&self, driver_ns: u64, now: u64) -> bool {
        let lag = now.wrapping_sub(driver_ns) as i64;
        lag.wrapping_sub(self.min_offset_ns.load(Ordering::Relaxed)) as u64 <= STALE_AFTER_NS
    }

    /// How long the driver's time has been `driver_ns`, if that is too long.
    #[inline]
    pub fn stale_for_ns(&self, driver_ns: u64, now: u64) -> Option<u64> {
        if self.is_new(driver_ns, now) {
            None
        } else {
            self.check_slow_path(driver_ns, now)
        }
    }

    #[inline(never)]
    fn check_slow_path(&self, driver_ns: u64, now: u64) -> Option<u64> {
        let mut last = self.last.lock();
        let age = last.stale_for_ns(driver_ns, now);
        if last.in_sync {
            self.min_offset_ns.store(last.min_offset_ns, Ordering::Relaxed);
        }
        age
    }
}

/// The driver time last seen, and when it was first seen, on our clock.
#[derive(Debug, Default)]
struct LastDriverTime {
    driver_ns: u64,
    first_seen_ns: u64,
    /// How far our clock is ahead of the driver's at least, whatever the driver's zero is.
    min_offset_ns: i64,
    /// A driver time some while ago, and when it was first seen: from then on shows how fast its clock goes.
    earlier: (u64, u64),
    /// As fast as ours: then the lag tells how old a reading is.
    in_sync: bool,
}

impl LastDriverTime {
    /// How long the driver's time has been `driver_ns`, if that is too long.
    fn stale_for_ns(&mut self, driver_ns: u64, now: u64) -> Option<u64> {
        let lag = now.wrapping_sub(driver_ns) as i64;
        self.min_offset_ns = if self.driver_ns == 0 { lag } else { self.min_offset_ns.min(lag) };
        if self.driver_ns != driver_ns {
            let (ours, theirs) = (now.saturating_sub(self.earlier.1), driver_ns.wrapping_sub(self.earlier.0));
            if ours > STALE_AFTER_NS {
                self.in_sync |= self.driver_ns != 0 && theirs.abs_diff(ours) < ours / 4;
                self.earlier = (driver_ns, now);
            }
            (self.driver_ns, self.first_seen_ns) = (driver_ns, now);
        }
        // A time that is new to us may be old all the same.
        let lagging = if self.in_sync { lag.wrapping_sub(self.min_offset_ns).unsigned_abs() } else { 0 };
        let age = now.saturating_sub(self.first_seen_ns).max(lagging);
        (age > STALE_AFTER_NS).then_some(age)
    }
}

/// A look that seems old is taken once more: this thread may have stood still between it and the clock.
pub(super) fn retry_if_stale<T, E>(
    look: impl Fn() -> std::result::Result<T, E>,
    is_old: impl Fn(&T) -> bool,
) -> std::result::Result<T, E> {
    match look() {
        Ok(polled) if is_old(&polled) => retry(look),
        polled => polled,
    }
}

#[cold]
#[inline(never)]
fn retry<T>(look: impl Fn() -> T) -> T {
    look()
}

impl Device {
    /// How long the driver's time has been `driver_ns`, if that is too long.
    #[inline]
    pub(super) fn stale_for_ms(&self, driver_ns: Option<u64>) -> Option<u64> {
        let now = coarse_ns();
        self.staleness.stale_for_ns(driver_ns?, now).map(|ns| ns / 1_000_000)
    }

    pub(super) fn check_fresh(&self, what: &'static str, stale_ms: Option<u64>) -> Result<()> {
        stale_ms.map_or(Ok(()), |age_ms| Err(Error::Stale { device: self.label(), what, age_ms }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const NONE: [u64; 0] = [];
    /// The driver's clock is behind ours by so much.
    const ZERO: u64 = 5_000 * MS;

    /// Readings at these times of ours, of tables so much older: for how long have those stood that are stale, in ms?
    fn stale(staleness: &StalenessDetector, readings: impl IntoIterator<Item = (u64, u64)>) -> Vec<u64> {
        let age = |(now, old): (u64, u64)| staleness.stale_for_ns(ZERO + now - old, 2 * ZERO + now);
        readings.into_iter().filter_map(age).map(|ns| ns / MS).collect()
    }

    /// Read often or seldom, a clock is known after a while; then a table shows its age that nobody saw get old.
    #[test]
    fn an_old_table_that_is_new_to_us() {
        for every_ms in [1, 10, 300] {
            let staleness = StalenessDetector::default();
            assert_eq!(stale(&staleness, [(0, 400 * MS)]), NONE, "not known yet");
            let readings = (1..=1000 / every_ms + 1).map(|n| (n * every_ms * MS, (n - 1) % 7 * MS));
            assert_eq!(stale(&staleness, readings), NONE);
            let later = 2000 * MS;
            assert_eq!(stale(&staleness, [(later, 200 * MS)]), NONE);
            assert_eq!(stale(&staleness, [(later, 400 * MS)]), [400], "every {every_ms} ms");
            assert_eq!(stale(&staleness, [(later, 0)]), NONE);
        }
    }

    #[test]
    fn a_table_that_stands() {
        // The clock is not known yet: only what was seen to stand.
        let staleness = StalenessDetector::default();
        assert_eq!(stale(&staleness, (0..6).map(|n| (n * 100 * MS, n * 100 * MS))), [300, 400, 500]);
        // The machine slept, which the driver's clock counts and ours does not.
        let staleness = StalenessDetector::default();
        assert_eq!(stale(&staleness, (0..500).map(|n| (n * MS, 0))), NONE);
        let slept = 3_600_000 * MS;
        let awake = |driver: u64, ours: u64| staleness.stale_for_ns(ZERO + slept + driver, 2 * ZERO + ours);
        assert_eq!((awake(600 * MS, 600 * MS), awake(601 * MS, 601 * MS)), (None, None));
        assert_eq!(awake(601 * MS, 1000 * MS), Some(399 * MS));
    }
}
