//! Lowest and highest power of the last samples: a measure of how much the load varies. Pure.

use super::sample::RawSample;

/// Slow sensors repeat a value for longer than one sample: the samples of one slot count once.
const SLOT_NS: u64 = 100_000_000;
/// Slots that are kept. A load that alternates at nearly the rate of the sensor's refreshes shows its other powers late.
const SLOTS: usize = 32;
/// With fewer slots the power between two samples is unknown.
const MIN_SLOTS: usize = 8;
/// The average of seconds moves slowly, however fast the load alternates.
const MIN_SLOTS_AVERAGED: usize = 2;

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
    pub fn range(&self, averaged: bool) -> Option<(u64, u64)> {
        let least = if averaged { MIN_SLOTS_AVERAGED } else { MIN_SLOTS };
        let slots = self.slots.get(..self.begun.min(SLOTS)).filter(|slots| slots.len() >= least)?;
        slots.iter().copied().reduce(|(low, high), (slot_low, slot_high)| (low.min(slot_low), high.max(slot_high)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two samples a slot: a power of 900 W in the middle of one is known for 32 slots, and no longer.
    #[test]
    fn a_peak_is_kept_for_as_long_as_its_slot() {
        for peak_slot in [0_u64, 3, 40] {
            let mut kept = PowerRange::default();
            for half in 0..200_u64 {
                let power_mw = if half == 2 * peak_slot + 1 { 900_000 } else { 300_000 };
                let seen_ns = 1_000_000_000 + half * SLOT_NS / 2;
                kept.add(&RawSample { seen_ns, ..RawSample::default() }, power_mw);
                let slot = half / 2;
                let is_known = (peak_slot..peak_slot + SLOTS as u64).contains(&slot) && half > 2 * peak_slot;
                if let Some(range) = kept.range(false) {
                    assert_eq!(range, (300_000, if is_known { 900_000 } else { 300_000 }), "slot {slot}");
                } else {
                    assert!(slot < MIN_SLOTS as u64, "slot {slot}");
                }
            }
        }
    }
}
