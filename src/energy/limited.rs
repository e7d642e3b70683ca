//! For how much of a time a limit held the clocks down: the firmware counts its cycles, and those in which each limit held.

/// Power limit of the package (PPT), temperature of the socket, of the voltage regulators and of the memory, and PROCHOT.
pub const LIMITS: usize = 5;

/// The firmware's counters at a time. They wrap around at 2^32, whatever the width of the table's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitCounts {
    pub driver_ns: Option<u64>,
    pub cycles: u64,
    /// Cycles in which a limit held, in the order of the table: PROCHOT, PPT, socket, regulators, memory.
    pub limited: [Option<u64>; LIMITS],
}

/// What was counted between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedTime {
    pub duration_ns: Option<u64>,
    pub cycles: u64,
    pub limited: [Option<u64>; LIMITS],
    /// The counters were reset in between: counts are those since the reset.
    pub reset: bool,
}

/// A cycle takes about a millisecond, and surely more than this.
const SHORTEST_CYCLE_NS: u64 = 100_000;
/// Counts and the driver's time may differ by so many cycles.
const TOLERANCE_CYCLES: u64 = 1000;

impl LimitCounts {
    #[must_use]
    pub fn until(&self, end: &LimitCounts) -> LimitedTime {
        let duration_ns = self.driver_ns.zip(end.driver_ns).map(|(first, last)| last.saturating_sub(first));
        let step = |from: u64, to: u64| u64::from((to as u32).wrapping_sub(from as u32));
        let cycles = step(self.cycles, end.cycles);
        let pairs = self.limited.iter().zip(end.limited);
        let mut limited = [None; LIMITS];
        for (to, (from, until)) in limited.iter_mut().zip(pairs) {
            *to = from.zip(until).map(|(from, until)| step(from, until));
        }
        let is_fast = duration_ns.is_some_and(|ns| cycles > ns / SHORTEST_CYCLE_NS + TOLERANCE_CYCLES);
        // The driver may copy the table while the firmware counts.
        if is_fast || limited.iter().flatten().any(|l| *l > cycles + 1) {
            return LimitedTime { duration_ns, cycles: end.cycles, limited: end.limited, reset: true };
        }
        LimitedTime { duration_ns, cycles, limited, reset: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64, cycles: u64, limited: u64) -> LimitCounts {
        LimitCounts { driver_ns: Some(ms * 1_000_000), cycles, limited: [Some(limited); LIMITS] }
    }

    /// Two readings of an MI300X that were published: 86.7 % of 5 s at the power limit.
    #[test]
    fn a_real_pair() {
        let found = at(0, 4_821_000, 3_000_111).until(&at(5000, 4_826_008, 3_004_453));
        assert_eq!((found.cycles, found.limited[1], found.reset), (5008, Some(4342), false));
    }

    #[test]
    fn counters_wrap_around_and_are_reset() {
        let wrap = 1 << 32;
        let found = at(0, wrap - 1000, wrap - 10).until(&at(5000, 4000, 90));
        assert_eq!((found.cycles, found.limited[0], found.reset), (5000, Some(100), false));
        // A wider field goes on.
        let found = at(0, wrap - 1000, wrap - 10).until(&at(5000, wrap + 4000, wrap + 90));
        assert_eq!((found.cycles, found.limited[0], found.reset), (5000, Some(100), false));
        let found = at(0, 70_000, 500).until(&at(5000, 3000, 20));
        assert_eq!((found.cycles, found.limited[4], found.reset), (3000, Some(20), true));
        // More limited cycles than cycles: reset, and since then more cycles than before.
        let found = at(0, 1000, 500).until(&at(5000, 3000, 20));
        assert!(found.reset);
    }

    /// In 5 s the firmware counts 50,000 cycles at most, and 1,000 more where both times are not exact.
    #[test]
    fn more_cycles_than_the_time_has_are_a_reset() {
        for (cycles, reset) in [(50_000, false), (51_000, false), (51_001, true), (4_000_000_000, true)] {
            assert_eq!(at(0, 7, 0).until(&at(5000, 7 + cycles, 0)).reset, reset, "{cycles}");
        }
        // While the table is copied.
        assert!(!at(0, 7, 0).until(&at(5000, 5007, 5001)).reset);
        assert!(at(0, 7, 0).until(&at(5000, 5007, 5002)).reset);
    }

    #[test]
    fn a_limit_that_is_not_counted_stays_absent() {
        let mut begin = at(0, 10, 0);
        begin.limited[2] = None;
        let found = begin.until(&at(1000, 1010, 0));
        assert_eq!(found.limited, [Some(0), Some(0), None, Some(0), Some(0)]);
    }
}
