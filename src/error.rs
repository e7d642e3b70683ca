//! What can go wrong, in words that a person can act on. The leaf that every other module may use.

use thiserror::Error;

pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure it is: one kind a public status (`capi::status` gives it its number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    InvalidArgument,
    StructVersion,
    NotFound,
    NotSupported,
    NoPermission,
    NotInitialized,
    Busy,
    Timeout,
    NoMemory,
    Io,
    LibraryNotFound,
    LibraryVersion,
    DriverNotLoaded,
    DeviceLost,
    BufferTooSmall,
    Forked,
    Heterogeneous,
    AmbiguousDevice,
    LibraryInvalid,
    LibrarySymbols,
    NoDevice,
    OutOfRange,
    Stale,
    UnexpectedData,
    EmptyMask,
    NotApplied,
    NotYet,
    Unknown,
    Internal,
}

/// One failure. `Display` is the text that `zeus_amd_last_error()` hands out.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{0}")]
    InvalidArgument(String),

    #[error(
        "{name}.struct_size is {got}: {why}; start from {init}, which sets it, and rebuild against the header of this library"
    )]
    StructVersion { name: &'static str, got: u32, init: &'static str, why: &'static str },

    #[error("{0}")]
    NotFound(String),

    #[error("{device}: {what} is not available: {why}")]
    NotSupported { device: String, what: &'static str, why: String },

    #[error("no libamd_smi found: {tried}. Install AMD's ROCm (package amd-smi-lib), or say where it is with the option amdsmi_path or the variable ZEUS_AMD_AMDSMI")]
    LibraryNotFound { tried: String },

    #[error("{path} cannot be loaded as libamd_smi: {why}")]
    LibraryInvalid { path: String, why: String },

    #[error("{path} is not a usable libamd_smi: it lacks {missing}. Point amdsmi_path or ZEUS_AMD_AMDSMI at AMD's own library")]
    LibrarySymbols { path: String, missing: String },

    #[error("{path} reports version {found}, whose struct layouts are not known here; known are {known}. Nothing was read from it; use a libamd_smi of a known release, or a newer zeus_amd")]
    LibraryVersion { path: String, found: String, known: String },

    #[error("no AMD GPU to be seen: {0}")]
    NoDevice(String),

    #[error("the amdgpu driver is not loaded: {0}")]
    DriverNotLoaded(String),

    #[error("{path}: {call} and was left alone; look for a process that hangs with a lock in /dev/shm/rocm_smi_*, and for messages of amdgpu in the kernel log; the option init_timeout_ms allows more time")]
    LibraryTimeout { path: String, call: String },

    #[error("{device}: {call} failed with {name} ({code}{words}); {advice}")]
    Vendor {
        device: String,
        call: &'static str,
        kind: Kind,
        code: u32,
        name: &'static str,
        words: String,
        advice: String,
    },

    #[error("{device}: {what}: {file}: {why}")]
    Kernel { device: String, what: &'static str, file: &'static str, kind: Kind, why: String },

    #[error("{device}: {what} is stale: the driver's own time of the reading has stood still for {age_ms} ms, so the value is an old one. The GPU may be suspended, in reset, or its gpu_metrics file unreadable")]
    Stale { device: String, what: &'static str, age_ms: u64 },

    #[error("{device}: {what} of {asked} is outside the range {range}; nothing was changed")]
    OutOfRange { device: String, what: &'static str, asked: String, range: String },

    #[error("{device}: {what} was set to {asked}, and the driver took it without a word, but it is {now} now: it was ignored, or cut to what the GPU allows (amdgpu keeps whole watts)")]
    NotApplied { device: String, what: &'static str, asked: String, now: String },

    #[error("{device}: {what} is not as it was when the guard began: {now} now, {saved} then{}", cause_text(cause))]
    NotRestored { device: String, what: &'static str, saved: String, now: String, cause: Option<Box<Error>> },

    #[error("{device}: {what} is not known yet: the counter is still being checked, as the option validation asked for, or because the GPU sleeps or is in reset; ask again in half a second, or when it is awake")]
    NotYet { device: String, what: &'static str },

    #[error("the GPUs differ: {0}")]
    Heterogeneous(String),

    #[error("{0}")]
    Ambiguous(String),

    #[error("an empty mask hides all GPUs, and the options ask for an error then: {0}")]
    EmptyMask(String),

    #[error("{what}: room for {room}, but {needed} are needed")]
    BufferTooSmall { what: &'static str, room: u32, needed: u32 },

    #[error("this session was opened before fork() by another process; open a new one in this process")]
    Forked,

    #[error("it was in use when this process was forked, and may be locked here for ever")]
    LibraryInherited,

    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },

    #[error("internal error in zeus_amd: {0}; please report it")]
    Internal(String),
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::InvalidArgument(_) => Kind::InvalidArgument,
            Error::StructVersion { .. } => Kind::StructVersion,
            Error::NotFound(_) => Kind::NotFound,
            Error::NotSupported { .. } => Kind::NotSupported,
            Error::LibraryNotFound { .. } => Kind::LibraryNotFound,
            Error::LibraryInvalid { .. } => Kind::LibraryInvalid,
            Error::LibrarySymbols { .. } => Kind::LibrarySymbols,
            Error::LibraryVersion { .. } => Kind::LibraryVersion,
            Error::NoDevice(_) => Kind::NoDevice,
            Error::DriverNotLoaded(_) => Kind::DriverNotLoaded,
            Error::LibraryTimeout { .. } => Kind::Timeout,
            Error::Vendor { kind, .. } | Error::Kernel { kind, .. } => *kind,
            Error::Stale { .. } => Kind::Stale,
            Error::OutOfRange { .. } => Kind::OutOfRange,
            Error::NotApplied { .. } => Kind::NotApplied,
            Error::NotRestored { cause, .. } => cause.as_ref().map_or(Kind::NotApplied, |c| c.kind()),
            Error::NotYet { .. } => Kind::NotYet,
            Error::Heterogeneous(_) => Kind::Heterogeneous,
            Error::Ambiguous(_) => Kind::AmbiguousDevice,
            Error::EmptyMask(_) => Kind::EmptyMask,
            Error::BufferTooSmall { .. } => Kind::BufferTooSmall,
            Error::Forked | Error::LibraryInherited => Kind::Forked,
            Error::Io { source, .. } => source.raw_os_error().map_or(Kind::Io, Kind::of_errno),
            Error::Internal(_) => Kind::Internal,
        }
    }
}

fn cause_text(cause: &Option<Box<Error>>) -> String {
    cause.as_ref().map_or_else(String::new, |c| format!("; {c}"))
}

impl Kind {
    /// What an errno means, wherever it comes from.
    #[must_use]
    pub fn of_errno(errno: i32) -> Kind {
        match errno {
            libc::EACCES | libc::EPERM | libc::EROFS => Kind::NoPermission,
            libc::EBUSY | libc::EAGAIN | libc::EINTR => Kind::Busy,
            libc::ENODEV | libc::ENXIO => Kind::DeviceLost,
            libc::ENOENT | libc::EOPNOTSUPP => Kind::NotSupported,
            libc::EINVAL => Kind::InvalidArgument,
            libc::ENOMEM | libc::EMFILE | libc::ENFILE => Kind::NoMemory,
            _ => Kind::Io,
        }
    }
}
