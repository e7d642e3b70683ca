use super::*;
use proptest::prelude::*;

const MS: u64 = 1_000_000;

/// Values at the ends of their ranges, and usual ones.
fn any_number() -> impl Strategy<Value = u64> {
    let extremes = [0, 1, 1000, 1 << 32, 1 << 58, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX];
    prop_oneof![prop::sample::select(extremes.to_vec()), any::<u64>(), 0..1_000_000_000_000_u64]
}

fn any_sample() -> impl Strategy<Value = RawSample> {
    let some = || prop::option::weighted(0.9, any_number());
    let resolution =
        prop_oneof![Just(15.3), Just(0.0), Just(f64::NAN), Just(f64::MAX), Just(8e15), Just(1e-300), any::<f64>()];
    (some(), some(), some(), some(), resolution, any::<[bool; 4]>()).prop_map(
        |(accumulator, driver_ns, firmware_ns, power_mw, resolution_uj, flags)| RawSample {
            accumulator,
            resolution_uj,
            driver_ns,
            firmware_ns,
            power_mw,
            counter_unsupported: flags[0],
            suspended: flags[1],
            averaged: flags[2],
            stale: flags[3],
            ..RawSample::default()
        },
    )
}

proptest! {
    /// Nothing that a driver writes into its table ends in a panic, and no sum wraps around.
    #[test]
    fn nonsense_is_no_overflow(
        samples in prop::collection::vec((any_sample(), 0..10_000_000_000_u64), 1..80),
        limit_mw in any_number(),
        bits in prop::sample::select(vec![32_u32, 64]),
        begin in 0..80_usize,
    ) {
        let mut tracker = AccumulatorTracker::new(bits, limit_mw);
        let mut evidence = ValidationEvidence::default();
        let (mut now_ns, mut snapshots) = (3_600_000 * MS, Vec::new());
        for (sample, pause_ns) in samples {
            now_ns += pause_ns;
            let step = tracker.add(&RawSample { seen_ns: now_ns, ..sample });
            let advance = match step {
                CounterStep::Advanced { counts, ns } => Some((counts_pj(counts, sample.resolution_uj), ns)),
                _ => None,
            };
            let power_mw = sample.power_mw;
            evidence.add(Observation { advance, power_mw, counter: true, timed: true, ..Observation::default() });
            let _ = (evidence.decide_early(), evidence.decide_final(1), evidence.average_is_lagging());
            snapshots.push(tracker.snapshot(now_ns));
        }
        let first = &snapshots[begin % snapshots.len()];
        let last = &snapshots[snapshots.len() - 1];
        for boundaries in [Boundaries::Calls, Boundaries::Readings] {
            for state in [CounterState::Trusted, CounterState::Pending, CounterState::Stuck] {
                for unit in [EnergyResolution::Firmware, EnergyResolution::Reported] {
                    let max_mw = tracker.max_power_mw();
                    if let Some(interval) = interval_energy(first, last, unit, max_mw, (state, true), boundaries) {
                        let _ = (interval.mean_mw(), interval.has_high_uncertainty());
                    }
                }
            }
        }
        prop_assert!(last.totals.integral_pj >= first.totals.integral_pj);
        prop_assert!(last.totals.error_pj < u128::MAX / 4);
    }
}
