//! How much the load moves: the least and the most that was drawn of late. Pure.

use super::sample::RawSample;

/// A slow sensor says one thing for as long as this several times over: what is seen in such a time counts once.
const SLOT_NS: u64 = 25_000_000;
/// So many of these times are known, and with fewer than a few anything may lie between two looks.
const KNOWN: usize = 16;
const MIN_SLOTS: usize = 4;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PowerRange {
    /// The least and the most of each time.
    slots: [(u64, u64); KNOWN],
    /// How many there have been, and when the last one began.
    begun: usize,
    since_ns: u64,
}

impl PowerRange {
    pub fn add(&mut self, sample: &RawSample, mw: u64) {
        if self.begun == 0 || sample.seen_ns.saturating_sub(self.since_ns) >= SLOT_NS {
            self.slots[self.begun % KNOWN] = (mw, mw);
            (self.begun, self.since_ns) = (self.begun + 1, sample.seen_ns);
        } else {
            let slot = &mut self.slots[(self.begun - 1) % KNOWN];
            *slot = (slot.0.min(mw), slot.1.max(mw));
        }
    }

    /// `None` if too little is known.
    pub fn range(&self) -> Option<(u64, u64)> {
        let known = self.slots.get(..self.begun.min(KNOWN)).filter(|k| k.len() >= MIN_SLOTS)?;
        known.iter().copied().reduce(|(low, high), (l, h)| (low.min(l), high.max(h)))
    }
}
