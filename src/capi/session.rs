//! Opening and closing.

use super::at_exit;
use super::handle::SessionHandle;
use super::panic::{catch_panics, catch_panics_or};
use super::pointers::{bytes, out, path, write_c_string};
use super::status::zeus_amd_status_t;
use super::structs::{number, out_struct, read_struct};
use super::types::{
    zeus_amd_energy_resolution_t, zeus_amd_options_t, zeus_amd_session_info_t, zeus_amd_session_t,
    ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT as EMPTY_MASK_IS_ERROR,
    ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT as ENSURE_HOMOGENEOUS, ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT as EXPLICIT_MASKS,
    ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT as SHUTDOWN_ON_CLOSE, ZEUS_AMD_OPEN_WAKE_SUSPENDED_BIT as WAKE_SUSPENDED,
    ZEUS_AMD_SESSION_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT, ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT,
    ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT,
};
use crate::device::Backend;
use crate::energy::ResolutionChoice;
use crate::error::{Error, Result};
use crate::platform::memory;
use crate::session::{Options, Session, Validation};
use crate::topology::visibility::{parse_release, Masks};
use crate::topology::Order;
use std::mem::zeroed;
use std::time::Duration;

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
    let known = ENSURE_HOMOGENEOUS | SHUTDOWN_ON_CLOSE | EMPTY_MASK_IS_ERROR | EXPLICIT_MASKS | WAKE_SUSPENDED;
    if c.flags & !known != 0 {
        return bad("flags", c.flags & !known);
    }
    let has = |bit: u32| c.flags & bit != 0;
    options.ensure_homogeneous = has(ENSURE_HOMOGENEOUS);
    options.shutdown_on_close = has(SHUTDOWN_ON_CLOSE);
    options.empty_mask_is_error = has(EMPTY_MASK_IS_ERROR);
    options.resume_suspended = has(WAKE_SUSPENDED);
    let given = [c.rocr_visible_devices, c.hip_visible_devices, c.cuda_visible_devices];
    if has(EXPLICIT_MASKS) {
        // SAFETY: NULL or strings, as the caller promises.
        let [rocr, hip, cuda] = given.map(|p| unsafe { bytes(p) });
        options.masks = Some(Masks { rocr, hip, cuda, ..Masks::default() });
    } else if given.iter().any(|p| !p.is_null()) {
        return Err(Error::InvalidArgument(
            "zeus_amd_options_t has masks, but not the flag ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT".into(),
        ));
    }
    options.backend = match number(c.backend) {
        0 => None,
        1 => Some(Backend::Amdsmi),
        2 => Some(Backend::Sysfs),
        other => return bad("backend", other),
    };
    options.validation = match number(c.validation) {
        0 | 3 => Validation::Adaptive,
        1 => Validation::Fixed,
        2 => Validation::Off,
        4 => Validation::Background,
        other => return bad("validation", other),
    };
    options.energy_resolution = match number(c.energy_resolution) {
        0 => ResolutionChoice::Default,
        1 => ResolutionChoice::Reported,
        2 => ResolutionChoice::Firmware,
        other => return bad("energy_resolution", other),
    };
    // SAFETY: NULL or a string, as the caller promises.
    if let Some(text) = unsafe { bytes(c.runtime_version) } {
        let text = String::from_utf8_lossy(&text);
        options.runtime_version = Some(parse_release(&text).ok_or_else(|| {
            Error::InvalidArgument(format!(
                "zeus_amd_options_t.runtime_version: {text:?} is not a ROCm release such as \"6.4.1\""
            ))
        })?);
    }
    if c.init_timeout_ms != 0 {
        options.init_timeout = Duration::from_millis(c.init_timeout_ms.into());
    }
    // SAFETY: NULL or a string, as the caller promises.
    options.amdsmi_path = unsafe { path(c.amdsmi_path) };
    Ok(options)
}

/// Opens a session: loads libamd_smi, lists the GPUs in HIP's order (the order
/// of PyTorch's cuda:N) and checks their energy counters. The check takes some
/// tens of milliseconds; for a counter that misbehaves half a second, rarely up
/// to four. See zeus_amd_validation_t. A GPU that fails the check does not fail
/// the call: see counter_state of zeus_amd_gpu_info(). If HIP shows no GPU, the
/// session has none: see no_gpu_reason of zeus_amd_session_info().
///
/// The environment is read here and in zeus_amd_probe() only.
/// ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES have the
/// effect that they have on HIP; with an HSA_OVERRIDE_GFX_VERSION that it cannot
/// parse there is no GPU. Variables that choose a libamd_smi (see amdsmi_path of
/// zeus_amd_options_t), ZEUS_AMD_ROOT and ZEUS_AMD_BACKEND are ignored in a
/// program with raised privileges (setuid). libamd_smi is initialised once per
/// process and stays loaded. If it cannot be used (missing, of an unknown
/// version, hung), the session uses the kernel's sysfs alone, unless
/// ZEUS_AMD_BACKEND_AMDSMI was asked for; amdsmi_status of
/// zeus_amd_session_info() and zeus_amd_explain() say why.
///
/// @param[in]  options How to open, struct_size set by the caller
///                     (ZEUS_AMD_OPTIONS_INIT); NULL: the defaults.
/// @param[out] session Receives the session, or NULL on failure; not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown
///         flags or values in options, or ZEUS_AMD_BACKEND is not auto, amdsmi
///         or sysfs), ZEUS_AMD_STATUS_STRUCT_VERSION,
///         ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, ZEUS_AMD_STATUS_NO_DEVICE,
///         ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE, ZEUS_AMD_STATUS_HETEROGENEOUS,
///         ZEUS_AMD_STATUS_EMPTY_MASK (both only if asked for),
///         ZEUS_AMD_STATUS_NO_MEMORY or ZEUS_AMD_STATUS_BUSY (a thread cannot be
///         started). Only with ZEUS_AMD_BACKEND_AMDSMI:
///         ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, ZEUS_AMD_STATUS_LIBRARY_INVALID,
///         ZEUS_AMD_STATUS_LIBRARY_SYMBOLS, ZEUS_AMD_STATUS_LIBRARY_VERSION,
///         ZEUS_AMD_STATUS_TIMEOUT (init_timeout_ms), or another one by which
///         amdsmi_init failed.
/// @threadsafety Any thread.
/// @forksafety  A child may open its own session. If the parent has used
///              libamd_smi, the child's session uses sysfs, because locks of
///              libamd_smi may be held for ever in the child, unless
///              ZEUS_AMD_BACKEND_AMDSMI was asked for.
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
        at_exit::before_open();
        let handle = memory::make(|| {
            let opened = Session::open(&options)?;
            at_exit::register_exit_handler(&opened);
            Ok(SessionHandle::new(opened))
        })?;
        to.write(handle.into_raw());
        Ok(())
    })
}

/// Closes a session. No call may be running on it, and none may follow.
/// libamd_smi stays loaded and initialised unless
/// ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT was set. Samplers stop and keep their
/// samples; windows stay open. Guards that are still open end: their settings
/// are restored, and afterwards they may only be passed to zeus_amd_guard_end(),
/// which frees them.
///
/// @param[in] session A session; NULL does nothing.
/// @threadsafety Any thread, but not while another thread uses the session.
/// @forksafety  In a child: does nothing.
/// @since 0.1
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_close(session: *mut zeus_amd_session_t) {
    // SAFETY: NULL, or from zeus_amd_open and closed once, as the caller promises.
    catch_panics_or((), || unsafe { SessionHandle::close(session) });
}

/// Can a session be opened? Checks for a GPU and, if ZEUS_AMD_BACKEND_AMDSMI is
/// asked for, for a libamd_smi that is a shared library of this machine. Loads
/// nothing and initialises nothing. A library that only the dynamic loader can
/// find is not checked.
///
/// @param[in] options As for zeus_amd_open(), struct_size set by the caller; may
///                    be NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INTERNAL, or what zeus_amd_open()
///         would return: ZEUS_AMD_STATUS_DRIVER_NOT_LOADED,
///         ZEUS_AMD_STATUS_NO_DEVICE, ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND,
///         ZEUS_AMD_STATUS_LIBRARY_INVALID, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
///         ZEUS_AMD_STATUS_STRUCT_VERSION.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_probe(options: *const zeus_amd_options_t) -> zeus_amd_status_t {
    // SAFETY: NULL or a struct, as the caller promises.
    catch_panics(|| crate::session::probe(&unsafe { self::options(options) }?))
}

impl From<ResolutionChoice> for zeus_amd_energy_resolution_t {
    fn from(choice: ResolutionChoice) -> Self {
        match choice {
            ResolutionChoice::Default => Self::ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT,
            ResolutionChoice::Reported => Self::ZEUS_AMD_ENERGY_RESOLUTION_REPORTED,
            ResolutionChoice::Firmware => Self::ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE,
        }
    }
}

/// About the session: the number of GPUs, the version of libamd_smi, the
/// resolution.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] info    struct_size set by the caller
///                     (ZEUS_AMD_SESSION_INFO_INIT); written only on success;
///                     not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_STRUCT_VERSION.
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
            // All zeroes are a value of it.
            let mut value: zeus_amd_session_info_t = zeroed();
            value.gpu_count = s.devices().len() as u32;
            value.backend = if s.vendor.is_some() { Backend::Amdsmi } else { Backend::Sysfs }.into();
            value.energy_resolution = s.energy_resolution.into();
            value.no_gpu_reason = s.zero.map_or(zeus_amd_status_t::ZEUS_AMD_STATUS_OK, |reason| reason.kind().into());
            value.amdsmi_status = s.amdsmi_error.map_or(zeus_amd_status_t::ZEUS_AMD_STATUS_OK, Into::into);
            if s.order == Order::Enumeration {
                value.flags |= ZEUS_AMD_SESSION_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT;
            }
            if s.order_uncertain {
                value.flags |= ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT;
            }
            if let Some(vendor) = s.vendor {
                value.valid |= ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT;
                [value.amdsmi_version_0, value.amdsmi_version_1, value.amdsmi_version_2, _] = vendor.words;
                write_c_string(&mut value.rocm, vendor.rocm);
                write_c_string(&mut value.amdsmi_path, &vendor.library.path);
            }
            to.write(&value);
            Ok(())
        })
    })
}

/// The number of GPUs of the session. Their indices are 0 to this minus 1, the
/// numbers that HIP and PyTorch (cuda:N) give them.
///
/// @param[in]  session An open session; not NULL.
/// @param[out] count   Written only on success; not NULL.
/// @return A status of any call.
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
