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
    state: Mutex<SamplerState>,
}

#[derive(Default)]
struct SamplerState {
    worker: Option<Worker>,
    /// The session is over: nothing starts any more.
    closed: bool,
    rings: Vec<Arc<SampleRing>>,
    /// For each device, how many windows need it.
    watched: Vec<u32>,
    /// What the thread reads. Made anew at every change, so that it copies one pointer a round.
    plan: Arc<PollPlan>,
}

#[derive(Default)]
struct PollPlan {
    rings: Vec<Arc<SampleRing>>,
    watched: Vec<bool>,
}

/// A sampler in the hands of a caller. It may outlive its session: then it has stopped with it.
pub struct SamplerHandle {
    sampler: Arc<Sampler>,
    ring: Arc<SampleRing>,
    /// libamd_smi stays for as long as this is there.
    _lease: Arc<dyn Any + Send + Sync>,
    process: u64,
}

impl SamplerHandle {
    pub fn require_own_process(&self) -> Result<()> {
        if fork::is_current(self.process) {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }

    /// Takes a last sample, and no more. What it has stays there.
    pub fn stop(&self) {
        let mut was_on = false;
        let _ = self.sampler.change(|state| {
            let before = state.rings.len();
            state.rings.retain(|t| !Arc::ptr_eq(t, &self.ring));
            was_on = state.rings.len() < before;
        });
        if was_on {
            self.sample_now();
        }
    }

    fn sample_now(&self) {
        for device in self.sampler.devices.iter().filter(|d| !d.is_secondary()) {
            self.ring.record(device, &device.poll());
        }
    }

    #[must_use]
    pub fn ring(&self) -> &SampleRing {
        &self.ring
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
        Ok((device, self.ring.energy_between(device, from_ns, to_ns)?))
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
        let _ = self.sampler.change(|state| {
            for d in &self.devices {
                if let Some(n) = state.watched.get_mut(*d) {
                    *n = n.saturating_sub(1);
                }
            }
        });
    }
}

impl Sampler {
    #[must_use]
    pub fn new(devices: Arc<[Device]>) -> Arc<Sampler> {
        let state = SamplerState { watched: vec![0; devices.len()], ..SamplerState::default() };
        Arc::new(Sampler { devices, state: Mutex::new(state) })
    }

    /// Is there a thread?
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state.lock().worker.is_some()
    }

    /// Looks at these devices until the watch is dropped.
    pub fn watch(self: &Arc<Self>, devices: Vec<usize>) -> Result<PollRequest> {
        // Dropped on failure, so that nothing stays counted.
        let watch = PollRequest { sampler: self.clone(), devices };
        self.change(|state| {
            for d in &watch.devices {
                if let Some(n) = state.watched.get_mut(*d) {
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
        let ring = Arc::new(SampleRing::new(self.devices.len(), unit, period, capacity)?);
        // Stopped when dropped, if it comes to nothing.
        let sampling = SamplerHandle { sampler: self.clone(), ring, _lease: lease, process: fork::fork_token() };
        sampling.sample_now();
        self.change(|state| state.rings.push(sampling.ring.clone()))?;
        Ok(sampling)
    }

    /// The session ends, and so does every sampling.
    pub fn end(self: &Arc<Self>) {
        let _ = self.change(|state| {
            state.closed = true;
            state.rings.clear();
            state.watched.fill(0);
        });
    }

    /// Changes what is to be done; the thread comes and goes with it.
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut SamplerState)) -> Result<()> {
        let mut state = self.state.lock();
        change(&mut state);
        if state.closed {
            state.rings.clear();
            state.watched.fill(0);
        }
        let watched: Vec<bool> = state.watched.iter().map(|n| *n > 0).collect();
        let idle = state.rings.is_empty() && !watched.contains(&true);
        state.plan = Arc::new(PollPlan { rings: state.rings.clone(), watched });
        if idle {
            let worker = state.worker.take();
            drop(state);
            // Waits for the thread, which may be about to read the plan.
            drop(worker);
            return Ok(());
        }
        if let Some(worker) = &state.worker {
            worker.wake();
            return Ok(());
        }
        let its = self.clone();
        let worker = Worker::start("zeus_amd-sample", move |signal| its.run(signal));
        state.worker =
            Some(worker.map_err(|source| Error::Io { path: "a thread that samples the GPUs".into(), source })?);
        Ok(())
    }

    fn plan(&self) -> Arc<PollPlan> {
        self.state.lock().plan.clone()
    }

    /// The thread.
    fn run(&self, signal: &StopSignal) {
        // Wake-ups as the clock says, not up to 50 µs later. Of no consequence where it is refused.
        // SAFETY: a setting of this thread.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_usize, 0_usize, 0_usize, 0_usize) };
        let mut schedulers: Vec<PollScheduler> = self.devices.iter().map(|_| PollScheduler::new()).collect();
        loop {
            let plan = self.plan();
            let start = Instant::now();
            let mut next = start + Duration::from_secs(10);
            let mut busy = Duration::ZERO;
            for (index, (device, scheduler)) in self.devices.iter().zip(&mut schedulers).enumerate() {
                if device.is_secondary() {
                    continue;
                }
                let watched = plan.watched.get(index).is_some_and(|w| *w);
                let Some(period) = scheduler.requested_period(device, watched, plan.rings.iter().map(|t| t.period()))
                else {
                    continue;
                };
                if scheduler.is_due(start) {
                    let before = Instant::now();
                    let polled = device.poll();
                    busy += before.elapsed();
                    scheduler.update(&polled, period);
                    plan.rings.iter().for_each(|t| t.record(device, &polled));
                }
                next = next.min(scheduler.next());
            }
            schedulers.iter_mut().for_each(|p| p.record_cost(busy));
            drop(plan);
            if !signal.wait_until(next) {
                return;
            }
        }
    }
}
