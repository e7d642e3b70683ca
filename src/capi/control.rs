//! Changing settings.

use super::boundary::catch_panics;
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_session_t;
use crate::control::Change;
use crate::error::Error;

/// Sets the power limit (cap) of the package, in milliwatts. Nothing is called
/// if that limit is in force already. The range is checked first, and the limit
/// is read back afterwards. Returns when the driver is done. Needs root.
///
/// @param[in] session  An open session; not NULL.
/// @param[in] gpu      An index below zeus_amd_gpu_count().
/// @param[in] limit_mw Within zeus_amd_power_limit_range_mw(); not 0.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or 0 mW),
///         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second die or partition:
///         the text names the GPU that has the limit; or there is none),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it; what is
///         in force now is in the text),
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
pub unsafe extern "C" fn zeus_amd_set_power_limit_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    limit_mw: u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| s.change(gpu, Change::PowerLimit { uw: limit_mw.saturating_mul(1000) }))
    })
}

/// Sets the power limit of the package back to the vendor's default. Nothing is
/// called if that is in force already. Needs root.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second die or partition:
///         the text names the GPU that has the limit; or there is none),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
///         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it; what is
///         in force now is in the text),
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
pub unsafe extern "C" fn zeus_amd_reset_power_limit(session: *const zeus_amd_session_t, gpu: u32) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { SessionHandle::with(session, |s| s.change(gpu, Change::ResetPowerLimit)) })
}

/// Persistence mode. AMD GPUs have none: always ZEUS_AMD_STATUS_NOT_SUPPORTED. It
/// is here because Zeus has it for others.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @param[in] enabled 0 or 1.
/// @return ZEUS_AMD_STATUS_NOT_SUPPORTED, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL,
///         or neither 0 nor 1), ZEUS_AMD_STATUS_NOT_FOUND (no such index),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
