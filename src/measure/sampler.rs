//! The background thread that polls GPUs, for samplers and for windows that need samples in between. A session has one such
//! thread at most.

use super::poll_loop::PollLoop;
use super::sample_ring::SampleRing;
use crate::device::{Device, SamplingNeed};
use crate::energy::{EnergyInterval, EnergyResolution};
use crate::error::{Error, Result};
use crate::platform::fork;
use crate::platform::sync::Mutex;
use crate::platform::worker::{StopSignal, Worker};
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

pub struct Sampler {
    devices: Arc<[Device]>,
    /// For each device the windows that need samples of it: those that are open in the lower half, all so far in the upper one.
    watched: Box<[AtomicU64]>,
    /// Packages of which the session has no GPU that measures them.
    unmeasured_packages: u32,
    /// There has been a thread.
    started: AtomicBool,
    /// Windows may need the thread: it stays until the session is closed.
    kept: AtomicBool,
    /// The thread polls for windows whose power is integrated, or has until a moment ago. Else it is parked: it
    /// polls in time for wraparounds, but not for such windows.
    integrating: AtomicBool,
    state: Mutex<SamplerState>,
    /// Keeps libamd_smi in use.
    _library: Arc<dyn Any + Send + Sync>,
}

/// One more window in [`Sampler::watched`].
const OPENED: u64 = 1 << 32 | 1;

#[derive(Default)]
struct SamplerState {
    worker: Option<Worker>,
    /// The session is closed: no thread starts any more.
    closed: bool,
    /// Replaced at every change, so that the thread copies one pointer per round.
    rings: Arc<Vec<Arc<SampleRing>>>,
}

/// A sampler that a caller has started. It stops with its session, but may outlive it.
pub struct SamplerHandle {
    sampler: Arc<Sampler>,
    ring: Arc<SampleRing>,
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
            let mut rings = state.rings.to_vec();
            rings.retain(|ring| !Arc::ptr_eq(ring, &self.ring));
            was_running = rings.len() < state.rings.len();
            state.rings = Arc::new(rings);
        });
        if was_running {
            self.sample_now();
        }
    }

    fn sample_now(&self) {
        let measured = self.sampler.devices.iter().filter(|d| !d.is_secondary());
        let polled: Vec<_> = measured.map(|device| (device, device.poll())).collect();
        self.ring.record(polled.iter().map(|(device, polled)| (*device, polled)));
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

impl Sampler {
    /// `library` keeps libamd_smi in use.
    #[must_use]
    pub fn new(devices: Arc<[Device]>, library: Arc<dyn Any + Send + Sync>) -> Arc<Sampler> {
        Arc::new(Sampler {
            watched: devices.iter().map(|_| AtomicU64::new(0)).collect(),
            unmeasured_packages: packages_without(&devices, |d| !d.is_secondary()),
            devices,
            started: AtomicBool::new(false),
            kept: AtomicBool::new(false),
            integrating: AtomicBool::new(false),
            state: Mutex::default(),
            _library: library,
        })
    }

    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// How many packages have no energy, given the GPUs that should have one and do not.
    #[must_use]
    #[inline]
    pub fn missing_packages(&self, lacking: &[usize]) -> u32 {
        if lacking.is_empty() {
            return self.unmeasured_packages;
        }
        packages_without(&self.devices, |d| !d.is_secondary() && !lacking.contains(&d.identity.index))
    }

    /// There has been a thread.
    #[must_use]
    #[inline]
    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Starts the thread if windows need it, as far as is known yet, so that no window has to.
    pub fn prepare(self: &Arc<Self>) -> Result<()> {
        let needs_it = |d: &Device| !d.is_secondary() && d.sampling_need().is_some_and(|n| n > SamplingNeed::None);
        if self.devices.iter().any(needs_it) {
            self.keep()?;
        }
        Ok(())
    }

    /// A window needs samples of a device from now on.
    #[inline]
    pub fn watch(&self, device: usize) {
        self.watched[device].fetch_add(OPENED, Ordering::SeqCst);
    }

    #[inline]
    pub fn unwatch(&self, device: usize) {
        self.watched[device].fetch_sub(1, Ordering::SeqCst);
    }

    /// After [`Self::watch`]: sees to it that the thread comes in time. For wraparounds it does by itself.
    #[inline]
    pub fn ensure(self: &Arc<Self>, need: SamplingNeed) -> Result<()> {
        let comes = match need {
            SamplingNeed::None => true,
            SamplingNeed::Wraparounds => self.kept.load(Ordering::SeqCst),
            SamplingNeed::Integration => self.kept.load(Ordering::SeqCst) && self.integrating.load(Ordering::SeqCst),
        };
        if comes {
            Ok(())
        } else {
            self.keep()
        }
    }

    /// Starts or notifies the thread. From now on it stays until the session is closed.
    #[cold]
    fn keep(self: &Arc<Self>) -> Result<()> {
        self.change(|_| self.kept.store(true, Ordering::SeqCst))
    }

    /// Samples all devices into a new ring, every `period` or at their refresh periods.
    pub fn start(
        self: &Arc<Self>,
        unit: EnergyResolution,
        period: Option<Duration>,
        capacity: usize,
    ) -> Result<SamplerHandle> {
        let ring = Arc::new(SampleRing::new(self.devices.len(), unit, period, capacity)?);
        // Dropped on failure, which stops it.
        let handle = SamplerHandle { sampler: self.clone(), ring, fork_token: fork::fork_token() };
        handle.sample_now();
        handle.ring.check_intact()?;
        self.change(|state| {
            let mut rings = state.rings.to_vec();
            rings.push(handle.ring.clone());
            state.rings = Arc::new(rings);
        })?;
        Ok(handle)
    }

    /// Stops all sampling when the session is closed.
    pub fn end(self: &Arc<Self>) {
        let _ = self.change(|state| state.closed = true);
    }

    /// Changes the state; starts, notifies or stops the thread accordingly.
    #[cold]
    fn change(self: &Arc<Self>, change: impl FnOnce(&mut SamplerState)) -> Result<()> {
        let mut state = self.state.lock();
        change(&mut state);
        if state.closed {
            state.rings = Arc::default();
        }
        if state.closed || state.rings.is_empty() && !self.kept.load(Ordering::SeqCst) {
            let worker = state.worker.take();
            drop(state);
            // Joins the thread, which may need the lock to read the rings.
            drop(worker);
            return Ok(());
        }
        if let Some(worker) = &state.worker {
            worker.wake();
            return Ok(());
        }
        let sampler = self.clone();
        let run = move |signal: &StopSignal| sampler.run(signal);
        match Worker::start(c"zeus_amd-sample", "samples the GPUs", run) {
            Ok(worker) => state.worker = Some(worker),
            Err(error) => {
                self.kept.store(false, Ordering::SeqCst);
                return Err(error);
            }
        }
        self.started.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Runs on the thread.
    fn run(&self, signal: &StopSignal) {
        // Timers expire without the default delay of up to 50 µs. A failure is harmless.
        // SAFETY: applies to this thread only.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_usize, 0_usize, 0_usize, 0_usize) };
        let mut polls = PollLoop::new(&self.devices, &self.watched);
        loop {
            let rings = self.state.lock().rings.clone();
            let next = polls.round(&rings);
            drop(rings);
            let integrates = polls.integrates();
            self.integrating.store(integrates, Ordering::SeqCst);
            // A window that has been opened since the round began may have relied on it.
            if !integrates && polls.is_outdated() {
                continue;
            }
            if !signal.wait_until(next) {
                return;
            }
        }
    }
}

/// Number of packages of which no GPU is as wanted.
#[cold]
fn packages_without(devices: &[Device], is_wanted: impl Fn(&Device) -> bool) -> u32 {
    let same = |a: &Device, b: &Device| a.identity.package == b.identity.package;
    let is_first = |(i, d): &(usize, &Device)| !devices[..*i].iter().any(|other| same(other, d));
    let is_without = |(_, d): &(usize, &Device)| !devices.iter().any(|other| same(other, d) && is_wanted(other));
    devices.iter().enumerate().filter(is_first).filter(is_without).count() as u32
}
