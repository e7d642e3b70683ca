use super::*;
use crate::energy::tests::Swinging;
use crate::energy::{interval_energy, Boundaries, CounterState, EnergyResolution};
use crate::energy::{AccumulatorTracker, RawSample, TrackerSnapshot};
use crate::random::Random;

const MS: u64 = 1_000_000;

/// A step of a GPU that shows 302 W at both ends.
fn step_at_302_w(seen_ms: u64, ns: u64, counted_pj: u128, averaged: bool) -> Step {
    Step {
        counted_pj,
        least_pj: counted_pj,
        ns,
        timed: true,
        longest_ns: ns,
        seen_ns: seen_ms * MS,
        powers_mw: [Some(302_000); 2],
        averaged,
    }
}

/// One window in a session that has just been opened, over a GPU with averaged power: a mean a little below both averages
/// may be a short stop, and is not any energy up to the most that the GPU can draw.
#[test]
fn a_mean_a_little_below_two_averages() {
    for stood_ms in [0, 300] {
        let (mut monitor, mut totals) = (PlausibilityMonitor::default(), RunningTotals::default());
        let mut step = |at_ms: u64, ns: u64, counted_pj: u128| {
            monitor.check(&step_at_302_w(at_ms, ns, counted_pj, true), 700_000, &mut totals);
            totals.error_pj + totals.unconfirmed_pj
        };
        let before_pj = (0..40).step_by(4).map(|ms| step(ms, 4 * MS, power_pj(302_000, 4 * MS))).max();
        // 300 W on average, for ten seconds.
        let truth_pj = power_pj(300_000, 10_000 * MS);
        let counted_pj = power_pj(300_000, (10_000 - stood_ms) * MS);
        let error_pj = step(10_040, 10_000 * MS, counted_pj);
        assert!(error_pj >= truth_pj - counted_pj, "{error_pj}");
        assert!(error_pj < before_pj.unwrap() + truth_pj / 20, "{error_pj}, stood for {stood_ms} ms");
    }
}

/// An average over seconds does not show a load that has just risen to 690 W, and half of a step's counts are lost: whatever
/// a GPU can draw may be missing.
#[test]
fn an_average_says_nothing_of_a_load_that_has_just_risen() {
    let totals = after_one_step(345_000, true);
    let missed_pj = power_pj(690_000 - 345_000, 10 * MS);
    assert!(totals.error_pj + totals.unconfirmed_pj >= missed_pj, "{totals:?}");
}

/// 1400 W were counted where 700 W is the most: half of it at least was not drawn in this step.
#[test]
fn more_than_a_gpu_can_draw_is_in_the_error() {
    let totals = after_one_step(1_400_000, false);
    assert!(totals.error_pj >= power_pj(700_000, 10 * MS), "{totals:?}");
}

/// 10 ms of a GPU that shows 302 W and draws 700 W at the most.
fn after_one_step(counted_mw: u64, averaged: bool) -> RunningTotals {
    let (mut monitor, mut totals) = (PlausibilityMonitor::default(), RunningTotals::default());
    let (ns, counted_pj) = (10 * MS, power_pj(counted_mw, 10 * MS));
    monitor.check(&step_at_302_w(1_000, ns, counted_pj, averaged), 700_000, &mut totals);
    totals
}

/// A counter that refreshes every millisecond, and stops now and then.
struct Machine {
    limit_w: f64,
    /// Of its power; 0: none.
    average_s: f64,
    has_clock: bool,
    load: Swinging,
    /// From, to, and whether it catches up with what was drawn.
    stops: Vec<(f64, f64, bool)>,
    /// From and to: its power cannot be read.
    powerless: Option<(f64, f64)>,
}

impl Machine {
    fn of(limit_w: f64, average_s: f64, has_clock: bool, load: Swinging) -> Machine {
        Machine { limit_w, average_s, has_clock, load, stops: Vec::new(), powerless: None }
    }

    fn counted_j(&self, s: f64) -> f64 {
        let lost = |&(from, to, catches_up): &(f64, f64, bool)| match s > from && (s < to || !catches_up) {
            true => self.load.joules(s.min(to)) - self.load.joules(from),
            false => 0.0,
        };
        self.load.joules(s) - self.stops.iter().map(lost).sum::<f64>()
    }

    fn tracker(&self) -> AccumulatorTracker {
        AccumulatorTracker::new(64, (self.limit_w * 1e3) as u64)
    }

    fn read(&self, tracker: &mut AccumulatorTracker, s: f64) -> (f64, TrackerSnapshot) {
        let at_s = (s * 1e3).floor() / 1e3;
        let [seen_ns, at_ns] = [s, at_s].map(|s| 3_600_000 * MS + (s * 1e9) as u64);
        let has_power = !self.powerless.is_some_and(|(from, to)| (from..to).contains(&s));
        let power_mw = 1000 * self.load.average(at_s, self.average_s).round() as u64;
        tracker.add(&RawSample {
            seen_ns,
            accumulator: Some((1 << 40) + (self.counted_j(at_s) * 65536.0) as u64),
            resolution_uj: 1e6 / 65536.0,
            driver_ns: Some(at_ns),
            firmware_ns: self.has_clock.then_some(at_ns - 7_000 * MS),
            power_mw: has_power.then_some(power_mw),
            averaged: has_power && self.average_s > 0.0,
            ..RawSample::default()
        });
        (s, tracker.snapshot(seen_ns))
    }

    /// Readings of a session that begins so late: a validation, then one each of these times later than the one before.
    fn session(
        &self,
        mut s: f64,
        pauses: impl Iterator<Item = f64>,
    ) -> (AccumulatorTracker, Vec<(f64, TrackerSnapshot)>) {
        let mut tracker = self.tracker();
        for _ in 0..7 {
            self.read(&mut tracker, s);
            s += 0.0043;
        }
        let mut next = |pause_s: f64| {
            s += pause_s;
            self.read(&mut tracker, s)
        };
        let readings = pauses.map(&mut next).collect();
        (tracker, readings)
    }

    /// Truth, error and uncertainty, in J.
    fn window(
        &self,
        tracker: &AccumulatorTracker,
        begin: &(f64, TrackerSnapshot),
        end: &(f64, TrackerSnapshot),
    ) -> (f64, f64, f64) {
        self.between(tracker, begin, end, Boundaries::Calls)
    }

    fn between(
        &self,
        tracker: &AccumulatorTracker,
        (from, begin): &(f64, TrackerSnapshot),
        (to, end): &(f64, TrackerSnapshot),
        boundaries: Boundaries,
    ) -> (f64, f64, f64) {
        let (max_mw, known) = (tracker.max_power_mw(), (CounterState::Trusted, false));
        let found = interval_energy(begin, end, EnergyResolution::Firmware, max_mw, known, boundaries).expect("counts");
        // Each refresh is at a whole millisecond.
        let at = |s: f64| if boundaries == Boundaries::Readings { (s * 1e3).floor() / 1e3 } else { s };
        let truth = self.load.joules(at(*to)) - self.load.joules(at(*from));
        (truth, (found.energy_pj as f64 * 1e-12 - truth).abs(), found.uncertainty_pj as f64 * 1e-12)
    }
}

fn swinging(low: f64, high: f64, period_s: f64) -> Swinging {
    Swinging { low, high, period_s, square: false }
}

/// The first window of a session over averaged power is as good as what the averages and the counter say together: a steady load,
/// or one that swings so fast that the averages do not show it.
#[test]
fn first_windows_over_averaged_power() {
    let steady = swinging(330.0, 330.0, 1.0);
    let fast = swinging(180.0, 480.0, 0.01);
    for (load, seconds, most_percent) in [
        (steady, 0.1, 25.0),
        (steady, 1.0, 3.0),
        (steady, 3.0, 1.5),
        (steady, 60.0, 0.5),
        (fast, 10.0, 75.0),
        (fast, 60.0, 13.0),
    ] {
        for (average_s, wait_ms) in [0.4, 1.0, 4.5].into_iter().flat_map(|s| [1, 20, 45].map(|ms| (s, ms))) {
            let machine = Machine::of(560.0, average_s, true, load);
            let (tracker, readings) = machine.session(20.0, [f64::from(wait_ms) * 1e-3, seconds].into_iter());
            let (truth, error, uncertainty) = machine.window(&tracker, &readings[0], &readings[1]);
            assert!(error <= uncertainty, "{load:?}, {seconds} s: {error} J off, +- {uncertainty} J");
            let percent = 100.0 * uncertainty / truth;
            assert!(percent < most_percent, "{load:?}, {seconds} s, average of {average_s} s: {percent} %");
        }
    }
}

/// Any load, and where the counter is read.
fn any_load(random: &mut Random, limit_w: f64) -> (Swinging, f64) {
    let (low, high) = (limit_w * random.between(0.05, 0.45), limit_w * random.between(0.45, 1.0));
    let period_s = 0.01 * 2000_f64.powf(random.part());
    (Swinging { low, high, period_s, square: random.below(2) == 0 }, 30.0 + random.part())
}

/// A counter that stops once within five windows or laps, for good, or for a time after which it catches up or not. One of two
/// readings cannot distinguish a stop from every load: how many are not covered, of windows that are not the first. `powerless`:
/// for a part of the time the power cannot be read.
fn uncovered(limit_w: f64, average_s: f64, has_clock: bool, powerless: bool) -> (usize, usize) {
    let (mut all, mut outside) = (0, 0);
    for seed in 0..3_000 {
        let random = &mut Random::seeded(seed << 20);
        let (load, start_s) = any_load(random, limit_w);
        let mut machine = Machine::of(limit_w, average_s, has_clock, load);
        let seconds = 0.01 * 1000_f64.powf(random.part());
        let from_s = start_s + 0.1 + 5.0 * seconds * random.part();
        let to_s = from_s + 0.001 * (5000.0 * seconds).powf(random.part());
        machine.stops.push([(from_s, f64::MAX, false), (from_s, to_s, true), (from_s, to_s, false)][random.below(3)]);
        if powerless {
            let from_s = start_s + 5.0 * seconds * random.between(-0.2, 1.0);
            machine.powerless = Some((from_s, from_s + 5.0 * seconds * random.part()));
        }
        let pause_s = if random.below(2) == 0 { 0.02 * random.part() } else { 0.0 };
        let times = (0..10).map(|n| if n % 2 == 0 { pause_s } else { seconds });
        let (tracker, readings) = machine.session(start_s, times.filter(|s| *s > 0.0));
        let step = if pause_s > 0.0 { 2 } else { 1 };
        for n in (step..readings.len() - 1).step_by(step) {
            let (_, error, uncertainty) = machine.window(&tracker, &readings[n], &readings[n + 1]);
            all += 1;
            outside += usize::from(error > uncertainty);
        }
    }
    (outside, all)
}

#[test]
fn windows_over_a_counter_that_stops_once() {
    for (limit_w, average_s, has_clock) in
        [(290.0, 1.0, false), (225.0, 0.0, false), (300.0, 4.5, true), (560.0, 1.0, true), (750.0, 0.0, true)]
    {
        let most = if has_clock { 3_000 } else { 500 };
        for powerless in [false, true] {
            let (outside, all) = uncovered(limit_w, average_s, has_clock, powerless);
            assert!(outside * most <= all, "{limit_w} W, average of {average_s} s: {outside} of {all}");
        }
    }
}

/// Stops that lose their counts and come again: readings so dense that one shows it standing cover all of them, and powers that
/// are no averages nearly all that are as long as the readings are apart.
#[test]
fn stops_that_come_again() {
    for (limit_w, average_s) in [(300.0, 4.5), (560.0, 1.0), (750.0, 0.0)] {
        for (every_s, times) in [0.005, 0.02, 0.1].into_iter().flat_map(|s| [1.0, 3.0, 20.0].map(|times| (s, times))) {
            let mut outside = 0;
            for seed in 0..100 {
                let random = &mut Random::seeded(seed << 20);
                let (load, start_s) = any_load(random, limit_w);
                let mut machine = Machine::of(limit_w, average_s, true, load);
                let mut from_s = start_s + 0.2;
                while from_s < start_s + 210.0 * every_s {
                    let to_s = from_s + times * every_s * random.between(0.75, 1.3);
                    machine.stops.push((from_s, to_s, false));
                    from_s = to_s + every_s * (times + 5.0) * random.between(0.5, 1.5);
                }
                let mut pauses = random.clone();
                let (tracker, readings) =
                    machine.session(start_s, (0..200).map(|_| every_s * pauses.between(0.9, 1.1)));
                let (_, error, uncertainty) = machine.window(&tracker, &readings[0], &readings[199]);
                outside += usize::from(error > uncertainty);
            }
            let most = match times {
                1.0 if average_s > 0.0 => 100,
                1.0 => 3,
                _ => 0,
            };
            assert!(outside <= most, "{limit_w} W, every {every_s} s, {times} of that: {outside} of 100");
        }
    }
}

/// A counter that stops in one window and catches up in the next: the first one lacks what the second one has too much.
#[test]
fn a_window_covers_what_is_caught_up_in_it() {
    for phase in 0..40 {
        let load = Swinging { low: 100.0, high: 600.0, period_s: 0.5, square: true };
        let mut machine = Machine::of(750.0, 0.0, true, load);
        let start_s = 30.0 + f64::from(phase) * 0.0125;
        // The windows begin at 0.04 s.
        machine.stops.push((start_s + 3.54, start_s + 4.24, true));
        let (tracker, ends) = machine.session(start_s, [0.01, 1.0, 1.0, 1.0, 1.0, 1.0].into_iter());
        for pair in ends.windows(2) {
            let (truth, error, uncertainty) = machine.window(&tracker, &pair[0], &pair[1]);
            assert!(error <= uncertainty, "phase {phase}: {truth} J, {error} J off, +- {uncertainty} J");
        }
    }
}

/// Of laps, where the counter shows more than any power lately: the load rose, and the counter stopped, in the lap before.
#[test]
fn a_lap_covers_what_it_shows_that_is_caught_up() {
    for stop in 1..36 {
        // 100 W, and from 40 s on 600 W.
        let load = Swinging { low: 100.0, high: 600.0, period_s: 40.0, square: true };
        let mut machine = Machine::of(750.0, 0.0, true, load);
        machine.stops.push((40.0 + f64::from(stop) * 0.00025, 40.03, true));
        let (tracker, ends) = machine.session(39.95, [0.005, 0.025, 0.025, 0.025].into_iter());
        let mut most = 0.0_f64;
        for pair in ends.windows(2) {
            let (truth, error, uncertainty) = machine.between(&tracker, &pair[0], &pair[1], Boundaries::Readings);
            assert!(error <= uncertainty, "{stop}: {truth} J, {error} J off, +- {uncertainty} J");
            most = most.max(error);
        }
        assert!(most > 0.5, "{stop}: the counter did not stop: {most} J");
    }
}

/// A counter that a session has found standing: what it catches up with is of any time before.
#[test]
fn a_counter_that_stood_from_the_first_reading_on() {
    let load = Swinging { low: 140.0, high: 700.0, period_s: 0.022, square: false };
    for before_ms in 1..90 {
        let mut machine = Machine::of(750.0, 0.0, true, load);
        machine.stops.push((40.0 - f64::from(before_ms) * 1e-3, 40.05, true));
        let (tracker, ends) = machine.session(40.0, [0.0043, 0.03, 0.01, 0.01].into_iter());
        for boundaries in [Boundaries::Calls, Boundaries::Readings] {
            let (truth, error, uncertainty) = machine.between(&tracker, &ends[0], &ends[3], boundaries);
            assert!(error <= uncertainty, "{before_ms} ms: {truth} J, {error} J off, +- {uncertainty} J");
            assert!(error > 0.05 * f64::from(before_ms), "{before_ms} ms: {error} J off: it did not catch up");
        }
    }
}

/// A counter that stops while the power cannot be read, and catches up or does not: the readings in between show it standing.
#[test]
fn a_stop_shows_without_a_power() {
    let load = swinging(480.0, 480.0, 1.0);
    for (powerless_s, catches_up) in [0.0, 0.08].into_iter().flat_map(|s| [true, false].map(|up| (s, up))) {
        for n in 1..60 {
            let mut machine = Machine::of(1000.0, 0.0, true, load);
            // From the start of the session on, or from before the stop; the power is back after the window.
            machine.powerless = Some((20.0 + powerless_s, 21.0));
            machine.stops.push((20.1, 20.215, catches_up));
            let pauses = (0..n).map(|_| 0.005).chain([0.24]);
            let (tracker, readings) = machine.session(20.0, pauses);
            let (truth, error, uncertainty) = machine.window(&tracker, &readings[n - 1], &readings[n]);
            assert!(error <= uncertainty, "after {n}: {truth} J, {error} J off, +- {uncertainty} J");
        }
    }
}
