//! The poll period of one GPU: the requested one, or the refresh period of its readings.

use crate::device::{Device, PollResult};
use crate::energy::{FIRMWARE_REFRESH_NS, SLOWEST_REFRESH_NS};
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

/// Polls per wraparound of a 32-bit counter.
const POLLS_PER_WRAP: u32 = 64;
const SLOWEST_WRAP: Duration = Duration::from_secs(1);

pub(super) struct PollScheduler {
    next: Option<Instant>,
    /// The adapted period: an estimate of the refresh period.
    adapted: Duration,
    /// Duration of one round of polls.
    cost: Duration,
    fresh: u32,
    repeated: u32,
    /// The driver's time of the last reading.
    last_driver_ns: u64,
    wrap: Option<Duration>,
    watched: bool,
    /// The GPU has had a count.
    counted: bool,
}

impl PollScheduler {
    pub fn new() -> Self {
        PollScheduler {
            next: None,
            adapted: FASTEST,
            cost: Duration::ZERO,
            fresh: 0,
            repeated: 0,
            last_driver_ns: 0,
            wrap: None,
            watched: false,
            counted: false,
        }
    }

    /// A 32-bit counter is polled often enough to detect every wraparound.
    fn wrap_poll_period(&self) -> Duration {
        self.wrap.map_or(SLOWEST_WRAP, |w| (w / POLLS_PER_WRAP).clamp(FASTEST, SLOWEST_WRAP))
    }

    /// The poll period that the samplers' periods (`None`: the refresh period) and open windows need. `None` if there are
    /// neither.
    pub fn requested_period(
        &mut self,
        device: &Device,
        watched: bool,
        sampler_periods: impl Iterator<Item = Option<Duration>>,
    ) -> Option<Duration> {
        let adapted = self.adapted.max(self.cost * MAX_CPU_FRACTION).min(SLOWEST);
        let by_samplers = sampler_periods.map(|period| period.unwrap_or(adapted)).min();
        self.watched = watched;
        let by_windows = watched.then(|| {
            if self.counted && device.counter_state().is_usable() {
                self.wrap_poll_period()
            } else {
                // Power is integrated: every reading counts.
                adapted
            }
        });
        let period = by_samplers.into_iter().chain(by_windows).min();
        match (period, self.next) {
            // A new request may need an earlier poll.
            (Some(period), Some(next)) => self.next = Some(next.min(Instant::now() + period)),
            (Some(_), None) => self.next = Some(Instant::now()),
            (None, _) => self.next = None,
        }
        period
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|n| n <= now)
    }

    pub fn next(&self) -> Instant {
        self.next.unwrap_or_else(|| Instant::now() + SLOWEST)
    }

    /// Updates the duration of one round of polls.
    pub fn record_cost(&mut self, round: Duration) {
        if !round.is_zero() {
            self.cost = (self.cost * 7 + round) / 8;
        }
    }

    /// After a poll: sets the time of the next one and adapts the period.
    pub fn update(&mut self, polled: &PollResult, period: Duration) {
        self.wrap = polled.wrap_ns.map(Duration::from_nanos);
        self.counted = polled.snapshot.counted.is_some();
        let now = Instant::now();
        // The wraparound time is known after the first poll, and decreases with a higher power.
        let period = if self.watched && self.wrap.is_some() { period.min(self.wrap_poll_period()) } else { period };
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
