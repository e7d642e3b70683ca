//! Is a reading a new one? The driver's clock has to advance from one to the next. And does its time make sense at all?

use crate::energy::DriverClock;
use crate::platform::clock::{boot_ns, coarse_ns};
use crate::sysfs::Implausible;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// The driver refreshes its table in 1 to 20 ms, a libamd_smi with a cache in 100: an older value is stale.
const STALE_AFTER_NS: u64 = 250_000_000;
/// A time that lies no further behind the clock is right by itself.
const NEAR_NS: u64 = 1_000_000_000;
/// So many tables in a row that follow from each other, but not from the last good one, show that the driver has another
/// clock now: a process that was moved to another time namespace.
const CONFIRMATIONS: u32 = 3;

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

/// A reading without a time is not known to be stale.
type Staleness = Result<Option<u64>, Implausible>;

impl StalenessDetector {
    /// For how many milliseconds the driver's time has been this one, if too long; an error for one that cannot be right.
    pub fn check(&self, driver_ns: Option<u64>) -> Staleness {
        let Some(driver_ns) = driver_ns else { return Ok(None) };
        let now = coarse_ns();
        if self.is_soon_after(driver_ns, now) {
            Ok(None)
        } else {
            self.check_at(driver_ns, now, boot_ns())
        }
    }

    #[inline]
    fn is_soon_after(&self, driver_ns: u64, now: u64) -> bool {
        let lag = now.wrapping_sub(driver_ns) as i64;
        lag.wrapping_sub(self.min_offset_ns.load(Ordering::Relaxed)) as u64 <= STALE_AFTER_NS
    }

    /// The same of a reading taken after `now`, a time of [`coarse_ns`].
    #[inline(always)]
    pub fn is_new(&self, driver_ns: u64, now: u64) -> bool {
        // How far the clocks are apart is learned from a later time only: the reading may have had to wait since `now`.
        self.is_soon_after(driver_ns, now) || self.check_at(driver_ns, coarse_ns(), boot_ns()) == Ok(None)
    }

    #[inline(never)]
    fn check_at(&self, driver_ns: u64, now: u64, boot_ns: u64) -> Staleness {
        let mut last = self.last.lock();
        let age_ns = last.check(driver_ns, now, boot_ns)?;
        let offset_ns = last.clock.in_sync_offset_ns().unwrap_or(UNKNOWN);
        self.min_offset_ns.store(offset_ns, Ordering::Relaxed);
        Ok(age_ns.map(|ns| ns / 1_000_000))
    }
}

/// A driver time, and `CLOCK_BOOTTIME` when it was read.
#[derive(Debug, Clone, Copy)]
struct TimePair {
    driver_ns: u64,
    boot_ns: u64,
}

impl TimePair {
    /// It is not in the future, and not long past.
    fn is_near(self) -> bool {
        self.boot_ns.saturating_add(STALE_AFTER_NS).wrapping_sub(self.driver_ns) <= NEAR_NS
    }

    /// It has not run faster than the clock since an earlier one, nor backwards. Threads may read in another order.
    fn follows(self, earlier: TimePair) -> bool {
        let ns = self.driver_ns.saturating_add(STALE_AFTER_NS).checked_sub(earlier.driver_ns);
        let most_ns = self.boot_ns.saturating_sub(earlier.boot_ns) + 2 * STALE_AFTER_NS;
        ns.is_some_and(|ns| ns <= most_ns)
    }
}

/// The driver time last read, and when it was first read, on this library's clock.
#[derive(Debug, Default)]
struct LastDriverTime {
    good: Option<TimePair>,
    /// The last time that does not follow from the good one, and how many have followed from each other.
    other: Option<(TimePair, u32)>,
    first_seen_ns: u64,
    clock: DriverClock,
    /// There have been two times of this clock.
    has_advanced: bool,
}

impl LastDriverTime {
    /// How long the driver's time has been `driver_ns`, if too long.
    fn check(&mut self, driver_ns: u64, now: u64, boot_ns: u64) -> Staleness {
        self.accept(TimePair { driver_ns, boot_ns })?;
        self.clock.add(driver_ns, now);
        if self.good.map(|good| good.driver_ns) != Some(driver_ns) {
            self.first_seen_ns = now;
            self.has_advanced |= self.good.is_some();
        }
        self.good = Some(TimePair { driver_ns, boot_ns });
        // A time that is read for the first time may be an old one all the same.
        let lag = now.wrapping_sub(driver_ns) as i64;
        let lagging = if self.has_advanced {
            lag.wrapping_sub(self.clock.min_offset_ns()).unsigned_abs()
        } else {
            // Nothing shows yet that the driver has another clock.
            boot_ns.saturating_sub(driver_ns)
        };
        let age = now.saturating_sub(self.first_seen_ns).max(lagging);
        Ok((age > STALE_AFTER_NS).then_some(age))
    }

    fn accept(&mut self, time: TimePair) -> Result<(), Implausible> {
        let follows = match self.good {
            Some(good) => time.follows(good),
            // Without an earlier one only the future is wrong.
            None => time.driver_ns <= time.boot_ns.saturating_add(STALE_AFTER_NS),
        };
        if !follows && !time.is_near() {
            let count = match self.other {
                Some((other, count)) if other.driver_ns == time.driver_ns => count,
                Some((other, count)) if time.follows(other) => count + 1,
                _ => 1,
            };
            if count < CONFIRMATIONS {
                self.other = Some((time, count));
                return Err(Implausible::Time);
            }
        }
        if !follows {
            // Times that followed from each other have shown that another clock runs.
            (self.clock, self.good, self.has_advanced) = (DriverClock::default(), None, !time.is_near());
        }
        self.other = None;
        Ok(())
    }
}

/// Reads again where the first read is in doubt: the driver may have been refilling the table, or this thread may have been
/// suspended between the read and the clock.
pub fn retry_if<T>(read: impl Fn() -> T, in_doubt: impl Fn(&T) -> bool) -> T {
    match read() {
        value if in_doubt(&value) => retry(read),
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
        let age = |(now, old): (u64, u64)| staleness.check_at(ZERO + now - old, 2 * ZERO + now, ZERO + now).unwrap();
        readings.into_iter().filter_map(age).collect()
    }

    /// Read often or rarely, a clock is in sync after a while; then a table's age is known at its first read.
    #[test]
    fn an_old_table_that_is_read_for_the_first_time() {
        for every_ms in [1, 10, 300] {
            let staleness = StalenessDetector::default();
            assert_eq!(stale(&staleness, [(0, 400 * MS)]), [400], "it lies behind the clock");
            let readings = (1..=1000 / every_ms + 1).map(|n| (n * every_ms * MS, (n - 1) % 7 * MS));
            assert_eq!(stale(&staleness, readings), NONE);
            let later = 2000 * MS;
            assert_eq!(stale(&staleness, [(later, 200 * MS)]), NONE);
            assert_eq!(stale(&staleness, [(later, 400 * MS)]), [400], "every {every_ms} ms");
            assert_eq!(stale(&staleness, [(later, 0)]), NONE);
        }
    }

    /// The time from a table's refresh to its first read is part of its age, before the clocks are in sync too.
    #[test]
    fn a_table_that_is_read_late_for_the_first_time() {
        let staleness = StalenessDetector::default();
        assert_eq!(stale(&staleness, [(0, 0), (100 * MS, 0), (190 * MS, 60 * MS)]), NONE);
        assert_eq!(stale(&staleness, [(380 * MS, 250 * MS), (390 * MS, 260 * MS)]), [260], "for 200 ms it was read");
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
        let resumed = |driver: u64, now: u64| {
            staleness.check_at(ZERO + suspended + driver, 2 * ZERO + now, ZERO + suspended + now)
        };
        assert_eq!((resumed(600 * MS, 600 * MS), resumed(601 * MS, 601 * MS)), (Ok(None), Ok(None)));
        assert_eq!(resumed(601 * MS, 1000 * MS), Ok(Some(399)));
    }

    /// A thread that waits for a processor between the clock and the reading finds a table that is newer than its time of the
    /// clock. That makes no later table old.
    #[test]
    fn a_clock_read_long_before_the_table() {
        let staleness = StalenessDetector::default();
        let begun = std::time::Instant::now();
        assert!(staleness.is_new(boot_ns(), coarse_ns() - 200 * MS));
        while begun.elapsed().as_millis() < 250 {
            staleness.is_new(boot_ns(), coarse_ns());
        }
        // Repeated, as this thread may have to wait between two clocks itself.
        let is_new = |_| staleness.is_new(boot_ns() - 100 * MS, coarse_ns());
        assert!((0..100).any(is_new));
    }

    /// A time in the future is no time: not the first one, not one in the middle, and the next good one is good.
    #[test]
    fn a_table_from_the_future() {
        for wrong in [[0, 0], [300, 900]] {
            let staleness = StalenessDetector::default();
            for n in 0..1000 {
                let ahead = if wrong.contains(&n) { 3_600_000 * MS } else { 0 };
                let said = staleness.check_at(ZERO + n * MS + ahead, 2 * ZERO + n * MS, ZERO + n * MS);
                let expected = if ahead > 0 { Err(Implausible::Time) } else { Ok(None) };
                assert_eq!(said, expected, "{n}");
            }
            assert_eq!(stale(&staleness, [(1000 * MS, 0)]), NONE);
        }
    }

    /// Another clock for good: after some tables it is the driver's, in either direction.
    #[test]
    fn a_clock_that_was_set() {
        for step in [3600 * 1000 * MS as i64, -4000 * MS as i64] {
            let staleness = StalenessDetector::default();
            let said = |n: u64| {
                let driver_ns = (ZERO + n * MS).wrapping_add_signed(if n < 500 { 0 } else { step });
                staleness.check_at(driver_ns, 2 * ZERO + n * MS, ZERO + n * MS)
            };
            let rejected: Vec<u64> = (0..1500).filter(|n| said(*n) != Ok(None)).collect();
            assert_eq!(rejected, [500, 501], "{step}");
        }
    }
}
