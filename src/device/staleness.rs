//! Is a reading a new one? The driver's clock has to advance from one to the next.

use crate::energy::DriverClock;
use crate::platform::clock::coarse_ns;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// The driver refreshes its table in 1 to 20 ms, a libamd_smi with a cache in 100: an older value is stale.
const STALE_AFTER_NS: u64 = 250_000_000;

/// Whether the readings of one GPU are new ones.
#[derive(Debug)]
pub struct StalenessDetector {
    /// The clock's offset, once it is in sync: then a new reading is recognised by it, without the lock.
    min_offset_ns: AtomicI64,
    last: Mutex<LastDriverTime>,
}

/// Sentinel: offset unknown.
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

    /// How long the driver's time has been `driver_ns`, if too long.
    #[inline]
    pub fn stale_for_ns(&self, driver_ns: u64, now: u64) -> Option<u64> {
        if self.is_new(driver_ns, now) {
            None
        } else {
            self.check_slow_path(driver_ns, now)
        }
    }

    /// The same now, in milliseconds. A reading without a time is not known to be stale.
    #[inline]
    pub fn stale_for_ms(&self, driver_ns: Option<u64>) -> Option<u64> {
        let now = coarse_ns();
        self.stale_for_ns(driver_ns?, now).map(|ns| ns / 1_000_000)
    }

    #[inline(never)]
    fn check_slow_path(&self, driver_ns: u64, now: u64) -> Option<u64> {
        let mut last = self.last.lock();
        let age = last.stale_for_ns(driver_ns, now);
        if let Some(offset_ns) = last.clock.in_sync_offset_ns() {
            self.min_offset_ns.store(offset_ns, Ordering::Relaxed);
        }
        age
    }
}

/// The driver time last read, and when it was first read, on this library's clock.
#[derive(Debug, Default)]
struct LastDriverTime {
    driver_ns: u64,
    first_seen_ns: u64,
    clock: DriverClock,
}

impl LastDriverTime {
    /// How long the driver's time has been `driver_ns`, if too long.
    fn stale_for_ns(&mut self, driver_ns: u64, now: u64) -> Option<u64> {
        self.clock.add(driver_ns, now);
        if self.driver_ns != driver_ns {
            (self.driver_ns, self.first_seen_ns) = (driver_ns, now);
        }
        // A time that is read for the first time may be an old one all the same.
        let lag = now.wrapping_sub(driver_ns) as i64;
        let lagging = self.clock.in_sync_offset_ns().map_or(0, |offset| lag.wrapping_sub(offset).unsigned_abs());
        let age = now.saturating_sub(self.first_seen_ns).max(lagging);
        (age > STALE_AFTER_NS).then_some(age)
    }
}

/// Reads again where the first read seems stale: this thread may have been suspended between the read and the clock.
pub fn retry_if_stale<T, E>(read: impl Fn() -> Result<T, E>, is_stale: impl Fn(&T) -> bool) -> Result<T, E> {
    match read() {
        Ok(value) if is_stale(&value) => retry(read),
        value => value,
    }
}

#[cold]
#[inline(never)]
fn retry<T>(read: impl Fn() -> T) -> T {
    read()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const NONE: [u64; 0] = [];
    /// How far this library's clock is ahead of the driver's.
    const ZERO: u64 = 5_000 * MS;

    /// Readings at these times, of tables so much older: how long each stale one has been stalled, in ms.
    fn stale(staleness: &StalenessDetector, readings: impl IntoIterator<Item = (u64, u64)>) -> Vec<u64> {
        let age = |(now, old): (u64, u64)| staleness.stale_for_ns(ZERO + now - old, 2 * ZERO + now);
        readings.into_iter().filter_map(age).map(|ns| ns / MS).collect()
    }

    /// Read often or rarely, a clock is in sync after a while; then a table's age is known at its first read.
    #[test]
    fn an_old_table_that_is_read_for_the_first_time() {
        for every_ms in [1, 10, 300] {
            let staleness = StalenessDetector::default();
            assert_eq!(stale(&staleness, [(0, 400 * MS)]), NONE, "not in sync yet");
            let readings = (1..=1000 / every_ms + 1).map(|n| (n * every_ms * MS, (n - 1) % 7 * MS));
            assert_eq!(stale(&staleness, readings), NONE);
            let later = 2000 * MS;
            assert_eq!(stale(&staleness, [(later, 200 * MS)]), NONE);
            assert_eq!(stale(&staleness, [(later, 400 * MS)]), [400], "every {every_ms} ms");
            assert_eq!(stale(&staleness, [(later, 0)]), NONE);
        }
    }

    #[test]
    fn a_stalled_table() {
        // The clock is not in sync yet: only a stall that was observed is known.
        let staleness = StalenessDetector::default();
        assert_eq!(stale(&staleness, (0..6).map(|n| (n * 100 * MS, n * 100 * MS))), [300, 400, 500]);
        // The machine was suspended, which the driver's clock counts and this library's does not.
        let staleness = StalenessDetector::default();
        assert_eq!(stale(&staleness, (0..500).map(|n| (n * MS, 0))), NONE);
        let suspended = 3_600_000 * MS;
        let resumed = |driver: u64, now: u64| staleness.stale_for_ns(ZERO + suspended + driver, 2 * ZERO + now);
        assert_eq!((resumed(600 * MS, 600 * MS), resumed(601 * MS, 601 * MS)), (None, None));
        assert_eq!(resumed(601 * MS, 1000 * MS), Some(399 * MS));
    }
}
