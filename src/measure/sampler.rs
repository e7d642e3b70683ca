//! The background thread that looks at GPUs: for samplers that were asked for, and for windows on GPUs whose counter does
//! not do alone. One for a session, and only while somebody needs it.

use super::sample_ring::SampleRing;
use super::sampling_rate::PollScheduler;
use crate::device::Device;
use crate::energy::{EnergyInterval, EnergyResolution};
use crate::error::{Error, Result};
use crate::platform::fork;
use crate::platform::sync::Mutex;
use crate::platform::worker::{StopSignal, Worker};
use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Sampler {
    devices: Arc<[Device]>,
    jobs: Mutex<SamplerState>,
}

#[derive(Default)]
struct SamplerState {
    worker: Option<Worker>,
    /// The session is over: nothing starts any more.
    over: bool,
    taps: Vec<Arc<SampleRing>>,
    /// For each device, how many windows need it.
    watched: Vec<u32>,
    /// What the thread reads. Made anew at every change, so that it copies one pointer a round.
    plan: Arc<PollPlan>,
}

#[derive(Default)]
struct PollPlan {
    taps: Vec<Arc<SampleRing>>,
    watched: Vec<bool>,
}

/// A sampler in the hands of a caller. It may outlive its session: then it has stopped with it.
pub struct SamplerHandle {
    sampler: Arc<Sampler>,
    tap: Arc<SampleRing>,
    /// libamd_smi stays for as long as this is there.
    _lease: Arc<dyn Any + Send + Sync>,
    process: u64,
}

impl SamplerHandle {
    pub fn require_own_process(&self) -> Result<()> {
        if fork::is(self.process) {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }

    /// Takes a last sample, and no more. What it has stays there.
    pub fn stop(&self) {
        let mut was_on = false;
        let _ = self.sampler.change(|jobs| {
            let before = jobs.taps.len();
            jobs.taps.retain(|t| !Arc::ptr_eq(t, &self.tap));
            was_on = jobs.taps.len() < before;
        });
        if was_on {
            self.sample_now();
        }
    }

    fn sample_now(&self) {
        for device in self.sampler.devices.iter().filter(|d| !d.is_secondary()) {
            self.tap.take(device, &device.look());
        }
    }

    #[must_use]
    pub fn unit(&self) -> EnergyResolution {
        self.tap.unit()
    }

    #[must_use]
    pub fn tap(&self) -> &SampleRing {
        &self.tap
    }

    /// The energy of a GPU between two times of `CLOCK_BOOTTIME`.
    pub fn energy_between(&self, gpu: u32, from_ns: u64, to_ns: u64) -> Result<(&Device, EnergyInterval)> {
        if from_ns >= to_ns {
            return Err(Error::InvalidArgument(format!("from_ns {from_ns} is not before to_ns {to_ns}")));
        }
        let device = self.sampler.devices.get(gpu as usize).ok_or_else(|| Error::NotFound(format!("no GPU {gpu}")))?;
        if device.is_secondary() {
            device.raw_energy(EnergyResolution::Reported)?;
        }
        Ok((device, self.tap.energy_between(device, from_ns, to_ns)?))
    }
}

impl Drop for SamplerHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A window's need of some devices. Ends when it is dropped.
pub struct PollRequest {
    sampler: Arc<Sampler>,
    devices: Vec<usize>,
}

impl Drop for PollRequest {
    fn drop(&mut self) {
        let _ = self.sampler.change(|jobs| {
            for d in &self.devices {
                if let Some(n) = jobs.watched.get_mut(*d) {
                    *n = n.saturating_sub(1);
                }
            }
        });
    }
}

impl Sampler {
    #[must_use]
    pub fn new(devices: Arc<[Device]>) -> Arc<Sampler> {
        let jobs = SamplerState { watched: vec![0; devices.len()], ..SamplerState::default() };
        Arc::new(Sampler { devices, jobs: Mutex::new(jobs) })
    }

    /// Is there a thread?
    #[must_use]
    pub fn works(&self) -> bool {
        self.jobs.lock().worker.is_some()
    }

    /// Looks at these devices until the watch is dropped.
    pub fn watch(self: &Arc<Self>, devices: Vec<usize>) -> Result<PollRequest> {
        // Dropped on failure, so that nothing stays counted.
        let watch = PollRequest { sampler: self.clone(), devices };
        self.change(|jobs| {
            for d in &watch.devices {
                if let Some(n) = jobs.watched.get_mut(*d) {
                    *n += 1;
                }
            }
        })?;
        Ok(watch)
    }

    /// Samples all devices into a ring of its own, every `period` or as fast as they refresh.
    pub fn start(
        self: &Arc<Self>,
        unit: EnergyResolution,
        period: Option<Duration>,
        capacity: usize,
        lease: Arc<dyn Any + Send + Sync>,
    ) -> Result<SamplerHandle> {
        let tap = Arc::new(SampleRing::new(self.devices.len(), unit, period, capacity)?);
        // Stopped when dropped, if it comes to nothing.
        let sampling = SamplerHandle { sampler: self.clone(), tap, _lease: lease, process: fork::mark() };
        sampling.sample_now();
        self.change(|jobs| jobs.taps.push(sampling.tap.clone()))?;
        Ok(sampling)
    }

    /// The session ends, and so does every sampling.
    pub fn end(self: &Arc<Self>) {
        let _ = self.change(|jobs| {
            jobs.over = true;
            jobs.taps.clear();
            jobs.watched.fill(0);
        });
    }

    /// Changes what is to be done; the thread comes and goes with it.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut SamplerState)) -> Result<()> {
        let mut jobs = self.jobs.lock();
        change(&mut jobs);
        if jobs.over {
            jobs.taps.clear();
            jobs.watched.fill(0);
        }
        let watched: Vec<bool> = jobs.watched.iter().map(|n| *n > 0).collect();
        let idle = jobs.taps.is_empty() && !watched.contains(&true);
        jobs.plan = Arc::new(PollPlan { taps: jobs.taps.clone(), watched });
        if idle {
            let worker = jobs.worker.take();
            drop(jobs);
            // Waits for the thread, which may be about to read the plan.
            drop(worker);
            return Ok(());
        }
        if let Some(worker) = &jobs.worker {
            worker.wake();
            return Ok(());
        }
        let its = self.clone();
        let worker = Worker::start("zeus_amd-sample", move |signal| its.run(signal));
        jobs.worker =
            Some(worker.map_err(|source| Error::Io { path: "a thread that samples the GPUs".into(), source })?);
        Ok(())
    }

    fn plan(&self) -> Arc<PollPlan> {
        self.jobs.lock().plan.clone()
    }

    /// The thread.
    fn run(&self, signal: &StopSignal) {
        // Wake-ups as the clock says, not up to 50 µs later. Of no consequence where it is refused.
        // SAFETY: a setting of this thread.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_usize, 0_usize, 0_usize, 0_usize) };
        let mut paces: Vec<PollScheduler> = self.devices.iter().map(|_| PollScheduler::new()).collect();
        loop {
            let plan = self.plan();
            let begun = Instant::now();
            let mut next = begun + Duration::from_secs(10);
            let mut busy = Duration::ZERO;
            for (index, (device, pace)) in self.devices.iter().zip(&mut paces).enumerate() {
                if device.is_secondary() {
                    continue;
                }
                let watched = plan.watched.get(index).is_some_and(|w| *w);
                let Some(period) = pace.wanted(device, watched, plan.taps.iter().map(|t| t.period())) else { continue };
                if pace.is_due(begun) {
                    let before = Instant::now();
                    let looked = device.look();
                    busy += before.elapsed();
                    pace.learn(&looked, period);
                    plan.taps.iter().for_each(|t| t.take(device, &looked));
                }
                next = next.min(pace.next());
            }
            paces.iter_mut().for_each(|p| p.cost(busy));
            drop(plan);
            if !signal.wait_until(next) {
                return;
            }
        }
    }
}
