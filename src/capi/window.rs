//! Measuring windows.

use super::at_exit;
use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::{null, out};
use super::status::zeus_amd_status_t;
use super::structs::{out_array, out_struct};
use super::types::{
    zeus_amd_gpu_energy_t, zeus_amd_method_t, zeus_amd_session_t, zeus_amd_total_energy_t, zeus_amd_window_t,
    ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT, ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT,
    ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT, ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT,
    ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT, ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT,
    ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT, ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT,
    ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT, ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT,
    ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT, ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT,
    ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT, ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT,
};
use crate::energy::{divide, is_firmware_resolution, CounterState, EnergyInterval, Method};
use crate::error::{Error, Kind, Result};
use crate::measure::{GpuEnergy, Window, WindowTotal};
use crate::platform::memory;
use std::ffi::c_char;

fn round_mj(pj: u128) -> u64 {
    u64::try_from(divide(pj + 500_000_000, 1_000_000_000)).unwrap_or(u64::MAX)
}

/// Rounded up, plus one for the rounding of the energy.
fn uncertainty_mj(pj: u128) -> u64 {
    u64::try_from(divide(pj, 1_000_000_000) + 2).unwrap_or(u64::MAX)
}

impl From<Method> for zeus_amd_method_t {
    fn from(method: Method) -> Self {
        match method {
            Method::Counter => Self::ZEUS_AMD_METHOD_COUNTER,
            Method::Integrated => Self::ZEUS_AMD_METHOD_INTEGRATED,
            Method::Estimated => Self::ZEUS_AMD_METHOD_ESTIMATED,
        }
    }
}

/// A bit if a condition holds.
#[inline(always)]
fn bit(is: bool, bit: u32) -> u32 {
    if is {
        bit
    } else {
        0
    }
}

#[inline]
fn interval_flags(r: &EnergyInterval) -> u32 {
    bit(r.has_high_uncertainty(), ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT)
        | bit(r.resets > 0, ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT)
        | bit(r.gaps > 0, ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT)
        | bit(r.averaged, ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT)
        | bit(r.firmware_time, ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT)
        | bit(is_firmware_resolution(r.resolution_uj), ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT)
}

/// The flags of a GPU beside those of its interval.
#[inline]
fn window_flags(one: &GpuEnergy) -> u32 {
    bit(one.distrusted, ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT)
        | bit(one.stale, ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT)
        | bit(one.shared, ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT)
        | bit(one.polled_again, ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT)
}

/// The energy of one GPU as the interface has it, into a struct of zeroes.
#[inline]
pub(super) fn fill_gpu_energy(
    value: &mut zeus_amd_gpu_energy_t,
    gpu: u32,
    counter_state: CounterState,
    interval: Option<&EnergyInterval>,
) {
    value.gpu = gpu;
    value.counter_state = counter_state.into();
    let Some(r) = interval else { return };
    value.valid = ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT
        | bit(r.method == Method::Counter, ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT);
    value.flags = interval_flags(r);
    value.method = r.method.into();
    value.energy_mj = round_mj(r.energy_pj);
    value.uncertainty_mj = uncertainty_mj(r.uncertainty_pj);
    value.duration_ns = r.duration_ns;
    value.mean_power_mw = r.mean_mw();
    value.begin_ns = r.begin_ns;
    value.end_ns = r.end_ns;
    value.resolution_uj = r.resolution_uj;
}

#[inline]
fn fill(value: &mut zeus_amd_gpu_energy_t, gpu: u32, one: &GpuEnergy) {
    fill_gpu_energy(value, gpu, one.counter_state, one.interval.as_ref());
    if one.interval.is_none() {
        value.status = one.why.into();
    }
    value.flags |= window_flags(one);
}

/// What the total has of the GPUs.
#[derive(Default)]
struct Sums {
    /// A flag has the same bit in all structs, so those of the GPUs are the total's.
    flags: u32,
    mean_power_mw: u64,
    first: Option<(CounterState, Kind)>,
}

impl Sums {
    #[inline]
    fn add(&mut self, gpu: usize, one: &GpuEnergy) {
        self.flags |= window_flags(one);
        if let Some(r) = &one.interval {
            self.flags |= interval_flags(r);
            self.mean_power_mw = self.mean_power_mw.saturating_add(r.mean_mw());
        }
        if gpu == 0 {
            self.first = Some((one.counter_state, one.why));
        }
    }
}

fn fill_total(value: &mut zeus_amd_total_energy_t, t: &WindowTotal, sums: &Sums) {
    value.valid = bit(t.packages > 0, ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT);
    value.flags = sums.flags | bit(t.missing > 0, ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT);
    value.packages = t.packages;
    value.missing = t.missing;
    value.energy_mj = round_mj(t.energy_pj);
    value.uncertainty_mj = uncertainty_mj(t.uncertainty_pj);
    value.duration_ns = t.duration_ns;
    value.mean_power_mw = sums.mean_power_mw;
}

/// Gets the energy of each GPU.
type Each<'a> = &'a mut dyn FnMut(usize, &GpuEnergy);

/// Reads a window into the caller's structs. Nothing is read if one of them is refused.
///
/// # Safety
/// As [`zeus_amd_window_read`].
unsafe fn read(
    window: &Window,
    read: impl FnOnce(&Window, Each) -> WindowTotal,
    to_total: *mut zeus_amd_total_energy_t,
    gpus: *mut zeus_amd_gpu_energy_t,
    count: *mut u32,
) -> Result<Measured> {
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
    let mut sums = Sums::default();
    let sum = read(window, &mut |i, one| {
        sums.add(i, one);
        if let Some(element) = to_gpus.as_ref().and_then(|array| array.element(i)) {
            element.fill(|value| fill(value, i as u32, one));
        }
    });
    let Some(to) = to_total else { return Ok(Ok(())) };
    to.fill(|value| fill_total(value, &sum, &sums));
    Ok(if sum.packages == 0 { Err(window.nothing_measured(sums.first)) } else { Ok(()) })
}

/// Whether a total that was asked for has an energy.
type Measured = Result<()>;

/// The window behind a pointer from C.
///
/// # Safety
/// NULL, or from `zeus_amd_window_begin` and not yet ended.
unsafe fn window(window: *const zeus_amd_window_t) -> Result<*mut Window> {
    if window.is_null() {
        return Err(null("the window"));
    }
    // SAFETY: as the caller promises.
    unsafe {
        let window = Window::from_address(window.cast_mut().cast());
        (*window).require_own_process()?;
        Ok(window)
    }
}

/// A short English text for a method, for any number.
///
/// @param[in] method A zeus_amd_method_t, or any other number.
/// @return A static string, such as "counter"; never NULL, nothing to free.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_method_string(method: u32) -> *const c_char {
    let text = match method {
        0 => c"none",
        1 => c"counter",
        2 => c"integrated",
        3 => c"estimated",
        _ => c"unknown method",
    };
    text.as_ptr()
}

/// Begins a window over all GPUs of the session: zeus_amd_window_end() returns
/// the energy from here to there. Any number of windows may be open at once, on
/// any threads, and they may overlap.
///
/// Each GPU is read once. After a pause without a reading, in which a stopped
/// counter could have missed 20 J, it is read again, a millisecond apart, until
/// its counter advances: a refresh, or 0.02 s of a counter that stands. What
/// was missed before could else come within the window, and be in its
/// uncertainty.
///
/// Where the counter is not usable, or may wrap around more than once (32 bits),
/// the background thread of the session samples it until the end. A session that
/// needs one has it from zeus_amd_open() on, or from the first window that needs
/// it. Otherwise a window starts no thread, and makes no system call but its
/// reads and that wait. A window may outlive its session, but the thread ends
/// with the session. A GPU that cannot be read is no failure: see its status.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] window  Receives the window, or NULL on failure; not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_BUSY or
///         ZEUS_AMD_STATUS_NO_MEMORY (a thread cannot be started).
/// @threadsafety Any thread.
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
            let watch = memory::Watch::begin()?;
            let begun = s.begin_window()?;
            watch.check()?;
            at_exit::register_exit_handler(s);
            to.write(begun.into_address().cast());
            Ok(())
        })
    })
}

/// The energy since the start of the window, which stays open.
///
/// An energy belongs to the time between two readings of the counter, begin_ns
/// to end_ns by the driver's clock, which are a few milliseconds before the
/// calls. The uncertainty holds for the time between the calls as well. Energy
/// that is counted between the end of one window and the start of the next
/// belongs to neither: for parts that add up, take zeus_amd_window_lap(). In a
/// window that is too short for the counter the energy is estimated from the
/// power. The GPUs of a package (dies, partitions) have one energy, at the first
/// of them.
///
/// Windows keep checking the counters. In a window of 250 ms or more, a counter
/// that was idle for 120 ms is polled again after the final reading until it
/// advances, usually for a few milliseconds. One that does not advance within
/// 400 ms is rejected, and its energy comes from the power.
///
/// @param[in]     window A window; not NULL.
/// @param[out]    total  The sum over packages, struct_size set by the caller
///                       (ZEUS_AMD_TOTAL_ENERGY_INIT); may be NULL.
/// @param[out]    gpus   One element for each GPU, in the order of indices.
///                       struct_size of the first (ZEUS_AMD_GPU_ENERGY_INIT) is
///                       the size of each. May be NULL.
/// @param[in,out] count  Capacity of gpus; receives the number of GPUs. May be
///                       NULL if gpus is.
/// @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
///         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL. A GPU without an energy is no
///         failure: see its status. A total without any is one: the status of
///         the first GPU, such as ZEUS_AMD_STATUS_NOT_SUPPORTED, or without GPUs
///         the session's no_gpu_reason. total (without an energy) and gpus are
///         written all the same.
/// @threadsafety Any thread.
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
    // SAFETY: from zeus_amd_window_begin, and pointers to results, as the caller promises.
    catch_panics(|| unsafe { read(&*self::window(window)?, |w, each| w.read(each), total, gpus, count)? })
}

/// The energy since the last lap of this window, or since its begin where there
/// was none, and begins a new lap. The window stays open, and its other calls are
/// as without laps.
///
/// The energy and its uncertainty belong to the time between two readings of each
/// counter, duration_ns, not to the time between the calls. So laps add up: the
/// energy of laps that follow each other is that of the time from the first
/// reading to the last. With a firmware clock (FIRMWARE_DURATION) a lap has no
/// error at its edges, and may be as short as a refresh of the counter. Its
/// uncertainty covers a counter that has stopped since the reading before its last
/// one, by the power: later readings rule that out, or show it in the next lap. A lap
/// without a new reading has 0 J in 0 ns, and the next lap has its energy.
/// begin_ns and end_ns are by the driver's clock, which may be a refresh later.
///
/// With NULL for total, gpus and count it only begins a new lap. If an argument is
/// refused, the lap goes on.
///
/// @param[in]     window A window; not NULL.
/// @param[out]    total  As for zeus_amd_window_read(); may be NULL.
/// @param[out]    gpus   As for zeus_amd_window_read(); may be NULL.
/// @param[in,out] count  As for zeus_amd_window_read(); may be NULL if gpus is.
/// @return As zeus_amd_window_read().
/// @threadsafety Any thread; laps of one window wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_window_lap(
    window: *mut zeus_amd_window_t,
    total: *mut zeus_amd_total_energy_t,
    gpus: *mut zeus_amd_gpu_energy_t,
    count: *mut u32,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_window_begin, and pointers to results, as the caller promises.
    catch_panics(|| unsafe { read(&*self::window(window)?, |w, each| w.lap(each), total, gpus, count)? })
}

/// Restarts a window, as if it had been ended and begun: its energy is that from
/// here on. Nothing is allocated, so it suits a code that measures each of its
/// iterations. Its laps restart as well.
///
/// @param[in] window A window; not NULL.
/// @return A status of any call. ZEUS_AMD_STATUS_BUSY or
///         ZEUS_AMD_STATUS_NO_MEMORY (a thread cannot be started): the window
///         has restarted, but is not sampled in between.
/// @threadsafety Any thread, but not while another thread uses the window.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_window_restart(window: *mut zeus_amd_window_t) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_window_begin, and used by this thread alone, as the caller promises.
    catch_panics(|| unsafe { (*self::window(window)?).restart() })
}

/// Ends a window: returns what zeus_amd_window_read() returns, and frees the
/// window. With NULL for total, gpus and count it only frees the window.
///
/// If an argument is refused (ZEUS_AMD_STATUS_INVALID_ARGUMENT,
/// ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL), the window
/// stays open. Otherwise it has ended, whatever the status.
///
/// @param[in]     window A window; not NULL.
/// @param[out]    total  As for zeus_amd_window_read(); may be NULL.
/// @param[out]    gpus   As for zeus_amd_window_read(); may be NULL.
/// @param[in,out] count  As for zeus_amd_window_read(); may be NULL if gpus is.
/// @return As zeus_amd_window_read().
/// @threadsafety Any thread, but not while another thread uses the window.
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
    // SAFETY: from zeus_amd_window_begin and ended once, and pointers to results, as the caller promises.
    catch_panics(|| unsafe {
        let window = self::window(window)?;
        let measured = if total.is_null() && gpus.is_null() && count.is_null() {
            Ok(())
        } else {
            read(&*window, |w, each| w.read(each), total, gpus, count)?
        };
        drop(Box::from_raw(window));
        measured
    })
}
