//! Measuring windows: what the GPUs used between two calls.

use crate::device::{Device, PollResult};
use crate::energy::CounterState;
use crate::energy::{
    counts_pj, interval_energy, power_pj, CounterStep, EnergyInterval, EnergyResolution, TrackerSnapshot,
};
use crate::error::{Error, Kind, Result};
use crate::measure::{PollRequest, Sampler};
use crate::platform::clock::boot_ns;
use crate::platform::fork;
use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

/// A window that is open. It may outlive its session.
pub struct Window {
    devices: Arc<[Device]>,
    unit: EnergyResolution,
    start: Vec<Option<WindowStart>>,
    begin_ns: u64,
    /// Looks at the GPUs that a look at both ends is not enough for.
    _watch: Option<PollRequest>,
    /// libamd_smi stays for as long as this is there.
    _lease: Arc<dyn Any + Send + Sync>,
    process: u64,
}

struct WindowStart {
    snapshot: TrackerSnapshot,
    counter_state: CounterState,
    watched: bool,
}

/// What one GPU used.
pub struct GpuEnergy {
    pub counter_state: CounterState,
    pub region: Option<EnergyInterval>,
    /// Why there is no region.
    pub why: Kind,
    /// Its counter lost its trust inside the window.
    pub distrusted: bool,
    /// The driver repeats an old reading, or gives none.
    pub stale: bool,
    /// The package has more than one GPU.
    pub shared: bool,
}

/// What all packages used, each once.
#[derive(Default)]
pub struct WindowTotal {
    pub packages: u32,
    /// Packages without an energy.
    pub missing: u32,
    pub energy_pj: u128,
    pub uncertainty_pj: u128,
    pub duration_ns: u64,
}

/// From here on a counter that says less than the power at both ends is looked at again.
const RECHECK_AFTER_NS: u64 = 120_000_000;
/// And from here on any that has not been seen to move of late: what that takes is little beside the window.
const ALWAYS_RECHECK_AFTER_NS: u64 = 250_000_000;
/// One that has not moved after that has stopped, and is known to.
const RECHECK_TIMEOUT_NS: u64 = 400_000_000;

impl Window {
    pub fn begin(
        devices: &Arc<[Device]>,
        sampler: &Arc<Sampler>,
        unit: EnergyResolution,
        lease: Arc<dyn Any + Send + Sync>,
    ) -> Result<Window> {
        let mut start: Vec<Option<WindowStart>> =
            devices.iter().map(|d| (!d.is_secondary()).then(|| begin_one(d))).collect();
        let needy = start.iter().enumerate().filter(|(_, b)| b.as_ref().is_some_and(|b| b.watched));
        let needy: Vec<usize> = needy.map(|(i, _)| i).collect();
        let watch = if needy.is_empty() { None } else { Some(sampler.watch(needy)?) };
        let begin_ns = boot_ns();
        start.iter_mut().flatten().for_each(|b| b.snapshot.boundary_ns = begin_ns);
        let (devices, process) = (devices.clone(), fork::fork_token());
        Ok(Window { devices, unit, start, begin_ns, _watch: watch, _lease: lease, process })
    }

    pub fn require_own_process(&self) -> Result<()> {
        if fork::is_current(self.process) {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }

    /// How many GPUs it is over.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.devices.len()
    }

    /// What was used until now. The window stays open.
    #[must_use]
    pub fn read(&self) -> (WindowTotal, Vec<GpuEnergy>) {
        let boundary_ns = boot_ns();
        let polled: Vec<Option<PollResult>> =
            self.devices.iter().zip(&self.start).map(|(d, b)| b.as_ref().map(|_| d.poll())).collect();
        self.recheck_suspects(&polled, boundary_ns);
        let used = self.devices.iter().zip(&self.start).zip(polled);
        let used: Vec<GpuEnergy> =
            used.map(|((d, b), l)| self.read_one(d, b.as_ref().zip(l.as_ref()), boundary_ns)).collect();
        let mut total =
            WindowTotal { duration_ns: boundary_ns.saturating_sub(self.begin_ns), ..WindowTotal::default() };
        for (i, (device, one)) in self.devices.iter().zip(&used).enumerate() {
            let known = |u: &GpuEnergy| u.region.is_some();
            let siblings =
                || self.devices.iter().zip(&used).enumerate().filter(|(_, (d, _))| d.package == device.package);
            match &one.region {
                Some(r) => {
                    total.packages += 1;
                    total.energy_pj += r.energy_pj;
                    total.uncertainty_pj += r.uncertainty_pj;
                }
                // Nobody has it: said once, at the first GPU of the package.
                None if siblings().all(|(_, (_, u))| !known(u)) => {
                    total.missing += u32::from(siblings().next().is_some_and(|(first, _)| first == i));
                }
                None => {}
            }
        }
        (total, used)
    }

    /// Counters that may have stopped are looked at for long enough to know, all at once and after the look that counts:
    /// none delays that of another GPU.
    fn recheck_suspects(&self, polled: &[Option<PollResult>], boundary_ns: u64) {
        let all = self.devices.iter().zip(&self.start).zip(polled);
        let mut suspects: Vec<(&Device, TrackerSnapshot)> = all
            .filter_map(|((d, b), l)| Some((d, b.as_ref()?, l.as_ref()?)))
            .filter(|(d, b, l)| {
                d.counter_state().is_usable() && !l.sample.stale && is_suspect(&b.snapshot, &l.snapshot, boundary_ns)
            })
            .map(|(d, _, l)| (d, l.snapshot))
            .collect();
        // From here, and not from the edge: on a busy machine much of that time may be gone already.
        let begin_ns = boot_ns();
        loop {
            suspects.retain(|(d, end)| {
                let moved = d.poll().snapshot.since(end);
                !matches!(moved, CounterStep::Advanced { counts: 1.., .. } | CounterStep::Reset)
                    && d.counter_state().is_usable()
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
            shared: device.shares_package,
        };
        let Some((start, polled)) = ends else { return used };
        let end = TrackerSnapshot { boundary_ns, ..polled.snapshot };
        used.counter_state = device.counter_state();
        used.stale = polled.sample.stale || (polled.snapshot.counted.is_some() && polled.sample.accumulator.is_none());
        used.distrusted = start.counter_state.is_usable() && !used.counter_state.is_usable();
        let trusted = used.counter_state.is_usable();
        let resolution = device.resolution(self.unit);
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
    // A 32-bit counter may come round more than once before the end.
    let counted = counter_state.is_usable() && polled.snapshot.counted.is_some();
    let watched = !counted || polled.wrap_ns.is_some();
    WindowStart { snapshot: polled.snapshot, counter_state, watched }
}

/// Nobody has seen it move of late, or it has counted less than the power at either end says: it may have stopped.
fn is_suspect(begin: &TrackerSnapshot, end: &TrackerSnapshot, boundary_ns: u64) -> bool {
    let (Some(first), Some(last)) = (begin.counted, end.counted) else { return false };
    let ns = last.at_ns(end.driver_offset_ns).saturating_sub(first.at_ns(end.driver_offset_ns));
    if ns >= ALWAYS_RECHECK_AFTER_NS && boundary_ns.saturating_sub(end.last_advance_ns) > RECHECK_AFTER_NS {
        return true;
    }
    let power = |m: &TrackerSnapshot| m.powered.and_then(|p| p.power_mw).unwrap_or(0);
    let least = power(begin).min(power(end));
    if ns < RECHECK_AFTER_NS || least == 0 {
        return false;
    }
    let counts = end.totals.counts.wrapping_sub(begin.totals.counts);
    counts_pj(counts, last.resolution_uj) < power_pj(least, ns) * 8 / 10
}
