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
use crate::energy::CounterState;
use crate::energy::EnergyResolution;
use crate::error::{Error, Kind};

/// Puts down one GPU, in a struct of zeroes.
#[inline(always)]
fn write_fast(value: &mut zeus_amd_reading_t, device: &Device, unit: EnergyResolution) {
    value.gpu = device.index as u32;
    if device.is_secondary() {
        // The energy of a package is read once, at the GPU that has it.
        value.status = zeus_amd_status_t::from(Kind::NotSupported) as i32;
    } else if let Some(r) = device.counter_state().is_usable().then(|| device.read_fast(unit)).flatten() {
        let (power, to) = match r.table.instant {
            true => (POWER_INSTANT, &mut value.power_instant_mw),
            false => (POWER_AVERAGE, &mut value.power_average_mw),
        };
        *to = r.table.power_mw.into();
        value.valid = ENERGY | ACCUMULATOR | DRIVER_TIME | FIRMWARE_TIME | TEMPERATURE | power;
        value.energy_mj = r.energy_mj;
        value.accumulator = r.table.energy;
        value.resolution_uj = r.resolution_uj;
        value.driver_time_ns = r.table.driver_time_ns;
        value.firmware_time_ns = r.table.firmware_time_ns;
        value.temperature_c = r.table.hotspot_c;
    } else {
        write_slow(value, device, unit);
    }
}

/// Where something is missing, or another source is asked.
#[inline(never)]
fn write_slow(value: &mut zeus_amd_reading_t, device: &Device, unit: EnergyResolution) {
    let why = match &device.reading_slow(unit, true) {
        Ok(r) => fill(value, device, r),
        Err(_) => Some(Kind::NotSupported),
    };
    if let Some(kind) = why {
        value.status = zeus_amd_status_t::from(kind) as i32;
    }
}

/// Puts down what was read. Why is there no energy?
fn fill(value: &mut zeus_amd_reading_t, device: &Device, r: &Reading) -> Option<Kind> {
    let mut write_fast = |to: &mut u64, from: Option<u64>, bit: u32| {
        if let Some(v) = from {
            *to = v;
            value.valid |= bit;
        }
    };
    let fresh = r.stale_ms.is_none();
    write_fast(&mut value.power_instant_mw, r.instant_mw.filter(|_| fresh), POWER_INSTANT);
    write_fast(&mut value.power_average_mw, r.average_mw.filter(|_| fresh), POWER_AVERAGE);
    write_fast(&mut value.driver_time_ns, r.driver_ns, DRIVER_TIME);
    write_fast(&mut value.firmware_time_ns, r.energy.and_then(|e| e.firmware_time_ns), FIRMWARE_TIME);
    write_fast(&mut value.accumulator, r.energy.map(|e| e.accumulator), ACCUMULATOR);
    let counter_state = device.counter_state();
    let energy = r.energy_mj.filter(|_| fresh && counter_state.is_usable());
    write_fast(&mut value.energy_mj, energy, ENERGY);
    value.resolution_uj = r.energy.map_or(0.0, |e| e.resolution_uj);
    if let Some(c) = r.hotspot_c.filter(|_| fresh) {
        value.temperature_c = c;
        value.valid |= TEMPERATURE;
    }
    if !fresh {
        value.valid |= STALE;
    }
    // In the order in which a single call finds out.
    match (energy, counter_state) {
        (Some(_), _) => None,
        (None, CounterState::Pending) => Some(Kind::NotReady),
        (None, v) if !v.is_usable() && v != CounterState::Unsupported => Some(Kind::NotSupported),
        (None, v) => match r.why {
            None if !fresh && v.is_usable() => Some(Kind::Stale),
            why => why.or(Some(Kind::NotSupported)),
        },
    }
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
