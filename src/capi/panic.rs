//! Panics stop at the boundary to C.

use super::last_error::set_last_error;
use super::status::zeus_amd_status_t;
use crate::error::{Error, Result};
use crate::platform::{broken, log, thread};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

thread_local! {
    /// How many public functions are on this thread's stack: a panic inside them is this library's. Without a destructor it
    /// lives as long as the thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Makes a panic inside a public function leave its message in the last error and print nothing. Threads that come at the
/// same time go on: a forked child of one must not wait for the thread that does this.
fn install_hook() {
    static STARTED: AtomicBool = AtomicBool::new(false);
    if STARTED.load(Ordering::Relaxed) || STARTED.swap(true, Ordering::Relaxed) {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
            // A background thread of this library logs and does not print.
            if thread::is_background() {
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

/// As [`catch_panics`], for the few functions that return no status: `fallback` if it panics.
pub fn catch_panics_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    let before = set_cancel_state(PTHREAD_CANCEL_DISABLE);
    let value = contain(fallback, body);
    set_cancel_state(before);
    value
}

extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

pub(super) const PTHREAD_CANCEL_DISABLE: c_int = 1;

/// No call is a cancellation point: the unwinding of a cancelled thread would end at the panic boundary, and with it
/// the process. Returns the state before.
#[inline]
pub(super) fn set_cancel_state(state: c_int) -> c_int {
    let mut before = state;
    // SAFETY: the calling thread's own state. A number that is not a state changes nothing.
    unsafe { pthread_setcancelstate(state, &mut before) };
    before
}

#[inline]
fn contain<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    install_hook();
    let inside = |depth: &Cell<u32>| {
        let before = depth.get();
        depth.set(before.saturating_add(1));
        let done = broken::contain(body);
        depth.set(before);
        done
    };
    DEPTH.with(inside).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_status() {
        let status = catch_panics(|| std::panic::resume_unwind(Box::new(())));
        assert_eq!(status, zeus_amd_status_t::ZEUS_AMD_STATUS_INTERNAL);
        assert_eq!(catch_panics_or(7, || std::panic::resume_unwind(Box::new(()))), 7);
    }
}
