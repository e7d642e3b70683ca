//! Each step of a counter against the powers at both ends and the most that the GPU can draw: did the counter stand? Pure.

use super::sample::{AVERAGE_SUPPORT_NS, WATT_MW};
use super::snapshot::RunningTotals;
use super::units::power_pj;

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
    /// The powers at both ends.
    pub powers_mw: (u64, u64),
    /// They are averages over seconds, and do not show what was drawn in this step.
    pub averaged: bool,
}

#[derive(Debug, Default)]
pub(super) struct PlausibilityMonitor {
    recent: RecentPower,
    /// Power by the counter in the last step, if lower than any recent one: a dip of the load, unless the counter stood
    /// before or stands now.
    dip_mw: Option<u64>,
    /// The counter stood throughout the last step.
    stood: bool,
}

impl PlausibilityMonitor {
    /// Adds to the error what the counter may have missed in a step, or counted late.
    pub fn check(&mut self, step: &Step, max_power_mw: u64, totals: &mut RunningTotals) {
        let Step { counted_pj, ns, seen_ns, powers_mw, .. } = *step;
        self.recent.add(seen_ns, powers_mw.0.min(powers_mw.1), powers_mw.0.max(powers_mw.1));
        let most_pj = power_pj(max_power_mw, step.longest_ns);
        if counted_pj > most_pj {
            // More than was drawn: the counter was behind. What it has caught up with was not lost.
            let late_pj = counted_pj - most_pj;
            let caught_up_pj = late_pj.min(totals.behind_pj);
            totals.error_pj -= caught_up_pj;
            totals.error_pj += if caught_up_pj < late_pj { counted_pj } else { 0 };
        }
        let (lowest_mw, highest_mw) = self.recent.range();
        let is_low = counted_pj < power_pj(lowest_mw.saturating_sub(WATT_MW / 2), ns);
        if let Some(mw) = self.dip_mw.take().filter(|_| counted_pj > 0) {
            self.recent.add(seen_ns, mw, mw);
        }
        if is_low {
            let missed_mw = self.most_mw(step, max_power_mw, self.is_small_dip(step)).max(highest_mw + WATT_MW);
            let missed_pj = power_pj(missed_mw, ns).saturating_sub(step.least_pj);
            totals.error_pj += missed_pj;
            // A counter that has moved is behind by no more than this step.
            totals.behind_pj = missed_pj + if counted_pj > 0 { 0 } else { totals.behind_pj };
            self.dip_mw = u64::try_from(counted_pj / u128::from(ns)).ok().filter(|mw| *mw > 0 && !self.stood);
        } else if counted_pj > 0 {
            totals.behind_pj = 0;
        }
        let unconfirmed_pj = std::mem::take(&mut totals.unconfirmed_pj);
        if step.timed && is_low && counted_pj == 0 {
            // It has stopped, and did so in the step before.
            totals.error_pj += unconfirmed_pj;
            totals.behind_pj += unconfirmed_pj;
        }
        if counted_pj > 0 && !is_low {
            // The step's mean is a power, too: those at its ends may always be of the same moment of a load that repeats.
            if step.timed && counted_pj > power_pj(highest_mw, ns) {
                let mean_mw = u64::try_from(counted_pj / u128::from(ns.max(1))).unwrap_or(u64::MAX).min(max_power_mw);
                self.recent.add(seen_ns, mean_mw, mean_mw);
            }
            totals.unconfirmed_pj = power_pj(self.most_mw(step, max_power_mw, false), ns).saturating_sub(step.least_pj);
        }
        self.stood = is_low && counted_pj == 0;
    }

    /// Averages always differ by some watts from the mean of a step, so a little less than both ends is a dip of the load, or a
    /// stop as short as it is small: not anything up to the most that the GPU can draw. The average at the end has to be of
    /// this step alone.
    fn is_small_dip(&self, step: &Step) -> bool {
        let lowest_pj = power_pj(self.recent.range().0, step.ns);
        step.averaged && step.ns >= AVERAGE_SUPPORT_NS && step.counted_pj * 20 >= lowest_pj * 19
    }

    /// The most that may have been drawn in a step: the highest power, and what a load that varies so may have added since.
    fn most_mw(&self, step: &Step, max_power_mw: u64, is_small_dip: bool) -> u64 {
        if step.counted_pj == 0 || (step.averaged && self.recent.is_short() && !is_small_dip) {
            max_power_mw
        } else {
            let (low_mw, high_mw) = self.recent.range();
            let most_mw = match (step.timed, step.averaged) {
                (true, false) => high_mw + (high_mw - low_mw) / 4,
                // It shows a load that rises late.
                (true, true) => high_mw + (high_mw - low_mw),
                (false, true) => high_mw,
                // What the edges of the interval may have is more.
                (false, false) => step.powers_mw.0.max(step.powers_mw.1),
            };
            max_power_mw.min(most_mw + WATT_MW)
        }
    }
}

/// Lowest and highest power that were seen lately: in the last 8 to 16 slots of time with a sample. Unlike
/// [`super::power_range::PowerRange`] it outlives gaps.
#[derive(Debug, Default)]
struct RecentPower {
    current: Option<(u64, u64)>,
    previous: Option<(u64, u64)>,
    slots: u32,
    slot_start_ns: u64,
}

const SLOT_NS: u64 = 25_000_000;
const SLOTS: u32 = 8;

impl RecentPower {
    fn add(&mut self, seen_ns: u64, low_mw: u64, high_mw: u64) {
        if seen_ns.saturating_sub(self.slot_start_ns) >= SLOT_NS {
            (self.slots, self.slot_start_ns) = (self.slots + 1, seen_ns);
            if self.slots > SLOTS {
                (self.previous, self.current, self.slots) = (self.current, None, 1);
            }
        }
        self.current = widest(self.current, Some((low_mw, high_mw)));
    }

    /// Too few powers for averages over seconds, which show a load late.
    fn is_short(&self) -> bool {
        self.previous.is_none() && self.slots < SLOTS / 2
    }

    fn range(&self) -> (u64, u64) {
        widest(self.current, self.previous).unwrap_or_default()
    }
}

fn widest(a: Option<(u64, u64)>, b: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// One window in a session that has just been opened, over a GPU with averaged power: a mean a little below both averages
    /// may be a short stop, and is not any energy up to the most that the GPU can draw.
    #[test]
    fn a_mean_a_little_below_two_averages() {
        for stood_ms in [0, 300] {
            let (mut monitor, mut totals) = (PlausibilityMonitor::default(), RunningTotals::default());
            let mut step = |at_ms: u64, ns: u64, counted_pj: u128| {
                let step = Step {
                    counted_pj,
                    least_pj: counted_pj,
                    ns,
                    timed: true,
                    longest_ns: ns,
                    seen_ns: at_ms * MS,
                    powers_mw: (302_000, 302_000),
                    averaged: true,
                };
                monitor.check(&step, 700_000, &mut totals);
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
        let step = Step {
            counted_pj,
            least_pj: counted_pj,
            ns,
            timed: true,
            longest_ns: ns,
            seen_ns: 1_000 * MS,
            powers_mw: (302_000, 302_000),
            averaged,
        };
        monitor.check(&step, 700_000, &mut totals);
        totals
    }
}
