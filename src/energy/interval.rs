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
    pub uncertainty_pj: u128,
    /// The time that the energy belongs to.
    pub duration_ns: u64,
    /// Its edges on `CLOCK_BOOTTIME`.
    pub begin_ns: u64,
    pub end_ns: u64,
    /// The duration is the firmware's.
    pub firmware_time: bool,
    /// Microjoules a count, as it was used; 0 without a counter.
    pub resolution_uj: f64,
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
        self.uncertainty_pj > self.energy_pj / 10
    }
}

/// How long the averaged power of MI200 remembers (10 to 90 % of a step take 4 s).
const AVERAGE_SETTLE_NS: u64 = 8_000_000_000;

/// The energy between two marks by the best way there is. `counter`: may the counter be believed? `sampled`: was power
/// looked at all the time?
#[must_use]
pub fn interval_energy(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    unit: EnergyResolution,
    max_power_mw: u64,
    counter: bool,
    sampled: bool,
) -> Option<EnergyInterval> {
    let by_counter = if counter { by_counter(begin, end, unit, max_power_mw) } else { None };
    let exact = match by_counter {
        None if sampled => by_integration(begin, end, max_power_mw),
        by_counter => by_counter,
    };
    let estimated = by_estimate(begin, end, max_power_mw);
    // Between two ticks of a counter nothing tells but the power; from a few ticks on the counter is the better one.
    match (exact, estimated) {
        // A reset is told of either way.
        (Some(a), Some(b)) if b.uncertainty_pj < a.uncertainty_pj => Some(EnergyInterval { resets: a.resets, ..b }),
        (a, b) => a.or(b),
    }
}

fn by_counter(
    begin: &TrackerSnapshot,
    end: &TrackerSnapshot,
    unit: EnergyResolution,
    max_power_mw: u64,
) -> Option<EnergyInterval> {
    let (first, last) = (begin.counted?, end.counted?);
    let (a, b) = (&begin.totals, &end.totals);
    let counts = b.counts.wrapping_sub(a.counts);
    let reported_pj = counts_pj(counts, last.resolution_uj);
    let firmware_pj = counts_pj(counts, FIRMWARE_UJ);
    // Which unit it is nobody says: the reported one is taken at its word, the other may be the right one.
    let (energy_pj, unit_pj) = match unit {
        EnergyResolution::Reported => (reported_pj, reported_pj.abs_diff(firmware_pj)),
        EnergyResolution::Firmware => (firmware_pj, 0),
    };
    let (begin_ns, end_ns) = (first.at_ns(end.driver_offset_ns), last.at_ns(end.driver_offset_ns));
    let ages_ns = (begin.age_given(end.min_driver_minus_firmware_ns).max(end.age_uncertainty_ns), end.max_age_ns());
    let by_driver = end_ns.saturating_sub(begin_ns);
    let by_firmware = end.firmware_since(begin, by_driver);
    Some(EnergyInterval {
        method: Method::Counter,
        energy_pj: energy_pj + (b.bridged_pj - a.bridged_pj),
        uncertainty_pj: (b.error_pj - a.error_pj)
            + unit_pj
            + counts_pj(2, last.resolution_uj)
            + edge_error_pj((begin, end), (&first, &last), ages_ns, max_power_mw),
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

fn by_integration(begin: &TrackerSnapshot, end: &TrackerSnapshot, max_power_mw: u64) -> Option<EnergyInterval> {
    let (first, last) = (begin.powered?, end.powered?);
    let (a, b) = (&begin.totals, &end.totals);
    if b.trapezoids == a.trapezoids {
        return None;
    }
    let (begin_ns, end_ns) = (first.at_ns(end.driver_offset_ns), last.at_ns(end.driver_offset_ns));
    let duration_ns = end_ns.saturating_sub(begin_ns);
    let energy_pj = b.integral_pj - a.integral_pj;
    let mut region = EnergyInterval {
        method: Method::Integrated,
        energy_pj,
        uncertainty_pj: (b.integral_error_pj - a.integral_error_pj)
            + edge_error_pj((begin, end), (&first, &last), (0, 0), max_power_mw),
        duration_ns,
        begin_ns,
        end_ns,
        firmware_time: false,
        resolution_uj: 0.0,
        averaged: last.averaged,
        resets: 0,
        gaps: b.gaps - a.gaps,
    };
    if last.averaged {
        region.uncertainty_pj += averaging_error_pj(energy_pj, duration_ns, max_power_mw);
    }
    Some(region)
}

/// What a power that is averaged hides: it may have been drawn before the region, or be reported after it.
#[must_use]
pub fn averaging_error_pj(energy_pj: u128, duration_ns: u64, max_power_mw: u64) -> u128 {
    let most_pj = power_pj(max_power_mw, duration_ns);
    let unseen_pj = energy_pj.max(most_pj.saturating_sub(energy_pj));
    unseen_pj * u128::from(duration_ns.min(AVERAGE_SETTLE_NS)) / u128::from(duration_ns.max(1))
}

fn by_estimate(begin: &TrackerSnapshot, end: &TrackerSnapshot, max_power_mw: u64) -> Option<EnergyInterval> {
    let last = end.powered?;
    let power = last.power_mw?;
    let before = begin.powered.and_then(|p| p.power_mw).unwrap_or(power);
    let duration_ns = end.boundary_ns.saturating_sub(begin.boundary_ns);
    let energy_pj = power_pj(before + power, duration_ns) / 2;
    let most_pj = power_pj(max_power_mw, duration_ns);
    Some(EnergyInterval {
        method: Method::Estimated,
        energy_pj,
        uncertainty_pj: energy_pj.max(most_pj.saturating_sub(energy_pj)) + power_pj(WATT_MW, duration_ns),
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

/// The edges of the region are not those of the readings, and these may be older than their times say: so much may have
/// been drawn in between.
fn edge_error_pj(
    (begin, end): (&TrackerSnapshot, &TrackerSnapshot),
    (first, last): (&RawSample, &RawSample),
    ages_ns: (u64, u64),
    max_power_mw: u64,
) -> u128 {
    let (from, to) = (first.at_ns(end.driver_offset_ns), last.at_ns(end.driver_offset_ns));
    // Without a time of its own a reading may be one of a cache of libamd_smi (100 ms).
    // So may one by a clock whose zero is only known from when its readings were seen.
    let own = |sample: &RawSample| sample.driver_ns.is_some_and(|d| d <= sample.seen_ns) && end.driver_offset_ns == 0;
    let age = |sample: &RawSample, ns: u64| FIRMWARE_REFRESH_NS.max(ns) + if own(sample) { 0 } else { 100_000_000 };
    let too_much = begin.boundary_ns.saturating_sub(from) + age(first, ages_ns.0) + to.saturating_sub(end.boundary_ns);
    let missing = from.saturating_sub(begin.boundary_ns) + end.boundary_ns.saturating_sub(to) + age(last, ages_ns.1);
    power_pj(max_power_mw, too_much.max(missing))
}

/// The same for edges that lie between samples: the firmware's own delay at both.
#[must_use]
pub fn inner_edge_error_pj(max_power_mw: u64, count_age_ns: u64) -> u128 {
    power_pj(max_power_mw, 2 * FIRMWARE_REFRESH_NS.max(count_age_ns))
}
