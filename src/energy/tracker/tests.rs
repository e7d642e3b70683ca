use super::*;
use proptest::prelude::*;

/// 2^-16 J: a watt is 65536 counts a second.
const UNIT_UJ: f64 = 15.258_789_062_5;
const MS: u64 = 1_000_000;

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
    assert_eq!(tracker.add(&sample(1_000 * MS, 500, 300_000)), CounterStep::NoBaseline);
    assert_eq!(tracker.add(&sample(1_000 * MS, 500, 300_000)), CounterStep::Unchanged);
    // 300 W for 100 ms: 30 J.
    assert_eq!(
        tracker.add(&sample(1_100 * MS, 500 + 30 * 65536, 300_000)),
        CounterStep::Advanced { counts: 30 * 65536, ns: 100 * MS }
    );
    // A sample that another thread overtook is ignored.
    assert_eq!(tracker.add(&sample(1_050 * MS, 500 + 15 * 65536, 300_000)), CounterStep::Unchanged);
    let t = tracker.totals;
    assert_eq!((t.counts, t.resets, t.bridged_pj, t.error_pj), (30 * 65536, 0, 0, 0));
    assert_eq!(t.integral_pj, 30_000_000_000_000);
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
    tracker.add(&sample(1_000 * MS, 0, 300_000));
    assert_eq!(tracker.snapshot(0).max_age_ns(), 100 * MS, "the refresh period is not known yet");
    for i in 1..20 {
        tracker.add(&sample((1_000 + 5 * i) * MS, i * 100_000, 300_000));
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
            let step =
                tracker.add(&with_firmware((1_000 + i * 100) * MS, i * 30 * 65536, 7_000 * MS + i * rate * 10 * MS));
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
    assert_eq!(tracker.wrap_ns(), Some(65536 * 1_000_000_000 / 375));
    // More than 32 bits: a 64-bit counter.
    tracker.add(&sample(1_001 * MS, 1 << 33, 300_000));
    assert_eq!(tracker.wrap_ns(), None);
}

proptest! {
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
