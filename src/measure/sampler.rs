//! The background thread that polls GPUs, for samplers and for windows that need samples in between. A session has one such
//! thread, while it is needed.

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
    /// The session is closed: no thread starts any more.
    closed: bool,
    rings: Vec<Arc<SampleRing>>,
    /// For each device, the number of windows that need samples of it.
    watched: Vec<u32>,
    /// The thread's input. Replaced at every change, so that the thread copies one pointer per round.
    plan: Arc<PollPlan>,
}

#[derive(Default)]
struct PollPlan {
    rings: Vec<Arc<SampleRing>>,
    watched: Vec<bool>,
}

/// A sampler that a caller has started. It stops with its session, but may outlive it.
pub struct SamplerHandle {
    sampler: Arc<Sampler>,
    ring: Arc<SampleRing>,
    /// Keeps libamd_smi in use.
    _library: Arc<dyn Any + Send + Sync>,
    fork_token: u64,
}

impl SamplerHandle {
    pub fn require_own_process(&self) -> Result<()> {
        fork::require_current(self.fork_token)
    }

    /// Takes a last sample and stops sampling. The samples stay available.
    pub fn stop(&self) {
        let mut was_running = false;
        let _ = self.sampler.change(|state| {
            let before = state.rings.len();
            state.rings.retain(|ring| !Arc::ptr_eq(ring, &self.ring));
            was_running = state.rings.len() < before;
        });
        if was_running {
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

/// A window's request to poll some devices, until it is dropped.
pub struct PollRequest {
    sampler: Arc<Sampler>,
    devices: Vec<usize>,
}

impl Drop for PollRequest {
    fn drop(&mut self) {
        let _ = self.sampler.change(|state| {
            for device in &self.devices {
                if let Some(windows) = state.watched.get_mut(*device) {
                    *windows = windows.saturating_sub(1);
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

    /// The thread is running.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state.lock().worker.is_some()
    }

    /// Polls these devices until the request is dropped.
    pub fn watch(self: &Arc<Self>, devices: Vec<usize>) -> Result<PollRequest> {
        // Dropped on failure, which reverts the counts.
        let request = PollRequest { sampler: self.clone(), devices };
        self.change(|state| {
            for device in &request.devices {
                if let Some(windows) = state.watched.get_mut(*device) {
                    *windows += 1;
                }
            }
        })?;
        Ok(request)
    }

    /// Samples all devices into a new ring, every `period` or at their refresh periods.
    pub fn start(
        self: &Arc<Self>,
        unit: EnergyResolution,
        period: Option<Duration>,
        capacity: usize,
        library: Arc<dyn Any + Send + Sync>,
    ) -> Result<SamplerHandle> {
        let ring = Arc::new(SampleRing::new(self.devices.len(), unit, period, capacity)?);
        // Dropped on failure, which stops it.
        let handle = SamplerHandle { sampler: self.clone(), ring, _library: library, fork_token: fork::fork_token() };
        handle.sample_now();
        self.change(|state| state.rings.push(handle.ring.clone()))?;
        Ok(handle)
    }

    /// Stops all sampling when the session is closed.
    pub fn end(self: &Arc<Self>) {
        let _ = self.change(|state| {
            state.closed = true;
            state.rings.clear();
            state.watched.fill(0);
        });
    }

    /// Changes the state; starts, notifies or stops the thread accordingly.
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
            // Joins the thread, which may need the lock to read the plan.
            drop(worker);
            return Ok(());
        }
        if let Some(worker) = &state.worker {
            worker.wake();
            return Ok(());
        }
        let sampler = self.clone();
        let run = move |signal: &StopSignal| sampler.run(signal);
        state.worker = Some(Worker::start("zeus_amd-sample", "samples the GPUs", run)?);
        Ok(())
    }

    fn plan(&self) -> Arc<PollPlan> {
        self.state.lock().plan.clone()
    }

    /// Runs on the thread.
    fn run(&self, signal: &StopSignal) {
        // Timers expire without the default delay of up to 50 µs. A failure is harmless.
        // SAFETY: applies to this thread only.
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
                let Some(period) =
                    scheduler.requested_period(device, watched, plan.rings.iter().map(|ring| ring.period()))
                else {
                    continue;
                };
                if scheduler.is_due(start) {
                    let before = Instant::now();
                    let polled = device.poll_contained();
                    busy += before.elapsed();
                    scheduler.update(&polled, period);
                    plan.rings.iter().for_each(|ring| ring.record(device, &polled));
                }
                next = next.min(scheduler.next());
            }
            schedulers.iter_mut().for_each(|scheduler| scheduler.record_cost(busy));
            drop(plan);
            if !signal.wait_until(next) {
                return;
            }
        }
    }
}
