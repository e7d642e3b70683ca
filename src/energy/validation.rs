//! Is an energy counter to be trusted, and if not, why not. Pure.

use std::sync::atomic::{AtomicU8, Ordering};

/// What validation found out about the counter of one GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verdict {
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
pub struct Standing(AtomicU8);

impl Standing {
    #[must_use]
    pub fn new(v: Verdict) -> Self {
        Standing(AtomicU8::new(v as u8))
    }

    #[must_use]
    #[inline]
    pub fn get(&self) -> Verdict {
        let n = self.0.load(Ordering::Acquire);
        Verdict::ALL.get(usize::from(n)).copied().unwrap_or(Verdict::Unsupported)
    }

    pub fn set(&self, v: Verdict) {
        self.0.store(v as u8, Ordering::Release);
    }
}

impl Verdict {
    /// In the order of their numbers.
    const ALL: [Verdict; 9] = [
        Verdict::NotChecked,
        Verdict::Pending,
        Verdict::Trusted,
        Verdict::Stuck,
        Verdict::Implausible,
        Verdict::NoPowerToCompare,
        Verdict::Unsupported,
        Verdict::SecondaryDie,
        Verdict::SecondaryPartition,
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
        matches!(self, Verdict::Trusted | Verdict::NotChecked)
    }

    /// Why not, for an error's text.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Verdict::NotChecked => "it was not checked",
            Verdict::Pending => "it is still being checked",
            Verdict::Trusted => "it agrees with the power",
            Verdict::Stuck => "it does not move although power is drawn",
            Verdict::Implausible => {
                "it does not move as the power says it should (less than 0.1 or more than 10 times as fast)"
            }
            Verdict::NoPowerToCompare => "no power is reported that it could be compared with",
            Verdict::Unsupported => "the driver or libamd_smi offers no energy counter for this GPU",
            Verdict::SecondaryDie => "it is the second die of a package, whose energy the first one counts",
            Verdict::SecondaryPartition => "it is not the first partition of a package, which counts the energy of all",
        }
    }
}

/// How long the fixed validation waits, in milliseconds: Zeus's half second.
pub const FIXED_MS: u64 = 500;

/// Zeus's rule, word for word: energy measured over half a second against power × half a second.
#[must_use]
pub fn fixed(power_mw: Option<u64>, before_mj: Option<u64>, after_mj: Option<u64>) -> Verdict {
    let (Some(before), Some(after)) = (before_mj, after_mj) else { return Verdict::Unsupported };
    let measured = after as f64 - before as f64;
    let expected = power_mw.unwrap_or(0) as f64 * FIXED_MS as f64 / 1e3;
    if expected < 0.001 {
        return Verdict::NoPowerToCompare;
    }
    let ratio = measured / expected;
    if 0.1 < ratio && ratio < 10.0 {
        Verdict::Trusted
    } else if before == after {
        Verdict::Stuck
    } else {
        Verdict::Implausible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeus_rule() {
        // 600 W for half a second: 300 J.
        let at = |after| fixed(Some(600_000), Some(1_000_000), Some(after));
        assert_eq!(at(1_300_000), Verdict::Trusted);
        assert_eq!(at(1_030_001), Verdict::Trusted);
        assert_eq!(at(1_030_000), Verdict::Implausible);
        assert_eq!(at(3_999_999), Verdict::Trusted);
        assert_eq!(at(4_000_000), Verdict::Implausible);
        assert_eq!(at(1_000_000), Verdict::Stuck);
        assert_eq!(at(999_999), Verdict::Implausible);
        assert_eq!(fixed(Some(0), Some(1), Some(2)), Verdict::NoPowerToCompare);
        assert_eq!(fixed(None, Some(1), Some(2)), Verdict::NoPowerToCompare);
        assert_eq!(fixed(Some(1), None, Some(2)), Verdict::Unsupported);
        assert!(Verdict::Trusted.is_usable() && Verdict::NotChecked.is_usable() && !Verdict::Stuck.is_usable());
    }
}
