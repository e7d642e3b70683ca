//! Lowest and highest power of the last samples: a measure of how much the load varies. Pure.

use super::sample::RawSample;

/// Slow sensors repeat a value for longer than one sample: the samples of one slot count once.
const SLOT_NS: u64 = 25_000_000;
/// Slots that are kept.
const SLOTS: usize = 16;
/// With fewer slots the power between two samples is unknown.
const MIN_SLOTS: usize = 4;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PowerRange {
    /// Lowest and highest power of each slot, in mW.
    slots: [(u64, u64); SLOTS],
    /// Number of slots begun so far.
    begun: usize,
    slot_start_ns: u64,
}

impl PowerRange {
    pub fn add(&mut self, sample: &RawSample, power_mw: u64) {
        if self.begun == 0 || sample.seen_ns.saturating_sub(self.slot_start_ns) >= SLOT_NS {
            self.slots[self.begun % SLOTS] = (power_mw, power_mw);
            (self.begun, self.slot_start_ns) = (self.begun + 1, sample.seen_ns);
        } else {
            let slot = &mut self.slots[(self.begun - 1) % SLOTS];
            *slot = (slot.0.min(power_mw), slot.1.max(power_mw));
        }
    }

    /// Lowest and highest power in mW; `None` with too few slots.
    pub fn range(&self) -> Option<(u64, u64)> {
        let slots = self.slots.get(..self.begun.min(SLOTS)).filter(|slots| slots.len() >= MIN_SLOTS)?;
        slots.iter().copied().reduce(|(low, high), (slot_low, slot_high)| (low.min(slot_low), high.max(slot_high)))
    }
}
