//! Validation of the energy counters while a session is opened, for all GPUs concurrently.

use super::options::Validation;
use crate::device::{Device, PollResult};
use crate::energy::{self, CounterState, Observation, ValidationEvidence};
use crate::energy::{counts_pj, energy_mj, CounterStep, RawSample, TrackerSnapshot, AVERAGE_RISE_NS};
use crate::error::Result;
use crate::gpu::Power;
use crate::platform::clock::monotonic_ns;
use crate::platform::log;
use crate::platform::worker::{StopSignal, Worker};
use crate::topology::Role;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two polls of all GPUs. The fastest counters refresh every millisecond.
const POLL_INTERVAL: Duration = Duration::from_millis(4);
/// Between two checks whether a GPU is still runtime-suspended.
const SUSPENDED_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// A validation may last this long to learn the age of counts, which reduces the uncertainty of the first windows.
const CLOCK_SYNC_BUDGET_NS: u64 = 45_000_000;

/// Determines the counter state of every GPU, now or in the background. A failure on one GPU only affects its own state.
pub(super) fn validate(devices: &Arc<[Device]>, validation: Validation) -> Result<Option<Worker>> {
    for d in devices.iter() {
        match d.identity.role {
            Role::SecondaryDie { .. } => d.set_counter_state(CounterState::SecondaryDie),
            Role::SecondaryPartition { .. } if d.is_secondary() => {
                d.set_counter_state(CounterState::SecondaryPartition);
            }
            _ => {}
        }
    }
    match validation {
        Validation::Off => Ok(None),
        Validation::Fixed => {
            fixed(devices);
            continue_in_background(devices)
        }
        Validation::Adaptive => {
            adaptive(&with_own_counter(devices), &StopSignal::default());
            continue_in_background(devices)
        }
        Validation::Background => {
            for d in with_own_counter(devices) {
                d.set_counter_state(CounterState::Pending);
                d.poll_contained();
            }
            in_background(devices).map(Some)
        }
    }
}

/// GPUs that were suspended, or whose counters could not be read, are checked again.
fn continue_in_background(devices: &Arc<[Device]>) -> Result<Option<Worker>> {
    if unchecked(with_own_counter(devices)).is_empty() {
        return Ok(None);
    }
    in_background(devices).map(Some)
}

fn with_own_counter(devices: &[Device]) -> Vec<&Device> {
    devices.iter().filter(|d| !d.is_secondary() && !d.broken.is_set()).collect()
}

fn set_and_log(device: &Device, counter_state: CounterState) {
    let is_known = device.counter_state() == counter_state;
    device.set_counter_state(counter_state);
    if is_known {
        return;
    }
    if counter_state == CounterState::Pending {
        log::info(|| format!("{}: runtime-suspended or in reset; its energy counter is checked later", device.label()));
    } else if !counter_state.is_usable() {
        log::warning(|| format!("{}: its energy counter is not used: {}", device.label(), counter_state.why()));
    }
}

/// Zeus's check (zeus/device/gpu/amd.py).
fn fixed(devices: &[Device]) {
    let with_own_counter = with_own_counter(devices);
    // A count of 0 is one that does not move.
    let energy = |d: &Device| {
        let sample = d.poll_contained().sample;
        (sample.accumulator.and_then(|count| energy_mj(count, sample.resolution_uj)), sample)
    };
    let power = |d: &Device| d.power_mw(Power::Average).or_else(|_| d.power_mw(Power::Instant)).ok();
    let powers: Vec<_> = with_own_counter.iter().map(|d| power(d)).collect();
    let before: Vec<_> = with_own_counter.iter().map(|d| energy(d)).collect();
    if before.iter().any(|(mj, _)| mj.is_some()) {
        std::thread::sleep(Duration::from_nanos(energy::FIXED_NS));
    }
    for ((d, power), (before, sample)) in with_own_counter.iter().zip(powers).zip(before) {
        let after = before.and_then(|_| energy(d).0);
        let state = match energy::zeus_rule(power, before, after) {
            CounterState::Unsupported if sample.suspended => CounterState::Pending,
            CounterState::Unsupported if !sample.counter_unsupported => CounterState::Unreadable,
            // An old power is none to compare with, but the whole table stands.
            CounterState::NoPowerToCompare if sample.stale && after == before => CounterState::Stuck,
            state => state,
        };
        set_and_log(d, state);
    }
}

/// A counter whose validation has not finished.
struct PendingCheck<'a> {
    device: &'a Device,
    /// Receipt times of the first and the last sample; once there is a count, of those that have one.
    seen_ns: Option<(u64, u64)>,
    evidence: ValidationEvidence,
    last: Option<TrackerSnapshot>,
}

impl PendingCheck<'_> {
    /// Polls once. Returns `false` when the state is decided.
    fn step(&mut self, begun_ns: u64) -> bool {
        let polled = self.device.poll_contained();
        let observation = observation(&polled, self.last.replace(polled.snapshot));
        // Failed readings do not show whether the counter advances: their time is none in which it was observed.
        match (self.evidence.has_count(), observation.counter) {
            (false, true) => self.restart(),
            (true, false) => return self.wait_for_count(&polled.sample),
            _ => {}
        }
        self.evidence.add(observation);
        // The first sample is older, and this one newer, than these times: the evidence covers at least that much. The time
        // of this call alone would count a delay of this thread before the first poll.
        let (first_ns, last_ns) = self.seen_ns.unwrap_or((polled.sample.seen_ns, polled.sample.seen_ns));
        let observed_ns = last_ns.saturating_sub(first_ns);
        self.seen_ns = Some((first_ns, polled.sample.seen_ns));
        let counter_state = match self.evidence.decide_early() {
            None if self.evidence.is_complete(observed_ns) => self.evidence.decide_final(observed_ns),
            None => return true,
            Some(_)
                if polled.sample.firmware_ns.is_some()
                    && polled.snapshot.age_uncertainty_ns > 0
                    && observed_ns < CLOCK_SYNC_BUDGET_NS =>
            {
                return true;
            }
            Some(early) => early,
        };
        if self.evidence.may_change(counter_state) && monotonic_ns() - begun_ns < AVERAGE_RISE_NS {
            self.restart();
            return true;
        }
        set_and_log(self.device, counter_state);
        false
    }

    fn restart(&mut self) {
        (self.seen_ns, self.evidence) = (None, ValidationEvidence::default());
    }

    /// A counter that has been read cannot be read now. Returns `false` when that has lasted for too long.
    fn wait_for_count(&self, failed: &RawSample) -> bool {
        let last_ns = self.seen_ns.map_or(failed.seen_ns, |(_, last_ns)| last_ns);
        let waits = failed.seen_ns.saturating_sub(last_ns) < energy::FIXED_NS;
        if !waits {
            set_and_log(self.device, not_read(failed));
        }
        waits
    }
}

/// Polls until each counter's state is decided, for half a second or, if that was too short for enough samples, a little more.
/// The counter of a suspended GPU stays pending. A check whose powers are missing, or may not be those of its counts, is
/// repeated.
fn adaptive(devices: &[&Device], signal: &StopSignal) {
    let begun_ns = monotonic_ns();
    let new = |&device| PendingCheck { device, seen_ns: None, evidence: ValidationEvidence::default(), last: None };
    let mut open: Vec<PendingCheck> = devices.iter().map(new).collect();
    loop {
        open.retain_mut(|o| o.step(begun_ns));
        if open.is_empty() || !signal.wait_until(Instant::now() + POLL_INTERVAL) {
            return;
        }
    }
}

/// The state of a counter whose reading failed.
fn not_read(failed: &RawSample) -> CounterState {
    if failed.suspended {
        CounterState::Pending
    } else {
        CounterState::Unreadable
    }
}

fn unchecked(devices: Vec<&Device>) -> Vec<&Device> {
    devices.into_iter().filter(|d| d.counter_state().is_checked_again() && !d.broken.is_set()).collect()
}

/// What a poll shows beyond the last one, including the polls of other threads in between.
fn observation(polled: &PollResult, last: Option<TrackerSnapshot>) -> Observation {
    let step = last.map_or(CounterStep::NoBaseline, |last| polled.snapshot.since(&last));
    let advance = match step {
        CounterStep::Advanced { counts, ns } => Some((counts_pj(counts, polled.sample.resolution_uj), ns)),
        CounterStep::NoBaseline | CounterStep::Unchanged | CounterStep::Reset => None,
    };
    Observation {
        advance,
        reset: step == CounterStep::Reset,
        counter: polled.sample.accumulator.is_some(),
        counter_unsupported: polled.sample.counter_unsupported,
        suspended: polled.sample.suspended,
        power_mw: polled.sample.power_mw,
        averaged: polled.sample.averaged,
        power_unsupported: polled.sample.power_unsupported,
        stale: polled.sample.stale,
        timed: polled.sample.driver_ns.is_some(),
    }
}

/// Continues in the background until each counter has been read and checked, or the session is closed.
fn in_background(devices: &Arc<[Device]>) -> Result<Worker> {
    let devices = devices.clone();
    Worker::start(c"zeus_amd-check", "checks the energy counters", move |signal| {
        let mut open = unchecked(with_own_counter(&devices));
        let is_readable = |d: &&Device| {
            let sample = d.poll_contained().sample;
            let is_readable = sample.accumulator.is_some() || sample.counter_unsupported;
            if !is_readable {
                set_and_log(d, not_read(&sample));
            }
            is_readable
        };
        loop {
            let readable: Vec<&Device> = open.iter().copied().filter(is_readable).collect();
            adaptive(&readable, signal);
            open = unchecked(open);
            if open.is_empty() || !signal.wait_until(Instant::now() + SUSPENDED_POLL_INTERVAL) {
                return;
            }
        }
    })
}
