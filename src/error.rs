//! Errors and their kinds. Each text says what failed and what to do about it.

use std::io;
use thiserror::Error;

pub type Result<T> = std::result::Result<T, Error>;

/// The kind of a failure. Each kind has one public status (numbered in `capi::status`).
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
    MaskInvalid,
    NoAccess,
    RuntimeInitFailed,
    NotApplied,
    NotReady,
    Unknown,
    Internal,
}

/// A system call failed because this process or the machine lacks descriptors or memory: what it was about may be there.
#[must_use]
pub fn is_exhausted_errno(errno: i32) -> bool {
    matches!(errno, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}

#[must_use]
pub fn is_exhausted(e: &io::Error) -> bool {
    is_exhausted_errno(errno_of(e))
}

/// std reports memory that it could not allocate without an errno.
#[must_use]
pub fn errno_of(e: &io::Error) -> i32 {
    let without = if e.kind() == io::ErrorKind::OutOfMemory { libc::ENOMEM } else { libc::EIO };
    e.raw_os_error().unwrap_or(without)
}

impl Kind {
    /// The kind of an errno from a system call that needs resources of this process: a thread, a process, memory.
    #[must_use]
    pub fn of_errno(errno: i32) -> Kind {
        match errno {
            libc::EPERM | libc::EACCES | libc::EROFS => Kind::NoPermission,
            // pthread_create and fork return EAGAIN at the limit of threads.
            libc::EAGAIN | libc::ENOSPC => Kind::NoMemory,
            errno if is_exhausted_errno(errno) => Kind::NoMemory,
            libc::EBUSY | libc::EINTR => Kind::Busy,
            libc::ENODEV | libc::ENXIO => Kind::DeviceLost,
            libc::ENOENT | libc::EOPNOTSUPP | libc::ENOSYS => Kind::NotSupported,
            libc::EINVAL => Kind::InvalidArgument,
            // amdgpu returns ETIME, ETIMEDOUT or EREMOTEIO when a message to the SMU fails
            // (drivers/gpu/drm/amd/pm/swsmu/smu_cmn.c).
            libc::EIO | libc::ETIME | libc::ETIMEDOUT | libc::EREMOTEIO => Kind::Io,
            _ => Kind::Io,
        }
    }

    /// The kind of an errno from an attribute of amdgpu in sysfs. The driver returns EPERM, EBUSY or EAGAIN while a GPU is
    /// runtime-suspended or in reset (drivers/gpu/drm/amd/pm/amdgpu_pm.c): a transient state, not missing rights.
    #[must_use]
    pub fn of_driver_errno(errno: i32) -> Kind {
        match errno {
            libc::EPERM | libc::EAGAIN => Kind::Busy,
            other => Kind::of_errno(other),
        }
    }

    /// Of a call that has done its work, with this as the reason that there is no value: `InvalidArgument` would promise that
    /// it has done nothing.
    #[must_use]
    pub fn after_the_fact(self) -> Kind {
        if self == Kind::InvalidArgument {
            Kind::Io
        } else {
            self
        }
    }
}

/// A failure. `Display` is the text that `zeus_amd_last_error()` returns.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{0}")]
    InvalidArgument(String),

    #[error(
        "{name}.struct_size is {got}: {why}; initialise the struct with {init} and rebuild against this library's header"
    )]
    StructVersion { name: &'static str, got: u32, init: &'static str, why: &'static str },

    #[error("{0}")]
    NotFound(String),

    #[error("{device}: {what} is not available: {why}")]
    NotSupported { device: String, what: &'static str, why: String },

    #[error("no libamd_smi found: {tried}. Install ROCm's package {package}, or set the option amdsmi_path or the variable ZEUS_AMD_AMDSMI to the library")]
    LibraryNotFound { tried: String, package: &'static str },

    #[error("{path} cannot be loaded as libamd_smi: {why}")]
    LibraryInvalid { path: String, why: String },

    #[error(
        "{path} is not a usable libamd_smi: it lacks {missing}. Set amdsmi_path or ZEUS_AMD_AMDSMI to AMD's library"
    )]
    LibrarySymbols { path: String, missing: String },

    #[error("{path} reports version {found}, whose struct layouts are unknown; known versions are {known}. Nothing was read from it; use a libamd_smi of a known release, or a newer zeus_amd")]
    LibraryVersion { path: String, found: String, known: String },

    #[error("no AMD GPU found: {0}")]
    NoDevice(String),

    #[error("the amdgpu driver is not loaded: {0}")]
    DriverNotLoaded(String),

    #[error("libamd_smi was not initialised: {path} is no DRM device, so the container masks a GPU, and amdsmi_init of some ROCm releases ends the process then. Pass all of /dev/dri into the container, or no render node of that GPU; the backend ZEUS_AMD_BACKEND_SYSFS does not need it")]
    RenderNode { path: String },

    #[error("{path} lists no GPU, although the kernel does: another part of this process has initialised it for CPUs only, and the first initialisation decides (let that part pass AMDSMI_INIT_AMD_GPUS), or librocm_smi64 is loaded for all, as PyTorch of ROCm 7.13 and later does, and answers in its place (AMD's fault); the backend ZEUS_AMD_BACKEND_SYSFS needs neither")]
    LibraryWithoutGpus { path: String },

    #[error(
        "{path} is not called any more: the process is exiting, and static objects of the library may be destroyed"
    )]
    LibraryExiting { path: String },

    #[error("{path}: {call}; check for a hung process that holds a lock in /dev/shm/rocm_smi_*, and check the kernel log for messages of amdgpu; the option init_timeout_ms allows more time, and the backend ZEUS_AMD_BACKEND_SYSFS does without this library")]
    LibraryTimeout { path: String, call: String },

    #[error("{device}: {call} failed with {name} ({code}{message}); {advice}")]
    Vendor {
        device: String,
        call: &'static str,
        kind: Kind,
        code: u32,
        name: &'static str,
        message: String,
        advice: String,
    },

    #[error("{device}: {what}: {file}: {why}")]
    Kernel { device: String, what: &'static str, file: &'static str, kind: Kind, why: String },

    #[error("{device}: {what} is stale: the driver's timestamp of the reading has not advanced for {age_ms} ms. The GPU may be runtime-suspended or in reset, or its gpu_metrics unreadable")]
    Stale { device: String, what: &'static str, age_ms: u64 },

    #[error("{device}: {what} of {asked} is outside the range {range}; nothing was changed")]
    OutOfRange { device: String, what: &'static str, asked: String, range: String },

    #[error("{device}: {what} was set to {asked}; the driver accepted the write, but the value is {now}: the driver ignored it, or limited it to what the GPU allows (amdgpu rounds power caps down to whole watts)")]
    NotApplied { device: String, what: &'static str, asked: String, now: String },

    #[error("{device}: {what} is not as it was when the guard began: {now} now, {saved} then{}", cause_text(cause))]
    NotRestored { device: String, what: &'static str, saved: String, now: String, cause: Option<Box<Error>> },

    #[error("{path}: another process, which changes a setting under a guard, has held the lock of this file for ten seconds; nothing was changed, try again")]
    GuardsLocked { path: String },

    #[error("{device}: {what} is not available yet: the validation of the counter has not finished. It runs in the background, or the GPU is runtime-suspended or in reset; try again in half a second, or when the GPU has resumed")]
    NotReady { device: String, what: &'static str },

    #[error("the GPUs differ: {0}")]
    Heterogeneous(String),

    #[error("{0}")]
    Ambiguous(String),

    #[error("an empty mask hides all GPUs, and the options make that an error: {0}")]
    EmptyMask(String),

    #[error("no GPU of this window has an energy of its own: {why}")]
    NothingMeasured { kind: Kind, why: String },

    #[error("{what}: the buffer has room for {room}, but {needed} are needed")]
    BufferTooSmall { what: &'static str, room: u32, needed: u32 },

    #[error("this session was opened before fork() by another process; open a new one in this process")]
    Forked,

    #[error("loaded before fork(), so its locks may be held forever in this process")]
    LibraryInherited,

    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },

    #[error("internal error in zeus_amd: {0}; please report it")]
    Internal(String),
}

fn cause_text(cause: &Option<Box<Error>>) -> String {
    cause.as_ref().map_or_else(String::new, |c| format!("; {c}"))
}

impl Error {
    /// What the system says of a file, or of something else that has a name.
    #[must_use]
    pub fn io(what: impl Into<String>, source: io::Error) -> Error {
        Error::Io { path: what.into(), source }
    }

    /// This process lacks descriptors or memory for `what`.
    #[must_use]
    pub fn exhausted(what: String) -> Error {
        Error::io(what, io::Error::from_raw_os_error(libc::ENOMEM))
    }

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
            Error::RenderNode { .. } => Kind::NoPermission,
            Error::LibraryWithoutGpus { .. } | Error::LibraryExiting { .. } => Kind::NotInitialized,
            Error::LibraryTimeout { .. } => Kind::Timeout,
            Error::Vendor { kind, .. } | Error::Kernel { kind, .. } | Error::NothingMeasured { kind, .. } => *kind,
            Error::Stale { .. } => Kind::Stale,
            Error::OutOfRange { .. } => Kind::OutOfRange,
            Error::NotApplied { .. } => Kind::NotApplied,
            Error::NotRestored { cause, .. } => cause.as_ref().map_or(Kind::NotApplied, |c| c.kind()),
            Error::NotReady { .. } => Kind::NotReady,
            Error::GuardsLocked { .. } => Kind::Busy,
            Error::Heterogeneous(_) => Kind::Heterogeneous,
            Error::Ambiguous(_) => Kind::AmbiguousDevice,
            Error::EmptyMask(_) => Kind::EmptyMask,
            Error::BufferTooSmall { .. } => Kind::BufferTooSmall,
            Error::Forked | Error::LibraryInherited => Kind::Forked,
            Error::Io { source, .. } => Kind::of_errno(errno_of(source)),
            Error::Internal(_) => Kind::Internal,
        }
    }
}
