//! The poll period of one GPU: the requested one, the refresh period of its readings, or the time to its next wraparound.

use crate::device::{Device, PollResult};
use crate::energy::{Wrap, FIRMWARE_REFRESH_NS, SLOWEST_REFRESH_NS};
use crate::platform::clock::boot_ns;
use std::time::{Duration, Instant};

/// Limits of the refresh period.
const FASTEST: Duration = Duration::from_nanos(FIRMWARE_REFRESH_NS);
const SLOWEST: Duration = Duration::from_nanos(SLOWEST_REFRESH_NS);
/// Shortest period for readings without a timestamp.
const UNTIMED_PERIOD: Duration = Duration::from_millis(10);
/// The period is adapted after this many polls.
const POLLS_PER_DECISION: u32 = 32;
/// An adapted period uses at most one part in this many of one CPU.
const MAX_CPU_FRACTION: u32 = 10;
/// Windows whose power is integrated follow each other: between them the polls go on for so long.
const LINGER: Duration = Duration::from_secs(1);
/// Without anything to do, the time to the next round.
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// The poll period around a wraparound, and of a counter that is 64 bits wide after all.
const SLOWEST_WRAP: Duration = Duration::from_secs(1);

/// The thread may have to wait for a processor for so long.
const MAX_DELAY: Duration = Duration::from_secs(20);

pub(super) struct PollScheduler {
    next: Option<Instant>,
    /// The period of the next polls.
    period: Duration,
    /// The adapted period: an estimate of the refresh period.
    adapted: Duration,
    /// Duration of one round of polls.
    cost: Duration,
    fresh: u32,
    repeated: u32,
    /// The driver's time of the last reading.
    last_driver_ns: u64,
    wrap: Option<Wrap>,
    /// See [`super::sampler::Sampler`].
    watched: u64,
    /// Samplers run.
    samples: bool,
    /// Windows are open, or were a moment ago.
    lingers_until: Option<Instant>,
    /// The GPU has had a count.
    counted: bool,
}

impl PollScheduler {
    pub fn new() -> Self {
        PollScheduler {
            next: None,
            period: SLOWEST,
            adapted: FASTEST,
            cost: Duration::ZERO,
            fresh: 0,
            repeated: 0,
            last_driver_ns: 0,
            wrap: None,
            watched: 0,
            samples: false,
            lingers_until: None,
            counted: false,
        }
    }

    fn has_open_windows(&self) -> bool {
        self.watched as u32 > 0
    }

    /// A sampler's own period may be longer than a 32-bit counter takes to wrap around.
    fn watches_wraps(&self) -> bool {
        self.has_open_windows() || (self.samples && self.wrap.is_some())
    }

    fn wrap_period(&self) -> Duration {
        self.wrap.map_or(SLOWEST_WRAP, |wrap| time_to_poll(wrap, boot_ns()))
    }

    /// What the samplers (their periods; `None`: the refresh period) and the windows need.
    pub fn request(
        &mut self,
        now: Instant,
        device: &Device,
        watched: u64,
        sampler_periods: impl Iterator<Item = Option<Duration>>,
    ) {
        let adapted = self.adapted.max(self.cost * MAX_CPU_FRACTION).min(SLOWEST);
        if watched != std::mem::replace(&mut self.watched, watched) || self.has_open_windows() {
            self.lingers_until = Some(now + LINGER);
        } else if self.lingers_until.is_some_and(|until| until <= now) {
            self.lingers_until = None;
        }
        let by_samplers = sampler_periods.map(|period| period.unwrap_or(adapted)).min();
        self.samples = by_samplers.is_some();
        let by_counts = match self.integrates(device) {
            // Power is integrated: every reading counts.
            true => Some(adapted),
            false => self.watches_wraps().then(|| self.wrap_period()),
        };
        let period = by_samplers.into_iter().chain(by_counts).min();
        self.period = period.unwrap_or(SLOWEST);
        if period.is_none() {
            self.wrap = device.wrap();
        }
        self.next = period.map(|period| self.next.map_or(now, |next| next.min(now + period)));
    }

    /// There is no count to rely on.
    fn lacks_counter(&self, device: &Device) -> bool {
        !(self.counted && device.counter_state().is_usable())
    }

    /// Power is integrated for windows that are open, or were a moment ago.
    pub fn integrates(&self, device: &Device) -> bool {
        self.lingers_until.is_some() && self.lacks_counter(device)
    }

    /// Windows for which power is integrated have been opened or ended since the request.
    pub fn is_outdated(&self, device: &Device, watched: u64) -> bool {
        self.watched != watched && self.lacks_counter(device)
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|n| n <= now)
    }

    /// When the next round has to be. A window on a 32-bit counter does not notify the thread, which
    /// sees it in time.
    pub fn next(&self, now: Instant) -> Instant {
        self.next.unwrap_or_else(|| now + self.wrap.map_or(IDLE, |wrap| wrap_periods(wrap).1.min(IDLE)))
    }

    /// Updates the duration of one round of polls.
    pub fn record_cost(&mut self, round: Duration) {
        self.cost = (self.cost * 7 + round) / 8;
    }

    /// After a poll: sets the time of the next one and adapts the period.
    pub fn update(&mut self, now: Instant, device: &Device, polled: &PollResult) {
        self.wrap = if polled.may_wrap { device.wrap() } else { None };
        self.counted = polled.snapshot.counted.is_some();
        // The wraparound time is known after the first poll, and decreases with a higher power.
        let is_for_wraps = self.watches_wraps() && self.wrap.is_some();
        let period = if is_for_wraps { self.period.min(self.wrap_period()) } else { self.period };
        // Polls stay on a fixed grid; missed ones are skipped.
        let scheduled = self.next.map_or(now, |n| n + period);
        self.next = Some(if scheduled > now { scheduled } else { now + period });
        let Some(driver_ns) = polled.sample.driver_ns else {
            self.adapted = self.adapted.max(UNTIMED_PERIOD);
            return;
        };
        // Compared with this thread's last reading: other threads may have polled in between.
        if std::mem::replace(&mut self.last_driver_ns, driver_ns) == driver_ns {
            self.repeated += 1;
        } else {
            self.fresh += 1;
        }
        if self.fresh + self.repeated < POLLS_PER_DECISION {
            return;
        }
        // The target is one poll per refresh: a few repeated readings show that none is missed, many that polls are too
        // frequent.
        if self.repeated > POLLS_PER_DECISION / 2 {
            self.adapted = (self.adapted * 3 / 2).min(SLOWEST);
        } else if self.repeated < POLLS_PER_DECISION / 16 {
            self.adapted = (self.adapted * 3 / 4).max(FASTEST);
        }
        (self.fresh, self.repeated) = (0, 0);
    }
}

/// The thread sleeps until a 32-bit counter may wrap around, then polls often until it has and is well above 0 again: what is
/// counted between two samples there may have been a reset.
fn time_to_poll(wrap: Wrap, now_ns: u64) -> Duration {
    let (fastest, slowest) = wrap_periods(wrap);
    Duration::from_nanos(wrap.certain_until_ns.saturating_sub(now_ns)).clamp(fastest, slowest)
}

/// The shortest and the longest time between two polls of a 32-bit counter. The number of wraparounds between two samples is
/// certain if they are less than half of the time apart that one takes.
fn wrap_periods(wrap: Wrap) -> (Duration, Duration) {
    let shortest = Duration::from_nanos(wrap.shortest_ns);
    let fastest = (shortest / 64).clamp(FASTEST, SLOWEST_WRAP);
    (fastest, (shortest / 2).saturating_sub(MAX_DELAY).max(fastest))
}

#[cfg(test)]
mod tests;
