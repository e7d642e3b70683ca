//! Is an energy counter to be trusted, and if not, why not. Pure.

use std::sync::atomic::{AtomicU8, Ordering};

/// What validation found out about the counter of one GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CounterState {
    /// Validation was switched off.
    NotChecked,
    /// It is still being checked.
    Pending,
    /// It moved as the power says it should.
    Trusted,
    /// It does not move although power is drawn.
    Stuck,
    /// It moved, but not by 0.1 to 10 times what the power says.
    Implausible,
    /// The GPU reports no power, so there is nothing to compare with.
    NoPowerToCompare,
    /// There is no counter.
    Unsupported,
    /// The counter of the package is on the other die.
    SecondaryDie,
    /// The counter of the package is on its first partition.
    SecondaryPartition,
}

/// A counter state that many threads ask for and few change.
#[derive(Debug)]
pub struct AtomicCounterState(AtomicU8);

impl AtomicCounterState {
    #[must_use]
    pub fn new(v: CounterState) -> Self {
        AtomicCounterState(AtomicU8::new(v as u8))
    }

    #[must_use]
    #[inline]
    pub fn get(&self) -> CounterState {
        let n = self.0.load(Ordering::Acquire);
        CounterState::ALL.get(usize::from(n)).copied().unwrap_or(CounterState::Unsupported)
    }

    pub fn set(&self, v: CounterState) {
        self.0.store(v as u8, Ordering::Release);
    }
}

impl CounterState {
    /// In the order of their numbers.
    const ALL: [CounterState; 9] = [
        CounterState::NotChecked,
        CounterState::Pending,
        CounterState::Trusted,
        CounterState::Stuck,
        CounterState::Implausible,
        CounterState::NoPowerToCompare,
        CounterState::Unsupported,
        CounterState::SecondaryDie,
        CounterState::SecondaryPartition,
    ];

    const _IN_ORDER: () = {
        let mut n = 0;
        while n < Self::ALL.len() {
            assert!(Self::ALL[n] as usize == n);
            n += 1;
        }
    };

    /// May energies be taken from this counter?
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, CounterState::Trusted | CounterState::NotChecked)
    }

    /// Why not, for an error's text.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            CounterState::NotChecked => "it was not checked",
            CounterState::Pending => "it is still being checked",
            CounterState::Trusted => "it agrees with the power",
            CounterState::Stuck => "it does not move although power is drawn",
            CounterState::Implausible => {
                "it does not move as the power says it should (less than 0.1 or more than 10 times as fast)"
            }
            CounterState::NoPowerToCompare => "no power is reported that it could be compared with",
            CounterState::Unsupported => "the driver or libamd_smi offers no energy counter for this GPU",
            CounterState::SecondaryDie => "it is the second die of a package, whose energy the first one counts",
            CounterState::SecondaryPartition => {
                "it is not the first partition of a package, which counts the energy of all"
            }
        }
    }
}

/// How long the fixed validation waits, in milliseconds: Zeus's half second.
pub const FIXED_MS: u64 = 500;

/// Zeus's rule, word for word: energy measured over half a second against power × half a second.
#[must_use]
pub fn zeus_rule(power_mw: Option<u64>, before_mj: Option<u64>, after_mj: Option<u64>) -> CounterState {
    let (Some(before), Some(after)) = (before_mj, after_mj) else { return CounterState::Unsupported };
    let measured = after as f64 - before as f64;
    let expected = power_mw.unwrap_or(0) as f64 * FIXED_MS as f64 / 1e3;
    if expected < 0.001 {
        return CounterState::NoPowerToCompare;
    }
    let ratio = measured / expected;
    if 0.1 < ratio && ratio < 10.0 {
        CounterState::Trusted
    } else if before == after {
        CounterState::Stuck
    } else {
        CounterState::Implausible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_zeus_decides() {
        // 600 W for half a second: 300 J.
        let at = |after| zeus_rule(Some(600_000), Some(1_000_000), Some(after));
        assert_eq!(at(1_300_000), CounterState::Trusted);
        assert_eq!(at(1_030_001), CounterState::Trusted);
        assert_eq!(at(1_030_000), CounterState::Implausible);
        assert_eq!(at(3_999_999), CounterState::Trusted);
        assert_eq!(at(4_000_000), CounterState::Implausible);
        assert_eq!(at(1_000_000), CounterState::Stuck);
        assert_eq!(at(999_999), CounterState::Implausible);
        assert_eq!(zeus_rule(Some(0), Some(1), Some(2)), CounterState::NoPowerToCompare);
        assert_eq!(zeus_rule(None, Some(1), Some(2)), CounterState::NoPowerToCompare);
        assert_eq!(zeus_rule(Some(1), None, Some(2)), CounterState::Unsupported);
        assert!(
            CounterState::Trusted.is_usable()
                && CounterState::NotChecked.is_usable()
                && !CounterState::Stuck.is_usable()
        );
    }
}
