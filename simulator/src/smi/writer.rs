//! Writes a caller's struct by member names, at the places that the release's layout says.

use std::ffi::c_void;

use super::context::Context;
use super::table;

/// A struct in the caller's memory.
pub struct Out {
    base: *mut u8,
    layout: std::sync::Arc<crate::facts::Layout>,
    overrun: usize,
}

impl Out {
    /// None when the release has no such struct (which then is no business of its functions).
    pub fn new(cx: &Context, name: &'static str, at: *mut c_void) -> Option<Out> {
        Some(Out { base: at.cast(), layout: table::layout(cx, name)?, overrun: cx.machine.spec.overrun })
    }

    fn bytes(&mut self, offset: usize, bytes: &[u8]) {
        // SAFETY: the caller gave a struct of this layout; offsets and sizes are the layout's own.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.base.add(offset), bytes.len()) };
    }

    /// Writes a number where the layout has that member; a member it lacks is not written.
    pub fn put(&mut self, name: &str, value: u64) -> &mut Self {
        self.put_at(name, 0, value)
    }

    /// An element of an array.
    pub fn put_at(&mut self, name: &str, index: usize, value: u64) -> &mut Self {
        if let Some(f) = self.layout.fields.get(name).copied() {
            if (index + 1) * f.element <= f.size && f.element <= 8 {
                self.bytes(f.offset + index * f.element, &value.to_le_bytes()[..f.element]);
            }
        }
        self
    }

    /// Text with zeros to the end of its array, as strncpy does.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        if let Some(f) = self.layout.fields.get(name).copied() {
            let mut all = vec![0u8; f.size];
            let n = text.len().min(f.size - 1);
            all[..n].copy_from_slice(&text.as_bytes()[..n]);
            self.bytes(f.offset, &all);
        }
        self
    }

    /// The whole struct, or a member, filled with one byte.
    pub fn fill(&mut self, byte: u8) -> &mut Self {
        let size = self.layout.size;
        self.bytes(0, &vec![byte; size]);
        self
    }

    /// The width in bytes of a member's elements; None where it is missing.
    pub fn width(&self, name: &str) -> Option<usize> {
        self.layout.fields.get(name).map(|f| f.element)
    }

    pub fn count(&self, name: &str) -> usize {
        self.layout.fields.get(name).map_or(0, |f| f.size / f.element)
    }

    pub fn members(&self) -> Vec<String> {
        self.layout.fields.keys().cloned().collect()
    }

    /// The last thing a call does: the planted overrun.
    pub fn done(&mut self) {
        if self.overrun > 0 {
            let (size, n) = (self.layout.size, self.overrun);
            self.bytes(size, &vec![0x5A; n]);
        }
    }
}

/// Writes through a caller's pointer if there is one.
pub fn store<T>(at: *mut T, value: T) {
    if !at.is_null() {
        // SAFETY: the caller's pointer to a T, as AMD's header has it.
        unsafe { at.write_unaligned(value) };
    }
}

/// Writes text and its end into `len` bytes.
pub fn store_text(at: *mut std::ffi::c_char, len: usize, text: &str) {
    if at.is_null() || len == 0 {
        return;
    }
    let n = text.len().min(len - 1);
    // SAFETY: the caller says that `len` bytes are there.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), at.cast(), n);
        at.add(n).write(0);
    }
}
