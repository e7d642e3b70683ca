//! The message of a thread's last failure.

use super::pointers::copy_text;
use crate::platform::text::printable_lines;
use std::cell::UnsafeCell;
use std::ffi::c_char;
use std::fmt::Write as _;

/// This thread's last failure. Fixed and without a destructor: nothing to run at thread exit or after dlclose.
struct LastError {
    length: usize,
    text: [u8; 1024],
}

thread_local! {
    static LAST: UnsafeCell<LastError> = const { UnsafeCell::new(LastError { length: 0, text: [0; 1024] }) };
}

impl std::fmt::Write for LastError {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let s = &*printable_lines(s);
        let room = self.text.len() - self.length;
        let mut n = s.len().min(room);
        while !s.is_char_boundary(n) {
            n -= 1;
        }
        if let (Some(to), Some(from)) = (self.text.get_mut(self.length..self.length + n), s.as_bytes().get(..n)) {
            to.copy_from_slice(from);
            self.length += n;
        }
        Ok(())
    }
}

pub(super) fn set_last_error(message: std::fmt::Arguments<'_>) {
    // `try_with`: the thread may be ending. The borrow ends before any other code of this library can run.
    let _ = LAST.try_with(|last| {
        // SAFETY: one thread, and formatting an error does not call back into this function.
        let last = unsafe { &mut *last.get() };
        last.length = 0;
        let _ = last.write_fmt(message);
    });
}

/// # Safety
/// `length` writable bytes at `text`, unless `length` is 0 or `text` is NULL.
pub unsafe fn last_error(text: *mut c_char, length: usize) -> usize {
    LAST.try_with(|last| {
        // SAFETY: one thread; nothing writes in the meantime.
        let last = unsafe { &*last.get() };
        // SAFETY: as the caller promises; the source is this thread's buffer.
        unsafe { copy_text(text, length, last.text.get(..last.length).unwrap_or_default()) };
        last.length
    })
    .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_later_text_replaces_the_earlier_one() {
        let last = || {
            let mut text = [0_u8; 64];
            // SAFETY: room for so many bytes.
            let length = unsafe { last_error(text.as_mut_ptr().cast(), text.len()) };
            String::from_utf8_lossy(&text[..length]).into_owned()
        };
        set_last_error(format_args!("a long text, then a short one"));
        set_last_error(format_args!("short"));
        assert_eq!(last(), "short");
        assert_eq!(std::thread::spawn(last).join().ok().as_deref(), Some(""), "each thread has its own");
    }
}
