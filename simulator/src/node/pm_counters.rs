//! `/sys/cray/pm_counters` of HPE Cray EX: one value a file, ten updates a second.

use super::spec::{PmSpec, Span, TapSpec};
use crate::machine::Gpu;
use crate::power::{hash, Power};

pub const FOLDER: &str = "sys/cray/pm_counters";

/// The sensors, each with its energy as a formula.
#[derive(Debug, Clone)]
pub struct PmCounters {
    spec: PmSpec,
    other: Power,
    cpu: Option<Power>,
    memory: Option<Power>,
    accel: Vec<(Gpu, f64, f64)>,
}

/// One update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// Machine time of its values.
    pub at_ns: u64,
    /// Machine time from which energies count, and how many restarts there were.
    since_ns: u64,
    restarts: usize,
    number: u64,
}

fn power(tap: &TapSpec) -> Power {
    Power::new(tap.power.clone(), tap.noise.as_ref())
}

impl PmCounters {
    pub fn new(spec: &PmSpec, gpus: &[Gpu]) -> Result<PmCounters, String> {
        let gpu = |number: u32| {
            let named = gpus.iter().find(|g| g.number == number).ok_or(format!("accel: no gpu.{number}"))?;
            let has_power = |g: &&Gpu| g.package == named.package && !g.is_secondary_die();
            Ok::<_, String>(gpus.iter().find(has_power).unwrap_or(named).clone())
        };
        let accel = spec.accel.iter().map(|a| Ok((gpu(a.gpu)?, a.gain, a.offset_w))).collect::<Result<_, String>>()?;
        Ok(PmCounters {
            spec: spec.clone(),
            other: power(&spec.other),
            cpu: spec.cpu.as_ref().map(power),
            memory: spec.memory.as_ref().map(power),
            accel,
        })
    }

    /// "node", "cpu", "memory", "accel0", …: what is measured.
    pub fn domains(&self) -> Vec<String> {
        let mut all = vec!["node".to_string()];
        all.extend(self.cpu.iter().map(|_| "cpu".to_string()));
        all.extend(self.memory.iter().map(|_| "memory".to_string()));
        all.extend((0..self.accel.len()).map(|n| format!("accel{n}")));
        all
    }

    /// True joules since machine start at second `t`, or watts.
    fn value(&self, domain: &str, of: &dyn Fn(&Power) -> f64, of_gpu: &dyn Fn(&(Gpu, f64, f64)) -> f64) -> Option<f64> {
        let one = |p: &Option<Power>| p.as_ref().map(of);
        match domain {
            "node" => {
                let parts = one(&self.cpu).unwrap_or(0.0) + one(&self.memory).unwrap_or(0.0);
                Some(of(&self.other) + parts + self.accel.iter().map(of_gpu).sum::<f64>())
            }
            "cpu" => one(&self.cpu),
            "memory" => one(&self.memory),
            _ => self.accel.get(domain.strip_prefix("accel")?.parse::<usize>().ok()?).map(of_gpu),
        }
    }

    pub fn joules(&self, domain: &str, t: f64) -> Option<f64> {
        self.value(domain, &|p| p.joules(t), &|(g, gain, offset)| gain * g.energy_j(0.0, t) + offset * t)
    }

    pub fn watts(&self, domain: &str, t: f64) -> Option<f64> {
        self.value(domain, &|p| p.watts(t), &|(g, gain, offset)| gain * g.power_w(t) + offset)
    }

    fn initial_j(&self, domain: &str) -> u64 {
        match domain {
            "node" => self.spec.other.initial_j,
            "cpu" => self.spec.cpu.as_ref().map_or(0, |t| t.initial_j),
            "memory" => self.spec.memory.as_ref().map_or(0, |t| t.initial_j),
            _ => domain[5..].parse().ok().and_then(|n: usize| self.spec.accel.get(n)).map_or(0, |a| a.initial_j),
        }
    }

    fn period_ns(&self) -> u64 {
        1_000_000_000 / u64::from(self.spec.hz.max(1))
    }

    fn at_ns(&self, n: u64) -> u64 {
        (self.spec.phase_ms * 1e6) as u64 + n * self.period_ns()
    }

    fn delay_ns(&self, n: u64) -> u64 {
        let ms = match self.spec.delay_ms {
            Span::Fixed(ms) => ms,
            Span::Between([a, b]) => a + (b - a) * ((hash(n) >> 11) as f64 / (1_u64 << 53) as f64),
        };
        (ms * 1e6) as u64
    }

    /// Nothing is updated at a time.
    fn is_silent(&self, ns: u64) -> bool {
        let t = ns as f64 / 1e9;
        let restarts = self.spec.restart_at_s.iter().any(|r| (*r..r + self.spec.restart_s).contains(&t));
        restarts || self.spec.stalled_at_s.iter().flat_map(|s| s.intervals()).any(|[a, b]| (a..b).contains(&t))
    }

    /// The update that is seen at a machine time: the newest one whose delay has passed.
    pub fn update(&self, now_ns: u64) -> Update {
        let mut n = now_ns.saturating_sub(self.at_ns(0)) / self.period_ns();
        while n > 0 && (self.at_ns(n) + self.delay_ns(n) > now_ns || self.is_silent(self.at_ns(n))) {
            n -= 1;
        }
        let at_ns = self.at_ns(n);
        let starts = self.spec.restart_at_s.iter().map(|r| ((r + self.spec.restart_s) * 1e9) as u64);
        let past: Vec<u64> = starts.filter(|s| *s <= at_ns).collect();
        Update { at_ns, since_ns: past.iter().copied().max().unwrap_or(0), restarts: past.len(), number: n }
    }

    /// The files, without those that the machine lacks.
    pub fn files(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for domain in self.domains() {
            let prefix = if domain == "node" { String::new() } else { format!("{domain}_") };
            all.extend(["energy", "power"].map(|f| format!("{prefix}{f}")));
            if domain == "node" || domain.starts_with("accel") {
                all.push(format!("{prefix}power_cap"));
            }
        }
        let rest = ["freshness", "generation", "raw_scan_hz", "startup", "version"];
        all.extend(rest.map(str::to_string));
        all.extend(["capped_energy", "overshoot", "overshoot_energy"].map(str::to_string));
        all.retain(|f| !self.spec.missing.contains(f));
        all
    }

    pub fn is_unreadable(&self, file: &str) -> bool {
        self.spec.unreadable.iter().any(|f| f == file)
    }

    pub fn torn_every(&self) -> u64 {
        self.spec.torn_every
    }

    /// The text of a file in an update.
    pub fn text(&self, file: &str, u: &Update) -> Option<String> {
        let s = &self.spec;
        let clock_since = if s.restart_clock && u.restarts > 0 { u.since_ns } else { 0 };
        let is_first_clock = clock_since == 0;
        let us = (u.at_ns - clock_since) / 1000 + if is_first_clock { s.clock_us } else { 0 };
        let since_number = clock_since.saturating_sub(self.at_ns(0)) / self.period_ns();
        let freshness = u.number - since_number + if is_first_clock { s.freshness } else { 0 };
        Some(match file {
            "freshness" => format!("{freshness}\n"),
            "generation" => format!("{}\n", s.generation),
            "raw_scan_hz" => format!("{}\n", s.hz),
            "startup" => format!("{}\n", if u.restarts == 0 { s.startup } else { s.startup + u.since_ns / 1000 }),
            "version" => "3\n".to_string(),
            "power_cap" => format!("{} W\n", s.power_cap_w),
            "capped_energy" | "overshoot_energy" => format!("0 J {us} us\n"),
            "overshoot" => format!("0 W {us} us\n"),
            _ => match file.rsplit_once('_').unwrap_or(("node", file)) {
                (_, "cap") => "0 W\n".to_string(),
                (domain, "energy") => format!("{} J {us} us\n", self.energy_j(domain, u)?),
                (domain, "power") => format!("{} W {us} us\n", self.watts(domain, u.at_ns as f64 / 1e9)?.round()),
                _ => return None,
            },
        })
    }

    /// Whole joules of the counter.
    fn energy_j(&self, domain: &str, u: &Update) -> Option<u64> {
        let at = |ns: u64| self.joules(domain, ns as f64 / 1e9);
        let counted = (at(u.at_ns)? - at(u.since_ns)?).floor() as u64;
        Some(counted + if u.restarts == 0 { self.initial_j(domain) } else { 0 })
    }
}
