//! The samples of a sampler, in a ring buffer of fixed capacity.

use super::recorder::{Recorder, SamplingMode};
use super::sample::{flag, valid, Sample};
use crate::device::{Device, PollResult};
use crate::energy::{averaging_error_pj, inner_edge_error_pj, power_pj, EnergyInterval, EnergyResolution, Method};
use crate::error::{Error, Result};
use crate::platform::broken::Broken;
use crate::platform::sync::Mutex;
use std::time::Duration;

/// The result of a drain.
#[derive(Debug, Clone, Copy)]
pub struct DrainResult {
    pub samples: usize,
    /// Samples that were overwritten undrained since the last drain.
    pub lost: u64,
}

pub struct SampleRing {
    mode: SamplingMode,
    ring: Mutex<RingBuffer>,
    /// By a panic while its samples were used.
    broken: Broken,
}

struct RingBuffer {
    capacity: usize,
    /// Grows to the capacity; then the oldest sample is overwritten.
    samples: Vec<Sample>,
    /// Number of samples recorded so far, and number of those drained or lost.
    taken: u64,
    drained: u64,
    lost: u64,
    gpus: Vec<Recorder>,
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
            gpus: (0..devices).map(|_| Recorder::default()).collect(),
        };
        Ok(SampleRing { mode: SamplingMode { unit, period }, ring: Mutex::new(ring), broken: Broken::default() })
    }

    /// `None`: the refresh periods of the GPUs.
    pub fn period(&self) -> Option<Duration> {
        self.mode.period
    }

    /// Fails after a panic while this sampler's samples were used.
    pub fn check_intact(&self) -> Result<()> {
        if self.broken.is_set() {
            return Err(Error::Internal("an earlier call failed inside with this sampler; start another".into()));
        }
        Ok(())
    }

    fn with<T>(&self, body: impl FnOnce(&mut RingBuffer) -> T) -> Result<T> {
        self.check_intact()?;
        Ok(self.broken.mark(|| body(&mut self.ring.lock())))
    }

    /// Records polls that are new readings, where this sampler's period has passed. A panic ends here: the thread serves
    /// other samplers and windows too.
    pub fn record<'a>(&self, polls: impl IntoIterator<Item = (&'a Device, &'a PollResult)>) {
        let record = |ring: &mut RingBuffer| {
            for (device, polled) in polls {
                let recorder = ring.gpus.get_mut(device.identity.index);
                if let Some(sample) = recorder.and_then(|r| r.sample(self.mode, device, polled)) {
                    ring.push(sample);
                }
            }
        };
        let _ = self.broken.contain(|| self.with(record));
    }

    /// Number of samples that are not drained yet.
    pub fn pending(&self) -> Result<u64> {
        self.with(|ring| ring.taken - ring.drained.max(ring.oldest()))
    }

    /// Passes up to `room` of the oldest undrained samples to `put`. With `keep_lost` the next drain reports the lost
    /// samples again.
    pub fn drain(&self, room: usize, keep_lost: bool, put: impl FnMut(usize, &Sample)) -> Result<DrainResult> {
        self.with(|ring| ring.drain(room, keep_lost, put))
    }

    /// The energy of a GPU between two times, from the samples in the ring.
    pub fn energy_between(&self, device: &Device, from_ns: u64, to_ns: u64) -> Result<EnergyInterval> {
        self.with(|ring| ring.energy(device, self.mode.unit, (from_ns, to_ns)))?
    }
}

/// The energy at a time between two samples.
struct Interpolated {
    energy_pj: u128,
    /// Errors of the samples before and after the time.
    errors_pj: (u128, u128),
    /// What the counter may lack at either of them, and may catch up with.
    unconfirmed_pj: u128,
    /// Time and energy from the sample before to the time (`part`), and to the sample after (`whole`).
    part_ns: u64,
    whole_ns: u64,
    part_pj: u128,
    whole_pj: u128,
    until_ns: u64,
    /// The counts may be so much older than their times.
    max_age_ns: u64,
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
                unconfirmed_pj: pj(before.unconfirmed_uj.max(after.unconfirmed_uj)),
                part_ns,
                whole_ns,
                part_pj,
                whole_pj,
                until_ns: after.time_ns,
                max_age_ns: before.max_age_ns.max(after.max_age_ns).into(),
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

/// The error of the energy between two times by the samples that enclose both. What is unconfirmed is too little at the end, or
/// too much where the counter has caught up since the begin: never both.
fn samples_error_pj(begin: &Interpolated, end: &Interpolated) -> u128 {
    let energy_pj = end.energy_pj.saturating_sub(begin.energy_pj);
    let unconfirmed_pj = end.unconfirmed_pj.max(begin.unconfirmed_pj.min(energy_pj));
    end.errors_pj.1.saturating_sub(begin.errors_pj.0) + unconfirmed_pj
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

    fn drain(&mut self, room: usize, keep_lost: bool, mut put: impl FnMut(usize, &Sample)) -> DrainResult {
        let oldest = self.oldest();
        if self.drained < oldest {
            self.lost += oldest - self.drained;
            self.drained = oldest;
        }
        let mut n = 0;
        while n < room && self.drained < self.taken {
            let at = (self.drained % self.capacity as u64) as usize;
            let Some(sample) = self.samples.get(at) else { break };
            put(n, sample);
            n += 1;
            self.drained += 1;
        }
        let lost = self.lost;
        if !keep_lost {
            self.lost = 0;
        }
        DrainResult { samples: n, lost }
    }

    fn energy(&self, device: &Device, unit: EnergyResolution, (from_ns, to_ns): (u64, u64)) -> Result<EnergyInterval> {
        let resolution = device.identity.resolution(unit);
        let recorder = self.gpus.get(device.identity.index);
        let last = recorder.and_then(Recorder::last);
        let max_power_mw = last.map_or(0, |l| l.max_power_mw);
        let resolution_uj = last.and_then(|l| l.resolution_uj).map_or(0.0, |uj| resolution.uj(uj));
        let gpu = device.identity.index as u32;
        let kept = |label: String, range: Option<(u64, u64)>| {
            let have = match range {
                Some((first, last)) => format!("the ring has {first} to {last}"),
                None => "the ring has none".to_owned(),
            };
            Error::NotFound(format!("{label}: no samples for all of {from_ns} to {to_ns} ns (CLOCK_BOOTTIME): {have}"))
        };
        let own = || self.in_order().filter(|s| s.gpu == gpu && s.valid & valid::ENERGY != 0);
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
        let stopped = recorder.and_then(|r| r.stopped).filter(|(moved, found)| from_ns < *found && *moved < to_ns);
        let unknown = stopped.map_or(0, |(moved, found)| power_pj(max_power_mw, found - moved));
        Ok(EnergyInterval {
            method: if integrated { Method::Integrated } else { Method::Counter },
            resolution_uj: if integrated { 0.0 } else { resolution_uj },
            energy_pj,
            uncertainty_pj: samples_error_pj(&begin, &end)
                + reported
                + unseen
                + unknown
                + begin.interpolation_error_pj(max_power_mw)
                + end.interpolation_error_pj(max_power_mw)
                + inner_edge_error_pj(max_power_mw, [begin.max_age_ns, end.max_age_ns]),
            duration_ns: to_ns - from_ns,
            begin_ns: from_ns,
            end_ns: to_ns,
            firmware_time: false,
            averaged,
            resets: inside().filter(|s| s.flags & flag::RESET != 0).count() as u32,
            gaps: inside().filter(|s| s.flags & flag::SAMPLING_GAP != 0).count() as u32,
        })
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
