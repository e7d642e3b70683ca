//! Measuring windows: the energy that the GPUs use between two calls.

use super::sampler::Sampler;
use crate::device::{poll_all, Device, PollResult, SamplingNeed};
use crate::energy::{
    counts_pj, interval_energy, power_pj, Boundaries, CounterState, CounterStep, EnergyInterval, EnergyResolution,
    TrackerSnapshot, STALL_NS,
};
use crate::error::{Error, Kind, Result};
use crate::platform::clock::boot_ns;
use crate::platform::fork;
use crate::platform::sync::Mutex;
use crate::topology::NoGpuReason;
use std::alloc::{alloc, handle_alloc_error, Layout};
use std::sync::Arc;
use std::time::Duration;

/// An open window, in one allocation. It may outlive its session.
#[repr(C)]
pub struct Window {
    head: WindowHead,
    /// `None` for a GPU whose package is measured by another one.
    gpus: [Option<GpuStart>],
}

struct WindowHead {
    sampler: Arc<Sampler>,
    resolution: EnergyResolution,
    /// Why the session has no GPU.
    no_gpu: Option<NoGpuReason>,
    fork_token: u64,
    at_ns: u64,
    /// Where the last lap ended.
    lap: Mutex<Option<LapStart>>,
}

struct LapStart {
    at_ns: u64,
    gpus: Vec<Option<GpuStart>>,
}

#[derive(Clone)]
struct GpuStart {
    snapshot: TrackerSnapshot,
    counter_state: CounterState,
    may_wrap: bool,
    /// What it is watched for by the sampler.
    need: SamplingNeed,
}

/// The energy of one GPU in a window.
pub struct GpuEnergy {
    pub counter_state: CounterState,
    pub interval: Option<EnergyInterval>,
    /// Why there is no energy.
    pub why: Kind,
    /// The counter was rejected during the window.
    pub distrusted: bool,
    /// The driver returns an old reading, or none.
    pub stale: bool,
    /// The package has more than one GPU.
    pub shared: bool,
    /// The counter was in doubt, and was polled again after the final reading.
    pub polled_again: bool,
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

/// From this length on, a counter that shows less than 80 % of the power at both ends is polled again after the final
/// reading.
const RECHECK_AFTER_NS: u64 = 120_000_000;
/// From this length on, so is a counter that has not advanced for [`RECHECK_AFTER_NS`]: the time that it takes is small beside
/// the window.
const ALWAYS_RECHECK_AFTER_NS: u64 = STALL_NS;
/// In windows of this many refreshes one more is waited for if that makes the uncertainty small.
const MANY_REFRESHES: u64 = 10;
/// What the counter may have missed before a begin, as in a pause without a sample, could come within the window. From so much
/// on the begin waits for an advance, which rules that out.
const MUCH_PJ: u128 = 20_000_000_000_000;
/// After this time the tracker knows whether a counter is stuck.
const RECHECK_TIMEOUT_NS: u64 = 400_000_000;
/// Whether it is, a begin leaves to later readings.
const BEGIN_TIMEOUT_NS: u64 = 20_000_000;

/// Where an interval starts, and where the next one does.
trait Starts {
    fn get(&self, gpu: usize) -> Option<&GpuStart>;
    /// The interval of a GPU has ended.
    fn end(&mut self, gpu: usize, end: &TrackerSnapshot, counter_state: CounterState);
}

/// Reading a window does not move its start.
impl Starts for &[Option<GpuStart>] {
    fn get(&self, gpu: usize) -> Option<&GpuStart> {
        self[gpu].as_ref()
    }

    fn end(&mut self, _: usize, _: &TrackerSnapshot, _: CounterState) {}
}

/// The end of a lap is the start of the next one.
impl Starts for LapStart {
    fn get(&self, gpu: usize) -> Option<&GpuStart> {
        self.gpus[gpu].as_ref()
    }

    fn end(&mut self, gpu: usize, end: &TrackerSnapshot, counter_state: CounterState) {
        if let Some(start) = &mut self.gpus[gpu] {
            (start.snapshot, start.counter_state) = (*end, counter_state);
        }
    }
}

impl Window {
    pub fn begin(
        sampler: &Arc<Sampler>,
        no_gpu: Option<NoGpuReason>,
        resolution: EnergyResolution,
    ) -> Result<Box<Window>> {
        let (sampler, fork_token) = (sampler.clone(), fork::fork_token());
        let gpus = sampler.devices().len();
        let mut window = Window::allocate(
            WindowHead { sampler, resolution, no_gpu, fork_token, at_ns: 0, lap: Mutex::new(None) },
            gpus,
        );
        window.restart()?;
        Ok(window)
    }

    fn allocate(head: WindowHead, gpus: usize) -> Box<Window> {
        let array = Layout::array::<Option<GpuStart>>(gpus).ok();
        let whole = array.and_then(|array| Layout::new::<WindowHead>().extend(array).ok());
        let Some((layout, _)) = whole else { unreachable!("a session has few GPUs") };
        let layout = layout.pad_to_align();
        // SAFETY: the layout of a `Window` with this many GPUs, and of more than 0 bytes. All fields are written before it is
        // used.
        unsafe {
            let memory = alloc(layout);
            if memory.is_null() {
                handle_alloc_error(layout);
            }
            memory.cast::<WindowHead>().write(head);
            let window = Self::with_gpus(memory.cast(), gpus);
            let first = std::ptr::addr_of_mut!((*window).gpus).cast::<Option<GpuStart>>();
            (0..gpus).for_each(|i| first.add(i).write(None));
            Box::from_raw(window)
        }
    }

    /// The window at an address.
    fn with_gpus(address: *mut (), gpus: usize) -> *mut Window {
        std::ptr::slice_from_raw_parts_mut(address.cast::<Option<GpuStart>>(), gpus) as *mut Window
    }

    /// The address without the number of GPUs, which [`Self::from_address`] takes from the window itself.
    #[must_use]
    pub fn into_address(self: Box<Self>) -> *mut () {
        Box::into_raw(self).cast()
    }

    /// The window behind an address.
    ///
    /// # Safety
    /// From [`Self::into_address`], and not freed.
    #[must_use]
    pub unsafe fn from_address(address: *mut ()) -> *mut Window {
        // SAFETY: a window begins with its head; as the caller promises.
        let gpus = unsafe { (*address.cast::<WindowHead>()).sampler.devices().len() };
        Self::with_gpus(address, gpus)
    }

    /// Begins again, as a new window.
    pub fn restart(&mut self) -> Result<()> {
        self.unwatch();
        let mut suspects = self.read_starts();
        if !suspects.is_empty() {
            recheck(&mut suspects, BEGIN_TIMEOUT_NS);
            self.read_starts();
        }
        let Window { head, gpus } = self;
        let mut most = SamplingNeed::None;
        for (i, start) in gpus.iter_mut().enumerate() {
            let Some(start) = start else { continue };
            start.snapshot.boundary_ns = head.at_ns;
            let need = head.sampler.devices()[i].sampling_need_for(&start.snapshot, start.may_wrap);
            if need > SamplingNeed::None {
                head.sampler.watch(i);
                start.need = need;
                most = most.max(need);
            }
        }
        *head.lap.get_mut() = None;
        head.sampler.ensure(most)
    }

    /// Reads what the window starts with. Returns the counters that may have missed much in the step that this reading ends.
    fn read_starts(&mut self) -> Vec<(usize, &Device, PollResult)> {
        let Window { head, gpus } = self;
        let mut suspects = Vec::new();
        let mut seen = poll_all(head.sampler.devices(), |i, device, polled| {
            let counter_state = device.counter_state();
            let is_read = !polled.sample.stale && polled.sample.accumulator.is_some();
            let totals = &polled.snapshot.totals;
            if totals.unconfirmed_pj + totals.behind_pj > MUCH_PJ && is_read && counter_state.is_usable() {
                suspects.push((i, device, *polled));
            }
            let PollResult { snapshot, may_wrap, .. } = *polled;
            gpus[i] = Some(GpuStart { snapshot, counter_state, may_wrap, need: SamplingNeed::None });
        });
        head.at_ns = seen.get();
        suspects
    }

    fn unwatch(&mut self) {
        for (i, start) in self.gpus.iter_mut().enumerate() {
            if let Some(start) = start.as_mut().filter(|start| start.need > SamplingNeed::None) {
                start.need = SamplingNeed::None;
                self.head.sampler.unwatch(i);
            }
        }
    }

    pub fn require_own_process(&self) -> Result<()> {
        fork::require_current(self.head.fork_token)
    }

    /// `CLOCK_BOOTTIME` of the start.
    #[must_use]
    pub fn begin_ns(&self) -> u64 {
        self.head.at_ns
    }

    /// Number of GPUs.
    #[must_use]
    pub fn gpus(&self) -> usize {
        self.gpus.len()
    }

    /// The energy since begin: `each` gets that of each GPU. The window stays open.
    #[inline]
    pub fn read(&self, each: impl FnMut(usize, &GpuEnergy)) -> WindowTotal {
        self.measure(self.head.at_ns, &mut &self.gpus, Boundaries::Calls, each).0
    }

    /// The energy since the last lap, or since begin: laps add up to the energy between their readings.
    pub fn lap(&self, each: impl FnMut(usize, &GpuEnergy)) -> WindowTotal {
        let mut lap = self.head.lap.lock();
        let lap = lap.get_or_insert_with(|| LapStart { at_ns: self.head.at_ns, gpus: self.gpus.to_vec() });
        let (total, boundary_ns) = self.measure(lap.at_ns, lap, Boundaries::Readings, each);
        lap.at_ns = boundary_ns;
        total
    }

    /// Why there is no energy at all, given that of the first GPU.
    #[cold]
    #[must_use]
    pub fn nothing_measured(&self, first: Option<(CounterState, Kind)>) -> Error {
        if let Some(reason) = self.head.no_gpu {
            return Error::NothingMeasured { kind: reason.kind(), why: reason.to_string() };
        }
        let Some((device, (counter_state, kind))) = self.head.sampler.devices().first().zip(first) else {
            return Error::NothingMeasured { kind: Kind::NoDevice, why: "this session has no GPU".to_owned() };
        };
        let why = device
            .raw_energy(self.head.resolution)
            .err()
            .map_or_else(|| format!("{}: {}", device.label(), counter_state.why()), |e| e.to_string());
        Error::NothingMeasured { kind, why }
    }

    /// Takes the final readings, and ends the intervals with them. Returns the sum, and the time before the readings.
    #[inline(always)]
    fn measure(
        &self,
        at_ns: u64,
        starts: &mut impl Starts,
        boundaries: Boundaries,
        mut each: impl FnMut(usize, &GpuEnergy),
    ) -> (WindowTotal, u64) {
        let boundary_ns = boot_ns();
        let mut total = WindowTotal { duration_ns: boundary_ns.saturating_sub(at_ns), ..WindowTotal::default() };
        let (mut suspects, mut lacking) = (Vec::new(), Vec::new());
        let mut end = |i: usize, device: &Device, polled: &mut PollResult, starts: &mut _, polled_again: bool| {
            let Some(start) = Starts::get(starts, i) else { return };
            polled.snapshot.boundary_ns = boundary_ns;
            let energy = self.energy_of(device, start, polled, boundaries, polled_again);
            match &energy.interval {
                Some(interval) => {
                    total.packages += 1;
                    total.energy_pj += interval.energy_pj;
                    total.uncertainty_pj += interval.uncertainty_pj;
                }
                None => lacking.push(i),
            }
            each(i, &energy);
            Starts::end(starts, i, &polled.snapshot, energy.counter_state);
        };
        poll_all(self.head.sampler.devices(), |i, device, polled| {
            let Some(start) = starts.get(i) else { return };
            let is_in_doubt = !polled.sample.stale
                && is_suspect(&start.snapshot, &polled.snapshot, boundary_ns)
                && device.counter_state().is_usable();
            if is_in_doubt {
                suspects.push((i, device, *polled));
            } else {
                end(i, device, polled, starts, false);
            }
        });
        if !suspects.is_empty() {
            recheck(&mut suspects, RECHECK_TIMEOUT_NS);
            suspects.iter_mut().for_each(|(i, device, polled)| end(*i, device, polled, starts, true));
        }
        for (i, device) in self.head.sampler.devices().iter().enumerate().filter(|(_, d)| d.is_secondary()) {
            each(i, &GpuEnergy::without(device));
        }
        total.missing = self.head.sampler.missing_packages(&lacking);
        (total, boundary_ns)
    }

    #[inline]
    fn energy_of(
        &self,
        device: &Device,
        start: &GpuStart,
        polled: &PollResult,
        boundaries: Boundaries,
        polled_again: bool,
    ) -> GpuEnergy {
        let mut used = GpuEnergy { polled_again, ..GpuEnergy::without(device) };
        used.stale = polled.sample.stale || (polled.snapshot.counted.is_some() && polled.sample.accumulator.is_none());
        used.distrusted = start.counter_state.is_usable() && !used.counter_state.is_usable();
        let resolution = device.identity.resolution(self.head.resolution);
        let known = (used.counter_state, start.need > SamplingNeed::None);
        used.interval =
            interval_energy(&start.snapshot, &polled.snapshot, resolution, polled.max_power_mw, known, boundaries);
        if used.interval.is_none() {
            if let Err(e) = device.raw_energy(self.head.resolution) {
                used.why = e.kind().after_the_fact();
            }
        }
        used
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.unwatch();
    }
}

impl GpuEnergy {
    /// The initial value, without an energy.
    fn without(device: &Device) -> GpuEnergy {
        GpuEnergy {
            counter_state: device.counter_state(),
            interval: None,
            why: Kind::NotSupported,
            distrusted: false,
            stale: false,
            shared: device.identity.shares_package,
            polled_again: false,
        }
    }
}

/// Polls each suspect counter until it advances or is rejected: all of them together and after the final readings, so that no
/// GPU delays another's reading.
#[cold]
fn recheck(suspects: &mut [(usize, &Device, PollResult)], timeout_ns: u64) {
    let mut open: Vec<_> = suspects.iter_mut().map(|(_, device, polled)| (*device, polled)).collect();
    // Not from the boundary: on a busy machine much of the timeout may have passed since.
    let begin_ns = boot_ns();
    loop {
        open.retain_mut(|(device, PollResult { snapshot: at, max_power_mw, .. })| {
            match device.poll().snapshot.since(at) {
                CounterStep::Advanced { counts: counts @ 1.., ns } => {
                    // Within two refresh periods, and no more than was drawn in them: it had not stopped. Else what it was behind
                    // is at most what it has counted since.
                    let soon_ns = 2 * at.refresh_period_ns;
                    let counted_pj = at.counted.map_or(0, |sample| counts_pj(counts, sample.resolution_uj));
                    let is_sound = ns <= soon_ns && counted_pj <= power_pj(*max_power_mw, soon_ns);
                    let behind_pj = if is_sound { 0 } else { counted_pj };
                    at.totals.unconfirmed_pj = at.totals.unconfirmed_pj.min(behind_pj);
                    false
                }
                CounterStep::Reset => false,
                _ => device.counter_state().is_usable(),
            }
        });
        if open.is_empty() || boot_ns().saturating_sub(begin_ns) >= timeout_ns {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The counter may be stuck: no recent sample shows an advance, or it has counted less than 80 % of the smaller power at the
/// two ends. In a window of many refreshes also where a stop since the last advance could hide more than 10 % of the energy:
/// one refresh more rules that out.
#[inline]
fn is_suspect(begin: &TrackerSnapshot, end: &TrackerSnapshot, boundary_ns: u64) -> bool {
    let (Some(first), Some(last)) = (&begin.counted, &end.counted) else { return false };
    let ns = last.at_ns(end.driver_offset_ns).saturating_sub(first.at_ns(end.driver_offset_ns));
    if ns >= ALWAYS_RECHECK_AFTER_NS && boundary_ns.saturating_sub(end.last_advance_ns) > RECHECK_AFTER_NS {
        return true;
    }
    let counted_pj = || counts_pj(end.totals.counts.wrapping_sub(begin.totals.counts), last.resolution_uj);
    let unconfirmed_pj = end.totals.unconfirmed_pj;
    if unconfirmed_pj > 0 && ns >= MANY_REFRESHES * end.refresh_period_ns && unconfirmed_pj > counted_pj() / 10 {
        return true;
    }
    if ns < RECHECK_AFTER_NS {
        return false;
    }
    let power = |snapshot: &TrackerSnapshot| snapshot.powered.and_then(|p| p.power_mw).unwrap_or(0);
    let min_mw = power(begin).min(power(end));
    min_mw > 0 && counted_pj() < power_pj(min_mw, ns) * 8 / 10
}
