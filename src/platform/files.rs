//! Small files and directories. What is not there is absent; what cannot be read is an error and never an absence: a list
//! with less in it would name other GPUs.

use crate::error::{is_exhausted, Error, Result};
use std::io;
use std::path::{Path, PathBuf};

/// `None` if there is no such file or directory.
pub fn if_present<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
        Err(source) => Err(Error::io(path.display().to_string(), source)),
    }
}

/// `None` also if the file or the driver refuses to be read. Fails only if this process lacks descriptors or memory.
pub fn if_readable<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Err(e) if !is_exhausted(&e) => Ok(None),
        result => if_present(path, result),
    }
}

/// The paths of a directory's entries; `None` if there is no such directory.
pub fn directory(folder: &Path) -> Result<Option<Vec<PathBuf>>> {
    let all = std::fs::read_dir(folder).and_then(|entries| entries.map(|e| Ok(e?.path())).collect());
    if_present(folder, all)
}

pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(directory(folder)?.unwrap_or_default())
}

/// As [`entries`], with none in a directory that this process may not read.
pub fn readable_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    match entries(folder) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::PermissionDenied => Ok(Vec::new()),
        entries => entries,
    }
}

/// The text of a file without trailing whitespace; `None` if it has none for this process.
pub fn text(path: &Path) -> Result<Option<String>> {
    let text = if_readable(path, std::fs::read_to_string(path))?;
    Ok(text.map(|text| text.trim_end().to_owned()))
}

pub fn exists(path: &Path) -> Result<bool> {
    Ok(if_readable(path, std::fs::metadata(path))?.is_some())
}

pub fn is_file(path: &Path) -> Result<bool> {
    Ok(if_readable(path, std::fs::metadata(path))?.is_some_and(|m| m.is_file()))
}

pub fn is_dir(path: &Path) -> Result<bool> {
    Ok(if_readable(path, std::fs::metadata(path))?.is_some_and(|m| m.is_dir()))
}

/// The name of a directory's entry, if it is text.
#[must_use]
pub fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}
