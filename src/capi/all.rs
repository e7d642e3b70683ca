//! All GPUs in one call.

use super::boundary::{catch_panics, out, out_array};
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::{
    zeus_amd_reading_t, zeus_amd_session_t, ZEUS_AMD_READING_ACCUMULATOR_BIT as ACCUMULATOR,
    ZEUS_AMD_READING_DRIVER_TIME_BIT as DRIVER_TIME, ZEUS_AMD_READING_ENERGY_BIT as ENERGY,
    ZEUS_AMD_READING_FIRMWARE_TIME_BIT as FIRMWARE_TIME, ZEUS_AMD_READING_POWER_AVERAGE_BIT as POWER_AVERAGE,
    ZEUS_AMD_READING_POWER_INSTANT_BIT as POWER_INSTANT, ZEUS_AMD_READING_STALE_BIT as STALE,
    ZEUS_AMD_READING_TEMPERATURE_BIT as TEMPERATURE,
};
use crate::device::{Device, Reading};
use crate::energy::EnergyResolution;
use crate::error::{Error, Kind};

/// Puts down one GPU, in a struct of zeroes.
#[inline(always)]
fn write_fast(value: &mut zeus_amd_reading_t, device: &Device, unit: EnergyResolution) {
    value.gpu = device.identity.index as u32;
    if device.is_secondary() || !device.counter_state().is_usable() || !write_table(value, device, unit) {
        write_slow(value, device, unit);
    }
}

/// All of it from one table, or nothing.
#[inline(always)]
fn write_table(value: &mut zeus_amd_reading_t, device: &Device, unit: EnergyResolution) -> bool {
    let Some((r, resolution)) = device.read_fast(unit) else { return false };
    let Some(energy_mj) = resolution.mj(r.energy) else { return false };
    let (power, to) = match r.instant {
        true => (POWER_INSTANT, &mut value.power_instant_mw),
        false => (POWER_AVERAGE, &mut value.power_average_mw),
    };
    *to = r.power_mw.into();
    value.valid = ENERGY | ACCUMULATOR | DRIVER_TIME | FIRMWARE_TIME | TEMPERATURE | power;
    value.energy_mj = energy_mj;
    value.accumulator = r.energy;
    value.resolution_uj = resolution.uj;
    value.driver_time_ns = r.driver_time_ns;
    value.firmware_time_ns = r.firmware_time_ns;
    value.temperature_c = r.hotspot_c;
    true
}

#[inline(never)]
fn write_slow(value: &mut zeus_amd_reading_t, device: &Device, unit: EnergyResolution) {
    let status = if device.is_secondary() {
        // Power and energy of a package are read once, at the GPU that has them; the temperature is each die's own.
        set(value, TEMPERATURE, device.try_temperature().map(|t| t.celsius), |v| &mut v.temperature_c);
        Some(Kind::NotSupported)
    } else {
        fill(value, device, &device.reading_slow(unit, true))
    };
    if let Some(kind) = status {
        value.status = zeus_amd_status_t::from(kind) as i32;
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

/// The status is the one of [`Device::energy_mj`].
fn fill(value: &mut zeus_amd_reading_t, device: &Device, r: &Reading) -> Option<Kind> {
    let is_fresh = r.stale_ms.is_none();
    let raw = r.energy.ok();
    let energy_mj = device.energy_mj_of(r);
    set(value, POWER_INSTANT, r.powers.instant_mw.filter(|_| is_fresh), |v| &mut v.power_instant_mw);
    set(value, POWER_AVERAGE, r.powers.average_mw.filter(|_| is_fresh), |v| &mut v.power_average_mw);
    set(value, TEMPERATURE, r.temperature.map(|t| t.celsius).filter(|_| is_fresh), |v| &mut v.temperature_c);
    set(value, DRIVER_TIME, r.driver_ns, |v| &mut v.driver_time_ns);
    set(value, FIRMWARE_TIME, raw.and_then(|e| e.firmware_time_ns), |v| &mut v.firmware_time_ns);
    set(value, ACCUMULATOR, raw.map(|e| e.accumulator), |v| &mut v.accumulator);
    set(value, ENERGY, energy_mj.ok(), |v| &mut v.energy_mj);
    value.resolution_uj = raw.map_or(0.0, |e| e.resolution_uj);
    value.valid |= if is_fresh { 0 } else { STALE };
    energy_mj.err()
}

/// Energy, power and temperature of all GPUs, with one look at each package: the
/// cheapest way to read many values at once. Where the readings come from the
/// kernel's file, values of one GPU are of one moment, and nothing is allocated.
///
/// @param[in]     session  An open session; not NULL.
/// @param[out]    readings One for each GPU, in the order of indices; struct_size
///                         of the first one says how large each is
///                         (ZEUS_AMD_READING_INIT). May be NULL if *count is 0.
/// @param[in,out] count    Room in readings; receives how many GPUs there are. Not
///                         NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_STRUCT_VERSION (readings[0].struct_size),
///         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL (count says what is needed; not if
///         it was 0, which asks), ZEUS_AMD_STATUS_FORKED,
///         ZEUS_AMD_STATUS_INTERNAL. A GPU without an energy fails nothing: see
///         its status, which is what zeus_amd_energy_mj() would return.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
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
            for (device, element) in s.devices().iter().enumerate().filter_map(|(i, d)| Some((d, array.element(i)?))) {
                element.fill(|value| write_fast(value, device, s.energy_resolution));
            }
            Ok(())
        })
    })
}
