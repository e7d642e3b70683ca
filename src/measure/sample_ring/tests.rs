use super::*;
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
