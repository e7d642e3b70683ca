//! An energy counter against the integral of the power, over a time that was sampled without a gap. Pure.
//!
//! Zeus's rule, a factor of 10, has to allow for half a second in which a power that is averaged says little. Over a longer
//! time the error of the integral is known, and what is left is that of the power's sensor.

use super::interval::averaging_error_pj;
use super::snapshot::RunningTotals;
use super::units::{counts_pj, power_pj};

/// What was counted and what the power gave in the same time, each with its largest error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreement {
    pub ns: u64,
    pub counted_pj: u128,
    counted_error_pj: u128,
    pub integral_pj: u128,
    integral_error_pj: u128,
}

/// A shorter time is left to Zeus's rule.
const LEAST_NS: u64 = 10_000_000_000;

/// The most that power and counter of a package are apart by their sensors, in percent. Measured are 0.85 % (MI210) for a
/// steady load, and no two sensors of a package of MI250X or MI300A are further apart than 5 % (arXiv 2604.06056).
const SENSOR_PERCENT: u128 = 10;

/// Samples at both ends of a time without a gap.
pub(super) struct Ends {
    pub totals: [RunningTotals; 2],
    pub powers_mw: [u64; 2],
    /// The power is an average over seconds.
    pub averaged: bool,
    pub ns: u64,
    pub resolution_uj: f64,
    pub max_power_mw: u64,
    /// A count may be so old.
    pub max_age_ns: u64,
}

impl Agreement {
    /// `None` where the time is short, or the counter was reset in it.
    pub(super) fn of(ends: &Ends) -> Option<Agreement> {
        let [first, last] = &ends.totals;
        if ends.ns < LEAST_NS || first.resets != last.resets {
            return None;
        }
        let integral_pj = last.integral_pj - first.integral_pj;
        let averaging_pj =
            if ends.averaged { averaging_error_pj(integral_pj, ends.ns, ends.powers_mw, ends.max_power_mw) } else { 0 };
        Some(Agreement {
            ns: ends.ns,
            counted_pj: counts_pj(last.counts.wrapping_sub(first.counts), ends.resolution_uj),
            counted_error_pj: last.error_since(first) + power_pj(ends.max_power_mw, ends.max_age_ns),
            integral_pj,
            integral_error_pj: last.integral_error_since(first, ends.max_power_mw) + averaging_pj,
        })
    }

    /// They are further apart than all their errors and the power's sensor allow: one of both is wrong.
    #[must_use]
    pub fn is_refuted(&self) -> bool {
        let Agreement { counted_pj, counted_error_pj, integral_pj, integral_error_pj, .. } = *self;
        let is_less = (counted_pj + counted_error_pj) * 100
            < integral_pj.saturating_sub(integral_error_pj) * (100 - SENSOR_PERCENT);
        let is_more = counted_pj.saturating_sub(counted_error_pj) * 100
            > (integral_pj + integral_error_pj) * (100 + SENSOR_PERCENT);
        is_less || is_more
    }

    /// What was counted over what the power gave.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.counted_pj as f64 / (self.integral_pj as f64).max(f64::MIN_POSITIVE)
    }
}

#[cfg(test)]
mod tests {
    use crate::energy::tests::Swinging;
    use crate::energy::{AccumulatorTracker, Agreement, RawSample};
    use proptest::prelude::*;

    const MS: u64 = 1_000_000;
    /// Joules of a count.
    const COUNT_J: f64 = 1.0 / 65536.0;

    fn alternating(low: f64, high: f64, period_s: f64) -> Swinging {
        Swinging { low, high, period_s, square: true }
    }

    /// Sampled each `every` ms over `seconds`, with gains of counter and power.
    fn sampled(
        load: &Swinging,
        (every_ms, seconds): (u64, u64),
        gains: (f64, f64),
        average_s: f64,
    ) -> AccumulatorTracker {
        let mut tracker = AccumulatorTracker::new(64, 600_000);
        for ms in (10_000..10_000 + seconds * 1000).step_by(every_ms as usize) {
            let t = ms as f64 / 1e3;
            let mw = (gains.1 * load.average(t, average_s)).round() as u64 * 1000;
            tracker.add(&RawSample {
                seen_ns: ms * MS,
                begun_ns: ms * MS,
                driver_ns: Some(ms * MS),
                firmware_ns: Some(ms * MS),
                accumulator: Some((gains.0 * load.joules(t) / COUNT_J) as u64 + 1_000_000_000),
                resolution_uj: 1e6 / 65536.0,
                power_mw: Some(mw),
                power_in_table: true,
                averaged: average_s > 0.0,
                ..RawSample::default()
            });
        }
        tracker
    }

    fn refuted(tracker: &AccumulatorTracker) -> Option<bool> {
        tracker.agreement().as_ref().map(Agreement::is_refuted)
    }

    proptest! {
        #![proptest_config(crate::cases::seeded(256))]

        /// Any load, however it falls together with the samples, and sensors that are as far apart as any that are published.
        #[test]
        fn a_healthy_counter_is_never_refuted(
            low_w in 30.0..300.0_f64,
            more_w in 0.0..300.0_f64,
            period_s in 0.01..30.0_f64,
            every_ms in 1..240_u64,
            seconds in 10..100_u64,
            counter in 0.97..1.03_f64,
            power in 0.97..1.03_f64,
            average_s in prop_oneof![Just(0.0), 0.5..5.0_f64],
        ) {
            // Samples that fall on the same moment of every period of a load show another load, for as long as they do.
            let periods = every_ms as f64 / (period_s * 1e3);
            let samples = 3_200.0 / every_ms as f64;
            let is_locked = periods > 0.5 && (periods - periods.round()).abs() * samples < 1.0;
            prop_assume!(average_s > 0.0 || !is_locked);
            let load = alternating(low_w, low_w + more_w, period_s);
            let tracker = sampled(&load, (every_ms, seconds), (counter, power), average_s);
            prop_assert_ne!(refuted(&tracker), Some(true), "{:?}", tracker.agreement());
        }
    }

    #[test]
    fn a_steady_load_refutes_a_gain_far_within_zeus_rule() {
        let load = alternating(400.0, 400.0, 1.0);
        for (gain, expected) in
            [(1.0, false), (1.05, false), (0.95, false), (1.2, true), (0.8, true), (1.8, true), (0.3, true)]
        {
            assert_eq!(refuted(&sampled(&load, (100, 15), (gain, 1.0), 0.0)), Some(expected), "{gain}");
            assert_eq!(refuted(&sampled(&load, (100, 120), (gain, 1.0), 4.0)), Some(expected), "{gain}, averaged");
        }
        let ratio = sampled(&load, (100, 12), (0.8, 1.0), 0.0).agreement().unwrap().ratio();
        assert!((ratio - 0.8).abs() < 0.01, "{ratio}");
    }

    #[test]
    fn short_times_gaps_and_resets_say_nothing() {
        let load = alternating(400.0, 400.0, 1.0);
        assert_eq!(refuted(&sampled(&load, (100, 9), (0.5, 1.0), 0.0)), None);
        assert_eq!(refuted(&sampled(&load, (300, 60), (0.5, 1.0), 0.0)), None);
        let mut tracker = sampled(&load, (100, 30), (0.5, 1.0), 0.0);
        let after = |ms: u64, accumulator: u64| RawSample {
            seen_ns: ms * MS,
            driver_ns: Some(ms * MS),
            accumulator: Some(accumulator),
            resolution_uj: 1e6 / 65536.0,
            power_mw: Some(400_000),
            ..RawSample::default()
        };
        tracker.add(&after(40_100, 100));
        assert_eq!(refuted(&tracker), None);
    }
}
