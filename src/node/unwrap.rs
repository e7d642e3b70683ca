//! A register that wraps around, as a count that does not. Pure.

/// A sample is at most this much later than the caller's time of it.
const TOLERANCE_NS: u64 = 10_000_000;

/// A decrease is a reset where a wraparound would take more than this times the highest power.
const RESET_FACTOR: u64 = 4;

#[derive(Debug, Clone, Copy, Default)]
pub struct Unwrapped {
    last: Option<(u64, u64)>,
    pub total_uj: u64,
    pub epoch: u64,
    pub gaps: u32,
}

impl Unwrapped {
    /// Adds a reading of the register: `range_uj` is its largest value, `max_mw` the highest power.
    pub fn add(&mut self, raw_uj: u64, now_ns: u64, range_uj: Option<u64>, max_mw: u64) {
        let Some((last_uj, last_ns)) = self.last.replace((raw_uj, now_ns)) else {
            self.total_uj = raw_uj;
            return;
        };
        let ns = now_ns.saturating_sub(last_ns) + TOLERANCE_NS;
        let most_uj = u64::try_from(u128::from(max_mw) * u128::from(ns) / 1_000_000).unwrap_or(u64::MAX);
        let wrapped = || range_uj.filter(|range| *range >= last_uj).map(|range| range - last_uj + raw_uj);
        let step = if raw_uj >= last_uj {
            Some(raw_uj - last_uj)
        } else {
            wrapped().filter(|uj| *uj <= most_uj.saturating_mul(RESET_FACTOR))
        };
        match step {
            Some(uj) => self.total_uj = self.total_uj.saturating_add(uj),
            None => (self.total_uj, self.epoch) = (raw_uj, self.epoch + 1),
        }
        self.gaps += u32::from(range_uj.is_some_and(|range| most_uj >= range));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGE_UJ: u64 = 65_532_610_987;

    proptest! {
        #![proptest_config(crate::cases::seeded(256))]

        /// Any course of a register below the limit of its power gives back what was added.
        #[test]
        fn the_total_is_the_sum(initial in 0..RANGE_UJ, steps in prop::collection::vec((1..60_000_u64, 0.0..1.0_f64), 1..100)) {
            let (mut tracked, mut raw, mut now_ns, mut sum) = (Unwrapped::default(), initial, 5_000_000_000_u64, initial);
            tracked.add(raw, now_ns, Some(RANGE_UJ), 1_000_000);
            for (ms, load) in steps {
                now_ns += ms * 1_000_000;
                let used_uj = (ms as f64 * 1e6 * load) as u64;
                raw += used_uj;
                sum += used_uj;
                if raw > RANGE_UJ {
                    raw -= RANGE_UJ;
                }
                tracked.add(raw, now_ns, Some(RANGE_UJ), 1_000_000);
                prop_assert_eq!((tracked.total_uj, tracked.epoch, tracked.gaps), (sum, 0, 0));
            }
        }
    }

    #[test]
    fn a_decrease_that_no_power_explains_is_a_reset() {
        let mut tracked = Unwrapped::default();
        tracked.add(30_000_000_000, 0, Some(RANGE_UJ), 1_000_000);
        tracked.add(5_000_000, 1_000_000_000, Some(RANGE_UJ), 1_000_000);
        assert_eq!((tracked.total_uj, tracked.epoch), (5_000_000, 1));
        tracked.add(4_000_000, 2_000_000_000, None, 1_000_000);
        assert_eq!(tracked.epoch, 2);
    }

    #[test]
    fn a_time_in_which_it_may_have_wrapped_unseen_is_a_gap() {
        let mut tracked = Unwrapped::default();
        tracked.add(0, 0, Some(RANGE_UJ), 1_000_000);
        tracked.add(1_000_000, 66_000_000_000, Some(RANGE_UJ), 1_000_000);
        assert_eq!((tracked.total_uj, tracked.gaps), (1_000_000, 1));
    }
}
