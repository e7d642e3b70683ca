//! What Zeus has for other vendors and no AMD GPU has.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::readings::read;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_session_t;
use crate::error::Error;

/// Power of the memory alone, in milliwatts. No AMD GPU reports it: always
/// ZEUS_AMD_STATUS_NOT_SUPPORTED. Zeus has this function for other vendors.
///
/// @param[in]  session  An open session; not NULL.
/// @param[in]  gpu      An index below zeus_amd_gpu_count().
/// @param[out] power_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_NOT_SUPPORTED, a failure of any call, or
///         ZEUS_AMD_STATUS_NOT_FOUND.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_memory_power_average_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    power_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        read(session, gpu, power_mw, |_, d| Err(d.identity.not_supported("memory power", "no AMD GPU reports it")))
    })
}

/// Persistence mode. AMD GPUs have none: always ZEUS_AMD_STATUS_NOT_SUPPORTED.
/// Zeus has this function for other vendors.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] enabled Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_NOT_SUPPORTED, a failure of any call, or
///         ZEUS_AMD_STATUS_NOT_FOUND.
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

/// Sets the persistence mode. AMD GPUs have none: always
/// ZEUS_AMD_STATUS_NOT_SUPPORTED. Zeus has this function for other vendors.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @param[in] enabled 0 or 1.
/// @return ZEUS_AMD_STATUS_NOT_SUPPORTED, a failure of any call,
///         ZEUS_AMD_STATUS_INVALID_ARGUMENT (neither 0 nor 1), or
///         ZEUS_AMD_STATUS_NOT_FOUND.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_set_persistence_mode(
    session: *const zeus_amd_session_t,
    gpu: u32,
    enabled: u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let device = s.device(gpu)?;
            if enabled > 1 {
                return Err(Error::InvalidArgument(format!("persistence mode is 0 or 1, not {enabled}")));
            }
            Err(device.identity.not_supported("persistence mode", "AMD GPUs have none"))
        })
    })
}

/// Do setters return before the driver has applied the setting? Always 0 on AMD
/// GPUs.
///
/// @param[in]  session   An open session; not NULL.
/// @param[in]  gpu       An index below zeus_amd_gpu_count().
/// @param[out] supported Written only on success; not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_NOT_FOUND.
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
