//! The energy counter's arithmetic. Pure, and exact: no floating point between the counter and millijoules.

mod ledger;
mod region;

pub use ledger::{Ledger, Look, Step, Totals};
pub use region::{between, edges_within_pj, unseen_pj, Mark, Method, Region};

/// Which unit a count is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EnergyUnit {
    /// What the library reports (15.3 µJ): the same numbers as amd-smi and Zeus.
    #[default]
    Reported,
    /// What the firmware counts: 2^-16 J.
    Firmware,
}

/// Microjoules a count of the firmware.
pub const FIRMWARE_UJ: f64 = 1e6 / 65536.0;

impl EnergyUnit {
    /// Microjoules a count.
    #[must_use]
    pub fn uj(self, reported_uj: f64) -> f64 {
        match self {
            EnergyUnit::Reported => reported_uj,
            EnergyUnit::Firmware => FIRMWARE_UJ,
        }
    }
}

/// floor(accumulator × unit / 1000), for any accumulator.
///
/// A unit is a binary fraction (an `f32`, or 2^-16 J), so the product is taken in integers:
/// unit = m × 2^-s exactly, and m × accumulator fits into 128 bits.
#[must_use]
#[inline]
pub fn energy_mj(accumulator: u64, unit_uj: f64) -> Option<u64> {
    let (mantissa, shift) = binary_fraction(unit_uj)?;
    if let (Some(scaled), true) = (accumulator.checked_mul(mantissa), shift < 64) {
        // Most fit, and a division of 128 bits takes long.
        return Some((scaled / 1000) >> shift);
    }
    let scaled = u128::from(accumulator) * u128::from(mantissa);
    u64::try_from((scaled / 1000) >> shift).ok()
}

/// Counts in picojoules, rounded down.
#[must_use]
pub fn counts_pj(counts: u64, unit_uj: f64) -> u128 {
    let Some((mantissa, shift)) = binary_fraction(unit_uj) else { return 0 };
    let scaled = u128::from(counts) * u128::from(mantissa);
    match scaled.checked_mul(1_000_000) {
        Some(pj) => pj >> shift,
        None => (scaled >> shift) * 1_000_000,
    }
}

/// Power over a time, in picojoules: 1 mW × 1 ns = 1 pJ.
#[must_use]
pub fn power_pj(mw: u64, ns: u64) -> u128 {
    u128::from(mw) * u128::from(ns)
}

/// `v` = mantissa × 2^-shift, for finite positive values below 2^53.
#[inline]
fn binary_fraction(v: f64) -> Option<(u64, u32)> {
    if !(v.is_finite() && v > 0.0 && v < 9e15) {
        return None;
    }
    let bits = v.to_bits();
    let exponent = i32::try_from(bits >> 52 & 0x7FF).ok()? - 1075;
    let mantissa = bits & ((1 << 52) - 1) | 1 << 52;
    let spare = mantissa.trailing_zeros();
    let (mantissa, shift) = (mantissa >> spare, -(exponent + spare as i32));
    match u32::try_from(shift) {
        Ok(shift) if shift < 128 => Some((mantissa, shift)),
        Ok(_) => None,
        Err(_) => Some((mantissa << shift.unsigned_abs(), 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        // 65536 counts of 2^-16 J are one joule.
        assert_eq!(energy_mj(65536, FIRMWARE_UJ), Some(1000));
        assert_eq!(energy_mj(65535, FIRMWARE_UJ), Some(999));
        // 15.3f is 15.30000019073486328125: 10^9 counts are 15 300 000.19 mJ.
        assert_eq!(energy_mj(1_000_000_000, f64::from(15.3_f32)), Some(15_300_000));
        assert_eq!(energy_mj(0, 15.3), Some(0));
        assert_eq!(energy_mj(5, 200.0), Some(1));
        assert_eq!(energy_mj(u64::MAX, FIRMWARE_UJ), Some(281_474_976_710_655_999));
        assert_eq!(energy_mj(1, f64::NAN), None);
        assert_eq!(energy_mj(1, 0.0), None);
    }

    proptest! {
        /// Zeus computes in doubles. Where a double is exact enough to tell, both are the same.
        #[test]
        fn as_zeus_has_it(acc in 0_u64..1 << 50) {
            let zeus = (acc as f64 * f64::from(15.3_f32)) / 1e3;
            let fraction = zeus.fract();
            prop_assume!(fraction > 1e-3 && fraction < 1.0 - 1e-3);
            prop_assert_eq!(energy_mj(acc, f64::from(15.3_f32)), Some(zeus as u64));
        }
    }
}
