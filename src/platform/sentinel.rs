//! Values that mean "not available" in AMD's interfaces.
//!
//! The driver fills a table with ones before it sets the fields it has (drivers/gpu/drm/amd/pm/swsmu/smu_cmn.c), and
//! libamd_smi passes that on, or uses the ones of a narrower type.

/// A 64-bit energy count. Where the firmware has no counter, some drivers and releases store 32 ones in the 64-bit field.
/// A real counter has that value for one refresh in its life, or once per wraparound: too rarely to trust it ever.
#[must_use]
#[inline(always)]
pub fn energy_count(raw: u64) -> Option<u64> {
    (raw != u64::MAX && raw != u64::from(u32::MAX)).then_some(raw)
}

/// A 64-bit time. 0 is a clock that the driver did not read.
#[must_use]
#[inline(always)]
pub fn time(raw: u64) -> Option<u64> {
    (raw != 0 && raw != u64::MAX).then_some(raw)
}

/// A 16-bit power, clock or temperature.
#[must_use]
#[inline(always)]
pub fn u16(raw: u16) -> Option<u16> {
    (raw != u16::MAX).then_some(raw)
}

/// A 32-bit power or clock of libamd_smi: 16 ones up to ROCm 10.0, 32 ones from version 26.4 on. No GPU draws 65535 W.
#[must_use]
pub fn amdsmi_u32(raw: u32) -> Option<u32> {
    (raw != u32::from(u16::MAX) && raw != u32::MAX).then_some(raw)
}

/// A 32-bit identifier of libamd_smi.
#[must_use]
pub fn amdsmi_id(raw: u32) -> Option<u32> {
    (raw != u32::MAX).then_some(raw)
}
