//! What a region of a program used: the difference of two marks in the book, and how far off it may be. Pure.

use super::sample::{RawSample, FIRMWARE_REFRESH_NS, WATT_MW};
use super::snapshot::TrackerSnapshot;
use super::units::{counts_pj, power_pj, EnergyResolution, FIRMWARE_UJ};

/// How an energy was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The difference of the counter.
    Counter,
    /// Power, sampled and added up.
    Integrated,
    /// Power at the edges × time.
    Estimated,
}

/// An energy and what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct EnergyInterval {
    pub method: Method,
    pub energy_pj: u128,
    /// The energy between the edges is no further away than this.
    pub bound_pj: u128,
    /// The time that the energy belongs to.
    pub duration_ns: u64,
    /// Its edges on `CLOCK_BOOTTIME`.
    pub begin_ns: u64,
    pub end_ns: u64,
    /// The duration is the firmware's.
    pub firmware_time: bool,
    /// Microjoules a count, as it was used; 0 without a counter.
    pub unit_uj: f64,
    /// From a power that the firmware averages.
    pub averaged: bool,
    pub resets: u32,
    pub gaps: u32,
}

impl EnergyInterval {
    /// Energy over duration, in milliwatts.
    #[must_use]
    pub fn mean_mw(&self) -> u64 {
        let ns = u128::from(self.duration_ns).max(1);
        u64::try_from((self.energy_pj + ns / 2) / ns).unwrap_or(u64::MAX)
    }

    /// Says little: more than a tenth of it may be error.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.bound_pj > self.energy_pj / 10
    }
}

/// How long the averaged power of MI200 remembers (10 to 90 % of a step take 4 s).
const AVERAGED_OVER_NS: u64 = 8_000_000_000;

/// The energy between two marks by the best way there is. `counter`: may the counter be believed? `sampled`: was power
/// looked at all the time?
#[must_use]
pub fn between(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    unit: EnergyResolution,
    ceiling_mw: u64,
    counter: bool,
    sampled: bool,
) -> Option<EnergyInterval> {
    let by_counter = if counter { counted(begin, end, unit, ceiling_mw) } else { None };
    let exact = match by_counter {
        None if sampled => integrated(begin, end, ceiling_mw),
        by_counter => by_counter,
    };
    let estimated = estimated(begin, end, ceiling_mw);
    // Between two ticks of a counter nothing tells but the power; from a few ticks on the counter is the better one.
    match (exact, estimated) {
        // A reset is told of either way.
        (Some(a), Some(b)) if b.bound_pj < a.bound_pj => Some(EnergyInterval { resets: a.resets, ..b }),
        (a, b) => a.or(b),
    }
}

fn counted(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    unit: EnergyResolution,
    ceiling_mw: u64,
) -> Option<EnergyInterval> {
    let (first, last) = (begin.counted?, end.counted?);
    let (a, b) = (&begin.totals, &end.totals);
    let counts = b.counts.wrapping_sub(a.counts);
    let reported_pj = counts_pj(counts, last.unit_uj);
    let firmware_pj = counts_pj(counts, FIRMWARE_UJ);
    // Which unit it is nobody says: the reported one is taken at its word, the other may be the right one.
    let (energy_pj, unit_pj) = match unit {
        EnergyResolution::Reported => (reported_pj, reported_pj.abs_diff(firmware_pj)),
        EnergyResolution::Firmware => (firmware_pj, 0),
    };
    let (begin_ns, end_ns) = (first.at_ns(end.zero_ns), last.at_ns(end.zero_ns));
    let ages_ns = (begin.age_by(end.least_ahead_ns).max(end.unsure_ns), end.oldest_ns());
    let by_driver = end_ns.saturating_sub(begin_ns);
    let by_firmware = end.firmware_since(begin, by_driver);
    Some(EnergyInterval {
        method: Method::Counter,
        energy_pj: energy_pj + (b.patched_pj - a.patched_pj),
        bound_pj: (b.slack_pj - a.slack_pj)
            + unit_pj
            + counts_pj(2, last.unit_uj)
            + edges_pj((begin, end), (&first, &last), ages_ns, ceiling_mw),
        duration_ns: by_firmware.unwrap_or(by_driver),
        begin_ns,
        end_ns,
        firmware_time: by_firmware.is_some(),
        unit_uj: unit.uj(last.unit_uj),
        averaged: false,
        resets: b.resets - a.resets,
        gaps: 0,
    })
}

fn integrated(begin: &TrackerSnapshot, end: &TrackerSnapshot, ceiling_mw: u64) -> Option<EnergyInterval> {
    let (first, last) = (begin.powered?, end.powered?);
    let (a, b) = (&begin.totals, &end.totals);
    if b.trapezoids == a.trapezoids {
        return None;
    }
    let (begin_ns, end_ns) = (first.at_ns(end.zero_ns), last.at_ns(end.zero_ns));
    let duration_ns = end_ns.saturating_sub(begin_ns);
    let energy_pj = b.integral_pj - a.integral_pj;
    let mut region = EnergyInterval {
        method: Method::Integrated,
        energy_pj,
        bound_pj: (b.integral_slack_pj - a.integral_slack_pj)
            + edges_pj((begin, end), (&first, &last), (0, 0), ceiling_mw),
        duration_ns,
        begin_ns,
        end_ns,
        firmware_time: false,
        unit_uj: 0.0,
        averaged: last.averaged,
        resets: 0,
        gaps: b.gaps - a.gaps,
    };
    if last.averaged {
        region.bound_pj += unseen_pj(energy_pj, duration_ns, ceiling_mw);
    }
    Some(region)
}

/// What a power that is averaged hides: it may have been drawn before the region, or be reported after it.
#[must_use]
pub fn unseen_pj(energy_pj: u128, duration_ns: u64, ceiling_mw: u64) -> u128 {
    let most_pj = power_pj(ceiling_mw, duration_ns);
    let unseen_pj = energy_pj.max(most_pj.saturating_sub(energy_pj));
    unseen_pj * u128::from(duration_ns.min(AVERAGED_OVER_NS)) / u128::from(duration_ns.max(1))
}

fn estimated(begin: &TrackerSnapshot, end: &TrackerSnapshot, ceiling_mw: u64) -> Option<EnergyInterval> {
    let last = end.powered?;
    let power = last.power_mw?;
    let before = begin.powered.and_then(|p| p.power_mw).unwrap_or(power);
    let duration_ns = end.edge_ns.saturating_sub(begin.edge_ns);
    let energy_pj = power_pj(before + power, duration_ns) / 2;
    let most_pj = power_pj(ceiling_mw, duration_ns);
    Some(EnergyInterval {
        method: Method::Estimated,
        energy_pj,
        bound_pj: energy_pj.max(most_pj.saturating_sub(energy_pj)) + power_pj(WATT_MW, duration_ns),
        duration_ns,
        begin_ns: begin.edge_ns,
        end_ns: end.edge_ns,
        firmware_time: false,
        unit_uj: 0.0,
        averaged: last.averaged,
        resets: 0,
        gaps: 0,
    })
}

/// The edges of the region are not those of the readings, and these may be older than their times say: so much may have
/// been drawn in between.
fn edges_pj(
    (begin, end): (&TrackerSnapshot, &TrackerSnapshot),
    (first, last): (&RawSample, &RawSample),
    ages_ns: (u64, u64),
    ceiling_mw: u64,
) -> u128 {
    let (from, to) = (first.at_ns(end.zero_ns), last.at_ns(end.zero_ns));
    // Without a time of its own a reading may be one of a cache of libamd_smi (100 ms).
    // So may one by a clock whose zero is only known from when its readings were seen.
    let own = |look: &RawSample| look.driver_ns.is_some_and(|d| d <= look.seen_ns) && end.zero_ns == 0;
    let age = |look: &RawSample, ns: u64| FIRMWARE_REFRESH_NS.max(ns) + if own(look) { 0 } else { 100_000_000 };
    let too_much = begin.edge_ns.saturating_sub(from) + age(first, ages_ns.0) + to.saturating_sub(end.edge_ns);
    let missing = from.saturating_sub(begin.edge_ns) + end.edge_ns.saturating_sub(to) + age(last, ages_ns.1);
    power_pj(ceiling_mw, too_much.max(missing))
}

/// The same for edges that lie between samples: the firmware's own delay at both.
#[must_use]
pub fn edges_within_pj(ceiling_mw: u64, age_ns: u64) -> u128 {
    power_pj(ceiling_mw, 2 * FIRMWARE_REFRESH_NS.max(age_ns))
}
