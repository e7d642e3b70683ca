//! Measuring windows: what the GPUs used between two calls.

use crate::device::{Device, PollResult};
use crate::energy::CounterStatus;
use crate::energy::{between, counts_pj, power_pj, CounterStep, EnergyInterval, EnergyResolution, TrackerSnapshot};
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
    begun: Vec<Option<WindowStart>>,
    begun_ns: u64,
    /// Looks at the GPUs that a look at both ends is not enough for.
    _watch: Option<PollRequest>,
    /// libamd_smi stays for as long as this is there.
    _lease: Arc<dyn Any + Send + Sync>,
    process: u64,
}

struct WindowStart {
    mark: TrackerSnapshot,
    verdict: CounterStatus,
    watched: bool,
}

/// What one GPU used.
pub struct GpuEnergy {
    pub verdict: CounterStatus,
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
    pub bound_pj: u128,
    pub duration_ns: u64,
}

/// From here on a counter that says less than the power at both ends is looked at again.
const DOUBT_FROM_NS: u64 = 120_000_000;
/// And from here on any that has not been seen to move of late: what that takes is little beside the window.
const PROOF_FROM_NS: u64 = 250_000_000;
/// One that has not moved after that has stopped, and is known to.
const DOUBT_FOR_NS: u64 = 400_000_000;

impl Window {
    pub fn begin(
        devices: &Arc<[Device]>,
        sampler: &Arc<Sampler>,
        unit: EnergyResolution,
        lease: Arc<dyn Any + Send + Sync>,
    ) -> Result<Window> {
        let mut begun: Vec<Option<WindowStart>> =
            devices.iter().map(|d| (!d.is_secondary()).then(|| begin_one(d))).collect();
        let needy = begun.iter().enumerate().filter(|(_, b)| b.as_ref().is_some_and(|b| b.watched));
        let needy: Vec<usize> = needy.map(|(i, _)| i).collect();
        let watch = if needy.is_empty() { None } else { Some(sampler.watch(needy)?) };
        let begun_ns = boot_ns();
        begun.iter_mut().flatten().for_each(|b| b.mark.edge_ns = begun_ns);
        let (devices, process) = (devices.clone(), fork::mark());
        Ok(Window { devices, unit, begun, begun_ns, _watch: watch, _lease: lease, process })
    }

    pub fn require_own_process(&self) -> Result<()> {
        if fork::is(self.process) {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }

    #[must_use]
    pub fn unit(&self) -> EnergyResolution {
        self.unit
    }

    /// How many GPUs it is over.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.devices.len()
    }

    /// What was used until now. The window stays open.
    #[must_use]
    pub fn read(&self) -> (WindowTotal, Vec<GpuEnergy>) {
        let edge_ns = boot_ns();
        let looked: Vec<Option<PollResult>> =
            self.devices.iter().zip(&self.begun).map(|(d, b)| b.as_ref().map(|_| d.look())).collect();
        self.watch_doubtful(&looked, edge_ns);
        let used = self.devices.iter().zip(&self.begun).zip(looked);
        let used: Vec<GpuEnergy> =
            used.map(|((d, b), l)| self.read_one(d, b.as_ref().zip(l.as_ref()), edge_ns)).collect();
        let mut total = WindowTotal { duration_ns: edge_ns.saturating_sub(self.begun_ns), ..WindowTotal::default() };
        for (i, (device, one)) in self.devices.iter().zip(&used).enumerate() {
            let known = |u: &GpuEnergy| u.region.is_some();
            let siblings =
                || self.devices.iter().zip(&used).enumerate().filter(|(_, (d, _))| d.package == device.package);
            match &one.region {
                Some(r) => {
                    total.packages += 1;
                    total.energy_pj += r.energy_pj;
                    total.bound_pj += r.bound_pj;
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
    fn watch_doubtful(&self, looked: &[Option<PollResult>], edge_ns: u64) {
        let all = self.devices.iter().zip(&self.begun).zip(looked);
        let mut doubtful: Vec<(&Device, TrackerSnapshot)> = all
            .filter_map(|((d, b), l)| Some((d, b.as_ref()?, l.as_ref()?)))
            .filter(|(d, b, l)| d.verdict().is_usable() && !l.look.stale && is_doubtful(&b.mark, &l.mark, edge_ns))
            .map(|(d, _, l)| (d, l.mark))
            .collect();
        // From here, and not from the edge: on a busy machine much of that time may be gone already.
        let begun_ns = boot_ns();
        loop {
            doubtful.retain(|(d, end)| {
                let moved = d.look().mark.since(end);
                !matches!(moved, CounterStep::Advanced { counts: 1.., .. } | CounterStep::Reset)
                    && d.verdict().is_usable()
            });
            if doubtful.is_empty() || boot_ns().saturating_sub(begun_ns) >= DOUBT_FOR_NS {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn read_one(&self, device: &Device, ends: Option<(&WindowStart, &PollResult)>, edge_ns: u64) -> GpuEnergy {
        let mut used = GpuEnergy {
            verdict: device.verdict(),
            region: None,
            why: Kind::NotSupported,
            distrusted: false,
            stale: false,
            shared: device.shares_package,
        };
        let Some((begun, looked)) = ends else { return used };
        let end = TrackerSnapshot { edge_ns, ..looked.mark };
        used.verdict = device.verdict();
        used.stale = looked.look.stale || (looked.mark.counted.is_some() && looked.look.accumulator.is_none());
        used.distrusted = begun.verdict.is_usable() && !used.verdict.is_usable();
        let trusted = used.verdict.is_usable();
        used.region = between(&begun.mark, &end, self.unit, looked.ceiling_mw, trusted, begun.watched);
        if used.region.is_none() {
            if let Err(e) = device.raw_energy(self.unit) {
                used.why = e.kind();
            }
        }
        used
    }
}

fn begin_one(device: &Device) -> WindowStart {
    let looked = device.look();
    let verdict = device.verdict();
    // A 32-bit counter may come round more than once before the end.
    let counted = verdict.is_usable() && looked.mark.counted.is_some();
    let watched = !counted || looked.wrap_ns.is_some();
    WindowStart { mark: looked.mark, verdict, watched }
}

/// Nobody has seen it move of late, or it has counted less than the power at either end says: it may have stopped.
fn is_doubtful(begin: &TrackerSnapshot, end: &TrackerSnapshot, edge_ns: u64) -> bool {
    let (Some(first), Some(last)) = (begin.counted, end.counted) else { return false };
    let ns = last.at_ns(end.zero_ns).saturating_sub(first.at_ns(end.zero_ns));
    if ns >= PROOF_FROM_NS && edge_ns.saturating_sub(end.moving_ns) > DOUBT_FROM_NS {
        return true;
    }
    let power = |m: &TrackerSnapshot| m.powered.and_then(|p| p.power_mw).unwrap_or(0);
    let least = power(begin).min(power(end));
    if ns < DOUBT_FROM_NS || least == 0 {
        return false;
    }
    let counts = end.totals.counts.wrapping_sub(begin.totals.counts);
    counts_pj(counts, last.unit_uj) < power_pj(least, ns) * 8 / 10
}
