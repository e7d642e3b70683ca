//! The energy of an interval: the difference of two snapshots of a tracker, and its uncertainty. Functions without
//! state.

use super::clock_sync::MINIMUM_AGE_NS;
use super::sample::{RawSample, AMDSMI_CACHE_NS, AVERAGE_SUPPORT_NS, FIRMWARE_REFRESH_NS, STALL_NS, WATT_MW};
use super::snapshot::TrackerSnapshot;
use super::units::{counts_pj, divide, power_pj, EnergyResolution, FIRMWARE_UJ};
use super::validation::CounterState;

/// How an energy was determined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Difference of the counter.
    Counter,
    /// Sampled power, integrated.
    Integrated,
    /// Mean of the powers at both boundaries, times duration.
    Estimated,
}

/// The energy of an interval, its uncertainty and its origin.
#[derive(Debug, Clone, Copy)]
pub struct EnergyInterval {
    pub method: Method,
    pub energy_pj: u128,
    /// Upper limit of the error.
    pub uncertainty_pj: u128,
    /// The time that the energy belongs to.
    pub duration_ns: u64,
    /// Begin and end on `CLOCK_BOOTTIME`.
    pub begin_ns: u64,
    pub end_ns: u64,
    /// The duration is by the firmware's clock.
    pub firmware_time: bool,
    /// Microjoules per count that were used; 0 without a counter.
    pub resolution_uj: f64,
    /// The power is an average that the firmware takes over seconds.
    pub averaged: bool,
    pub resets: u32,
    pub gaps: u32,
}

impl EnergyInterval {
    /// Energy over duration, in milliwatts.
    #[must_use]
    pub fn mean_mw(&self) -> u64 {
        let ns = self.duration_ns.max(1);
        u64::try_from(divide(self.energy_pj + u128::from(ns / 2), ns)).unwrap_or(u64::MAX)
    }

    /// Widens the uncertainty to the energy of an untrusted counter, which may be right: sampled power can miss changes.
    fn covering(self, counted: Option<EnergyInterval>) -> EnergyInterval {
        let needed_pj = counted.map_or(0, |c| c.energy_pj.abs_diff(self.energy_pj) + c.uncertainty_pj);
        EnergyInterval { uncertainty_pj: self.uncertainty_pj.max(needed_pj), ..self }
    }

    /// The uncertainty is more than a tenth of the energy.
    #[must_use]
    pub fn has_high_uncertainty(&self) -> bool {
        self.uncertainty_pj > divide(self.energy_pj, 10)
    }
}

/// What an energy and its uncertainty belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundaries {
    /// The time between the boundaries of the snapshots.
    Calls,
    /// The time between their readings: intervals that follow each other add up. Where the firmware's time is known, their
    /// edges add no error.
    Readings,
}

/// The energy between two snapshots: between calls by the method with the smallest uncertainty. `sampled`: the power was
/// sampled for the whole interval.
#[must_use]
pub fn interval_energy(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    unit: EnergyResolution,
    max_power_mw: u64,
    (counter, sampled): (CounterState, bool),
    boundaries: Boundaries,
) -> Option<EnergyInterval> {
    let by_counter = || by_counter(begin, end, unit, max_power_mw, boundaries);
    let has_count = begin.counted.is_some() && end.counted.is_some();
    let ns = end.boundary_ns.saturating_sub(begin.boundary_ns);
    let by_calls = boundaries == Boundaries::Calls;
    if by_calls && has_count && counter.is_usable() && ns <= SHORT_NS && max_power_mw > WATT_MW {
        // Each count may be older than this interval is long, so the counter cannot be better.
        if let Some(estimated) = by_estimate(begin, end, max_power_mw) {
            return Some(EnergyInterval { resets: end.totals.resets - begin.totals.resets, ..estimated });
        }
    }
    let exact = if counter.is_usable() && has_count {
        by_counter()
    } else if sampled {
        let unchecked = if counter.is_checked_again() { by_counter() } else { None };
        by_integration(begin, end, max_power_mw, boundaries).map(|interval| interval.covering(unchecked))
    } else {
        None
    };
    // Within one refresh period only the power is known; after a few the counter is more accurate. The uncertainty of an
    // estimate is never below half of maximum power × time: below that none is made.
    if exact.is_some_and(|exact| !by_calls || exact.uncertainty_pj <= power_pj(max_power_mw, ns) / 2) {
        return exact;
    }
    match (exact, by_estimate(begin, end, max_power_mw)) {
        // Resets and gaps are reported with either method.
        (Some(a), Some(b)) if b.uncertainty_pj < a.uncertainty_pj => {
            Some(EnergyInterval { resets: a.resets, gaps: a.gaps, ..b })
        }
        (a, b) => a.or(b),
    }
}

/// Up to this length the estimate from the powers is always the more accurate one: at either edge a count may be a whole
/// refresh old, twice this time.
const SHORT_NS: u64 = FIRMWARE_REFRESH_NS / 2;

fn by_counter(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    unit: EnergyResolution,
    max_power_mw: u64,
    boundaries: Boundaries,
) -> Option<EnergyInterval> {
    let (first, last) = (begin.counted.as_ref()?, end.counted.as_ref()?);
    let (a, b) = (&begin.totals, &end.totals);
    let counts = b.counts.wrapping_sub(a.counts);
    let firmware_pj = counts_pj(counts, FIRMWARE_UJ);
    let (energy_pj, resolution_error_pj) = match unit {
        EnergyResolution::Firmware => (firmware_pj, 0),
        // The true resolution is unknown; the uncertainty covers both.
        EnergyResolution::Reported => {
            let reported_pj = counts_pj(counts, last.resolution_uj);
            (reported_pj, reported_pj.abs_diff(firmware_pj))
        }
    };
    let (begin_ns, end_ns) = (first.at_ns(end.driver_offset_ns), last.at_ns(end.driver_offset_ns));
    let by_driver = end_ns.saturating_sub(begin_ns);
    // Where the clocks may have drifted since, what is known of their offset now does not settle the age at the begin.
    let unsettled_ns = if by_driver > MINIMUM_AGE_NS { begin.age_uncertainty_ns.min(end.refresh_period_ns) } else { 0 };
    let begin_age_ns = begin.age_given(end.min_driver_minus_firmware_ns).max(end.age_uncertainty_ns).max(unsettled_ns);
    let ages_ns = (begin_age_ns, end.max_age_ns());
    let by_firmware = end.firmware_since(begin, by_driver);
    // It may have stood at the end; or at the begin, and have caught up since. A lap would be as uncertain as the load varies, and
    // covers what the counter shows of that.
    let late_pj = match boundaries {
        Boundaries::Calls => a.unconfirmed_pj.min(energy_pj),
        Boundaries::Readings => (b.caught_up_pj - a.caught_up_pj).min(energy_pj),
    };
    let unconfirmed_pj = if by_driver > 0 { b.unconfirmed_pj.max(late_pj) } else { 0 };
    let edges_pj = match boundaries {
        // The firmware's time belongs to the counts.
        Boundaries::Readings if by_firmware.is_some() => 0,
        _ => edge_error_pj((begin, end), (first, last), ages_ns, max_power_mw, boundaries),
    };
    Some(EnergyInterval {
        method: Method::Counter,
        energy_pj: energy_pj + (b.bridged_pj - a.bridged_pj),
        uncertainty_pj: b.error_since(a)
            + resolution_error_pj
            + counts_pj(2, last.resolution_uj)
            + edges_pj
            + unconfirmed_pj,
        duration_ns: by_firmware.unwrap_or(by_driver),
        begin_ns,
        end_ns,
        firmware_time: by_firmware.is_some(),
        resolution_uj: unit.uj(last.resolution_uj),
        averaged: false,
        resets: b.resets - a.resets,
        gaps: 0,
    })
}

fn by_integration(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    max_power_mw: u64,
    boundaries: Boundaries,
) -> Option<EnergyInterval> {
    let (first, last) = (begin.powered?, end.powered?);
    let (a, b) = (&begin.totals, &end.totals);
    let (begin_ns, end_ns) = (first.at_ns(end.driver_offset_ns), last.at_ns(end.driver_offset_ns));
    if b.trapezoids == a.trapezoids && (boundaries == Boundaries::Calls || begin_ns != end_ns) {
        return None;
    }
    let duration_ns = end_ns.saturating_sub(begin_ns);
    let energy_pj = b.integral_pj - a.integral_pj;
    let gap = |from_ns: u64, to_ns: u64| u32::from(to_ns.abs_diff(from_ns) > STALL_NS);
    let mut interval = EnergyInterval {
        method: Method::Integrated,
        energy_pj,
        uncertainty_pj: b.integral_error_since(a, max_power_mw)
            + edge_error_pj((begin, end), (&first, &last), (0, 0), max_power_mw, boundaries),
        duration_ns,
        begin_ns,
        end_ns,
        firmware_time: false,
        resolution_uj: 0.0,
        averaged: last.averaged,
        resets: 0,
        gaps: b.gaps - a.gaps + gap(begin.boundary_ns, begin_ns) + gap(end_ns, end.boundary_ns),
    };
    if last.averaged {
        let powers_mw = [first.power_mw, last.power_mw].map(Option::unwrap_or_default);
        interval.uncertainty_pj += averaging_error_pj(energy_pj, duration_ns, powers_mw, max_power_mw);
    }
    Some(interval)
}

/// The error of the integral of an average power: it includes power from before the interval, and lacks power from its end.
///
/// The average is A(t) = ∫ w(s) p(t − s) ds with weights w that add up to 1, do not increase with the age s, and are 0 from
/// D = [`AVERAGE_SUPPORT_NS`] on. W(s) is the sum of the weights from s to D. The energy that the average has not shown yet at a
/// time t is L(t) = ∫ p(t − s) W(s) ds, and the integral of A differs from that of p by L(begin) − L(end). As
/// W(s) ≤ (D − s) w(s), L(t) is between 0 and D × A(t), whatever the load was. `powers_mw`: A at both ends.
#[must_use]
pub fn averaging_error_pj(energy_pj: u128, duration_ns: u64, powers_mw: [u64; 2], max_power_mw: u64) -> u128 {
    // A power of 0 may be none at all.
    let not_shown_mw = powers_mw.map(|mw| if mw == 0 { max_power_mw } else { mw + WATT_MW });
    let not_shown_pj = power_pj(not_shown_mw[0].max(not_shown_mw[1]), AVERAGE_SUPPORT_NS);
    largest_error_pj(energy_pj, duration_ns, max_power_mw).min(not_shown_pj)
}

/// The error of an energy of which only the maximum power is known: it may be anything from 0 to maximum power × time.
pub(super) fn largest_error_pj(energy_pj: u128, duration_ns: u64, max_power_mw: u64) -> u128 {
    energy_pj.max(power_pj(max_power_mw, duration_ns).saturating_sub(energy_pj))
}

fn by_estimate(begin: &TrackerSnapshot, end: &TrackerSnapshot, max_power_mw: u64) -> Option<EnergyInterval> {
    let last = end.powered?;
    let power = last.power_mw?;
    let before = begin.powered.and_then(|p| p.power_mw).unwrap_or(power);
    let duration_ns = end.boundary_ns.saturating_sub(begin.boundary_ns);
    let energy_pj = power_pj(before + power, duration_ns) / 2;
    Some(EnergyInterval {
        method: Method::Estimated,
        energy_pj,
        uncertainty_pj: largest_error_pj(energy_pj, duration_ns, max_power_mw) + power_pj(WATT_MW, duration_ns),
        duration_ns,
        begin_ns: begin.boundary_ns,
        end_ns: end.boundary_ns,
        firmware_time: false,
        resolution_uj: 0.0,
        averaged: last.averaged,
        resets: 0,
        gaps: 0,
    })
}

/// The error at both boundaries: the readings are not taken exactly there, and a count may be older than its time. Up to
/// the maximum power may have been drawn in between.
fn edge_error_pj(
    (begin, end): (&TrackerSnapshot, &TrackerSnapshot),
    (first, last): (&RawSample, &RawSample),
    ages_ns: (u64, u64),
    max_power_mw: u64,
    boundaries: Boundaries,
) -> u128 {
    let (from, to) = (first.at_ns(end.driver_offset_ns), last.at_ns(end.driver_offset_ns));
    let (begin_ns, end_ns) = match boundaries {
        Boundaries::Calls => (begin.boundary_ns, end.boundary_ns),
        Boundaries::Readings => (from, to),
    };
    // A reading without a timestamp may come from libamd_smi's cache. So may one whose clock offset is only estimated.
    let timed = |sample: &RawSample| sample.driver_ns.is_some_and(|d| d <= sample.seen_ns) && end.driver_offset_ns == 0;
    let cache_ns = |sample: &RawSample| if timed(sample) { 0 } else { AMDSMI_CACHE_NS };
    let age = |sample: &RawSample, ns: u64| FIRMWARE_REFRESH_NS.max(ns) + cache_ns(sample);
    let excess_ns = begin_ns.saturating_sub(from) + age(first, ages_ns.0) + to.saturating_sub(end_ns);
    let missing_ns = from.saturating_sub(begin_ns) + end_ns.saturating_sub(to) + age(last, ages_ns.1);
    power_pj(max_power_mw, excess_ns.max(missing_ns))
}

/// The error at both boundaries where samples lie before and after each: the age of the counts.
#[must_use]
pub fn inner_edge_error_pj(max_power_mw: u64, count_ages_ns: [u64; 2]) -> u128 {
    count_ages_ns.map(|age_ns| power_pj(max_power_mw, FIRMWARE_REFRESH_NS.max(age_ns))).iter().sum()
}

#[cfg(test)]
mod tests;
