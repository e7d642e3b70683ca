//! The energy counter: what the machine file says of it, and what the table shows at a time.

use serde::{Deserialize, Serialize};

use super::file::{DieRole, PowerSensor};
use super::Gpu;
use crate::power::hash;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Counter {
    /// Counts at machine start.
    pub initial: u64,
    /// What the firmware counts in; libamd_smi reports 15.3 whatever this is.
    pub unit_uj: f64,
    /// Energy is counted this many times …
    pub gain: f64,
    /// … plus this many for each second that the counter has run.
    pub drift_per_s: f64,
    pub bits: u32,
    /// Between two refreshes by the firmware.
    pub refresh_ms: f64,
    /// Each refresh comes up to so much later, reproducibly.
    pub refresh_jitter_ms: f64,
    /// Between two copies that the driver makes of the firmware's table; 0: one at each refresh.
    pub driver_ms: f64,
    /// When the accumulator does not move (its time does).
    pub stuck_at_s: Option<Times>,
    /// What was not counted while it was stuck is there afterwards; else it is lost.
    pub stuck_catches_up: bool,
    /// When the whole table does not move.
    pub frozen_at_s: Option<Times>,
    /// When the counter starts again from 0.
    pub reset_at_s: Option<Moments>,
    /// A reset sets the firmware's clock to 0 as well.
    pub reset_clock: bool,
    pub missing: Option<Missing>,
    /// Base of the firmware's own clock.
    pub firmware_offset_s: f64,
    pub limited: Limited,
    /// system_clock_counter is taken so much later than the table is copied, and only then the table is seen.
    pub driver_lag_us: Lag,
}

impl Default for Counter {
    fn default() -> Self {
        Counter {
            initial: 0,
            unit_uj: 1e6 / 65536.0,
            gain: 1.0,
            drift_per_s: 0.0,
            bits: 64,
            refresh_ms: 1.0,
            refresh_jitter_ms: 0.0,
            driver_ms: 0.0,
            stuck_at_s: None,
            stuck_catches_up: false,
            frozen_at_s: None,
            reset_at_s: None,
            reset_clock: false,
            missing: None,
            firmware_offset_s: 0.0,
            limited: Limited::default(),
            driver_lag_us: Lag::Fixed(0.0),
        }
    }
}

/// Share of the firmware's cycles in which a limit held the clocks down, and what the accumulators begin with.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limited {
    /// Cycles at machine start: accumulation_counter.
    pub cycles: u64,
    /// Each limit's accumulator at machine start.
    pub initial: u64,
    pub prochot: f64,
    pub ppt: f64,
    pub socket_thm: f64,
    pub vr_thm: f64,
    pub hbm_thm: f64,
}

impl Limited {
    /// The share of each limit, in the order of the table.
    pub fn shares(&self) -> [f64; 5] {
        [self.prochot, self.ppt, self.socket_thm, self.vr_thm, self.hbm_thm]
    }
}

/// `2.0`: from then on; `[[1.0, 2.0], [5.0, 5.5]]`: from the first to the second of each, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    From(f64),
    Intervals(Vec<[f64; 2]>),
}

impl Times {
    pub fn intervals(&self) -> Vec<[f64; 2]> {
        match self {
            Times::From(s) => vec![[*s, f64::INFINITY]],
            Times::Intervals(all) => all.clone(),
        }
    }
}

/// `1.0` or `[1.0, 3.5]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Moments {
    One(f64),
    Many(Vec<f64>),
}

/// `50`, or `[0, 300]`: something between, other at each refresh, reproducibly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Lag {
    Fixed(f64),
    Between([f64; 2]),
}

/// How an accumulator that is not there looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    Ones,
    U32Ones,
    Zero,
}

/// What the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    pub accumulator: u64,
    /// Machine time (ns) to which the accumulator belongs.
    pub at_ns: u64,
    /// CLOCK_BOOTTIME of the driver's table, minus the machine's start.
    pub system_ns: u64,
    pub firmware_10ns: u64,
    pub power_w: u16,
    /// Number of the refresh.
    pub tick: u64,
    /// Cycles, and those in which each limit held, since the machine's start or the last reset.
    pub limited: [u64; 6],
}

/// Machine time in whole nanoseconds.
fn ns(s: f64) -> u64 {
    (s * 1e9).round() as u64
}

/// Uniform in [0, 1), the same for the same numbers.
fn chance(seed: u64, n: u64) -> f64 {
    (hash(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(n)) >> 11) as f64 / (1u64 << 53) as f64
}

impl Gpu {
    /// Nanoseconds between two refreshes of the table.
    pub fn refresh_ns(&self) -> u64 {
        ((self.spec.counter.refresh_ms * 1e6).round() as u64).max(1)
    }

    /// Machine time of a refresh, in whole ticks (10 ns) of the firmware's clock.
    fn tick_ns(&self, tick: u64) -> u64 {
        let jitter = (self.spec.counter.refresh_jitter_ms * 1e6).min(self.refresh_ns() as f64);
        let late = if tick == 0 || jitter <= 0.0 { 0.0 } else { jitter * chance(self.unique_id, tick) };
        let at = tick * self.refresh_ns() + late as u64;
        at - at % 10
    }

    /// The firmware's last refresh at a time.
    fn tick_at(&self, now_ns: u64) -> u64 {
        let tick = now_ns / self.refresh_ns();
        // Jitter is less than a period.
        tick - u64::from(self.tick_ns(tick) > now_ns)
    }

    /// The table at the machine's start is there at once.
    fn lag_ns(&self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let us = match self.spec.counter.driver_lag_us {
            Lag::Fixed(us) => us,
            Lag::Between([a, b]) => a + (b - a) * chance(!self.unique_id, n),
        };
        (us * 1e3) as u64
    }

    /// The refresh that is seen, and the driver's time of its copy.
    fn seen(&self, now_ns: u64) -> (u64, u64) {
        let period = (self.spec.counter.driver_ms * 1e6) as u64;
        let copied = |n: u64| if period == 0 { self.tick_ns(n) } else { n * period };
        let mut n = now_ns.checked_div(period).unwrap_or_else(|| self.tick_at(now_ns));
        while n > 0 && copied(n) + self.lag_ns(n) > now_ns {
            n -= 1;
        }
        let tick = if period == 0 { n } else { self.tick_at(copied(n)) };
        (tick, copied(n) + self.lag_ns(n))
    }

    /// What the table shows `now_ns` after machine start.
    pub fn reading(&self, now_ns: u64) -> Reading {
        let c = &self.spec.counter;
        let frozen = c.frozen_at_s.iter().flat_map(Times::intervals);
        let frozen = frozen.map(|[a, b]| [ns(a), ns(b)]).find(|[a, b]| (*a..*b).contains(&now_ns));
        let (tick, system_ns) = self.seen(frozen.map_or(now_ns, |[a, _]| a));
        let at_ns = self.tick_ns(tick);
        let t = at_ns as f64 / 1e9;
        Reading {
            accumulator: self.accumulator(t),
            at_ns,
            system_ns,
            firmware_10ns: self.firmware_ns(at_ns) / 10,
            power_w: self.reported_power_w(t),
            tick,
            limited: self.limited(tick),
        }
    }

    /// accumulation_counter and the residency accumulators at a refresh.
    pub fn limited(&self, tick: u64) -> [u64; 6] {
        let l = &self.spec.counter.limited;
        let reset = self.last_reset(self.tick_ns(tick) as f64 / 1e9).map(|s| ns(s) / self.refresh_ns());
        let ran = tick - reset.unwrap_or(0);
        let base = |initial: u64| if reset.is_some() { 0 } else { initial };
        let mut all = [base(l.cycles) + ran; 6];
        for (to, share) in all[1..].iter_mut().zip(l.shares()) {
            *to = base(l.initial) + (ran as f64 * share).floor() as u64;
        }
        all
    }

    /// The firmware's clock at a machine time.
    pub fn firmware_ns(&self, machine_ns: u64) -> u64 {
        let c = &self.spec.counter;
        match self.last_reset(machine_ns as f64 / 1e9) {
            Some(r) if c.reset_clock => machine_ns.saturating_sub(ns(r)),
            _ => machine_ns + self.firmware_base_ns(),
        }
    }

    fn firmware_base_ns(&self) -> u64 {
        let base = ns(self.spec.counter.firmware_offset_s);
        base - base % 10
    }

    /// The machine time of a firmware time; without `reset_clock`.
    pub fn machine_ns(&self, firmware_ns: u64) -> u64 {
        firmware_ns - self.firmware_base_ns()
    }

    /// The last reset up to second `t`.
    fn last_reset(&self, t: f64) -> Option<f64> {
        let resets = match self.spec.counter.reset_at_s.as_ref()? {
            Moments::One(r) => std::slice::from_ref(r),
            Moments::Many(all) => all,
        };
        resets.iter().copied().filter(|r| *r <= t).reduce(f64::max)
    }

    /// The accumulator of a refresh at second `t`.
    fn accumulator(&self, t: f64) -> u64 {
        let c = &self.spec.counter;
        match c.missing {
            Some(Missing::Ones) => return u64::MAX,
            Some(Missing::U32Ones) => return u64::from(u32::MAX),
            Some(Missing::Zero) => return 0,
            None => {}
        }
        if self.spec.die == DieRole::Secondary {
            return 0;
        }
        let counts = |since: f64| (self.counted_j(since, t) / (c.unit_uj * 1e-6)).floor() as u64;
        let raw = match self.last_reset(t) {
            Some(r) => counts(r),
            None => c.initial.wrapping_add(counts(0.0)),
        };
        if c.bits >= 64 {
            raw
        } else {
            raw & ((1u64 << c.bits) - 1)
        }
    }

    /// What the counter takes for the energy of an interval.
    fn counted_j(&self, from: f64, to: f64) -> f64 {
        let c = &self.spec.counter;
        // A sum of the parts in which it moves; a difference would waver in its last bits while it stands.
        let (mut joules, mut ran, mut since) = (0.0, 0.0, 0.0);
        let mut part = |a: f64, b: f64| {
            ran += b - a;
            if b > from {
                joules += self.energy_j(a.max(from), b);
            }
        };
        for [a, b] in c.stuck_at_s.iter().flat_map(Times::intervals).filter(|[a, _]| *a <= to) {
            if b <= to && c.stuck_catches_up {
                continue;
            }
            part(since, a);
            since = b.min(to);
            if b > to {
                since = f64::INFINITY;
            }
        }
        if since < to {
            part(since, to);
        }
        joules * (c.gain + c.drift_per_s * ran).max(0.0)
    }

    /// Whole watts as the firmware reports them at second `t`.
    pub fn reported_power_w(&self, t: f64) -> u16 {
        let window = self.spec.average_s.min(t);
        let w = if self.spec.power_sensor == PowerSensor::Average && window > 0.0 {
            self.energy_j(t - window, t) / window
        } else {
            self.power_w(t)
        };
        w.round().clamp(0.0, 65534.0) as u16
    }
}
