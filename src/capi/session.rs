//! Opening and closing.

use super::at_exit;
use super::boundary::{bytes, catch_panics, catch_panics_or, null, out, out_struct, path, read_struct, write_c_string};
use super::status::zeus_amd_status_t;
use super::types::{
    zeus_amd_backend_t, zeus_amd_energy_resolution_t, zeus_amd_options_t, zeus_amd_session_info_t, zeus_amd_session_t,
    ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT as EMPTY_MASK_IS_ERROR,
    ZEUS_AMD_OPEN_EMPTY_MASK_IS_UNSET_BIT as EMPTY_IS_UNSET,
    ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT as ENSURE_HOMOGENEOUS, ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT as EXPLICIT_MASKS,
    ZEUS_AMD_OPEN_NO_UUID_IN_MASK_BIT as NO_UUID_IN_MASK, ZEUS_AMD_OPEN_OLD_GPUS_ARE_SKIPPED_BIT as OLD_ARE_SKIPPED,
    ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT as SHUTDOWN_ON_CLOSE,
};
use crate::device::Backend;
use crate::energy::EnergyResolution;
use crate::error::{Error, Result};
use crate::session::{Options, Session, Validation};
use crate::topology::visibility::{MaskedOut, Masks, Rules};
use crate::topology::NoGpuReason;
use std::mem::zeroed;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a `zeus_amd_session_t *` really points to.
pub(super) struct SessionHandle {
    session: Session,
    /// Set by a panic inside a call: what it left half-done is not looked at again.
    broken: AtomicBool,
}

impl SessionHandle {
    /// The session behind a pointer from C, for the length of one call.
    ///
    /// # Safety
    /// NULL, or from `zeus_amd_open` and not yet closed.
    pub(super) unsafe fn with<T>(z: *const zeus_amd_session_t, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        // SAFETY: as the caller promises.
        let handle = unsafe { z.cast::<SessionHandle>().as_ref() }.ok_or_else(|| null("the session"))?;
        handle.session.require_own_process()?;
        if handle.broken.load(Ordering::Acquire) {
            return Err(Error::Internal(
                "an earlier call on this session failed inside; close it and open another".into(),
            ));
        }
        let mark = PoisonOnPanic(&handle.broken);
        let result = body(&handle.session);
        std::mem::forget(mark);
        result
    }
}

struct PoisonOnPanic<'a>(&'a AtomicBool);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// # Safety
/// NULL, or an options struct with `struct_size` bytes.
unsafe fn options(pointer: *const zeus_amd_options_t) -> Result<Options> {
    let mut options = Options::default();
    if pointer.is_null() {
        return Ok(options);
    }
    // SAFETY: as the caller promises.
    let c = unsafe { read_struct(pointer) }?;
    let bad = |field: &str, value: u32| {
        Err(Error::InvalidArgument(format!("zeus_amd_options_t.{field}: {value:#x} is unknown to this library")))
    };
    let known = ENSURE_HOMOGENEOUS
        | SHUTDOWN_ON_CLOSE
        | EMPTY_MASK_IS_ERROR
        | EXPLICIT_MASKS
        | EMPTY_IS_UNSET
        | NO_UUID_IN_MASK
        | OLD_ARE_SKIPPED;
    if c.flags & !known != 0 {
        return bad("flags", c.flags & !known);
    }
    let has = |bit: u32| c.flags & bit != 0;
    options.ensure_homogeneous = has(ENSURE_HOMOGENEOUS);
    options.shutdown_on_close = has(SHUTDOWN_ON_CLOSE);
    options.empty_mask_is_error = has(EMPTY_MASK_IS_ERROR);
    options.rules = Rules {
        empty_hides: !has(EMPTY_IS_UNSET),
        uuid_in_hip: !has(NO_UUID_IN_MASK),
        fatal_doorbell: !has(OLD_ARE_SKIPPED),
    };
    let given = [c.rocr_visible_devices, c.hip_visible_devices, c.cuda_visible_devices];
    if has(EXPLICIT_MASKS) {
        // SAFETY: NULL or strings, as the caller promises.
        let [rocr, hip, cuda] = given.map(|p| unsafe { bytes(p) });
        options.masks = Some(Masks { rocr, hip, cuda });
    } else if given.iter().any(|p| !p.is_null()) {
        return Err(Error::InvalidArgument(
            "zeus_amd_options_t has masks, but not the flag ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT".into(),
        ));
    }
    options.backend = match c.backend {
        0 => None,
        1 => Some(Backend::Amdsmi),
        2 => Some(Backend::Sysfs),
        other => return bad("backend", other),
    };
    options.validation = match c.validation {
        0 | 3 => Validation::Adaptive,
        1 => Validation::Fixed,
        2 => Validation::Off,
        4 => Validation::Background,
        other => return bad("validation", other),
    };
    options.energy_resolution = match c.energy_resolution {
        0 => EnergyResolution::Reported,
        1 => EnergyResolution::Firmware,
        other => return bad("energy_resolution", other),
    };
    if c.init_timeout_ms != 0 {
        options.init_timeout = Duration::from_millis(c.init_timeout_ms.into());
    }
    // SAFETY: NULL or a string, as the caller promises.
    options.amdsmi_path = unsafe { path(c.amdsmi_path) };
    Ok(options)
}

/// Opens a session: finds and loads libamd_smi, lists the GPUs in HIP's order
/// (the order of PyTorch's cuda:N) and checks their energy counters, which takes
/// some tens of milliseconds, or half a second (seldom up to four) if one is not
/// as it should be; the options choose another way. A GPU that fails a check does
/// not fail the others: ask zeus_amd_gpu_info() for its counter state. No GPU at all
/// that libamd_smi lists is a session with zero GPUs.
///
/// The environment is read here and nowhere else. The masks
/// (ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES) count as they
/// do for HIP; what chooses a library, a tree of files or a backend
/// (ZEUS_AMD_AMDSMI, AMDSMI_LIB_DIR, ROCM_PATH, ZEUS_AMD_ROOT, ZEUS_AMD_BACKEND)
/// does not in a program with raised privileges. libamd_smi is initialised once a
/// process and stays. Where none can be used (there is none, its version is not
/// known, it hangs) the kernel's files serve everything, unless
/// ZEUS_AMD_BACKEND_AMDSMI insists; zeus_amd_explain() says why.
///
/// @param[in]  options How to open; NULL: the defaults.
/// @param[out] session Receives the session, or NULL on failure; not NULL.
/// @return ZEUS_AMD_STATUS_OK, or
///         ZEUS_AMD_STATUS_INVALID_ARGUMENT (session is NULL, unknown flags or
///         values in options, or ZEUS_AMD_BACKEND has none of its values),
///         ZEUS_AMD_STATUS_STRUCT_VERSION (options->struct_size),
///         ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, ZEUS_AMD_STATUS_NO_DEVICE,
///         and only with ZEUS_AMD_BACKEND_AMDSMI:
///         ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, ZEUS_AMD_STATUS_LIBRARY_INVALID,
///         ZEUS_AMD_STATUS_LIBRARY_SYMBOLS, ZEUS_AMD_STATUS_LIBRARY_VERSION,
///         ZEUS_AMD_STATUS_TIMEOUT (amdsmi_init does not return, or
///         what is asked of libamd_smi after it);
///         ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (kernel and libamd_smi disagree),
///         ZEUS_AMD_STATUS_HETEROGENEOUS, ZEUS_AMD_STATUS_EMPTY_MASK (only if
///         asked for), ZEUS_AMD_STATUS_NO_MEMORY, ZEUS_AMD_STATUS_BUSY (no thread
///         can be started), ZEUS_AMD_STATUS_INTERNAL, or another one (as
///         amdsmi_init failed).
/// @threadsafety Any thread.
/// @forksafety  A child may open its own session. If its parent had used
///              libamd_smi, the child does without (its locks may be held for
///              ever there), unless ZEUS_AMD_BACKEND_AMDSMI insists.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_open(
    options: *const zeus_amd_options_t,
    session: *mut *mut zeus_amd_session_t,
) -> zeus_amd_status_t {
    catch_panics(|| {
        let to = out(session, "session")?;
        to.write(std::ptr::null_mut());
        // SAFETY: NULL or a struct, as the caller promises.
        let options = unsafe { self::options(options) }?;
        let handle = SessionHandle { session: Session::open(&options)?, broken: AtomicBool::new(false) };
        at_exit::register_exit_handler(&handle.session);
        to.write(Box::into_raw(Box::new(handle)).cast());
        Ok(())
    })
}

/// Ends a session. No call may be running on it, and none may follow. libamd_smi
/// stays loaded and initialised unless ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT asked
/// otherwise. Samplers stop, and keep their samples; windows stay open. Guards that
/// are still open end: their settings come back, and only zeus_amd_guard_end(),
/// which frees them, may be called with them afterwards.
///
/// @param[in] session A session, or NULL, which does nothing.
/// @threadsafety Any thread, but not while the session is in use elsewhere.
/// @forksafety  In a child: leaves everything as it is.
/// @return Nothing.
/// @since 0.1
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_close(session: *mut zeus_amd_session_t) {
    catch_panics_or((), || {
        let handle = session.cast::<SessionHandle>();
        // SAFETY: NULL, or from zeus_amd_open and closed once.
        if unsafe { handle.as_ref() }.is_some_and(|h| h.session.require_own_process().is_ok()) {
            // SAFETY: as above. In a child the parent's session is leaked: its locks may be held for ever.
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}

/// Could a session be opened? Looks for a card, and where the options or
/// ZEUS_AMD_BACKEND insist on libamd_smi, for that and whether it is a shared
/// library of this machine; loads and initialises nothing. Where nothing is named
/// or installed, the dynamic loader may still know one: that shows only in
/// zeus_amd_open().
///
/// @param[in] options As for zeus_amd_open(); may be NULL.
/// @return ZEUS_AMD_STATUS_OK, or the reason why not:
///         ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, ZEUS_AMD_STATUS_NO_DEVICE,
///         ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, ZEUS_AMD_STATUS_LIBRARY_INVALID,
///         ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown flags or values in options,
///         or ZEUS_AMD_BACKEND has none of its values),
///         ZEUS_AMD_STATUS_STRUCT_VERSION (options->struct_size),
///         ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_probe(options: *const zeus_amd_options_t) -> zeus_amd_status_t {
    // SAFETY: NULL or a struct, as the caller promises.
    catch_panics(|| crate::session::probe(&unsafe { self::options(options) }?))
}

fn no_gpu_reason(zero: NoGpuReason) -> zeus_amd_status_t {
    match zero {
        NoGpuReason::NoAccess => zeus_amd_status_t::ZEUS_AMD_STATUS_NO_ACCESS,
        NoGpuReason::Masked(MaskedOut::NoGpus) => zeus_amd_status_t::ZEUS_AMD_STATUS_NO_DEVICE,
        NoGpuReason::Masked(MaskedOut::EmptyMask) => zeus_amd_status_t::ZEUS_AMD_STATUS_EMPTY_MASK,
        NoGpuReason::Masked(MaskedOut::Stopped) => zeus_amd_status_t::ZEUS_AMD_STATUS_MASK_INVALID,
        NoGpuReason::Masked(MaskedOut::RuntimeFails) => zeus_amd_status_t::ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED,
    }
}

/// About the session: how many GPUs, which libamd_smi, which unit.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] info    struct_size set by the caller (ZEUS_AMD_SESSION_INFO_INIT);
///                     written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
///         ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_FORKED,
///         ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_session_info(
    session: *const zeus_amd_session_t,
    info: *mut zeus_amd_session_info_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session and a struct with its size, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            let to = out_struct(info, "info")?;
            let mut value: zeus_amd_session_info_t = zeroed();
            value.gpu_count = s.devices().len() as u32;
            let by = if s.vendor.is_some() { Backend::Amdsmi } else { Backend::Sysfs };
            value.backend = zeus_amd_backend_t::from(by) as u32;
            value.energy_resolution = match s.energy_resolution {
                EnergyResolution::Reported => zeus_amd_energy_resolution_t::ZEUS_AMD_ENERGY_RESOLUTION_REPORTED,
                EnergyResolution::Firmware => zeus_amd_energy_resolution_t::ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE,
            } as u32;
            value.no_gpu_reason = s.zero.map_or(0, |z| no_gpu_reason(z) as i32);
            if let Some(vendor) = s.vendor {
                [value.amdsmi_version_0, value.amdsmi_version_1, value.amdsmi_version_2, _] = vendor.words;
                write_c_string(&mut value.rocm, vendor.rocm);
                write_c_string(&mut value.amdsmi_path, &vendor.library.path);
            }
            to.write(&value);
            Ok(())
        })
    })
}

/// How many GPUs the session has. Their indices are 0 to this minus 1, the
/// numbers that HIP and PyTorch (cuda:N) give them.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] count   Receives the number; written only on success; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_gpu_count(session: *const zeus_amd_session_t, count: *mut u32) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        SessionHandle::with(session, |s| {
            out(count, "count")?.write(s.devices().len() as u32);
            Ok(())
        })
    })
}
