//! Arithmetic of the energy counter. Pure and exact: no floating point between the counter and millijoules.

/// How much energy one count stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnergyResolution {
    /// What libamd_smi reports (15.3 µJ): the same numbers as amd-smi and Zeus.
    Reported,
    /// What the kernel states: 2^-16 J.
    Firmware,
}

/// Which resolution a session uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResolutionChoice {
    /// The reported one for readings, the stated one for intervals.
    #[default]
    Default,
    Reported,
    Firmware,
}

impl ResolutionChoice {
    #[must_use]
    #[inline]
    pub fn of_readings(self) -> EnergyResolution {
        match self {
            ResolutionChoice::Firmware => EnergyResolution::Firmware,
            ResolutionChoice::Default | ResolutionChoice::Reported => EnergyResolution::Reported,
        }
    }

    #[must_use]
    pub fn of_intervals(self) -> EnergyResolution {
        match self {
            ResolutionChoice::Reported => EnergyResolution::Reported,
            ResolutionChoice::Default | ResolutionChoice::Firmware => EnergyResolution::Firmware,
        }
    }
}

/// Microjoules per count of the firmware: 2^-16 J ("15.259uJ" at `energy_accumulator` in
/// drivers/gpu/drm/amd/include/kgd_pp_interface.h). rocm_smi rounds it to 15.3.
pub const FIRMWARE_UJ: f64 = 1e6 / 65536.0;

/// Microjoules per count that libamd_smi reports, in every release: 15.3 in single precision.
pub const REPORTED_UJ: f64 = 16_043_213.0 / 1_048_576.0;

/// Counts were converted with what the kernel states.
#[must_use]
#[inline(always)]
#[allow(clippy::float_cmp)] // a constant that is passed on
pub fn is_firmware_resolution(resolution_uj: f64) -> bool {
    resolution_uj == FIRMWARE_UJ
}

impl EnergyResolution {
    /// Microjoules per count.
    #[must_use]
    pub fn uj(self, reported_uj: f64) -> f64 {
        match self {
            EnergyResolution::Reported => reported_uj,
            EnergyResolution::Firmware => FIRMWARE_UJ,
        }
    }
}

/// floor(accumulator × resolution / 1000), for any accumulator.
#[must_use]
#[inline]
pub fn energy_mj(accumulator: u64, resolution_uj: f64) -> Option<u64> {
    Unit::of(resolution_uj)?.mj(accumulator)
}

/// Microjoules per count, exactly. A resolution is a binary fraction (an `f32`, or 2^-16 J): mantissa × 2^-shift.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    mantissa: u64,
    shift: u32,
}

impl Unit {
    #[must_use]
    pub fn of(uj: f64) -> Option<Unit> {
        binary_fraction(uj).map(|(mantissa, shift)| Unit { mantissa, shift })
    }

    /// floor(accumulator × resolution / 1000). Rounding down twice equals rounding down once, so the shift may come first.
    #[must_use]
    #[inline]
    pub fn mj(self, accumulator: u64) -> Option<u64> {
        let uj = (u128::from(accumulator) * u128::from(self.mantissa)) >> self.shift;
        u64::try_from(divide(uj, 1000)).ok()
    }
}

/// Counts in picojoules, rounded down.
#[must_use]
#[inline]
pub fn counts_pj(counts: u64, resolution_uj: f64) -> u128 {
    if is_firmware_resolution(resolution_uj) {
        // 10^12 / 2^16 picojoules.
        (u128::from(counts) * 244_140_625) >> 4
    } else if resolution_uj.to_bits() == REPORTED_UJ.to_bits() {
        // 16043213 / 2^20 microjoules.
        (u128::from(counts) * 250_675_203_125) >> 14
    } else {
        counts_of_fraction_pj(counts, resolution_uj)
    }
}

fn counts_of_fraction_pj(counts: u64, resolution_uj: f64) -> u128 {
    let Some((mantissa, shift)) = binary_fraction(resolution_uj) else { return 0 };
    let scaled = u128::from(counts) * u128::from(mantissa);
    match scaled.checked_mul(1_000_000) {
        Some(pj) => pj >> shift,
        None => (scaled >> shift).saturating_mul(1_000_000),
    }
}

/// A 128-bit division is slow, and rarely needed.
#[must_use]
#[inline]
pub fn divide(value: u128, by: u64) -> u128 {
    match u64::try_from(value) {
        Ok(value) => (value / by).into(),
        Err(_) => value / u128::from(by),
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

    /// Divides first, in 128-bit integers.
    fn divide_first(accumulator: u64, resolution_uj: f64) -> Option<u64> {
        let (mantissa, shift) = binary_fraction(resolution_uj)?;
        u64::try_from((u128::from(accumulator) * u128::from(mantissa) / 1000) >> shift).ok()
    }

    proptest! {
        #![proptest_config(crate::cases::seeded(256))]

        #[test]
        fn picojoules_of_usual_resolutions(counts: u64) {
            prop_assert_eq!(counts_pj(counts, FIRMWARE_UJ), counts_of_fraction_pj(counts, FIRMWARE_UJ));
            prop_assert_eq!(REPORTED_UJ, f64::from(15.3_f32));
            prop_assert_eq!(counts_pj(counts, REPORTED_UJ), counts_of_fraction_pj(counts, REPORTED_UJ));
        }

        #[test]
        fn rounds_down_in_any_order(acc: u64, bits in 0..64_u32, unit in prop_oneof![
            Just(FIRMWARE_UJ), Just(f64::from(15.3_f32)), 1e-6..1e6_f64, (0.0..1e12_f32).prop_map(f64::from),
        ]) {
            prop_assert_eq!(energy_mj(acc >> bits, unit), divide_first(acc >> bits, unit));
        }

        /// Zeus computes in doubles. Where a double is exact enough, both give the same.
        #[test]
        fn matches_zeus(acc in 0_u64..1 << 50) {
            let zeus = (acc as f64 * f64::from(15.3_f32)) / 1e3;
            let fraction = zeus.fract();
            prop_assume!(fraction > 1e-3 && fraction < 1.0 - 1e-3);
            prop_assert_eq!(energy_mj(acc, f64::from(15.3_f32)), Some(zeus as u64));
        }
    }
}
