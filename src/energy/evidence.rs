//! Evidence on one energy counter, collected over the samples of a validation. Pure.

use super::sample::WATT_MW;
use super::units::power_pj;
use super::validation::{is_within, judge_by_ratio, CounterState, FIXED_NS};

/// What one sample shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observation {
    /// The counter's advance in pJ, and its time in ns; `None` without a new reading.
    pub advance: Option<(u128, u64)>,
    /// The counter stepped back, or further ahead than the GPU can draw.
    pub reset: bool,
    /// The sample has a count.
    pub counter: bool,
    /// The GPU has no counter.
    pub counter_unsupported: bool,
    /// The GPU is runtime-suspended or in reset, and cannot be read now.
    pub suspended: bool,
    pub power_mw: Option<u64>,
    /// The power is an average that the firmware takes over seconds.
    pub averaged: bool,
    /// The GPU reports no power.
    pub power_unsupported: bool,
    /// The driver's timestamp has stalled: the power is old, and none to compare with.
    pub stale: bool,
    /// The reading has a driver timestamp: each advance is one refresh.
    pub timed: bool,
}

/// This many refreshes that all advance the counter are not a coincidence.
const MIN_REFRESHES: u32 = 4;
const MIN_SPAN_NS: u64 = 20_000_000;
/// A counter may be reset once during a validation. More resets make it implausible.
const MAX_RESETS: u32 = 1;
/// A single failed reading may be torn or transient.
const MIN_REFUSALS: u32 = 3;
/// A thread that waits for a processor takes few samples in half a second. With two, a reset or an implausible step is all
/// there is to see.
const MIN_SAMPLES: u32 = 5;
/// So many samples in a row without a new reading, at 4 ms or more from each other, show that no more readings come.
const MAX_REPEATS: u32 = 125;
/// What was drawn during a longer step is not known: the load may have been another one at both ends.
const MAX_STEP_NS: u64 = FIXED_NS / 2;

#[derive(Debug, Clone, Copy, Default)]
pub struct ValidationEvidence {
    samples: u32,
    /// Samples with a new reading, and those without one since the last of them.
    readings: u32,
    repeats: u32,
    longest_step_ns: u64,
    counter: bool,
    counter_unsupported: u32,
    suspended: bool,
    power_unsupported: u32,
    counted_pj: u128,
    span_ns: u64,
    refreshes: u32,
    resets: u32,
    /// Refreshes that did not advance the counter.
    stalls: u32,
    min_mw: Option<u64>,
    max_mw: Option<u64>,
    averaged: bool,
    stale: bool,
}

impl ValidationEvidence {
    pub fn add(&mut self, observation: Observation) {
        self.samples += 1;
        self.counter |= observation.counter;
        self.counter_unsupported += u32::from(observation.counter_unsupported);
        self.suspended = observation.suspended;
        self.power_unsupported += u32::from(observation.power_unsupported);
        self.resets += u32::from(observation.reset);
        let is_new = observation.reset || observation.advance.is_some();
        self.readings += u32::from(is_new);
        self.repeats = if is_new { 0 } else { self.repeats + 1 };
        if let Some((pj, ns)) = observation.advance {
            self.counted_pj = self.counted_pj.saturating_add(pj);
            self.span_ns = self.span_ns.saturating_add(ns);
            self.longest_step_ns = self.longest_step_ns.max(ns);
            self.stalls += u32::from(pj == 0);
            self.refreshes += u32::from(pj > 0 && observation.timed);
        }
        self.averaged |= observation.averaged;
        self.stale = observation.stale;
        if let Some(mw) = observation.power_mw {
            self.min_mw = Some(self.min_mw.map_or(mw, |min| min.min(mw)));
            self.max_mw = Some(self.max_mw.map_or(mw, |max| max.max(mw)));
        }
    }

    /// A sample with a count was seen.
    #[must_use]
    pub fn has_count(&self) -> bool {
        self.counter
    }

    /// The energies that the lowest and the highest power give over a time, in pJ.
    fn expected_pj(&self, span_ns: u64) -> (u128, u128) {
        (power_pj(self.min_mw.unwrap_or(0), span_ns), power_pj(self.max_mw.unwrap_or(0), span_ns))
    }

    /// A check that is repeated may have another result than this one.
    #[must_use]
    pub fn may_change(&self, state: CounterState) -> bool {
        match state {
            CounterState::Implausible => self.average_is_lagging() || self.longest_step_ns > MAX_STEP_NS,
            // Its reads failed; that it has none was not said.
            CounterState::NoPowerToCompare => self.max_mw.is_none() && self.power_unsupported == 0,
            _ => false,
        }
    }

    /// The average power has not settled yet and cannot be compared: a step of the load shows in the counter immediately,
    /// and in an average after seconds.
    fn average_is_lagging(&self) -> bool {
        let (min_mw, max_mw) = (self.min_mw.unwrap_or(0), self.max_mw.unwrap_or(0));
        self.averaged && max_mw - min_mw > min_mw / 20 + WATT_MW
    }

    /// The counter state, if more samples would not change it.
    #[must_use]
    pub fn decide_early(&self) -> Option<CounterState> {
        if !self.counter && self.counter_unsupported >= MIN_REFUSALS {
            return Some(CounterState::Unsupported);
        }
        if self.counter && self.max_mw.is_none() && self.power_unsupported >= MIN_REFUSALS {
            return Some(CounterState::NoPowerToCompare);
        }
        let steady = self.stalls == 0 && self.resets <= MAX_RESETS;
        let enough = steady && self.refreshes >= MIN_REFRESHES && self.span_ns >= MIN_SPAN_NS;
        // Narrower than Zeus's factor of 10: a counter near that limit is sampled for longer.
        let is_near = is_within(self.counted_pj, self.expected_pj(self.span_ns), 4);
        (enough && is_near).then_some(CounterState::Trusted)
    }

    /// After so long the state is decided for good.
    #[must_use]
    pub fn is_complete(&self, observed_ns: u64) -> bool {
        // The first sample is no reading that can be compared. A table that stands has no others.
        let enough = self.readings + 1 >= MIN_SAMPLES || self.readings == 0 || self.repeats >= MAX_REPEATS;
        enough && self.samples >= MIN_SAMPLES && observed_ns >= FIXED_NS
    }

    /// The counter state after the full half second, by Zeus's rule. It compares with the lowest and the highest power,
    /// where Zeus takes the first.
    #[must_use]
    pub fn decide_final(&self, observed_ns: u64) -> CounterState {
        if !self.counter {
            // A suspended GPU may have a counter, and one whose reads failed.
            return match (self.suspended, self.counter_unsupported) {
                (true, _) => CounterState::Pending,
                (false, 0) => CounterState::Unreadable,
                (false, _) => CounterState::Unsupported,
            };
        }
        if self.max_mw.unwrap_or(0) == 0 {
            // Where the whole table stands, its power is an old one.
            let stands = self.stale && self.counted_pj == 0;
            return if stands { CounterState::Stuck } else { CounterState::NoPowerToCompare };
        }
        if self.resets > MAX_RESETS {
            return CounterState::Implausible;
        }
        // A stalled counter has no time span.
        let span_ns = if self.counted_pj == 0 { observed_ns } else { self.span_ns };
        judge_by_ratio(self.counted_pj, self.expected_pj(span_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(pj: u128, ms: u64, mw: u64) -> Observation {
        Observation {
            advance: Some((pj, ms * 1_000_000)),
            counter: true,
            power_mw: Some(mw),
            timed: true,
            ..Observation::default()
        }
    }

    fn repeated(n: u32, one: Observation) -> ValidationEvidence {
        let mut e = ValidationEvidence::default();
        (0..n).for_each(|_| e.add(one));
        e
    }

    // 300 W for 10 ms are 3 J, 3e12 pJ.
    const RIGHT: u128 = 3_000_000_000_000;

    #[test]
    fn an_early_decision_needs_enough_refreshes() {
        assert_eq!(repeated(3, observed(RIGHT, 10, 300_000)).decide_early(), None);
        assert_eq!(repeated(4, observed(RIGHT, 10, 300_000)).decide_early(), Some(CounterState::Trusted));
        assert_eq!(repeated(4, observed(RIGHT / 10, 1, 300_000)).decide_early(), None, "4 ms are too short");
        assert_eq!(repeated(50, observed(RIGHT / 6, 10, 300_000)).decide_early(), None);
        assert_eq!(repeated(50, observed(0, 10, 300_000)).decide_early(), None);
        let mut one_stall = repeated(9, observed(RIGHT, 10, 300_000));
        one_stall.add(observed(0, 10, 300_000));
        assert_eq!(one_stall.decide_early(), None);
        let none = Observation { counter_unsupported: true, power_mw: Some(1), ..Observation::default() };
        assert_eq!(repeated(2, none).decide_early(), None);
        assert_eq!(repeated(3, none).decide_early(), Some(CounterState::Unsupported));
        let powerless = Observation { counter: true, power_unsupported: true, ..Observation::default() };
        assert_eq!(repeated(3, powerless).decide_early(), Some(CounterState::NoPowerToCompare));
    }

    /// After a step of the load from 100 W to 400 W an average is between both for seconds.
    #[test]
    fn an_average_lags_behind_a_step_of_the_load() {
        let seen = |powers_mw: &[u64], averaged: bool| {
            let mut e = ValidationEvidence::default();
            powers_mw.iter().for_each(|mw| e.add(Observation { averaged, ..observed(RIGHT, 10, *mw) }));
            e.average_is_lagging()
        };
        assert!(seen(&[100_000, 250_000, 400_000], true));
        assert!(!seen(&[100_000, 250_000, 400_000], false), "an instant power");
        assert!(!seen(&[400_000, 410_000], true), "the fluctuations of a steady load");
    }

    /// Between two samples half a second apart the load was another one: the counter is right, and the powers say otherwise.
    #[test]
    fn a_long_step_proves_nothing() {
        let mut e = repeated(1, observed(0, 0, 20_000));
        e.add(observed(50 * RIGHT, 500, 20_000));
        (0..3).for_each(|_| e.add(observed(RIGHT / 15, 10, 20_000)));
        assert_eq!(e.decide_final(530_000_000), CounterState::Implausible);
        assert!(e.may_change(CounterState::Implausible));
    }

    /// The same table over and over is one reading, until it is clear that the table stands.
    #[test]
    fn repeated_readings_are_not_enough() {
        let half_second = FIXED_NS;
        let fast = Observation { advance: None, reset: true, ..observed(0, 500, 300_000) };
        let same = Observation { advance: None, ..observed(0, 0, 300_000) };
        let mut e = repeated(1, same);
        e.add(fast);
        (0..124).for_each(|_| e.add(same));
        assert!(!e.is_complete(half_second));
        e.add(same);
        assert!(e.is_complete(half_second));
        assert!(repeated(5, same).is_complete(half_second), "it stood from the beginning");
    }

    /// 20 times too fast: the first step is taken for a reset, and only further ones show that it is none.
    #[test]
    fn two_samples_half_a_second_apart_are_not_enough() {
        let half_second = FIXED_NS;
        let fast = Observation { advance: None, reset: true, ..observed(0, 500, 300_000) };
        let mut two = repeated(1, observed(0, 0, 300_000));
        two.add(fast);
        assert!(!two.is_complete(half_second));
        (0..3).for_each(|_| two.add(fast));
        assert!(two.is_complete(half_second) && !two.is_complete(half_second - 1));
        assert_eq!(two.decide_final(half_second), CounterState::Implausible);
    }

    #[test]
    fn the_final_decision_is_zeus_rule_with_lowest_and_highest_power() {
        let half_second = 500_000_000;
        assert_eq!(repeated(50, observed(RIGHT / 9, 10, 300_000)).decide_final(half_second), CounterState::Trusted);
        assert_eq!(
            repeated(50, observed(RIGHT / 11, 10, 300_000)).decide_final(half_second),
            CounterState::Implausible
        );
        assert_eq!(repeated(50, observed(RIGHT * 9, 10, 300_000)).decide_final(half_second), CounterState::Trusted);
        assert_eq!(
            repeated(50, observed(RIGHT * 11, 10, 300_000)).decide_final(half_second),
            CounterState::Implausible
        );
        assert_eq!(repeated(50, observed(0, 10, 300_000)).decide_final(half_second), CounterState::Stuck);
        assert_eq!(repeated(50, observed(RIGHT, 10, 0)).decide_final(half_second), CounterState::NoPowerToCompare);
        assert_eq!(ValidationEvidence::default().decide_final(half_second), CounterState::Unreadable);
        let old = Observation { advance: None, power_mw: None, stale: true, ..observed(0, 10, 0) };
        assert_eq!(repeated(50, old).decide_final(half_second), CounterState::Stuck);
        let absent = Observation { counter_unsupported: true, ..Observation::default() };
        assert_eq!(repeated(1, absent).decide_final(half_second), CounterState::Unsupported);
        assert_eq!(
            repeated(50, Observation { suspended: true, ..Observation::default() }).decide_final(half_second),
            CounterState::Pending
        );
        // Every step is a reset.
        let jumps = Observation { advance: None, reset: true, ..observed(0, 10, 300_000) };
        assert_eq!(repeated(1, jumps).decide_final(half_second), CounterState::Stuck);
        assert_eq!(repeated(2, jumps).decide_final(half_second), CounterState::Implausible);
        // From idle to full load: the first power alone would call this one implausible.
        let mut rise = repeated(1, observed(0, 0, 20_000));
        (0..50).for_each(|_| rise.add(observed(RIGHT, 10, 300_000)));
        assert_eq!(rise.decide_final(half_second), CounterState::Trusted);
    }
}
