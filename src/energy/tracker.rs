//! The book kept on one counter: look after look, wraps undone, resets noticed, power added up beside it. Pure.

use super::clock_sync::{ClockOffset, DriverClockOffset, FirmwareClockMonitor};
use super::power_range::PowerRange;
use super::sample::{RawSample, FIRMWARE_REFRESH_NS, SLOWEST_NS, WATT_MW};
use super::snapshot::{CounterStep, RunningTotals, TrackerSnapshot};
use super::stall::StallDetector;
use super::units::{counts_pj, power_pj};

/// A longer time between two powers is a gap: what was drawn meanwhile is anybody's guess.
const GAP_NS: u64 = 250_000_000;

#[derive(Debug)]
pub struct AccumulatorTracker {
    bits: u32,
    /// More than this the GPU does not draw.
    ceiling_mw: u64,
    totals: RunningTotals,
    counted: Option<RawSample>,
    powered: Option<RawSample>,
    motion: StallDetector,
    recent: PowerRange,
    lags: ClockOffset,
    firmware: FirmwareClockMonitor,
    driver: DriverClockOffset,
}

impl AccumulatorTracker {
    /// For a counter of so many bits, on a GPU whose limit can be no higher.
    #[must_use]
    pub fn new(bits: u32, limit_mw: u64) -> Self {
        AccumulatorTracker {
            bits,
            ceiling_mw: with_excursions(limit_mw),
            totals: RunningTotals::default(),
            counted: None,
            powered: None,
            motion: StallDetector::default(),
            recent: PowerRange::default(),
            lags: ClockOffset::default(),
            firmware: FirmwareClockMonitor::default(),
            driver: DriverClockOffset::default(),
        }
    }

    #[must_use]
    pub fn totals(&self) -> RunningTotals {
        self.totals
    }

    /// The last look that had a count.
    #[must_use]
    pub fn counted(&self) -> Option<RawSample> {
        self.counted
    }

    #[must_use]
    pub fn ceiling_mw(&self) -> u64 {
        self.ceiling_mw
    }

    /// It stands still for longer than any does that goes on, although power is drawn.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.motion.has_stopped()
    }

    /// The state of the book; its edge is the last look.
    #[must_use]
    pub fn mark(&self, edge_ns: u64) -> TrackerSnapshot {
        TrackerSnapshot {
            edge_ns,
            counted: self.counted,
            powered: self.powered,
            totals: self.totals,
            age_ns: self.age_ns(),
            unsure_ns: self.unsure_ns(),
            least_ahead_ns: self.least_ahead_ns(),
            zero_ns: self.driver.zero_ns(),
            moving_ns: self.motion.seen_moving_ns(),
        }
    }

    /// So much older than its time the last count is: as the firmware's clock tells, or else as long as the counter has
    /// been seen to stand.
    fn age_ns(&self) -> u64 {
        let told = self.counted.and_then(|c| c.ahead_ns()).zip(self.least_ahead_ns());
        if let Some((ahead, least)) = told {
            return ahead.saturating_sub(least).max(0) as u64;
        }
        self.motion.stands_ns()
    }

    /// So much older any count may be, whatever its age is told to be: without a clock that tells, as much as the counter
    /// takes to move at the least.
    fn unsure_ns(&self) -> u64 {
        let clock = self.counted.is_some_and(|c| c.firmware_ns.is_some());
        if clock && self.lags.are_enough() {
            0
        } else {
            self.motion.moves_in_ns()
        }
    }

    /// The least that the driver's clock was ahead of the firmware's, of late.
    fn least_ahead_ns(&self) -> Option<i64> {
        self.lags.least()
    }

    /// How long a 32-bit counter takes to come round at most power; `None` for one that does not.
    #[must_use]
    pub fn wrap_ns(&self) -> Option<u64> {
        let unit_uj = self.counted.map(|c| c.unit_uj).filter(|_| self.bits == 32)?;
        u64::try_from(counts_pj(1 << 32, unit_uj) / u128::from(self.ceiling_mw.max(1))).ok()
    }

    /// Takes a look into the book.
    pub fn add(&mut self, look: &RawSample) -> CounterStep {
        let anew = self.firmware.is_anew(look);
        self.driver.add(look);
        let look = &RawSample { firmware_ns: look.firmware_ns.filter(|_| !self.firmware.useless), ..*look };
        if let Some(mw) = look.power_mw {
            self.ceiling_mw = self.ceiling_mw.max(with_excursions(mw));
        }
        if anew {
            self.lags = ClockOffset::default();
        }
        self.lags.add(look);
        let step = self.count(look, anew);
        self.integrate(look);
        step
    }

    fn count(&mut self, look: &RawSample, anew: bool) -> CounterStep {
        let Some(now) = look.accumulator else { return CounterStep::NoBaseline };
        if now > u64::from(u32::MAX) {
            self.bits = 64;
        }
        let Some(last) = self.counted else {
            self.counted = Some(*look);
            return CounterStep::NoBaseline;
        };
        let Some(ns) = look.since(&last) else { return CounterStep::Unchanged };
        self.counted = Some(*look);
        let before = last.accumulator.unwrap_or(now);
        let powers = (last.power_mw.or(look.power_mw), look.power_mw.or(last.power_mw));
        let witnessed = look.firmware_ns.is_some() && self.firmware.is_proven();
        let counts = self.counts_between(before, now, ns, powers, (look.unit_uj, witnessed));
        let Some(counts) = counts.filter(|_| !anew) else {
            self.patch(ns, powers);
            return CounterStep::Reset;
        };
        self.totals.counts = self.totals.counts.wrapping_add(counts);
        if counts > 0 {
            self.motion.moved(ns, last.seen_ns);
        } else {
            self.motion.stood(ns, look.power_mw.is_some_and(|mw| mw >= WATT_MW));
        }
        CounterStep::Advanced { counts, ns }
    }

    /// Counts from `before` to `now`; `None` if no run of the counter explains them. `witnessed`: a clock would tell if it
    /// had been reset.
    fn counts_between(
        &mut self,
        before: u64,
        now: u64,
        ns: u64,
        powers: (Option<u64>, Option<u64>),
        (unit_uj, witnessed): (f64, bool),
    ) -> Option<u64> {
        let late = power_pj(self.ceiling_mw, SLOWEST_NS);
        let most = 2 * power_pj(self.ceiling_mw, ns) + late;
        let possible = |counts: u64| counts_pj(counts, unit_uj) <= most;
        if self.bits != 32 {
            return now.checked_sub(before).filter(|c| possible(*c));
        }
        let least = now.wrapping_sub(before) & u64::from(u32::MAX);
        let (Some(a), Some(b)) = powers else {
            // Without a power nothing tells how often it came round: at most as often as it can.
            let more = most.saturating_sub(counts_pj(least, unit_uj));
            self.totals.slack_pj += if more >= counts_pj(1 << 32, unit_uj) { more } else { 0 };
            return possible(least).then_some(least);
        };
        let turn = counts_pj(1 << 32, unit_uj).max(1);
        let turns = |mw: u64| (power_pj(mw, ns).saturating_sub(counts_pj(least, unit_uj)) + turn / 2) / turn;
        let mean = turns((a + b) / 2);
        // Looked at often enough there is no choice; else the load may have been anything in between.
        self.totals.slack_pj += mean.max(turns(self.ceiling_mw) - mean) * turn;
        let counts = u64::try_from(mean).ok()?.checked_mul(1 << 32)?.checked_add(least)?;
        if !possible(counts) {
            return None;
        }
        // A reset may look like a turn: then the power says something else.
        if !witnessed && (now < before || mean > 0) {
            self.totals.slack_pj += counts_pj(counts, unit_uj).abs_diff(power_pj((a + b) / 2, ns));
        }
        Some(counts)
    }

    /// A time that no count tells of.
    fn patch(&mut self, ns: u64, powers: (Option<u64>, Option<u64>)) {
        let drawn = match powers {
            (Some(a), Some(b)) => power_pj((a + b) / 2, ns),
            _ => 0,
        };
        // The counts at both ends may be older than their times.
        let late_ns = self.age_ns().max(self.unsure_ns()).max(self.motion.stands_ns()).max(FIRMWARE_REFRESH_NS);
        self.totals.resets += 1;
        self.totals.patched_pj += drawn;
        self.totals.slack_pj += drawn.max(power_pj(self.ceiling_mw, ns).saturating_sub(drawn));
        self.totals.slack_pj += power_pj(self.ceiling_mw, late_ns);
        self.motion.was_reset();
    }

    fn integrate(&mut self, look: &RawSample) {
        let Some(mw) = look.power_mw else { return };
        let Some(last) = self.powered else {
            self.powered = Some(*look);
            self.recent.add(look, mw);
            return;
        };
        let Some(ns) = look.since(&last) else { return };
        self.powered = Some(*look);
        let before = last.power_mw.unwrap_or(mw);
        let mean = (before + mw) / 2;
        if ns > GAP_NS {
            self.totals.gaps += 1;
            self.recent = PowerRange::default();
        }
        self.recent.add(look, mw);
        // How far the power may have been from the line between two looks: as far as it lately went, or anywhere.
        let swing = match self.recent.range() {
            Some((low, high)) => high.max(before) - low.min(before) + WATT_MW,
            None => mean.max(self.ceiling_mw.saturating_sub(mean)),
        };
        self.totals.integral_pj += power_pj(before + mw, ns) / 2;
        self.totals.integral_slack_pj += power_pj(swing, ns);
        self.totals.trapezoids += 1;
    }
}

/// GPUs draw more than their limit for moments.
fn with_excursions(mw: u64) -> u64 {
    mw.saturating_mul(5) / 4
}

#[cfg(test)]
mod tests;
