//! Makes samples of the polls of one GPU.

use super::sample::{flag, valid, Sample};
use crate::device::{Device, PollResult};
use crate::energy::{
    counts_pj, power_pj, EnergyResolution, RawSample, RunningTotals, TrackerSnapshot, FIRMWARE_REFRESH_NS, STALL_NS,
};
use std::time::Duration;

/// What all samples of a ring have in common.
#[derive(Clone, Copy)]
pub(super) struct SamplingMode {
    pub unit: EnergyResolution,
    /// `None`: the refresh periods of the GPUs.
    pub period: Option<Duration>,
}

#[derive(Default)]
pub(super) struct Recorder {
    last: Option<LastRecorded>,
    /// If the counter is stuck: the time of its last advance, and the time when that was detected.
    pub stopped: Option<(u64, u64)>,
}

/// The last recorded sample, from which the next one continues.
pub(super) struct LastRecorded {
    /// The reading that was recorded.
    own: RawSample,
    totals: RunningTotals,
    max_age_ns: u64,
    /// Microjoules per count as reported.
    pub resolution_uj: Option<f64>,
    energy_pj: u128,
    error_pj: u128,
    pub max_power_mw: u64,
    usable: bool,
    /// Time of the counter's last advance, and the totals at that time.
    moved_ns: u64,
    moved: RunningTotals,
    /// Where the last counter power ended: its snapshot and energy.
    slope: (TrackerSnapshot, u128),
}

/// A mean power by the counter, and the most that it is off.
struct CounterPower {
    mw: u64,
    uncertainty_mw: u64,
}

/// What is added to the last recorded sample.
#[derive(Default)]
struct Increment {
    energy_pj: u128,
    error_pj: u128,
    counter_power: Option<CounterPower>,
    was_reset: bool,
    /// It is of the power.
    integrated: bool,
    /// The counter has not advanced.
    stands: bool,
    is_gap: bool,
}

impl Recorder {
    pub fn last(&self) -> Option<&LastRecorded> {
        self.last.as_ref()
    }

    /// A sample, if the poll is a new reading and this sampler's period has passed.
    #[inline]
    pub fn sample(&mut self, mode: SamplingMode, device: &Device, polled: &PollResult) -> Option<Sample> {
        let of = (device.identity.resolution(mode.unit), device.counter_state().is_usable());
        let sample = self.sample_of(mode.period, of, polled)?;
        Some(Sample { gpu: device.identity.index as u32, ..sample })
    }

    pub(super) fn sample_of(
        &mut self,
        period: Option<Duration>,
        (resolution, usable): (EnergyResolution, bool),
        polled: &PollResult,
    ) -> Option<Sample> {
        let snapshot = &polled.snapshot;
        let usable = usable && snapshot.counted.is_some() && self.may_count(snapshot);
        let own = if usable { &snapshot.counted } else { &snapshot.powered };
        let own = own.as_ref().or(snapshot.counted.as_ref()).or(snapshot.powered.as_ref())?;
        let at_ns = own.at_ns(snapshot.driver_offset_ns);
        let added = match &self.last {
            None => Increment::default(),
            Some(last) => {
                let since_ns = at_ns.saturating_sub(last.own.at_ns(snapshot.driver_offset_ns));
                // Other samplers and windows may need more frequent polls.
                let early = period.is_some_and(|p| u128::from(since_ns) < p.as_nanos() * 4 / 5);
                if since_ns == 0 || early {
                    return None;
                }
                if !usable && last.usable {
                    self.stopped = Some((last.moved_ns, at_ns));
                }
                // A counter misses nothing between samples as far apart as they were asked for.
                let asked_ns = period.filter(|_| usable).map_or(0, |p| 2 * p.as_nanos());
                let is_gap = u128::from(since_ns) > asked_ns.max(STALL_NS.into());
                let added = match (usable, last.usable) {
                    (true, true) => last.counted(snapshot, resolution),
                    // From this sample on counts follow; the time up to it has been integrated.
                    (true, false) => last.integrated(snapshot).before_counts(snapshot, last.max_power_mw),
                    (false, _) => last.integrated(snapshot),
                };
                Increment { is_gap, ..added }
            }
        };
        let (energy_pj, error_pj) = self.keep(&added, own, polled, usable, at_ns);
        // Counts follow the first sample, too.
        let unconfirmed_pj = if usable { snapshot.totals.unconfirmed_pj } else { 0 };
        let mut sample = Sample {
            time_ns: at_ns,
            energy_uj: u64::try_from(energy_pj / 1_000_000).unwrap_or(u64::MAX),
            error_uj: u64::try_from(error_pj / 1_000_000).unwrap_or(u64::MAX),
            unconfirmed_uj: u64::try_from(unconfirmed_pj / 1_000_000 + 1).unwrap_or(u64::MAX),
            ..Sample::default()
        };
        if own.power_mw.is_some() {
            (sample.power_begin_ns, sample.power_end_ns) = own.power_ns(snapshot.driver_offset_ns);
        }
        let counted = usable && !added.integrated;
        if counted {
            sample.max_age_ns = u32::try_from(snapshot.max_age_ns()).unwrap_or(u32::MAX);
        }
        describe(&mut sample, &added, own, (counted, usable || snapshot.powered.is_some()), resolution);
        Some(sample)
    }

    /// Energies go on by counts where the last one did, or where power and count are of one time: what was integrated is not
    /// counted once more.
    fn may_count(&self, snapshot: &TrackerSnapshot) -> bool {
        let at_ns = |sample: RawSample| sample.at_ns(snapshot.driver_offset_ns);
        let is_one_time = || snapshot.counted.map(at_ns) == snapshot.powered.map(at_ns);
        self.last.as_ref().map_or(true, |last| last.usable || is_one_time())
    }

    /// Goes on from this poll. Returns energy and error so far.
    fn keep(
        &mut self,
        added: &Increment,
        own: &RawSample,
        polled: &PollResult,
        usable: bool,
        at_ns: u64,
    ) -> (u128, u128) {
        let PollResult { snapshot, max_power_mw, .. } = polled;
        #[allow(clippy::unnecessary_lazy_evaluations)] // large, and needed once
        let last = self.last.get_or_insert_with(|| LastRecorded {
            own: *own,
            totals: snapshot.totals,
            max_age_ns: 0,
            resolution_uj: None,
            energy_pj: 0,
            error_pj: 0,
            max_power_mw: *max_power_mw,
            usable,
            moved_ns: at_ns,
            moved: snapshot.totals,
            slope: (*snapshot, 0),
        });
        last.energy_pj += added.energy_pj;
        last.error_pj += added.error_pj;
        if !added.stands {
            (last.moved_ns, last.moved) = (at_ns, snapshot.totals);
        }
        // While no counter power is known yet, its interval grows.
        if added.integrated || added.was_reset || added.counter_power.is_some() {
            last.slope = (*snapshot, last.energy_pj);
        }
        (last.own, last.totals, last.usable) = (*own, snapshot.totals, usable);
        last.max_age_ns = snapshot.max_age_ns();
        last.resolution_uj = snapshot.counted.map(|counted| counted.resolution_uj);
        last.max_power_mw = *max_power_mw;
        (last.energy_pj, last.error_pj)
    }
}

impl LastRecorded {
    /// What has been counted since.
    #[inline]
    fn counted(&self, snapshot: &TrackerSnapshot, resolution: EnergyResolution) -> Increment {
        let (a, b) = (&self.totals, &snapshot.totals);
        let was_reset = b.resets != a.resets;
        let counts = b.counts.wrapping_sub(a.counts);
        let reported_uj = snapshot.counted.map_or(0.0, |counted| counted.resolution_uj);
        let energy_pj = counts_pj(counts, resolution.uj(reported_uj)) + (b.bridged_pj - a.bridged_pj);
        let now = (snapshot, self.energy_pj + energy_pj);
        let counter_power = if was_reset { None } else { counter_power(&self.slope, now, resolution) };
        Increment {
            energy_pj,
            error_pj: b.error_since(a),
            counter_power,
            was_reset,
            integrated: false,
            stands: counts == 0 && !was_reset,
            is_gap: false,
        }
    }

    /// The power since. A stuck counter is detected late: from its last advance on the energy is that of the power.
    fn integrated(&self, snapshot: &TrackerSnapshot) -> Increment {
        let (a, b) = (if self.usable { &self.moved } else { &self.totals }, &snapshot.totals);
        // The count that was the last may have been older than its time, and have stood for a part of its step.
        let not_counted_pj = if self.usable {
            power_pj(self.max_power_mw, self.max_age_ns.max(FIRMWARE_REFRESH_NS)) + a.unconfirmed_pj
        } else {
            0
        };
        Increment {
            energy_pj: b.integral_pj - a.integral_pj,
            error_pj: b.integral_error_since(a, self.max_power_mw) + not_counted_pj,
            integrated: true,
            ..Increment::default()
        }
    }
}

impl Increment {
    /// The first count may be older than its time: what was drawn since is counted, too.
    fn before_counts(self, snapshot: &TrackerSnapshot, max_power_mw: u64) -> Increment {
        let twice_pj = power_pj(max_power_mw, snapshot.max_age_ns().max(FIRMWARE_REFRESH_NS));
        Increment { error_pj: self.error_pj + twice_pj, ..self }
    }
}

/// The bits of a sample, and its powers.
#[inline]
fn describe(
    sample: &mut Sample,
    added: &Increment,
    own: &RawSample,
    (usable, has_energy): (bool, bool),
    resolution: EnergyResolution,
) {
    if let Some(CounterPower { mw, uncertainty_mw }) = added.counter_power {
        (sample.counter_power_mw, sample.valid) = (mw, valid::COUNTER_POWER);
        sample.counter_power_uncertainty_mw = uncertainty_mw;
    }
    sample.flags = if added.was_reset { flag::RESET } else { 0 } | if added.is_gap { flag::SAMPLING_GAP } else { 0 };
    if has_energy {
        sample.valid |= valid::ENERGY;
        sample.flags |= match resolution {
            _ if !usable => flag::INTEGRATED,
            EnergyResolution::Firmware => flag::FIRMWARE_RESOLUTION,
            EnergyResolution::Reported => 0,
        };
    }
    // The power of the reading whose time this is: a later one may have had a power only.
    if let Some(mw) = own.power_mw {
        sample.power_mw = mw;
        sample.valid |= valid::POWER;
        sample.flags |= if own.averaged { flag::AVERAGED_POWER } else { 0 };
    }
}

/// The mean power by the counter between two counts; `None` while their distance is less than ten times the error of it.
#[inline]
fn counter_power(
    (begin, begin_pj): &(TrackerSnapshot, u128),
    (end, end_pj): (&TrackerSnapshot, u128),
    resolution: EnergyResolution,
) -> Option<CounterPower> {
    // Without the driver's time the call's own duration is in the interval.
    let at_ns = |snapshot: &TrackerSnapshot| {
        snapshot.counted.filter(|c| c.driver_ns.is_some()).map(|c| c.at_ns(end.driver_offset_ns))
    };
    let by_driver_ns = at_ns(end)?.saturating_sub(at_ns(begin)?);
    let ages_ns = begin.max_age_ns().max(end.age_uncertainty_ns) + end.max_age_ns();
    // The firmware's time belongs to the count; what the driver's differs by is its lag, or one of them is wrong.
    let (ns, error_ns) = match end.firmware_since(begin, by_driver_ns) {
        Some(ns) => (ns, ns.abs_diff(by_driver_ns).saturating_sub(ages_ns + FIRMWARE_REFRESH_NS)),
        None => Some((by_driver_ns, ages_ns)).filter(|_| by_driver_ns > 10 * ages_ns)?,
    };
    let shortest_ns = ns.checked_sub(error_ns).filter(|ns| *ns > 0)?;
    let energy_pj = end_pj - begin_pj;
    let reported_pj = if resolution == EnergyResolution::Reported { energy_pj * 3 / 1000 } else { 0 };
    let counts_pj = counts_pj(2, end.counted?.resolution_uj);
    let (a, b) = (&begin.totals, &end.totals);
    let error_pj = b.error_since(a) + a.unconfirmed_pj + b.unconfirmed_pj + reported_pj + counts_pj;
    // Energy over a time that is off by so much.
    let by_time_pj = energy_pj * u128::from(error_ns) / u128::from(shortest_ns);
    Some(CounterPower {
        mw: u64::try_from(energy_pj / u128::from(ns)).ok()?,
        uncertainty_mw: u64::try_from((error_pj + by_time_pj) / u128::from(ns) + 1).ok()?,
    })
}

#[cfg(test)]
mod tests;
