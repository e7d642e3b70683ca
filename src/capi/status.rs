//! Status codes and the last error.

use super::last_error::last_error;
use crate::error::Kind;
use std::ffi::c_char;

/// The result of a call. 0 is success, failures are negative, positive values
/// are reserved. Treat an unknown negative value as a failure. Numbers are never
/// reused (-15 is not used). The message of the last failure is in
/// zeus_amd_last_error().
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_status_t {
    /// Success.
    ZEUS_AMD_STATUS_OK = 0,
    /// A pointer is NULL, a flag or value is unknown, or the driver refused a
    /// value.
    ZEUS_AMD_STATUS_INVALID_ARGUMENT = -1,
    /// struct_size was not set or is too small, or a field that this library
    /// does not know is set.
    ZEUS_AMD_STATUS_STRUCT_VERSION = -2,
    /// There is no such GPU, or libamd_smi does not list it.
    ZEUS_AMD_STATUS_NOT_FOUND = -3,
    /// This GPU, driver or libamd_smi has no such value; the message says why.
    ZEUS_AMD_STATUS_NOT_SUPPORTED = -4,
    /// The kernel or libamd_smi refused for lack of permission.
    ZEUS_AMD_STATUS_NO_PERMISSION = -5,
    /// libamd_smi failed to initialise, or other code of the process shut it
    /// down.
    ZEUS_AMD_STATUS_NOT_INITIALIZED = -6,
    /// A transient state (busy, suspended, in reset); try again.
    ZEUS_AMD_STATUS_BUSY = -7,
    /// Time limit exceeded; amdsmi_init may hang.
    ZEUS_AMD_STATUS_TIMEOUT = -8,
    /// Out of memory, file descriptors or threads.
    ZEUS_AMD_STATUS_NO_MEMORY = -9,
    /// Reading or writing failed.
    ZEUS_AMD_STATUS_IO = -10,
    /// There is no libamd_smi in the search path.
    ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND = -11,
    /// A libamd_smi of a version whose struct layouts are not known.
    ZEUS_AMD_STATUS_LIBRARY_VERSION = -12,
    /// The amdgpu driver is not loaded.
    ZEUS_AMD_STATUS_DRIVER_NOT_LOADED = -13,
    /// The GPU disappeared or was reset.
    ZEUS_AMD_STATUS_DEVICE_LOST = -14,
    /// The array is too small; the count receives the capacity that is needed.
    ZEUS_AMD_STATUS_BUFFER_TOO_SMALL = -16,
    /// The handle belongs to the parent process, which called fork().
    ZEUS_AMD_STATUS_FORKED = -17,
    /// The GPUs are of different models, and ENSURE_HOMOGENEOUS was set.
    ZEUS_AMD_STATUS_HETEROGENEOUS = -18,
    /// The kernel and libamd_smi disagree about which GPU is which.
    ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE = -19,
    /// A file that cannot be loaded as libamd_smi.
    ZEUS_AMD_STATUS_LIBRARY_INVALID = -20,
    /// A library without the functions that libamd_smi must have.
    ZEUS_AMD_STATUS_LIBRARY_SYMBOLS = -21,
    /// The driver is loaded, but there is no card.
    ZEUS_AMD_STATUS_NO_DEVICE = -22,
    /// A value is outside the range that the message names.
    ZEUS_AMD_STATUS_OUT_OF_RANGE = -23,
    /// The driver's timestamp has stalled: the value is an old one.
    ZEUS_AMD_STATUS_STALE = -24,
    /// The driver's data have an unknown form or size.
    ZEUS_AMD_STATUS_UNEXPECTED_DATA = -25,
    /// A mask is set and empty: of zeus_amd_open() if EMPTY_MASK_IS_ERROR was
    /// set, as no_gpu_reason, and for the total of a window.
    ZEUS_AMD_STATUS_EMPTY_MASK = -26,
    /// Only as no_gpu_reason of zeus_amd_session_info_t, and for the total of a
    /// window: the first entry of a mask is invalid, so no GPU is visible.
    ZEUS_AMD_STATUS_MASK_INVALID = -27,
    /// Only as no_gpu_reason, and for the total of a window: a device file
    /// cannot be opened, and the runtime gives up.
    ZEUS_AMD_STATUS_NO_ACCESS = -28,
    /// Only as no_gpu_reason, and for the total of a window: the runtime fails
    /// to start in this environment or on this machine.
    ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED = -29,
    /// The driver accepted a setting, but did not apply it or changed the value.
    ZEUS_AMD_STATUS_NOT_APPLIED = -30,
    /// The energy counter is still being checked; try again.
    ZEUS_AMD_STATUS_NOT_READY = -31,
    /// libamd_smi failed with a status that has no equivalent here.
    ZEUS_AMD_STATUS_UNKNOWN = -98,
    /// A defect of this library. The GPU, or the settings, of the call are not used
    /// by this session again; its other GPUs are.
    ZEUS_AMD_STATUS_INTERNAL = -99,
}

use zeus_amd_status_t as S;

impl From<Kind> for zeus_amd_status_t {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::InvalidArgument => S::ZEUS_AMD_STATUS_INVALID_ARGUMENT,
            Kind::StructVersion => S::ZEUS_AMD_STATUS_STRUCT_VERSION,
            Kind::NotFound => S::ZEUS_AMD_STATUS_NOT_FOUND,
            Kind::NotSupported => S::ZEUS_AMD_STATUS_NOT_SUPPORTED,
            Kind::NoPermission => S::ZEUS_AMD_STATUS_NO_PERMISSION,
            Kind::NotInitialized => S::ZEUS_AMD_STATUS_NOT_INITIALIZED,
            Kind::Busy => S::ZEUS_AMD_STATUS_BUSY,
            Kind::Timeout => S::ZEUS_AMD_STATUS_TIMEOUT,
            Kind::NoMemory => S::ZEUS_AMD_STATUS_NO_MEMORY,
            Kind::Io => S::ZEUS_AMD_STATUS_IO,
            Kind::LibraryNotFound => S::ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND,
            Kind::LibraryVersion => S::ZEUS_AMD_STATUS_LIBRARY_VERSION,
            Kind::DriverNotLoaded => S::ZEUS_AMD_STATUS_DRIVER_NOT_LOADED,
            Kind::DeviceLost => S::ZEUS_AMD_STATUS_DEVICE_LOST,
            Kind::BufferTooSmall => S::ZEUS_AMD_STATUS_BUFFER_TOO_SMALL,
            Kind::Forked => S::ZEUS_AMD_STATUS_FORKED,
            Kind::Heterogeneous => S::ZEUS_AMD_STATUS_HETEROGENEOUS,
            Kind::AmbiguousDevice => S::ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE,
            Kind::LibraryInvalid => S::ZEUS_AMD_STATUS_LIBRARY_INVALID,
            Kind::LibrarySymbols => S::ZEUS_AMD_STATUS_LIBRARY_SYMBOLS,
            Kind::NoDevice => S::ZEUS_AMD_STATUS_NO_DEVICE,
            Kind::OutOfRange => S::ZEUS_AMD_STATUS_OUT_OF_RANGE,
            Kind::Stale => S::ZEUS_AMD_STATUS_STALE,
            Kind::UnexpectedData => S::ZEUS_AMD_STATUS_UNEXPECTED_DATA,
            Kind::EmptyMask => S::ZEUS_AMD_STATUS_EMPTY_MASK,
            Kind::MaskInvalid => S::ZEUS_AMD_STATUS_MASK_INVALID,
            Kind::NoAccess => S::ZEUS_AMD_STATUS_NO_ACCESS,
            Kind::RuntimeInitFailed => S::ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED,
            Kind::NotApplied => S::ZEUS_AMD_STATUS_NOT_APPLIED,
            Kind::NotReady => S::ZEUS_AMD_STATUS_NOT_READY,
            Kind::Unknown => S::ZEUS_AMD_STATUS_UNKNOWN,
            Kind::Internal => S::ZEUS_AMD_STATUS_INTERNAL,
        }
    }
}

/// A short English text for a status, for any number.
///
/// @param[in] status A zeus_amd_status_t, or any other number.
/// @return A static string, such as "not found"; never NULL, nothing to free.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_status_string(status: i32) -> *const c_char {
    let text = match status {
        0 => c"success",
        -1 => c"invalid argument",
        -2 => c"struct_size does not fit",
        -3 => c"not found",
        -4 => c"not supported",
        -5 => c"no permission",
        -6 => c"libamd_smi is not initialised",
        -7 => c"busy, try again",
        -8 => c"timed out",
        -9 => c"out of memory or other resources",
        -10 => c"input/output error",
        -11 => c"no libamd_smi found",
        -12 => c"libamd_smi of an unknown version",
        -13 => c"amdgpu driver not loaded",
        -14 => c"GPU lost or reset",
        -16 => c"buffer too small",
        -17 => c"session belongs to the parent process",
        -18 => c"GPUs differ in model",
        -19 => c"kernel and libamd_smi disagree about the GPUs",
        -20 => c"not a loadable libamd_smi",
        -21 => c"libamd_smi lacks functions",
        -22 => c"no AMD GPU",
        -23 => c"out of range",
        -24 => c"stale value",
        -25 => c"unexpected data from the driver",
        -26 => c"a mask hides all GPUs",
        -27 => c"the first entry of a mask is invalid",
        -28 => c"a device file cannot be opened",
        -29 => c"the runtime fails to start",
        -30 => c"setting not applied",
        -31 => c"not ready, try again",
        -98 => c"unknown failure of libamd_smi",
        -99 => c"internal error",
        _ => c"unknown status",
    };
    text.as_ptr()
}

/// The message of this thread's last failure: what failed, on which GPU, the
/// status and text of libamd_smi or the kernel, and what to do about it. A later
/// success does not clear it. The message is cut to fit and always
/// NUL-terminated.
///
/// @param[out] text   Receives the message; may be NULL if length is 0.
/// @param[in]  length Bytes at text.
/// @return The length of the whole message without its NUL; 0 before any
///         failure.
/// @threadsafety Any thread; each has its own message.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_last_error(text: *mut c_char, length: usize) -> usize {
    // SAFETY: the caller promises `length` writable bytes at `text`.
    unsafe { last_error(text, length) }
}
