//! Refresh behaviour of one counter: its refresh period, its longest stall, and whether it is stuck. Pure.

use super::sample::{MAX_NS, SLOWEST_REFRESH_NS, STALL_NS};

/// The refresh period is taken from this many advances in a row: the longest of them and a fraction more.
const ADVANCES_IN_A_ROW: u32 = 4;
/// Samples further apart do not narrow down when the counter advanced between them.
const MAX_PAIR_GAP_NS: u64 = 10_000_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct StallDetector {
    /// Length of the current stall, as far as power was drawn in it, and by how much its last sample may be older.
    powered_stall_ns: u64,
    last_reading_ns: u64,
    /// Length of the current stall. Its beginning is known to the gap between two samples.
    stall_ns: u64,
    begin_gap_ns: u64,
    /// Lower and upper limit of the longest stall that ended with an advance.
    longest_min_ns: u64,
    longest_max_ns: u64,
    /// The shortest time in which the counter advanced every time: an upper limit of its refresh period.
    refresh_period_ns: u64,
    /// Advances in a row, and the longest gap between their samples.
    run: (u32, u64),
    /// Receipt time of the last sample whose count the counter has since left.
    last_advance_ns: u64,
}

impl Default for StallDetector {
    fn default() -> Self {
        StallDetector {
            powered_stall_ns: 0,
            last_reading_ns: 0,
            stall_ns: 0,
            begin_gap_ns: 0,
            longest_min_ns: 0,
            longest_max_ns: 0,
            refresh_period_ns: SLOWEST_REFRESH_NS,
            run: (0, 0),
            last_advance_ns: 0,
        }
    }
}

impl StallDetector {
    /// The counter advanced within `ns` after the sample received at `seen_ns`.
    pub fn on_advance(&mut self, ns: u64, seen_ns: u64) {
        if self.stall_ns > 0 {
            let max_ns = self.begin_gap_ns + self.stall_ns + ns.min(SLOWEST_REFRESH_NS);
            self.longest_max_ns = self.longest_max_ns.max(max_ns);
            self.longest_min_ns = self.longest_min_ns.max(self.stall_ns);
        }
        (self.powered_stall_ns, self.stall_ns, self.begin_gap_ns) = (0, 0, ns.min(MAX_PAIR_GAP_NS));
        self.last_advance_ns = seen_ns;
        self.run = (self.run.0 + 1, self.run.1.max(ns));
        if self.run.0 == ADVANCES_IN_A_ROW {
            self.refresh_period_ns = self.refresh_period_ns.min(self.run.1 + self.run.1 / u64::from(ADVANCES_IN_A_ROW));
            self.run = (0, 0);
        }
    }

    /// The counter did not advance for `ns`, or for less if it was read up to `reading_ns` before its sample's time;
    /// `powered`: power was drawn, if that is known.
    pub fn on_stall(&mut self, ns: u64, reading_ns: u64, powered: Option<bool>) {
        match powered {
            Some(true) => self.powered_stall_ns = longer(self.powered_stall_ns, ns),
            Some(false) => self.powered_stall_ns = 0,
            None => {}
        }
        self.last_reading_ns = reading_ns;
        self.stall_ns = longer(self.stall_ns, ns);
        self.run = (0, 0);
    }

    /// For how much of the next `ns` the counter is overdue, if it does not advance in them.
    pub fn overdue_ns(&self, ns: u64) -> u64 {
        let overdue_ns = |stall_ns: u64| stall_ns.saturating_sub(self.refresh_period_ns);
        overdue_ns(longer(self.stall_ns, ns)) - overdue_ns(self.stall_ns)
    }

    /// The counter was reset.
    pub fn on_reset(&mut self) {
        self.powered_stall_ns = 0;
    }

    /// The counter has stalled although power is drawn, for longer than any stall that ended.
    pub fn is_stuck(&self) -> bool {
        self.powered_stall_ns.saturating_sub(self.last_reading_ns) >= STALL_NS.max(2 * self.longest_min_ns)
    }

    /// Upper limit of the longest stall, the current one included.
    pub fn longest_stall_ns(&self) -> u64 {
        let current_ns = if self.stall_ns > 0 { self.begin_gap_ns + self.stall_ns } else { 0 };
        self.longest_max_ns.max(current_ns)
    }

    /// Upper limit of the refresh period.
    pub fn refresh_period_ns(&self) -> u64 {
        self.refresh_period_ns
    }

    pub fn last_advance_ns(&self) -> u64 {
        self.last_advance_ns
    }
}

/// Both are limited already.
fn longer(stall_ns: u64, ns: u64) -> u64 {
    (stall_ns + ns).min(MAX_NS)
}

#[cfg(test)]
mod tests {
    use crate::energy::{AccumulatorTracker, RawSample};

    const MS: u64 = 1_000_000;

    fn read(begun_ms: u64, seen_ms: u64) -> RawSample {
        RawSample {
            begun_ns: begun_ms * MS,
            seen_ns: seen_ms * MS,
            accumulator: Some(5),
            resolution_uj: 15.3,
            power_mw: Some(300_000),
            ..RawSample::default()
        }
    }

    /// Without a driver's time, a sample's time is that of its receipt: a thread that waited for a processor since the reading
    /// has not seen a stall.
    #[test]
    fn a_late_receipt_is_no_stall() {
        let mut tracker = AccumulatorTracker::new(64, 750_000);
        tracker.add(&read(1_000, 1_001));
        tracker.add(&read(1_002, 1_900));
        assert!(!tracker.is_stuck(), "1 ms");
        tracker.add(&read(1_901, 1_902));
        assert!(tracker.is_stuck(), "900 ms");
    }

    /// A power that cannot be read says nothing; one that shows that none is drawn does.
    #[test]
    fn a_missing_power_does_not_end_a_stall() {
        for (between_mw, expected) in [(None, true), (Some(0), false), (Some(300_000), true)] {
            let mut tracker = AccumulatorTracker::new(64, 750_000);
            for n in 0..80 {
                let power_mw = if n % 2 == 0 { Some(300_000) } else { between_mw };
                tracker.add(&RawSample { power_mw, ..read(1_000 + 10 * n, 1_000 + 10 * n) });
            }
            assert_eq!(tracker.is_stuck(), expected, "{between_mw:?}");
        }
    }
}
