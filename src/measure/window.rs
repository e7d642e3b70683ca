//! Measuring windows: the energy that the GPUs use between two calls.

use super::sampler::{PollRequest, Sampler};
use crate::device::{Device, PollResult};
use crate::energy::CounterState;
use crate::energy::{
    counts_pj, interval_energy, power_pj, Boundaries, CounterStep, EnergyInterval, EnergyResolution, TrackerSnapshot,
    STALL_NS,
};
use crate::error::{Error, Kind, Result};
use crate::platform::clock::boot_ns;
use crate::platform::fork;
use crate::platform::sync::Mutex;
use crate::topology::NoGpuReason;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// An open window. It may outlive its session.
pub struct Window {
    devices: Arc<[Device]>,
    unit: EnergyResolution,
    start: WindowStart,
    /// Where the last lap ended.
    lap: Mutex<Option<WindowStart>>,
    /// Why the session has no GPU.
    no_gpu: Option<NoGpuReason>,
    /// Polls the GPUs that need samples between begin and end.
    _polls: Option<PollRequest>,
    /// Keeps libamd_smi in use.
    _library: Arc<dyn Any + Send + Sync>,
    fork_token: u64,
}

struct WindowStart {
    at_ns: u64,
    /// `None` for a GPU whose package is measured by another one.
    gpus: Vec<Option<GpuStart>>,
}

struct GpuStart {
    snapshot: TrackerSnapshot,
    counter_state: CounterState,
    watched: bool,
}

/// The energy of one GPU in a window.
pub struct GpuEnergy {
    pub counter_state: CounterState,
    pub region: Option<EnergyInterval>,
    /// Why there is no energy.
    pub why: Kind,
    /// The counter was rejected during the window.
    pub distrusted: bool,
    /// The driver returns an old reading, or none.
    pub stale: bool,
    /// The package has more than one GPU.
    pub shared: bool,
}

/// The energy of all packages, each counted once.
#[derive(Default)]
pub struct WindowTotal {
    pub packages: u32,
    /// Packages without an energy.
    pub missing: u32,
    pub energy_pj: u128,
    pub uncertainty_pj: u128,
    pub duration_ns: u64,
}

/// In windows of this length a counter that counts less than the power at both ends is polled again after the final
/// reading. A counter that has not advanced for this long is suspect.
const RECHECK_AFTER_NS: u64 = 120_000_000;
/// In windows of this length every suspect counter is polled again: the time that it takes is small beside the window.
const ALWAYS_RECHECK_AFTER_NS: u64 = STALL_NS;
/// After this time the tracker knows whether a counter is stuck.
const RECHECK_TIMEOUT_NS: u64 = 400_000_000;

impl Window {
    pub fn begin(
        devices: &Arc<[Device]>,
        no_gpu: Option<NoGpuReason>,
        sampler: &Arc<Sampler>,
        unit: EnergyResolution,
        library: Arc<dyn Any + Send + Sync>,
    ) -> Result<Window> {
        let mut gpus: Vec<Option<GpuStart>> =
            devices.iter().map(|d| (!d.is_secondary()).then(|| begin_one(d))).collect();
        let watched = gpus.iter().enumerate().filter(|(_, start)| start.as_ref().is_some_and(|s| s.watched));
        let watched: Vec<usize> = watched.map(|(i, _)| i).collect();
        let polls = if watched.is_empty() { None } else { Some(sampler.watch(watched)?) };
        let at_ns = boot_ns();
        gpus.iter_mut().flatten().for_each(|s| s.snapshot.boundary_ns = at_ns);
        let (devices, fork_token) = (devices.clone(), fork::fork_token());
        let start = WindowStart { at_ns, gpus };
        Ok(Window { devices, unit, start, lap: Mutex::new(None), no_gpu, _polls: polls, _library: library, fork_token })
    }

    pub fn require_own_process(&self) -> Result<()> {
        fork::require_current(self.fork_token)
    }

    /// Number of GPUs.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.devices.len()
    }

    /// The energy since begin. The window stays open.
    #[must_use]
    pub fn read(&self) -> (WindowTotal, Vec<GpuEnergy>) {
        let (boundary_ns, polled) = self.poll(&self.start);
        self.energy_since(&self.start, boundary_ns, &polled, Boundaries::Calls)
    }

    /// The energy since the last lap, or since begin: laps add up to the energy between their readings.
    #[must_use]
    pub fn lap(&self) -> (WindowTotal, Vec<GpuEnergy>) {
        let mut lap = self.lap.lock();
        let start = lap.as_ref().unwrap_or(&self.start);
        let (boundary_ns, polled) = self.poll(start);
        let energy = self.energy_since(start, boundary_ns, &polled, Boundaries::Readings);
        let next = |((start, polled), used): ((&Option<GpuStart>, &Option<PollResult>), &GpuEnergy)| {
            let (start, polled) = start.as_ref().zip(polled.as_ref())?;
            let snapshot = TrackerSnapshot { boundary_ns, ..polled.snapshot };
            Some(GpuStart { snapshot, counter_state: used.counter_state, watched: start.watched })
        };
        let gpus = start.gpus.iter().zip(&polled).zip(&energy.1).map(next).collect();
        *lap = Some(WindowStart { at_ns: boundary_ns, gpus });
        energy
    }

    /// Why there is no energy at all.
    #[cold]
    #[must_use]
    pub fn nothing_measured(&self, gpus: &[GpuEnergy]) -> Error {
        if let Some(reason) = self.no_gpu {
            return Error::NothingMeasured { kind: reason.kind(), why: reason.to_string() };
        }
        let Some((device, one)) = self.devices.iter().zip(gpus).next() else {
            return Error::NothingMeasured { kind: Kind::NoDevice, why: "this session has no GPU".to_owned() };
        };
        let why = device
            .raw_energy(self.unit)
            .err()
            .map_or_else(|| format!("{}: {}", device.label(), one.counter_state.why()), |e| e.to_string());
        // Statuses of refused arguments say that the call has done nothing.
        let kind = if one.why == Kind::InvalidArgument { Kind::Io } else { one.why };
        Error::NothingMeasured { kind, why }
    }

    /// Final readings of all GPUs, and the time before them.
    fn poll(&self, start: &WindowStart) -> (u64, Vec<Option<PollResult>>) {
        let boundary_ns = boot_ns();
        let mut polled: Vec<Option<PollResult>> =
            self.devices.iter().zip(&start.gpus).map(|(d, start)| start.as_ref().map(|_| d.poll())).collect();
        self.recheck_suspects(start, &mut polled, boundary_ns);
        (boundary_ns, polled)
    }

    fn energy_since(
        &self,
        start: &WindowStart,
        boundary_ns: u64,
        polled: &[Option<PollResult>],
        boundaries: Boundaries,
    ) -> (WindowTotal, Vec<GpuEnergy>) {
        let ends = start.gpus.iter().zip(polled).map(|(start, polled)| start.as_ref().zip(polled.as_ref()));
        let used: Vec<GpuEnergy> =
            self.devices.iter().zip(ends).map(|(d, ends)| self.energy_of(d, ends, boundary_ns, boundaries)).collect();
        let mut total = WindowTotal { duration_ns: boundary_ns.saturating_sub(start.at_ns), ..WindowTotal::default() };
        for (i, (device, one)) in self.devices.iter().zip(&used).enumerate() {
            let known = |u: &GpuEnergy| u.region.is_some();
            let siblings = || {
                self.devices
                    .iter()
                    .zip(&used)
                    .enumerate()
                    .filter(|(_, (d, _))| d.identity.package == device.identity.package)
            };
            match &one.region {
                Some(r) => {
                    total.packages += 1;
                    total.energy_pj += r.energy_pj;
                    total.uncertainty_pj += r.uncertainty_pj;
                }
                // No GPU of the package has an energy: counted at its first GPU.
                None if siblings().all(|(_, (_, u))| !known(u)) => {
                    total.missing += u32::from(siblings().next().is_some_and(|(first, _)| first == i));
                }
                None => {}
            }
        }
        (total, used)
    }

    /// Polls counters that may be stuck until they advance or their state is known. All of them together and after the
    /// final readings, so that no GPU delays another's reading.
    fn recheck_suspects(&self, start: &WindowStart, polled: &mut [Option<PollResult>], boundary_ns: u64) {
        let all = self.devices.iter().zip(&start.gpus).zip(polled);
        let mut suspects: Vec<(&Device, &mut TrackerSnapshot)> = all
            .filter_map(|((device, start), polled)| Some((device, start.as_ref()?, polled.as_mut()?)))
            .filter(|(device, start, polled)| {
                device.counter_state().is_usable()
                    && !polled.sample.stale
                    && is_suspect(&start.snapshot, &polled.snapshot, boundary_ns)
            })
            .map(|(device, _, polled)| (device, &mut polled.snapshot))
            .collect();
        // Not from the boundary: on a busy machine much of the timeout may have passed since.
        let begin_ns = boot_ns();
        loop {
            suspects.retain_mut(|(device, end)| match device.poll().snapshot.since(end) {
                CounterStep::Advanced { counts: 1.., ns } => {
                    // It had not stopped, unless it stood for longer than it ever does.
                    if ns <= 2 * end.refresh_period_ns {
                        end.totals.unconfirmed_pj = 0;
                    }
                    false
                }
                CounterStep::Reset => false,
                _ => device.counter_state().is_usable(),
            });
            if suspects.is_empty() || boot_ns().saturating_sub(begin_ns) >= RECHECK_TIMEOUT_NS {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn energy_of(
        &self,
        device: &Device,
        ends: Option<(&GpuStart, &PollResult)>,
        boundary_ns: u64,
        boundaries: Boundaries,
    ) -> GpuEnergy {
        let mut used = GpuEnergy {
            counter_state: device.counter_state(),
            region: None,
            why: Kind::NotSupported,
            distrusted: false,
            stale: false,
            shared: device.identity.shares_package,
        };
        let Some((start, polled)) = ends else { return used };
        let end = TrackerSnapshot { boundary_ns, ..polled.snapshot };
        used.counter_state = device.counter_state();
        used.stale = polled.sample.stale || (polled.snapshot.counted.is_some() && polled.sample.accumulator.is_none());
        used.distrusted = start.counter_state.is_usable() && !used.counter_state.is_usable();
        let resolution = device.identity.resolution(self.unit);
        let known = (used.counter_state, start.watched);
        used.region = interval_energy(&start.snapshot, &end, resolution, polled.max_power_mw, known, boundaries);
        if used.region.is_none() {
            if let Err(e) = device.raw_energy(self.unit) {
                used.why = e.kind();
            }
        }
        used
    }
}

fn begin_one(device: &Device) -> GpuStart {
    let polled = device.poll();
    let counter_state = device.counter_state();
    // A 32-bit counter may wrap around more than once before the end.
    let counted = counter_state.is_usable() && polled.snapshot.counted.is_some();
    let watched = !counted || polled.wrap_ns.is_some();
    GpuStart { snapshot: polled.snapshot, counter_state, watched }
}

/// The counter may be stuck: no recent sample shows an advance, or it has counted less than the power at either end gives.
fn is_suspect(begin: &TrackerSnapshot, end: &TrackerSnapshot, boundary_ns: u64) -> bool {
    let (Some(first), Some(last)) = (begin.counted, end.counted) else { return false };
    let ns = last.at_ns(end.driver_offset_ns).saturating_sub(first.at_ns(end.driver_offset_ns));
    if ns >= ALWAYS_RECHECK_AFTER_NS && boundary_ns.saturating_sub(end.last_advance_ns) > RECHECK_AFTER_NS {
        return true;
    }
    let power = |snapshot: &TrackerSnapshot| snapshot.powered.and_then(|p| p.power_mw).unwrap_or(0);
    let min_mw = power(begin).min(power(end));
    if ns < RECHECK_AFTER_NS || min_mw == 0 {
        return false;
    }
    let counts = end.totals.counts.wrapping_sub(begin.totals.counts);
    counts_pj(counts, last.resolution_uj) < power_pj(min_mw, ns) * 8 / 10
}
