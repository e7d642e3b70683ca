use super::*;
use crate::energy::AccumulatorTracker;

const MS: u64 = 1_000_000;

/// A GPU of 400 W whose counter runs, and what a sampler makes of it.
struct Sampled {
    tracker: AccumulatorTracker,
    recorder: Recorder,
}

impl Sampled {
    fn new() -> Sampled {
        Sampled { tracker: AccumulatorTracker::new(64, 750_000), recorder: Recorder::default() }
    }

    /// Polled at `ms`, with a count or without one.
    fn at(&mut self, ms: u64, with_count: bool, usable: bool) -> Option<Sample> {
        let accumulator = with_count.then_some((1 << 40) + ms * 400 * 65_536 / 1000);
        let sample = RawSample {
            seen_ns: ms * MS,
            accumulator,
            resolution_uj: EnergyResolution::Firmware.uj(0.0),
            driver_ns: with_count.then_some(ms * MS),
            firmware_ns: with_count.then_some((ms + 5000) * MS),
            power_mw: Some(400_000),
            ..RawSample::default()
        };
        self.tracker.add(&sample);
        let polled = PollResult {
            sample,
            snapshot: self.tracker.snapshot(ms * MS),
            max_power_mw: self.tracker.max_power_mw(),
            may_wrap: false,
        };
        self.recorder.sample_of(None, (EnergyResolution::Firmware, usable), &polled)
    }
}

/// While a counter is not trusted yet, a table lacks it for a while: what is integrated meanwhile is not counted later, and the
/// first power by the counter is not that of a time before the sample that precedes it.
#[test]
fn counts_follow_an_integral_where_it_ends() {
    let mut gpu = Sampled::new();
    assert!(gpu.at(1000, true, false).is_some());
    let integrated: Vec<Sample> = (1..=14).filter_map(|n| gpu.at(1000 + 10 * n, false, false)).collect();
    assert_eq!(integrated.len(), 14);
    // Now it is trusted, but this table has no count either.
    let last = gpu.at(1145, false, true).unwrap();
    assert!(last.flags & flag::INTEGRATED != 0);
    let first = gpu.at(1150, true, true).unwrap();
    assert!(first.flags & flag::INTEGRATED != 0 && first.valid & valid::COUNTER_POWER == 0, "{first:?}");
    assert_eq!(first.energy_uj, 150 * 400_000 / 1000 * 1000, "400 W for 150 ms");
    let second = gpu.at(1200, true, true).unwrap();
    assert!(second.flags & flag::INTEGRATED == 0 && second.valid & valid::COUNTER_POWER != 0, "{second:?}");
    assert!(second.energy_uj.abs_diff(200 * 400_000 / 1000 * 1000) <= 16, "{second:?}");
    assert!(second.counter_power_mw.abs_diff(400_000) <= second.counter_power_uncertainty_mw, "{second:?}");
}
