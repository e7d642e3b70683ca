use super::*;
use proptest::prelude::*;

const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;

/// A counter of whole joules over a square wave, updated every `period` and seen `delay` later.
#[derive(Debug, Clone)]
struct Board {
    low_w: u64,
    high_w: u64,
    half_ms: u64,
    delay_ms: u64,
    phase_ms: u64,
}

const LIMITS: Limits =
    Limits { max_power_mw: 3_000_000, max_age_ns: 300 * MS, resolution_uj: 1_000_000, unit_error_ppm: 0 };

impl Board {
    /// Exact microjoules up to a time.
    fn energy_uj(&self, ns: u64) -> u64 {
        let (half, uj) = (self.half_ms * MS, |w: u64, ns: u64| (u128::from(w) * u128::from(ns) / 1000) as u64);
        let (whole, rest) = (ns / (2 * half), ns % (2 * half));
        uj(self.low_w + self.high_w, whole * half)
            + uj(self.high_w, rest.min(half))
            + uj(self.low_w, rest.saturating_sub(half))
    }

    fn count(&self, now_ns: u64) -> Count {
        let (period, phase) = (100 * MS, self.phase_ms * MS);
        let at_ns = (now_ns - self.delay_ms * MS - phase) / period * period + phase;
        let power_w = if at_ns % (2 * self.half_ms * MS) < self.half_ms * MS { self.high_w } else { self.low_w };
        Count {
            energy_uj: Some(self.energy_uj(at_ns) / 1_000_000 * 1_000_000),
            clock_ns: Some(at_ns + 77 * S),
            begun_ns: now_ns,
            ended_ns: now_ns + MS,
            epoch: 5,
            power_mw: Some(power_w * 1000),
            ..Count::default()
        }
    }
}

proptest! {
    #![proptest_config(crate::cases::seeded(256))]

    #[test]
    fn the_truth_is_within_the_uncertainty(
        low_w in 50..500_u64,
        more_w in 0..2400_u64,
        half_ms in 3..5000_u64,
        delay_ms in 0..200_u64,
        phase_ms in 0..100_u64,
        from_ms in 1000..20_000_u64,
        length_ms in 1..100_000_u64,
        restarts: bool,
    ) {
        let board = Board { low_w, high_w: low_w + more_w, half_ms, delay_ms, phase_ms };
        let (from_ns, to_ns) = (from_ms * MS, (from_ms + length_ms) * MS);
        let begin = board.count(from_ns - 2 * MS);
        let mut end = board.count(to_ns + 3 * MS);
        if restarts {
            (end.epoch, end.energy_uj) = (6, end.energy_uj.map(|uj| uj / 3));
        }
        let found = interval(&begin, &end, (from_ns, to_ns), &LIMITS).unwrap();
        let truth = board.energy_uj(to_ns) - board.energy_uj(from_ns);
        prop_assert!(found.energy_uj.abs_diff(truth) <= found.uncertainty_uj, "{found:?}, true {truth}");
        prop_assert_eq!(found.restarted, restarts);
        prop_assert!(!found.stale);
        if length_ms > 500 && !restarts {
            prop_assert_eq!(found.method, Method::Counter);
            // No more than the edges.
            let most_w = 3000.max(board.high_w * 5 / 4);
            prop_assert!(found.uncertainty_uj <= 310 * most_w * 1000 + 2_000_000);
        }
    }
}

#[test]
fn a_source_that_stopped_is_stale() {
    let board = Board { low_w: 700, high_w: 700, half_ms: 100, delay_ms: 40, phase_ms: 0 };
    let begin = board.count(5 * S);
    let mut end = board.count(9 * S);
    (end.begun_ns, end.ended_ns) = (15 * S, 15 * S + MS);
    let found = interval(&begin, &end, (5 * S, 15 * S), &LIMITS).unwrap();
    assert!(found.stale && found.method == Method::Counter);
    assert!(found.energy_uj.abs_diff(7_000_000_000) <= found.uncertainty_uj, "{found:?}");
    end = Count { begun_ns: 15 * S, ended_ns: 15 * S, ..begin };
    let found = interval(&begin, &end, (5 * S, 15 * S), &LIMITS).unwrap();
    assert!(found.stale && found.method == Method::Estimated && found.energy_uj == 7_000_000_000);
}

#[test]
fn without_energy_and_power_there_is_none() {
    let none = Count { power_mw: None, energy_uj: None, ..Count::default() };
    assert_eq!(interval(&none, &none, (0, S), &LIMITS), None);
    let power = Count { power_mw: Some(500_000), ..none };
    let found = interval(&none, &power, (0, S), &LIMITS).unwrap();
    assert_eq!((found.method, found.energy_uj, found.uncertainty_uj), (Method::Estimated, 500_000_000, 2_500_000_001));
}

/// Between readings so far apart that the register may have turned, what was counted may be a reset as well.
#[test]
fn a_gap_may_be_too_much_or_too_little() {
    let at = |ns: u64, energy_uj, gaps| Count {
        energy_uj: Some(energy_uj),
        begun_ns: ns,
        ended_ns: ns + MS,
        gaps,
        ..Count::default()
    };
    let limits = Limits { max_power_mw: 1_000_000, max_age_ns: 2 * MS, resolution_uj: 62, unit_error_ppm: 0 };
    for counted_uj in [65_483_000_000, 1_000_000] {
        let (begin, end) = (at(S, 0, 0), at(81 * S, counted_uj, 1));
        let found = interval(&begin, &end, (S, 81 * S), &limits).unwrap();
        let most_uj = 80_000_000_000_u64;
        assert!(found.gap && found.uncertainty_uj >= counted_uj.max(most_uj - counted_uj), "{found:?}");
    }
}
