//! Samplers.

use super::at_exit;
use super::handle::SessionHandle;
use super::panic::{catch_panics, catch_panics_or};
use super::pointers::{null, out};
use super::status::zeus_amd_status_t;
use super::structs::{out_array, out_struct, read_struct, zeroed};
use super::types::{
    zeus_amd_gpu_energy_t, zeus_amd_sample_t, zeus_amd_sampler_options_t, zeus_amd_sampler_t, zeus_amd_session_t,
    ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT, ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT,
    ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT, ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT, ZEUS_AMD_SAMPLE_FLAG_RESET_BIT,
    ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT, ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT, ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT,
    ZEUS_AMD_SAMPLE_VALID_POWER_BIT,
};
use super::window::fill_gpu_energy;
use crate::error::{Error, Result};
use crate::measure::{flag, valid, Sample, SamplerHandle};
use crate::platform::{clock, memory};
use std::time::Duration;

const DEFAULT_CAPACITY: usize = 1 << 16;
/// No GPU refreshes its readings faster.
const SHORTEST_PERIOD_NS: u64 = 100_000;

/// The sampler behind a pointer from C.
///
/// # Safety
/// NULL, or from `zeus_amd_sampler_start` and not yet freed.
unsafe fn sampling<'a>(sampler: *const zeus_amd_sampler_t) -> Result<&'a SamplerHandle> {
    // SAFETY: as the caller promises.
    let s = unsafe { sampler.cast::<SamplerHandle>().as_ref() }.ok_or_else(|| null("the sampler"))?;
    s.require_own_process()?;
    Ok(s)
}

/// # Safety
/// NULL, or an options struct with `struct_size` bytes.
unsafe fn options(pointer: *const zeus_amd_sampler_options_t) -> Result<(Option<Duration>, usize)> {
    if pointer.is_null() {
        return Ok((None, DEFAULT_CAPACITY));
    }
    // SAFETY: as the caller promises.
    let c = unsafe { read_struct(pointer) }?;
    if c.period_ns != 0 && c.period_ns < SHORTEST_PERIOD_NS {
        return Err(Error::InvalidArgument(format!(
            "zeus_amd_sampler_options_t.period_ns: {} is less than {SHORTEST_PERIOD_NS}",
            c.period_ns
        )));
    }
    let period = (c.period_ns != 0).then(|| Duration::from_nanos(c.period_ns));
    Ok((period, if c.capacity == 0 { DEFAULT_CAPACITY } else { c.capacity as usize }))
}

/// Starts to sample all GPUs of the session: power, energy, and the power that
/// follows from the energy counter. One background thread serves all samplers
/// and windows of a session. Repeated readings are dropped. The samples are kept
/// in a ring buffer, in which new ones overwrite the oldest; nothing is
/// allocated while the sampler runs.
///
/// All signals are blocked in the thread. It ends with the last sampler, or once
/// windows have needed it with the session, or before the process exits.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  options How to sample, struct_size set by the caller
///                     (ZEUS_AMD_SAMPLER_OPTIONS_INIT); NULL: the defaults.
/// @param[out] sampler Receives the sampler, or NULL on failure; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_INVALID_ARGUMENT (a value of
///         options), ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_NO_MEMORY
///         or ZEUS_AMD_STATUS_BUSY (a thread cannot be started).
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_sampler_start(
    session: *const zeus_amd_session_t,
    options: *const zeus_amd_sampler_options_t,
    sampler: *mut *mut zeus_amd_sampler_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session and options, as the caller promises.
    catch_panics(|| unsafe {
        let to = out(sampler, "sampler")?;
        to.write(std::ptr::null_mut());
        let (period, capacity) = self::options(options)?;
        SessionHandle::with(session, |s| {
            let started = memory::make(|| s.start_sampler(period, capacity))?;
            at_exit::register_exit_handler(s);
            to.write(Box::into_raw(started).cast());
            Ok(())
        })
    })
}

/// Takes a last sample of each GPU and stops. The samples stay until
/// zeus_amd_sampler_free(). Stopping again does nothing.
///
/// @param[in] sampler A sampler; not NULL.
/// @return A status of any call.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_sampler_stop(sampler: *mut zeus_amd_sampler_t) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_sampler_start, as the caller promises.
    catch_panics(|| {
        unsafe { sampling(sampler) }?.stop();
        Ok(())
    })
}

/// Moves the oldest samples out of the ring buffer. The samples of all GPUs are
/// mixed; those of one GPU are in the order of their times. The energies of
/// zeus_amd_sampler_energy_between() do not depend on what was drained.
///
/// @param[in]     sampler A sampler, running or stopped; not NULL.
/// @param[out]    samples *count elements; struct_size of the first
///                        (ZEUS_AMD_SAMPLE_INIT) is the size of each. May be
///                        NULL if *count is 0.
/// @param[in,out] count   Capacity of samples; receives how many were written.
///                        With 0: receives how many wait to be drained, and
///                        lost 0. Not NULL.
/// @param[out]    lost    Receives how many samples were overwritten before they
///                        were drained, since the last drain. May be NULL: the
///                        next drain then includes them.
/// @return A status of any call, or ZEUS_AMD_STATUS_STRUCT_VERSION.
/// @threadsafety Any thread; drains of one sampler wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_sampler_drain(
    sampler: *mut zeus_amd_sampler_t,
    samples: *mut zeus_amd_sample_t,
    count: *mut u32,
    lost: *mut u64,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_sampler_start, and pointers to results, as the caller promises.
    catch_panics(|| unsafe {
        let ring = sampling(sampler)?.ring();
        let array = out_array(samples, count, "samples")?;
        let to = out(count, "count")?;
        if array.room == 0 {
            to.write(u32::try_from(ring.pending()?).unwrap_or(u32::MAX));
            // Nothing is drained: the next drain has them.
            if let Ok(to) = out(lost, "lost") {
                to.write(0);
            }
            return Ok(());
        }
        let drained = ring.drain(array.room as usize, lost.is_null(), |i, s| array.write(i, &sample(s)))?;
        to.write(u32::try_from(drained.samples).unwrap_or(u32::MAX));
        if let Ok(to) = out(lost, "lost") {
            to.write(drained.lost);
        }
        Ok(())
    })
}

// What a ring keeps is what the interface shows.
const _: () = assert!(valid::ENERGY as u32 == ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT);
const _: () = assert!(valid::POWER as u32 == ZEUS_AMD_SAMPLE_VALID_POWER_BIT);
const _: () = assert!(valid::COUNTER_POWER as u32 == ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT);
const _: () = assert!(flag::RESET as u32 == ZEUS_AMD_SAMPLE_FLAG_RESET_BIT);
const _: () = assert!(flag::SAMPLING_GAP as u32 == ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT);
const _: () = assert!(flag::AVERAGED_POWER as u32 == ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT);
const _: () = assert!(flag::FIRMWARE_RESOLUTION as u32 == ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT);
const _: () = assert!(flag::INTEGRATED as u32 == ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT);

fn sample(s: &Sample) -> zeus_amd_sample_t {
    zeus_amd_sample_t {
        struct_size: 0,
        gpu: s.gpu,
        valid: s.valid.into(),
        flags: s.flags.into(),
        time_ns: s.time_ns,
        energy_uj: s.energy_uj,
        power_mw: s.power_mw,
        counter_power_mw: s.counter_power_mw,
        counter_power_uncertainty_mw: s.counter_power_uncertainty_mw,
        power_begin_ns: s.power_begin_ns,
        power_end_ns: s.power_end_ns,
    }
}

/// The energy of a GPU between two times, from the samples that are still in the
/// ring buffer, drained or not. Between two samples the power is taken as
/// constant; the uncertainty covers that. See zeus_amd_now_ns() for the clock.
///
/// @param[in]  sampler A sampler, running or stopped; not NULL.
/// @param[in]  gpu     An index below zeus_amd_gpu_count().
/// @param[in]  from_ns CLOCK_BOOTTIME in nanoseconds, not before the first
///                     sample.
/// @param[in]  to_ns   Later than from_ns, and not after the last sample.
/// @param[out] energy  struct_size set by the caller (ZEUS_AMD_GPU_ENERGY_INIT);
///                     written only on success; not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_INVALID_ARGUMENT (from_ns is
///         not before to_ns), ZEUS_AMD_STATUS_STRUCT_VERSION,
///         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or there are no samples for
///         all of that time), or ZEUS_AMD_STATUS_NOT_SUPPORTED (another GPU of
///         the package has the energy).
/// @threadsafety Any thread; calls on one sampler wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_sampler_energy_between(
    sampler: *const zeus_amd_sampler_t,
    gpu: u32,
    from_ns: u64,
    to_ns: u64,
    energy: *mut zeus_amd_gpu_energy_t,
) -> zeus_amd_status_t {
    // SAFETY: from zeus_amd_sampler_start, and a struct with its size, as the caller promises.
    catch_panics(|| unsafe {
        let s = sampling(sampler)?;
        let to = out_struct(energy, "energy")?;
        let (device, interval) = s.energy_between(gpu, from_ns, to_ns)?;
        let mut value = zeroed();
        fill_gpu_energy(&mut value, gpu, device.counter_state(), Some(&interval));
        value.flags |= if device.identity.shares_package { ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT } else { 0 };
        to.write(&value);
        Ok(())
    })
}

/// Stops a sampler and frees it with its samples.
///
/// @param[in] sampler A sampler; NULL does nothing.
/// @threadsafety Any thread, but not while another thread uses the sampler.
/// @forksafety  In a child: does nothing.
/// @since 0.1
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_sampler_free(sampler: *mut zeus_amd_sampler_t) {
    catch_panics_or((), || {
        // SAFETY: NULL, or from zeus_amd_sampler_start and freed once.
        if unsafe { sampling(sampler) }.is_ok() {
            // SAFETY: as above. In a child it is leaked: its locks may be held for ever.
            drop(unsafe { Box::from_raw(sampler.cast::<SamplerHandle>()) });
        }
    });
}

/// CLOCK_BOOTTIME in nanoseconds: the clock of samples, windows and the driver's
/// timestamps. Its zero is the boot of the machine.
///
/// @return The time now.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_now_ns() -> u64 {
    catch_panics_or(0, clock::boot_ns)
}
