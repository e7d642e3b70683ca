//! Structs that can grow, from and to C.

use super::pointers::null;
use crate::error::{Error, Result};
use std::mem::{align_of, size_of, MaybeUninit};

/// A public struct that can grow: `struct_size` first, only ever appended to.
///
/// # Safety
/// `repr(C)`, begins with a `u32` size, all zeroes are a value.
pub unsafe trait VersionedStruct: Copy {
    const NAME: &'static str;
    const INIT: &'static str;
    /// The size in the first release; never changes.
    const FIRST_SIZE: usize;
}

/// A struct that a caller fills in.
///
/// # Safety
/// All bit patterns are values: an enum is behind `MaybeUninit`.
pub unsafe trait InputStruct: VersionedStruct {}

/// The number that a caller put into a field of an enum's type.
pub fn number<T: Copy>(field: MaybeUninit<T>) -> u32 {
    // Rust 1.77 has no const block: another size does not compile.
    struct SizeOf<T>(T);
    impl<T> SizeOf<T> {
        const IS_THAT_OF_A_NUMBER: () = assert!(size_of::<T>() == size_of::<u32>());
    }
    let () = SizeOf::<T>::IS_THAT_OF_A_NUMBER;
    // SAFETY: of the same size, and the caller from C has set it, or it is zero.
    unsafe { field.as_ptr().cast::<u32>().read() }
}

/// No public struct is larger; the tail of a larger one would be read far past the object.
const MAX_STRUCT_SIZE: usize = 64 << 10;

fn checked_size<T: VersionedStruct>(got: u32) -> Result<usize> {
    let wrong = |why| Err(Error::StructVersion { name: T::NAME, got, init: T::INIT, why });
    match got as usize {
        0 => wrong("it was not set"),
        n if n < T::FIRST_SIZE => wrong("it is less than the struct ever had"),
        n if n > MAX_STRUCT_SIZE => wrong("no struct is that large"),
        n => Ok(n),
    }
}

/// Reads a struct of any release: a shorter one is extended by zeroes, a longer one must be zero behind this release's fields.
///
/// # Safety
/// `pointer` is not NULL and has `struct_size` readable bytes.
pub unsafe fn read_struct<T: InputStruct>(pointer: *const T) -> Result<T> {
    // SAFETY: every such struct begins with its size.
    let caller_size = checked_size::<T>(unsafe { pointer.cast::<u32>().read_unaligned() })?;
    let own_size = size_of::<T>();
    let bytes = pointer.cast::<u8>();
    if caller_size > own_size {
        // SAFETY: the caller promises `caller_size` bytes.
        let tail = unsafe { std::slice::from_raw_parts(bytes.add(own_size), caller_size - own_size) };
        if tail.iter().any(|b| *b != 0) {
            let why = "a field behind those that this library knows is set";
            return Err(Error::StructVersion { name: T::NAME, got: caller_size as u32, init: T::INIT, why });
        }
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: min of both sizes; all bit patterns of T are values.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes, value.as_mut_ptr().cast::<u8>(), caller_size.min(own_size));
        Ok(value.assume_init())
    }
}

/// A struct of zeroes.
#[inline(always)]
pub fn zeroed<T: VersionedStruct>() -> T {
    // SAFETY: all zeroes are a value of T.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// A struct of any release to write a result to, with the size that the caller set in it.
pub struct OutStruct<T> {
    pointer: *mut T,
    caller_size: usize,
}

/// Checks the pointer and the size.
///
/// # Safety
/// NULL, or a struct that begins with its size and has that many writable bytes.
pub unsafe fn out_struct<T: VersionedStruct>(pointer: *mut T, what: &str) -> Result<OutStruct<T>> {
    if pointer.is_null() {
        return Err(null(what));
    }
    // SAFETY: every such struct begins with its size.
    let caller_size = checked_size::<T>(unsafe { pointer.cast::<u32>().read_unaligned() })?;
    Ok(OutStruct { pointer, caller_size })
}

impl<T: VersionedStruct> OutStruct<T> {
    /// Writes what fits and zeroes behind it; the caller's `struct_size` stays.
    pub fn write(self, value: &T) {
        let (own_size, skip) = (size_of::<T>(), size_of::<u32>());
        let (to, from) = (self.pointer.cast::<u8>(), std::ptr::from_ref(value).cast::<u8>());
        let known = self.caller_size.min(own_size);
        // SAFETY: within both objects, as the caller from C promises by the size.
        unsafe {
            std::ptr::copy_nonoverlapping(from.add(skip), to.add(skip), known - skip);
            std::ptr::write_bytes(to.add(known), 0, self.caller_size - known);
        }
    }

    /// Fills in a struct of zeroes: in place if it is of this release, which saves a copy.
    #[inline(always)]
    pub fn fill(self, fill: impl FnOnce(&mut T)) {
        if self.caller_size == size_of::<T>() && self.pointer as usize % align_of::<T>() == 0 {
            let size = self.caller_size as u32;
            // SAFETY: the caller from C promises so many bytes, which no other code uses in the meantime; aligned, and all
            // zeroes are a value. The size is as the caller set it.
            unsafe {
                self.pointer.write_bytes(0, 1);
                self.pointer.cast::<u32>().write(size);
                fill(&mut *self.pointer);
            }
        } else {
            let mut value = zeroed();
            fill(&mut value);
            self.write(&value);
        }
    }
}

/// An array of such structs, with as many bytes an element as the first one's `struct_size` says.
pub struct OutArray<T> {
    pointer: *mut T,
    caller_size: usize,
    pub room: u32,
}

/// Checks an array and its count: `items` may be NULL if `*count` is 0.
///
/// # Safety
/// `count` is NULL or readable; `items` is NULL or has `*count` elements, of the size in the first one's first word.
pub unsafe fn out_array<T: VersionedStruct>(items: *mut T, count: *mut u32, what: &str) -> Result<OutArray<T>> {
    // SAFETY: as the caller promises.
    let room = unsafe { count.as_ref() }.copied().ok_or_else(|| null("count"))?;
    if room == 0 {
        return Ok(OutArray { pointer: items, caller_size: 0, room });
    }
    // SAFETY: as the caller promises.
    let first = unsafe { out_struct(items, what) }?;
    Ok(OutArray { pointer: items, caller_size: first.caller_size, room })
}

impl<T: VersionedStruct> OutArray<T> {
    /// Element `index`, which is below the room, with its size.
    #[inline(always)]
    pub fn element(&self, index: usize) -> Option<OutStruct<T>> {
        if index >= self.room as usize {
            return None;
        }
        let at = self.pointer.cast::<u8>().wrapping_add(index * self.caller_size);
        // SAFETY: within the array, as the caller from C promises by its count; it may not be aligned for all sizes.
        unsafe { at.cast::<u32>().write_unaligned(self.caller_size as u32) };
        Some(OutStruct { pointer: at.cast::<T>(), caller_size: self.caller_size })
    }

    /// Writes element `index`.
    pub fn write(&self, index: usize, value: &T) {
        if let Some(element) = self.element(index) {
            element.write(value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use super::*;

    /// Its last field came with a later release.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Grown {
        struct_size: u32,
        first: u32,
        later: u64,
    }

    // SAFETY: as the traits say.
    unsafe impl VersionedStruct for Grown {
        const NAME: &'static str = "grown_t";
        const INIT: &'static str = "GROWN_INIT";
        const FIRST_SIZE: usize = 8;
    }
    // SAFETY: as above.
    unsafe impl InputStruct for Grown {}

    #[test]
    fn only_the_caller_s_bytes_are_written() {
        const UNTOUCHED: u32 = 0xAAAA_AAAA;
        for (size, written) in [(8, &[1][..]), (16, &[1, 2, 2]), (24, &[1, 2, 2, 0, 0])] {
            let mut room = [UNTOUCHED; 8];
            room[0] = size;
            // SAFETY: a struct of that size.
            let to = unsafe { out_struct(room.as_mut_ptr().cast::<Grown>(), "it") };
            let grown = Grown { struct_size: 0, first: 1, later: 0x2_0000_0002 };
            assert_eq!(to.map(|to| to.write(&grown)).ok(), Some(()));
            assert_eq!((room[0], &room[1..=written.len()]), (size, written));
            assert!(room[written.len() + 1..].iter().all(|word| *word == UNTOUCHED), "{size}: {room:x?}");
        }
    }

    #[test]
    fn only_the_caller_s_bytes_are_read() {
        let words = [8_u32, 1, 2, 2];
        // SAFETY: a struct of 8 bytes, with others behind it.
        let read = unsafe { read_struct(words.as_ptr().cast::<Grown>()) };
        assert_eq!(read.map(|grown| (grown.first, grown.later)).ok(), Some((1, 0)));
    }
}
