//! How a sysfs file is written.

use super::error::SysfsError;
use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// One write, which the kernel takes as one value or one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SysfsWrite {
    pub file: PathBuf,
    pub text: String,
    /// A table takes commands one after the other; any other file has one value.
    pub append: bool,
}

impl SysfsWrite {
    #[must_use]
    pub fn value(file: PathBuf, value: impl Display) -> Self {
        SysfsWrite { file, text: format!("{value}\n"), append: false }
    }

    #[must_use]
    pub fn command(file: PathBuf, command: impl Display) -> Self {
        SysfsWrite { file, text: format!("{command}\n"), append: true }
    }

    pub fn run(&self) -> Result<(), SysfsError> {
        let mut file = OpenOptions::new().write(true).append(self.append).truncate(!self.append).open(&self.file)?;
        Ok(file.write_all(self.text.as_bytes())?)
    }
}
