//! The lock round calls of libamd_smi. A call may hang, so the lock knows since when it is held: threads that come later than
//! the time limit are refused instead of waiting for ever, and at process exit the lock is closed.

use crate::platform::clock::coarse_ns;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

/// Why a call was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The call that holds the lock has exceeded the time limit.
    Hung,
    /// The process is exiting.
    Exiting,
}

const FREE: u64 = 0;
const CLOSED: u64 = u64::MAX;

/// All zeros: free. Copies of this library in one process share one (`process_wide.rs`), so the layout is fixed.
#[repr(C)]
#[derive(Default)]
pub struct CallLock {
    /// When the holder took it, on the clock of `coarse_ns`.
    since_ns: AtomicU64,
    /// A futex: changes when the lock becomes free while threads wait.
    turn: AtomicU32,
    waiting: AtomicU32,
}

/// Holds the lock.
pub struct CallGuard<'a> {
    lock: &'a CallLock,
    since_ns: u64,
}

impl CallLock {
    /// Waits until the lock is free, or has been held for `limit` by one call.
    #[inline]
    pub fn acquire(&self, limit: Duration) -> Result<CallGuard<'_>, Refusal> {
        let since_ns = coarse_ns().max(1);
        match self.since_ns.compare_exchange(FREE, since_ns, SeqCst, SeqCst) {
            Ok(_) => Ok(CallGuard { lock: self, since_ns }),
            Err(_) => self.wait(limit),
        }
    }

    #[cold]
    fn wait(&self, limit: Duration) -> Result<CallGuard<'_>, Refusal> {
        self.waiting.fetch_add(1, SeqCst);
        let result = loop {
            let turn = self.turn.load(SeqCst);
            let now_ns = coarse_ns().max(1);
            match self.since_ns.compare_exchange(FREE, now_ns, SeqCst, SeqCst) {
                Ok(_) => break Ok(CallGuard { lock: self, since_ns: now_ns }),
                Err(CLOSED) => break Err(Refusal::Exiting),
                Err(since_ns) => match limit.checked_sub(Duration::from_nanos(now_ns.saturating_sub(since_ns))) {
                    Some(rest) if !rest.is_zero() => futex_wait(&self.turn, turn, rest),
                    _ => break Err(Refusal::Hung),
                },
            }
        };
        self.waiting.fetch_sub(1, SeqCst);
        result
    }

    /// Closes the lock for ever, once the call under way has returned or `limit` is over.
    pub fn close(&self, limit: Duration) {
        let guard = self.acquire(limit);
        self.since_ns.store(CLOSED, SeqCst);
        std::mem::forget(guard);
        self.wake(u32::MAX >> 1);
    }

    fn wake(&self, threads: u32) {
        if self.waiting.load(SeqCst) > 0 {
            self.turn.fetch_add(1, SeqCst);
            // SAFETY: wakes threads that wait on this word.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.turn.as_ptr(),
                    libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                    threads,
                );
            }
        }
    }
}

impl Drop for CallGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        // A lock that was closed meanwhile stays closed.
        let _ = self.lock.since_ns.compare_exchange(self.since_ns, FREE, SeqCst, SeqCst);
        self.lock.wake(1);
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
        assert_eq!(lock.acquire(Duration::from_millis(50)).err(), Some(Refusal::Hung));
        drop(hangs);
        assert!(lock.acquire(Duration::from_millis(50)).is_ok());
    }

    #[test]
    fn a_closed_lock_stays_closed() {
        let lock = CallLock::default();
        std::thread::scope(|scope| {
            let guard = lock.acquire(LONG).unwrap();
            let waits = scope.spawn(|| lock.acquire(LONG).err());
            lock.close(Duration::from_millis(20));
            assert_eq!(waits.join().unwrap(), Some(Refusal::Exiting));
            drop(guard);
            assert_eq!(lock.acquire(LONG).err(), Some(Refusal::Exiting));
        });
    }
}
