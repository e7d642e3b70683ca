//! Readings.

use super::boundary::{catch_panics, out, out_struct};
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::{
    zeus_amd_energy_raw_t, zeus_amd_session_t, ZEUS_AMD_ENERGY_DRIVER_TIME_BIT, ZEUS_AMD_ENERGY_FIRMWARE_TIME_BIT,
    ZEUS_AMD_ENERGY_STALE_BIT,
};
use crate::device::Device;
use crate::error::Result;
use crate::gpu::Power;
use crate::session::Session;

/// One value of one GPU. The pointer is checked before anything is asked for.
///
/// # Safety
/// NULL or an open session.
pub(super) unsafe fn read<T>(
    session: *const zeus_amd_session_t,
    gpu: u32,
    to: *mut T,
    value: impl FnOnce(&Session, &Device) -> Result<T>,
) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        SessionHandle::with(session, |s| {
            let to = out(to, "the place for the result")?;
            to.write(value(s, s.device(gpu)?)?);
            Ok(())
        })
    }
}

/// Power that the package draws now, in milliwatts. MI300 and later report it,
/// MI200 and earlier do not: there it is ZEUS_AMD_STATUS_NOT_SUPPORTED and
/// zeus_amd_power_average_mw() has the value. Two dies of a package (MI250X)
/// have one power, which the first one reports for both.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] power_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
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
pub unsafe extern "C" fn zeus_amd_power_instant_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    power_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, power_mw, |_, d| d.power_mw(Power::Instant)) })
}

/// Power that the package draws, averaged by the firmware (over seconds on
/// MI200), in milliwatts. MI200 and earlier report it, MI300 and later do not.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] power_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
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
pub unsafe extern "C" fn zeus_amd_power_average_mw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    power_mw: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, power_mw, |_, d| d.power_mw(Power::Average)) })
}

/// Power of the memory alone, in milliwatts. No AMD GPU reports it: always
/// ZEUS_AMD_STATUS_NOT_SUPPORTED. It is here because Zeus has it for others.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] power_mw Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_NOT_SUPPORTED,
///         ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
///         ZEUS_AMD_STATUS_INTERNAL.
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

/// Energy of the package in millijoules since its counter's own zero (driver load
/// or reset): floor(accumulator * unit), as Zeus has it. Only from a counter
/// that is trusted, or was not checked: see zeus_amd_gpu_info(). Differences of
/// two readings mean something, one reading does not.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] energy_mj Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_NOT_READY (the counter is still being checked, as
///         ZEUS_AMD_VALIDATION_BACKGROUND has it, or as the GPU slept),
///         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
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
pub unsafe extern "C" fn zeus_amd_energy_mj(
    session: *const zeus_amd_session_t,
    gpu: u32,
    energy_mj: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, energy_mj, |s, d| d.energy_mj(s.energy_resolution)) })
}

/// Does zeus_amd_energy_mj() have a counter to read? 1 if its counter state is
/// ZEUS_AMD_COUNTER_STATE_TRUSTED or ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, else 0, also while it
/// is still being checked.
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
pub unsafe extern "C" fn zeus_amd_energy_counter_usable(
    session: *const zeus_amd_session_t,
    gpu: u32,
    supported: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, supported, |_, d| Ok(d.counter_state().is_usable().into())) })
}

/// The energy accumulator of the package as it stands, trusted or not: counts of
/// resolution_uj microjoules each since the counter's own zero (driver load or reset),
/// with the times of the reading. An old value is flagged
/// (ZEUS_AMD_ENERGY_STALE_BIT), not refused.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] energy struct_size set by the caller
///                     (ZEUS_AMD_ENERGY_RAW_INIT); written only on success; not
///                     NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_STRUCT_VERSION (energy->struct_size),
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
pub unsafe extern "C" fn zeus_amd_energy_raw(
    session: *const zeus_amd_session_t,
    gpu: u32,
    energy: *mut zeus_amd_energy_raw_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a struct with its size, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out_struct(energy, "energy")?;
            let raw = s.device(gpu)?.raw_energy(s.energy_resolution)?;
            to.fill(|e| {
                let mut put = |to: &mut u64, from: Option<u64>, bit: u32| {
                    if let Some(v) = from {
                        *to = v;
                        e.flags |= bit;
                    }
                };
                put(&mut e.driver_time_ns, raw.driver_time_ns, ZEUS_AMD_ENERGY_DRIVER_TIME_BIT);
                put(&mut e.firmware_time_ns, raw.firmware_time_ns, ZEUS_AMD_ENERGY_FIRMWARE_TIME_BIT);
                e.accumulator = raw.accumulator;
                e.resolution_uj = raw.resolution_uj;
                if raw.stale_ms.is_some() {
                    e.flags |= ZEUS_AMD_ENERGY_STALE_BIT;
                }
            });
            Ok(())
        })
    })
}

/// Temperature of the hottest spot (junction), in whole degrees Celsius.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] temperature_c Written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
///         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
///         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
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
pub unsafe extern "C" fn zeus_amd_temperature_c(
    session: *const zeus_amd_session_t,
    gpu: u32,
    temperature_c: *mut i32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, temperature_c, |_, d| d.temperature().map(|t| t.celsius)) })
}
