//! The energy of a domain between two readings, with the largest error that it can have. Pure.

use super::count::Count;
use crate::energy::{divide, power_pj, Method};

/// What is known of a domain's counter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    pub max_power_mw: u64,
    /// A count is at most this old when it is read.
    pub max_age_ns: u64,
    /// What the energy is rounded down to.
    pub resolution_uj: u64,
    /// Error of the counter's unit, in millionths of the energy.
    pub unit_error_ppm: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeInterval {
    pub method: Method,
    pub energy_uj: u64,
    /// Upper limit of the error, for the time between the calls as well.
    pub uncertainty_uj: u64,
    /// The time that the energy belongs to.
    pub duration_ns: u64,
    pub restarted: bool,
    /// It may have wrapped around unseen.
    pub gap: bool,
    /// The source was not updated for longer than it may be.
    pub stale: bool,
}

/// A source that was not updated for so much longer than its limit is stale.
const STALE_NS: u64 = 1_000_000_000;

fn uj(pj: u128) -> u64 {
    u64::try_from(pj.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

impl NodeInterval {
    #[must_use]
    pub fn has_high_uncertainty(&self) -> bool {
        self.uncertainty_uj > self.energy_uj / 10
    }

    /// The whole of it is the difference of a counter.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.method == Method::Counter && !self.restarted && !self.gap && !self.stale
    }

    /// Energy over duration, in milliwatts.
    #[must_use]
    pub fn mean_mw(&self) -> u64 {
        let pj = u128::from(self.energy_uj) * 1_000_000;
        u64::try_from(divide(pj, self.duration_ns.max(1))).unwrap_or(u64::MAX)
    }
}

/// The energy between two calls, `from_ns` to `to_ns`, of which each is near a reading.
#[must_use]
pub fn interval(begin: &Count, end: &Count, (from_ns, to_ns): (u64, u64), limits: &Limits) -> Option<NodeInterval> {
    // Where more is drawn than is built, as far as is known, a quarter more than that.
    let seen_mw = begin.power_mw.max(end.power_mw).unwrap_or(0);
    let max_mw = limits.max_power_mw.max(seen_mw.saturating_add(seen_mw / 4));
    let calls_ns = to_ns.saturating_sub(from_ns);
    let (Some(first_uj), Some(last_uj)) = (begin.energy_uj, end.energy_uj) else {
        return by_power(begin, end, calls_ns, max_mw);
    };
    let clocks = begin.clock_ns.zip(end.clock_ns);
    let goes_back = last_uj < first_uj || clocks.is_some_and(|(first, last)| last < first);
    if begin.epoch != end.epoch || goes_back {
        let restarted =
            by_power(begin, end, calls_ns, max_mw).unwrap_or_else(|| since_restart(last_uj, calls_ns, max_mw));
        return Some(NodeInterval { restarted: true, ..restarted });
    }
    let reads_ns = end.begun_ns.saturating_sub(begin.begun_ns);
    let elapsed_ns = clocks.map(|(first, last)| last - first);
    // How much further the source went on than this machine between the readings: the difference of the counts' ages.
    let ahead_ns = elapsed_ns.map_or(0, |ns| ns.abs_diff(reads_ns));
    let age_ns = limits.max_age_ns + if ahead_ns > limits.max_age_ns { ahead_ns } else { 0 };
    let stale = ahead_ns > limits.max_age_ns + STALE_NS + reads_ns / 1000;
    if elapsed_ns == Some(0) {
        let estimated = by_power(begin, end, calls_ns, max_mw);
        return Some(NodeInterval { stale, ..estimated.unwrap_or_else(|| since_restart(0, calls_ns, max_mw)) });
    }
    let energy_uj = last_uj - first_uj;
    let edges_pj = power_pj(max_mw, edges_ns(begin, end, (from_ns, to_ns), age_ns));
    let unit_error_uj = u128::from(energy_uj) * u128::from(limits.unit_error_ppm);
    let mut uncertainty_uj = uj(edges_pj + unit_error_uj).saturating_add(limits.resolution_uj + 1);
    let gap = begin.gaps != end.gaps;
    if gap {
        // A turn may be missing, or a reset counted as one.
        uncertainty_uj = uncertainty_uj.max(uj(power_pj(max_mw, calls_ns)).saturating_sub(energy_uj)).max(energy_uj);
    }
    let duration_ns = elapsed_ns.unwrap_or(reads_ns);
    Some(NodeInterval { method: Method::Counter, energy_uj, uncertainty_uj, duration_ns, restarted: false, gap, stale })
}

/// The time at both calls whose energy may be missing or too much: each count belongs to a time from `age_ns` before the
/// begin of its reading to the end of it.
fn edges_ns(begin: &Count, end: &Count, (from_ns, to_ns): (u64, u64), age_ns: u64) -> u64 {
    let (first_ns, last_ns) = (begin.begun_ns.saturating_sub(age_ns), end.begun_ns.saturating_sub(age_ns));
    let excess_ns = from_ns.saturating_sub(first_ns) + end.ended_ns.saturating_sub(to_ns);
    let missing_ns = to_ns.saturating_sub(last_ns) + begin.ended_ns.saturating_sub(from_ns);
    excess_ns.max(missing_ns)
}

/// Mean of the powers at both ends. The energy may be anything from 0 to the highest power over the time.
fn by_power(begin: &Count, end: &Count, duration_ns: u64, max_mw: u64) -> Option<NodeInterval> {
    let last_mw = end.power_mw?;
    let energy_pj = power_pj(begin.power_mw.unwrap_or(last_mw) + last_mw, duration_ns) / 2;
    let most_pj = power_pj(max_mw, duration_ns);
    Some(estimated(energy_pj, energy_pj.max(most_pj.saturating_sub(energy_pj)), duration_ns))
}

/// Without a power: what was counted since a restart, and up to the highest power over the time.
fn since_restart(counted_uj: u64, duration_ns: u64, max_mw: u64) -> NodeInterval {
    let most_pj = power_pj(max_mw, duration_ns);
    let energy_pj = (u128::from(counted_uj) * 1_000_000).min(most_pj);
    estimated(energy_pj, energy_pj.max(most_pj - energy_pj), duration_ns)
}

fn estimated(energy_pj: u128, error_pj: u128, duration_ns: u64) -> NodeInterval {
    NodeInterval {
        method: Method::Estimated,
        energy_uj: uj(energy_pj),
        uncertainty_uj: uj(error_pj).saturating_add(1),
        duration_ns,
        restarted: false,
        gap: false,
        stale: false,
    }
}

#[cfg(test)]
mod tests;
