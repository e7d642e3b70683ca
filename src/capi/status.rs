//! Status codes and the last error.

use super::boundary;
use crate::error::Kind;
use std::ffi::c_char;

/// What a call came to. 0 is success, failures are negative; positive values are
/// reserved. Treat an unknown negative value as a failure. Numbers are never
/// reused. The words for the last failure are in zeus_amd_last_error().
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_status_t {
    /// Success.
    ZEUS_AMD_STATUS_OK = 0,
    /// A NULL pointer, an unknown flag or value, or the driver refused a value.
    ZEUS_AMD_STATUS_INVALID_ARGUMENT = -1,
    /// struct_size was not set, is too small, or a newer field is set.
    ZEUS_AMD_STATUS_STRUCT_VERSION = -2,
    /// No such GPU, or the library does not list it.
    ZEUS_AMD_STATUS_NOT_FOUND = -3,
    /// This GPU, driver or libamd_smi has no such value; the text says why.
    ZEUS_AMD_STATUS_NOT_SUPPORTED = -4,
    /// The kernel or libamd_smi refused for lack of rights.
    ZEUS_AMD_STATUS_NO_PERMISSION = -5,
    /// libamd_smi failed to initialise, or was shut down by somebody else.
    ZEUS_AMD_STATUS_NOT_INITIALIZED = -6,
    /// A passing state (busy, suspended, in reset); try again.
    ZEUS_AMD_STATUS_BUSY = -7,
    /// It took too long; amdsmi_init may hang.
    ZEUS_AMD_STATUS_TIMEOUT = -8,
    /// Out of memory, file descriptors or threads.
    ZEUS_AMD_STATUS_NO_MEMORY = -9,
    /// Reading or writing failed.
    ZEUS_AMD_STATUS_IO = -10,
    /// There is no libamd_smi where it was looked for.
    ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND = -11,
    /// A libamd_smi of a version whose struct layouts are not known.
    ZEUS_AMD_STATUS_LIBRARY_VERSION = -12,
    /// The amdgpu driver is not loaded.
    ZEUS_AMD_STATUS_DRIVER_NOT_LOADED = -13,
    /// The GPU vanished or was reset.
    ZEUS_AMD_STATUS_DEVICE_LOST = -14,
    /// The energy counter was reset in between. Reserved: no function returns it;
    /// ZEUS_AMD_ENERGY_FLAG_RESET_BIT tells.
    ZEUS_AMD_STATUS_COUNTER_RESET = -15,
    /// The array is too small; the count says how much room is needed.
    ZEUS_AMD_STATUS_BUFFER_TOO_SMALL = -16,
    /// The session was opened by the parent process, before fork().
    ZEUS_AMD_STATUS_FORKED = -17,
    /// The GPUs are of different models, and that was not to be.
    ZEUS_AMD_STATUS_HETEROGENEOUS = -18,
    /// The kernel and libamd_smi disagree about which GPU is which.
    ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE = -19,
    /// A file that cannot be loaded as libamd_smi.
    ZEUS_AMD_STATUS_LIBRARY_INVALID = -20,
    /// A library without the functions that libamd_smi must have.
    ZEUS_AMD_STATUS_LIBRARY_SYMBOLS = -21,
    /// The driver is loaded, but there is no card.
    ZEUS_AMD_STATUS_NO_DEVICE = -22,
    /// A value outside the range that the text names.
    ZEUS_AMD_STATUS_OUT_OF_RANGE = -23,
    /// The driver's own time stands still: the value is an old one.
    ZEUS_AMD_STATUS_STALE = -24,
    /// The driver's data have a form or size that nobody expects.
    ZEUS_AMD_STATUS_UNEXPECTED_DATA = -25,
    /// A mask is set and empty, and the options ask for an error then.
    ZEUS_AMD_STATUS_EMPTY_MASK = -26,
    /// Only as zeus_amd_session_info_t.no_gpu_reason: the first token of a mask
    /// ends the list.
    ZEUS_AMD_STATUS_MASK_INVALID = -27,
    /// Only as no_gpu_reason: a device file is refused, and the runtime gives up.
    ZEUS_AMD_STATUS_NO_ACCESS = -28,
    /// Only as no_gpu_reason: the runtime would not start with this environment.
    ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED = -29,
    /// The driver took a setting without a word, but did not apply it.
    ZEUS_AMD_STATUS_NOT_APPLIED = -30,
    /// The energy counter is still being checked; ask again.
    ZEUS_AMD_STATUS_NOT_READY = -31,
    /// libamd_smi failed with a status of no clearer meaning.
    ZEUS_AMD_STATUS_UNKNOWN = -98,
    /// A defect of this library; nothing of the host was harmed.
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
            Kind::NotApplied => S::ZEUS_AMD_STATUS_NOT_APPLIED,
            Kind::NotReady => S::ZEUS_AMD_STATUS_NOT_READY,
            Kind::Unknown => S::ZEUS_AMD_STATUS_UNKNOWN,
            Kind::Internal => S::ZEUS_AMD_STATUS_INTERNAL,
        }
    }
}

/// A few English words for a status, for any number at all.
///
/// @param[in] status  Any number.
/// @return A static string; never NULL, nothing to free.
/// @threadsafety Any thread.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub extern "C" fn zeus_amd_status_string(status: i32) -> *const c_char {
    let words = match status {
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
        -15 => c"energy counter was reset",
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
        -27 => c"the first token of a mask ends the list",
        -28 => c"no access to a device file",
        -29 => c"the runtime would not start",
        -30 => c"setting not applied",
        -31 => c"not known yet, ask again",
        -98 => c"unknown failure of libamd_smi",
        -99 => c"internal error",
        _ => c"unknown status",
    };
    words.as_ptr()
}

/// The text of this thread's last failure: what happened, on which GPU, the
/// vendor's code and words, and what to do. A later success does not clear it.
/// The text is cut to fit and always ends in NUL.
///
/// @param[out] text  Receives the text; may be NULL if length is 0.
/// @param[in] length Bytes at text.
/// @return The length of the whole text without its NUL (0: no failure yet).
/// @threadsafety Any thread; each has its own text.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
pub unsafe extern "C" fn zeus_amd_last_error(text: *mut c_char, length: usize) -> usize {
    // SAFETY: the caller promises `length` writable bytes at `text`.
    unsafe { boundary::last_error(text, length) }
}
