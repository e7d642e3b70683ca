//! The state of a tracker at one moment. A measurement is the difference of two.

use super::clock_sync::clock_tolerance_ns;
use super::sample::{RawSample, MAX_NS};
use super::units::power_pj;

/// Sums since the tracker was created. Only differences of two are meaningful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunningTotals {
    /// Counts, corrected for wraparound.
    pub counts: u64,
    /// Energy over resets, estimated from the power.
    pub bridged_pj: u128,
    /// Error of the counted and the bridged energy, see [`RunningTotals::error_since`].
    pub error_pj: u128,
    /// The part of it that the counter may be behind at this moment, and may still catch up with.
    pub behind_pj: u128,
    /// What the counter would have missed had it stopped for good within the last step: a later advance rules that out.
    pub unconfirmed_pj: u128,
    /// What steps above every recent power may have caught up with, of what the counter was not known to have missed before.
    pub caught_up_pj: u128,
    pub resets: u32,
    /// Power integrated over time by trapezoids, its error, and the number of trapezoids.
    pub integral_pj: u128,
    pub integral_error_pj: u128,
    pub trapezoids: u64,
    /// How much longer the time of the trapezoids is than that between their samples' times, see
    /// [`RunningTotals::integral_error_since`].
    pub integral_excess_ns: i64,
    /// Intervals between samples that were longer than [`super::STALL_NS`].
    pub gaps: u32,
}

impl RunningTotals {
    /// Error of the energy counted since earlier totals: what is not counted, and what is only counted now.
    #[must_use]
    pub fn error_since(&self, earlier: &RunningTotals) -> u128 {
        self.error_pj.saturating_sub(earlier.error_pj) + earlier.behind_pj
    }

    /// Error of the integral since earlier totals. Samples with the driver's time are older than their receipt, and those
    /// without it are not known to be: between one and the other the integral covers another time than they are apart.
    #[must_use]
    pub fn integral_error_since(&self, earlier: &RunningTotals, max_power_mw: u64) -> u128 {
        let excess_ns = self.integral_excess_ns.abs_diff(earlier.integral_excess_ns);
        self.integral_error_pj - earlier.integral_error_pj + power_pj(max_power_mw, excess_ns)
    }
}

/// The result of adding a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterStep {
    /// There is no earlier count to compare with, or no count in this sample.
    NoBaseline,
    /// The sample is the same reading as the last one.
    Unchanged,
    /// The counter advanced by `counts` in `ns`.
    Advanced { counts: u64, ns: u64 },
    /// The counter stepped back, or further ahead than the GPU can draw: it was reset.
    Reset,
}

/// The state of a tracker at one boundary of an interval.
#[derive(Debug, Clone, Copy)]
pub struct TrackerSnapshot {
    /// Begin or end of the interval on `CLOCK_BOOTTIME`.
    pub boundary_ns: u64,
    /// The last sample with a count.
    pub counted: Option<RawSample>,
    /// The last sample with a power.
    pub powered: Option<RawSample>,
    pub totals: RunningTotals,
    /// How much older than its time the last count is, as known at the snapshot.
    pub count_age_ns: u64,
    /// How much older than that any count of this counter may be.
    pub age_uncertainty_ns: u64,
    /// The smallest recent difference between the driver's clock and the firmware's.
    pub min_driver_minus_firmware_ns: Option<i64>,
    /// The offset to add to the driver's times, as known at the snapshot.
    pub driver_offset_ns: i64,
    /// Receipt time of the last sample whose count the counter has since left.
    pub last_advance_ns: u64,
    /// Upper limit of the counter's refresh period.
    pub refresh_period_ns: u64,
}

impl TrackerSnapshot {
    /// The counter's step since an earlier snapshot. Includes the samples of all threads.
    #[must_use]
    pub fn since(&self, earlier: &TrackerSnapshot) -> CounterStep {
        if self.totals.resets != earlier.totals.resets {
            return CounterStep::Reset;
        }
        let (Some(last), Some(first)) = (self.counted, earlier.counted) else { return CounterStep::NoBaseline };
        let counts = self.totals.counts.wrapping_sub(earlier.totals.counts);
        last.since(&first).map_or(CounterStep::Unchanged, |ns| CounterStep::Advanced { counts, ns })
    }

    /// The time since an earlier snapshot by the firmware's clock; `None` if a sample lacks it or it restarted in between.
    #[must_use]
    pub fn firmware_since(&self, earlier: &TrackerSnapshot, driver_elapsed_ns: u64) -> Option<u64> {
        let firmware = |snapshot: &TrackerSnapshot| snapshot.counted.and_then(|sample| sample.firmware_ns);
        let ns = firmware(self)?.checked_sub(firmware(earlier)?)?;
        let tolerance_ns = (driver_elapsed_ns / 4 + 2_000_000).min(clock_tolerance_ns(driver_elapsed_ns));
        (ns.abs_diff(driver_elapsed_ns) <= tolerance_ns).then_some(ns)
    }

    /// Upper limit of the age of a count of this counter.
    #[must_use]
    pub fn max_age_ns(&self) -> u64 {
        self.count_age_ns.max(self.age_uncertainty_ns)
    }

    /// The age of the count, given a smallest clock difference that became known later.
    pub(super) fn age_given(&self, min_driver_minus_firmware_ns: Option<i64>) -> u64 {
        let offset_ns = self.counted.and_then(|sample| sample.driver_minus_firmware_ns());
        let by_clocks_ns = age_by_clocks(offset_ns, min_driver_minus_firmware_ns);
        self.count_age_ns.max(by_clocks_ns.unwrap_or(0))
    }
}

/// The age of a count: how far its clock difference is above the smallest one.
pub(super) fn age_by_clocks(offset_ns: Option<i64>, min_offset_ns: Option<i64>) -> Option<u64> {
    let (offset_ns, min_offset_ns) = offset_ns.zip(min_offset_ns)?;
    Some(offset_ns.saturating_sub(min_offset_ns).max(0).unsigned_abs().min(MAX_NS))
}
