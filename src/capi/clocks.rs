//! Clocks: their levels, their ranges, and locks.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::out;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_session_t;
use crate::control::{Change, Controller};
use crate::error::Result;
use crate::gpu::Clock;
use crate::sysfs::pp_od::Bounds;

/// The lowest and the highest level of the memory clock, in MHz, as the driver
/// lists them (pp_dpm_*), or libamd_smi where that cannot be read. Of some GPUs
/// the lowest is a sleep level.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mhz Written only on success; not NULL.
/// @param[out] max_mhz Written only on success; not NULL.
/// @return A status of any reading.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_memory_clock_levels_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { levels(session, gpu, min_mhz, max_mhz, Clock::Memory) })
}

/// The lowest and the highest level of the graphics clock, in MHz, as the driver
/// lists them (pp_dpm_*), or libamd_smi where that cannot be read. Of some GPUs
/// the lowest is a sleep level.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mhz Written only on success; not NULL.
/// @param[out] max_mhz Written only on success; not NULL.
/// @return A status of any reading.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_graphics_clock_levels_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { levels(session, gpu, min_mhz, max_mhz, Clock::Graphics) })
}

/// The range in which the memory clock can be locked, in MHz: OD_RANGE of
/// pp_od_clk_voltage (https://docs.kernel.org/gpu/amdgpu/thermal.html). It may
/// differ from zeus_amd_memory_clock_levels_mhz().
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mhz Written only on success; not NULL.
/// @param[out] max_mhz Written only on success; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND, or
///         ZEUS_AMD_STATUS_NOT_SUPPORTED (another partition has the clocks, or
///         the driver shows no range).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_memory_clock_range_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { range(session, gpu, min_mhz, max_mhz, Clock::Memory) })
}

/// The range in which the graphics clock can be locked, in MHz: OD_RANGE of
/// pp_od_clk_voltage (https://docs.kernel.org/gpu/amdgpu/thermal.html). It may
/// differ from zeus_amd_graphics_clock_levels_mhz().
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mhz Written only on success; not NULL.
/// @param[out] max_mhz Written only on success; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND, or
///         ZEUS_AMD_STATUS_NOT_SUPPORTED (another partition has the clocks, or
///         the driver shows no range).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_graphics_clock_range_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { range(session, gpu, min_mhz, max_mhz, Clock::Graphics) })
}

/// # Safety
/// NULL or an open session.
unsafe fn levels(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
    clock: Clock,
) -> Result<()> {
    // The device has them as Zeus does: highest first.
    let get = |c: &Controller| c.clock_levels_mhz(clock).map(|(max, min)| (min, max));
    // SAFETY: as the caller promises.
    unsafe { bounds(session, gpu, min_mhz, max_mhz, get) }
}

/// # Safety
/// NULL or an open session.
unsafe fn range(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
    clock: Clock,
) -> Result<()> {
    let get = |c: &Controller| c.clock_range_mhz(clock).map(|r| (r.min_mhz, r.max_mhz));
    // SAFETY: as the caller promises.
    unsafe { bounds(session, gpu, min_mhz, max_mhz, get) }
}

/// # Safety
/// NULL or an open session.
unsafe fn bounds(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
    get: impl FnOnce(&Controller) -> Result<(u32, u32)>,
) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        SessionHandle::with(session, |s| {
            let (to_min, to_max) = (out(min_mhz, "min_mhz")?, out(max_mhz, "max_mhz")?);
            let (min, max) = get(s.controller(gpu)?)?;
            to_min.write(min);
            to_max.write(max);
            Ok(())
        })
    }
}

/// Locks the memory clock between two bounds, in MHz; equal bounds lock it to one
/// value, or where the driver (before 2026-04) or libamd_smi (before ROCm 6.3)
/// refuses that, to the narrowest range that it takes, with a warning in the log.
/// Does nothing if those bounds are in force. Checks the range first where the
/// driver shows one, and reads the bounds back afterwards. The performance level
/// becomes "manual". If a step fails, the former bounds and level are restored.
/// Each die of a package has clocks of its own. Needs root, or write access to
/// the files of the GPU in sysfs.
///
/// While a guard is open, ZEUS_AMD_STATUS_NOT_SUPPORTED where the driver would
/// not take the present bounds back: of RDNA2 the lower one of the memory clock.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @param[in] min_mhz The lower bound; not 0, not above max_mhz.
/// @param[in] max_mhz The upper bound; not 0.
/// @return A status of any change, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 MHz,
///         or min_mhz above max_mhz).
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_lock_memory_clocks_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: u32,
    max_mhz: u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| s.change(gpu, Change::Lock(Clock::Memory, Bounds { min_mhz, max_mhz })))
    })
}

/// Locks the graphics clock between two bounds, in MHz; equal bounds lock it to
/// one value, or where the driver (before 2026-04) or libamd_smi (before ROCm
/// 6.3) refuses that, to the narrowest range that it takes, with a warning in the
/// log. Does nothing if those bounds are in force. Checks the range first where
/// the driver shows one, and reads the bounds back afterwards. The performance
/// level becomes "manual". If a step fails, the former bounds and level are
/// restored. Each die of a package has clocks of its own. Needs root, or write
/// access to the files of the GPU in sysfs.
///
/// While a guard is open, ZEUS_AMD_STATUS_NOT_SUPPORTED where the driver would
/// not take the present bounds back: of RDNA2 the lower one of the memory clock.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @param[in] min_mhz The lower bound; not 0, not above max_mhz.
/// @param[in] max_mhz The upper bound; not 0.
/// @return A status of any change, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 MHz,
///         or min_mhz above max_mhz).
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_lock_graphics_clocks_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: u32,
    max_mhz: u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| s.change(gpu, Change::Lock(Clock::Graphics, Bounds { min_mhz, max_mhz })))
    })
}

/// Unlocks the memory clock. The driver can only unlock all clocks together, by
/// the performance level "auto". A lock of the graphics clock that this session
/// made is set again afterwards. Does nothing if the level is "auto". Needs
/// root, or write access to the files of the GPU in sysfs.
///
/// Drivers of Radeon keep the bounds in force past that level; there they become
/// those before the lock or, where this session has not seen them, as wide as the
/// levels of the clock. What the driver does not take (of RDNA2 a lower bound of
/// the memory) is ZEUS_AMD_STATUS_NOT_APPLIED; all else is unlocked.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return A status of any change.
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_reset_memory_clocks(
    session: *const zeus_amd_session_t,
    gpu: u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { SessionHandle::with(session, |s| s.change(gpu, Change::Reset(Some(Clock::Memory)))) })
}

/// Unlocks the graphics clock. The driver can only unlock all clocks together,
/// by the performance level "auto". A lock of the memory clock that this session
/// made is set again afterwards. Does nothing if the level is "auto". Needs
/// root, or write access to the files of the GPU in sysfs.
///
/// Drivers of Radeon keep the bounds in force past that level; there they become
/// those before the lock or, where this session has not seen them, as wide as the
/// levels of the clock. What the driver does not take (of RDNA2 a lower bound of
/// the memory) is ZEUS_AMD_STATUS_NOT_APPLIED; all else is unlocked.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return A status of any change.
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_reset_graphics_clocks(
    session: *const zeus_amd_session_t,
    gpu: u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { SessionHandle::with(session, |s| s.change(gpu, Change::Reset(Some(Clock::Graphics)))) })
}

/// Unlocks all clocks: sets the performance level "auto". Does nothing if that
/// is the level. Needs root, or write access to the files of the GPU in sysfs.
///
/// Drivers of Radeon keep the bounds in force past that level; there they become
/// those before the lock or, where this session has not seen them, as wide as the
/// levels of the clock. What the driver does not take (of RDNA2 a lower bound of
/// the memory) is ZEUS_AMD_STATUS_NOT_APPLIED; all else is unlocked.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return A status of any change.
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_reset_clocks(session: *const zeus_amd_session_t, gpu: u32) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { SessionHandle::with(session, |s| s.change(gpu, Change::Reset(None))) })
}
