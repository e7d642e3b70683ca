//! Power over time as a formula, so that the true energy of any interval is a closed form and not a sum of samples.

use serde::{Deserialize, Serialize};

/// Watts as a function of seconds since the machine's start.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Shape {
    /// The same power for ever.
    Constant { w: f64 },
    /// `[[t0, w0], [t1, w1], …]`: from t0 on w0, from t1 on w1; before the first step the first power holds.
    Steps { steps: Vec<[f64; 2]> },
    /// A straight line during `over_s`, then the end value; with `repeat` a saw tooth.
    Ramp {
        from: f64,
        to: f64,
        over_s: f64,
        #[serde(default)]
        repeat: bool,
    },
    /// `high` for the first `duty` of each period, `low` for the rest.
    Square {
        low: f64,
        high: f64,
        period_s: f64,
        #[serde(default = "half")]
        duty: f64,
        #[serde(default)]
        phase_s: f64,
    },
    Sine {
        mean: f64,
        amplitude: f64,
        period_s: f64,
        #[serde(default)]
        phase_s: f64,
    },
}

fn half() -> f64 {
    0.5
}

/// Reproducible noise added to a shape: a new value every `period_s`, uniform in ±`w`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    pub w: f64,
    #[serde(default = "one_ms")]
    pub period_s: f64,
    #[serde(default)]
    pub seed: u64,
}

fn one_ms() -> f64 {
    0.001
}

impl Shape {
    pub fn watts(&self, t: f64) -> f64 {
        match self {
            Shape::Constant { w } => *w,
            Shape::Steps { steps } => {
                let mut w = steps.first().map_or(0.0, |s| s[1]);
                for s in steps.iter().take_while(|s| s[0] <= t) {
                    w = s[1];
                }
                w
            }
            Shape::Ramp { from, to, over_s, repeat } => {
                let x = t / over_s;
                let x = if *repeat { x - x.floor() } else { x.clamp(0.0, 1.0) };
                from + (to - from) * x
            }
            Shape::Square { low, high, period_s, duty, phase_s } => {
                let x = (t + phase_s) / period_s;
                if x - x.floor() < *duty {
                    *high
                } else {
                    *low
                }
            }
            Shape::Sine { mean, amplitude, period_s, phase_s } => {
                mean + amplitude * (std::f64::consts::TAU * (t + phase_s) / period_s).sin()
            }
        }
    }

    /// The integral from 0 to `t`, in joules (for t ≥ 0).
    pub fn joules(&self, t: f64) -> f64 {
        match self {
            Shape::Constant { w } => w * t,
            Shape::Steps { steps } => {
                let mut sum = 0.0;
                let (mut since, mut w) = (0.0, steps.first().map_or(0.0, |s| s[1]));
                for s in steps.iter().take_while(|s| s[0] <= t) {
                    let at = s[0].max(0.0);
                    sum += w * (at - since);
                    (since, w) = (at, s[1]);
                }
                sum + w * (t - since)
            }
            Shape::Ramp { from, to, over_s, repeat } => {
                let part = |x: f64| over_s * (from * x + (to - from) * x * x / 2.0);
                let x = t / over_s;
                if *repeat {
                    x.floor() * part(1.0) + part(x - x.floor())
                } else if x <= 1.0 {
                    part(x)
                } else {
                    part(1.0) + to * (t - over_s)
                }
            }
            Shape::Square { low, high, period_s, duty, phase_s } => {
                let upto = |t: f64| {
                    let x = t / period_s;
                    let (n, f) = (x.floor(), x - x.floor());
                    let on = n * duty + f.min(*duty);
                    period_s * (high * on + low * (x - on))
                };
                upto(t + phase_s) - upto(*phase_s)
            }
            Shape::Sine { mean, amplitude, period_s, phase_s } => {
                let k = std::f64::consts::TAU / period_s;
                mean * t + amplitude / k * ((k * phase_s).cos() - (k * (t + phase_s)).cos())
            }
        }
    }
}

/// The noise repeats after this many values, which keeps its integral a closed form however long the machine runs.
const NOISE_CYCLE: usize = 1024;

/// A shape with its noise, ready to be asked.
#[derive(Debug, Clone)]
pub struct Power {
    shape: Shape,
    noise: Option<NoiseTable>,
}

#[derive(Debug, Clone)]
struct NoiseTable {
    period: f64,
    values: Vec<f64>,
    /// Sum of the first i values.
    before: Vec<f64>,
}

impl Power {
    pub fn new(shape: Shape, noise: Option<&Noise>) -> Power {
        Power { shape, noise: noise.map(NoiseTable::new) }
    }

    pub fn watts(&self, t: f64) -> f64 {
        self.shape.watts(t) + self.noise.as_ref().map_or(0.0, |n| n.watts(t))
    }

    pub fn joules(&self, t: f64) -> f64 {
        self.shape.joules(t) + self.noise.as_ref().map_or(0.0, |n| n.joules(t))
    }
}

impl NoiseTable {
    fn new(noise: &Noise) -> NoiseTable {
        let mut values: Vec<f64> = (0..NOISE_CYCLE as u64)
            .map(|i| {
                let h = hash(noise.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(i));
                noise.w * (2.0 * (h >> 11) as f64 / (1u64 << 53) as f64 - 1.0)
            })
            .collect();
        // Zero mean: the noise shall not change the long-term energy.
        let mean = values.iter().sum::<f64>() / NOISE_CYCLE as f64;
        values.iter_mut().for_each(|v| *v -= mean);
        let mut before = vec![0.0];
        for v in &values {
            before.push(before[before.len() - 1] + v);
        }
        NoiseTable { period: noise.period_s, values, before }
    }

    fn watts(&self, t: f64) -> f64 {
        self.values[((t / self.period).floor() as u64 % NOISE_CYCLE as u64) as usize]
    }

    fn joules(&self, t: f64) -> f64 {
        let x = t / self.period;
        let n = x.floor() as u64;
        let (cycles, i) = (n / NOISE_CYCLE as u64, (n % NOISE_CYCLE as u64) as usize);
        self.period * (cycles as f64 * self.before[NOISE_CYCLE] + self.before[i] + (x - n as f64) * self.values[i])
    }
}

/// The finaliser of SplitMix64: good bits from consecutive numbers.
pub(crate) fn hash(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integral_agrees_with_a_fine_sum() {
        let shapes = [
            Shape::Constant { w: 412.0 },
            Shape::Steps { steps: vec![[0.0, 100.0], [0.4, 300.0], [1.7, 50.0]] },
            Shape::Ramp { from: 100.0, to: 500.0, over_s: 1.3, repeat: false },
            Shape::Ramp { from: 100.0, to: 500.0, over_s: 0.3, repeat: true },
            Shape::Square { low: 90.0, high: 610.0, period_s: 0.07, duty: 0.3, phase_s: 0.02 },
            Shape::Sine { mean: 300.0, amplitude: 120.0, period_s: 0.4, phase_s: 0.1 },
        ];
        let noise = Noise { w: 20.0, period_s: 0.001, seed: 7 };
        for shape in shapes {
            for noise in [None, Some(&noise)] {
                let p = Power::new(shape.clone(), noise);
                let (n, end) = (400_000, 2.5);
                let dt = end / n as f64;
                let sum: f64 = (0..n).map(|i| p.watts((i as f64 + 0.5) * dt) * dt).sum();
                let exact = p.joules(end);
                assert!((sum - exact).abs() < 2e-4 * exact, "{shape:?} {noise:?}: sum {sum}, closed form {exact}");
            }
        }
    }

    #[test]
    fn noise_keeps_the_energy_of_its_cycle() {
        let p = Power::new(Shape::Constant { w: 100.0 }, Some(&Noise { w: 30.0, period_s: 0.001, seed: 1 }));
        assert!((p.joules(1.024 * 50.0) - 100.0 * 1.024 * 50.0).abs() < 1e-6);
    }
}
