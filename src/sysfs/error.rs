//! Why a read from sysfs gave no value.

use crate::error::{errno_of, Error, Kind};
use std::fmt;
use thiserror::Error;

/// Why a `gpu_metrics` table is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableError {
    #[error("gpu_metrics has {read} bytes, too few for its header")]
    Truncated { read: usize },
    #[error("gpu_metrics has {read} bytes, but its header gives {stated}")]
    Size { stated: u16, read: usize },
    #[error("gpu_metrics {major}.{minor} has {read} bytes, where that revision has {known}; an out-of-tree driver may use another layout")]
    Layout { major: u8, minor: u8, read: usize, known: u16 },
    #[error("gpu_metrics has revision {major}.{minor}, which is unknown; use a newer zeus_amd")]
    Revision { major: u8, minor: u8 },
    #[error("gpu_metrics 1.9 is malformed: {0}")]
    Attributes(&'static str),
}

/// A failed read. Small and without allocation; the caller adds the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SysfsError {
    /// The kernel returned an errno.
    Os(i32),
    /// The file is empty: the driver has no value.
    Empty,
    /// The text is not a valid number.
    NotANumber,
    /// The `gpu_metrics` table is malformed or of an unknown revision.
    Table(TableError),
    /// The value cannot be right.
    Implausible(Implausible),
    /// The GPU is runtime-suspended, and was left so.
    Suspended,
}

/// Why a value that was read is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Implausible {
    /// Only a suspended GPU draws nothing. MI50 and Radeon VII have 0 W in `gpu_metrics` with most firmwares
    /// (drivers/gpu/drm/amd/pm/powerplay/hwmgr/vega20_hwmgr.c).
    #[error("it is 0 W, which is no power of a running GPU; the driver has none, or the GPU has just been resumed")]
    NoPower,
    #[error("it is above twice the highest power limit of this GPU, {limit_mw} mW")]
    HighPower { limit_mw: u64 },
    /// A counter is 0 for one refresh after a reset.
    #[error("the count is 0: the counter does not count, or was reset just now")]
    NoEnergy,
    #[error("the sensor has 0 °C, and no other source confirms it")]
    NoTemperature,
    #[error("the table's time does not follow from that of earlier tables and is not near the clock")]
    Time,
}

impl SysfsError {
    /// Of a read: one that the driver refuses with EINVAL does not mean that the caller's argument is wrong.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            SysfsError::Os(libc::EINVAL) => Kind::Io,
            SysfsError::Os(errno) => Kind::of_driver_errno(errno),
            SysfsError::Empty => Kind::NotSupported,
            SysfsError::NotANumber | SysfsError::Table(_) | SysfsError::Implausible(_) => Kind::UnexpectedData,
            SysfsError::Suspended => Kind::Busy,
        }
    }

    /// The failure is transient: a later read may succeed.
    #[must_use]
    pub fn is_transient(self) -> bool {
        let is_refusal = self == SysfsError::Os(libc::EINVAL);
        !is_refusal && matches!(self.kind(), Kind::Busy | Kind::DeviceLost | Kind::Io | Kind::NoMemory)
    }

    /// The failure concerns the whole GPU: its other attributes fail as well.
    #[must_use]
    pub fn is_device_wide(self) -> bool {
        matches!(self.kind(), Kind::Busy | Kind::DeviceLost)
    }
}

impl fmt::Display for SysfsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SysfsError::Os(code) => {
                write!(f, "the kernel returned {}", std::io::Error::from_raw_os_error(*code))?;
                match self.kind() {
                    Kind::Busy => {
                        f.write_str("; the GPU is runtime-suspended, in reset or otherwise busy, try again later")
                    }
                    Kind::DeviceLost => {
                        f.write_str("; the GPU was removed; its readings resume when it is bound again")
                    }
                    Kind::NotSupported => f.write_str("; the driver does not offer it for this GPU"),
                    Kind::NoPermission => {
                        f.write_str("; ask the administrator for access, or run as a user who has it")
                    }
                    _ => f.write_str("; the kernel log may have details"),
                }
            }
            SysfsError::Empty => f.write_str(
                "the file is empty; the driver does not offer it for this GPU, or failed to read it from the firmware",
            ),
            SysfsError::NotANumber => f.write_str("the file contains no valid number"),
            SysfsError::Table(error) => error.fmt(f),
            SysfsError::Implausible(why) => why.fmt(f),
            SysfsError::Suspended => f.write_str("the GPU is runtime-suspended (power/runtime_status) and was left so; open the session with the option to resume suspended GPUs, or use the GPU, to read it"),
        }
    }
}

impl std::error::Error for SysfsError {}

/// Of a file or directory that could not be read.
impl From<Error> for SysfsError {
    fn from(e: Error) -> Self {
        match e {
            Error::Io { source, .. } => source.into(),
            _ => SysfsError::Os(libc::EIO),
        }
    }
}

impl From<std::io::Error> for SysfsError {
    fn from(e: std::io::Error) -> Self {
        match e.kind() {
            // The bytes are not UTF-8.
            std::io::ErrorKind::InvalidData if e.raw_os_error().is_none() => SysfsError::NotANumber,
            _ => SysfsError::Os(errno_of(&e)),
        }
    }
}
