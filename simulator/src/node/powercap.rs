//! `/sys/class/powercap`: the processors' energy registers as the kernel's intel_rapl drivers show them, AMD's too.

use super::spec::ZoneSpec;
use crate::power::Power;

/// One zone with its energy as a formula.
#[derive(Debug, Clone)]
pub struct Zone {
    /// "0", "0:0".
    pub id: String,
    pub spec: ZoneSpec,
    power: Power,
}

impl Zone {
    pub fn new(id: &str, spec: &ZoneSpec) -> Zone {
        Zone { id: id.to_string(), power: Power::new(spec.power.clone(), spec.noise.as_ref()), spec: spec.clone() }
    }

    /// Below `sys`: a part lies in the folder of its package.
    pub fn folder(&self) -> String {
        let mut path = "devices/virtual/powercap/intel-rapl".to_string();
        let mut id = "intel-rapl".to_string();
        for part in self.id.split(':') {
            id += &format!(":{part}");
            path += &format!("/{id}");
        }
        path
    }

    /// True joules since machine start.
    pub fn joules(&self, t: f64) -> f64 {
        self.power.joules(t)
    }

    /// Counts in microjoules as the kernel shows them: its unit is cut to whole nanojoules.
    fn shown_uj(&self, counts: u64) -> u64 {
        (u128::from(counts) * (1_000_000_000 >> self.spec.unit_bits) / 1000) as u64
    }

    /// Of the largest count.
    pub fn max_energy_range_uj(&self) -> u64 {
        self.shown_uj((1 << self.spec.bits) - 1)
    }

    /// What energy_uj shows.
    pub fn energy_uj(&self, now_ns: u64) -> u64 {
        let refresh_ns = ((self.spec.refresh_ms * 1e6) as u64).max(1);
        let t = (now_ns - now_ns % refresh_ns) as f64 / 1e9;
        let reset = self.spec.reset_at_s.iter().copied().filter(|r| *r <= t).reduce(f64::max);
        let joules = self.joules(t) - reset.map_or(0.0, |r| self.joules(r));
        let initial = if reset.is_some() { 0 } else { self.spec.initial };
        let counts = initial + (joules * f64::from(1 << self.spec.unit_bits)).floor() as u64;
        self.shown_uj(counts & ((1 << self.spec.bits) - 1))
    }
}
