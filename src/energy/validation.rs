//! Is an energy counter to be trusted, and if not, why not. Pure.

use std::sync::atomic::{AtomicU8, Ordering};

/// What validation found out about the counter of one GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CounterStatus {
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

/// A verdict that many threads ask for and few change.
#[derive(Debug)]
pub struct AtomicCounterStatus(AtomicU8);

impl AtomicCounterStatus {
    #[must_use]
    pub fn new(v: CounterStatus) -> Self {
        AtomicCounterStatus(AtomicU8::new(v as u8))
    }

    #[must_use]
    #[inline]
    pub fn get(&self) -> CounterStatus {
        let n = self.0.load(Ordering::Acquire);
        CounterStatus::ALL.get(usize::from(n)).copied().unwrap_or(CounterStatus::Unsupported)
    }

    pub fn set(&self, v: CounterStatus) {
        self.0.store(v as u8, Ordering::Release);
    }
}

impl CounterStatus {
    /// In the order of their numbers.
    const ALL: [CounterStatus; 9] = [
        CounterStatus::NotChecked,
        CounterStatus::Pending,
        CounterStatus::Trusted,
        CounterStatus::Stuck,
        CounterStatus::Implausible,
        CounterStatus::NoPowerToCompare,
        CounterStatus::Unsupported,
        CounterStatus::SecondaryDie,
        CounterStatus::SecondaryPartition,
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
        matches!(self, CounterStatus::Trusted | CounterStatus::NotChecked)
    }

    /// Why not, for an error's text.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            CounterStatus::NotChecked => "it was not checked",
            CounterStatus::Pending => "it is still being checked",
            CounterStatus::Trusted => "it agrees with the power",
            CounterStatus::Stuck => "it does not move although power is drawn",
            CounterStatus::Implausible => {
                "it does not move as the power says it should (less than 0.1 or more than 10 times as fast)"
            }
            CounterStatus::NoPowerToCompare => "no power is reported that it could be compared with",
            CounterStatus::Unsupported => "the driver or libamd_smi offers no energy counter for this GPU",
            CounterStatus::SecondaryDie => "it is the second die of a package, whose energy the first one counts",
            CounterStatus::SecondaryPartition => {
                "it is not the first partition of a package, which counts the energy of all"
            }
        }
    }
}

/// How long the fixed validation waits, in milliseconds: Zeus's half second.
pub const FIXED_MS: u64 = 500;

/// Zeus's rule, word for word: energy measured over half a second against power × half a second.
#[must_use]
pub fn fixed(power_mw: Option<u64>, before_mj: Option<u64>, after_mj: Option<u64>) -> CounterStatus {
    let (Some(before), Some(after)) = (before_mj, after_mj) else { return CounterStatus::Unsupported };
    let measured = after as f64 - before as f64;
    let expected = power_mw.unwrap_or(0) as f64 * FIXED_MS as f64 / 1e3;
    if expected < 0.001 {
        return CounterStatus::NoPowerToCompare;
    }
    let ratio = measured / expected;
    if 0.1 < ratio && ratio < 10.0 {
        CounterStatus::Trusted
    } else if before == after {
        CounterStatus::Stuck
    } else {
        CounterStatus::Implausible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeus_rule() {
        // 600 W for half a second: 300 J.
        let at = |after| fixed(Some(600_000), Some(1_000_000), Some(after));
        assert_eq!(at(1_300_000), CounterStatus::Trusted);
        assert_eq!(at(1_030_001), CounterStatus::Trusted);
        assert_eq!(at(1_030_000), CounterStatus::Implausible);
        assert_eq!(at(3_999_999), CounterStatus::Trusted);
        assert_eq!(at(4_000_000), CounterStatus::Implausible);
        assert_eq!(at(1_000_000), CounterStatus::Stuck);
        assert_eq!(at(999_999), CounterStatus::Implausible);
        assert_eq!(fixed(Some(0), Some(1), Some(2)), CounterStatus::NoPowerToCompare);
        assert_eq!(fixed(None, Some(1), Some(2)), CounterStatus::NoPowerToCompare);
        assert_eq!(fixed(Some(1), None, Some(2)), CounterStatus::Unsupported);
        assert!(
            CounterStatus::Trusted.is_usable()
                && CounterStatus::NotChecked.is_usable()
                && !CounterStatus::Stuck.is_usable()
        );
    }
}
