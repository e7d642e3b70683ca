//! The book kept on one counter: look after look, wraps undone, resets noticed, power added up beside it. Pure.

use super::clock_sync::{ClockOffset, DriverClock, FirmwareClockMonitor};
use super::power_range::PowerRange;
use super::sample::{RawSample, FIRMWARE_REFRESH_NS, SLOWEST_NS, WATT_MW};
use super::snapshot::{CounterStep, RunningTotals, TrackerSnapshot};
use super::stall::StallDetector;
use super::units::{counts_pj, power_pj};

/// A longer time between two powers is a gap: what was drawn meanwhile is anybody's guess.
const GAP_NS: u64 = 250_000_000;

#[derive(Debug)]
pub struct AccumulatorTracker {
    bits: u32,
    /// More than this the GPU does not draw.
    max_power_mw: u64,
    totals: RunningTotals,
    counted: Option<RawSample>,
    powered: Option<RawSample>,
    stall: StallDetector,
    power_range: PowerRange,
    clock_offset: ClockOffset,
    firmware: FirmwareClockMonitor,
    driver: DriverClock,
}

impl AccumulatorTracker {
    /// For a counter of so many bits, on a GPU whose limit can be no higher.
    #[must_use]
    pub fn new(bits: u32, limit_mw: u64) -> Self {
        AccumulatorTracker {
            bits,
            max_power_mw: with_headroom(limit_mw),
            totals: RunningTotals::default(),
            counted: None,
            powered: None,
            stall: StallDetector::default(),
            power_range: PowerRange::default(),
            clock_offset: ClockOffset::default(),
            firmware: FirmwareClockMonitor::default(),
            driver: DriverClock::default(),
        }
    }

    #[must_use]
    pub fn totals(&self) -> RunningTotals {
        self.totals
    }

    /// The last look that had a count.
    #[must_use]
    pub fn counted(&self) -> Option<RawSample> {
        self.counted
    }

    #[must_use]
    pub fn max_power_mw(&self) -> u64 {
        self.max_power_mw
    }

    /// It stands still for longer than any does that goes on, although power is drawn.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.stall.is_stuck()
    }

    /// The state of the book; its edge is the last look.
    #[must_use]
    pub fn snapshot(&self, boundary_ns: u64) -> TrackerSnapshot {
        TrackerSnapshot {
            boundary_ns,
            counted: self.counted,
            powered: self.powered,
            totals: self.totals,
            count_age_ns: self.count_age_ns(),
            age_uncertainty_ns: self.age_uncertainty_ns(),
            min_driver_minus_firmware_ns: self.min_driver_minus_firmware_ns(),
            driver_offset_ns: self.driver.driver_offset_ns(),
            last_advance_ns: self.stall.last_advance_ns(),
        }
    }

    /// So much older than its time the last count is: as the firmware's clock tells, or else as long as the counter has
    /// been seen to stand.
    fn count_age_ns(&self) -> u64 {
        let told = self.counted.and_then(|c| c.driver_minus_firmware_ns()).zip(self.min_driver_minus_firmware_ns());
        if let Some((ahead, least)) = told {
            return ahead.saturating_sub(least).max(0) as u64;
        }
        self.stall.longest_stall_ns()
    }

    /// So much older any count may be, whatever its age is told to be: without a clock that tells, as much as the counter
    /// takes to move at the least.
    fn age_uncertainty_ns(&self) -> u64 {
        let clock = self.counted.is_some_and(|c| c.firmware_ns.is_some());
        if clock && self.clock_offset.is_settled() {
            0
        } else {
            self.stall.refresh_period_ns()
        }
    }

    /// The least that the driver's clock was ahead of the firmware's, of late.
    fn min_driver_minus_firmware_ns(&self) -> Option<i64> {
        self.clock_offset.min()
    }

    /// How long a 32-bit counter takes to come round at most power; `None` for one that does not.
    #[must_use]
    pub fn wrap_ns(&self) -> Option<u64> {
        let resolution_uj = self.counted.map(|c| c.resolution_uj).filter(|_| self.bits == 32)?;
        u64::try_from(counts_pj(1 << 32, resolution_uj) / u128::from(self.max_power_mw.max(1))).ok()
    }

    /// Takes a look into the book.
    pub fn add(&mut self, sample: &RawSample) -> CounterStep {
        let restarted = self.firmware.restarted(sample);
        if let Some(driver_ns) = sample.driver_ns {
            self.driver.add(driver_ns, sample.seen_ns);
        }
        let sample = &RawSample { firmware_ns: sample.firmware_ns.filter(|_| !self.firmware.useless), ..*sample };
        if let Some(mw) = sample.power_mw {
            self.max_power_mw = self.max_power_mw.max(with_headroom(mw));
        }
        if restarted {
            self.clock_offset = ClockOffset::default();
        }
        self.clock_offset.add(sample);
        let step = self.count(sample, restarted);
        self.integrate(sample);
        step
    }

    fn count(&mut self, sample: &RawSample, restarted: bool) -> CounterStep {
        let Some(now) = sample.accumulator else { return CounterStep::NoBaseline };
        if now > u64::from(u32::MAX) {
            self.bits = 64;
        }
        let Some(last) = self.counted else {
            self.counted = Some(*sample);
            return CounterStep::NoBaseline;
        };
        let Some(ns) = sample.since(&last) else { return CounterStep::Unchanged };
        self.counted = Some(*sample);
        let before = last.accumulator.unwrap_or(now);
        let powers = (last.power_mw.or(sample.power_mw), sample.power_mw.or(last.power_mw));
        let reset_detectable = sample.firmware_ns.is_some() && self.firmware.is_in_sync();
        let counts = self.counts_between(before, now, ns, powers, (sample.resolution_uj, reset_detectable));
        let Some(counts) = counts.filter(|_| !restarted) else {
            self.bridge_reset(ns, powers);
            return CounterStep::Reset;
        };
        self.totals.counts = self.totals.counts.wrapping_add(counts);
        if counts > 0 {
            self.stall.on_advance(ns, last.seen_ns);
        } else {
            self.stall.on_stall(ns, sample.power_mw.is_some_and(|mw| mw >= WATT_MW));
        }
        CounterStep::Advanced { counts, ns }
    }

    /// Counts from `before` to `now`; `None` if no run of the counter explains them. `reset_detectable`: a clock would tell if it
    /// had been reset.
    fn counts_between(
        &mut self,
        before: u64,
        now: u64,
        ns: u64,
        powers: (Option<u64>, Option<u64>),
        (resolution_uj, reset_detectable): (f64, bool),
    ) -> Option<u64> {
        let late = power_pj(self.max_power_mw, SLOWEST_NS);
        let most = 2 * power_pj(self.max_power_mw, ns) + late;
        let possible = |counts: u64| counts_pj(counts, resolution_uj) <= most;
        if self.bits != 32 {
            return now.checked_sub(before).filter(|c| possible(*c));
        }
        let least = now.wrapping_sub(before) & u64::from(u32::MAX);
        let (Some(a), Some(b)) = powers else {
            // Without a power nothing tells how often it came round: at most as often as it can.
            let more = most.saturating_sub(counts_pj(least, resolution_uj));
            self.totals.error_pj += if more >= counts_pj(1 << 32, resolution_uj) { more } else { 0 };
            return possible(least).then_some(least);
        };
        let wrap = counts_pj(1 << 32, resolution_uj).max(1);
        let wraps = |mw: u64| (power_pj(mw, ns).saturating_sub(counts_pj(least, resolution_uj)) + wrap / 2) / wrap;
        let mean = wraps((a + b) / 2);
        // Looked at often enough there is no choice; else the load may have been anything in between.
        self.totals.error_pj += mean.max(wraps(self.max_power_mw) - mean) * wrap;
        let counts = u64::try_from(mean).ok()?.checked_mul(1 << 32)?.checked_add(least)?;
        if !possible(counts) {
            return None;
        }
        // A reset may look like a turn: then the power says something else.
        if !reset_detectable && (now < before || mean > 0) {
            self.totals.error_pj += counts_pj(counts, resolution_uj).abs_diff(power_pj((a + b) / 2, ns));
        }
        Some(counts)
    }

    /// A time that no count tells of.
    fn bridge_reset(&mut self, ns: u64, powers: (Option<u64>, Option<u64>)) {
        let drawn = match powers {
            (Some(a), Some(b)) => power_pj((a + b) / 2, ns),
            _ => 0,
        };
        // The counts at both ends may be older than their times.
        let late_ns = self
            .count_age_ns()
            .max(self.age_uncertainty_ns())
            .max(self.stall.longest_stall_ns())
            .max(FIRMWARE_REFRESH_NS);
        self.totals.resets += 1;
        self.totals.bridged_pj += drawn;
        self.totals.error_pj += drawn.max(power_pj(self.max_power_mw, ns).saturating_sub(drawn));
        self.totals.error_pj += power_pj(self.max_power_mw, late_ns);
        self.stall.on_reset();
    }

    fn integrate(&mut self, sample: &RawSample) {
        let Some(mw) = sample.power_mw else { return };
        let Some(last) = self.powered else {
            self.powered = Some(*sample);
            self.power_range.add(sample, mw);
            return;
        };
        let Some(ns) = sample.since(&last) else { return };
        self.powered = Some(*sample);
        let before = last.power_mw.unwrap_or(mw);
        let mean = (before + mw) / 2;
        if ns > GAP_NS {
            self.totals.gaps += 1;
            self.power_range = PowerRange::default();
        }
        self.power_range.add(sample, mw);
        // How far the power may have been from the line between two looks: as far as it lately went, or anywhere.
        let deviation = match self.power_range.range() {
            Some((low, high)) => high.max(before) - low.min(before) + WATT_MW,
            None => mean.max(self.max_power_mw.saturating_sub(mean)),
        };
        self.totals.integral_pj += power_pj(before + mw, ns) / 2;
        self.totals.integral_error_pj += power_pj(deviation, ns);
        self.totals.trapezoids += 1;
    }
}

/// GPUs draw more than their limit for moments.
fn with_headroom(mw: u64) -> u64 {
    mw.saturating_mul(5) / 4
}

#[cfg(test)]
mod tests;
