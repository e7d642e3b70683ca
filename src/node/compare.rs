//! The board's accelerators and the GPUs' own counters, which measure the same packages: a second opinion. Pure.

use super::domain::{Domain, DomainKind};
use super::gain::{self, Finding, Fit};
use super::interval::NodeInterval;

/// Energies over the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub duration_ns: u64,
    board: Vec<Measured>,
    counters: Vec<Measured>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Measured {
    name: String,
    energy_uj: u64,
    uncertainty_uj: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opinion {
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

/// Of sums over some packages.
fn opinion(board: &[&Measured], counters: &[&Measured], duration_ns: u64) -> Opinion {
    let sum = |all: &[&Measured]| all.iter().map(|m| u128::from(m.energy_uj)).sum::<u128>();
    let (board_uj, counters_uj) = (sum(board), sum(counters));
    let error_uj: u128 = board.iter().chain(counters).map(|m| u128::from(m.uncertainty_uj)).sum();
    let offset_uj = MOST_OFFSET_MW * board.len() as u128 * u128::from(duration_ns) / 1_000_000;
    if (board_uj + error_uj) * 100 < counters_uj * LEAST_PERCENT {
        Opinion::BoardBelow
    } else if board_uj * 100 > counters_uj * MOST_PERCENT + (offset_uj + error_uj) * 100 {
        Opinion::BoardAbove
    } else if error_uj * 20 > counters_uj {
        Opinion::TooShort
    } else {
        Opinion::Agrees
    }
}

impl Opinion {
    fn text(self) -> &'static str {
        match self {
            Opinion::Agrees => "they agree as far as published measurements do",
            Opinion::BoardBelow => {
                "the counters show more than the board, which measures before them: a counter counts too much"
            }
            Opinion::BoardAbove => {
                "the counters show less than published differences explain: a counter counts too little"
            }
            Opinion::TooShort => "the time is too short to compare them",
        }
    }
}

impl Comparison {
    /// `None` where the board has other packages than the session, or one of them has no energy by its counter.
    #[must_use]
    pub fn of<'a>(
        domains: &[Domain],
        intervals: impl Iterator<Item = Option<&'a NodeInterval>>,
        duration_ns: u64,
    ) -> Option<Comparison> {
        let mut found = Comparison { duration_ns, board: Vec::new(), counters: Vec::new() };
        for (domain, interval) in domains.iter().zip(intervals) {
            let list = match domain.kind {
                DomainKind::Accelerator => &mut found.board,
                DomainKind::Gpu => &mut found.counters,
                _ => continue,
            };
            let NodeInterval { energy_uj, uncertainty_uj, .. } = *interval.filter(|i| i.is_counted())?;
            list.push(Measured { name: domain.name.clone(), energy_uj, uncertainty_uj });
        }
        (!found.board.is_empty() && found.board.len() == found.counters.len()).then_some(found)
    }

    fn opinion(&self) -> Opinion {
        opinion(&self.board.iter().collect::<Vec<_>>(), &self.counters.iter().collect::<Vec<_>>(), self.duration_ns)
    }

    /// The package of each accelerator: the only one whose energy is near enough, and near to no other accelerator's. One
    /// pair that is left and fits nothing belongs together.
    fn matches(&self) -> Vec<Option<usize>> {
        let fits = |board: usize, counter: usize| {
            let pair = (&self.board[board], &self.counters[counter]);
            !matches!(opinion(&[pair.0], &[pair.1], self.duration_ns), Opinion::BoardBelow | Opinion::BoardAbove)
        };
        let all = 0..self.board.len();
        let only = |mut fitting: Vec<usize>| fitting.pop().filter(|_| fitting.is_empty());
        let of_board = |b: usize| all.clone().filter(|c| fits(b, *c)).collect::<Vec<_>>();
        let of_counter = |c: usize| all.clone().filter(|b| fits(*b, c)).collect::<Vec<_>>();
        let mut matches: Vec<_> =
            all.clone().map(|b| only(of_board(b)).filter(|c| only(of_counter(*c)) == Some(b))).collect();
        let left: Vec<usize> = all.clone().filter(|b| matches[*b].is_none()).collect();
        let free: Vec<usize> = all.clone().filter(|c| !matches.contains(&Some(*c))).collect();
        if let ([board], [counter]) = (&left[..], &free[..]) {
            matches[*board] = Some(*counter);
        }
        matches
    }

    /// What the board says of one counter, by the course of its energy.
    fn by_course(&self, name: &str, found: &Finding) -> String {
        let accelerator = found.accelerator.and_then(|a| self.board.get(a));
        let which = accelerator.map_or_else(|| name.to_owned(), |a| format!("{} is {name} by its course", a.name));
        let Some(fit) = found.fit.filter(|_| found.opinion != gain::Opinion::Unknown) else {
            return format!("{which}; its gain is unknown: its power varied too little, or as that of others\n");
        };
        let more = found.others.unwrap_or(fit.gain.clamp(gain::PUBLISHED.0, gain::PUBLISHED.1)) / fit.gain - 1.0;
        let opinion = match found.opinion {
            gain::Opinion::Agrees | gain::Opinion::Unknown => "as published measurements are".to_owned(),
            gain::Opinion::CountsTooMuch => format!("the counter counts about {:.1} % too much", more * 100.0),
            gain::Opinion::CountsTooLittle => format!("the counter counts about {:.1} % too little", -more * 100.0),
        };
        let others = found.others.map(|g| format!(", of the other packages {g:.3}")).unwrap_or_default();
        let Fit { gain, error, offset_w, .. } = fit;
        format!("{which}: gain {gain:.3} +- {error:.3}{others}, offset {offset_w:.0} W; {opinion}\n")
    }

    /// For people; `findings` are of the counters in their order.
    #[must_use]
    pub fn text(&self, findings: &[Finding]) -> String {
        let sum = |all: &[Measured]| all.iter().map(|m| m.energy_uj as f64 / 1e6).sum::<f64>();
        let (board, counters, seconds) = (sum(&self.board), sum(&self.counters), self.duration_ns as f64 / 1e9);
        let error = self.board.iter().chain(&self.counters).map(|m| m.uncertainty_uj as f64 / 1e6).sum::<f64>();
        let mut text = format!(
            "Energy of {} packages over {seconds:.1} s: {board:.1} J by pm_counters, {counters:.1} J by their own counters, \
             +- {error:.1} J; ratio {:.3}, difference {:.1} W; {}\n",
            self.board.len(),
            board / counters.max(f64::MIN_POSITIVE),
            (board - counters) / seconds.max(f64::MIN_POSITIVE),
            self.opinion().text(),
        );
        if findings.iter().any(|f| f.opinion != gain::Opinion::Unknown) {
            return self.counters.iter().zip(findings).fold(text, |all, (m, f)| all + &self.by_course(&m.name, f));
        }
        text += "The gain of each counter is unknown: it shows within a minute, under a load that varies\n";
        let matches = self.matches();
        if matches.iter().any(Option::is_none) {
            return text
                + "Which accelerator is which GPU is unknown: their energies were too alike, or the time too short\n";
        }
        for (board, counter) in self.board.iter().zip(matches.iter().flatten().map(|c| &self.counters[*c])) {
            let opinion = opinion(&[board], &[counter], self.duration_ns).text();
            let ratio = board.energy_uj as f64 / (counter.energy_uj as f64).max(f64::MIN_POSITIVE);
            text += &format!("{} is {} by its energy, ratio {ratio:.3}; {opinion}\n", board.name, counter.name);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECONDS: u64 = 60;

    /// Packages of these watts over a minute, in this order on the board, by these gains of board and counters.
    fn of(watts: &[u64], order: &[usize], board: (f64, f64), counters: &[f64]) -> Comparison {
        let one = |name: String, w: f64, error_j: u64| Measured {
            name,
            energy_uj: (w * SECONDS as f64 * 1e6) as u64,
            uncertainty_uj: error_j * 1_000_000,
        };
        let measured = |(i, w): (usize, &u64)| one(format!("gpu{i}"), *w as f64 * counters[i], 1);
        let by_board = |(i, of): (usize, &usize)| one(format!("accel{i}"), watts[*of] as f64 * board.0 + board.1, 300);
        Comparison {
            duration_ns: SECONDS * 1_000_000_000,
            board: order.iter().enumerate().map(by_board).collect(),
            counters: watts.iter().enumerate().map(measured).collect(),
        }
    }

    #[test]
    fn published_differences_agree() {
        for gain in [1.0, 1.01, 1.03, 1.05] {
            for offset_w in [0.0, 7.0, 30.0] {
                let found = of(&[400; 4], &[0, 1, 2, 3], (gain, offset_w), &[1.0; 4]);
                assert_eq!(found.opinion(), Opinion::Agrees, "{gain} and {offset_w} W");
                assert!(!found.text(&[]).contains("counts too"));
            }
        }
    }

    #[test]
    fn the_order_is_found_or_unknown() {
        for order in [[2, 0, 3, 1], [0, 1, 2, 3], [3, 2, 1, 0]] {
            let found = of(&[100, 220, 350, 500], &order, (1.03, 6.0), &[1.0; 4]);
            assert_eq!(found.matches(), order.map(Some), "{order:?}");
            let alike = of(&[400, 400, 405, 410], &order, (1.03, 6.0), &[1.0; 4]);
            assert!(alike.matches().iter().all(Option::is_none) && alike.text(&[]).contains("unknown"));
        }
    }

    #[test]
    fn a_wrong_counter_is_named() {
        let order = [2, 0, 3, 1];
        // That of 220 W shows 150 W: it fits no accelerator, and is what is left.
        let found = of(&[100, 220, 350, 500], &order, (1.02, 5.0), &[1.0, 0.68, 1.0, 1.0]);
        assert_eq!(found.matches(), order.map(Some));
        let text = found.text(&[]);
        let named: Vec<&str> =
            text.lines().filter(|l| l.contains("by its energy") && l.contains("too little")).collect();
        assert!(named.len() == 1 && named[0].starts_with("accel3 is gpu1"), "{text}");
        assert_eq!(of(&[400; 4], &order, (1.0, 0.0), &[1.0, 1.0, 1.3, 1.0]).opinion(), Opinion::BoardBelow);
        assert_eq!(of(&[400; 4], &order, (1.03, 5.0), &[1.0, 1.0, 0.2, 1.0]).opinion(), Opinion::BoardAbove);
    }

    #[test]
    fn a_gain_by_the_course_stands_for_the_sum_over_the_time() {
        let found = of(&[400; 4], &[0, 1, 2, 3], (1.03, 6.0), &[1.0; 4]);
        let one = |gain: f64, opinion: gain::Opinion| Finding {
            accelerator: Some(2),
            fit: Some(Fit::of(gain, 0.001, 6.1)),
            others: Some(1.03),
            opinion,
        };
        let unknown = Finding { accelerator: None, fit: None, others: None, opinion: gain::Opinion::Unknown };
        let wrong = one(0.981, gain::Opinion::CountsTooMuch);
        let findings = [unknown, wrong, one(1.031, gain::Opinion::Agrees), one(1.09, gain::Opinion::CountsTooLittle)];
        let text = found.text(&findings);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "gpu0; its gain is unknown: its power varied too little, or as that of others",
                "accel2 is gpu1 by its course: gain 0.981 +- 0.001, of the other packages 1.030, offset 6 W; the counter counts about 5.0 % too much",
                "accel2 is gpu2 by its course: gain 1.031 +- 0.001, of the other packages 1.030, offset 6 W; as published measurements are",
                "accel2 is gpu3 by its course: gain 1.090 +- 0.001, of the other packages 1.030, offset 6 W; the counter counts about 5.5 % too little",
            ]
        );
        assert!(found.text(&[unknown; 4]).contains("within a minute"));
    }

    #[test]
    fn a_short_time_is_no_opinion() {
        let mut short = of(&[400; 4], &[0, 1, 2, 3], (1.0, 0.0), &[1.0; 4]);
        short.board.iter_mut().for_each(|b| b.uncertainty_uj = 5_000_000_000);
        assert_eq!(short.opinion(), Opinion::TooShort);
        assert!(short.text(&[]).contains("unknown"));
    }
}
