//! Why one of the kernel's files gave no value.

use crate::error::Kind;
use crate::sysfs::gpu_metrics::TableError;
use std::fmt;

/// Small and without allocation: which GPU it was is for the caller to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SysfsError {
    /// The kernel's answer, an errno.
    Os(i32),
    /// The file has nothing in it: the driver cannot tell.
    Empty,
    /// The text is no number that could be meant.
    NotANumber,
    /// No `gpu_metrics` table that is known here.
    Table(TableError),
}

impl SysfsError {
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            // amdgpu answers EPERM while a GPU is runtime-suspended or in reset: a passing state, not a refusal.
            SysfsError::Os(libc::EPERM) => Kind::Busy,
            SysfsError::Os(errno) => Kind::of_errno(errno),
            SysfsError::Empty => Kind::NotSupported,
            SysfsError::NotANumber | SysfsError::Table(_) => Kind::UnexpectedData,
        }
    }

    /// A state of the GPU, which says nothing of what the file is like otherwise.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(self.kind(), Kind::Busy | Kind::DeviceLost | Kind::Io | Kind::NoMemory)
    }

    /// A state of the whole GPU: its other files will say the same.
    #[must_use]
    pub fn is_device_wide(self) -> bool {
        matches!(self.kind(), Kind::Busy | Kind::DeviceLost)
    }
}

impl fmt::Display for SysfsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SysfsError::Os(code) => {
                write!(f, "the kernel answers {}", std::io::Error::from_raw_os_error(*code))?;
                match self.kind() {
                    Kind::Busy => f.write_str("; the GPU sleeps, is in reset or is otherwise busy, try again later"),
                    Kind::DeviceLost => f.write_str("; the GPU is gone; if it comes back, so do its readings"),
                    Kind::NotSupported => f.write_str("; the driver does not offer it for this GPU"),
                    Kind::NoPermission => {
                        f.write_str("; ask the administrator for access, or run as a user who has it")
                    }
                    _ => f.write_str("; the kernel log may say more"),
                }
            }
            SysfsError::Empty => f.write_str(
                "the file is empty; the driver does not offer it for this GPU, or failed to ask the firmware",
            ),
            SysfsError::NotANumber => f.write_str("the file has no number in it that could be meant"),
            SysfsError::Table(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for SysfsError {}

impl From<std::io::Error> for SysfsError {
    fn from(e: std::io::Error) -> Self {
        match (e.raw_os_error(), e.kind()) {
            (Some(code), _) => SysfsError::Os(code),
            // Bytes that are no text.
            (None, std::io::ErrorKind::InvalidData) => SysfsError::NotANumber,
            (None, _) => SysfsError::Os(libc::EIO),
        }
    }
}
