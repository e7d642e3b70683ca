//! A mark on what a panic has left half done, so that it is not used again. A panic is of one GPU or one object.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `body`; a panic in it ends here.
#[inline]
pub fn contain<T>(body: impl FnOnce() -> T) -> Option<T> {
    // Dropping a payload may panic again.
    catch_unwind(AssertUnwindSafe(body)).map_err(std::mem::forget).ok()
}

#[derive(Debug, Default)]
pub struct Broken(AtomicBool);

struct SetOnPanic<'a>(&'a Broken);

impl Drop for SetOnPanic<'_> {
    #[cold]
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Broken {
    #[must_use]
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Runs `body`; a panic in it sets the mark and goes on.
    #[inline]
    pub fn mark<T>(&self, body: impl FnOnce() -> T) -> T {
        let mark = SetOnPanic(self);
        let value = body();
        std::mem::forget(mark);
        value
    }

    /// Runs `body`; a panic in it sets the mark and ends here.
    pub fn contain<T>(&self, body: impl FnOnce() -> T) -> Option<T> {
        contain(|| self.mark(body))
    }
}
