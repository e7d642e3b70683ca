//! The bytes of a table: their number, and bounds-checked little-endian access.

/// sysfs returns at most one page, and amdgpu leaves its last byte unused (drivers/gpu/drm/amd/pm/amdgpu_pm.c).
pub(super) const PAGE: usize = 4096;

/// `N` bytes from `offset`.
#[inline(always)]
pub(super) fn at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

#[inline(always)]
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    at(bytes, offset).map(u64::from_le_bytes)
}

#[inline(always)]
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    at(bytes, offset).map(u16::from_le_bytes)
}
