use super::*;
use crate::random::Random;
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
    #![proptest_config(crate::cases::seeded(256))]

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
            let _ = (evidence.decide_early(), evidence.decide_final(1), evidence.may_change(CounterState::Implausible));
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

/// Tables that come every 35.5 ms, read when they are old and when they are new, and a power without the driver's time between
/// them: the integral covers the 10 ms between the calls, and the tables are 35.5 ms apart.
#[test]
fn an_integral_covers_the_time_that_samples_without_the_drivers_time_leave_out() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let power = |driver_us: Option<u64>, seen_us: u64| RawSample {
        seen_ns: seen_us * 1_000,
        driver_ns: driver_us.map(|us| us * 1_000),
        power_mw: Some(300_000),
        ..RawSample::default()
    };
    tracker.add(&power(Some(1_000_000), 1_030_000));
    let begin = tracker.snapshot(1_030 * MS);
    tracker.add(&power(None, 1_036_000));
    tracker.add(&power(Some(1_035_500), 1_040_000));
    let interval = interval_energy(
        &begin,
        &tracker.snapshot(1_040 * MS),
        EnergyResolution::Firmware,
        937_500,
        (CounterState::Stuck, true),
        Boundaries::Readings,
    );
    let interval = interval.expect("powers");
    assert_eq!(interval.duration_ns, 35_500_000);
    assert!(interval.energy_pj.abs_diff(power_pj(300_000, 35_500_000)) <= interval.uncertainty_pj, "{interval:?}");
    assert!(interval.uncertainty_pj < power_pj(937_500, 45 * MS), "{interval:?}");
}

/// A load that alternates or swings: watts at a time, and the joules up to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Swinging {
    pub low: f64,
    pub high: f64,
    pub period_s: f64,
    pub square: bool,
}

impl Swinging {
    pub fn watts(&self, s: f64) -> f64 {
        let phase = (s / self.period_s).fract();
        let share =
            if self.square { f64::from(phase < 0.5) } else { 0.5 - 0.5 * (phase * std::f64::consts::TAU).cos() };
        self.low + (self.high - self.low) * share
    }

    pub fn joules(&self, s: f64) -> f64 {
        let (whole, phase) = ((s / self.period_s).floor(), (s / self.period_s).fract());
        let part = if self.square {
            phase.min(0.5)
        } else {
            0.5 * phase - (phase * std::f64::consts::TAU).sin() / (2.0 * std::f64::consts::TAU)
        };
        self.low * s + (self.high - self.low) * self.period_s * (whole / 2.0 + part)
    }

    /// What a sensor shows that averages over so many seconds.
    pub fn average(&self, s: f64, seconds: f64) -> f64 {
        match seconds {
            0.0 => self.watts(s),
            _ => (self.joules(s) - self.joules(s - seconds)) / seconds,
        }
    }
}

/// Readings of a counter that stops for good at any moment of any load, at any distances: times of reading and count.
fn until_it_stops(seed: u64) -> (AccumulatorTracker, Swinging, Vec<(f64, f64, TrackerSnapshot)>) {
    let random = &mut Random::seeded(seed << 32);
    let low = 20.0 + 200.0 * random.part();
    let load = Swinging {
        low,
        high: low + 500.0 * random.part() * random.part(),
        period_s: 0.01 * 200_f64.powf(random.part()),
        square: random.part() < 0.5,
    };
    let refresh_s = 0.001 * 40_f64.powf(random.part());
    let pause_s = 0.002 * 20_f64.powf(random.part());
    let stop_s = 0.5 + 0.5 * random.part();
    let average_s = if random.part() < 0.3 { 0.4 } else { 0.0 };
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let (mut s, mut snapshots) = (1.0, Vec::new());
    while s < 2.5 && !tracker.is_stuck() {
        let at_s = (s / refresh_s).floor() * refresh_s;
        let watts = load.average(at_s, average_s);
        let [seen_ns, at_ns] = [s, at_s].map(|s| 3_600_000 * MS + (s * 1e9) as u64);
        tracker.add(&RawSample {
            seen_ns,
            accumulator: Some((1 << 40) + (load.joules(at_s.min(1.0 + stop_s)) * 65536.0) as u64),
            resolution_uj: units::FIRMWARE_UJ,
            driver_ns: Some(at_ns),
            firmware_ns: Some(at_ns - 7_000 * MS),
            power_mw: Some(1000 * watts.round() as u64),
            averaged: average_s > 0.0,
            ..RawSample::default()
        });
        snapshots.push((s, at_s, tracker.snapshot(seen_ns)));
        // As a validation does, then more rarely.
        s += if s < 1.1 { 0.002 } else { pause_s * (0.2 + 1.8 * random.part()) };
    }
    (tracker, load, snapshots)
}

/// What laps have from one reading to the next, and windows from any reading to any other, is right within its uncertainty.
/// (An average does not show a load that rises just before the counter stops: one in a hundred of those stops is larger than
/// what recent powers give.)
#[test]
fn intervals_over_counters_that_stop() {
    let (mut wrong, mut unseen, mut averages) = (Vec::new(), std::collections::BTreeSet::new(), 0);
    for seed in 0..2_000 {
        let (tracker, load, snapshots) = until_it_stops(seed);
        let averaged = snapshots[0].2.powered.expect("a power").averaged;
        averages += usize::from(averaged);
        let random = &mut Random::seeded(seed);
        let ends = (1..snapshots.len()).flat_map(|n| [(n - 1, n), ((n as f64 * random.part()) as usize, n)]);
        for ((from, to), boundaries) in ends.flat_map(|e| [(e, Boundaries::Calls), (e, Boundaries::Readings)]) {
            let ((a, b), known) = ((&snapshots[from], &snapshots[to]), (CounterState::Trusted, false));
            let (unit, max_mw) = (EnergyResolution::Firmware, tracker.max_power_mw());
            let found = interval_energy(&a.2, &b.2, unit, max_mw, known, boundaries).expect("counts");
            let joules = |of: &(f64, f64, _)| load.joules(if boundaries == Boundaries::Calls { of.0 } else { of.1 });
            let error = found.energy_pj as f64 * 1e-12 - (joules(b) - joules(a));
            let is_wrong = error.abs() > found.uncertainty_pj as f64 * 1e-12;
            if is_wrong && averaged {
                unseen.insert(seed);
            } else if is_wrong {
                wrong.push(format!("seed {seed}, {} to {}, {error} J, {boundaries:?}: {found:?}", a.0, b.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(averages > 500 && unseen.len() * 100 < averages, "{} of {averages}", unseen.len());
}

/// 300 W at a time in ms, by a counter of 2^-16 J.
fn steady(ms: u64, joules: u64, zero: u64, firmware_ns: Option<u64>) -> RawSample {
    RawSample {
        seen_ns: (ms + 1) * MS,
        accumulator: Some(zero + joules * 65536),
        resolution_uj: units::FIRMWARE_UJ,
        driver_ns: Some(ms * MS),
        firmware_ns,
        power_mw: Some(300_000),
        ..RawSample::default()
    }
}

/// 32 bits without a clock of the firmware: what advances as the power says, and does not wrap around, is not in doubt.
#[test]
fn a_32_bit_counter_that_does_not_wrap_has_no_error() {
    let mut tracker = AccumulatorTracker::new(32, 750_000);
    for n in 0..100 {
        tracker.add(&steady(1_000 + n * 100, n * 29, 1 << 31, None));
    }
    let totals = tracker.snapshot(0).totals;
    assert_eq!((totals.counts, totals.error_pj), (99 * 29 * 65536, 0));
}

/// A counter that has counted little since the firmware began, as an idle GPU's: no reset hides in its steps.
#[test]
fn a_young_counter_whose_firmware_did_not_restart_has_no_error() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    for n in 0..20 {
        tracker.add(&steady(1_000 + n * 1_000, n * 300, 100 * 65536, Some((77_000 + n * 1_000) * MS)));
    }
    let totals = tracker.snapshot(0).totals;
    assert_eq!((totals.counts, totals.error_pj), (19 * 300 * 65536, 0));
}

/// A counter that has counted less than any GPU draws while the firmware's clock went on for hours: it restarts without that
/// clock, and may pass its old value unseen.
#[test]
fn a_young_counter_beside_an_old_clock_may_restart_unseen() {
    for restarts_after_s in [0, 1, 2, 3] {
        let mut tracker = AccumulatorTracker::new(64, 750_000);
        let mut add = |ms: u64, joules: u64, watts: u64| {
            let firmware_ns = Some((35_674_000 + ms) * MS);
            tracker.add(&RawSample { power_mw: Some(watts * 1_000), ..steady(ms, joules, 1, firmware_ns) });
        };
        // A load of 300 W on average.
        for (ms, watts) in [(1_000, 100), (1_010, 500), (1_020, 100), (1_030, 500)] {
            add(ms, (ms - 1_000) * 3 / 10, watts);
        }
        add(5_030, 300 * (4 - restarts_after_s), 500);
        let totals = tracker.snapshot(0).totals;
        let (energy_pj, truth_pj) =
            (units::counts_pj(totals.counts, units::FIRMWARE_UJ), power_pj(300_000, 4_030 * MS));
        assert!(truth_pj.abs_diff(energy_pj) <= totals.error_pj, "after {restarts_after_s} s: {totals:?}");
    }
}

#[test]
fn what_a_tracker_has_seen() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    assert!(!tracker.has_counted() && !tracker.is_ahead_of(&steady(0, 0, 0, None)));
    tracker.add(&steady(1_000, 0, 0, None));
    assert!(!tracker.has_counted(), "a table that is not filled");
    tracker.add(&steady(1_100, 30, 0, None));
    assert!(tracker.has_counted());
    assert!(tracker.is_ahead_of(&steady(1_050, 15, 0, None)));
    assert!(!tracker.is_ahead_of(&steady(1_100, 30, 0, None)));
    assert!(!tracker.is_ahead_of(&steady(1_200, 60, 0, None)));
}

/// Twice what can be drawn is a counter that runs fast, more is none: 937.5 W with the headroom, and 100 ms of it.
#[test]
fn the_largest_advance_that_is_believed() {
    for (joules, is_believed) in [(18_800, true), (18_900, false)] {
        let mut tracker = AccumulatorTracker::new(64, 750_000);
        let at_750_w = |ms, joules| RawSample { power_mw: Some(750_000), ..steady(ms, joules, 1 << 40, None) };
        tracker.add(&at_750_w(1_000, 0));
        let step = tracker.add(&at_750_w(11_000, joules));
        assert_eq!(matches!(step, CounterStep::Advanced { .. }), is_believed, "{joules} J: {step:?}");
    }
}

/// 300 s at 300 W are a turn of 65,536 J and 24,464 J more; at the most that may have been drawn they are four turns. And the
/// counter may have stood: 281,250 J are the most that it has missed.
#[test]
fn turns_in_a_long_gap_are_in_the_uncertainty() {
    let mut tracker = AccumulatorTracker::new(32, 750_000);
    tracker.add(&steady(1_000, 0, 0x1000, None));
    tracker.add(&steady(301_000, 24_464, 0x1000, None));
    assert_eq!(tracker.snapshot(0).totals.counts, (1 << 32) + 24_464 * 65536);
    assert_eq!(tracker.snapshot(0).totals.error_pj, (3 * 65_536 + 281_250 - 24_464) * 1_000_000_000_000);
}

/// A clock of the firmware that is not known to be one shows no reset: a turn may be one.
#[test]
fn a_turn_beside_a_new_firmware_clock_may_be_a_reset() {
    let mut tracker = AccumulatorTracker::new(32, 750_000);
    tracker.add(&steady(1_000, 65_536 - 10, 0, Some(77_000 * MS)));
    // 200 J were counted, and 150 J drawn by the power.
    tracker.add(&steady(1_500, 190, 0, Some(77_500 * MS)));
    assert_eq!(tracker.snapshot(0).totals.counts, 200 * 65536);
    assert!(tracker.snapshot(0).totals.error_pj >= 50_000_000_000_000, "{}", tracker.snapshot(0).totals.error_pj);
}

/// A table that is old when it is read has its own time; a reading without one is of the time when it is received.
#[test]
fn only_readings_without_a_time_move_an_integral() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let read = |at_ms: u64, age_ms: u64| {
        let seen_ns = (1_000 + at_ms + age_ms) * MS;
        RawSample { seen_ns, ..steady(1_000 + at_ms, 300 * at_ms / 1_000, 1 << 40, None) }
    };
    for (at_ms, age_ms) in [(0, 1), (100, 5), (200, 2)] {
        tracker.add(&read(at_ms, age_ms));
    }
    assert_eq!(tracker.snapshot(0).totals.integral_excess_ns, 0);
    tracker.add(&RawSample { driver_ns: None, ..read(300, 0) });
    assert_eq!(tracker.snapshot(0).totals.integral_excess_ns, -2 * MS as i64);
}

/// At 650 W, of a load that was at 150 W before, the counter stops for 0.7 s, and is reset before it has caught up.
#[test]
fn what_a_reset_leaves_uncounted_is_inside_the_uncertainty() {
    const RUNNING: u64 = 1 << 24;
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let mut add = |ms: u64, joules: u64, power_mw: u64| {
        tracker.add(&RawSample {
            seen_ns: ms * MS,
            driver_ns: Some(ms * MS),
            accumulator: Some(joules * 65_536),
            resolution_uj: 15.258_789_062_5,
            power_mw: Some(power_mw),
            ..RawSample::default()
        });
        tracker.snapshot(ms * MS)
    };
    add(1_000, RUNNING, 150_000);
    add(1_990, RUNNING + 147, 650_000);
    let begin = add(2_000, RUNNING + 150, 650_000);
    add(3_000, RUNNING + 150 + 195, 650_000);
    add(3_100, 1, 650_000);
    let end = (1..=10).map(|n| add(3_100 + 100 * n, 1 + n * 65, 650_000)).last().unwrap();
    let (unit, trusted) = (EnergyResolution::Firmware, (CounterState::Trusted, false));
    let interval = interval_energy(&begin, &end, unit, 937_500, trusted, Boundaries::Calls).unwrap();
    let truth_pj = power_pj(650_000, 2_100 * MS);
    assert!(interval.resets == 1 && interval.energy_pj.abs_diff(truth_pj) <= interval.uncertainty_pj, "{interval:?}");
}
