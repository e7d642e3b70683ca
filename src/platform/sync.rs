//! Locks that a forked child may use: for the loaded library, its initialisation and its calls.
//!
//! parking_lot keeps all waiting threads of a process in one table, which a child may inherit in an inconsistent state. The
//! locks here are one word each, and a new one is free. A panic does not poison them, because a session detects by itself
//! that a call did not complete. The small state of one GPU, locked for a few instructions, uses parking_lot.

use std::sync::{self, PoisonError};
use std::time::Instant;

pub use std::sync::MutexGuard;

#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex(sync::Mutex::new(value))
    }

    /// Without locking: the reference is the only one.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that is set once: of two threads that set it, one wins. In no static, where a forked child could inherit one
/// that is being set.
#[derive(Debug)]
pub struct OnceCell<T>(sync::OnceLock<T>);

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        OnceCell(sync::OnceLock::new())
    }
}

impl<T> OnceCell<T> {
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }

    /// Returns the value that is set: this one, or that of a faster thread.
    pub fn set(&self, value: T) -> &T {
        self.0.get_or_init(|| value)
    }
}

#[derive(Debug, Default)]
pub struct Condvar(sync::Condvar);

impl Condvar {
    pub const fn new() -> Self {
        Condvar(sync::Condvar::new())
    }

    /// Waits for a notification or the deadline. Returns `true` after the deadline.
    pub fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, deadline: Instant) -> (MutexGuard<'a, T>, bool) {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let (guard, result) = self.0.wait_timeout(guard, remaining).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
