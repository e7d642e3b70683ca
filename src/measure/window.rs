//! Measuring windows: the energy that the GPUs use between two calls.

use super::sampler::{PollRequest, Sampler};
use crate::device::{Device, PollResult};
use crate::energy::CounterState;
use crate::energy::{
    counts_pj, interval_energy, power_pj, CounterStep, EnergyInterval, EnergyResolution, TrackerSnapshot, STALL_NS,
};
use crate::error::{Kind, Result};
use crate::platform::clock::boot_ns;
use crate::platform::fork;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// An open window. It may outlive its session.
pub struct Window {
    devices: Arc<[Device]>,
    unit: EnergyResolution,
    start: Vec<Option<WindowStart>>,
    begin_ns: u64,
    /// Polls the GPUs that need samples between begin and end.
    _polls: Option<PollRequest>,
    /// Keeps libamd_smi in use.
    _library: Arc<dyn Any + Send + Sync>,
    fork_token: u64,
}

struct WindowStart {
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
        sampler: &Arc<Sampler>,
        unit: EnergyResolution,
        library: Arc<dyn Any + Send + Sync>,
    ) -> Result<Window> {
        let mut start: Vec<Option<WindowStart>> =
            devices.iter().map(|d| (!d.is_secondary()).then(|| begin_one(d))).collect();
        let watched = start.iter().enumerate().filter(|(_, start)| start.as_ref().is_some_and(|s| s.watched));
        let watched: Vec<usize> = watched.map(|(i, _)| i).collect();
        let polls = if watched.is_empty() { None } else { Some(sampler.watch(watched)?) };
        let begin_ns = boot_ns();
        start.iter_mut().flatten().for_each(|s| s.snapshot.boundary_ns = begin_ns);
        let (devices, fork_token) = (devices.clone(), fork::fork_token());
        Ok(Window { devices, unit, start, begin_ns, _polls: polls, _library: library, fork_token })
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
        let boundary_ns = boot_ns();
        let polled: Vec<Option<PollResult>> =
            self.devices.iter().zip(&self.start).map(|(d, start)| start.as_ref().map(|_| d.poll())).collect();
        self.recheck_suspects(&polled, boundary_ns);
        let ends = self.start.iter().zip(&polled).map(|(start, polled)| start.as_ref().zip(polled.as_ref()));
        let used: Vec<GpuEnergy> =
            self.devices.iter().zip(ends).map(|(d, ends)| self.read_one(d, ends, boundary_ns)).collect();
        let mut total =
            WindowTotal { duration_ns: boundary_ns.saturating_sub(self.begin_ns), ..WindowTotal::default() };
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
    fn recheck_suspects(&self, polled: &[Option<PollResult>], boundary_ns: u64) {
        let all = self.devices.iter().zip(&self.start).zip(polled);
        let mut suspects: Vec<(&Device, TrackerSnapshot)> = all
            .filter_map(|((device, start), polled)| Some((device, start.as_ref()?, polled.as_ref()?)))
            .filter(|(device, start, polled)| {
                device.counter_state().is_usable()
                    && !polled.sample.stale
                    && is_suspect(&start.snapshot, &polled.snapshot, boundary_ns)
            })
            .map(|(device, _, polled)| (device, polled.snapshot))
            .collect();
        // Not from the boundary: on a busy machine much of the timeout may have passed since.
        let begin_ns = boot_ns();
        loop {
            suspects.retain(|(device, end)| {
                let step = device.poll().snapshot.since(end);
                !matches!(step, CounterStep::Advanced { counts: 1.., .. } | CounterStep::Reset)
                    && device.counter_state().is_usable()
            });
            if suspects.is_empty() || boot_ns().saturating_sub(begin_ns) >= RECHECK_TIMEOUT_NS {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn read_one(&self, device: &Device, ends: Option<(&WindowStart, &PollResult)>, boundary_ns: u64) -> GpuEnergy {
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
        let trusted = used.counter_state.is_usable();
        let resolution = device.identity.resolution(self.unit);
        used.region = interval_energy(&start.snapshot, &end, resolution, polled.max_power_mw, trusted, start.watched);
        if used.region.is_none() {
            if let Err(e) = device.raw_energy(self.unit) {
                used.why = e.kind();
            }
        }
        used
    }
}

fn begin_one(device: &Device) -> WindowStart {
    let polled = device.poll();
    let counter_state = device.counter_state();
    // A 32-bit counter may wrap around more than once before the end.
    let counted = counter_state.is_usable() && polled.snapshot.counted.is_some();
    let watched = !counted || polled.wrap_ns.is_some();
    WindowStart { snapshot: polled.snapshot, counter_state, watched }
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
