//! What is seen of one counter while it is checked, and what that comes to. Pure.

use super::validation::CounterState;

/// What one look showed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Observation {
    /// By how much the counter went on, and in how long; `None` if this says nothing of it.
    pub moved: Option<(u128, u64)>,
    /// It went back, or further than the GPU can draw.
    pub reset: bool,
    /// There is a count to be read.
    pub counter: bool,
    /// There is none, for sure.
    pub counter_unsupported: bool,
    /// The GPU sleeps or is in reset, and nothing is to be had of it now.
    pub suspended: bool,
    pub power_mw: Option<u64>,
    /// That is one which the firmware averages, over seconds.
    pub averaged: bool,
    /// No power is reported, for sure.
    pub power_unsupported: bool,
    /// The counter's time is its own: one that moves is a refresh.
    pub timed: bool,
}

/// So many refreshes, each with counts, are no accident.
const MIN_REFRESHES: u32 = 4;
const MIN_SPAN_NS: u64 = 20_000_000;
/// A counter is reset once while it is looked at, but not again and again.
const MAX_RESETS: u32 = 1;
/// A single answer may be a torn or a passing one.
const MIN_REFUSALS: u32 = 3;

#[derive(Debug, Clone, Copy, Default)]
pub struct ValidationEvidence {
    counter: bool,
    counter_unsupported: u32,
    suspended: bool,
    power_unsupported: u32,
    counted_pj: u128,
    span_ns: u64,
    refreshes: u32,
    resets: u32,
    /// Its time went on, and it did not.
    stood: u32,
    least_mw: Option<u64>,
    most_mw: Option<u64>,
    averaged: bool,
}

impl ValidationEvidence {
    pub fn add(&mut self, seen: Observation) {
        self.counter |= seen.counter;
        self.counter_unsupported += u32::from(seen.counter_unsupported);
        self.suspended = seen.suspended;
        self.power_unsupported += u32::from(seen.power_unsupported);
        self.resets += u32::from(seen.reset);
        if let Some((pj, ns)) = seen.moved {
            self.counted_pj += pj;
            self.span_ns += ns;
            self.stood += u32::from(pj == 0);
            self.refreshes += u32::from(pj > 0 && seen.timed);
        }
        self.averaged |= seen.averaged;
        if let Some(mw) = seen.power_mw {
            self.least_mw = Some(self.least_mw.map_or(mw, |l| l.min(mw)));
            self.most_mw = Some(self.most_mw.map_or(mw, |m| m.max(mw)));
        }
    }

    /// How the count compares with the power: below and above 1 by how much, at the least.
    fn is_within(&self, factor: u128, span_ns: u64) -> bool {
        let pj = |mw: Option<u64>| u128::from(mw.unwrap_or(0)) * u128::from(span_ns);
        self.counted_pj * factor > pj(self.least_mw) && self.counted_pj < pj(self.most_mw) * factor
    }

    /// The power is still on its way to what is drawn, so that it says little: a step of the load shows in the counter at
    /// once, and in an average after seconds.
    #[must_use]
    pub fn average_is_lagging(&self) -> bool {
        let (least, most) = (self.least_mw.unwrap_or(0), self.most_mw.unwrap_or(0));
        self.averaged && most - least > least / 20 + 1000
    }

    /// A counter state that no more looking would change.
    #[must_use]
    pub fn decide_early(&self) -> Option<CounterState> {
        if !self.counter && self.counter_unsupported >= MIN_REFUSALS {
            return Some(CounterState::Unsupported);
        }
        if self.counter && self.most_mw.is_none() && self.power_unsupported >= MIN_REFUSALS {
            return Some(CounterState::NoPowerToCompare);
        }
        let steady = self.stood == 0 && self.resets <= MAX_RESETS;
        let sure = steady && self.refreshes >= MIN_REFRESHES && self.span_ns >= MIN_SPAN_NS;
        // Narrower than the rule that decides in the end: what is near its edges is looked at for longer.
        (sure && self.is_within(4, self.span_ns)).then_some(CounterState::Trusted)
    }

    /// The counter state after the half second of [`super::fixed`], of which this saw all: the same where that one is right. It
    /// takes the least and the most of the powers where that one takes the first.
    #[must_use]
    pub fn decide_final(&self, observed_ns: u64) -> CounterState {
        if !self.counter {
            // One that sleeps may have a counter, and is asked again.
            return if self.suspended { CounterState::Pending } else { CounterState::Unsupported };
        }
        if self.most_mw.unwrap_or(0) == 0 {
            return CounterState::NoPowerToCompare;
        }
        // What stands still has no time of its own.
        let span_ns = if self.counted_pj == 0 { observed_ns } else { self.span_ns };
        if self.resets > MAX_RESETS {
            CounterState::Implausible
        } else if self.is_within(10, span_ns) {
            CounterState::Trusted
        } else if self.counted_pj == 0 {
            CounterState::Stuck
        } else {
            CounterState::Implausible
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(pj: u128, ms: u64, mw: u64) -> Observation {
        Observation {
            moved: Some((pj, ms * 1_000_000)),
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
    fn early_only_when_it_is_sure() {
        assert_eq!(repeated(3, observed(RIGHT, 10, 300_000)).decide_early(), None);
        assert_eq!(repeated(4, observed(RIGHT, 10, 300_000)).decide_early(), Some(CounterState::Trusted));
        assert_eq!(repeated(4, observed(RIGHT / 10, 1, 300_000)).decide_early(), None, "4 ms are too short");
        assert_eq!(repeated(50, observed(RIGHT / 6, 10, 300_000)).decide_early(), None);
        assert_eq!(repeated(50, observed(0, 10, 300_000)).decide_early(), None);
        let mut stood_once = repeated(9, observed(RIGHT, 10, 300_000));
        stood_once.add(observed(0, 10, 300_000));
        assert_eq!(stood_once.decide_early(), None);
        let none = Observation { counter_unsupported: true, power_mw: Some(1), ..Observation::default() };
        assert_eq!(repeated(2, none).decide_early(), None);
        assert_eq!(repeated(3, none).decide_early(), Some(CounterState::Unsupported));
        let powerless = Observation { counter: true, power_unsupported: true, ..Observation::default() };
        assert_eq!(repeated(3, powerless).decide_early(), Some(CounterState::NoPowerToCompare));
    }

    #[test]
    fn late_is_zeus_rule_with_the_least_and_the_most_power() {
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
        assert_eq!(ValidationEvidence::default().decide_final(half_second), CounterState::Unsupported);
        assert_eq!(
            repeated(50, Observation { suspended: true, ..Observation::default() }).decide_final(half_second),
            CounterState::Pending
        );
        // Every step is one that cannot be.
        let jumps = Observation { moved: None, reset: true, ..observed(0, 10, 300_000) };
        assert_eq!(repeated(1, jumps).decide_final(half_second), CounterState::Stuck);
        assert_eq!(repeated(2, jumps).decide_final(half_second), CounterState::Implausible);
        // From idle to full load: the first power alone would call this one implausible.
        let mut rise = repeated(1, observed(0, 0, 20_000));
        (0..50).for_each(|_| rise.add(observed(RIGHT, 10, 300_000)));
        assert_eq!(rise.decide_final(half_second), CounterState::Trusted);
    }
}
