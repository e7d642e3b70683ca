//! Relations between the three clocks of a sample: this process's, the driver's and the firmware's. Pure.

use super::sample::{RawSample, SLOWEST_REFRESH_NS};

/// Two clocks in sync differ by at most this fraction of the elapsed time.
const DRIFT_DENOMINATOR: u64 = 256;

/// Clocks in sync that differ by more than this over a time do not belong to one run of the firmware.
pub(in crate::energy) fn clock_tolerance_ns(elapsed_ns: u64) -> u64 {
    elapsed_ns / DRIFT_DENOMINATOR + 2 * SLOWEST_REFRESH_NS
}

/// The driver's clock as seen from a clock of this process: its offset, and whether both run at the same rate.
///
/// amdgpu stamps the table with `CLOCK_BOOTTIME` (`ktime_get_boottime_ns` in drivers/gpu/drm/amd/pm/swsmu). In a time
/// namespace, and with drivers that use another clock, the offset to this process's is large and constant.
#[derive(Debug, Clone, Copy, Default)]
pub struct DriverClock {
    /// Driver's time and receipt time that the next ones are compared with.
    anchor: Option<(u64, u64)>,
    min_offset_ns: i64,
    in_sync: bool,
}

/// Caches in drivers and in libamd_smi keep a table for at most a tenth of this.
const MAX_LATENCY_NS: i64 = 1_000_000_000;

impl DriverClock {
    pub fn add(&mut self, driver_ns: u64, now_ns: u64) {
        let offset_ns = now_ns.wrapping_sub(driver_ns) as i64;
        let Some((anchor_driver_ns, anchor_ns)) = self.anchor else {
            (self.anchor, self.min_offset_ns) = (Some((driver_ns, now_ns)), offset_ns);
            return;
        };
        self.min_offset_ns = self.min_offset_ns.min(offset_ns);
        let elapsed_ns = now_ns.saturating_sub(anchor_ns);
        let driver_elapsed_ns = driver_ns.saturating_sub(anchor_driver_ns);
        if !self.in_sync && elapsed_ns > 2 * SLOWEST_REFRESH_NS {
            // A stalled timestamp has no rate: it is old, not offset.
            self.in_sync = driver_elapsed_ns.abs_diff(elapsed_ns) < elapsed_ns / 4 + SLOWEST_REFRESH_NS;
            self.anchor = Some((driver_ns, now_ns));
        }
    }

    /// How far this process's clock is ahead of the driver's at the least; known once both run at the same rate.
    #[must_use]
    #[inline]
    pub fn in_sync_offset_ns(&self) -> Option<i64> {
        self.in_sync.then_some(self.min_offset_ns)
    }

    /// How far this process's clock has been ahead of the driver's at the least, in sync or not.
    #[must_use]
    pub fn min_offset_ns(&self) -> i64 {
        self.min_offset_ns
    }

    /// The offset to add to the driver's times. 0 while the offset can be explained by latency.
    pub(super) fn driver_offset_ns(&self) -> i64 {
        let is_latency = (0..MAX_LATENCY_NS).contains(&self.min_offset_ns);
        if is_latency || !self.in_sync {
            0
        } else {
            self.min_offset_ns
        }
    }
}

/// Shows the driver's clock, where it is set, as if it had not been: times before and after have one zero.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ContinuousClock {
    /// The last time, and the receipt time of its first sample.
    last: Option<(u64, u64)>,
    correction_ns: i64,
}

impl ContinuousClock {
    /// The driver's time of a sample, and whether its clock was set since the one before.
    pub fn add(&mut self, sample: &RawSample) -> (Option<u64>, bool) {
        let Some(stated_ns) = sample.driver_ns else { return (None, false) };
        let mut driver_ns = stated_ns.saturating_add_signed(self.correction_ns);
        let mut was_set = false;
        if let Some((last_ns, seen_ns)) = self.last {
            let most_ns = last_ns.saturating_add(sample.seen_ns.saturating_sub(seen_ns));
            let late_ns = MAX_LATENCY_NS.unsigned_abs();
            // A step ahead up to the present is that of a table that was not refreshed.
            let is_future = stated_ns > sample.seen_ns.saturating_add(late_ns);
            let is_ahead = is_future && driver_ns > most_ns.saturating_add(late_ns);
            // Another thread's sample may have overtaken this one.
            was_set = sample.seen_ns >= seen_ns && (driver_ns < last_ns || is_ahead);
            if was_set {
                driver_ns = most_ns;
                self.correction_ns = most_ns.wrapping_sub(stated_ns) as i64;
            }
        }
        if self.last.map(|(last_ns, _)| last_ns) != Some(driver_ns) {
            self.last = Some((driver_ns, sample.seen_ns));
        }
        (Some(driver_ns), was_set)
    }

    /// The clock was set: times are known to the age of a table.
    pub fn is_corrected(&self) -> bool {
        self.correction_ns != 0
    }

    /// A sample was taken before the last one.
    pub fn is_behind(&self, sample: &RawSample) -> bool {
        let driver_ns = sample.driver_ns.map(|stated_ns| stated_ns.saturating_add_signed(self.correction_ns));
        self.last.zip(driver_ns).is_some_and(|((last_ns, _), driver_ns)| driver_ns < last_ns)
    }
}

/// Compares the firmware's clock with the driver's and detects a restart of the firmware.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FirmwareClockMonitor {
    /// Driver's and firmware's time that the next sample is compared with.
    anchor: Option<(u64, u64)>,
    /// The two clocks have agreed over at least one second.
    in_sync: bool,
    /// The two clocks never agreed: the field is not a clock, or has another unit.
    pub rejected: bool,
}

impl FirmwareClockMonitor {
    /// A reset of the firmware would show in this clock.
    pub fn is_in_sync(&self) -> bool {
        self.in_sync && !self.rejected
    }

    /// The firmware has restarted since the last sample. Also detects resets after which the counter is already ahead of
    /// its old value.
    pub fn restarted(&mut self, sample: &RawSample) -> bool {
        let (Some(driver_ns), Some(firmware_ns), false) = (sample.driver_ns, sample.firmware_ns, self.rejected) else {
            return false;
        };
        let Some((anchor_driver_ns, anchor_firmware_ns)) = self.anchor else {
            self.anchor = Some((driver_ns, firmware_ns));
            return false;
        };
        let elapsed_ns = driver_ns.saturating_sub(anchor_driver_ns);
        // At both ends the count may be older than the driver's time by the slowest refresh period. Once in sync, the
        // clocks stay close over any interval between samples.
        let tolerance_ns =
            if self.in_sync { clock_tolerance_ns(elapsed_ns) } else { elapsed_ns / 4 + 2 * SLOWEST_REFRESH_NS };
        let fits = firmware_ns >= anchor_firmware_ns
            && (firmware_ns - anchor_firmware_ns).abs_diff(elapsed_ns) <= tolerance_ns;
        let restarted = self.in_sync && !fits;
        self.rejected = !self.in_sync && !fits;
        self.in_sync = fits && (self.in_sync || elapsed_ns >= 1_000_000_000);
        if self.in_sync || restarted {
            self.anchor = Some((driver_ns, firmware_ns));
        }
        restarted
    }
}

/// The smallest recent difference between the driver's and the firmware's clock. A difference above it is the age of the
/// count. The minimum expires after some seconds, because the two clocks drift, and so does it in a pause without samples.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClockOffset {
    current: Minimum,
    previous: Minimum,
    period_start_ns: u64,
    /// Firmware time of the last count.
    last_firmware_ns: Option<u64>,
}

/// The smallest offset in one period, and the number of distinct counts that it is of.
#[derive(Debug, Clone, Copy, Default)]
struct Minimum {
    offset_ns: Option<i64>,
    distinct: u32,
}

/// Drift over two of these is negligible.
const MINIMUM_PERIOD_NS: u64 = 10_000_000_000;
/// A minimum is of no time before this.
pub(super) const MINIMUM_AGE_NS: u64 = 2 * MINIMUM_PERIOD_NS;
/// The minimum of fewer offsets may still be large.
const MIN_OFFSETS: u32 = 8;

impl ClockOffset {
    pub fn add(&mut self, sample: &RawSample) {
        let Some(offset_ns) = sample.driver_minus_firmware_ns() else { return };
        let elapsed_ns = sample.seen_ns.saturating_sub(self.period_start_ns);
        if elapsed_ns > MINIMUM_PERIOD_NS {
            self.previous = if elapsed_ns > MINIMUM_AGE_NS { Minimum::default() } else { self.current };
            (self.current, self.period_start_ns) = (Minimum::default(), sample.seen_ns);
        }
        let current = &mut self.current;
        current.offset_ns = Some(current.offset_ns.map_or(offset_ns, |least_ns| least_ns.min(offset_ns)));
        if self.last_firmware_ns != sample.firmware_ns {
            self.last_firmware_ns = sample.firmware_ns;
            current.distinct = current.distinct.saturating_add(1);
        }
    }

    /// The minimum belongs to a count that was new when it was read.
    pub fn is_settled(&self) -> bool {
        self.current.distinct.saturating_add(self.previous.distinct) >= MIN_OFFSETS
    }

    pub fn min(&self) -> Option<i64> {
        self.current.offset_ns.into_iter().chain(self.previous.offset_ns).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::{AccumulatorTracker, FIRMWARE_REFRESH_NS};

    /// Two crystals that are 200 ppm apart are in sync for any time.
    #[test]
    fn drift_grows_with_the_time() {
        for seconds in [1_u64, 60, 86_400] {
            assert!(clock_tolerance_ns(seconds * 1_000_000_000) > seconds * 200_000, "{seconds} s");
        }
    }

    /// However long both clocks have agreed, they are compared since the last sample: an hour's drift hides no restart.
    #[test]
    fn a_restart_after_an_hour_shows_within_a_second() {
        let mut monitor = FirmwareClockMonitor::default();
        let sample = |s: u64, firmware_s: u64| RawSample {
            driver_ns: Some(s * 1_000_000_000),
            firmware_ns: Some(firmware_s * 1_000_000_000),
            ..RawSample::default()
        };
        for s in 100..3_700 {
            assert!(!monitor.restarted(&sample(s, s)), "{s} s");
        }
        assert!(monitor.is_in_sync());
        assert!(monitor.restarted(&sample(3_700, 3_695)));
    }

    /// Clocks 20 ppm apart, and polls that pause: for an hour, or for so long each time that a period has one or two. A count is up
    /// to 4 ms old, and is known to be no older than that.
    #[test]
    fn ages_after_a_pause() {
        const MS: u64 = 1_000_000;
        const REFRESH_NS: u64 = 4 * MS;
        for (ppm, pause_s) in [(-20, 3_600), (20, 3_600), (-20, 11), (20, 11), (-20, 25), (20, 25)] {
            for phase in 0..20 {
                let mut tracker = AccumulatorTracker::new(64, 750_000);
                let mut add = |ns: u64| {
                    let rate = 1.0 + f64::from(ppm) * 1e-6;
                    let firmware_ns = (ns as f64 * rate) as u64 / REFRESH_NS * REFRESH_NS;
                    let counted_ns = (firmware_ns as f64 / rate) as u64;
                    let at_ns = 1_000 * MS + ns;
                    tracker.add(&RawSample {
                        seen_ns: at_ns,
                        driver_ns: Some(at_ns),
                        firmware_ns: Some(8_000 * MS + firmware_ns),
                        accumulator: Some((1 << 40) + counted_ns / 50_000),
                        resolution_uj: 15.3,
                        power_mw: Some(300_000),
                        ..RawSample::default()
                    });
                    (tracker.snapshot(at_ns), ns.saturating_sub(counted_ns))
                };
                let mut now_ns = 0;
                for _ in 0..400 {
                    now_ns += 33 * MS / 10;
                    add(now_ns);
                }
                for pause in 0..4 {
                    now_ns += pause_s * 1_000 * MS + phase * 777_777;
                    let (begin, begin_age_ns) = add(now_ns);
                    now_ns += 1_000 * MS + phase * 1_333_333;
                    let (end, end_age_ns) = add(now_ns);
                    let known = begin.age_given(end.min_driver_minus_firmware_ns).max(end.age_uncertainty_ns);
                    for (known_ns, age_ns) in [(known, begin_age_ns), (end.max_age_ns(), end_age_ns)] {
                        let what = format!("{ppm} ppm, {pause_s} s, {pause}: at most {known_ns} ns, {age_ns} ns");
                        assert!(known_ns + FIRMWARE_REFRESH_NS > age_ns && known_ns <= 2 * REFRESH_NS, "{what}");
                    }
                }
            }
        }
    }
}
