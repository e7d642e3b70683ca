//! Between C and the safe core: panics stop here, pointers are checked here, failures get their text here.

use super::status::zeus_amd_status_t;
use crate::error::{Error, Result};
use crate::platform::log;
use std::cell::{Cell, UnsafeCell};
use std::ffi::{c_char, CStr, OsStr};
use std::fmt::Write as _;
use std::mem::{align_of, size_of, MaybeUninit};
use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Once;

/// This thread's last failure. Fixed and without a destructor: nothing to run at thread exit or after dlclose.
struct LastError {
    length: usize,
    text: [u8; 1024],
}

thread_local! {
    static LAST: UnsafeCell<LastError> = const { UnsafeCell::new(LastError { length: 0, text: [0; 1024] }) };
    /// How many of our functions are on this thread's stack: a panic inside them is ours. Without a destructor it is there
    /// as long as the thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

impl std::fmt::Write for LastError {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
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

fn set_last_error(words: std::fmt::Arguments<'_>) {
    // `try_with`: the thread may be on its way out. The borrow ends before anything else of ours can run.
    let _ = LAST.try_with(|last| {
        // SAFETY: one thread, and formatting our own texts does not come back here.
        let last = unsafe { &mut *last.get() };
        last.length = 0;
        let _ = last.write_fmt(words);
    });
}

/// # Safety
/// `length` writable bytes at `text`, unless `length` is 0 or `text` is NULL.
pub unsafe fn last_error(text: *mut c_char, length: usize) -> usize {
    LAST.try_with(|last| {
        // SAFETY: one thread; nothing writes meanwhile.
        let last = unsafe { &*last.get() };
        // SAFETY: as the caller promises; the source is our own.
        unsafe { copy_text(text, length, last.text.get(..last.length).unwrap_or_default()) };
        last.length
    })
    .unwrap_or(0)
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

/// A panic inside our functions leaves its message in the last error and prints nothing.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
                // A background thread of ours prints no more than a call does.
                if std::thread::current().name().is_some_and(|n| n.starts_with("zeus_amd-")) {
                    log::emit(log::Level::Error, || format!("internal error in a background thread: {info}"));
                } else {
                    before(info);
                }
                return;
            }
            let payload = info.payload();
            let message = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
                .unwrap_or("a panic");
            let place = info.location().map_or("", |l| l.file());
            let line = info.location().map_or(0, |l| l.line());
            set_last_error(format_args!("{}", Error::Internal(format!("{message} ({place}:{line})"))));
        }));
    });
}

/// Runs the body of a public function: panics become INTERNAL, errors leave their text behind.
pub fn catch_panics(body: impl FnOnce() -> Result<()>) -> zeus_amd_status_t {
    catch_panics_or(zeus_amd_status_t::ZEUS_AMD_STATUS_INTERNAL, || match body() {
        Ok(()) => zeus_amd_status_t::ZEUS_AMD_STATUS_OK,
        Err(e) => failed(&e),
    })
}

#[cold]
fn failed(e: &Error) -> zeus_amd_status_t {
    set_last_error(format_args!("{e}"));
    e.kind().into()
}

/// As [`guard`], for the few functions that return no status: `fallback` if it panics.
pub fn catch_panics_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    install_hook();
    let inside = |depth: &Cell<u32>| {
        let before = depth.get();
        depth.set(before.saturating_add(1));
        let done = catch_unwind(AssertUnwindSafe(body));
        depth.set(before);
        done
    };
    match DEPTH.with(inside) {
        Ok(value) => value,
        Err(payload) => {
            // Dropping a payload may panic again.
            std::mem::forget(payload);
            fallback
        }
    }
}

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
    for (t, f) in to.iter_mut().take(N - 1).zip(from.bytes()) {
        *t = f as c_char;
    }
}

/// A public struct that can grow: `struct_size` first, only ever appended to.
///
/// # Safety
/// `repr(C)`, begins with a `u32` size, all bit patterns are values.
pub unsafe trait VersionedStruct: Copy {
    const NAME: &'static str;
    const INIT: &'static str;
    /// The size in the first release; never changes.
    const FIRST_SIZE: usize;
}

/// Nothing of ours is larger; the tail of a larger one would be read far past the object.
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

/// Reads a struct of any release: a shorter one is extended by zeroes, a longer one must be zero behind ours.
///
/// # Safety
/// `pointer` is not NULL and has `struct_size` readable bytes.
pub unsafe fn read_struct<T: VersionedStruct>(pointer: *const T) -> Result<T> {
    // SAFETY: every such struct begins with its size.
    let theirs = checked_size::<T>(unsafe { pointer.cast::<u32>().read_unaligned() })?;
    let ours = size_of::<T>();
    let bytes = pointer.cast::<u8>();
    if theirs > ours {
        // SAFETY: the caller promises `theirs` bytes.
        let tail = unsafe { std::slice::from_raw_parts(bytes.add(ours), theirs - ours) };
        if tail.iter().any(|b| *b != 0) {
            let why = "a field behind those that this library knows is set";
            return Err(Error::StructVersion { name: T::NAME, got: theirs as u32, init: T::INIT, why });
        }
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: min of both sizes; all bit patterns of T are values.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes, value.as_mut_ptr().cast::<u8>(), theirs.min(ours));
        Ok(value.assume_init())
    }
}

/// A struct of any release to write a result to, with the size that the caller set in it.
pub struct OutStruct<T> {
    pointer: *mut T,
    theirs: usize,
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
    let theirs = checked_size::<T>(unsafe { pointer.cast::<u32>().read_unaligned() })?;
    Ok(OutStruct { pointer, theirs })
}

impl<T: VersionedStruct> OutStruct<T> {
    /// Writes what fits, zeroes behind ours; the caller's `struct_size` stays.
    pub fn write(self, value: &T) {
        let (ours, skip) = (size_of::<T>(), size_of::<u32>());
        let (to, from) = (self.pointer.cast::<u8>(), std::ptr::from_ref(value).cast::<u8>());
        let known = self.theirs.min(ours);
        // SAFETY: within both objects, as the caller from C promises by the size.
        unsafe {
            std::ptr::copy_nonoverlapping(from.add(skip), to.add(skip), known - skip);
            std::ptr::write_bytes(to.add(known), 0, self.theirs - known);
        }
    }

    /// Fills in a struct of zeroes: where it stands, if it is of this release, which is what saves time.
    #[inline(always)]
    pub fn fill(self, fill: impl FnOnce(&mut T)) {
        if self.theirs == size_of::<T>() && self.pointer as usize % align_of::<T>() == 0 {
            let size = self.theirs as u32;
            // SAFETY: the caller from C promises so many bytes, which nobody else uses meanwhile; aligned, and all bit
            // patterns are values. The size is as the caller set it.
            unsafe {
                self.pointer.write_bytes(0, 1);
                self.pointer.cast::<u32>().write(size);
                fill(&mut *self.pointer);
            }
        } else {
            // SAFETY: all bit patterns of T are values.
            let mut value = unsafe { MaybeUninit::<T>::zeroed().assume_init() };
            fill(&mut value);
            self.write(&value);
        }
    }
}

/// An array of such structs, with as many bytes an element as the first one's `struct_size` says.
pub struct OutArray<T> {
    pointer: *mut T,
    theirs: usize,
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
        return Ok(OutArray { pointer: items, theirs: 0, room });
    }
    // SAFETY: as the caller promises.
    let first = unsafe { out_struct(items, what) }?;
    Ok(OutArray { pointer: items, theirs: first.theirs, room })
}

impl<T: VersionedStruct> OutArray<T> {
    /// Element `index`, which is below the room, with its size.
    #[inline(always)]
    pub fn element(&self, index: usize) -> Option<OutStruct<T>> {
        if index >= self.room as usize {
            return None;
        }
        let at = self.pointer.cast::<u8>().wrapping_add(index * self.theirs);
        // SAFETY: within the array, as the caller from C promises by its count; it may not be aligned for all sizes.
        unsafe { at.cast::<u32>().write_unaligned(self.theirs as u32) };
        Some(OutStruct { pointer: at.cast::<T>(), theirs: self.theirs })
    }

    /// Writes element `index`.
    pub fn write(&self, index: usize, value: &T) {
        if let Some(element) = self.element(index) {
            element.write(value);
        }
    }
}
