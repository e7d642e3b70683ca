//! The lock round calls of libamd_smi. A call may hang, so threads that wait for longer than a time limit behind one call are
//! refused, later ones at once, and at process exit the lock is closed. Without contention it costs one atomic operation.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

/// Why a call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The call that holds the lock has exceeded the time limit.
    Hung,
    /// The process is exiting.
    Exiting,
}

/// A waiting thread may miss the moment when the lock becomes free, because releasing it has no full barrier.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// All zeros: free. Copies of this library in one process share one (`process_wide.rs`), so the layout is fixed.
#[repr(C)]
#[derive(Default)]
pub struct CallLock {
    /// Odd while the lock is held; no two calls have the same value.
    word: AtomicU64,
    /// The word of the last call that has exceeded the time limit of a waiting thread.
    hung: AtomicU64,
    /// A futex: changes when the lock becomes free while threads wait.
    turn: AtomicU32,
    waiting: AtomicU32,
    closed: AtomicU32,
    reserved: u32,
}

/// Holds the lock.
pub struct CallGuard<'a> {
    lock: &'a CallLock,
    word: u64,
}

impl CallLock {
    /// Waits until the lock is free. Fails if one call has held it for `limit` since this thread or an earlier one waits.
    #[inline]
    pub fn acquire(&self, limit: Duration) -> Result<CallGuard<'_>, Refusal> {
        match self.try_acquire() {
            Some(guard) if self.closed.load(Relaxed) == 0 => Ok(guard),
            _ => self.wait(limit),
        }
    }

    #[inline]
    fn try_acquire(&self) -> Option<CallGuard<'_>> {
        let free = self.word.load(Relaxed);
        let taken = free % 2 == 0 && self.word.compare_exchange(free, free + 1, Acquire, Relaxed).is_ok();
        // Not `then_some`: it would make a guard, and drop it, also without the lock.
        taken.then(|| CallGuard { lock: self, word: free + 1 })
    }

    #[cold]
    fn wait(&self, limit: Duration) -> Result<CallGuard<'_>, Refusal> {
        self.wait_while(limit, || self.closed.load(SeqCst) == 0)
    }

    fn wait_while(&self, limit: Duration, is_open: impl Fn() -> bool) -> Result<CallGuard<'_>, Refusal> {
        self.waiting.fetch_add(1, SeqCst);
        let mut seen = (self.word.load(SeqCst), Instant::now());
        let result = loop {
            if !is_open() {
                break Err(Refusal::Exiting);
            }
            let turn = self.turn.load(SeqCst);
            if let Some(guard) = self.try_acquire() {
                break Ok(guard);
            }
            let word = self.word.load(SeqCst);
            if word != seen.0 {
                seen = (word, Instant::now());
            }
            let rest = limit.saturating_sub(seen.1.elapsed());
            if rest.is_zero() || self.hung.load(SeqCst) == word {
                self.hung.store(word, SeqCst);
                break Err(Refusal::Hung);
            }
            futex_wait(&self.turn, turn, rest.min(POLL_INTERVAL));
        };
        self.waiting.fetch_sub(1, SeqCst);
        result
    }

    /// The call that has this token exceeds its time limit: all who wait for it are refused.
    pub fn mark_hung(&self, token: u64) {
        self.hung.store(token, SeqCst);
    }

    /// Whether the call that holds the lock exceeds its time limit.
    pub fn is_hung(&self) -> bool {
        let word = self.word.load(Relaxed);
        word % 2 == 1 && self.hung.load(Relaxed) == word
    }

    /// Refuses calls from now on, for ever. False: it did so before.
    pub fn refuse_calls(&self) -> bool {
        self.closed.swap(1, SeqCst) == 0
    }

    /// Waits until the call under way has returned, or `limit` is over. For one that was closed.
    pub fn wait_for_last_call(&self, limit: Duration) {
        // Never released.
        std::mem::forget(self.wait_while(limit, || true));
    }
}

impl CallGuard<'_> {
    /// Names the call.
    pub fn token(&self) -> u64 {
        self.word
    }
}

impl Drop for CallGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        self.lock.word.store(self.word + 1, Release);
        if self.lock.waiting.load(Relaxed) > 0 {
            self.lock.turn.fetch_add(1, SeqCst);
            // SAFETY: a wake-up of a thread that waits on this word.
            unsafe {
                let how = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
                libc::syscall(libc::SYS_futex, self.lock.turn.as_ptr(), how, 1);
            }
        }
    }
}

/// Returns when the word differs from `value`, is woken, or the time is over.
fn futex_wait(word: &AtomicU32, value: u32, time: Duration) {
    let time = libc::timespec { tv_sec: time.as_secs() as libc::time_t, tv_nsec: time.subsec_nanos().into() };
    // SAFETY: a word that outlives the call, and a valid time.
    unsafe {
        let how = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
        libc::syscall(libc::SYS_futex, word.as_ptr(), how, value, std::ptr::from_ref(&time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn one_holder_at_a_time() {
        let (lock, inside, calls) = (CallLock::default(), AtomicBool::new(false), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let guard = lock.acquire(LONG).unwrap();
                        assert!(!inside.swap(true, SeqCst));
                        calls.fetch_add(1, SeqCst);
                        inside.store(false, SeqCst);
                        drop(guard);
                    }
                });
            }
        });
        assert_eq!(calls.load(SeqCst), 16_000);
    }

    #[test]
    fn late_threads_are_refused_while_a_call_hangs() {
        let lock = CallLock::default();
        let hangs = lock.acquire(LONG).unwrap();
        let word = lock.word.load(SeqCst);
        for _ in 0..2 {
            assert_eq!(lock.acquire(Duration::from_millis(50)).err(), Some(Refusal::Hung));
            assert_eq!(lock.word.load(SeqCst), word, "still the same call's");
        }
        drop(hangs);
        assert!(lock.acquire(Duration::from_millis(50)).is_ok());
    }

    #[test]
    fn nobody_waits_for_a_call_that_is_known_to_hang() {
        let lock = CallLock::default();
        std::thread::scope(|scope| {
            let hangs = lock.acquire(LONG).unwrap();
            let waits = scope.spawn(|| lock.acquire(LONG).err());
            assert!(!lock.is_hung());
            lock.mark_hung(hangs.token());
            assert!(lock.is_hung());
            assert_eq!(waits.join().unwrap(), Some(Refusal::Hung));
            assert_eq!(lock.acquire(LONG).err(), Some(Refusal::Hung));
            drop(hangs);
            assert!(!lock.is_hung());
            // A late mark is that of a call that has returned.
            let next = lock.acquire(LONG).unwrap();
            lock.mark_hung(next.token() - 2);
            drop(next);
            assert!(lock.acquire(LONG).is_ok());
        });
    }

    #[test]
    fn a_closed_lock_stays_closed() {
        let lock = CallLock::default();
        std::thread::scope(|scope| {
            let guard = lock.acquire(LONG).unwrap();
            let waits = scope.spawn(|| lock.acquire(LONG).err());
            assert!(lock.refuse_calls() && !lock.refuse_calls());
            lock.wait_for_last_call(Duration::from_millis(20));
            assert_eq!(waits.join().unwrap(), Some(Refusal::Exiting));
            drop(guard);
            assert_eq!(lock.acquire(LONG).err(), Some(Refusal::Exiting));
        });
    }
}
