//! The three clocks of a reading: ours, the driver's, the firmware's. Which of them is to be believed, and how far. Pure.

use super::sample::{RawSample, SLOWEST_NS};

/// Two clocks that go at one pace are apart by no more than this part of a time.
pub(in crate::energy) const DRIFT_DENOMINATOR: u64 = 256;

/// The driver's clock as seen from a clock of this library: its offset, and whether both run at the same rate. The driver
/// uses `CLOCK_BOOTTIME`; in a time namespace, or with another driver, its zero is elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct DriverClock {
    /// Driver's and this library's time that the next ones are compared with.
    anchor: Option<(u64, u64)>,
    min_offset_ns: i64,
    in_sync: bool,
}

/// Caches and drivers keep a table for a tenth of that.
const MAX_LATENCY_NS: i64 = 1_000_000_000;

impl DriverClock {
    pub fn add(&mut self, driver_ns: u64, now_ns: u64) {
        let offset = now_ns.wrapping_sub(driver_ns) as i64;
        let Some((driver, now)) = self.anchor else {
            (self.anchor, self.min_offset_ns) = (Some((driver_ns, now_ns)), offset);
            return;
        };
        self.min_offset_ns = self.min_offset_ns.min(offset);
        let (elapsed, driver_elapsed) = (now_ns.saturating_sub(now), driver_ns.saturating_sub(driver));
        if !self.in_sync && elapsed > 2 * SLOWEST_NS {
            // A stalled table has no rate, however old it is.
            self.in_sync = driver_elapsed.abs_diff(elapsed) < elapsed / 4 + SLOWEST_NS;
            self.anchor = Some((driver_ns, now_ns));
        }
    }

    /// How far this library's clock is ahead of the driver's at the least; known once both run at the same rate.
    #[must_use]
    #[inline]
    pub fn in_sync_offset_ns(&self) -> Option<i64> {
        self.in_sync.then_some(self.min_offset_ns)
    }

    /// What has to be added to its times.
    pub(super) fn driver_offset_ns(&self) -> i64 {
        let near = (0..MAX_LATENCY_NS).contains(&self.min_offset_ns);
        if near || !self.in_sync {
            0
        } else {
            self.min_offset_ns
        }
    }
}

/// The firmware's clock: does it go as the driver's does, and has it started anew?
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FirmwareClockMonitor {
    /// Driver's and firmware's time that the next ones are compared with.
    anchor: Option<(u64, u64)>,
    /// It has kept pace for a second.
    proven: bool,
    /// It never did: no clock, or one of another unit.
    pub useless: bool,
}

impl FirmwareClockMonitor {
    /// It would tell of a reset.
    pub fn is_in_sync(&self) -> bool {
        self.proven && !self.useless
    }

    /// Tells of a reset even if the counter is past where it was.
    pub fn restarted(&mut self, sample: &RawSample) -> bool {
        let (Some(driver), Some(firmware), false) = (sample.driver_ns, sample.firmware_ns, self.useless) else {
            return false;
        };
        let Some((d, f)) = self.anchor else {
            self.anchor = Some((driver, firmware));
            return false;
        };
        let ns = driver.saturating_sub(d);
        // The count may be as much older than the driver's time as the slowest refresh takes, at both ends. Two clocks
        // that have kept pace are never far apart again, however long nobody looked.
        let apart = ns / if self.proven { DRIFT_DENOMINATOR } else { 4 };
        let fits = firmware >= f && (firmware - f).abs_diff(ns) <= apart + 2 * SLOWEST_NS;
        let restarted = self.proven && !fits;
        self.useless = !self.proven && !fits;
        self.proven = fits && (self.proven || ns >= 1_000_000_000);
        if self.proven || restarted {
            self.anchor = Some((driver, firmware));
        }
        restarted
    }
}

/// By how much the driver's clock is ahead of the firmware's at the least: what it is ahead by beyond that is the age of
/// the count. Over some seconds, as the two do not go at quite the same pace.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClockOffset {
    now: Option<i64>,
    before: Option<i64>,
    since_ns: u64,
    /// The last count's time by the firmware's clock, and how many different ones there were.
    last: Option<u64>,
    different: u32,
}

const PACE_HOLDS_NS: u64 = 10_000_000_000;
/// The least of fewer ages than this may be a large one.
const MIN_OFFSETS: u32 = 8;

impl ClockOffset {
    pub fn add(&mut self, sample: &RawSample) {
        let Some(ahead) = sample.driver_minus_firmware_ns() else { return };
        if sample.seen_ns.saturating_sub(self.since_ns) > PACE_HOLDS_NS {
            (self.before, self.now, self.since_ns) = (self.now, None, sample.seen_ns);
        }
        self.now = Some(self.now.map_or(ahead, |n| n.min(ahead)));
        if self.last != sample.firmware_ns {
            (self.last, self.different) = (sample.firmware_ns, self.different.saturating_add(1));
        }
    }

    /// The least of them is the age of a count that was new.
    pub fn is_settled(&self) -> bool {
        self.different >= MIN_OFFSETS
    }

    pub fn min(&self) -> Option<i64> {
        self.now.into_iter().chain(self.before).min()
    }
}
