//! The samples of a sampler, in a ring buffer of fixed capacity.

use crate::device::{Device, PollResult};
use crate::energy::{
    averaging_error_pj, counts_pj, inner_edge_error_pj, power_pj, EnergyInterval, EnergyResolution, Method, RawSample,
    RunningTotals, TrackerSnapshot, STALL_NS,
};
use crate::error::{Error, Result};
use crate::platform::sync::Mutex;
use std::time::Duration;

/// Which values a sample has, as bits of the interface.
pub mod valid {
    pub const ENERGY: u16 = 1;
    pub const POWER: u16 = 128;
    pub const COUNTER_POWER: u16 = 256;
}

/// What is true of a sample, as bits of the interface.
pub mod flag {
    pub const RESET: u16 = 2;
    pub const SAMPLING_GAP: u16 = 32;
    pub const AVERAGED_POWER: u16 = 64;
    pub const FIRMWARE_RESOLUTION: u16 = 128;
    pub const INTEGRATED: u16 = 1024;
}

/// A sample of one GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    pub gpu: u32,
    pub valid: u16,
    pub flags: u16,
    /// `CLOCK_BOOTTIME` of the reading: the driver's time, or without one the receipt time.
    pub time_ns: u64,
    /// Energy since the sampler's first sample of the GPU.
    pub energy_uj: u64,
    /// Error of the energy, without that of the resolution.
    pub error_uj: u64,
    pub power_mw: u64,
    /// Mean power by the counter since the previous sample that has one.
    pub counter_power_mw: u64,
}

/// The result of a drain.
#[derive(Debug, Clone, Copy)]
pub struct DrainResult {
    pub samples: usize,
    /// Samples that were overwritten undrained since the last drain.
    pub lost: u64,
}

pub struct SampleRing {
    unit: EnergyResolution,
    period: Option<Duration>,
    ring: Mutex<RingBuffer>,
}

struct RingBuffer {
    capacity: usize,
    /// Grows to the capacity; then the oldest sample is overwritten.
    samples: Vec<Sample>,
    /// Number of samples recorded so far, and number of those drained or lost.
    taken: u64,
    drained: u64,
    lost: u64,
    last: Vec<Option<LastRecorded>>,
    /// For each GPU with a stuck counter: the time of its last advance, and the time when it was detected.
    stopped: Vec<Option<(u64, u64)>>,
}

/// The last recorded sample of a GPU, from which the next one continues.
#[derive(Clone, Copy)]
struct LastRecorded {
    snapshot: TrackerSnapshot,
    /// The reading that was recorded.
    own: RawSample,
    energy_pj: u128,
    error_pj: u128,
    max_power_mw: u64,
    usable: bool,
    /// Time of the counter's last advance, and the totals at that time.
    moved_ns: u64,
    moved: RunningTotals,
    /// Where the last counter power ended: its snapshot and energy.
    slope: (TrackerSnapshot, u128),
}

/// The mean power by the counter between two snapshots; `None` while their distance is less than ten times the error of it.
fn counter_power_mw(
    (begin, begin_pj): &(TrackerSnapshot, u128),
    (end, end_pj): (&TrackerSnapshot, u128),
) -> Option<u64> {
    // Without the driver's time the call's own duration is in the interval.
    let at_ns = |snapshot: &TrackerSnapshot| {
        snapshot.counted.filter(|c| c.driver_ns.is_some()).map(|c| c.at_ns(end.driver_offset_ns))
    };
    let by_driver_ns = at_ns(end)?.saturating_sub(at_ns(begin)?);
    // The firmware's time belongs to the count.
    let by_firmware_ns = end.firmware_since(begin, by_driver_ns).filter(|ns| *ns > 0);
    let error_ns = begin.max_age_ns().max(end.age_uncertainty_ns) + end.max_age_ns();
    let ns = by_firmware_ns.or((by_driver_ns > 10 * error_ns).then_some(by_driver_ns))?;
    u64::try_from((end_pj - begin_pj) / u128::from(ns)).ok()
}

/// Largest capacity of a ring.
const MAX_SAMPLES: usize = 1 << 26;

impl SampleRing {
    pub fn new(
        devices: usize,
        unit: EnergyResolution,
        period: Option<Duration>,
        capacity: usize,
    ) -> Result<SampleRing> {
        let mut samples = Vec::new();
        if capacity == 0 || capacity > MAX_SAMPLES {
            return Err(Error::InvalidArgument(format!(
                "capacity is {capacity} samples; it must be 1 to {MAX_SAMPLES}"
            )));
        }
        // Reserved now, so that sampling does not allocate. Pages are touched as the ring fills.
        samples.try_reserve_exact(capacity).map_err(|_| Error::exhausted(format!("memory for {capacity} samples")))?;
        let ring = RingBuffer {
            capacity,
            samples,
            taken: 0,
            drained: 0,
            lost: 0,
            last: vec![None; devices],
            stopped: vec![None; devices],
        };
        Ok(SampleRing { unit, period, ring: Mutex::new(ring) })
    }

    /// `None`: the refresh periods of the GPUs.
    pub fn period(&self) -> Option<Duration> {
        self.period
    }

    /// Records a poll, if it is a new reading and this sampler's period has passed.
    pub fn record(&self, device: &Device, polled: &PollResult) {
        let mut ring = self.ring.lock();
        let Some(last) = ring.last.get(device.identity.index).copied() else { return };
        let usable = device.counter_state().is_usable() && polled.snapshot.counted.is_some();
        let snapshot = &polled.snapshot;
        let resolution = device.identity.resolution(self.unit);
        let own = if usable { snapshot.counted } else { snapshot.powered };
        let Some(own) = own.or(snapshot.counted).or(snapshot.powered) else { return };
        let at_ns = own.at_ns(snapshot.driver_offset_ns);
        let mut sample = Sample { gpu: device.identity.index as u32, time_ns: at_ns, ..Sample::default() };
        let (mut energy_pj, mut error_pj) = (0, 0);
        let (mut moved_ns, mut moved) = (at_ns, snapshot.totals);
        let mut slope = None;
        let mut unconfirmed_pj = 0;
        if let Some(last) = last {
            let since_ns = at_ns.saturating_sub(last.own.at_ns(snapshot.driver_offset_ns));
            // Other samplers and windows may need more frequent polls.
            let early = self.period.is_some_and(|p| u128::from(since_ns) < p.as_nanos() * 4 / 5);
            if since_ns == 0 || early {
                return;
            }
            let (a, b) = (&last.snapshot.totals, &snapshot.totals);
            if usable {
                let counts = b.counts.wrapping_sub(a.counts);
                energy_pj = counts_pj(counts, resolution.uj(own.resolution_uj)) + (b.bridged_pj - a.bridged_pj);
                error_pj = b.error_since(a);
                unconfirmed_pj = b.unconfirmed_pj;
                let now = (snapshot, last.energy_pj + energy_pj);
                let by_counter = if b.resets == a.resets { counter_power_mw(&last.slope, now) } else { None };
                if let Some(mw) = by_counter {
                    (sample.counter_power_mw, sample.valid) = (mw, sample.valid | valid::COUNTER_POWER);
                } else if b.resets == a.resets {
                    slope = Some(last.slope);
                } else {
                    sample.flags |= flag::RESET;
                }
                if b.counts == a.counts && b.resets == a.resets {
                    (moved_ns, moved) = (last.moved_ns, last.moved);
                }
            } else {
                // A stuck counter is detected late: from its last advance on the energy is that of the power.
                let a = if last.usable { &last.moved } else { a };
                if last.usable {
                    if let Some(place) = ring.stopped.get_mut(device.identity.index) {
                        *place = Some((last.moved_ns, at_ns));
                    }
                }
                energy_pj = b.integral_pj - a.integral_pj;
                error_pj = b.integral_error_pj - a.integral_error_pj;
            }
            // A counter misses nothing between samples as far apart as they were asked for.
            let asked_ns = self.period.filter(|_| usable).map_or(0, |p| 2 * p.as_nanos());
            sample.flags |= if u128::from(since_ns) > asked_ns.max(STALL_NS.into()) { flag::SAMPLING_GAP } else { 0 };
            energy_pj += last.energy_pj;
            error_pj += last.error_pj;
        }
        if usable || snapshot.powered.is_some() {
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
        sample.energy_uj = u64::try_from(energy_pj / 1_000_000).unwrap_or(u64::MAX);
        sample.error_uj = u64::try_from((error_pj + unconfirmed_pj) / 1_000_000 + 1).unwrap_or(u64::MAX);
        if let Some(place) = ring.last.get_mut(device.identity.index) {
            *place = Some(LastRecorded {
                snapshot: *snapshot,
                own,
                energy_pj,
                error_pj,
                max_power_mw: polled.max_power_mw,
                usable,
                moved_ns,
                moved,
                slope: slope.unwrap_or((*snapshot, energy_pj)),
            });
        }
        ring.push(sample);
    }

    /// Number of samples that are not drained yet.
    pub fn pending(&self) -> u64 {
        let ring = self.ring.lock();
        ring.taken - ring.drained.max(ring.oldest())
    }

    /// Passes up to `room` of the oldest undrained samples to `put`. With `keep_lost` the next drain reports the lost
    /// samples again.
    pub fn drain(&self, room: usize, keep_lost: bool, mut put: impl FnMut(usize, &Sample)) -> DrainResult {
        let mut ring = self.ring.lock();
        let oldest = ring.oldest();
        if ring.drained < oldest {
            ring.lost += oldest - ring.drained;
            ring.drained = oldest;
        }
        let mut n = 0;
        while n < room && ring.drained < ring.taken {
            let at = (ring.drained % ring.capacity as u64) as usize;
            let Some(sample) = ring.samples.get(at) else { break };
            put(n, sample);
            n += 1;
            ring.drained += 1;
        }
        let lost = ring.lost;
        if !keep_lost {
            ring.lost = 0;
        }
        DrainResult { samples: n, lost }
    }

    /// The energy of a GPU between two times, from the samples in the ring.
    pub fn energy_between(&self, device: &Device, from_ns: u64, to_ns: u64) -> Result<EnergyInterval> {
        let ring = self.ring.lock();
        let resolution = device.identity.resolution(self.unit);
        let last = ring.last.get(device.identity.index).copied().flatten();
        let (max_power_mw, count_age_ns) = last.map_or((0, 0), |l| (l.max_power_mw, l.snapshot.max_age_ns()));
        let counted = last.and_then(|l| l.snapshot.counted);
        let resolution_uj = counted.map_or(0.0, |c| resolution.uj(c.resolution_uj));
        let gpu = device.identity.index as u32;
        let kept = |label: String, range: Option<(u64, u64)>| {
            let have = match range {
                Some((first, last)) => format!("the ring has {first} to {last}"),
                None => "the ring has none".to_owned(),
            };
            Error::NotFound(format!("{label}: no samples for all of {from_ns} to {to_ns} ns (CLOCK_BOOTTIME): {have}"))
        };
        let own = || ring.in_order().filter(|s| s.gpu == gpu && s.valid & valid::ENERGY != 0);
        let range = own().next().zip(own().last()).map(|(a, b)| (a.time_ns, b.time_ns));
        let (Some(begin), Some(end)) = (Interpolated::at(own(), from_ns), Interpolated::at(own(), to_ns)) else {
            return Err(kept(device.label(), range));
        };
        let inside = || own().filter(|s| s.time_ns > from_ns && s.time_ns <= end.until_ns);
        let energy_pj = end.energy_pj.saturating_sub(begin.energy_pj);
        let integrated = inside().any(|s| s.flags & flag::INTEGRATED != 0);
        let counted = inside().any(|s| s.flags & flag::INTEGRATED == 0);
        let reported = match (resolution, counted) {
            (EnergyResolution::Reported, true) => energy_pj * 3 / 1000,
            _ => 0,
        };
        let averaged = integrated && inside().any(|s| s.flags & flag::AVERAGED_POWER != 0);
        let unseen = if averaged {
            // What the average has not shown at a time grows from the sample before by no more than the maximum power.
            averaging_error_pj(energy_pj, to_ns - from_ns, [begin.power_mw, end.power_mw], max_power_mw)
                + power_pj(max_power_mw, begin.part_ns.max(end.part_ns))
        } else {
            0
        };
        // While a stuck counter was not yet detected, the distribution of the energy over time is unknown.
        let stopped = ring.stopped.get(device.identity.index).copied().flatten();
        let stopped = stopped.filter(|(moved, found)| from_ns < *found && *moved < to_ns);
        let unknown = stopped.map_or(0, |(moved, found)| power_pj(max_power_mw, found - moved));
        // The errors of the samples that enclose both boundaries.
        let samples_pj = end.errors_pj.1.saturating_sub(begin.errors_pj.0);
        Ok(EnergyInterval {
            method: if integrated { Method::Integrated } else { Method::Counter },
            resolution_uj: if integrated { 0.0 } else { resolution_uj },
            energy_pj,
            uncertainty_pj: samples_pj
                + reported
                + unseen
                + unknown
                + begin.interpolation_error_pj(max_power_mw)
                + end.interpolation_error_pj(max_power_mw)
                + inner_edge_error_pj(max_power_mw, if integrated { 0 } else { count_age_ns }),
            duration_ns: to_ns - from_ns,
            begin_ns: from_ns,
            end_ns: to_ns,
            firmware_time: false,
            averaged,
            resets: inside().filter(|s| s.flags & flag::RESET != 0).count() as u32,
            gaps: inside().filter(|s| s.flags & flag::SAMPLING_GAP != 0).count() as u32,
        })
    }
}

/// The energy at a time between two samples.
struct Interpolated {
    energy_pj: u128,
    /// Errors of the samples before and after the time.
    errors_pj: (u128, u128),
    /// Time and energy from the sample before to the time (`part`), and to the sample after (`whole`).
    part_ns: u64,
    whole_ns: u64,
    part_pj: u128,
    whole_pj: u128,
    until_ns: u64,
    /// Power of the sample before.
    power_mw: u64,
}

impl Interpolated {
    fn at<'a>(samples: impl Iterator<Item = &'a Sample>, ns: u64) -> Option<Interpolated> {
        let mut before: Option<&Sample> = None;
        for after in samples {
            if after.time_ns < ns {
                before = Some(after);
                continue;
            }
            let before = if after.time_ns == ns { after } else { before? };
            let pj = |uj: u64| u128::from(uj) * 1_000_000;
            let (part_ns, whole_ns) = (ns - before.time_ns, after.time_ns - before.time_ns);
            let whole_pj = pj(after.energy_uj.saturating_sub(before.energy_uj));
            let part_pj = whole_pj * u128::from(part_ns) / u128::from(whole_ns.max(1));
            return Some(Interpolated {
                energy_pj: pj(before.energy_uj) + part_pj,
                errors_pj: (pj(before.error_uj), pj(after.error_uj)),
                part_ns,
                whole_ns,
                part_pj,
                whole_pj,
                until_ns: after.time_ns,
                power_mw: before.power_mw,
            });
        }
        None
    }

    /// The error of linear interpolation: the power may have been anything from 0 to the maximum before and after the time.
    fn interpolation_error_pj(&self, max_power_mw: u64) -> u128 {
        let high = self.whole_pj.min(power_pj(max_power_mw, self.part_ns));
        let low = self.whole_pj.saturating_sub(power_pj(max_power_mw, self.whole_ns - self.part_ns));
        high.saturating_sub(self.part_pj).max(self.part_pj.saturating_sub(low))
    }
}

impl RingBuffer {
    fn push(&mut self, sample: Sample) {
        if self.samples.len() < self.capacity {
            self.samples.push(sample);
        } else {
            let at = (self.taken % self.capacity as u64) as usize;
            if let Some(place) = self.samples.get_mut(at) {
                *place = sample;
            }
        }
        self.taken += 1;
    }

    /// The number of the oldest sample in the ring.
    fn oldest(&self) -> u64 {
        self.taken.saturating_sub(self.capacity as u64)
    }

    fn in_order(&self) -> impl Iterator<Item = &Sample> {
        let start = (self.oldest() % self.capacity as u64) as usize;
        let (newer, older) = self.samples.split_at(start.min(self.samples.len()));
        older.iter().chain(newer)
    }
}

#[cfg(test)]
mod tests;
