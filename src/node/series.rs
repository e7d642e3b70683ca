//! The last minute of the board's accelerators and of the packages' counters, sampled side by side. Pure.

use super::count::Count;
use super::gain::{judge, Finding, Point};
use std::collections::VecDeque;

/// The count of a package since the tracker's zero.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// `CLOCK_BOOTTIME` that the count belongs to.
    pub at_ns: u64,
    pub energy_pj: u128,
    pub resets: u32,
}

/// A value of the board, with the controller's time of it, and when it was seen.
#[derive(Debug, Clone, Copy)]
struct Update {
    stamp_ns: u64,
    seen_ns: u64,
    energy_uj: u64,
}

#[derive(Debug, Default)]
pub struct Series {
    board: Vec<VecDeque<Update>>,
    counters: Vec<VecDeque<Counted>>,
    epoch: Option<u64>,
    last_ns: u64,
}

const KEPT_NS: u64 = 60_000_000_000;

/// Where nothing was sampled for so long, the course in between is not known: begin again.
const GAP_NS: u64 = 1_000_000_000;

impl Series {
    #[must_use]
    pub fn new(accelerators: usize, packages: usize) -> Series {
        Series {
            board: vec![VecDeque::new(); accelerators],
            counters: vec![VecDeque::new(); packages],
            ..Series::default()
        }
    }

    fn clear(&mut self) {
        *self = Series::new(self.board.len(), self.counters.len());
    }

    /// Adds what was read at a time. `board` is empty where it has nothing new.
    pub fn add(&mut self, now_ns: u64, board: &[Count], counters: &[Option<Counted>]) {
        if now_ns.saturating_sub(self.last_ns) > GAP_NS || self.goes_back(board, counters) {
            self.clear();
        }
        self.last_ns = now_ns;
        for (series, count) in self.board.iter_mut().zip(board) {
            let Some(energy_uj) = count.energy_uj else { continue };
            self.epoch = Some(count.epoch);
            let stamp_ns = count.clock_ns.unwrap_or(count.ended_ns);
            if series.back().map_or(true, |last| last.stamp_ns < stamp_ns) {
                series.push_back(Update { stamp_ns, seen_ns: count.ended_ns, energy_uj });
            }
            trim(series, |u| u.seen_ns);
        }
        for (series, counted) in self.counters.iter_mut().zip(counters) {
            match counted {
                None => series.clear(),
                Some(now) if series.back().map_or(true, |last| last.at_ns < now.at_ns) => series.push_back(*now),
                Some(_) => {}
            }
            trim(series, |c| c.at_ns);
        }
    }

    /// A counter, or the controller, has started from 0.
    fn goes_back(&self, board: &[Count], counters: &[Option<Counted>]) -> bool {
        let by_board = self.board.iter().zip(board).any(|(series, count)| {
            let last = series.back().filter(|_| count.energy_uj.is_some());
            let is_earlier = |u: &Update| count.clock_ns.is_some_and(|ns| ns < u.stamp_ns);
            let has_less = |u: &Update| count.energy_uj < Some(u.energy_uj);
            last.is_some_and(|u| self.epoch != Some(count.epoch) || has_less(u) || is_earlier(u))
        });
        let has_reset = |(series, now): (&VecDeque<Counted>, &Option<Counted>)| {
            series.back().zip(now.as_ref()).is_some_and(|(last, now)| last.resets != now.resets)
        };
        by_board || self.counters.iter().zip(counters).any(has_reset)
    }

    /// What the board says of each counter.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        // The controller's clock has a zero of its own: what was seen soonest was seen at once, but for the lag.
        let ahead_ns = |u: &Update| i128::from(u.seen_ns) - i128::from(u.stamp_ns);
        let offset_ns = self.board.iter().flatten().map(ahead_ns).min().unwrap_or(0);
        let zero_ns = i128::from(self.counters.iter().flatten().map(|c| c.at_ns).min().unwrap_or(0));
        let at_s = |ns: i128| (ns - zero_ns) as f64 / 1e9;
        let of_board = |series: &VecDeque<Update>| {
            let first_uj = series.front().map_or(0, |u| u.energy_uj);
            let point = |u: &Update| Point {
                at_s: at_s(i128::from(u.stamp_ns) + offset_ns),
                energy_j: u.energy_uj.saturating_sub(first_uj) as f64 / 1e6,
            };
            series.iter().map(point).collect()
        };
        let of_counter = |series: &VecDeque<Counted>| {
            let first_pj = series.front().map_or(0, |c| c.energy_pj);
            let point = |c: &Counted| Point {
                at_s: at_s(i128::from(c.at_ns)),
                energy_j: c.energy_pj.saturating_sub(first_pj) as f64 / 1e12,
            };
            series.iter().map(point).collect()
        };
        let board: Vec<Vec<Point>> = self.board.iter().map(of_board).collect();
        let counters: Vec<Vec<Point>> = self.counters.iter().map(of_counter).collect();
        judge(&board, &counters)
    }
}

/// Drops what is older than a minute.
fn trim<T>(series: &mut VecDeque<T>, at_ns: impl Fn(&T) -> u64) {
    let last_ns = series.back().map_or(0, &at_ns);
    while series.front().is_some_and(|first| at_ns(first) + KEPT_NS < last_ns) {
        series.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::gain::Opinion;

    const MS: u64 = 1_000_000;

    /// Two packages over a minute, each its own square wave; the board has them the other way round. `each` sees the series
    /// after each sample, and the milliseconds.
    fn sampled(gains: [f64; 2], seconds: u64, restart_ms: u64, mut each: impl FnMut(&mut Series, u64)) -> Series {
        let joules = |package: usize, ms: u64| {
            let half_ms = [2000, 3300][package];
            let (whole, rest) = (ms / (2 * half_ms), ms % (2 * half_ms));
            let busy_ms = whole * half_ms + rest.min(half_ms);
            (100 * ms + 350 * busy_ms) as f64 / 1e3
        };
        let mut series = Series::new(2, 2);
        for ms in (1000..1000 + seconds * 1000).step_by(25) {
            let of_board = |n: usize| {
                let at_ms = (ms - 40) / 100 * 100;
                let since_ms = if ms > restart_ms { restart_ms } else { 0 };
                let j = 1.02 * (joules(1 - n, at_ms) - joules(1 - n, since_ms)) + 6.0 * at_ms as f64 / 1e3;
                Count {
                    energy_uj: Some(j as u64 * 1_000_000),
                    clock_ns: Some(at_ms * MS + 777_000_000_000),
                    ended_ns: ms * MS,
                    epoch: u64::from(ms > restart_ms),
                    ..Count::default()
                }
            };
            let counted = |n: usize| {
                let pj = gains[n] * joules(n, ms) * 1e12;
                Some(Counted { at_ns: ms * MS, energy_pj: pj as u128, resets: 0 })
            };
            let board = [of_board(0), of_board(1)];
            series.add(ms * MS, if ms % 50 == 0 { &board } else { &[] }, &[counted(0), counted(1)]);
            each(&mut series, ms);
        }
        series
    }

    fn opinions(series: &Series) -> Vec<Opinion> {
        series.findings().iter().map(|f| f.opinion).collect()
    }

    #[test]
    fn gains_and_accelerators_are_found() {
        let series = sampled([1.0, 0.9], 100, u64::MAX, |_, _| ());
        let found = series.findings();
        assert_eq!(opinions(&series), [Opinion::Agrees, Opinion::CountsTooLittle], "{found:?}");
        assert_eq!(found.iter().map(|f| f.accelerator).collect::<Vec<_>>(), [Some(1), Some(0)]);
        for (f, gain) in found.iter().zip([1.02, 1.02 / 0.9]) {
            let fit = f.fit.unwrap();
            assert!((fit.gain - gain).abs() < fit.error && fit.error < 0.004, "{fit:?}");
            assert!((fit.offset_w - 6.0).abs() < 0.5, "{fit:?}");
        }
        // A minute is kept.
        assert!(series.board[0].len() <= 602 && series.counters[0].len() <= 2402);
    }

    #[test]
    fn it_begins_again_after_restarts_resets_and_gaps() {
        let short = sampled([1.0, 1.0], 40, 31_000, |_, _| ());
        assert_eq!((short.epoch, opinions(&short)), (Some(1), vec![Opinion::Unknown; 2]));
        assert!(short.board[0].len() < 110);
        let begins_again = |change: fn(&mut Count, &mut Counted, &mut u64)| {
            let mut series = sampled([1.0, 1.0], 30, u64::MAX, |_, _| ());
            let (update, mut counted) = (*series.board[0].back().unwrap(), *series.counters[0].back().unwrap());
            let mut now_ns = series.last_ns + 25 * MS;
            let mut count = Count {
                energy_uj: Some(update.energy_uj),
                clock_ns: Some(update.stamp_ns),
                ended_ns: now_ns,
                ..Count::default()
            };
            change(&mut count, &mut counted, &mut now_ns);
            series.add(now_ns, &[count], &[Some(counted)]);
            series.board[0].len() < 3
        };
        assert!(!begins_again(|_, _, _| ()));
        assert!(begins_again(|count, _, _| count.epoch += 1));
        assert!(begins_again(|count, _, _| count.clock_ns = Some(5)));
        assert!(begins_again(|count, _, _| count.energy_uj = Some(5)));
        assert!(begins_again(|_, counted, _| counted.resets += 1));
        assert!(begins_again(|_, _, now_ns| *now_ns += GAP_NS));
    }

    #[test]
    fn a_counter_that_is_not_read_is_unknown() {
        let series = sampled([1.0, 1.0], 60, u64::MAX, |series, ms| {
            if ms > 50_000 {
                series.add(ms * MS, &[], &[None, None]);
            }
        });
        assert_eq!(opinions(&series), [Opinion::Unknown; 2]);
    }
}
