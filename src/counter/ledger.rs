//! The book kept on one counter: look after look, wraps undone, resets noticed, power added up beside it. Pure.

mod clocks;
mod motion;
mod recent;

use super::{counts_pj, power_pj, Mark};
pub(super) use clocks::KEPT_PACE;
use clocks::{DriverClock, FirmwareClock, Lags};
use motion::Motion;
use recent::Recent;

/// One look at a GPU: what it said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Look {
    /// `CLOCK_BOOTTIME` when the answer was there.
    pub seen_ns: u64,
    pub accumulator: Option<u64>,
    /// The GPU has no counter for sure; without it a missing accumulator may be a passing state.
    pub no_counter: bool,
    /// The GPU sleeps or is in reset: nothing is to be had of it now.
    pub asleep: bool,
    /// Microjoules a count, as reported.
    pub unit_uj: f64,
    /// The driver's clock (`CLOCK_BOOTTIME`) when it read the accumulator.
    pub driver_ns: Option<u64>,
    /// The firmware's clock at the accumulator's value; its zero is its own.
    pub firmware_ns: Option<u64>,
    pub power_mw: Option<u64>,
    /// The GPU reports no power for sure.
    pub no_power: bool,
    /// The power is one that the firmware averages, over seconds.
    pub averaged: bool,
    /// The driver's clock stands still.
    pub stale: bool,
}

impl Look {
    /// When it was so, on `CLOCK_BOOTTIME`: the driver's word, if that clock has its zero there, or else when we saw it.
    #[must_use]
    pub fn at_ns(&self, zero_ns: i64) -> u64 {
        self.driver_ns.map_or(self.seen_ns, |d| d.saturating_add_signed(zero_ns).min(self.seen_ns))
    }

    /// How far the driver's clock is ahead of the firmware's.
    #[must_use]
    pub fn ahead_ns(&self) -> Option<i64> {
        Some(self.driver_ns?.wrapping_sub(self.firmware_ns?) as i64)
    }

    /// From an earlier look to this one; `None` if it is the same reading again.
    pub(super) fn since(&self, earlier: &Look) -> Option<u64> {
        let ns = match (earlier.driver_ns, self.driver_ns) {
            (Some(a), Some(b)) => b.saturating_sub(a),
            _ => self.seen_ns.saturating_sub(earlier.seen_ns),
        };
        (ns > 0).then_some(ns)
    }
}

/// Sums since the book was begun; what counts are differences of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Counts, wraps undone.
    pub counts: u64,
    /// What no count tells (over a reset), from the power, and how far off that may be.
    pub patched_pj: u128,
    pub slack_pj: u128,
    pub resets: u32,
    /// Power × time by trapezoids, how far off that may be, and how many there were.
    pub integral_pj: u128,
    pub integral_slack_pj: u128,
    pub trapezoids: u64,
    /// Times longer than a sampler leaves between two looks.
    pub gaps: u32,
}

/// What a look added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing to compare with yet, or nothing that could be compared.
    Nothing,
    /// The same reading again.
    Same,
    /// The counter went on by so much, in so long.
    On { counts: u64, ns: u64 },
    /// It went back, or leapt: it was reset.
    Reset,
}

/// A longer time between two powers is a gap: what was drawn meanwhile is anybody's guess.
const GAP_NS: u64 = 250_000_000;
/// The slowest counters move every 100 ms; that much energy may come late, or early.
pub(super) const SLOWEST_NS: u64 = 100_000_000;
/// The driver stamps the table when it has it; the firmware may have counted up to a millisecond before.
pub(super) const FIRMWARE_REFRESH_NS: u64 = 1_000_000;
/// Powers are whole watts.
const WATT_MW: u64 = 1000;

#[derive(Debug)]
pub struct Ledger {
    bits: u32,
    /// More than this the GPU does not draw.
    ceiling_mw: u64,
    totals: Totals,
    counted: Option<Look>,
    powered: Option<Look>,
    motion: Motion,
    recent: Recent,
    lags: Lags,
    firmware: FirmwareClock,
    driver: DriverClock,
}

impl Ledger {
    /// For a counter of so many bits, on a GPU whose limit can be no higher.
    #[must_use]
    pub fn new(bits: u32, limit_mw: u64) -> Self {
        Ledger {
            bits,
            ceiling_mw: with_excursions(limit_mw),
            totals: Totals::default(),
            counted: None,
            powered: None,
            motion: Motion::default(),
            recent: Recent::default(),
            lags: Lags::default(),
            firmware: FirmwareClock::default(),
            driver: DriverClock::default(),
        }
    }

    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The last look that had a count.
    #[must_use]
    pub fn counted(&self) -> Option<Look> {
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
    pub fn mark(&self, edge_ns: u64) -> Mark {
        Mark {
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
    pub fn add(&mut self, look: &Look) -> Step {
        let anew = self.firmware.is_anew(look);
        self.driver.add(look);
        let look = &Look { firmware_ns: look.firmware_ns.filter(|_| !self.firmware.useless), ..*look };
        if let Some(mw) = look.power_mw {
            self.ceiling_mw = self.ceiling_mw.max(with_excursions(mw));
        }
        if anew {
            self.lags = Lags::default();
        }
        self.lags.add(look);
        let step = self.count(look, anew);
        self.integrate(look);
        step
    }

    fn count(&mut self, look: &Look, anew: bool) -> Step {
        let Some(now) = look.accumulator else { return Step::Nothing };
        if now > u64::from(u32::MAX) {
            self.bits = 64;
        }
        let Some(last) = self.counted else {
            self.counted = Some(*look);
            return Step::Nothing;
        };
        let Some(ns) = look.since(&last) else { return Step::Same };
        self.counted = Some(*look);
        let before = last.accumulator.unwrap_or(now);
        let powers = (last.power_mw.or(look.power_mw), look.power_mw.or(last.power_mw));
        let witnessed = look.firmware_ns.is_some() && self.firmware.is_proven();
        let counts = self.counts_between(before, now, ns, powers, (look.unit_uj, witnessed));
        let Some(counts) = counts.filter(|_| !anew) else {
            self.patch(ns, powers);
            return Step::Reset;
        };
        self.totals.counts = self.totals.counts.wrapping_add(counts);
        if counts > 0 {
            self.motion.moved(ns, last.seen_ns);
        } else {
            self.motion.stood(ns, look.power_mw.is_some_and(|mw| mw >= WATT_MW));
        }
        Step::On { counts, ns }
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

    fn integrate(&mut self, look: &Look) {
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
            self.recent = Recent::default();
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
