use super::*;
use crate::energy::AccumulatorTracker;
use proptest::prelude::*;

const MS: u64 = 1_000_000;
/// 250 W with the headroom of a quarter.
const LIMIT_MW: u64 = 250_000;

/// Power in mW at a time in ms: pieces of a random length, repeated.
#[derive(Debug, Clone)]
struct Load(Vec<(u64, u64)>);

impl Load {
    /// Energy from 0 to a time, in pJ, exactly.
    fn until_pj(&self, mut ms: u64) -> u128 {
        let mut pj = 0;
        let period_ms: u64 = self.0.iter().map(|p| p.0).sum();
        let period_pj: u128 = self.0.iter().map(|(ms, mw)| power_pj(*mw, ms * MS)).sum();
        pj += period_pj * u128::from(ms / period_ms);
        ms %= period_ms;
        for (piece_ms, mw) in &self.0 {
            pj += power_pj(*mw, ms.min(*piece_ms) * MS);
            ms = ms.saturating_sub(*piece_ms);
        }
        pj
    }

    fn between_pj(&self, from_ms: u64, to_ms: u64) -> u128 {
        self.until_pj(to_ms) - self.until_pj(from_ms)
    }
}

/// What a firmware reports: the mean over a time (the simulator's formula), or weights that fall in steps, in whole watts.
fn reported_mw(load: &Load, average_ms: &[u64], at_ms: u64) -> u64 {
    let mean = |ms: &u64| load.between_pj(at_ms - ms, at_ms) / u128::from(ms * MS);
    let mw = average_ms.iter().map(mean).sum::<u128>() / average_ms.len() as u128;
    (mw as u64 + 500) / 1000 * 1000
}

fn loads() -> impl Strategy<Value = Load> {
    let power = prop_oneof![Just(20_000), Just(3_000), Just(312_000), 3_000_u64..312_000];
    let length = prop_oneof![1_u64..20, 20_u64..2_000, 2_000_u64..20_000];
    prop::collection::vec((length, power), 1..8).prop_map(Load)
}

proptest! {
    #![proptest_config(crate::cases::seeded(256))]

    /// Whatever the load and the filter: the truth is inside the uncertainty of the integral of an average power.
    #[test]
    fn averages_hide_no_more_than_their_uncertainty(
        load in loads(),
        average_ms in prop::collection::vec(1_u64..=6_000, 1..4),
        begin_ms in 10_000_u64..60_000,
        duration_ms in prop_oneof![20_u64..1_000, 1_000_u64..40_000],
        every_ms in 5_u64..60,
    ) {
        let mut tracker = AccumulatorTracker::new(64, LIMIT_MW);
        let add = |tracker: &mut AccumulatorTracker, ms: u64| {
            let power_mw = Some(reported_mw(&load, &average_ms, ms));
            let seen_ns = ms * MS;
            tracker.add(&RawSample { seen_ns, driver_ns: Some(seen_ns), power_mw, averaged: true, ..RawSample::default() });
            tracker.snapshot(seen_ns)
        };
        let begin = add(&mut tracker, begin_ms);
        for ms in (begin_ms..begin_ms + duration_ms).step_by(every_ms as usize).skip(1) {
            add(&mut tracker, ms);
        }
        let end = add(&mut tracker, begin_ms + duration_ms);
        let Some(interval) = interval_energy(&begin, &end, EnergyResolution::Firmware, tracker.max_power_mw(), (CounterState::Stuck, true), Boundaries::Calls)
        else {
            return Ok(());
        };
        let truth_pj = load.between_pj(begin_ms, begin_ms + duration_ms);
        prop_assert!(interval.energy_pj.abs_diff(truth_pj) <= interval.uncertainty_pj, "{truth_pj} pJ: {interval:?}");
        // Too short for the filter.
        prop_assert!(duration_ms > 6_000 || interval.has_high_uncertainty(), "{interval:?}");
    }
}

/// An idle Radeon, 20 W for 30 s: what the filter may hide is limited by the power at both ends.
#[test]
fn half_a_minute_of_an_average_power() {
    let mut tracker = AccumulatorTracker::new(32, 304_000);
    let mut add = |ms: u64| {
        let (seen_ns, power_mw) = (100_000 * MS + ms * MS, Some(20_000));
        tracker.add(&RawSample { seen_ns, driver_ns: Some(seen_ns), power_mw, averaged: true, ..RawSample::default() });
        tracker.snapshot(seen_ns)
    };
    let begin = add(0);
    let end = (1..=3_000).map(|i| add(10 * i)).last().unwrap();
    let interval = interval_energy(
        &begin,
        &end,
        EnergyResolution::Firmware,
        380_000,
        (CounterState::Stuck, true),
        Boundaries::Calls,
    )
    .unwrap();
    assert_eq!(interval.energy_pj, power_pj(20_000, 30_000 * MS));
    assert!(interval.uncertainty_pj < power_pj(200_000, 1_000 * MS), "{interval:?}");
}

/// Where the driver reports 15.3 uJ, which of the two is true is not known: in 1,000 s at 500 W they are 1,350 J apart, more than
/// anything else hides.
#[test]
fn the_reported_resolution_may_be_the_wrong_one() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let mut add = |s: u64| {
        let at_ns = (100 + s) * 1_000 * MS;
        tracker.add(&RawSample {
            seen_ns: at_ns,
            begun_ns: at_ns,
            driver_ns: Some(at_ns),
            firmware_ns: Some(at_ns),
            accumulator: Some((1 << 40) + s * 500 * 65_536),
            resolution_uj: 15.3,
            power_mw: Some(500_000),
            ..RawSample::default()
        });
        tracker.snapshot(at_ns)
    };
    // From the eighth on it is known how old a count is.
    let begin = (1..=8).map(&mut add).last().unwrap();
    let end = (9..=1_008).map(&mut add).last().unwrap();
    let between = |unit, boundaries| {
        let trusted = (CounterState::Trusted, true);
        interval_energy(&begin, &end, unit, tracker.max_power_mw(), trusted, boundaries).unwrap()
    };
    let used = |unit| between(unit, Boundaries::Calls);
    let truth_pj = power_pj(500_000, 1_000_000 * MS);
    let reported = used(EnergyResolution::Reported);
    assert_eq!(reported.energy_pj / 1_000_000_000, 501_350_400);
    assert!(reported.energy_pj.abs_diff(truth_pj) <= reported.uncertainty_pj, "{reported:?}");
    let firmware = used(EnergyResolution::Firmware);
    assert_eq!(firmware.energy_pj, truth_pj);
    assert!(firmware.uncertainty_pj < power_pj(500_000, 100 * MS), "{firmware:?}");
    // Between two readings the firmware's time is the counts'. Between calls a refresh at the most that is drawn is at the edges.
    let lap = between(EnergyResolution::Firmware, Boundaries::Readings);
    assert_eq!((lap.energy_pj, lap.duration_ns), (truth_pj, 1_000_000 * MS));
    let edges_pj = power_pj(tracker.max_power_mw(), MS);
    assert_eq!(firmware.uncertainty_pj - lap.uncertainty_pj, edges_pj, "{lap:?} {firmware:?}");
}

/// A counter at 200 W of 250 W that is read at times in µs, each with whether it was reset before.
fn read_at(times: &[(u64, bool)]) -> Vec<TrackerSnapshot> {
    let (mut tracker, mut lost) = (AccumulatorTracker::new(64, 200_000), 0);
    let read = |(us, is_reset): &(u64, bool)| {
        let (at_ns, counts) = (100_000 * MS + us * 1_000, (1 << 40) + us * 200 * 65_536 / 1_000_000);
        if *is_reset {
            lost = counts - 5;
        }
        tracker.add(&RawSample {
            begun_ns: at_ns,
            seen_ns: at_ns,
            driver_ns: Some(at_ns),
            accumulator: Some(counts - lost),
            resolution_uj: FIRMWARE_UJ,
            power_mw: Some(200_000),
            ..RawSample::default()
        });
        tracker.snapshot(at_ns)
    };
    times.iter().map(read).collect()
}

fn between_calls(begin: &TrackerSnapshot, end: &TrackerSnapshot) -> EnergyInterval {
    let trusted = (CounterState::Trusted, false);
    interval_energy(begin, end, EnergyResolution::Firmware, LIMIT_MW, trusted, Boundaries::Calls).unwrap()
}

/// An estimate needs no counter, and still has its resets: those of the interval, not the ones before.
#[test]
fn an_estimate_has_the_resets() {
    for us in [400, 4_000] {
        let read = read_at(&[(0, false), (10_000, true), (20_000, false), (20_000 + us, true)]);
        let interval = between_calls(&read[2], &read[3]);
        assert_eq!((interval.method, interval.resets), (Method::Estimated, 1), "{us} µs: {interval:?}");
        assert_eq!(interval.energy_pj, power_pj(200_000, us * 1_000));
    }
}

/// Without a firmware's clock a count may be 100 ms old: until power times duration is better known than that, it is taken.
#[test]
fn the_method_is_the_one_with_the_smaller_uncertainty() {
    for (ms, method) in [(110, Method::Estimated), (150, Method::Counter), (300, Method::Counter)] {
        let read = read_at(&[(0, false), (1_000_000, false), (1_000_000 + ms * 1_000, false)]);
        let interval = between_calls(&read[1], &read[2]);
        assert_eq!(interval.method, method, "{ms} ms: {interval:?}");
        assert_eq!(interval.energy_pj / 1_000_000_000, u128::from(ms) * 200, "{ms} ms");
    }
}

/// What is integrated beside a counter in doubt reaches as far as that, with its own uncertainty.
#[test]
fn an_integral_reaches_to_the_counter_in_doubt() {
    let read = read_at(&[(0, false), (1_000_000, false)]);
    let integral = EnergyInterval { energy_pj: 1_000, uncertainty_pj: 20, ..between_calls(&read[0], &read[1]) };
    for (energy_pj, uncertainty_pj, needed_pj) in [(900, 7, 107), (1_100, 7, 107), (1_001, 7, 20)] {
        let counted = EnergyInterval { energy_pj, uncertainty_pj, ..integral };
        assert_eq!(integral.covering(Some(counted)).uncertainty_pj, needed_pj);
    }
    assert_eq!(integral.covering(None).uncertainty_pj, 20);
}
