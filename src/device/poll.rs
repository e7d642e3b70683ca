//! Polls a GPU: count and power go into the tracker that windows and samplers read.

use super::readings::Device;
use super::source::Source;
use crate::energy::{AccumulatorTracker, CounterState, EnergyResolution, RawSample, TrackerSnapshot};
use crate::error::Kind;
use crate::gpu::Powers;
use crate::platform::clock::boot_ns;
use crate::platform::log;
use crate::sysfs::hwmon::UNKNOWN_LIMIT_MW;
use crate::topology::Role;

pub struct PollResult {
    pub sample: RawSample,
    /// The tracker after the sample; its boundary is the time of the sample.
    pub snapshot: TrackerSnapshot,
    pub max_power_mw: u64,
    /// How long a 32-bit counter takes to wrap around at the highest power.
    pub wrap_ns: Option<u64>,
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
            wrap_ns: None,
        }
    }
}

impl Device {
    /// Takes a sample and adds it to the tracker. After a panic there are none of this GPU any more.
    pub fn poll(&self) -> PollResult {
        if self.broken.is_set() {
            return PollResult::none();
        }
        self.broken.mark(|| self.take_sample())
    }

    /// The same where a panic of one GPU must not end what is done for the others.
    pub fn poll_contained(&self) -> PollResult {
        self.broken.contain(|| self.poll()).unwrap_or_else(PollResult::none)
    }

    fn take_sample(&self) -> PollResult {
        let mut guard = self.tracker.lock();
        let mut sample = self.poll_source();
        // The limit of a suspended GPU cannot be read.
        let mut none_yet = None;
        let tracker = if sample.suspended && guard.is_none() { &mut none_yet } else { &mut *guard };
        let tracker =
            tracker.get_or_insert_with(|| AccumulatorTracker::new(self.counter_bits(), self.highest_limit_mw()));
        // The accumulator reads 0 for one refresh after a reset, and while the table is not filled. Once it has been above 0, a
        // 0 is not a count and is discarded.
        if sample.accumulator == Some(0) && tracker.has_counted() {
            sample.accumulator = None;
        }
        tracker.add(&sample);
        let is_stuck = tracker.is_stuck();
        let polled = PollResult {
            sample,
            snapshot: tracker.snapshot(sample.seen_ns),
            max_power_mw: tracker.max_power_mw(),
            wrap_ns: tracker.wrap_ns(),
        };
        drop(guard);
        if is_stuck && self.counter_state().is_usable() {
            self.set_counter_state(CounterState::Stuck);
            log::warning(|| format!("{}: its energy counter is stuck, and is no longer used", self.label()));
        }
        polled
    }

    fn poll_source(&self) -> RawSample {
        let mut sample = RawSample::default();
        if self.is_secondary() {
            // The package is measured by another GPU.
        } else if let Some((r, resolution)) = self.read_fast(EnergyResolution::Reported) {
            sample.accumulator = Some(r.energy);
            sample.resolution_uj = resolution.uj;
            sample.driver_ns = Some(r.driver_time_ns);
            sample.firmware_ns = Some(r.firmware_time_ns);
            sample.power_mw = Some(r.power_mw.into());
            sample.averaged = !r.instant;
        } else {
            sample = self.poll_slow();
        }
        sample.seen_ns = boot_ns();
        sample
    }

    #[inline(never)]
    fn poll_slow(&self) -> RawSample {
        let r = self.source.reading(&self.staleness, false);
        let Powers { instant_mw, average_mw } = r.powers;
        // A secondary die reads 0. If it was identified as the primary die by mistake, its 0 is not a count.
        let energy = r.energy.ok().filter(|e| e.accumulator > 0 || self.identity.role != Role::PrimaryDie);
        RawSample {
            seen_ns: 0,
            accumulator: energy.map(|e| e.accumulator),
            counter_unsupported: r.counter_unsupported,
            suspended: r.energy.err() == Some(Kind::Busy),
            resolution_uj: energy.map_or(0.0, |e| e.resolution_uj),
            driver_ns: r.driver_ns,
            firmware_ns: energy.and_then(|e| e.firmware_time_ns),
            power_mw: instant_mw.or(average_mw),
            power_unsupported: r.power_unsupported && !r.powers.any(),
            averaged: instant_mw.is_none() && average_mw.is_some(),
            stale: r.stale_ms.is_some(),
        }
    }

    /// Width of the accumulator. The firmware of MI100 and Radeon counts in 32 bits, that of MI200 and later in 64. Early
    /// drivers dropped the upper 32 bits on MI200, so MI200 is treated as 32-bit until a larger count is read.
    fn counter_bits(&self) -> u32 {
        const UP_TO_MI200: [u16; 8] = [0x7388, 0x738c, 0x738e, 0x7390, 0x7408, 0x740c, 0x740f, 0x7410];
        match self.identity.location.node.as_ref().and_then(|n| n.gfx_target) {
            Some(gfx) if gfx < 90400 || (100_000..130_000).contains(&gfx) => 32,
            None if self.identity.device_id.is_some_and(|id| UP_TO_MI200.contains(&id)) => 32,
            _ => 64,
        }
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
