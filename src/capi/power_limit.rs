//! Power limits.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::out;
use super::readings::read;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_session_t;
use crate::control::Change;
use crate::gpu::PowerLimit;

/// The power limit (cap) in force, in milliwatts, rounded down. A package has
/// one limit.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] limit_mw Written only on success; not NULL.
/// @return A status of any reading.
/// @threadsafety Any thread.
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
    catch_panics(|| unsafe {
        read(session, gpu, limit_mw, |s, _| s.controller(gpu)?.power_limit_mw(PowerLimit::Current))
    })
}

/// The vendor's default power limit, in milliwatts, rounded down.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] limit_mw Written only on success; not NULL.
/// @return A status of any reading.
/// @threadsafety Any thread.
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
    catch_panics(|| unsafe {
        read(session, gpu, limit_mw, |s, _| s.controller(gpu)?.power_limit_mw(PowerLimit::Default))
    })
}

/// The lowest and the highest power limit that can be set, in milliwatts,
/// rounded down. On some GPUs the lowest is 0.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] min_mw  Written only on success; not NULL.
/// @param[out] max_mw  Written only on success; not NULL.
/// @return A status of any reading.
/// @threadsafety Any thread.
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
            let c = s.controller(gpu)?;
            let range = (c.power_limit_mw(PowerLimit::Min)?, c.power_limit_mw(PowerLimit::Max)?);
            min.write(range.0);
            max.write(range.1);
            Ok(())
        })
    })
}

/// Sets the power limit (cap) of the package, in milliwatts. Does nothing if
/// that limit is in force. Checks the range first, and reads the limit back
/// afterwards. Returns when the driver has applied it. Needs root, or write
/// access to power1_cap of the GPU.
///
/// The driver takes whole watts: of 450.5 W it sets 450 W, which the log says as a
/// warning.
///
/// Drivers of many GPUs report a range from 0. There the lowest limit is a tenth
/// of the default one (and 1 W at least): GPUs draw more than that when idle, so
/// less is a mistake, such as 300 where 300 W was meant. Without a default one
/// it is a tenth of the highest, or of the one in force; where the driver has
/// no highest one, it is 1500 W.
///
/// @param[in] session  An open session; not NULL.
/// @param[in] gpu      An index below zeus_amd_gpu_count().
/// @param[in] limit_mw Within zeus_amd_power_limit_range_mw(); not 0.
/// @return A status of any change, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 mW).
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

/// Sets the power limit of the package to the vendor's default. Does nothing if
/// that is in force. Needs root, or write access to power1_cap of the GPU.
///
/// @param[in] session An open session; not NULL.
/// @param[in] gpu     An index below zeus_amd_gpu_count().
/// @return A status of any change.
/// @threadsafety Any thread; changes of one GPU wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_reset_power_limit(session: *const zeus_amd_session_t, gpu: u32) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { SessionHandle::with(session, |s| s.change(gpu, Change::ResetPowerLimit)) })
}
