//! Each step of a counter against the powers at both ends and the most that the GPU can draw: did the counter stand? Pure.

use super::sample::{AVERAGE_SUPPORT_NS, WATT_MW};
use super::snapshot::RunningTotals;
use super::units::power_pj;

/// A load that repeats has so many dips of one depth in turn.
const SAME_DIPS: u32 = 3;

/// One step of a counter.
pub(super) struct Step {
    pub counted_pj: u128,
    /// The least that it stands for: what a count is may be 0.27 % less than is reported.
    pub least_pj: u128,
    /// The time in which the counter had to advance; `timed`: by the clock of its firmware.
    pub ns: u64,
    pub timed: bool,
    /// The longest time that the counts may belong to.
    pub longest_ns: u64,
    /// Receipt time of the later sample.
    pub seen_ns: u64,
    /// The powers at both ends, where they could be read.
    pub powers_mw: [Option<u64>; 2],
    /// They are averages over seconds, and do not show what was drawn in this step.
    pub averaged: bool,
}

#[derive(Debug, Default)]
pub(super) struct PlausibilityMonitor {
    recent: RecentPower,
    /// Power by the counter in the last step, if it is a dip of the load, unless the counter stands now.
    dip_mw: Option<u64>,
    /// Power by the counter in the last step that was lower than any recent power, and how often in turn it was the same.
    low: (u64, u32),
    /// The counter stood throughout the last step.
    stood: bool,
    /// Since when a counter has stood that stood from the first step on is not known, nor what it will catch up with.
    since_first: SinceFirst,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum SinceFirst {
    #[default]
    NoStep,
    Stood,
    Moved,
}

impl PlausibilityMonitor {
    /// Adds to the error what the counter may have missed in a step, or counted late.
    pub fn check(&mut self, step: &Step, max_power_mw: u64, totals: &mut RunningTotals) {
        let Step { counted_pj, ns, seen_ns, powers_mw, .. } = *step;
        powers_mw.iter().flatten().for_each(|mw| self.recent.add_shown(seen_ns, *mw));
        let largest_pj = power_pj(max_power_mw, step.longest_ns);
        if counted_pj > largest_pj {
            // More than was drawn: the counter was behind. What it has caught up with was not lost.
            let late_pj = counted_pj - largest_pj;
            let caught_up_pj = late_pj.min(totals.behind_pj);
            totals.error_pj -= caught_up_pj;
            totals.error_pj += if caught_up_pj < late_pj { counted_pj } else { 0 };
        }
        // Where no power was ever read, any counter still counts what the least GPU draws.
        let (lowest_mw, highest_mw) = self.recent.range().unwrap_or((WATT_MW, max_power_mw));
        let is_low = counted_pj < power_pj(lowest_mw.saturating_sub(WATT_MW / 2), ns);
        if let Some(mw) = self.dip_mw.take().filter(|_| counted_pj > 0) {
            self.recent.add(seen_ns, mw);
        }
        if is_low {
            let most_pj = self.most_pj(step, max_power_mw).max(power_pj(highest_mw + WATT_MW, ns));
            let missed_pj = most_pj.saturating_sub(step.least_pj);
            totals.error_pj += missed_pj;
            // A counter that has moved is behind by no more than this step.
            totals.behind_pj = missed_pj + if counted_pj > 0 { 0 } else { totals.behind_pj };
            self.dip_mw = self.dip(step);
        } else if counted_pj > 0 {
            totals.behind_pj = 0;
        }
        let unconfirmed_pj = totals.unconfirmed_pj;
        let stopped_before = is_low && counted_pj == 0;
        if stopped_before {
            totals.error_pj += totals.unconfirmed_pj;
            totals.behind_pj += totals.unconfirmed_pj;
        }
        if stopped_before || counted_pj > 0 {
            totals.unconfirmed_pj = 0;
        }
        if counted_pj > 0 {
            if self.since_first == SinceFirst::Stood {
                totals.error_pj += counted_pj.saturating_sub(power_pj(lowest_mw, ns));
            }
            self.since_first = SinceFirst::Moved;
        } else if stopped_before && self.since_first == SinceFirst::NoStep {
            self.since_first = SinceFirst::Stood;
        }
        if counted_pj > 0 && !is_low {
            // The step's mean is a power, too: those at its ends may always be of the same moment of a load that repeats.
            let counted_ns = if step.timed { ns } else { step.longest_ns };
            if step.least_pj > power_pj(highest_mw + WATT_MW, counted_ns) {
                // Or the counter had stopped within the step before.
                totals.caught_up_pj += unconfirmed_pj.min(counted_pj - power_pj(lowest_mw, counted_ns));
            }
            if counted_pj > power_pj(highest_mw, counted_ns) {
                let mean_mw = mean_mw(counted_pj, counted_ns).min(max_power_mw);
                self.recent.add(seen_ns, mean_mw);
            }
            totals.unconfirmed_pj = self.most_pj(step, max_power_mw).saturating_sub(step.least_pj);
        }
        self.stood = stopped_before;
    }

    /// The power by the counter in a step that is lower than any recent power, if it is a dip of the load.
    fn dip(&mut self, step: &Step) -> Option<u64> {
        if step.counted_pj == 0 || self.stood {
            return None;
        }
        let mw = mean_mw(step.counted_pj, step.ns);
        let is_same = mw.abs_diff(self.low.0) <= mw / 16;
        self.low = (mw, if is_same { self.low.1.saturating_add(1) } else { 1 });
        // An average shows no dip. Any other power would, but at moments that are always the same: stops are of any length.
        (mw > 0 && (step.averaged || self.low.1 >= SAME_DIPS)).then_some(mw)
    }

    /// The most that may have been drawn in a step: by the highest power that was seen, and what a load that varies so may have
    /// added since.
    fn most_pj(&self, step: &Step, max_power_mw: u64) -> u128 {
        let largest_pj = power_pj(max_power_mw, step.ns);
        let is_short = step.averaged && self.recent.is_short();
        let ([Some(first_mw), Some(last_mw)], Some((low_mw, high_mw))) = (step.powers_mw, self.recent.range()) else {
            return largest_pj;
        };
        if step.counted_pj == 0 || (is_short && !self.is_shown(step)) {
            return largest_pj;
        }
        let by_average_pj = || self.most_by_average_pj(step.ns, last_mw, (low_mw, high_mw)).min(largest_pj);
        let by_powers_pj = |more_mw: u64| power_pj(high_mw + more_mw + WATT_MW, step.ns).min(largest_pj);
        // Where it has not been due for long, what the edges of the interval may have is more.
        let is_brief = !step.timed && 2 * step.ns < step.longest_ns;
        match (step.averaged, is_short) {
            (_, true) => by_average_pj(),
            (true, false) if is_brief => by_powers_pj(0),
            // It shows a load that rises late.
            (true, false) => by_powers_pj(high_mw - low_mw).min(by_average_pj()),
            (false, _) if is_brief => power_pj(first_mw.max(last_mw) + WATT_MW, step.ns).min(largest_pj),
            (false, _) => by_powers_pj((high_mw - low_mw) / 4),
        }
    }

    /// Few averages may all be of other moments than the step: a mean that differs from them is of a load that they do not show,
    /// or the counter stood.
    fn is_shown(&self, step: &Step) -> bool {
        let (low_mw, high_mw) = self.recent.shown();
        let is_below = step.counted_pj * 20 < power_pj(low_mw, step.ns) * 19;
        let is_above = step.counted_pj * 20 > power_pj(high_mw + WATT_MW, step.longest_ns) * 21;
        !is_below && !is_above
    }

    /// The energy that averages allow for: what they show in the step, and what they have not shown at its end.
    ///
    /// The integral of the average differs from that of the power by L(begin) − L(end), see [`super::averaging_error_pj`]. What
    /// is always drawn adds the same to both, and L(end) of the rest is at most what the average shows of it, times its support.
    fn most_by_average_pj(&self, ns: u64, last_mw: u64, (least_mw, most_mw): (u64, u64)) -> u128 {
        let (low_mw, high_mw) = self.recent.shown();
        let always_mw = least_mw.saturating_sub(most_mw - least_mw);
        let above_mw = (last_mw + WATT_MW).saturating_sub(always_mw);
        power_pj(high_mw + (high_mw - low_mw) + WATT_MW, ns) + power_pj(above_mw, AVERAGE_SUPPORT_NS)
    }
}

fn mean_mw(pj: u128, ns: u64) -> u64 {
    u64::try_from(pj / u128::from(ns.max(1))).unwrap_or(u64::MAX)
}

/// Lowest and highest power that were seen lately: in the last 8 to 16 slots of time with a sample. Unlike
/// [`super::power_range::PowerRange`] it outlives gaps.
#[derive(Debug, Default)]
struct RecentPower {
    current: Option<(u64, u64)>,
    previous: Option<(u64, u64)>,
    /// Lowest and highest of the reported powers alone.
    shown: [Option<(u64, u64)>; 2],
    slots: u32,
    slot_start_ns: u64,
}

const SLOT_NS: u64 = 25_000_000;
const SLOTS: u32 = 8;

impl RecentPower {
    fn add(&mut self, seen_ns: u64, mw: u64) {
        if seen_ns.saturating_sub(self.slot_start_ns) >= SLOT_NS {
            (self.slots, self.slot_start_ns) = (self.slots + 1, seen_ns);
            if self.slots > SLOTS {
                (self.previous, self.current, self.slots) = (self.current, None, 1);
                self.shown = [None, self.shown[0]];
            }
        }
        self.current = widest(self.current, Some((mw, mw)));
    }

    fn add_shown(&mut self, seen_ns: u64, mw: u64) {
        self.add(seen_ns, mw);
        self.shown[0] = widest(self.shown[0], Some((mw, mw)));
    }

    fn shown(&self) -> (u64, u64) {
        widest(self.shown[0], self.shown[1]).unwrap_or_default()
    }

    /// Too few powers for averages over seconds, which show a load late.
    fn is_short(&self) -> bool {
        self.previous.is_none() && self.slots < SLOTS / 2
    }

    fn range(&self) -> Option<(u64, u64)> {
        widest(self.current, self.previous)
    }
}

fn widest(a: Option<(u64, u64)>, b: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
