//! Pointers from C: checked before they are used.

use crate::error::{Error, Result};
use std::ffi::{c_char, CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

#[cold]
pub fn null(what: &str) -> Error {
    Error::InvalidArgument(format!("{what} is NULL"))
}

/// Somewhere to write a result to, not NULL. A pointer and no reference: two of them may be the same place.
#[derive(Clone, Copy)]
pub struct OutPtr<T>(*mut T);

impl<T> OutPtr<T> {
    pub fn write(self, value: T) {
        // SAFETY: not NULL; the caller from C promises that it points to a `T`, initialised or not.
        unsafe { self.0.write(value) }
    }
}

/// Checks such a pointer.
#[inline]
pub fn out<T>(pointer: *mut T, what: &str) -> Result<OutPtr<T>> {
    if pointer.is_null() {
        Err(null(what))
    } else {
        Ok(OutPtr(pointer))
    }
}

/// The bytes of a string from C; `None` for NULL.
///
/// # Safety
/// NULL, or a string that ends in NUL.
pub unsafe fn bytes(pointer: *const c_char) -> Option<Vec<u8>> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { CStr::from_ptr(pointer) }.to_bytes().to_vec())
}

/// A path from C; `None` for NULL or the empty string.
///
/// # Safety
/// NULL, or a string that ends in NUL.
pub unsafe fn path(pointer: *const c_char) -> Option<PathBuf> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { bytes(pointer) }.filter(|b| !b.is_empty())?;
    Some(PathBuf::from(OsStr::from_bytes(&bytes)))
}

/// Copies text into a fixed array of C, cut to fit, always with its NUL.
pub fn write_c_string<const N: usize>(to: &mut [c_char; N], from: &str) {
    to.fill(0);
    let mut fits = from.len().min(N - 1);
    while !from.is_char_boundary(fits) {
        fits -= 1;
    }
    for (t, f) in to.iter_mut().zip(from.bytes().take(fits)) {
        *t = f as c_char;
    }
}

/// Copies text to C, cut to fit, always with its NUL; nothing for no room.
///
/// # Safety
/// `length` writable bytes at `to`, unless `length` is 0 or `to` is NULL.
pub unsafe fn copy_text(to: *mut c_char, length: usize, from: &[u8]) {
    if to.is_null() || length == 0 {
        return;
    }
    let n = from.len().min(length - 1);
    // SAFETY: n < length, and the source has that many bytes.
    unsafe {
        std::ptr::copy_nonoverlapping(from.as_ptr().cast(), to, n);
        *to.add(n) = 0;
    }
}
