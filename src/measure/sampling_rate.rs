//! How often one GPU is looked at: as it was asked, or as often as its readings change.

use crate::device::{Device, PollResult};
use std::time::{Duration, Instant};

/// Faster than this nothing refreshes.
const FASTEST: Duration = Duration::from_millis(1);
const SLOWEST: Duration = Duration::from_millis(100);
/// Readings without a time of their own are not looked at more often.
const UNTIMED_PERIOD: Duration = Duration::from_millis(10);
/// So many looks are weighed before the pace changes.
const POLLS_PER_DECISION: u32 = 32;
/// By itself it takes no more than this part of a processor.
const MAX_CPU_FRACTION: u32 = 10;

/// How often a 32-bit counter is looked at while it comes round once.
const POLLS_PER_WRAP: u32 = 64;
const SLOWEST_WRAP: Duration = Duration::from_secs(1);

pub(super) struct PollScheduler {
    next: Option<Instant>,
    /// The pace that it found by itself.
    own: Duration,
    /// What a round of looks takes.
    cost: Duration,
    fresh: u32,
    repeated: u32,
    /// The driver's time of the last look.
    last_ns: u64,
    wrap: Option<Duration>,
    watched: bool,
    /// There has been a count to be read.
    counted: bool,
}

impl PollScheduler {
    pub fn new() -> Self {
        PollScheduler {
            next: None,
            own: FASTEST,
            cost: Duration::ZERO,
            fresh: 0,
            repeated: 0,
            last_ns: 0,
            wrap: None,
            watched: false,
            counted: false,
        }
    }

    /// A counter that can be trusted needs somebody to count how often it comes round.
    fn wrap_poll_period(&self) -> Duration {
        self.wrap.map_or(SLOWEST_WRAP, |w| (w / POLLS_PER_WRAP).clamp(FASTEST, SLOWEST_WRAP))
    }

    /// The time between two looks, or `None` if nobody needs any.
    pub fn requested_period(
        &mut self,
        device: &Device,
        watched: bool,
        asked: impl Iterator<Item = Option<Duration>>,
    ) -> Option<Duration> {
        let own = self.own.max(self.cost * MAX_CPU_FRACTION).min(SLOWEST);
        let asked = asked.map(|p| p.unwrap_or(own)).min();
        self.watched = watched;
        // A counter that cannot be trusted needs everything.
        let needed = watched.then(|| {
            if self.counted && device.counter_state().is_usable() {
                self.wrap_poll_period()
            } else {
                own
            }
        });
        let wanted = asked.into_iter().chain(needed).min();
        match (wanted, self.next) {
            // Somebody came who needs it sooner than was planned.
            (Some(period), Some(next)) => self.next = Some(next.min(Instant::now() + period)),
            (Some(_), None) => self.next = Some(Instant::now()),
            (None, _) => self.next = None,
        }
        wanted
    }

    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|n| n <= now)
    }

    pub fn next(&self) -> Instant {
        self.next.unwrap_or_else(|| Instant::now() + SLOWEST)
    }

    /// What a round of looks at all GPUs took.
    pub fn record_cost(&mut self, round: Duration) {
        if !round.is_zero() {
            self.cost = (self.cost * 7 + round) / 8;
        }
    }

    /// After a look: when the next one is due, and whether the pace fits.
    pub fn update(&mut self, polled: &PollResult, period: Duration) {
        self.wrap = polled.wrap_ns.map(Duration::from_nanos);
        self.counted = polled.snapshot.counted.is_some();
        let now = Instant::now();
        // The first look tells how soon it comes round, a higher power that it does so sooner.
        let period = if self.watched && self.wrap.is_some() { period.min(self.wrap_poll_period()) } else { period };
        // On the beat; beats that were missed are left out.
        let beat = self.next.map_or(now, |n| n + period);
        self.next = Some(if beat > now { beat } else { now + period });
        let Some(driver_ns) = polled.sample.driver_ns else {
            self.own = self.own.max(UNTIMED_PERIOD);
            return;
        };
        // Whoever saw it first: others may look too.
        if std::mem::replace(&mut self.last_ns, driver_ns) == driver_ns {
            self.repeated += 1;
        } else {
            self.fresh += 1;
        }
        if self.fresh + self.repeated < POLLS_PER_DECISION {
            return;
        }
        // Every reading once: some repeats show that none is missed, many that it is too often.
        if self.repeated > POLLS_PER_DECISION / 2 {
            self.own = (self.own * 3 / 2).min(SLOWEST);
        } else if self.repeated < POLLS_PER_DECISION / 16 {
            self.own = (self.own * 3 / 4).max(FASTEST);
        }
        (self.fresh, self.repeated) = (0, 0);
    }
}
