//! The state of an energy counter, and Zeus's rule that decides it. Pure.

use super::units::power_pj;
use std::sync::atomic::{AtomicU8, Ordering};

/// The result of the validation of one GPU's energy counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum CounterState {
    /// Validation is off.
    NotChecked,
    /// Validation has not finished.
    Pending,
    /// The counter agrees with the power.
    Trusted,
    /// The counter does not advance although power is drawn.
    Stuck,
    /// The counter advances by less than 0.1 or more than 10 times the energy that the power gives, or repeatedly by more than
    /// the GPU can draw.
    Implausible,
    /// The GPU reports no power to compare with.
    NoPowerToCompare,
    /// The GPU has no counter.
    Unsupported,
    /// The GPU is a secondary die (GCD). The primary die has the package's counter.
    SecondaryDie,
    /// The GPU is not the first partition. The first one has the package's counter.
    SecondaryPartition,
    /// No read of it has succeeded.
    Unreadable,
}

/// Atomic counter state.
#[derive(Debug)]
pub struct AtomicCounterState(AtomicU8);

impl AtomicCounterState {
    #[must_use]
    pub fn new(state: CounterState) -> Self {
        AtomicCounterState(AtomicU8::new(state as u8))
    }

    #[must_use]
    #[inline]
    pub fn get(&self) -> CounterState {
        let number = self.0.load(Ordering::Acquire);
        CounterState::ALL.get(usize::from(number)).copied().unwrap_or(CounterState::Unsupported)
    }

    pub fn set(&self, state: CounterState) {
        self.0.store(state as u8, Ordering::Release);
    }
}

impl CounterState {
    /// In the order of their numbers.
    const ALL: [CounterState; 10] = [
        CounterState::NotChecked,
        CounterState::Pending,
        CounterState::Trusted,
        CounterState::Stuck,
        CounterState::Implausible,
        CounterState::NoPowerToCompare,
        CounterState::Unsupported,
        CounterState::SecondaryDie,
        CounterState::SecondaryPartition,
        CounterState::Unreadable,
    ];

    const _IN_ORDER: () = {
        let mut n = 0;
        while n < Self::ALL.len() {
            assert!(Self::ALL[n] as usize == n);
            n += 1;
        }
    };

    /// Energies may be taken from this counter.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self, CounterState::Trusted | CounterState::NotChecked)
    }

    /// It is checked again in the background.
    #[must_use]
    pub fn is_checked_again(self) -> bool {
        matches!(self, CounterState::Pending | CounterState::Unreadable)
    }

    /// The reason, for error and log texts.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            CounterState::NotChecked => "it was not checked",
            CounterState::Pending => "its check has not finished",
            CounterState::Trusted => "it agrees with the power",
            CounterState::Stuck => "it does not advance although power is drawn",
            CounterState::Implausible => {
                "it disagrees with the power (less than 0.1 or more than 10 times the energy that the power gives, or steps \
                 beyond what the GPU can draw)"
            }
            CounterState::NoPowerToCompare => "the GPU reports no power to compare it with",
            CounterState::Unsupported => "the driver or libamd_smi offers no energy counter for this GPU",
            CounterState::Unreadable => "it could not be read so far, and is checked again",
            CounterState::SecondaryDie => {
                "the GPU is the secondary die (GCD) of a package, and the primary die counts the energy of both"
            }
            CounterState::SecondaryPartition => {
                "the GPU is not the first partition of a package, and the first one counts the energy of all"
            }
        }
    }
}

/// Duration of Zeus's check.
pub const FIXED_NS: u64 = 500_000_000;

/// Zeus's rule (zeus/device/gpu/amd.py): the energy counted in half a second is compared with power × half a second.
#[must_use]
pub fn zeus_rule(power_mw: Option<u64>, before_mj: Option<u64>, after_mj: Option<u64>) -> CounterState {
    const PJ_PER_MJ: u128 = 1_000_000_000;
    let (Some(before_mj), Some(after_mj)) = (before_mj, after_mj) else { return CounterState::Unsupported };
    let expected_pj = power_pj(power_mw.unwrap_or(0), FIXED_NS);
    if expected_pj == 0 {
        return CounterState::NoPowerToCompare;
    }
    match after_mj.checked_sub(before_mj) {
        Some(counted_mj) => judge_by_ratio(u128::from(counted_mj) * PJ_PER_MJ, (expected_pj, expected_pj)),
        None => CounterState::Implausible,
    }
}

/// Zeus's limits: the counted energy is trusted between 0.1 and 10 times the expected energy, given as lowest and highest.
pub(super) fn judge_by_ratio(counted_pj: u128, expected_pj: (u128, u128)) -> CounterState {
    if is_within(counted_pj, expected_pj, 10) {
        CounterState::Trusted
    } else if counted_pj == 0 {
        CounterState::Stuck
    } else {
        CounterState::Implausible
    }
}

/// The counted energy differs from the expected by less than a factor.
pub(super) fn is_within(counted_pj: u128, (lowest_pj, highest_pj): (u128, u128), factor: u128) -> bool {
    counted_pj.saturating_mul(factor) > lowest_pj && counted_pj < highest_pj.saturating_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeus_rule_at_its_limits() {
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
