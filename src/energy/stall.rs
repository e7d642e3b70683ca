//! How a counter moves: for how long it stands, how soon it goes on, and whether it has stopped. Pure.

use super::sample::SLOWEST_NS;

/// One that has stood still for longer, although power is drawn, has stopped.
const STOPPED_AFTER_NS: u64 = 250_000_000;
/// A counter that moved so often in turn takes no longer for one move than for the longest of these, and a part more.
const MOVES_IN_TURN: u32 = 4;
/// Looks that are further apart tell little of the moment between them.
const MAX_PAIR_GAP_NS: u64 = 10_000_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct StallDetector {
    /// For how long it has stood still although power was drawn.
    still_ns: u64,
    /// For how long its time has gone on without it, and the longest that it ever did before it moved again, surely and at
    /// most. When it last moved is known to the time between two looks.
    standing_ns: u64,
    surely_stood_ns: u64,
    stood_ns: u64,
    moved_within_ns: u64,
    /// The shortest time in which it moved every time: it is refreshed about as often, at the least. And how often in turn
    /// it just did, in how long at most.
    refresh_period_ns: u64,
    run: (u32, u64),
    /// When we last saw a count that it has since gone on from.
    last_advance_ns: u64,
}

impl Default for StallDetector {
    fn default() -> Self {
        StallDetector {
            still_ns: 0,
            standing_ns: 0,
            surely_stood_ns: 0,
            stood_ns: 0,
            moved_within_ns: 0,
            refresh_period_ns: SLOWEST_NS,
            run: (0, 0),
            last_advance_ns: 0,
        }
    }
}

impl StallDetector {
    /// It moved, within `ns` after a look at `seen_ns`.
    pub fn on_advance(&mut self, ns: u64, seen_ns: u64) {
        if self.standing_ns > 0 {
            self.stood_ns = self.stood_ns.max(self.moved_within_ns + self.standing_ns + ns.min(SLOWEST_NS));
            self.surely_stood_ns = self.surely_stood_ns.max(self.standing_ns);
        }
        (self.still_ns, self.standing_ns, self.moved_within_ns) = (0, 0, ns.min(MAX_PAIR_GAP_NS));
        self.last_advance_ns = seen_ns;
        self.run = (self.run.0 + 1, self.run.1.max(ns));
        if self.run.0 == MOVES_IN_TURN {
            self.refresh_period_ns = self.refresh_period_ns.min(self.run.1 + self.run.1 / u64::from(MOVES_IN_TURN));
            self.run = (0, 0);
        }
    }

    /// It did not, for `ns`; was power `drawn`?
    pub fn on_stall(&mut self, ns: u64, drawn: bool) {
        self.still_ns = if drawn { self.still_ns + ns } else { 0 };
        self.standing_ns += ns;
        self.run = (0, 0);
    }

    /// It began anew.
    pub fn on_reset(&mut self) {
        self.still_ns = 0;
    }

    /// It stands still for longer than any does that goes on, although power is drawn.
    pub fn is_stuck(&self) -> bool {
        self.still_ns >= STOPPED_AFTER_NS.max(2 * self.surely_stood_ns)
    }

    /// For how long it stands at the most, now or ever.
    pub fn longest_stall_ns(&self) -> u64 {
        let now = if self.standing_ns > 0 { self.moved_within_ns + self.standing_ns } else { 0 };
        self.stood_ns.max(now)
    }

    /// How soon it moves, as far as is known.
    pub fn refresh_period_ns(&self) -> u64 {
        self.refresh_period_ns
    }

    pub fn last_advance_ns(&self) -> u64 {
        self.last_advance_ns
    }
}
