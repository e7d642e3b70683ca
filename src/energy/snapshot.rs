//! The state of the book at one moment; what is measured is the difference of two.

use super::clock_sync::DRIFT_DENOMINATOR;
use super::sample::{RawSample, SLOWEST_NS};

/// Sums since the book was begun; what counts are differences of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunningTotals {
    /// Counts, wraps undone.
    pub counts: u64,
    /// What no count tells (over a reset), from the power, and how far off that may be.
    pub bridged_pj: u128,
    pub error_pj: u128,
    pub resets: u32,
    /// Power × time by trapezoids, how far off that may be, and how many there were.
    pub integral_pj: u128,
    pub integral_error_pj: u128,
    pub trapezoids: u64,
    /// Times longer than a sampler leaves between two looks.
    pub gaps: u32,
}

/// What a look added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterStep {
    /// Nothing to compare with yet, or nothing that could be compared.
    NoBaseline,
    /// The same reading again.
    Unchanged,
    /// The counter went on by so much, in so long.
    Advanced { counts: u64, ns: u64 },
    /// It went back, or leapt: it was reset.
    Reset,
}

/// The state of the book at an edge of a region.
#[derive(Debug, Clone, Copy)]
pub struct TrackerSnapshot {
    /// When the region began or ended, on `CLOCK_BOOTTIME`.
    pub boundary_ns: u64,
    /// The last looks with a count and with a power.
    pub counted: Option<RawSample>,
    pub powered: Option<RawSample>,
    pub totals: RunningTotals,
    /// So much older than its time the count is, as far as was known then; and so much more any of that counter may be.
    pub count_age_ns: u64,
    pub age_uncertainty_ns: u64,
    /// The least that the driver's clock was ahead of the firmware's until then.
    pub min_driver_minus_firmware_ns: Option<i64>,
    /// What has to be added to the driver's times, as far as was known then.
    pub driver_offset_ns: i64,
    /// When a count was last seen that the counter has since gone on from.
    pub last_advance_ns: u64,
}

impl TrackerSnapshot {
    /// What has come into the book since an earlier mark, whoever looked.
    #[must_use]
    pub fn since(&self, earlier: &TrackerSnapshot) -> CounterStep {
        if self.totals.resets != earlier.totals.resets {
            return CounterStep::Reset;
        }
        let (Some(last), Some(first)) = (self.counted, earlier.counted) else { return CounterStep::NoBaseline };
        let counts = self.totals.counts.wrapping_sub(earlier.totals.counts);
        last.since(&first).map_or(CounterStep::Unchanged, |ns| CounterStep::Advanced { counts, ns })
    }

    /// The time since an earlier mark by the firmware's clock, if both have it, and it did not start anew in between.
    #[must_use]
    pub fn firmware_since(&self, earlier: &TrackerSnapshot, by_driver: u64) -> Option<u64> {
        let firmware = |m: &TrackerSnapshot| m.counted.and_then(|c| c.firmware_ns);
        let ns = firmware(self)?.checked_sub(firmware(earlier)?)?;
        let apart = (by_driver / 4 + 2_000_000).min(by_driver / DRIFT_DENOMINATOR + 2 * SLOWEST_NS);
        (ns.abs_diff(by_driver) <= apart).then_some(ns)
    }

    /// No count of that counter is older than its time by more.
    #[must_use]
    pub fn max_age_ns(&self) -> u64 {
        self.count_age_ns.max(self.age_uncertainty_ns)
    }

    /// The age of the count, with what is known later of the two clocks.
    pub(super) fn age_given(&self, min_driver_minus_firmware_ns: Option<i64>) -> u64 {
        let ahead = self.counted.and_then(|c| c.driver_minus_firmware_ns()).zip(min_driver_minus_firmware_ns);
        let told = ahead.map_or(0, |(ahead, least)| ahead.saturating_sub(least).max(0).unsigned_abs());
        self.count_age_ns.max(told)
    }
}
