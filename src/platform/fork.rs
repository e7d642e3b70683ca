//! Detects a fork with one memory load, before any lock is taken, and keeps values per process.

use crate::error::{Error, Result};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// A page that the kernel clears in a forked child. Its first word is the token of the process.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(std::ptr::null_mut());

/// A child inherits this number, so its own token differs from those of all its ancestors.
static LAST_TOKEN: AtomicU64 = AtomicU64::new(0);

/// Stands for a page where there can be none. Once it does it stays, so that tokens are of one kind.
static NO_PAGE: AtomicU64 = AtomicU64::new(0);

/// The token without a page, because the kernel has no MADV_WIPEONFORK (before Linux 4.14) or no memory: the process id.
fn fallback_token() -> u64 {
    u64::from(std::process::id()) | 1 << 63
}

fn page() -> Option<&'static AtomicU64> {
    let known = PAGE.load(Ordering::Acquire);
    if known.is_null() {
        let fresh = map_page().unwrap_or(no_page());
        // A faster thread may have set another one (then this thread's is leaked, once).
        let _ = PAGE.compare_exchange(std::ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
    }
    existing_page()
}

fn no_page() -> *mut AtomicU64 {
    std::ptr::addr_of!(NO_PAGE).cast_mut()
}

#[inline]
fn existing_page() -> Option<&'static AtomicU64> {
    let page = PAGE.load(Ordering::Acquire);
    if page.is_null() || page == no_page() {
        return None;
    }
    // SAFETY: a mapping that is never unmapped.
    Some(unsafe { &*page })
}

fn map_page() -> Option<*mut AtomicU64> {
    // SAFETY: an anonymous private mapping of one page; checked before use.
    unsafe {
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
        Some(p.cast())
    }
}

/// The token of this process, created at the first call. It differs from every ancestor's.
#[must_use]
pub fn fork_token() -> u64 {
    let Some(page) = page() else { return fallback_token() };
    let known = page.load(Ordering::Relaxed);
    if known != 0 {
        return known;
    }
    let fresh = LAST_TOKEN.fetch_add(1, Ordering::Relaxed) + 1;
    page.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed).map_or_else(|other| other, |_| fresh)
}

/// Whether this is the process that `token` belongs to.
#[must_use]
#[inline]
pub fn is_current(token: u64) -> bool {
    match existing_page() {
        Some(page) => page.load(Ordering::Relaxed) == token,
        None => token == fallback_token(),
    }
}

/// Fails in a process that was forked from the token's.
#[inline]
pub fn require_current(token: u64) -> Result<()> {
    if is_current(token) {
        Ok(())
    } else {
        Err(Error::Forked)
    }
}

/// Whether the program was started with raised privileges (setuid, file capabilities). The environment is ignored then.
#[must_use]
pub fn is_privileged_start() -> bool {
    // SAFETY: reads the auxiliary vector.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether this thread has CAP_SYS_ADMIN, which the driver's setters need. `true` if unknown.
#[must_use]
pub fn has_sys_admin() -> bool {
    const CAP_SYS_ADMIN: u32 = 21;
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|l| u64::from_str_radix(l.strip_prefix("CapEff:")?.trim(), 16).ok());
    effective.map_or(true, |caps| caps >> CAP_SYS_ADMIN & 1 == 1)
}

/// A value per process. A forked child gets a new one, because the parent's may be inconsistent, with locks held by threads
/// that the child does not have. Never freed.
pub struct PerProcess<T: 'static>(AtomicPtr<Tagged<T>>);

struct Tagged<T> {
    token: u64,
    value: T,
}

impl<T: Sync> PerProcess<T> {
    #[must_use]
    #[allow(clippy::new_without_default)] // Statics need a const function.
    pub const fn new() -> Self {
        PerProcess(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// The value of this process, if it exists.
    pub fn get_if_init(&'static self) -> Option<&'static T> {
        // SAFETY: NULL, or published below and never freed.
        let known = unsafe { self.0.load(Ordering::Acquire).as_ref() };
        known.filter(|tagged| is_current(tagged.token)).map(|tagged| &tagged.value)
    }

    /// The value of this process, made if necessary.
    pub fn get_or_try(&'static self, make: impl FnOnce() -> Result<T>) -> Result<&'static T> {
        let token = fork_token();
        let known = self.0.load(Ordering::Acquire);
        // SAFETY: as above.
        if let Some(tagged) = unsafe { known.as_ref() }.filter(|tagged| tagged.token == token) {
            return Ok(&tagged.value);
        }
        let fresh = Box::into_raw(Box::new(Tagged { token, value: make()? }));
        match self.0.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: published, never freed.
            Ok(_) => Ok(unsafe { &(*fresh).value }),
            Err(other) => {
                // SAFETY: this one was never published.
                drop(unsafe { Box::from_raw(fresh) });
                // SAFETY: published by the faster thread, never freed.
                Ok(unsafe { &(*other).value })
            }
        }
    }
}
