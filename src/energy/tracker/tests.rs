use super::*;
use crate::energy::{interval_energy, Boundaries, CounterState, EnergyResolution};
use proptest::prelude::*;

/// 2^-16 J: a watt is 65536 counts a second.
const UNIT_UJ: f64 = 15.258_789_062_5;
const MS: u64 = 1_000_000;
/// A counter that has run for long: one that was reset cannot have come so far.
const RUNNING: u64 = 1 << 40;

fn sample(at_ns: u64, accumulator: u64, power_mw: u64) -> RawSample {
    RawSample {
        seen_ns: at_ns + MS,
        accumulator: Some(accumulator),
        resolution_uj: UNIT_UJ,
        driver_ns: Some(at_ns),
        power_mw: Some(power_mw),
        ..RawSample::default()
    }
}

fn with_firmware(at_ns: u64, accumulator: u64, firmware_ns: u64) -> RawSample {
    RawSample { firmware_ns: Some(firmware_ns), ..sample(at_ns, accumulator, 300_000) }
}

#[test]
fn counts_advance() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    assert_eq!(tracker.add(&sample(1_000 * MS, RUNNING + 500, 300_000)), CounterStep::NoBaseline);
    assert_eq!(tracker.add(&sample(1_000 * MS, RUNNING + 500, 300_000)), CounterStep::Unchanged);
    // 300 W for 100 ms: 30 J.
    assert_eq!(
        tracker.add(&sample(1_100 * MS, RUNNING + 500 + 30 * 65536, 300_000)),
        CounterStep::Advanced { counts: 30 * 65536, ns: 100 * MS }
    );
    // A sample that another thread overtook is ignored.
    assert_eq!(tracker.add(&sample(1_050 * MS, RUNNING + 500 + 15 * 65536, 300_000)), CounterStep::Unchanged);
    let t = tracker.totals;
    assert_eq!((t.counts, t.resets, t.bridged_pj, t.error_pj), (30 * 65536, 0, 0, 0));
    assert_eq!(t.integral_pj, 30_000_000_000_000);
}

/// A table that is not filled shows a count of 0: what the counter has then is not the energy since.
#[test]
fn a_first_count_of_0_is_no_baseline() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    tracker.add(&sample(1_000 * MS, 0, 300_000));
    assert_eq!(tracker.add(&sample(1_020 * MS, 100 * 65536, 300_000)), CounterStep::Reset);
    let t = tracker.totals;
    assert_eq!((t.counts, t.bridged_pj), (0, 6_000_000_000_000), "300 W for 20 ms");
}

#[test]
fn a_step_back_of_a_64_bit_counter_is_a_reset() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    tracker.add(&sample(1_000 * MS, 1 << 40, 300_000));
    assert_eq!(tracker.add(&sample(1_500 * MS, 7, 300_000)), CounterStep::Reset);
    let t = tracker.totals;
    // 150 J by the power. At most 1.25 times the limit was drawn, and for 100 ms more, as the age of the count is unknown.
    assert_eq!((t.counts, t.resets, t.bridged_pj), (0, 1, 150_000_000_000_000));
    assert_eq!(t.error_pj, 937_500 * 600 * u128::from(MS) - t.bridged_pj);
    // Counting continues after the reset.
    assert_eq!(
        tracker.add(&sample(1_600 * MS, 7 + 65536, 300_000)),
        CounterStep::Advanced { counts: 65536, ns: 100 * MS }
    );
}

#[test]
fn an_impossible_advance_is_a_reset() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    tracker.add(&sample(1_000 * MS, 0, 300_000));
    // A gigajoule in a second.
    assert_eq!(tracker.add(&sample(2_000 * MS, 1_000_000_000 * 65536, 300_000)), CounterStep::Reset);
    assert_eq!(tracker.totals.counts, 0);
}

/// A counter that was reset and is already ahead of its old value: only the firmware's clock shows the reset.
#[test]
fn a_restarted_firmware_clock_is_a_reset() {
    for restarted_ns in [20_000 * MS, 90_000 * MS] {
        let mut tracker = AccumulatorTracker::new(64, 750_000);
        tracker.add(&with_firmware(1_000 * MS, 1000, 77_000 * MS));
        let step = tracker.add(&with_firmware(2_000 * MS, 1000 + 300 * 65536, 78_000 * MS));
        assert_eq!(step, CounterStep::Advanced { counts: 300 * 65536, ns: 1_000 * MS });
        assert_eq!(tracker.add(&with_firmware(62_000 * MS, 1000 + 3_000 * 65536, restarted_ns)), CounterStep::Reset);
        // Only once.
        let step = tracker.add(&with_firmware(62_100 * MS, 1000 + 3_030 * 65536, restarted_ns + 100 * MS));
        assert_eq!(step, CounterStep::Advanced { counts: 30 * 65536, ns: 100 * MS });
    }
}

/// Up for five minutes, then reset in two hours without a sample: its clock is behind by less than a quarter of that time.
#[test]
fn a_reset_in_a_long_gap_is_detected() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let hour = 3_600_000 * MS;
    tracker.add(&with_firmware(1_000 * MS, 1000, 300_000 * MS));
    let joule = |j: u64| 1000 + j * 65536;
    assert!(matches!(tracker.add(&with_firmware(3_000 * MS, joule(600), 302_000 * MS)), CounterStep::Advanced { .. }));
    let began = tracker.snapshot(0);
    let (at, firmware) = (3_000 * MS + 2 * hour, 302_000 * MS + 2 * hour);
    assert_eq!(tracker.add(&with_firmware(at, joule(1_800_000), firmware - 1_500_000 * MS)), CounterStep::Reset);
    assert_eq!(tracker.snapshot(0).firmware_since(&began, 2 * hour), None);
    // Clocks drift.
    let next = with_firmware(at + 2 * hour, joule(3_600_000), firmware - 1_500_000 * MS + 2 * hour + 7_000 * MS);
    assert!(matches!(tracker.add(&next), CounterStep::Advanced { .. }));
}

/// Samples of other threads show in the difference of two snapshots.
#[test]
fn snapshots_include_the_samples_of_other_threads() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    tracker.add(&sample(1_000 * MS, 500, 300_000));
    let first = tracker.snapshot(0);
    assert_eq!(tracker.snapshot(0).since(&first), CounterStep::Unchanged);
    tracker.add(&sample(1_010 * MS, 510, 300_000));
    tracker.add(&sample(1_020 * MS, 530, 300_000));
    assert_eq!(tracker.add(&sample(1_020 * MS, 530, 300_000)), CounterStep::Unchanged);
    assert_eq!(tracker.snapshot(0).since(&first), CounterStep::Advanced { counts: 30, ns: 20 * MS });
    tracker.add(&sample(1_030 * MS, 7, 300_000));
    assert_eq!(tracker.snapshot(0).since(&first), CounterStep::Reset);
}

/// The driver copies every 5 ms, the firmware counts every 3 ms: each copy has advanced, and is up to 3 ms old.
#[test]
fn without_a_firmware_clock_the_age_is_the_refresh_period() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    tracker.add(&sample(1_000 * MS, RUNNING, 300_000));
    assert_eq!(tracker.snapshot(0).max_age_ns(), 100 * MS, "the refresh period is not known yet");
    for i in 1..20 {
        tracker.add(&sample((1_000 + 5 * i) * MS, RUNNING + i * 100_000, 300_000));
        assert_eq!(tracker.snapshot(0).max_age_ns(), if i < 4 { 100 * MS } else { 25 * MS / 4 });
    }
    // One advance proves little: this counter refreshes every 33 ms, which shows only in its first stall.
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    for i in 0..40 {
        let at = 12 * i;
        tracker.add(&sample((1_000 + at) * MS, at / 33 * 600_000, 300_000));
        assert!(tracker.snapshot(0).max_age_ns() >= 33 * MS);
    }
    // With a firmware clock it is the age by the clocks, once enough offsets are known.
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    for i in 1..20 {
        tracker.add(&with_firmware((1_000 + 5 * i) * MS, i * 100_000, (7_000 + 5 * i) * MS - i / 2 % 3 * MS));
        let unsure_us = [100_000, 100_000, 100_000, 100_000, 6_250, 6_250, 6_250];
        assert_eq!(
            tracker.snapshot(0).age_uncertainty_ns,
            unsure_us.get(i as usize - 1).map_or(0, |us| us * 1000),
            "{i}"
        );
    }
}

/// The driver's copy may be up to a refresh younger than the firmware's sample.
#[test]
fn the_firmware_clock_gives_the_age_of_a_count() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    tracker.add(&with_firmware(1_000 * MS, 1000, 7_000 * MS));
    let step = tracker.add(&with_firmware(1_100 * MS, 1000 + 65536, 7_010 * MS));
    assert_eq!(step, CounterStep::Advanced { counts: 65536, ns: 100 * MS });
    assert_eq!(tracker.count_age_ns(), 90 * MS);
}

/// A wraparound may be a reset, and only the power distinguishes them; a firmware clock in sync rules the reset out.
#[test]
fn a_firmware_clock_in_sync_rules_out_a_reset() {
    for (clock, has_error) in [(Some(7_000 * MS), false), (None, true)] {
        let mut tracker = AccumulatorTracker::new(32, 750_000);
        let mut at = |ms: u64, accumulator: u64| {
            let firmware_ns = clock.map(|c| c + ms * MS);
            tracker.add(&RawSample { firmware_ns, ..sample((1_000 + ms) * MS, accumulator & 0xFFFF_FFFF, 300_000) });
            tracker.totals
        };
        let start = (1 << 32) - 1_000 * 65536;
        at(0, start);
        at(2_000, start + 600 * 65536);
        // 600 J counted, 300 J by the power: the load has changed in between.
        let t = at(3_000, start + 1_200 * 65536);
        assert_eq!((t.counts, t.resets), (1_200 * 65536, 0));
        assert_eq!(t.error_pj, if has_error { 300_000_000_000_000 } else { 0 });
    }
}

/// A firmware clock in another unit is rejected, and is not a reset.
#[test]
fn a_firmware_clock_out_of_sync_is_rejected() {
    for rate in [0, 1, 10, 1000] {
        let mut tracker = AccumulatorTracker::new(64, 750_000);
        for i in 0..100_u64 {
            let step = tracker.add(&with_firmware(
                (1_000 + i * 100) * MS,
                RUNNING + i * 30 * 65536,
                7_000 * MS + i * rate * 10 * MS,
            ));
            let advanced = CounterStep::Advanced { counts: 30 * 65536, ns: 100 * MS };
            assert_eq!(step, if i == 0 { CounterStep::NoBaseline } else { advanced }, "{rate}");
        }
        assert_eq!(tracker.counted.unwrap().firmware_ns.is_some(), rate == 10, "{rate}");
        assert_eq!(tracker.count_age_ns(), 0, "{rate}");
    }
}

#[test]
fn a_stuck_counter_is_detected() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    for i in 0..=20 {
        tracker.add(&sample(1_000 * MS + i * 10 * MS, 5, 300_000));
    }
    assert!(!tracker.is_stuck());
    tracker.add(&sample(1_249 * MS, 5, 300_000));
    assert!(!tracker.is_stuck());
    tracker.add(&sample(1_250 * MS, 5, 300_000));
    assert!(tracker.is_stuck());
    tracker.add(&sample(1_300 * MS, 6, 300_000));
    assert!(!tracker.is_stuck());
    // A stall that ended may recur for as long.
    tracker.add(&sample(1_600 * MS, 6, 300_000));
    assert!(!tracker.is_stuck());
    tracker.add(&sample(1_950 * MS, 6, 300_000));
    assert!(tracker.is_stuck());
}

#[test]
fn a_64_bit_counter_does_not_wrap() {
    let mut tracker = AccumulatorTracker::new(32, 300_000);
    tracker.add(&sample(1_000 * MS, 10, 300_000));
    // 65536 J at 375 W.
    let wrap = tracker.wrap().unwrap();
    assert_eq!(wrap.shortest_ns, 65536 * 1_000_000_000 / 375);
    assert_eq!(wrap.certain_until_ns, 1_001 * MS + 10 * 1_000_000_000 / 65536 / 375);
    // More than 32 bits: a 64-bit counter.
    tracker.add(&sample(1_001 * MS, 1 << 33, 300_000));
    assert!(tracker.wrap().is_none() && !tracker.may_wrap());
}

proptest! {
    #![proptest_config(crate::cases::seeded(256))]

    /// Any number of wraparounds between two samples, if the power is known.
    #[test]
    fn wraparounds_are_corrected(start in 0_u64..1 << 32, watts in 50_u64..2_000, steps in proptest::collection::vec(1_u64..400, 1..20)) {
        let mut tracker = AccumulatorTracker::new(32, watts * 1000);
        let (mut at, mut true_counts) = (1_000 * MS, 0_u64);
        tracker.add(&sample(at, start, watts * 1000));
        for seconds in steps {
            at += seconds * 1000 * MS;
            true_counts += seconds * watts * 65536;
            tracker.add(&sample(at, (start + true_counts) & 0xFFFF_FFFF, watts * 1000));
        }
        let t = tracker.totals;
        prop_assert_eq!((t.counts, t.resets), (true_counts, 0));
    }

    /// Any values: never more energy than the GPU could have drawn.
    #[test]
    fn never_huge(accumulators in proptest::collection::vec(any::<u64>(), 2..20), bits in prop_oneof![Just(32), Just(64)]) {
        let mut tracker = AccumulatorTracker::new(bits, 750_000);
        for (i, a) in accumulators.iter().enumerate() {
            tracker.add(&sample(1_000 * MS + i as u64 * 10 * MS, *a, 300_000));
        }
        let t = tracker.totals;
        let seconds_pj = u128::from((accumulators.len() as u64 - 1) * 10 * MS);
        let most = (937_500 * 2) * seconds_pj + 937_500 * u128::from(100 * MS) * accumulators.len() as u128;
        prop_assert!(counts_pj(t.counts, UNIT_UJ) + t.bridged_pj <= most);
    }
}

/// Driver offset after samples every 50 ms of a clock that is `lag_ms` behind and runs at `rate`.
fn driver_offset_ms(samples: u64, lag_ms: i64, rate: f64) -> i64 {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    for i in 0..samples {
        let seen_ns = 100_000 * MS + i * 50 * MS;
        let driver = (100_000 * MS) as i64 - lag_ms * MS as i64 + (i as f64 * 50e6 * rate) as i64;
        tracker.add(&RawSample { seen_ns, ..sample(driver as u64, i * 65536, 300_000) });
    }
    tracker.snapshot(0).driver_offset_ns / MS as i64
}

#[test]
fn a_driver_clock_with_another_epoch_is_corrected() {
    // CLOCK_BOOTTIME, and a cached table.
    assert_eq!(driver_offset_ms(20, 3, 1.0), 0);
    assert_eq!(driver_offset_ms(20, 120, 1.0), 0);
    // A later epoch, and a clock ahead of CLOCK_BOOTTIME.
    assert_eq!(driver_offset_ms(20, 90_000, 1.0), 90_000);
    assert_eq!(driver_offset_ms(20, -40_000, 1.0), -40_000);
    // Too few samples.
    assert_eq!(driver_offset_ms(3, 90_000, 1.0), 0);
    // A stalled timestamp.
    assert_eq!(driver_offset_ms(20, 90_000, 0.0), 0);
}

/// What a window over a counter says: energy and uncertainty in J, beside the truth in each.
fn window_j(begin: &TrackerSnapshot, end: &TrackerSnapshot) -> (f64, f64) {
    let interval = interval_energy(
        begin,
        end,
        EnergyResolution::Firmware,
        937_500,
        (CounterState::Trusted, false),
        Boundaries::Calls,
    )
    .expect("both ends have a count");
    (interval.energy_pj as f64 * 1e-12, interval.uncertainty_pj as f64 * 1e-12)
}

/// A counter at 300 W that stands for a while, with or without a firmware clock, and loses its counts or catches up.
/// Windows of every length between two readings, back to back: the truth is inside the uncertainty of each, and of what
/// any two windows later have from where another began.
#[test]
fn windows_over_a_counter_that_stands() {
    for clock in [false, true] {
        for (stands_ms, catches_up) in [(200, false), (200, true), (50, false), (50, true), (u64::MAX / 4, false)] {
            for every_ms in 5..=100 {
                let mut tracker = AccumulatorTracker::new(64, 750_000);
                let joules = |ms: u64| {
                    let stood = ms.saturating_sub(1_500).min(stands_ms);
                    let lost = if catches_up && ms >= 1_500 + stands_ms { 0 } else { stood };
                    (ms - lost) as f64 * 0.3
                };
                let mut snapshots = Vec::new();
                // Validation has seen the counter advance.
                let times = (0..100).step_by(4).chain((100..2_500).step_by(every_ms));
                for ms in times.map(|ms| ms as u64) {
                    let counts = RUNNING + (joules(ms) * 65536.0) as u64;
                    let at_ns = (1_000 + ms) * MS;
                    let mut raw = sample(at_ns, counts, 300_000);
                    raw.firmware_ns = clock.then_some(at_ns + 7_000 * MS);
                    tracker.add(&raw);
                    if tracker.is_stuck() {
                        break;
                    }
                    snapshots.push((ms, tracker.snapshot(raw.seen_ns)));
                }
                for (i, (from, begin)) in snapshots.iter().enumerate() {
                    for (to, end) in &snapshots[i + 1..] {
                        let ((energy, uncertainty), truth) = (window_j(begin, end), (to - from) as f64 * 0.3);
                        assert!(
                            (energy - truth).abs() <= uncertainty,
                            "{truth} J: {energy} +- {uncertainty}, {from} to {to} ms, stands {stands_ms}, {catches_up} {clock}"
                        );
                        // A sound counter needs no more than its edges.
                        assert!(
                            *from < 100 || *to >= 1_500 || uncertainty < 2.0 + if clock { 0.0 } else { 130.0 },
                            "{from} {to}"
                        );
                    }
                }
            }
        }
    }
}

/// A load that changes is not a counter that stands: only the first dips are not known.
#[test]
fn a_load_with_dips_is_learned() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let mut counts = RUNNING;
    let mut step = |i: u64| {
        counts += 3 * 65536;
        // 600 W at both ends of every 10 ms, 300 W by the counter.
        let before = tracker.totals.error_pj;
        tracker
            .add(&RawSample { power_mw: Some(600_000), ..with_firmware((1_000 + 10 * i) * MS, counts, 10 * i * MS) });
        tracker.totals.error_pj - before
    };
    let errors: Vec<u128> = (0..30).map(&mut step).collect();
    let unknown = errors.iter().filter(|error| **error > 0).count();
    assert!((1..=4).contains(&unknown), "{errors:?}");
}

/// No sample was taken for an hour, in which a counter at 1 MJ was reset at some time. Nothing else shows the reset if
/// it has passed its old value, but for the firmware's clock, to its tolerance.
#[test]
fn a_reset_that_nobody_saw_is_inside_the_uncertainty() {
    for (clock, uptime_s) in [(false, 0), (false, 100), (true, 0), (true, 5), (true, 13), (true, 14), (true, 100)] {
        for reset_after_s in [0, 1, 5, 10, 60, 500, 1_800] {
            let mut tracker = AccumulatorTracker::new(64, 750_000);
            let count = |seconds: u64| seconds * 300 * 65536;
            let mut add = |at_s: u64, seconds: u64| {
                let clock_ns = clock.then_some(seconds * 1_000 * MS);
                let at_ns = (1_000 + at_s * 1_000) * MS;
                tracker.add(&RawSample { firmware_ns: clock_ns, ..sample(at_ns, count(seconds), 300_000) });
                tracker.snapshot(at_ns + MS)
            };
            add(0, uptime_s);
            add(2, uptime_s + 2);
            let begin = add(3, uptime_s + 3);
            let end = add(3_603, 3_600 - reset_after_s);
            let (energy, uncertainty) = window_j(&begin, &end);
            let truth = 3_600.0 * 300.0;
            assert!(
                (energy - truth).abs() <= uncertainty,
                "{truth} J: {energy} +- {uncertainty}, up {uptime_s} s, reset after {reset_after_s} s, clock {clock}"
            );
        }
    }
}

/// A power of 0, or one that no GPU draws, is no measurement: the truth may be anything.
#[test]
fn powers_of_zero_and_absurd_ones_in_an_integral() {
    let mut tracker = AccumulatorTracker::new(64, 750_000);
    let power = |at_ms: u64, mw: u64| RawSample { accumulator: None, ..sample((1_000 + at_ms) * MS, 0, mw) };
    let mut snapshots = Vec::new();
    for i in 0..400 {
        let mw = if i % 3 == 1 {
            0
        } else if i % 7 == 1 {
            60_490_000
        } else {
            300_000
        };
        tracker.add(&power(10 * i, mw));
        snapshots.push(tracker.snapshot((1_001 + 10 * i) * MS));
    }
    assert_eq!(tracker.max_power_mw(), 937_500);
    for (i, begin) in snapshots.iter().enumerate().step_by(10) {
        let end = &snapshots[399];
        let interval = interval_energy(
            begin,
            end,
            EnergyResolution::Firmware,
            937_500,
            (CounterState::Stuck, true),
            Boundaries::Calls,
        );
        let interval = interval.expect("powers");
        let truth = power_pj(300_000, (399 - i as u64) * 10 * MS);
        assert!(interval.energy_pj.abs_diff(truth) <= interval.uncertainty_pj, "{i}: {interval:?}");
    }
}

/// No sample for 808 ms, at any place of a window.
#[test]
fn gaps_are_reported_wherever_they_are() {
    for gap_from_ms in (300..2_700).step_by(100) {
        let mut tracker = AccumulatorTracker::new(64, 750_000);
        let mut begin = None;
        for ms in (0..=3_000).step_by(10) {
            if !(gap_from_ms..gap_from_ms + 808).contains(&ms) {
                tracker.add(&RawSample { accumulator: None, ..sample((1_000 + ms) * MS, 0, 300_000) });
            }
            if ms == 1_000 {
                begin = Some(tracker.snapshot(2_001 * MS));
            }
        }
        let end = tracker.snapshot(4_001 * MS);
        let interval = interval_energy(
            &begin.unwrap(),
            &end,
            EnergyResolution::Firmware,
            937_500,
            (CounterState::Stuck, true),
            Boundaries::Calls,
        );
        assert!(interval.unwrap().gaps > 0, "{gap_from_ms}");
    }
}
