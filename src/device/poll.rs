//! Looks at a GPU: what it counts and draws, into the book that windows and samplers read.

use super::Device;
use crate::energy::CounterState;
use crate::energy::{AccumulatorTracker, EnergyResolution, RawSample, TrackerSnapshot};
use crate::error::Kind;
use crate::platform::clock::boot_ns;
use crate::platform::log;

/// No GPU draws more for long, if nothing tells of its limit.
const UNKNOWN_LIMIT_MW: u64 = 1_500_000;

/// What a look came to.
pub struct PollResult {
    pub sample: RawSample,
    /// The state of the book after it; its edge is when the look was over.
    pub snapshot: TrackerSnapshot,
    pub max_power_mw: u64,
    /// How long a 32-bit counter takes to come round at most power.
    pub wrap_ns: Option<u64>,
}

impl Device {
    /// Looks, and writes it into the book.
    pub fn poll(&self) -> PollResult {
        let begun = self.tracker.lock().is_some();
        // Asks for the limit, which may have something to log: not with the lock held, the host's sink may call back.
        let fresh = (!begun).then(|| AccumulatorTracker::new(self.counter_bits(), self.highest_limit_mw()));
        let mut guard = self.tracker.lock();
        let tracker =
            guard.get_or_insert_with(|| fresh.unwrap_or_else(|| AccumulatorTracker::new(64, UNKNOWN_LIMIT_MW)));
        let sample = self.poll_source();
        tracker.add(&sample);
        let stopped = tracker.is_stuck();
        let polled = PollResult {
            sample,
            snapshot: tracker.snapshot(sample.seen_ns),
            max_power_mw: tracker.max_power_mw(),
            wrap_ns: tracker.wrap_ns(),
        };
        drop(guard);
        if stopped && self.counter_state().is_usable() {
            self.set_counter_state(CounterState::Stuck);
            log::warning(|| format!("{}: its energy counter has stopped, and is not used any more", self.label()));
        }
        polled
    }

    fn poll_source(&self) -> RawSample {
        let mut sample = RawSample::default();
        if let Ok(r) = self.reading(EnergyResolution::Reported, false) {
            if let Some(raw) = r.energy {
                sample.accumulator = Some(raw.accumulator);
                sample.resolution_uj = raw.resolution_uj;
                sample.firmware_ns = raw.firmware_time_ns;
            }
            sample.driver_ns = r.driver_ns;
            sample.stale = r.stale_ms.is_some();
            sample.counter_unsupported = r.counter_unsupported;
            sample.suspended = r.why == Some(Kind::Busy);
            sample.power_mw = r.instant_mw.or(r.average_mw);
            sample.averaged = r.instant_mw.is_none() && r.average_mw.is_some();
            sample.power_unsupported = r.power_unsupported;
        }
        sample.seen_ns = boot_ns();
        sample
    }

    /// The firmware of MI100 and of Radeon counts in 32 bits, that of MI200 and later in 64. Early drivers lost the upper
    /// half for MI200, so these have 32 until more are seen.
    fn counter_bits(&self) -> u32 {
        const UP_TO_MI200: [u16; 8] = [0x7388, 0x738c, 0x738e, 0x7390, 0x7408, 0x740c, 0x740f, 0x7410];
        match self.place.node.as_ref().and_then(|n| n.gfx_target) {
            Some(gfx) if gfx < 90400 || (100_000..130_000).contains(&gfx) => 32,
            None if self.device_id.is_some_and(|id| UP_TO_MI200.contains(&id)) => 32,
            _ => 64,
        }
    }

    fn highest_limit_mw(&self) -> u64 {
        let limits = self.power_limits().ok();
        let highest = limits.and_then(|l| l.max_mw.max(l.current_mw).max(l.default_mw));
        highest.filter(|mw| *mw > 0).unwrap_or(UNKNOWN_LIMIT_MW)
    }
}
