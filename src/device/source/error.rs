//! Why a source gave no value.

use crate::amdsmi::status::Status;
use crate::amdsmi::Library;
use crate::device::identity::Identity;
use crate::error::{Error, Kind};
use crate::sysfs::SysfsError;
use std::fmt;

/// Small and without allocation: the device adds which GPU it is, and what was asked for.
#[derive(Clone, Copy)]
pub enum SourceError {
    /// Reading or writing a sysfs file failed; or it, or a call of libamd_smi, gave a value that cannot be right.
    Sysfs { file: &'static str, error: SysfsError },
    /// A call of libamd_smi failed.
    Amdsmi { library: &'static Library, call: &'static str, status: Status },
    /// HIP shows the GPU, libamd_smi does not list it.
    NotListed,
    /// The source does not have it.
    NotSupported(&'static str),
}

/// Either source: the driver filled no counter.
pub const NO_COUNTER: SourceError = SourceError::NotSupported("the driver has no energy counter for it");

impl SourceError {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            SourceError::Sysfs { error, .. } => error.kind(),
            SourceError::Amdsmi { status, .. } => status.kind(),
            SourceError::NotListed => Kind::NotFound,
            SourceError::NotSupported(_) => Kind::NotSupported,
        }
    }

    /// The error that a caller gets.
    #[cold]
    #[must_use]
    pub fn of(self, gpu: &Identity, what: &'static str) -> Error {
        match self {
            SourceError::Sysfs { file, error } => {
                Error::Kernel { device: gpu.label_of_files(), what, file, kind: error.kind(), why: error.to_string() }
            }
            SourceError::Amdsmi { library, call, status } => library.device_failure(status, call, gpu.label_of_files()),
            SourceError::NotListed => {
                Error::NotFound(format!("{}: HIP shows this GPU, but libamd_smi does not list it", gpu.label()))
            }
            SourceError::NotSupported(why) => gpu.not_supported(what, why),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Sysfs { file, error } => write!(f, "{file}: {error}"),
            SourceError::Amdsmi { library, call, status } => library.failure(*status, call).fmt(f),
            SourceError::NotListed => f.write_str("libamd_smi does not list the GPU"),
            SourceError::NotSupported(why) => f.write_str(why),
        }
    }
}
