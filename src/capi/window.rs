//! Measuring windows.

use super::at_exit;
use super::boundary::{catch_panics, null, out, out_array, out_struct};
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::{
    zeus_amd_counter_state_t, zeus_amd_gpu_energy_t, zeus_amd_method_t, zeus_amd_session_t, zeus_amd_total_energy_t,
    zeus_amd_window_t, ZEUS_AMD_ENERGY_FLAG_AVERAGED_POWER_BIT as AVERAGED_POWER,
    ZEUS_AMD_ENERGY_FLAG_DISTRUSTED_BIT as DISTRUSTED, ZEUS_AMD_ENERGY_FLAG_FIRMWARE_TIME_BIT as FIRMWARE_TIME,
    ZEUS_AMD_ENERGY_FLAG_FIRMWARE_UNIT_BIT as FIRMWARE_UNIT, ZEUS_AMD_ENERGY_FLAG_GAP_BIT as GAP,
    ZEUS_AMD_ENERGY_FLAG_INCOMPLETE_BIT as INCOMPLETE, ZEUS_AMD_ENERGY_FLAG_RESET_BIT as RESET,
    ZEUS_AMD_ENERGY_FLAG_SHARED_PACKAGE_BIT as SHARED_PACKAGE, ZEUS_AMD_ENERGY_FLAG_SHORT_BIT as SHORT,
    ZEUS_AMD_ENERGY_FLAG_STALE_BIT as STALE,
};
use crate::energy::CounterState;
use crate::energy::{EnergyInterval, EnergyResolution, Method};
use crate::error::{Error, Result};
use crate::measure::{GpuEnergy, Window, WindowTotal};

fn round_mj(pj: u128) -> u64 {
    u64::try_from((pj + 500_000_000) / 1_000_000_000).unwrap_or(u64::MAX)
}

/// Rounded up, and one more for the rounding of the energy.
fn uncertainty_mj(pj: u128) -> u64 {
    u64::try_from(pj / 1_000_000_000 + 2).unwrap_or(u64::MAX)
}

/// A region in the words of the interface.
pub(super) fn gpu_energy(
    gpu: u32,
    counter_state: CounterState,
    region: Option<&EnergyInterval>,
    unit: EnergyResolution,
) -> zeus_amd_gpu_energy_t {
    let mut value = zeus_amd_gpu_energy_t {
        struct_size: 0,
        gpu,
        flags: 0,
        method: zeus_amd_method_t::ZEUS_AMD_METHOD_NONE as u32,
        counter_state: zeus_amd_counter_state_t::from(counter_state) as u32,
        status: zeus_amd_status_t::ZEUS_AMD_STATUS_OK as i32,
        energy_mj: 0,
        uncertainty_mj: 0,
        duration_ns: 0,
        mean_power_mw: 0,
        begin_ns: 0,
        end_ns: 0,
        resolution_uj: 0.0,
    };
    let Some(r) = region else { return value };
    let method = match r.method {
        Method::Counter => zeus_amd_method_t::ZEUS_AMD_METHOD_COUNTER,
        Method::Integrated => zeus_amd_method_t::ZEUS_AMD_METHOD_INTEGRATED,
        Method::Estimated => zeus_amd_method_t::ZEUS_AMD_METHOD_ESTIMATED,
    };
    let counter = r.method == Method::Counter;
    let flags = [
        (r.has_high_uncertainty(), SHORT),
        (r.resets > 0, RESET),
        (r.gaps > 0, GAP),
        (r.averaged, AVERAGED_POWER),
        (r.firmware_time, FIRMWARE_TIME),
        (counter && unit == EnergyResolution::Firmware, FIRMWARE_UNIT),
    ];
    value.flags = flags.iter().filter(|(is, _)| *is).fold(0, |all, (_, bit)| all | bit);
    value.method = method as u32;
    value.energy_mj = round_mj(r.energy_pj);
    value.uncertainty_mj = uncertainty_mj(r.uncertainty_pj);
    value.duration_ns = r.duration_ns;
    value.mean_power_mw = r.mean_mw();
    value.begin_ns = r.begin_ns;
    value.end_ns = r.end_ns;
    value.resolution_uj = r.resolution_uj;
    value
}

fn used(gpu: u32, one: &GpuEnergy, unit: EnergyResolution) -> zeus_amd_gpu_energy_t {
    let mut value = gpu_energy(gpu, one.counter_state, one.region.as_ref(), unit);
    if one.region.is_none() {
        value.status = zeus_amd_status_t::from(one.why) as i32;
    }
    let flags = [(one.distrusted, DISTRUSTED), (one.stale, STALE), (one.shared, SHARED_PACKAGE)];
    value.flags |= flags.iter().filter(|(is, _)| *is).fold(0, |all, (_, bit)| all | bit);
    value
}

fn total(t: &WindowTotal, gpus: &[zeus_amd_gpu_energy_t]) -> zeus_amd_total_energy_t {
    let flags = gpus.iter().fold(0, |all, g| all | g.flags);
    let measured = gpus.iter().filter(|g| g.method != 0);
    zeus_amd_total_energy_t {
        struct_size: 0,
        flags: if t.missing > 0 { flags | INCOMPLETE } else { flags },
        packages: t.packages,
        missing: t.missing,
        energy_mj: round_mj(t.energy_pj),
        uncertainty_mj: uncertainty_mj(t.uncertainty_pj),
        duration_ns: t.duration_ns,
        mean_power_mw: measured.fold(0, |sum, g| sum.saturating_add(g.mean_power_mw)),
    }
}

/// Reads a window into what the caller gave. Nothing is done if that is wrong.
///
/// # Safety
/// As [`zeus_amd_window_read`].
unsafe fn read(
    window: &Window,
    to_total: *mut zeus_amd_total_energy_t,
    gpus: *mut zeus_amd_gpu_energy_t,
    count: *mut u32,
) -> Result<()> {
    // SAFETY: NULL or a struct, as the caller promises.
    let to_total = if to_total.is_null() { None } else { Some(unsafe { out_struct(to_total, "total") }?) };
    let needed = window.gpus() as u32;
    let to_gpus = if gpus.is_null() && count.is_null() {
        None
    } else {
        // SAFETY: an array and its count, as the caller promises.
        let array = unsafe { out_array(gpus, count, "gpus") }?;
        out(count, "count")?.write(needed);
        if array.room < needed && array.room != 0 {
            return Err(Error::BufferTooSmall { what: "gpus", room: array.room, needed });
        }
        Some(array)
    };
    let (sum, all) = window.read();
    let values: Vec<_> = (0..).zip(&all).map(|(i, one)| used(i, one, window.unit())).collect();
    if let Some(array) = to_gpus {
        values.iter().enumerate().for_each(|(i, v)| array.write(i, v));
    }
    if let Some(to) = to_total {
        to.write(&total(&sum, &values));
    }
    Ok(())
}

/// Begins a measuring window over all GPUs of the session: zeus_amd_window_end()
/// says what they used until then. Any number of windows may be open at once, on
/// any threads, and they may overlap.
///
/// The begin looks once at every GPU. Where a counter cannot be trusted, or may
/// come round more than once (32 bits), a background thread looks on until the
/// end. A window may outlive its session; but the background thread ends with
/// the session.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] window  Receives the window, or NULL on failure; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_BUSY or ZEUS_AMD_STATUS_NO_MEMORY (no thread can be
///         started), ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL. A GPU that
///         cannot be read is none: its result says so.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_window_begin(
    session: *const zeus_amd_session_t,
    window: *mut *mut zeus_amd_window_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        let to = out(window, "window")?;
        to.write(std::ptr::null_mut());
        SessionHandle::with(session, |s| {
            let start = s.begin_window()?;
            at_exit::register_exit_handler(s);
            to.write(Box::into_raw(Box::new(start)).cast());
            Ok(())
        })
    })
}

/// What was used since the begin of the window, which stays open.
///
/// The energy belongs to the time between two readings of the counter, begin_ns
/// to end_ns by the driver's clock, which are a few milliseconds before the
/// calls. If the counter moves between the end of one window and the begin of the
/// next, that belongs to neither: for parts that add up, take differences of
/// readings of one window. The bound holds for the time between the calls as
/// well. A window that is too short for
/// the counter is estimated from the power. Two dies or several partitions of a
/// package have one energy, at the first of them.
///
/// Windows keep checking. In one of a quarter of a second or more, a counter that
/// nobody has seen move for a tenth of a second is looked at, after the reading
/// that counts, until it does: one refresh, a few milliseconds as a rule. One that
/// does not is given up after 0.4 s; its energy then comes from the power.
///
/// @param[in]     window A window; not NULL.
/// @param[out]    total  The sum over packages, struct_size set by the caller
///                       (ZEUS_AMD_TOTAL_ENERGY_INIT); may be NULL.
/// @param[out]    gpus   One for each GPU, in the order of indices; struct_size of
///                       the first one says how large each is
///                       (ZEUS_AMD_GPU_ENERGY_INIT). May be NULL.
/// @param[in,out] count  Room in gpus; receives how many GPUs there are. May be
///                       NULL if gpus is.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
///         ZEUS_AMD_STATUS_STRUCT_VERSION (a struct_size),
///         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL (count says what is needed; not if
///         it was 0, which asks),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL. A GPU without an
///         energy fails nothing: see its status.
/// @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
///               other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_window_read(
    window: *const zeus_amd_window_t,
    total: *mut zeus_amd_total_energy_t,
    gpus: *mut zeus_amd_gpu_energy_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_window_begin, and places for results, as the caller promises.
    catch_panics(|| unsafe {
        let window = window.cast::<Window>().as_ref().ok_or_else(|| null("the window"))?;
        window.require_own_process()?;
        read(window, total, gpus, count)
    })
}

/// Ends a window: what zeus_amd_window_read() says at that time, and the window is
/// freed. With NULL for total, gpus and count it is only freed.
///
/// If an argument is refused (ZEUS_AMD_STATUS_INVALID_ARGUMENT,
/// ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL) nothing has
/// happened and the window is still open.
///
/// @param[in]     window A window; not NULL.
/// @param[out]    total  As for zeus_amd_window_read(); may be NULL.
/// @param[out]    gpus   As for zeus_amd_window_read(); may be NULL.
/// @param[in,out] count  As for zeus_amd_window_read(); may be NULL if gpus is.
/// @return As zeus_amd_window_read().
/// @threadsafety Any thread, but not while the window is in use elsewhere.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is freed.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_window_end(
    window: *mut zeus_amd_window_t,
    total: *mut zeus_amd_total_energy_t,
    gpus: *mut zeus_amd_gpu_energy_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_window_begin and ended once, and places for results, as the caller promises.
    catch_panics(|| unsafe {
        let window = window.cast::<Window>();
        let ended = window.as_ref().ok_or_else(|| null("the window"))?;
        ended.require_own_process()?;
        if !(total.is_null() && gpus.is_null() && count.is_null()) {
            read(ended, total, gpus, count)?;
        }
        drop(Box::from_raw(window));
        Ok(())
    })
}
