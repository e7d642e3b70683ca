//! What the machine file promises, as plain arithmetic: power, energy and counter at any time.

#[path = "../../tests/common/random.rs"]
mod random;

use random::Random;
use zeus_amd_sim::machine::Counter;
use zeus_amd_sim::power::{Noise, Power, Shape};
use zeus_amd_sim::{Gpu, Machine};

fn gpu(with: &str) -> Gpu {
    Machine::load_with("mi300x-8", &[with]).unwrap().gpus()[0].clone()
}

/// Whole counts of the healthy counter of a GPU for an interval.
fn counts(g: &Gpu, from: f64, to: f64) -> u64 {
    (g.energy_j(from, to) / (g.unit_uj() * 1e-6)).floor() as u64
}

#[test]
fn the_energy_of_any_shape_is_its_integral() {
    let mut r = Random::new();
    for _ in 0..60 {
        let (low, high, period) = (r.between(0.0, 300.0), r.between(300.0, 900.0), r.between(0.004, 0.7));
        let shape = match (r.part() * 5.0) as u32 {
            0 => Shape::Constant { w: high },
            1 => Shape::Steps { steps: vec![[0.0, low], [r.between(0.1, 0.5), high], [r.between(0.5, 1.0), low]] },
            2 => Shape::Ramp { from: low, to: high, over_s: period, repeat: r.part() < 0.5 },
            3 => Shape::Square { low, high, period_s: period, duty: r.part(), phase_s: r.part() },
            _ => Shape::Sine { mean: high, amplitude: low, period_s: period, phase_s: r.part() },
        };
        let noise = Noise { w: r.between(0.0, 50.0), period_s: r.between(0.0005, 0.02), seed: r.next() };
        let power = Power::new(shape.clone(), (r.part() < 0.7).then_some(&noise));
        let from = r.part();
        let to = from + r.between(0.05, 1.0);
        let n = 200_000;
        let dt = (to - from) / n as f64;
        let sum: f64 = (0..n).map(|i| power.watts(from + (i as f64 + 0.5) * dt)).sum::<f64>() * dt;
        let exact = power.joules(to) - power.joules(from);
        // Each jump of power costs the sum half a step at most.
        let jumps = 2.0 * (to - from) / period.min(noise.period_s) + 4.0;
        assert!(
            (sum - exact).abs() <= jumps * dt * 1000.0 + 1e-9,
            "{shape:?} {noise:?}: {sum} J, closed form {exact} J"
        );
    }
}

#[test]
fn every_reading_is_the_integral_at_its_own_time() {
    let mut r = Random::new();
    for _ in 0..200 {
        let refresh = if r.part() < 0.5 { r.between(1.0, 100.0) } else { r.between(1.0, 100.0).round() };
        let (jitter, lag, driver) = (r.part() * refresh, r.between(0.0, 3000.0), r.between(0.5, 12.0));
        let mut with = format!(
            "gpu.0.power = {{ kind = \"square\", low = 90, high = 610, period_s = {} }}
             gpu.0.noise = {{ w = 20, period_s = 0.003, seed = 3 }}
             gpu.0.counter.refresh_ms = {refresh}\ngpu.0.counter.firmware_offset_s = 12.3456789\n",
            r.between(0.01, 0.5)
        );
        if r.part() < 0.5 {
            with += &format!("gpu.0.counter.refresh_jitter_ms = {jitter}\n");
        }
        if r.part() < 0.5 {
            with += &format!("gpu.0.counter.driver_lag_us = [0, {lag}]\n");
        }
        if r.part() < 0.5 {
            with += &format!("gpu.0.counter.driver_ms = {driver}\n");
        }
        let g = gpu(&with);
        let (mut before, mut now) = (g.reading(0), 0);
        for _ in 0..300 {
            now += r.between(0.0, 30e6) as u64;
            let x = g.reading(now);
            let initial = g.spec.counter.initial;
            assert_eq!(x.accumulator, initial + counts(&g, 0.0, x.at_ns as f64 / 1e9), "{with}");
            assert_eq!(x.firmware_10ns * 10, g.firmware_ns(x.at_ns), "{with}");
            assert_eq!(g.machine_ns(x.firmware_10ns * 10), x.at_ns, "{with}");
            assert!(x.at_ns <= x.system_ns && x.system_ns <= now, "{with}: {x:?} at {now}");
            let oldest = (2.0 * refresh + driver) * 1e6 + 2.0 * lag * 1e3;
            assert!((now - x.at_ns) as f64 <= oldest, "{with}: {x:?} at {now}");
            assert!(
                x.at_ns >= before.at_ns && x.system_ns >= before.system_ns,
                "{with}: back from {before:?} to {x:?}"
            );
            before = x;
        }
    }
}

#[test]
fn the_drivers_lag_varies_and_comes_again() {
    let g = gpu("gpu.0.counter.driver_lag_us = [0, 300]");
    let lags: Vec<u64> = (1..200).map(|i| g.reading(i * 1_000_000 + 400_000)).map(|x| x.system_ns - x.at_ns).collect();
    assert!(
        lags.iter().all(|l| *l <= 300_000) && lags.iter().max() > Some(&250_000) && lags.iter().min() < Some(&50_000)
    );
    assert_eq!(g.reading(7_400_000), g.reading(7_400_001));
    let g = gpu("gpu.0.counter.driver_lag_us = 50");
    assert_eq!(g.reading(7_400_000).system_ns, 7_050_000);
    assert_eq!(g.reading(7_040_000).system_ns, 6_050_000, "what is not copied is not seen");
    let g = gpu("gpu.0.counter.driver_ms = 0.25\ngpu.0.counter.refresh_ms = 4");
    let x = g.reading(7_400_000);
    assert_eq!((x.at_ns, x.system_ns), (4_000_000, 7_250_000), "the driver's time runs, the firmware's does not");
}

#[test]
fn thirty_two_bits_wrap_every_three_seconds() {
    let g =
        gpu("gpu.0.power = { kind = \"constant\", w = 20000 }\ngpu.0.counter = { bits = 32, initial = 4294900000 }");
    let mut sum = 0u64;
    let mut wraps = 0;
    let mut before = g.reading(0);
    for i in 1..=1000 {
        let x = g.reading(i * 60_000_000);
        assert!(x.accumulator < 1 << 32);
        wraps += u32::from(x.accumulator < before.accumulator);
        sum += (x.accumulator.wrapping_sub(before.accumulator)) & 0xFFFF_FFFF;
        before = x;
        assert_eq!(x.power_w, 20_000);
    }
    assert_eq!((wraps, sum), (19, counts(&g, 0.0, 60.0)));
}

#[test]
fn resets() {
    let g = gpu("gpu.0.counter = { reset_at_s = [1.0, 3.5], initial = 777, firmware_offset_s = 5 }");
    for (ms, expected) in [
        (999, 777 + counts(&g, 0.0, 0.999)),
        (1000, 0),
        (1500, counts(&g, 1.0, 1.5)),
        (3499, counts(&g, 1.0, 3.499)),
        (3500, 0),
        (9000, counts(&g, 3.5, 9.0)),
    ] {
        let x = g.reading(ms * 1_000_000);
        assert_eq!((x.accumulator, x.firmware_10ns), (expected, ms * 100_000 + 500_000_000), "{ms} ms");
    }
    let g = gpu("gpu.0.counter = { reset_at_s = 2, reset_clock = true, firmware_offset_s = 5 }");
    assert_eq!(g.reading(1_999_000_000).firmware_10ns, 699_900_000);
    assert_eq!(g.reading(2_001_000_000).firmware_10ns, 100_000);
}

#[test]
fn stuck_and_frozen_for_a_while() {
    let at = |g: &Gpu, s: f64| g.reading((s * 1e9) as u64);
    let lost = gpu("gpu.0.counter = { stuck_at_s = [[1, 2], [3, 3.5]], initial = 0 }");
    assert_eq!(at(&lost, 1.7).accumulator, counts(&lost, 0.0, 1.0));
    assert_eq!(at(&lost, 2.0).accumulator, counts(&lost, 0.0, 1.0));
    assert!(at(&lost, 5.0).accumulator.abs_diff(counts(&lost, 0.0, 3.5)) <= 1, "412 W for 3.5 s of 5");
    assert_eq!(at(&lost, 1.7).at_ns, 1_700_000_000, "its time goes on");
    let found = gpu("gpu.0.counter = { stuck_at_s = [[1, 2]], stuck_catches_up = true, initial = 0 }");
    assert_eq!(at(&found, 1.9).accumulator, counts(&found, 0.0, 1.0));
    assert_eq!(at(&found, 2.1).accumulator, counts(&found, 0.0, 2.1));
    let ever = gpu("gpu.0.counter = { stuck_at_s = 1.5, initial = 0 }");
    assert_eq!(at(&ever, 100.0).accumulator, counts(&ever, 0.0, 1.5));
    let frozen = gpu("gpu.0.counter.frozen_at_s = [[1, 2], [3, 4]]");
    assert_eq!(at(&frozen, 1.9), at(&frozen, 1.0));
    assert_eq!(at(&frozen, 2.0).at_ns, 2_000_000_000);
    assert_eq!(at(&frozen, 3.9), at(&frozen, 3.0));
    let both = gpu("gpu.0.counter = { stuck_at_s = [[1, 3]], reset_at_s = 2, initial = 5 }");
    assert_eq!((at(&both, 2.5).accumulator, at(&both, 4.0).accumulator), (0, counts(&both, 3.0, 4.0)));
}

#[test]
fn gain_drift_and_another_unit() {
    let plain = gpu("gpu.0.counter.initial = 0");
    let with =
        |with: &str, t: f64| gpu(&format!("gpu.0.counter = {{ initial = 0, {with} }}")).reading((t * 1e9) as u64);
    let joules = |t| plain.energy_j(0.0, t);
    for t in [0.5, 3.0, 40.0] {
        let near =
            |a: u64, b: f64| assert!((a as f64 / 65536.0 - b).abs() <= 1.0 / 65536.0, "{t} s: {a} counts, {b} J");
        near(with("gain = 0.5", t).accumulator, joules(t) / 2.0);
        near(with("drift_per_s = 0.01", t).accumulator, joules(t) * (1.0 + 0.01 * t));
        near(with("gain = 2, drift_per_s = -0.001", t).accumulator, joules(t) * (2.0 - 0.001 * t));
        near(with("unit_uj = 30.517578125", t).accumulator, joules(t) / 2.0);
    }
    assert_eq!((Counter::default().gain, Counter::default().drift_per_s), (1.0, 0.0));
}

#[test]
fn averaged_power_is_the_mean_of_its_time() {
    let square = "gpu.0.power = { kind = \"square\", low = 100, high = 600, period_s = 0.5 }";
    for average in [0.05, 0.3, 1.0, 5.0] {
        let g = gpu(&format!("{square}\ngpu.0.power_sensor = \"average\"\ngpu.0.average_s = {average}"));
        for ms in (50..8000u64).step_by(37) {
            let t = ms as f64 / 1e3;
            let mean = g.energy_j((t - average).max(0.0), t) / average.min(t);
            assert_eq!(g.reading(ms * 1_000_000).power_w, mean.round() as u16, "{average} s at {t} s");
        }
    }
}
