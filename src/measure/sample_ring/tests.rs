use super::*;
use crate::energy::{AccumulatorTracker, RawSample};
use crate::error::Kind;
use proptest::prelude::*;

fn ring(capacity: usize) -> SampleRing {
    SampleRing::new(1, EnergyResolution::Firmware, None, capacity).unwrap()
}

/// A sample every millisecond, with energies that increase by these values.
fn samples(uj: &[u64]) -> Vec<Sample> {
    let mut energy_uj = 0;
    let one = |(i, uj): (usize, &u64)| {
        energy_uj += uj;
        Sample { valid: valid::ENERGY, time_ns: (i as u64 + 1) * 1_000_000, energy_uj, ..Sample::default() }
    };
    uj.iter().enumerate().map(one).collect()
}

#[test]
fn the_capacity_is_limited() {
    assert!(SampleRing::new(1, EnergyResolution::Firmware, None, 0).is_err());
    assert!(SampleRing::new(1, EnergyResolution::Firmware, None, MAX_SAMPLES + 1).is_err());
}

/// The samples are lost, and each use says why; other samplers are as before.
#[test]
fn a_panic_breaks_one_sampler() {
    let (broken, other) = (ring(8), ring(8));
    broken.ring.lock().push(Sample::default());
    broken.record(std::iter::once_with(|| panic!("provoked by a test")));
    broken.record([]);
    let error = broken.pending().unwrap_err();
    assert!(error.kind() == Kind::Internal && error.to_string().contains("start another"), "{error}");
    assert!(broken.drain(1, false, |_, _| panic!("a broken one has no samples")).is_err());
    other.ring.lock().push(Sample::default());
    assert_eq!((other.pending().unwrap(), other.drain(9, false, |_, _| {}).unwrap().samples), (1, 1));
}

/// The error between two samples may arise at any time between them.
#[test]
fn an_interpolated_energy_has_the_errors_of_both_samples() {
    let mut all = samples(&[10, 10, 10]);
    (0..3).for_each(|i| all[i].error_uj = 100 * i as u64);
    let at = |ns| Interpolated::at(all.iter(), ns).unwrap().errors_pj;
    assert_eq!(at(2_500_000), (100_000_000, 200_000_000));
    assert_eq!(at(2_000_000), (100_000_000, 100_000_000));
}

/// A counter of a load of 150 and 650 W in turn that is sampled once a second, and stands in one second for a while, and loses
/// its counts or has caught up with them a second later: between any two times.
#[test]
fn energies_over_a_counter_that_stops() {
    const MS: u64 = 1_000_000;
    let watts = |s: u64| if s % 2 == 0 { 150 } else { 650 };
    let joules =
        |ms: u64| (0..ms / 1000).map(watts).sum::<u64>() as f64 + watts(ms / 1000) as f64 * (ms % 1000) as f64 / 1e3;
    for (from_ms, to_ms) in [(5_300, 6_000), (3_300, 3_999), (6_100, 6_900), (7_200, 7_400)] {
        for catches_up in [false, true] {
            let mut tracker = AccumulatorTracker::new(64, 750_000);
            let mut recorder = Recorder::default();
            let shown = |ms: u64| {
                let lost = joules(ms.min(to_ms)) - joules(ms.min(from_ms));
                joules(ms) - if catches_up && ms > to_ms + 500 { 0.0 } else { lost }
            };
            let mut all = Vec::new();
            // Dense before: the sampler starts within.
            for ms in (0..1_000).step_by(50).chain((1_000..14_000).step_by(1_000)) {
                let (at_ns, resolution_uj) = ((1_000 + ms) * MS, EnergyResolution::Firmware.uj(0.0));
                let sample = RawSample {
                    seen_ns: at_ns,
                    accumulator: Some((1 << 40) + (shown(ms) * 65_536.0) as u64),
                    resolution_uj,
                    driver_ns: Some(at_ns),
                    firmware_ns: Some(at_ns + 5_000 * MS),
                    power_mw: Some(watts(ms / 1000) * 1000),
                    ..RawSample::default()
                };
                tracker.add(&sample);
                let (snapshot, max_power_mw) = (tracker.snapshot(at_ns), tracker.max_power_mw());
                let polled = PollResult { sample, snapshot, max_power_mw, may_wrap: false };
                let of = (EnergyResolution::Firmware, true);
                all.extend(recorder.sample_of(Some(Duration::from_millis(50)), of, &polled));
            }
            for (from, to) in
                (1_000..13_000).step_by(250).flat_map(|a| (a + 250..=13_000).step_by(250).map(move |b| (a, b)))
            {
                // Lost in a step whose mean is a usual power, it is not known to be missing later.
                if !catches_up && from < to_ms && to > to_ms.next_multiple_of(1_000) {
                    continue;
                }
                let at = |ms: u64| Interpolated::at(all.iter(), (1_000 + ms) * MS).unwrap();
                let (begin, end) = (at(from), at(to));
                let uncertainty_pj = samples_error_pj(&begin, &end)
                    + begin.interpolation_error_pj(937_500)
                    + end.interpolation_error_pj(937_500)
                    + inner_edge_error_pj(937_500, [begin.max_age_ns, end.max_age_ns]);
                let energy = (end.energy_pj - begin.energy_pj) as f64 * 1e-12;
                let (truth, uncertainty) = (joules(to) - joules(from), uncertainty_pj as f64 * 1e-12);
                assert!(
                    (energy - truth).abs() <= uncertainty,
                    "{from} to {to} ms: {truth} J, {energy} +- {uncertainty}, stood {from_ms} to {to_ms}, {catches_up}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::cases::seeded(256))]

    /// Pushed and drained in any order: each sample is drained once and in order, or counted as lost.
    #[test]
    fn drained_and_lost_are_all(
        capacity in 1_usize..20,
        steps in prop::collection::vec((0_usize..40, 0_usize..30, any::<bool>()), 1..20),
    ) {
        let ring = ring(capacity);
        let (mut pushed, mut next, mut lost, mut last_kept) = (0_u64, 0_u64, 0_u64, 0_u64);
        for (push, room, keep) in steps {
            for _ in 0..push {
                pushed += 1;
                ring.ring.lock().push(Sample { time_ns: pushed, ..Sample::default() });
            }
            let waiting = ring.pending().unwrap();
            prop_assert!(waiting <= capacity as u64);
            let mut got = Vec::new();
            let d = ring.drain(room, keep, |i, s| {
                assert_eq!(i, got.len());
                got.push(s.time_ns);
            });
            let d = d.unwrap();
            prop_assert_eq!(d.samples as u64, waiting.min(room as u64));
            prop_assert_eq!(d.samples, got.len());
            let lost_now = d.lost - last_kept;
            last_kept = if keep { d.lost } else { 0 };
            lost += lost_now;
            // In order, without exactly the lost ones.
            for (i, time) in got.iter().enumerate() {
                prop_assert_eq!(*time, next + lost_now + i as u64 + 1);
            }
            next += lost_now + got.len() as u64;
        }
        let rest = ring.drain(capacity, false, |_, _| {}).unwrap();
        prop_assert_eq!(next + rest.samples as u64 + (rest.lost - last_kept), pushed);
        prop_assert!(lost <= pushed);
    }

    /// Whatever the power between two samples was, up to the maximum: the interpolated energy is within its error.
    #[test]
    fn interpolation_is_within_its_error(
        uj in prop::collection::vec(0_u64..1_000_000, 2..8),
        at in 0.0_f64..1.0,
        early in 0.0_f64..1.0,
    ) {
        // 1 J in 1 ms: 1000 W.
        const MAX_POWER_MW: u64 = 1_000_000;
        let all = samples(&uj);
        let span = all[all.len() - 1].time_ns - 1_000_000;
        let ns = 1_000_000 + (span as f64 * at) as u64;
        let p = Interpolated::at(all.iter(), ns).unwrap();
        let after = all.iter().position(|s| s.time_ns >= ns).unwrap();
        if all[after].time_ns == ns {
            prop_assert_eq!(p.energy_pj, u128::from(all[after].energy_uj) * 1_000_000);
            prop_assert_eq!(p.interpolation_error_pj(MAX_POWER_MW), 0);
            return Ok(());
        }
        let before_pj = u128::from(all[after - 1].energy_uj) * 1_000_000;
        prop_assert!(p.energy_pj >= before_pj && p.energy_pj <= before_pj + p.whole_pj);
        // As early as the maximum power allows, as late, and in between.
        let most = |ns: u64| u128::from(MAX_POWER_MW) * u128::from(ns);
        let high = p.whole_pj.min(most(p.part_ns));
        let low = p.whole_pj.saturating_sub(most(p.whole_ns - p.part_ns));
        let true_pj = before_pj + low + ((high - low) as f64 * early) as u128;
        prop_assert!(true_pj.abs_diff(p.energy_pj) <= p.interpolation_error_pj(MAX_POWER_MW));
    }

    /// There is no energy at a time outside of the samples.
    #[test]
    fn no_interpolation_outside_the_samples(uj in prop::collection::vec(0_u64..1000, 0..6), ns in 0_u64..9_000_000) {
        let all = samples(&uj);
        let inside = all.first().zip(all.last()).is_some_and(|(a, b)| (a.time_ns..=b.time_ns).contains(&ns));
        prop_assert_eq!(Interpolated::at(all.iter(), ns).is_some(), inside);
    }
}
