//! Readings.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::out;
use super::status::zeus_amd_status_t;
use super::structs::{out_array, out_struct};
use super::types::{
    zeus_amd_energy_raw_t, zeus_amd_reading_t, zeus_amd_session_t, ZEUS_AMD_ENERGY_RAW_FLAG_FIRMWARE_RESOLUTION_BIT,
    ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT, ZEUS_AMD_ENERGY_RAW_VALID_ACCUMULATOR_BIT,
    ZEUS_AMD_ENERGY_RAW_VALID_DRIVER_TIME_BIT, ZEUS_AMD_ENERGY_RAW_VALID_FIRMWARE_TIME_BIT,
    ZEUS_AMD_ENERGY_RAW_VALID_RESOLUTION_BIT, ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT,
    ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT, ZEUS_AMD_READING_FLAG_STALE_BIT,
    ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT, ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT, ZEUS_AMD_READING_VALID_ENERGY_BIT,
    ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT, ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT,
    ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT, ZEUS_AMD_READING_VALID_RESOLUTION_BIT,
    ZEUS_AMD_READING_VALID_TEMPERATURE_BIT,
};
use crate::device::{Device, Reading};
use crate::energy::{is_firmware_resolution, EnergyResolution};
use crate::error::{Error, Kind, Result};
use crate::gpu::{Power, Temperature};
use crate::platform::clock::coarse_ns;
use crate::session::Session;

/// Reads one GPU.
///
/// # Safety
/// NULL or an open session.
pub(super) unsafe fn read_with<T>(
    session: *const zeus_amd_session_t,
    gpu: u32,
    body: impl FnOnce(&Device) -> Result<T>,
) -> Result<T> {
    // SAFETY: as the caller promises.
    unsafe {
        SessionHandle::with(session, |s| {
            let device = s.device(gpu)?;
            device.check_intact()?;
            device.broken.mark(|| body(device))
        })
    }
}

/// One value of one GPU. The pointer is checked before anything is read.
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
            let device = s.device(gpu)?;
            device.check_intact()?;
            to.write(device.broken.mark(|| value(s, device))?);
            Ok(())
        })
    }
}

/// The power that the package draws now, in milliwatts. MI300 and later, MI50 and
/// some APUs report it. Others do not: see zeus_amd_power_average_mw(). The two
/// dies of an MI250X have one power, which the primary die reports for both.
/// Resolution: 1 W. Of an APU it is up to 0.75 W too low where it comes from
/// hwmon, as amdgpu_pm.c of the kernel prints 256ths of a watt as milliwatts.
///
/// @param[in]  session  An open session; not NULL.
/// @param[in]  gpu      An index below zeus_amd_gpu_count().
/// @param[out] power_mw Written only on success; not NULL.
/// @return A status of any reading, or ZEUS_AMD_STATUS_STALE.
/// @threadsafety Any thread.
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

/// The power that the package draws, averaged by the firmware (over seconds on
/// MI200), in milliwatts. MI100, MI200 and Radeon report it, MI300 and later do
/// not. Resolution: as of zeus_amd_power_instant_mw().
///
/// @param[in]  session  An open session; not NULL.
/// @param[in]  gpu      An index below zeus_amd_gpu_count().
/// @param[out] power_mw Written only on success; not NULL.
/// @return A status of any reading, or ZEUS_AMD_STATUS_STALE.
/// @threadsafety Any thread.
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

/// Energy of the package in millijoules since the zero of its counter (driver
/// load or reset): floor(accumulator * resolution), the number of Zeus. Only
/// from a counter whose state is ZEUS_AMD_COUNTER_STATE_TRUSTED or
/// ZEUS_AMD_COUNTER_STATE_NOT_CHECKED. The difference of two readings is an
/// energy; one reading alone is not. Some counters (MI100, Radeon GPUs) have 32
/// bits: the value falls to 0 behind 2^32 counts (65.5 kJ, about 65.7 kJ with
/// the reported resolution, four minutes at 275 W), and a difference over that
/// is too small, or below 0. A reset sets it to 0, too. Windows correct both.
///
/// @param[in]  session   An open session; not NULL.
/// @param[in]  gpu       An index below zeus_amd_gpu_count().
/// @param[out] energy_mj Written only on success; not NULL.
/// @return A status of any reading, ZEUS_AMD_STATUS_STALE, or
///         ZEUS_AMD_STATUS_NOT_READY (the counter is still being checked).
/// @threadsafety Any thread.
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
    catch_panics(|| unsafe { read(session, gpu, energy_mj, |s, d| d.energy_mj(s.energy_resolution.of_readings())) })
}

/// Does zeus_amd_energy_mj() have a counter to read? 1 if the state of the
/// counter is ZEUS_AMD_COUNTER_STATE_TRUSTED or
/// ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, else 0, also while it is being checked.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] usable  Written only on success; not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_NOT_FOUND.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_energy_counter_usable(
    session: *const zeus_amd_session_t,
    gpu: u32,
    usable: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe { read(session, gpu, usable, |_, d| Ok(d.counter_state().is_usable().into())) })
}

/// The energy accumulator of the package, whatever the state of the counter:
/// counts of resolution_uj microjoules each since its zero (driver load or
/// reset), with the times of the reading. An old value is flagged
/// (ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT) and is no failure.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[out] energy  struct_size set by the caller (ZEUS_AMD_ENERGY_RAW_INIT);
///                     written only on success; not NULL.
/// @return A status of any reading, or ZEUS_AMD_STATUS_STRUCT_VERSION.
/// @threadsafety Any thread.
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
            let raw = s.device(gpu)?.raw_energy(s.energy_resolution.of_readings())?;
            to.fill(|e| {
                e.valid = ZEUS_AMD_ENERGY_RAW_VALID_ACCUMULATOR_BIT | ZEUS_AMD_ENERGY_RAW_VALID_RESOLUTION_BIT;
                e.accumulator = raw.accumulator;
                e.resolution_uj = raw.resolution_uj;
                if let Some(ns) = raw.driver_time_ns {
                    e.driver_time_ns = ns;
                    e.valid |= ZEUS_AMD_ENERGY_RAW_VALID_DRIVER_TIME_BIT;
                }
                if let Some(ns) = raw.firmware_time_ns {
                    e.firmware_time_ns = ns;
                    e.valid |= ZEUS_AMD_ENERGY_RAW_VALID_FIRMWARE_TIME_BIT;
                }
                if raw.stale_ms.is_some() {
                    e.flags |= ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT;
                }
                if is_firmware_resolution(raw.resolution_uj) {
                    e.flags |= ZEUS_AMD_ENERGY_RAW_FLAG_FIRMWARE_RESOLUTION_BIT;
                }
            });
            Ok(())
        })
    })
}

/// Temperature of the hottest spot (junction), in whole degrees Celsius. Of a GPU
/// without that sensor, as APUs, it is the edge sensor's: zeus_amd_read_all()
/// flags that.
///
/// @param[in]  session       An open session; not NULL.
/// @param[in]  gpu           An index below zeus_amd_gpu_count().
/// @param[out] temperature_c Written only on success; not NULL.
/// @return A status of any reading, or ZEUS_AMD_STATUS_STALE.
/// @threadsafety Any thread.
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

/// Energy, power and temperature of all GPUs. This is the cheapest way to read
/// many values: where readings come from gpu_metrics, each GPU is read once, its
/// values belong to one moment, and nothing is allocated. A GPU without an energy
/// is no failure: see its status. A secondary die has a temperature only.
///
/// @param[in]     session  An open session; not NULL.
/// @param[out]    readings One element for each GPU, in the order of indices.
///                         struct_size of the first (ZEUS_AMD_READING_INIT) is
///                         the size of each. May be NULL if *count is 0.
/// @param[in,out] count    Capacity of readings; receives the number of GPUs.
///                         Not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
///         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_read_all(
    session: *const zeus_amd_session_t,
    readings: *mut zeus_amd_reading_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: an open session, an array and its count, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let array = out_array(readings, count, "readings")?;
            let needed = s.devices().len() as u32;
            out(count, "count")?.write(needed);
            if array.room == 0 {
                return Ok(());
            }
            if array.room < needed {
                return Err(Error::BufferTooSmall { what: "readings", room: array.room, needed });
            }
            let (resolution, now) = (s.energy_resolution.of_readings(), coarse_ns());
            for (device, element) in s.devices().iter().enumerate().filter_map(|(i, d)| Some((d, array.element(i)?))) {
                element.fill(|value| device.broken.mark(|| write_fast(value, device, resolution, now)));
            }
            Ok(())
        })
    })
}

/// Writes one GPU into a struct of zeroes.
#[inline(always)]
fn write_fast(value: &mut zeus_amd_reading_t, device: &Device, resolution: EnergyResolution, now: u64) {
    let counter_state = device.counter_state();
    value.gpu = device.identity.index as u32;
    value.counter_state = counter_state.into();
    if device.is_secondary()
        || !counter_state.is_usable()
        || device.broken.is_set()
        || !write_table(value, device, resolution, now)
    {
        write_slow(value, device, resolution);
    }
}

/// All of it from one table, or nothing.
#[inline(always)]
fn write_table(value: &mut zeus_amd_reading_t, device: &Device, resolution: EnergyResolution, now: u64) -> bool {
    let Some((r, resolution)) = device.read_fast(resolution, now) else { return false };
    let Some(energy_mj) = resolution.mj(r.energy) else { return false };
    let (power, to) = match r.instant {
        true => (ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT, &mut value.power_instant_mw),
        false => (ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT, &mut value.power_average_mw),
    };
    *to = r.power_mw.into();
    value.valid = power
        | ZEUS_AMD_READING_VALID_ENERGY_BIT
        | ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT
        | ZEUS_AMD_READING_VALID_RESOLUTION_BIT
        | ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT
        | ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT
        | ZEUS_AMD_READING_VALID_TEMPERATURE_BIT;
    value.flags = resolution_flag(resolution.uj);
    value.energy_mj = energy_mj;
    value.accumulator = r.energy;
    value.resolution_uj = resolution.uj;
    value.driver_time_ns = r.driver_time_ns;
    value.firmware_time_ns = r.firmware_time_ns;
    value.temperature_c = r.hotspot_c;
    true
}

#[inline(always)]
fn resolution_flag(resolution_uj: f64) -> u32 {
    if is_firmware_resolution(resolution_uj) {
        ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT
    } else {
        0
    }
}

/// The same where a value is missing, or another source is read.
#[inline(never)]
fn write_slow(value: &mut zeus_amd_reading_t, device: &Device, resolution: EnergyResolution) {
    let status = if device.broken.is_set() {
        Some(Kind::Internal)
    } else if device.is_secondary() {
        // Power and energy of a package are read once, at the GPU that has them; the temperature is each die's own.
        set_temperature(value, device.try_temperature());
        Some(Kind::NotSupported)
    } else {
        fill(value, device, &device.reading_slow(resolution, true))
    };
    if let Some(kind) = status {
        value.status = kind.into();
    }
}

fn set<T>(
    value: &mut zeus_amd_reading_t,
    bit: u32,
    from: Option<T>,
    field: impl Fn(&mut zeus_amd_reading_t) -> &mut T,
) {
    if let Some(v) = from {
        *field(value) = v;
        value.valid |= bit;
    }
}

fn set_temperature(value: &mut zeus_amd_reading_t, from: Option<Temperature>) {
    set(value, ZEUS_AMD_READING_VALID_TEMPERATURE_BIT, from.map(|t| t.celsius), |v| &mut v.temperature_c);
    if from.is_some_and(|t| t.is_edge) {
        value.flags |= ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT;
    }
}

/// Writes what was read. The status is that of [`Device::energy_mj`].
fn fill(value: &mut zeus_amd_reading_t, device: &Device, r: &Reading) -> Option<Kind> {
    let is_fresh = r.stale_ms.is_none();
    let raw = r.energy.ok();
    let energy_mj = device.energy_mj_of(r);
    let (instant_mw, average_mw) = (r.powers.instant_mw, r.powers.average_mw);
    set(value, ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT, instant_mw.filter(|_| is_fresh), |v| &mut v.power_instant_mw);
    set(value, ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT, average_mw.filter(|_| is_fresh), |v| &mut v.power_average_mw);
    set_temperature(value, r.temperature.filter(|_| is_fresh));
    set(value, ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT, r.driver_ns, |v| &mut v.driver_time_ns);
    set(value, ZEUS_AMD_READING_VALID_ENERGY_BIT, energy_mj.ok(), |v| &mut v.energy_mj);
    if let Some(e) = raw {
        set(value, ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT, Some(e.accumulator), |v| &mut v.accumulator);
        set(value, ZEUS_AMD_READING_VALID_RESOLUTION_BIT, Some(e.resolution_uj), |v| &mut v.resolution_uj);
        set(value, ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT, e.firmware_time_ns, |v| &mut v.firmware_time_ns);
        value.flags |= resolution_flag(e.resolution_uj);
    }
    if !is_fresh {
        value.flags |= ZEUS_AMD_READING_FLAG_STALE_BIT;
    }
    energy_mj.err()
}
