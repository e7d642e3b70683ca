//! Locks on which threads wait for long, and which a forked child meets on its way to a session of its own: the loaded
//! library, its initialisation, its calls. parking_lot keeps all waiting threads of a process in one table, which a
//! child may inherit half changed; these are a word each, and a new one is free. A panic does not poison them: a
//! session notices for itself that it was left half done. The small state of one GPU, held for a few instructions,
//! is in parking_lot's.

use std::sync::{self, PoisonError};
use std::time::Instant;

pub use std::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};

#[derive(Debug, Default)]
pub struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Mutex(sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
pub struct RwLock<T>(sync::RwLock<T>);

impl<T> RwLock<T> {
    pub const fn new(value: T) -> Self {
        RwLock(sync::RwLock::new(value))
    }

    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value that comes once and stays. Never waited for: of two threads that set it, one does.
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

    /// The value that stays: this one, or that of a thread that was faster.
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

    /// Waits until it is notified or the time has come (`true`).
    pub fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, deadline: Instant) -> (MutexGuard<'a, T>, bool) {
        let left = deadline.saturating_duration_since(Instant::now());
        let (guard, late) = self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner);
        (guard, late.timed_out())
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}
