//! Limits, clocks and modes as they are.

use super::boundary::{catch_panics, out};
use super::readings::read;
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_session_t;
use crate::error::Result;
use crate::gpu::Clock;

/// The power limit (cap) in force, in milliwatts, rounded down. One limit a
/// package.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] limit_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
///         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_power_limit_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    limit_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, limit_mw, |s, _| s.controller(gpu)?.power_limit_mw(|l| l.current_uw)) })
}

/// The power limit that the vendor set, in milliwatts, rounded down.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] limit_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
///         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_power_limit_default_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    limit_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, limit_mw, |s, _| s.controller(gpu)?.power_limit_mw(|l| l.default_uw)) })
}

/// The lowest and the highest power limit that can be set, in milliwatts, rounded
/// down. The lowest is 0 on some GPUs.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mw Written only on success; not NULL.
/// @param[out] max_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
///         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_power_limit_range_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    min_mw: *mut u64,
    max_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let (min, max) = (out(min_mw, "min_mw")?, out(max_mw, "max_mw")?);
            let d = s.controller(gpu)?;
            let range = (d.power_limit_mw(|l| l.min_uw)?, d.power_limit_mw(|l| l.max_uw)?);
            min.write(range.0);
            max.write(range.1);
            Ok(())
        })
    })
}

/// The highest and the lowest memory clock, in MHz, as libamd_smi lists them
/// (some releases list a sleep level as the lowest).
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] max_mhz Written only on success; not NULL.
/// @param[out] min_mhz Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
///         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_memory_clocks_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    max_mhz: *mut u32,
    min_mhz: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { clocks(session, gpu, max_mhz, min_mhz, Clock::Memory) })
}

/// The highest and the lowest graphics clock, in MHz, as libamd_smi lists them
/// (some releases list a sleep level as the lowest).
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] max_mhz Written only on success; not NULL.
/// @param[out] min_mhz Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
///         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
///         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
///         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
///         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_graphics_clocks_mhz(
    session: *const zeus_amd_session_t,
    gpu: u32,
    max_mhz: *mut u32,
    min_mhz: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { clocks(session, gpu, max_mhz, min_mhz, Clock::Graphics) })
}

/// # Safety
/// NULL or an open session.
unsafe fn clocks(
    session: *const zeus_amd_session_t,
    gpu: u32,
    max_mhz: *mut u32,
    min_mhz: *mut u32,
    clock: Clock,
) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        SessionHandle::with(session, |s| {
            let (max, min) = (out(max_mhz, "max_mhz")?, out(min_mhz, "min_mhz")?);
            let range = s.controller(gpu)?.clock_levels_mhz(clock)?;
            max.write(range.0);
            min.write(range.1);
            Ok(())
        })
    }
}

/// Persistence mode. AMD GPUs have none: always ZEUS_AMD_STATUS_NOT_SUPPORTED. It
/// is here because Zeus has it for others.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] enabled Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_NOT_SUPPORTED,
///         ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
///         ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_persistence_mode(
    session: *const zeus_amd_session_t,
    gpu: u32,
    enabled: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        read(session, gpu, enabled, |_, d| Err(d.identity.not_supported("persistence mode", "AMD GPUs have none")))
    })
}

/// Can settings be changed without waiting for the driver? Always 0 on AMD GPUs.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] supported Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
///         ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_supports_nonblocking_setters(
    session: *const zeus_amd_session_t,
    gpu: u32,
    supported: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        read(session, gpu, supported, |s, _| Ok(s.controller(gpu)?.supports_nonblocking_setters().into()))
    })
}
