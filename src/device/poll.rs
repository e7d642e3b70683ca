//! Polls a GPU: count and power go into the tracker that windows and samplers read.

use super::readings::Device;
use super::source::Source;
use crate::energy::{
    AccumulatorTracker, Agreement, CounterState, EnergyResolution, RawSample, TrackerSnapshot, Wrap, AMDSMI_CACHE_NS,
};
use crate::error::Kind;
use crate::gpu::Powers;
use crate::platform::clock::{boot_ns, coarse_ns};
use crate::platform::log;
use crate::sysfs::hwmon::UNKNOWN_LIMIT_MW;
use crate::topology::Role;
use std::sync::atomic::Ordering;

#[derive(Clone, Copy)]
pub struct PollResult {
    pub sample: RawSample,
    /// The tracker after the sample; its boundary is the time of the sample.
    pub snapshot: TrackerSnapshot,
    pub max_power_mw: u64,
    /// The counter has 32 bits, as far as is known.
    pub may_wrap: bool,
}

/// A sample that is not in the tracker yet.
#[derive(Clone, Copy)]
struct ReadSample {
    sample: RawSample,
    /// Number of samples in the tracker before it was read.
    before: u64,
}

impl ReadSample {
    /// It was read from the table within a microsecond, and has the driver's time.
    #[inline]
    fn is_of_table(&self) -> bool {
        self.sample.seen_ns == SEEN_TOGETHER
    }
}

/// A sample that takes the receipt time of those that were read with it.
const SEEN_TOGETHER: u64 = 0;

/// The receipt time of samples that were read together. A clock is slow: it is asked when the time is needed, which of a
/// reading that is known already it is not.
#[derive(Default)]
pub struct ReceiptTime(Option<u64>);

impl ReceiptTime {
    #[inline]
    pub fn get(&mut self) -> u64 {
        *self.0.get_or_insert_with(boot_ns)
    }
}

/// The tables of so many GPUs are read one after the other before the first one goes into its tracker.
const BATCH: usize = 16;

/// Polls all GPUs that have readings of their own. Tables are read first and tracked afterwards, so that they are close
/// together. A reading that takes long is tracked at once: meanwhile another thread may read a newer one. `each` gets index, GPU
/// and result, of which boundary and receipt time are not set. Returns the receipt time of the last ones.
#[inline(always)]
pub fn poll_all<'a>(devices: &'a [Device], mut each: impl FnMut(usize, &'a Device, &mut PollResult)) -> ReceiptTime {
    let mut seen = ReceiptTime::default();
    for (begin, batch) in devices.chunks(BATCH).enumerate().map(|(k, batch)| (k * BATCH, batch)) {
        let mut read: [Option<ReadSample>; BATCH] = [None; BATCH];
        let now = coarse_ns();
        for (i, (device, read)) in batch.iter().zip(&mut read).enumerate().filter(|(_, (d, _))| !d.is_secondary()) {
            *read = device.read_sample(now);
            if !read.as_ref().is_some_and(ReadSample::is_of_table) {
                each(begin + i, device, &mut device.add_sample(read.take().as_mut(), &mut ReceiptTime::default()));
            }
        }
        seen = ReceiptTime::default();
        for (i, (device, read)) in batch.iter().zip(&mut read).enumerate() {
            if let Some(read) = read {
                each(begin + i, device, &mut device.add_sample(Some(read), &mut seen));
            }
        }
    }
    seen
}

/// What a window needs beside the samples at its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SamplingNeed {
    None,
    /// The counter has 32 bits: samples so often that a wraparound is not missed.
    Wraparounds,
    /// There is no count to rely on: power is integrated.
    Integration,
}

impl PollResult {
    #[cold]
    fn none() -> PollResult {
        let sample = RawSample { seen_ns: boot_ns(), ..RawSample::default() };
        let tracker = AccumulatorTracker::new(64, UNKNOWN_LIMIT_MW);
        PollResult {
            sample,
            snapshot: tracker.snapshot(sample.seen_ns),
            max_power_mw: tracker.max_power_mw(),
            may_wrap: false,
        }
    }
}

impl Device {
    /// What windows need, as far as is known from earlier polls and checks.
    #[must_use]
    pub fn sampling_need(&self) -> Option<SamplingNeed> {
        let (counted, may_wrap) = self.tracker.lock().as_ref().map(|t| (t.is_counting(), t.may_wrap()))?;
        (!self.counter_state().is_checked_again()).then(|| self.need(counted, may_wrap))
    }

    /// What a window needs that begins with a poll.
    #[must_use]
    #[inline]
    pub fn sampling_need_for(&self, polled: &TrackerSnapshot, may_wrap: bool) -> SamplingNeed {
        self.need(polled.counted.is_some(), may_wrap)
    }

    #[inline]
    fn need(&self, counted: bool, may_wrap: bool) -> SamplingNeed {
        match counted && self.counter_state().is_usable() {
            true if may_wrap => SamplingNeed::Wraparounds,
            true => SamplingNeed::None,
            false => SamplingNeed::Integration,
        }
    }

    /// Takes a sample and adds it to the tracker. After a panic there are none of this GPU any more.
    pub fn poll(&self) -> PollResult {
        let mut read = self.read_sample(coarse_ns());
        let seen_ns = boot_ns();
        let mut polled = self.add_sample(read.as_mut(), &mut ReceiptTime(Some(seen_ns)));
        if polled.sample.seen_ns == SEEN_TOGETHER {
            polled.sample.seen_ns = seen_ns;
        }
        polled.snapshot.boundary_ns = polled.sample.seen_ns;
        polled
    }

    /// The same where a panic of one GPU must not end what is done for the others.
    pub fn poll_contained(&self) -> PollResult {
        self.broken.contain(|| self.poll()).unwrap_or_else(PollResult::none)
    }

    /// Reads the source; `now` is a recent [`coarse_ns`]. `None` after a panic.
    #[inline(always)]
    fn read_sample(&self, now: u64) -> Option<ReadSample> {
        if self.broken.is_set() {
            return None;
        }
        let before = self.samples.load(Ordering::Acquire);
        Some(ReadSample { sample: self.broken.mark(|| self.read_source(now)), before })
    }

    #[inline(always)]
    fn add_sample(&self, read: Option<&mut ReadSample>, seen: &mut ReceiptTime) -> PollResult {
        match read {
            Some(read) if !self.broken.is_set() => self.broken.mark(|| self.track(read, seen)),
            _ => PollResult::none(),
        }
    }

    /// The source is read without the lock, so another thread may have read later and been faster with its sample: that one
    /// then stands for both.
    #[inline(always)]
    fn track(&self, ReadSample { sample, before }: &mut ReadSample, seen: &mut ReceiptTime) -> PollResult {
        let mut guard = self.tracker.lock();
        // The limit of a suspended GPU cannot be read. Where the power can be, only the counter is busy.
        let mut none_yet = None;
        let is_suspended = sample.suspended && sample.power_mw.is_none();
        let tracker = if is_suspended && guard.is_none() { &mut none_yet } else { &mut *guard };
        let tracker = match tracker {
            Some(tracker) => tracker,
            none => none.insert(self.new_tracker(sample)),
        };
        // The accumulator reads 0 for one refresh after a reset, and while the table is not filled. Once it has been above 0, a
        // 0 is not a count and is discarded.
        if sample.accumulator == Some(0) && tracker.has_counted() {
            sample.accumulator = None;
        }
        let samples = self.samples.load(Ordering::Relaxed);
        if !tracker.is_repeated(sample) && (samples == *before || !tracker.is_ahead_of(sample)) {
            if sample.seen_ns == SEEN_TOGETHER {
                sample.seen_ns = seen.get();
            }
            self.samples.store(samples.wrapping_add(1), Ordering::Release);
            tracker.add(sample);
        }
        let is_stuck = tracker.is_stuck();
        let polled = PollResult {
            sample: *sample,
            snapshot: tracker.snapshot(0),
            max_power_mw: tracker.max_power_mw(),
            may_wrap: tracker.may_wrap(),
        };
        drop(guard);
        if is_stuck && self.counter_state().is_usable() {
            self.reject_counter();
        }
        polled
    }

    #[cold]
    fn reject_counter(&self) {
        self.set_counter_state(CounterState::Stuck);
        log::warning(|| format!("{}: its energy counter is stuck, and is no longer used", self.label()));
    }

    #[cold]
    fn new_tracker(&self, first: &RawSample) -> AccumulatorTracker {
        let shows_all_bits = matches!(self.source, Source::Sysfs(_)) && first.firmware_ns.is_some();
        let gfx_target = self.identity.location.node.as_ref().and_then(|n| n.gfx_target);
        let bits = counter_bits(gfx_target, self.identity.device_id, shows_all_bits);
        AccumulatorTracker::new(bits, self.highest_limit_mw())
    }

    #[inline(always)]
    fn read_source(&self, now: u64) -> RawSample {
        if self.is_secondary() {
            // The package is measured by another GPU.
            return RawSample { seen_ns: SEEN_TOGETHER, ..RawSample::default() };
        }
        let Some((r, resolution)) = self.read_fast(EnergyResolution::Reported, now) else { return self.poll_slow() };
        RawSample {
            seen_ns: SEEN_TOGETHER,
            accumulator: Some(r.energy),
            resolution_uj: resolution.uj,
            driver_ns: Some(r.driver_time_ns),
            firmware_ns: Some(r.firmware_time_ns),
            power_mw: Some(r.power_mw.into()),
            power_in_table: true,
            averaged: !r.instant,
            ..RawSample::default()
        }
    }

    #[inline(never)]
    fn poll_slow(&self) -> RawSample {
        // A power without a time may come from the library's cache.
        let oldest_ns = if matches!(self.source, Source::Amdsmi(_)) { AMDSMI_CACHE_NS } else { 0 };
        let begun_ns = boot_ns().saturating_sub(oldest_ns);
        let r = self.source.reading(&self.staleness, false);
        let Powers { instant_mw, average_mw } = r.powers;
        // A secondary die reads 0. If it was identified as the primary die by mistake, its 0 is not a count.
        let energy = r.energy.ok().filter(|e| e.accumulator > 0 || self.identity.role != Role::PrimaryDie);
        RawSample {
            begun_ns,
            seen_ns: boot_ns(),
            accumulator: energy.map(|e| e.accumulator),
            counter_unsupported: r.counter_unsupported,
            suspended: r.energy.err() == Some(Kind::Busy),
            resolution_uj: energy.map_or(0.0, |e| e.resolution_uj),
            driver_ns: r.driver_ns,
            firmware_ns: energy.and_then(|e| e.firmware_time_ns),
            // A power that is repeated says nothing of the time since.
            power_mw: instant_mw.or(average_mw).filter(|_| r.stale_ms.is_none()),
            power_in_table: r.powers_in_table,
            power_unsupported: r.power_unsupported && !r.powers.any(),
            averaged: instant_mw.is_none() && average_mw.is_some(),
            stale: r.stale_ms.is_some(),
            ..RawSample::default()
        }
    }

    /// Counter and power over the time since the last gap, if it is long enough.
    #[must_use]
    pub fn agreement(&self) -> Option<Agreement> {
        self.tracker.lock().as_ref().and_then(AccumulatorTracker::agreement)
    }

    /// When a 32-bit counter may wrap around.
    #[must_use]
    pub fn wrap(&self) -> Option<Wrap> {
        self.tracker.lock().as_ref().and_then(AccumulatorTracker::wrap)
    }

    fn highest_limit_mw(&self) -> u64 {
        let limits = match &self.source {
            _ if self.is_secondary() => None,
            Source::Sysfs(sysfs) => sysfs.power_limits().ok(),
            Source::Amdsmi(amdsmi) => amdsmi.power_limits().ok(),
        };
        let highest_uw = limits.and_then(|l| l.max_uw.max(l.current_uw).max(l.default_uw));
        highest_uw.map(|uw| uw / 1000).filter(|mw| *mw > 0).unwrap_or(UNKNOWN_LIMIT_MW)
    }
}

/// Width of the accumulator. The firmware of MI100 and Radeon counts in 32 bits, that of MI200 and later in 64, MI400 (gfx12.5)
/// included. Drivers of April 2021 dropped the upper 32 bits on MI200. They write tables of revision 1.1: the patch that
/// brought 1.2, and with it the firmware's time, is made on the file that the fix left ("expose pmfw attached timestamp on
/// Aldebaran", blob 771e2f0acdd3). So on MI200 a table with that time has all 64 bits; libamd_smi does not show it, and there
/// the counter is taken for 32 bits wide until a larger count is read.
fn counter_bits(gfx_target: Option<u32>, device_id: Option<u16>, shows_all_bits: bool) -> u32 {
    const BEFORE_MI200: [u16; 4] = [0x7388, 0x738c, 0x738e, 0x7390];
    const MI200: [u16; 4] = [0x7408, 0x740c, 0x740f, 0x7410];
    let is_one_of = |ids: [u16; 4]| device_id.is_some_and(|id| ids.contains(&id));
    match gfx_target {
        Some(90_010) if shows_all_bits => 64,
        None if is_one_of(MI200) && shows_all_bits => 64,
        Some(gfx) if gfx < 90400 || (100_000..120_500).contains(&gfx) => 32,
        None if is_one_of(MI200) || is_one_of(BEFORE_MI200) => 32,
        _ => 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_of_counters() {
        for gfx in [90_008, 90_010, 100_300, 110_000, 120_000, 120_001] {
            assert_eq!(counter_bits(Some(gfx), None, false), 32, "{gfx}");
        }
        for gfx in [90_402, 90_500, 120_500, 120_501] {
            assert_eq!(counter_bits(Some(gfx), None, false), 64, "{gfx}");
        }
        assert_eq!(counter_bits(Some(90_010), None, true), 64);
    }
}
