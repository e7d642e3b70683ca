//! Locking clocks.

use super::boundary::{catch_panics, out};
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_session_t;
use crate::control::Change;
use crate::error::Result;
use crate::gpu::Clock;
use crate::sysfs::pp_od::Bounds;

/// Locks the memory clock between two bounds, in MHz; equal ones lock it to a
/// single value. Nothing is called if those bounds are in force already. The
/// range is checked first where the driver shows one, and the bounds are read
/// back afterwards. The performance level becomes "manual". If a step fails, the
/// bounds and the level from before are put back. Each die of a package has
/// clocks of its own. Needs root.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @param[in] min_mhz The lower bound; not 0, not above max_mhz.
/// @param[in] max_mhz The upper bound; not 0.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, 0 MHz, or
///         min_mhz above max_mhz),
///         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
///         names the GPU that has the clocks; or equal bounds with a libamd_smi
///         before ROCm 6.3),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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

/// Locks the graphics clock between two bounds, in MHz; equal ones lock it to a
/// single value. Nothing is called if those bounds are in force already. The
/// range is checked first where the driver shows one, and the bounds are read
/// back afterwards. The performance level becomes "manual". If a step fails, the
/// bounds and the level from before are put back. Each die of a package has
/// clocks of its own. Needs root.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @param[in] min_mhz The lower bound; not 0, not above max_mhz.
/// @param[in] max_mhz The upper bound; not 0.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, 0 MHz, or
///         min_mhz above max_mhz),
///         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
///         names the GPU that has the clocks; or equal bounds with a libamd_smi
///         before ROCm 6.3),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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

/// Unlocks the memory clock. The hardware can only unlock all clocks at once,
/// by the performance level "auto": that is done, then a lock of the graphics
/// clock is set again, if this session made one. Nothing is called if the level
/// is automatic already. Needs root.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
///         names the GPU that has the clocks),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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

/// Unlocks the graphics clock. The hardware can only unlock all clocks at once,
/// by the performance level "auto": that is done, then a lock of the memory
/// clock is set again, if this session made one. Nothing is called if the level
/// is automatic already. Needs root.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
///         names the GPU that has the clocks),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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

/// Unlocks all clocks: sets the performance level to automatic. Nothing is
/// called if it is automatic already. Needs root.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
///         names the GPU that has the clocks),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_reset_clocks(session: *const zeus_amd_session_t, gpu: u32) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { SessionHandle::with(session, |s| s.change(gpu, Change::Reset(None))) })
}

/// The range in which the memory clock can be locked, in MHz. This is what the
/// driver accepts (OD_RANGE of its file pp_od_clk_voltage), not the levels that
/// zeus_amd_memory_clocks_mhz() lists.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mhz Written only on success; not NULL.
/// @param[out] max_mhz Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index),
///         ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text names the
///         GPU that has the clocks; or the driver shows no range),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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

/// The range in which the graphics clock can be locked, in MHz. This is what the
/// driver accepts (OD_RANGE of its file pp_od_clk_voltage), not the levels that
/// zeus_amd_graphics_clocks_mhz() lists.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mhz Written only on success; not NULL.
/// @param[out] max_mhz Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index),
///         ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text names the
///         GPU that has the clocks; or the driver shows no range),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
unsafe fn range(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mhz: *mut u32,
    max_mhz: *mut u32,
    clock: Clock,
) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        SessionHandle::with(session, |s| {
            let (min, max) = (out(min_mhz, "min_mhz")?, out(max_mhz, "max_mhz")?);
            let range = s.controller(gpu)?.clock_range_mhz(clock)?;
            min.write(range.min_mhz);
            max.write(range.max_mhz);
            Ok(())
        })
    }
}
