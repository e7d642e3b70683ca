//! Are the energy counters to be trusted? Asked while a session is opened, of all GPUs at once.

use super::Validation;
use crate::device::{Device, PollResult, Power};
use crate::energy::{self, CounterStatus, Observation, ValidationEvidence};
use crate::energy::{counts_pj, CounterStep, EnergyResolution, TrackerSnapshot};
use crate::error::{Error, Result};
use crate::platform::clock::monotonic_ns;
use crate::platform::log;
use crate::platform::worker::{StopSignal, Worker};
use crate::topology::Role;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at all GPUs: the fastest counters move every millisecond.
const PAUSE: Duration = Duration::from_millis(4);
/// Between two looks at whether a GPU still sleeps.
const NAP: Duration = Duration::from_secs(1);
/// A little longer than it takes to trust a counter, the first windows know how old its counts are, and have a tight bound.
const FOR_AGES_NS: u64 = 45_000_000;
/// How long an averaged power may take to follow the load.
const AVERAGED_NS: u64 = 4_000_000_000;

/// Gives every GPU its verdict, now or in a while. A failure on one is that one's verdict.
pub(super) fn validate(devices: &Arc<[Device]>, validation: Validation) -> Result<Option<Worker>> {
    for d in devices.iter() {
        match d.role {
            Role::SecondaryDie { .. } => d.set_verdict(CounterStatus::SecondaryDie),
            Role::SecondaryPartition { .. } => d.set_verdict(CounterStatus::SecondaryPartition),
            Role::Single | Role::PrimaryDie => {}
        }
    }
    match validation {
        Validation::Off => Ok(None),
        Validation::Fixed => {
            fixed(devices);
            Ok(None)
        }
        Validation::Adaptive => {
            adaptive(&counting(devices), &StopSignal::default());
            // What sleeps holds nobody up.
            if pending(counting(devices)).is_empty() {
                return Ok(None);
            }
            in_background(devices).map(Some)
        }
        Validation::Background => {
            for d in counting(devices) {
                d.set_verdict(CounterStatus::Pending);
                d.look();
            }
            in_background(devices).map(Some)
        }
    }
}

fn counting(devices: &[Device]) -> Vec<&Device> {
    devices.iter().filter(|d| !d.is_secondary()).collect()
}

fn settle(device: &Device, verdict: CounterStatus) {
    device.set_verdict(verdict);
    if verdict == CounterStatus::Pending {
        log::info(|| format!("{}: it sleeps or is in reset; its energy counter is checked later", device.label()));
    } else if !verdict.is_usable() {
        log::warning(|| format!("{}: its energy counter is not used: {}", device.label(), verdict.why()));
    }
}

/// Zeus's check.
fn fixed(devices: &[Device]) {
    let counting = counting(devices);
    let energy = |d: &Device| d.raw_energy(EnergyResolution::Reported).and_then(|r| d.to_mj(&r)).ok();
    let power = |d: &Device| d.power_mw(Power::Average).or_else(|_| d.power_mw(Power::Instant)).ok();
    let powers: Vec<_> = counting.iter().map(|d| power(d)).collect();
    let before: Vec<_> = counting.iter().map(|d| energy(d)).collect();
    if before.iter().any(Option::is_some) {
        std::thread::sleep(Duration::from_millis(energy::FIXED_MS));
    }
    for ((d, power), before) in counting.iter().zip(powers).zip(before) {
        settle(d, energy::fixed(power, before, before.and_then(|_| energy(d))));
    }
}

/// A counter that is looked at, since when, and what was seen.
struct PendingCheck<'a> {
    device: &'a Device,
    since_ns: u64,
    evidence: ValidationEvidence,
    last: Option<TrackerSnapshot>,
}

impl PendingCheck<'_> {
    /// Looks once more; is it still open?
    fn look(&mut self, begun_ns: u64) -> bool {
        let now_ns = monotonic_ns();
        let looked = self.device.look();
        self.evidence.add(seen(&looked, self.last.replace(looked.mark)));
        let looked_ns = now_ns - self.since_ns;
        let last = looked_ns >= energy::FIXED_MS * 1_000_000;
        let verdict = match self.evidence.early() {
            None if last => self.evidence.late(looked_ns),
            None => return true,
            Some(_) if looked.look.firmware_ns.is_some() && looked.mark.unsure_ns > 0 && looked_ns < FOR_AGES_NS => {
                return true;
            }
            Some(early) => early,
        };
        if verdict == CounterStatus::Implausible && self.evidence.is_behind() && now_ns - begun_ns < AVERAGED_NS {
            (self.since_ns, self.evidence) = (now_ns, ValidationEvidence::default());
            return true;
        }
        settle(self.device, verdict);
        false
    }
}

/// Looks until each counter is known, or its half second is over; one that slept through it stays pending. Where an averaged
/// power has yet to follow the load, another half second decides.
fn adaptive(devices: &[&Device], signal: &StopSignal) {
    let begun_ns = monotonic_ns();
    let new =
        |&device| PendingCheck { device, since_ns: begun_ns, evidence: ValidationEvidence::default(), last: None };
    let mut open: Vec<PendingCheck> = devices.iter().map(new).collect();
    loop {
        open.retain_mut(|o| o.look(begun_ns));
        if open.is_empty() || !signal.wait_until(Instant::now() + PAUSE) {
            return;
        }
    }
}

fn pending(devices: Vec<&Device>) -> Vec<&Device> {
    devices.into_iter().filter(|d| d.verdict() == CounterStatus::Pending).collect()
}

/// What a look shows beyond the last one: also what others have seen in between, who may look more often.
fn seen(looked: &PollResult, last: Option<TrackerSnapshot>) -> Observation {
    let step = last.map_or(CounterStep::NoBaseline, |last| looked.mark.since(&last));
    let moved = match step {
        CounterStep::Advanced { counts, ns } => Some((counts_pj(counts, looked.look.unit_uj), ns)),
        CounterStep::NoBaseline | CounterStep::Unchanged | CounterStep::Reset => None,
    };
    Observation {
        moved,
        reset: step == CounterStep::Reset,
        counter: looked.look.accumulator.is_some(),
        no_counter: looked.look.no_counter,
        asleep: looked.look.asleep,
        power_mw: looked.look.power_mw,
        averaged: looked.look.averaged,
        no_power: looked.look.no_power,
        timed: looked.look.driver_ns.is_some(),
    }
}

/// Goes on behind the open session, and ends with it, or when nothing is pending any more.
fn in_background(devices: &Arc<[Device]>) -> Result<Worker> {
    let theirs = devices.clone();
    let worker = Worker::start("zeus_amd-check", move |signal| {
        let mut open = pending(counting(&theirs));
        loop {
            let awake: Vec<&Device> = open.iter().copied().filter(|d| !d.look().look.asleep).collect();
            adaptive(&awake, signal);
            open = pending(open);
            if open.is_empty() || !signal.wait_until(Instant::now() + NAP) {
                return;
            }
        }
    });
    worker.map_err(|source| Error::Io { path: "a thread that checks the energy counters".into(), source })
}
