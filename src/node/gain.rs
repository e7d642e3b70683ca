//! The gain of each GPU's counter against the board's accelerators, from series of both. Pure.
//!
//! The board measures before the last voltage conversion, so a healthy pair differs by a gain and an offset. The slope of
//! one energy against the other, beside a trend in time, is the gain alone: offset and its drift are in the trend. So the
//! power has to vary, and not in step with time alone.

/// An energy at a time, both since any zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at_s: f64,
    pub energy_j: f64,
}

/// The energy of an accelerator against that of a counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    pub gain: f64,
    /// Upper limit of its error, as far as the series show it.
    pub error: f64,
    pub offset_w: f64,
    /// Root mean square of what is left.
    rest_j: f64,
    /// What is left is little beside what varies.
    explains: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opinion {
    /// As far from the board as published measurements are, or one cannot say.
    Agrees,
    CountsTooMuch,
    CountsTooLittle,
    /// Too short, too steady, or the accelerator of this counter is unknown and they differ.
    Unknown,
}

/// What the board says of one counter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// Its accelerator, where only one fits.
    pub accelerator: Option<usize>,
    /// Of the accelerator that fits best.
    pub fit: Option<Fit>,
    /// Median gain of the other counters.
    pub others: Option<f64>,
    pub opinion: Opinion,
}

/// Published differences (arXiv 2604.06056): the board shows up to 5 % more than the counters of MI250X, 1 % of MI300A.
pub(super) const PUBLISHED: (f64, f64) = (1.00, 1.05);
/// What is further outside is wrong whatever the other counters say; the calibration of a sensor is better than that.
const CALIBRATION: f64 = 0.01;
/// What is outside by less has to differ so much from the others, which have the same converters.
const APART: f64 = 0.03;
/// What is inside is wrong where it differs so much from each of the others. With gains that are independent and uniform
/// over the published range, one of four does so in two of 100,000 nodes.
const FAR_APART: f64 = 0.046;
/// A gain with a larger error says nothing of 5 %.
const LARGEST_ERROR: f64 = 0.006;
/// Standard errors in an error.
const SIGMAS: f64 = 4.0;
/// The part of the error that does not show in the series: clocks that differ, counts in whole units.
const LEAST_ERROR: f64 = 0.0003;
/// Fewer updates of the board say nothing: 15 s.
const LEAST_POINTS: usize = 150;
/// A pair that fits so much worse than the best is not one.
const WORSE: f64 = 1.5;
/// The part of the variance that a counter may leave unexplained.
const UNEXPLAINED: f64 = 0.02;
/// Zeus's rule holds where counters are used: slopes outside are of other packages.
const SLOPES: (f64, f64) = (0.1, 10.0);
/// A value of the board is at most so much older than the freshest one when seen.
const MOST_LAG_S: f64 = 0.32;
const LAGS: usize = 16;
/// It is searched for in each so many updates.
const FOR_LAG: usize = 4;
/// Updates over which what is left may be correlated.
const CORRELATED: usize = 25;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Subtracts `factor` times another series.
fn subtract(from: &mut [f64], factor: f64, what: &[f64]) {
    from.iter_mut().zip(what).for_each(|(f, w)| *f -= factor * w);
}

/// The board's side of all fits of an accelerator.
struct Board {
    at_s: Vec<f64>,
    /// Orthogonal: 1, the time, and its square.
    trend: [Vec<f64>; 3],
    /// Without the trend.
    energy_j: Vec<f64>,
    /// Mean power.
    mean_w: f64,
}

/// A series without the trend, and its mean power.
fn without(trend: &[Vec<f64>], values: &mut [f64]) -> f64 {
    let mut slope = 0.0;
    for (i, q) in trend.iter().enumerate() {
        let factor = dot(values, q) / dot(q, q).max(f64::MIN_POSITIVE);
        subtract(values, factor, q);
        slope = if i == 1 { factor } else { slope };
    }
    slope
}

impl Board {
    /// Of the points whose counts are known for every lag, each `nth` of them.
    fn new(board: &[Point], (from_s, to_s): (f64, f64), nth: usize) -> Option<Board> {
        let points: Vec<&Point> = board.iter().filter(|p| p.at_s - MOST_LAG_S >= from_s && p.at_s <= to_s).collect();
        if points.len() < LEAST_POINTS {
            return None;
        }
        let points: Vec<&Point> = points.into_iter().step_by(nth).collect();
        let at_s: Vec<f64> = points.iter().map(|p| p.at_s).collect();
        let ones = vec![1.0; at_s.len()];
        let mut time = at_s.clone();
        without(std::slice::from_ref(&ones), &mut time);
        let mut square: Vec<f64> = time.iter().map(|t| t * t).collect();
        without(&[ones.clone(), time.clone()], &mut square);
        let trend = [ones, time, square];
        let mut energy_j: Vec<f64> = points.iter().map(|p| p.energy_j).collect();
        let mean_w = without(&trend, &mut energy_j);
        Some(Board { at_s, trend, energy_j, mean_w })
    }

    /// The counter at the board's times, so much earlier, without the trend; and its mean power. Each `nth` sample is used.
    fn counter(&self, counter: &[Point], lag_s: f64, nth: usize) -> (Vec<f64>, f64) {
        // The sparse form of a counter with two samples is the full one.
        let nth = if counter.len() > nth { nth } else { 1 };
        let (mut next, last) = (nth, (counter.len() - 1) / nth * nth);
        let at = |t: &f64| {
            let t = t - lag_s;
            while next < last && counter[next].at_s < t {
                next += nth;
            }
            let (a, b) = (counter[next - nth], counter[next]);
            a.energy_j + (b.energy_j - a.energy_j) * (t - a.at_s) / (b.at_s - a.at_s).max(1e-9)
        };
        let mut values: Vec<f64> = self.at_s.iter().map(at).collect();
        let mean_w = without(&self.trend, &mut values);
        (values, mean_w)
    }

    /// The gain at a lag, and what is left, squared.
    fn regress(&self, values: &[f64]) -> (f64, f64) {
        let gain = dot(values, &self.energy_j) / dot(values, values).max(f64::MIN_POSITIVE);
        (gain, self.energy_j.iter().zip(values).map(|(y, x)| (y - gain * x).powi(2)).sum())
    }

    fn fit(&self, counter: &[Point], lag_s: f64) -> Fit {
        let (values, mean_w) = self.counter(counter, lag_s, 1);
        let (gain, left) = self.regress(&values);
        let varied = dot(&values, &values).max(f64::MIN_POSITIVE);
        // Between two samples of the counter its course is cut short, which makes the slope too steep by the square of their
        // distance: with half of the samples by four times as much.
        let cut = (self.regress(&self.counter(counter, lag_s, 2).0).0 - gain) / 3.0;
        // Where the times of both are not exact, the slope is too flat by as much of the variance as is left.
        let rounded = self.at_s.len() as f64 / 12.0;
        let by_times = gain.abs() * (left - rounded).max(0.0) / varied;
        let error = SIGMAS * self.standard_error(&values, gain, varied) + by_times + cut.abs() + LEAST_ERROR;
        Fit {
            gain: gain - cut,
            error,
            offset_w: self.mean_w - gain * mean_w,
            rest_j: (left / self.at_s.len() as f64).sqrt(),
            explains: left < UNEXPLAINED * dot(&self.energy_j, &self.energy_j),
        }
    }

    /// Of the gain, where what is left is correlated in time: from sums over parts that are longer.
    fn standard_error(&self, values: &[f64], gain: f64, varied: f64) -> f64 {
        let scores: Vec<f64> = values.iter().zip(&self.energy_j).map(|(x, y)| x * (y - gain * x)).collect();
        let parts = scores.chunks(CORRELATED).map(|part| part.iter().sum::<f64>().powi(2)).sum::<f64>();
        parts.max(dot(&scores, &scores)).sqrt() / varied
    }
}

impl Fit {
    #[cfg(test)]
    pub fn of(gain: f64, error: f64, offset_w: f64) -> Fit {
        Fit { gain, error, offset_w, rest_j: 0.3, explains: true }
    }

    fn is_precise(&self) -> bool {
        self.error <= LARGEST_ERROR
    }

    /// It may be the gain of an accelerator and its own counter.
    fn is_possible(&self) -> bool {
        self.gain + self.error > SLOPES.0 && self.gain - self.error < SLOPES.1
    }

    /// Given the gains of the other counters.
    fn opinion(&self, others: &[f64]) -> Opinion {
        if !self.explains {
            return Opinion::Unknown;
        }
        let (low, high) = (self.gain - self.error, self.gain + self.error);
        let is_apart = |by: f64, all: bool| {
            let apart = others.iter().map(|o| (self.gain / o).ln().abs() - self.error).collect::<Vec<_>>();
            let distance = if all { apart.into_iter().reduce(f64::min) } else { median(apart) };
            distance.is_some_and(|d| d > by)
        };
        let (less, more) = (high < PUBLISHED.0, low > PUBLISHED.1);
        let is_far = high < PUBLISHED.0 - CALIBRATION || low > PUBLISHED.1 + CALIBRATION;
        if is_far || ((less || more) && is_apart(APART, false)) {
            return if less { Opinion::CountsTooMuch } else { Opinion::CountsTooLittle };
        }
        if !self.is_precise() {
            return Opinion::Unknown;
        }
        match others.first() {
            Some(other) if others.len() > 1 && is_apart(FAR_APART, true) => {
                if self.gain < *other {
                    Opinion::CountsTooMuch
                } else {
                    Opinion::CountsTooLittle
                }
            }
            _ => Opinion::Agrees,
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.get(values.len().checked_sub(1)? / 2)?, values.get(values.len() / 2)?);
    Some((low + high) / 2.0)
}

/// How much later the board shows a value than its times say: one for all, that leaves the least for the best pairs.
fn lag_s(board: &[Option<Board>], counters: &[Vec<Point>]) -> f64 {
    let left = |board: &Board, lag_s: f64| {
        let of = |counter: &Vec<Point>| board.regress(&board.counter(counter, lag_s, 1).0).1;
        counters.iter().map(of).fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE).ln()
    };
    let all = |lag_s: f64| (board.iter().flatten().map(|b| left(b, lag_s)).sum::<f64>(), lag_s);
    let least = |lags_s: &[f64]| lags_s.iter().map(|s| all(*s)).min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |l| l.1);
    let coarse_s: Vec<f64> = (0..=LAGS).map(|n| n as f64 * MOST_LAG_S / LAGS as f64).collect();
    let step_s = MOST_LAG_S / LAGS as f64;
    let around = |s: f64, by: f64| [s, (s - by).max(0.0), (s + by).min(MOST_LAG_S)];
    let lag_s = least(&around(least(&coarse_s), step_s / 2.0));
    least(&around(lag_s, step_s / 4.0))
}

/// The accelerators that may be a counter's, each with its fit: the one that fits best first.
fn candidates(board: &[Option<Board>], counter: &[Point], lag_s: f64) -> Vec<(usize, Fit)> {
    let fit = |(i, board): (usize, &Option<Board>)| Some((i, board.as_ref()?.fit(counter, lag_s)));
    let mut fits: Vec<(usize, Fit)> = board.iter().enumerate().filter_map(fit).filter(|f| f.1.is_possible()).collect();
    fits.sort_by(|a, b| a.1.rest_j.total_cmp(&b.1.rest_j));
    let most_j = fits.first().map_or(0.0, |f| f.1.rest_j * WORSE);
    fits.retain(|f| f.1.rest_j <= most_j);
    fits
}

/// What the board says of each counter. All times are on one clock, but for the board's lag. Where several accelerators
/// fit a counter, all of them have to say the same of it.
#[must_use]
pub fn judge(board: &[Vec<Point>], counters: &[Vec<Point>]) -> Vec<Finding> {
    let ends = |series: &Vec<Point>| Some((series.first()?.at_s, series.last()?.at_s));
    let common = |all: Option<(f64, f64)>, one: Option<(f64, f64)>| Some((all?.0.max(one?.0), all?.1.min(one?.1)));
    let time = counters.iter().map(ends).fold(Some((f64::MIN, f64::MAX)), common).unwrap_or((0.0, 0.0));
    let of_each = |nth: usize| -> Vec<_> { board.iter().map(|series| Board::new(series, time, nth)).collect() };
    let (board, lag_s) = (of_each(1), lag_s(&of_each(FOR_LAG), counters));
    let fits: Vec<Vec<(usize, Fit)>> = counters.iter().map(|c| candidates(&board, c, lag_s)).collect();
    let best: Vec<Option<Fit>> = fits.iter().map(|f| Some(f.first()?.1)).collect();
    let of_another = |n: usize, a: usize| fits.iter().enumerate().any(|(k, f)| k != n && f.iter().any(|f| f.0 == a));
    let one = |(n, fits): (usize, &Vec<(usize, Fit)>)| {
        let others = best.iter().enumerate().filter(|(k, _)| *k != n).filter_map(|(_, fit)| *fit);
        let others: Vec<f64> = others.filter(Fit::is_precise).map(|fit| fit.gain).collect();
        let mut opinions = fits.iter().map(|(_, fit)| fit.opinion(&others));
        let first = opinions.next().unwrap_or(Opinion::Unknown);
        let opinion = if opinions.all(|o| o == first) { first } else { Opinion::Unknown };
        let only = fits.first().filter(|_| fits.len() == 1).map(|f| f.0).filter(|a| !of_another(n, *a));
        Finding { accelerator: only, fit: best[n], others: median(others), opinion }
    };
    fits.iter().enumerate().map(one).collect()
}

#[cfg(test)]
mod tests;
