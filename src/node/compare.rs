//! The board's accelerators and the GPUs' own counters, which measure the same packages: a second opinion. Pure.

use super::domain::{Domain, DomainKind};
use super::interval::NodeInterval;

/// Sums over the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub packages: u32,
    pub duration_ns: u64,
    pub board_uj: u64,
    pub counters_uj: u64,
    pub uncertainty_uj: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opinion {
    /// As far apart as published measurements are.
    Agrees,
    BoardBelow,
    BoardAbove,
    TooShort,
}

// The board measures before the last voltage conversion: up to 5 % above the counters of MI250X and 1 % of MI300A, after
// an offset of up to 30 W a package (arXiv 2604.06056). A percent below is for the calibration of either.
const MOST_PERCENT: u128 = 105;
const LEAST_PERCENT: u128 = 99;
const MOST_OFFSET_MW: u128 = 30_000;

impl Comparison {
    /// `None` where the board has other packages than the session, or one of them has no energy by its counter.
    #[must_use]
    pub fn of<'a>(
        domains: &[Domain],
        intervals: impl Iterator<Item = Option<&'a NodeInterval>>,
        duration_ns: u64,
    ) -> Option<Comparison> {
        let mut sum = Comparison { packages: 0, duration_ns, board_uj: 0, counters_uj: 0, uncertainty_uj: 0 };
        let (mut of_board, mut of_session) = (0, 0);
        for (domain, interval) in domains.iter().zip(intervals) {
            let (count, energy_uj) = match domain.kind {
                DomainKind::Accelerator => (&mut of_board, &mut sum.board_uj),
                DomainKind::Gpu => (&mut of_session, &mut sum.counters_uj),
                _ => continue,
            };
            let interval = interval.filter(|i| i.is_counted())?;
            *count += 1;
            *energy_uj = energy_uj.checked_add(interval.energy_uj)?;
            sum.uncertainty_uj = sum.uncertainty_uj.checked_add(interval.uncertainty_uj)?;
        }
        sum.packages = of_board;
        (of_board > 0 && of_board == of_session).then_some(sum)
    }

    #[must_use]
    pub fn opinion(&self) -> Opinion {
        let [board, counters, error] = [self.board_uj, self.counters_uj, self.uncertainty_uj].map(u128::from);
        let offset_uj = MOST_OFFSET_MW * u128::from(self.packages) * u128::from(self.duration_ns) / 1_000_000;
        if (board + error) * 100 < counters * LEAST_PERCENT {
            Opinion::BoardBelow
        } else if board * 100 > counters * MOST_PERCENT + (offset_uj + error) * 100 {
            Opinion::BoardAbove
        } else if error * 20 > counters {
            Opinion::TooShort
        } else {
            Opinion::Agrees
        }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let (seconds, joules) = (self.duration_ns as f64 / 1e9, |uj: u64| uj as f64 / 1e6);
        let (board, counters) = (joules(self.board_uj), joules(self.counters_uj));
        let opinion = match self.opinion() {
            Opinion::Agrees => "they agree as far as published measurements do",
            Opinion::BoardBelow => {
                "the counters show more than the board, which measures before them: one of them counts too much"
            }
            Opinion::BoardAbove => {
                "the counters show less than published differences explain: one of them counts too little"
            }
            Opinion::TooShort => "the time is too short to compare them",
        };
        format!(
            "Energy of {} packages over {seconds:.1} s: {board:.1} J by pm_counters, {counters:.1} J by their own counters, \
             +- {:.1} J; ratio {:.3}, difference {:.1} W; {opinion}\n",
            self.packages,
            joules(self.uncertainty_uj),
            board / counters.max(f64::MIN_POSITIVE),
            (board - counters) / seconds.max(f64::MIN_POSITIVE),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four packages of 400 W over a minute.
    fn of(board_percent: u64, offset_w: u64, counter_percent: u64) -> Comparison {
        let one_uj = 400 * 60 * 1_000_000;
        let sum = |percent: u64| one_uj * percent / 100;
        Comparison {
            packages: 4,
            duration_ns: 60_000_000_000,
            board_uj: 4 * sum(board_percent) + 4 * offset_w * 60 * 1_000_000,
            counters_uj: 3 * one_uj + sum(counter_percent),
            uncertainty_uj: 4 * 450_000_000,
        }
    }

    #[test]
    fn published_differences_agree() {
        for percent in 100..=105 {
            for offset_w in [0, 7, 30] {
                assert_eq!(of(percent, offset_w, 100).opinion(), Opinion::Agrees, "{percent} % and {offset_w} W");
            }
        }
    }

    #[test]
    fn wrong_gains_differ() {
        assert_eq!(of(100, 0, 130).opinion(), Opinion::BoardBelow);
        assert_eq!(of(103, 5, 20).opinion(), Opinion::BoardAbove);
        assert!(of(103, 5, 20).text().contains("too little"));
        let short = Comparison {
            duration_ns: 1_000_000_000,
            board_uj: 1_640_000_000,
            counters_uj: 1_600_000_000,
            ..of(100, 0, 100)
        };
        assert_eq!(short.opinion(), Opinion::TooShort);
    }
}
