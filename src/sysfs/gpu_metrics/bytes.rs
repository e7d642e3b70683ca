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

/// `N` bytes from `offset`, without a check.
///
/// # Safety
/// `offset + N` is at most the length.
#[inline(always)]
pub(super) unsafe fn inside<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    debug_assert!(offset + N <= bytes.len());
    // SAFETY: as the caller promises; an array of bytes may be anywhere.
    unsafe { bytes.as_ptr().add(offset).cast::<[u8; N]>().read() }
}
