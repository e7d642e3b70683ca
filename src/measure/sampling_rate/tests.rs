use super::*;
use crate::energy::{
    interval_energy, AccumulatorTracker, Boundaries, CounterState, EnergyResolution, Method, RawSample, TrackerSnapshot,
};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;
/// An MI100 with 290 W: a turn of 2^32 counts takes 181 s at the most that it can draw.
const LIMIT_MW: u64 = 290_000;
const COUNT_UJ: f64 = 15.258_789_062_5;

/// A counter of 32 bits that is refreshed every millisecond, under a constant power.
struct Counter {
    initial: u64,
    power_mw: u64,
}

impl Counter {
    /// mW × ns = pJ; 2^-16 J a count.
    fn counts(&self, ns: u64) -> u64 {
        self.initial + (u128::from(self.power_mw) * u128::from(ns / 1_000_000 * 1_000_000) * 16 / 244_140_625) as u64
    }

    fn poll(&self, tracker: &mut AccumulatorTracker, ns: u64) -> TrackerSnapshot {
        let sample = RawSample {
            seen_ns: ns,
            accumulator: Some(self.counts(ns) & u64::from(u32::MAX)),
            resolution_uj: COUNT_UJ,
            driver_ns: Some(ns / 1_000_000 * 1_000_000),
            power_mw: Some(self.power_mw),
            ..RawSample::default()
        };
        tracker.add(&sample);
        tracker.snapshot(ns)
    }
}

/// A window, and how many samples the thread takes in it if it sees the window so long after its begin.
fn window(counter: &Counter, length_ns: u64, seen_after: f64) -> (crate::energy::EnergyInterval, u32) {
    let mut tracker = AccumulatorTracker::new(32, LIMIT_MW);
    // Checked at open.
    (0..50).for_each(|i| _ = counter.poll(&mut tracker, SECOND + i * 4_000_000));
    let from_ns = 10 * SECOND;
    let begin = counter.poll(&mut tracker, from_ns);
    let idle = wrap_periods(tracker.wrap().unwrap()).1.min(IDLE);
    let mut next_ns = from_ns + (idle.as_nanos() as f64 * seen_after) as u64;
    let mut samples = 0;
    while next_ns < from_ns + length_ns {
        counter.poll(&mut tracker, next_ns);
        samples += 1;
        next_ns += time_to_poll(tracker.wrap().unwrap(), next_ns).as_nanos() as u64;
    }
    let end = counter.poll(&mut tracker, from_ns + length_ns);
    let known = (CounterState::Trusted, true);
    let max_mw = tracker.max_power_mw();
    (interval_energy(&begin, &end, EnergyResolution::Firmware, max_mw, known, Boundaries::Calls).unwrap(), samples)
}

fn holds(power_mw: u64, length_ns: u64, initial: u64, seen_after: f64) -> u64 {
    let counter = Counter { initial, power_mw };
    let (found, samples) = window(&counter, length_ns, seen_after);
    let true_pj = u128::from(power_mw) * u128::from(length_ns);
    assert!(found.method != Method::Integrated && found.resets == 0, "{found:?}");
    assert!(found.energy_pj.abs_diff(true_pj) <= found.uncertainty_pj, "{true_pj} pJ: {found:?}");
    // A refresh at each edge. After a turn, and in a counter that has just begun, a reset may hide between two samples until it
    // has counted what is drawn in a second at most, and until the thread sees the window.
    let turns = counter.counts(10 * SECOND + length_ns) / (1 << 32) - counter.counts(10 * SECOND) / (1 << 32);
    let most_mw = LIMIT_MW * 5 / 4;
    let unsure_ns = 210_000_000 + length_ns.min(10 * SECOND) + (turns + 1) * SECOND * (most_mw / power_mw + 2);
    let most_pj = u128::from(most_mw) * u128::from(unsure_ns);
    assert!(found.uncertainty_pj <= most_pj, "{turns} turns: {found:?}");
    // A second apart at a turn only.
    let at_most = length_ns / SECOND / 4 + 40 * (turns + 1);
    assert!(u64::from(samples) <= at_most, "{samples} samples in {length_ns} ns with {turns} turns");
    turns
}

/// 0, 1 and 5 turns, each right to a refresh.
#[test]
fn windows_over_wraparounds() {
    let turn = 1_u64 << 32;
    assert_eq!(holds(290_000, 5 * SECOND, 0, 0.5), 0);
    assert_eq!(holds(290_000, 600 * SECOND, turn - 1000 * 65_536 * 11, 1.0), 3);
    // 362 W, the most that is drawn for long: a turn every 181 s.
    assert_eq!(holds(362_000, 760 * SECOND, turn - 65_536 * 3700, 0.9), 5);
    assert_eq!(holds(14_500, SECOND, turn - 65_536 * 150, 0.0), 1);
}

proptest! {
    #![proptest_config(crate::cases::seeded(256))]

    /// 5 to 100 % of the power, 1 s to 10 minutes, from any count, whenever the thread sees the window.
    #[test]
    fn any_window(percent in 5_u64..=100, length_ms in 1000_u64..600_000, initial: u32, seen_after in 0.0..1.0) {
        holds(LIMIT_MW * percent / 100, length_ms * 1_000_000, initial.into(), seen_after);
    }
}

/// A sampler whose own period is longer than a turn of the counter, and no window.
#[test]
fn a_slow_sampler_misses_no_wraparound() {
    let mut scheduler = PollScheduler::new();
    scheduler.samples = true;
    assert!(!scheduler.watches_wraps(), "a counter of 64 bits has none");
    let (shortest, now_ns) = (Duration::from_secs(175), boot_ns());
    scheduler.wrap = Some(Wrap { shortest_ns: shortest.as_nanos() as u64, certain_until_ns: now_ns });
    assert!(scheduler.watches_wraps() && scheduler.wrap_period() < shortest / 2);
    scheduler.samples = false;
    assert!(!scheduler.watches_wraps());
}
