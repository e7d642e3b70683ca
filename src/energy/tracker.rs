//! Tracks one accumulator across samples: corrects wraparound, detects resets, and integrates the power. Pure.

use super::agreement::{Agreement, Ends};
use super::clock_sync::{clock_tolerance_ns, ClockOffset, ContinuousClock, DriverClock, FirmwareClockMonitor};
use super::interval::largest_error_pj;
use super::plausibility::{PlausibilityMonitor, Step};
use super::power_range::PowerRange;
use super::sample::{RawSample, ReadingKey, FIRMWARE_REFRESH_NS, MAX_POWER_MW, SLOWEST_REFRESH_NS, STALL_NS, WATT_MW};
use super::snapshot::{age_by_clocks, CounterStep, RunningTotals, TrackerSnapshot};
use super::stall::StallDetector;
use super::units::{counts_pj, power_pj, FIRMWARE_UJ};

#[derive(Debug)]
pub struct AccumulatorTracker {
    bits: u32,
    /// A reported power above this is implausible and is ignored.
    implausible_mw: u64,
    /// The most that the GPU can draw.
    max_power_mw: u64,
    totals: RunningTotals,
    counted: Option<RawSample>,
    powered: Option<RawSample>,
    /// The first sample with a power since the last gap, and the totals then.
    gapless: Option<(RawSample, RunningTotals)>,
    /// The last reading, if the same one over again says nothing new.
    repeatable: Option<ReadingKey>,
    /// What follows from the last sample, for snapshots.
    known: Known,
    stall: StallDetector,
    plausibility: PlausibilityMonitor,
    power_range: PowerRange,
    clock_offset: ClockOffset,
    firmware: FirmwareClockMonitor,
    driver: DriverClock,
    clock: ContinuousClock,
}

/// What a snapshot has beside samples and totals.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    count_age_ns: u64,
    age_uncertainty_ns: u64,
    min_driver_minus_firmware_ns: Option<i64>,
    driver_offset_ns: i64,
}

/// When a 32-bit counter may wrap around, if the GPU draws the most that it can.
#[derive(Debug, Clone, Copy)]
pub struct Wrap {
    /// The time from one wraparound to the next.
    pub shortest_ns: u64,
    /// `CLOCK_BOOTTIME` until when it has not wrapped around since the last sample, and a reset would show as a step back.
    pub certain_until_ns: u64,
}

impl AccumulatorTracker {
    /// For a counter with `bits` bits, on a GPU with a maximum power limit of `limit_mw`.
    #[must_use]
    pub fn new(bits: u32, limit_mw: u64) -> Self {
        AccumulatorTracker {
            bits,
            implausible_mw: limit_mw.min(MAX_POWER_MW) * 2,
            max_power_mw: with_headroom(limit_mw.min(MAX_POWER_MW)),
            totals: RunningTotals::default(),
            counted: None,
            powered: None,
            gapless: None,
            repeatable: None,
            known: Known { age_uncertainty_ns: SLOWEST_REFRESH_NS, ..Known::default() },
            stall: StallDetector::default(),
            plausibility: PlausibilityMonitor::default(),
            power_range: PowerRange::default(),
            clock_offset: ClockOffset::default(),
            firmware: FirmwareClockMonitor::default(),
            driver: DriverClock::default(),
            clock: ContinuousClock::default(),
        }
    }

    #[must_use]
    pub fn max_power_mw(&self) -> u64 {
        self.max_power_mw
    }

    /// The counter has stalled although power is drawn.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.stall.is_stuck()
    }

    /// A count other than 0 has been read.
    #[must_use]
    pub fn has_counted(&self) -> bool {
        self.counted.is_some_and(|sample| sample.accumulator > Some(0))
    }

    /// The state after the last sample.
    #[must_use]
    #[inline(always)]
    pub fn snapshot(&self, boundary_ns: u64) -> TrackerSnapshot {
        TrackerSnapshot {
            boundary_ns,
            counted: self.counted,
            powered: self.powered,
            totals: self.totals,
            count_age_ns: self.known.count_age_ns,
            age_uncertainty_ns: self.known.age_uncertainty_ns,
            min_driver_minus_firmware_ns: self.known.min_driver_minus_firmware_ns,
            driver_offset_ns: self.known.driver_offset_ns,
            last_advance_ns: self.stall.last_advance_ns(),
            refresh_period_ns: self.stall.refresh_period_ns(),
        }
    }

    /// Age of the last count: how long before the sample's time the accumulator had this value. From the firmware's clock;
    /// without one, the longest stall.
    fn count_age_ns(&self) -> u64 {
        let offset_ns = self.counted.and_then(|sample| sample.driver_minus_firmware_ns());
        age_by_clocks(offset_ns, self.min_driver_minus_firmware_ns()).unwrap_or_else(|| self.stall.longest_stall_ns())
    }

    /// Uncertainty of the count age: a count may be this much older than `count_age_ns`. 0 while the offset of the firmware's
    /// clock is settled, else one refresh period.
    fn age_uncertainty_ns(&self) -> u64 {
        let has_clock = self.counted.is_some_and(|sample| sample.firmware_ns.is_some());
        if has_clock && self.clock_offset.is_settled() {
            0
        } else {
            self.stall.refresh_period_ns()
        }
    }

    /// The smallest recent difference between the driver's clock and the firmware's.
    fn min_driver_minus_firmware_ns(&self) -> Option<i64> {
        self.clock_offset.min()
    }

    /// Counter and power over the time since the last gap, if it is long enough.
    #[must_use]
    pub fn agreement(&self) -> Option<Agreement> {
        let ((first, totals), last, counted) = (self.gapless?, self.powered?, self.counted?);
        Agreement::of(&Ends {
            totals: [totals, self.totals],
            powers_mw: [first.power_mw?, last.power_mw?],
            averaged: last.averaged,
            ns: last.since(&first)?,
            resolution_uj: counted.resolution_uj,
            max_power_mw: self.max_power_mw,
            max_age_ns: self.known.count_age_ns.max(self.known.age_uncertainty_ns) + FIRMWARE_REFRESH_NS,
        })
    }

    /// A count has been read.
    #[must_use]
    pub fn is_counting(&self) -> bool {
        self.counted.is_some()
    }

    /// The counter has 32 bits, as far as is known.
    #[must_use]
    pub fn may_wrap(&self) -> bool {
        self.bits == 32 && self.counted.is_some()
    }

    /// When a 32-bit counter may wrap around.
    #[must_use]
    pub fn wrap(&self) -> Option<Wrap> {
        let last = self.counted.filter(|_| self.bits == 32)?;
        let counts_ns = |counts: u64| {
            let ns = counts_pj(counts, last.resolution_uj) / u128::from(self.max_power_mw.max(1));
            u64::try_from(ns).unwrap_or(u64::MAX)
        };
        let now = last.accumulator.unwrap_or(0).min(1 << 32);
        let certain_ns = counts_ns(now.min((1 << 32) - now));
        Some(Wrap { shortest_ns: counts_ns(1 << 32), certain_until_ns: last.seen_ns.saturating_add(certain_ns) })
    }

    /// A sample that was read later has been added already.
    #[must_use]
    #[inline]
    pub fn is_ahead_of(&self, sample: &RawSample) -> bool {
        self.clock.is_behind(sample)
    }

    /// The sample is the last one over again: the driver has not refreshed its table since.
    #[must_use]
    #[inline]
    pub fn is_repeated(&self, sample: &RawSample) -> bool {
        self.repeatable.is_some() && self.repeatable == sample.key()
    }

    /// Adds a sample.
    pub fn add(&mut self, sample: &RawSample) -> CounterStep {
        if self.is_repeated(sample) {
            return CounterStep::Unchanged;
        }
        let step = self.add_new(sample);
        self.conclude(sample);
        step
    }

    /// What follows from all samples so far.
    fn conclude(&mut self, last: &RawSample) {
        let is_same = |kept: &Option<RawSample>| kept.as_ref().is_some_and(|kept| last.is_same_reading(kept));
        let is_kept = is_same(&self.counted) && is_same(&self.powered);
        let in_sync = self.driver.in_sync_offset_ns().is_some();
        self.repeatable = if is_kept && in_sync { last.key() } else { None };
        self.known = Known {
            count_age_ns: self.count_age_ns(),
            age_uncertainty_ns: self.age_uncertainty_ns(),
            min_driver_minus_firmware_ns: self.min_driver_minus_firmware_ns(),
            driver_offset_ns: self.driver.driver_offset_ns(),
        };
    }

    fn add_new(&mut self, sample: &RawSample) -> CounterStep {
        let (driver_ns, was_set) = self.clock.add(sample);
        if was_set {
            // How old the tables before and after are is not known to a refresh.
            self.totals.error_pj += power_pj(self.max_power_mw, SLOWEST_REFRESH_NS);
            self.totals.integral_error_pj += power_pj(self.max_power_mw, SLOWEST_REFRESH_NS);
        }
        let sample = &RawSample { driver_ns, time_is_estimated: self.clock.is_corrected(), ..*sample };
        let restarted = self.firmware.restarted(sample);
        if let Some(driver_ns) = sample.driver_ns {
            self.driver.add(driver_ns, sample.seen_ns);
        }
        let sample = &RawSample {
            firmware_ns: sample.firmware_ns.filter(|_| !self.firmware.rejected),
            power_mw: sample.power_mw.filter(|mw| *mw <= self.implausible_mw),
            ..sample.checked()
        };
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
        self.add_hidden_reset(&last, sample, ns);
        let counts = self.counts_between(before, now, ns, powers, (sample.resolution_uj, reset_detectable));
        // A first count of 0 may be that of a table which was not filled.
        let was_empty = before == 0 && now > 0;
        let Some(counts) = counts.filter(|_| !restarted && !was_empty) else {
            self.bridge_reset(ns, powers);
            return CounterStep::Reset;
        };
        self.totals.counts = self.totals.counts.wrapping_add(counts);
        // The time in which the counter should have advanced. The firmware's clock gives it; without one a refresh period
        // is allowed for.
        let most_ns = if self.firmware.is_in_sync() { u64::MAX } else { ns + FIRMWARE_REFRESH_NS };
        let by_firmware = last.firmware_ns.zip(sample.firmware_ns).map(|(a, b)| b.saturating_sub(a).min(most_ns));
        let step = Step {
            counted_pj: counts_pj(counts, sample.resolution_uj),
            least_pj: counts_pj(counts, sample.resolution_uj.min(FIRMWARE_UJ)),
            timed: by_firmware.is_some(),
            ns: by_firmware.unwrap_or_else(|| self.stall.overdue_ns(ns)),
            longest_ns: ns + FIRMWARE_REFRESH_NS + self.age_uncertainty_ns().max(self.stall.longest_stall_ns()),
            seen_ns: sample.seen_ns,
            powers_mw: [last.power_mw, sample.power_mw],
            averaged: last.averaged || sample.averaged,
        };
        self.plausibility.check(&step, self.max_power_mw, &mut self.totals);
        if counts > 0 {
            self.stall.on_advance(ns, last.seen_ns);
        } else {
            let powered = sample.power_mw.map(|mw| mw >= WATT_MW);
            self.stall.on_stall(ns, sample.reading_ns(&last), powered);
        }
        CounterStep::Advanced { counts, ns }
    }

    /// Counts from `before` to `now`, corrected for wraparound; `None` if only a reset explains the values.
    /// `reset_detectable`: the firmware's clock would show a reset.
    fn counts_between(
        &mut self,
        before: u64,
        now: u64,
        ns: u64,
        powers: (Option<u64>, Option<u64>),
        (resolution_uj, reset_detectable): (f64, bool),
    ) -> Option<u64> {
        let late_pj = power_pj(self.max_power_mw, SLOWEST_REFRESH_NS);
        let max_pj = 2 * power_pj(self.max_power_mw, ns) + late_pj;
        let possible = |counts: u64| counts_pj(counts, resolution_uj) <= max_pj;
        if self.bits != 32 {
            return now.checked_sub(before).filter(|c| possible(*c));
        }
        let min_counts = now.wrapping_sub(before) & u64::from(u32::MAX);
        let min_pj = counts_pj(min_counts, resolution_uj);
        let wrap_pj = counts_pj(1 << 32, resolution_uj).max(1);
        let (Some(power_before), Some(power_now)) = powers else {
            // Without a power the number of wraparounds is unknown.
            let more_pj = max_pj.saturating_sub(min_pj);
            self.totals.error_pj += if more_pj >= wrap_pj { more_pj } else { 0 };
            return possible(min_counts).then_some(min_counts);
        };
        let wraps_at = |mw: u64| (power_pj(mw, ns).saturating_sub(min_pj) + wrap_pj / 2) / wrap_pj;
        let mean_mw = (power_before + power_now) / 2;
        let wraps = wraps_at(mean_mw);
        // Uncertainty of the number of wraparounds. It is 0 when samples are frequent enough. Otherwise the load between the
        // samples is unknown.
        self.totals.error_pj += wraps.max(wraps_at(self.max_power_mw) - wraps) * wrap_pj;
        let counts = u64::try_from(wraps).ok()?.checked_mul(1 << 32)?.checked_add(min_counts)?;
        if !possible(counts) {
            return None;
        }
        // A reset may look like a wraparound. The uncertainty therefore grows by the difference between the counted energy
        // and the energy from power.
        if !reset_detectable && (now < before || wraps > 0) {
            self.totals.error_pj += counts_pj(counts, resolution_uj).abs_diff(power_pj(mean_mw, ns));
        }
        Some(counts)
    }

    /// Estimates the energy over a reset from the power.
    fn bridge_reset(&mut self, ns: u64, powers: (Option<u64>, Option<u64>)) {
        let bridged_pj = match powers {
            (Some(before), Some(now)) => power_pj((before + now) / 2, ns),
            _ => 0,
        };
        // The counts at both ends may be older than their times.
        let late_ns = self
            .count_age_ns()
            .max(self.age_uncertainty_ns())
            .max(self.stall.longest_stall_ns())
            .max(FIRMWARE_REFRESH_NS);
        self.totals.resets += 1;
        self.totals.bridged_pj += bridged_pj;
        self.totals.error_pj += largest_error_pj(bridged_pj, ns, self.max_power_mw);
        self.totals.error_pj += power_pj(self.max_power_mw, late_ns);
        // What was not counted before the reset is lost: an advance after it rules nothing out.
        self.totals.error_pj += std::mem::take(&mut self.totals.unconfirmed_pj);
        self.stall.on_reset();
        self.totals.behind_pj = 0;
    }

    /// Adds the error of a reset that the counts do not show: the counter was reset between two samples and has already passed
    /// its old value, so the energy until the reset is lost. Only the firmware's clock can show such a reset, and only to
    /// within its tolerance. Adds nothing if the GPU cannot draw the new count's energy in this time.
    fn add_hidden_reset(&mut self, last: &RawSample, sample: &RawSample, ns: u64) {
        // Nearly always: a counter that has run for long.
        if last.accumulator.unwrap_or(0) as f64 * last.resolution_uj * 1e6 > self.max_power_mw as f64 * ns as f64 {
            return;
        }
        let pj = |sample: &RawSample| counts_pj(sample.accumulator.unwrap_or(0), sample.resolution_uj);
        let (before_pj, now_pj, most_pj) = (pj(last), pj(sample), power_pj(self.max_power_mw, ns));
        if now_pj < before_pj || now_pj > most_pj {
            return;
        }
        let tolerance_ns = clock_tolerance_ns(ns);
        let by_firmware = last.firmware_ns.zip(sample.firmware_ns);
        let fits = |(a, b): (u64, u64)| b.checked_sub(a).is_some_and(|elapsed| elapsed.abs_diff(ns) <= tolerance_ns);
        // A counter that has counted less than any GPU draws in the time of that clock has restarted without it.
        let is_as_old = |uptime_ns: u64| self.bits == 32 || before_pj >= power_pj(WATT_MW, uptime_ns);
        let unseen_ns = match by_firmware.filter(|clock| fits(*clock) && is_as_old(clock.0)) {
            Some((uptime_ns, _)) if uptime_ns > tolerance_ns => return,
            Some(_) => tolerance_ns.min(ns),
            None => ns,
        };
        self.totals.error_pj += power_pj(self.max_power_mw, unseen_ns).min(most_pj - (now_pj - before_pj));
    }

    fn integrate(&mut self, sample: &RawSample) {
        let Some(mw) = sample.power_mw else { return };
        let Some(last) = self.powered else {
            self.powered = Some(*sample);
            self.power_range.add(sample, mw);
            self.gapless = Some((*sample, self.totals));
            return;
        };
        let Some(ns) = sample.since(&last) else { return };
        self.powered = Some(*sample);
        if last.driver_ns.is_some() != sample.driver_ns.is_some() {
            let age_ns = |sample: &RawSample| sample.age_ns(self.known.driver_offset_ns);
            let excess_ns = age_ns(sample) - age_ns(&last);
            self.totals.integral_excess_ns = self.totals.integral_excess_ns.saturating_add(excess_ns);
        }
        let before = last.power_mw.unwrap_or(mw);
        let mean = (before + mw) / 2;
        if ns > STALL_NS {
            self.totals.gaps += 1;
            self.power_range = PowerRange::default();
            self.gapless = None;
        }
        self.power_range.add(sample, mw);
        // Largest deviation of the power between two samples from their mean. The power is assumed to stay within its recent
        // range. If there is no recent range, or it contains 0, anything from 0 to maximum is possible: a 0 may be a missing
        // reading.
        let deviation = match self.power_range.range(sample.averaged) {
            Some((low, high)) if low.min(before) > 0 => high.max(before) - low.min(before) + WATT_MW,
            _ => mean.max(self.max_power_mw.saturating_sub(mean)),
        };
        self.totals.integral_pj += power_pj(before + mw, ns) / 2;
        self.totals.integral_error_pj += power_pj(deviation, ns);
        self.totals.trapezoids += 1;
        if self.gapless.is_none() {
            self.gapless = Some((*sample, self.totals));
        }
    }
}

/// GPUs exceed their power limit for short times.
fn with_headroom(mw: u64) -> u64 {
    mw.saturating_mul(5) / 4
}

#[cfg(test)]
mod tests;
