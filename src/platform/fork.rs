//! Which process this is, without asking the kernel: a fork is noticed by one load, before any lock is touched.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::thread::JoinHandle;

/// A page that the kernel wipes in a forked child. Its first word is the birth mark of the process.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// Ordinary memory, so a child inherits it: its next mark differs from all of its ancestors'.
static LAST_MARK: AtomicU64 = AtomicU64::new(0);

/// Used where the kernel has no wipe-on-fork (before Linux 4.14): then the mark is the pid.
fn fallback_mark() -> u64 {
    u64::from(std::process::id()) | 1 << 63
}

fn page() -> Option<&'static AtomicU64> {
    let known = PAGE.load(Ordering::Acquire);
    if !known.is_null() {
        // SAFETY: set below to a mapping that is never unmapped.
        return Some(unsafe { &*known });
    }
    // SAFETY: an anonymous private mapping of one page; checked before use.
    let fresh = unsafe {
        let size = libc::sysconf(libc::_SC_PAGESIZE).max(4096) as usize;
        let p = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if p == libc::MAP_FAILED {
            return None;
        }
        if libc::madvise(p, size, libc::MADV_WIPEONFORK) != 0 {
            libc::munmap(p, size);
            return None;
        }
        p.cast::<AtomicU64>()
    };
    match PAGE.compare_exchange(std::ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: just mapped, or mapped by the thread that was faster (ours then stays, one page once).
        Ok(_) => Some(unsafe { &*fresh }),
        Err(other) => Some(unsafe { &*other }),
    }
}

/// The mark of this process, made when it is first asked for. Differs from every ancestor's.
#[must_use]
pub fn fork_token() -> u64 {
    let Some(page) = page() else { return fallback_mark() };
    let have = page.load(Ordering::Relaxed);
    if have != 0 {
        return have;
    }
    let fresh = LAST_MARK.fetch_add(1, Ordering::Relaxed) + 1;
    page.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|other| other, |_| fresh)
}

/// Is this still the process that had `mark`?
#[must_use]
#[inline]
pub fn is_current(mark: u64) -> bool {
    let page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        return mark == fallback_mark();
    }
    // SAFETY: never unmapped once set.
    unsafe { (*page).load(Ordering::Relaxed) == mark }
}

/// Does the kernel ask for caution (setuid, file capabilities)? Then the environment chooses nothing.
#[must_use]
pub fn is_privileged_start() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Does this thread have CAP_SYS_ADMIN, which the driver's setters ask for? Unknown counts as yes.
#[must_use]
pub fn has_sys_admin() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|l| u64::from_str_radix(l.strip_prefix("CapEff:")?.trim(), 16).ok());
    effective.map_or(true, |caps| caps >> CAP_SYS_ADMIN & 1 == 1)
}

/// A value that each process has for itself: a forked child gets a new one, as its parent's may be half changed, with
/// locks that nobody is there to release. Never freed.
pub struct PerProcess<T: 'static>(AtomicPtr<Tagged<T>>);

struct Tagged<T> {
    mark: u64,
    value: T,
}

impl<T: Default + Sync> PerProcess<T> {
    #[must_use]
    #[allow(clippy::new_without_default)] // A static is made by a const function, and there is nothing else to it.
    pub const fn new() -> Self {
        PerProcess(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// This process's, if it has made one.
    pub fn get_if_init(&'static self) -> Option<&'static T> {
        // SAFETY: NULL, or published below and never freed.
        let known = unsafe { self.0.load(Ordering::Acquire).as_ref() };
        known.filter(|k| is_current(k.mark)).map(|k| &k.value)
    }

    /// This process's, made now if need be.
    pub fn get(&'static self) -> &'static T {
        let mark = fork_token();
        let known = self.0.load(Ordering::Acquire);
        // SAFETY: as above.
        if let Some(k) = unsafe { known.as_ref() }.filter(|k| k.mark == mark) {
            return &k.value;
        }
        let fresh = Box::into_raw(Box::new(Tagged { mark, value: T::default() }));
        match self.0.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: published, never freed.
            Ok(_) => unsafe { &(*fresh).value },
            Err(other) => {
                // SAFETY: ours was never published.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: published by the faster thread, never freed.
                unsafe { &(*other).value }
            }
        }
    }
}

/// Starts a thread with all signals blocked: the host's handlers must not run on one that it does not know of.
pub fn spawn_signals_blocked(
    name: &str,
    stack: usize,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    // SAFETY: plain libc calls on local signal sets.
    let old = unsafe {
        let (mut all, mut old) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut old);
        old
    };
    let thread = std::thread::Builder::new().name(name.into()).stack_size(stack).spawn(body);
    // SAFETY: puts back what was there.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut()) };
    thread
}
