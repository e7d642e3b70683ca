//! Runtime power management: a suspended GPU is left alone. Reading most of its files resumes it, and what they show then is
//! wrong for seconds; newer kernels return EPERM instead.
//!
//! Source: Documentation/ABI/testing/sysfs-devices-power.

use super::error::SysfsError;
use crate::error::is_exhausted;
use crate::platform::files::text;
use crate::platform::sync::OnceCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub struct RuntimePower {
    folder: PathBuf,
    /// The caller wants suspended GPUs to be resumed.
    resumes: bool,
    /// The open `runtime_status`; the inner `None` is a GPU that the kernel never suspends.
    status: OnceCell<Option<File>>,
}

impl RuntimePower {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(device: &Path, resumes: bool) -> RuntimePower {
        RuntimePower { folder: device.join("power"), resumes, status: OnceCell::default() }
    }

    /// Fails while the GPU is suspended.
    #[inline]
    pub fn check_active(&self) -> Result<(), SysfsError> {
        match self.status.get() {
            Some(None) => Ok(()),
            Some(Some(file)) => check(file),
            None => self.first_check(),
        }
    }

    #[cold]
    fn first_check(&self) -> Result<(), SysfsError> {
        let status = match File::open(self.folder.join("runtime_status")) {
            Err(e) if is_exhausted(&e) => return Err(e.into()),
            status => status.ok().filter(|_| !self.resumes),
        };
        if let Some(file) = &status {
            check(file)?;
        }
        // "auto" lets the kernel suspend the GPU, "on" does not.
        let control = text(&self.folder.join("control"))?;
        self.status.set(status.filter(|_| control.as_deref() != Some("on")));
        Ok(())
    }
}

fn check(status: &File) -> Result<(), SysfsError> {
    let mut text = [0; 16];
    // A GPU that was removed shows in the read that follows.
    let read = status.read_at(&mut text, 0).unwrap_or(0);
    if text[..read].starts_with(b"suspend") {
        Err(SysfsError::Suspended)
    } else {
        Ok(())
    }
}
