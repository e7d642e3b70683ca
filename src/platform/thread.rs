//! Background threads. A thread of std takes a lock of the whole process when it ends. A child that is forked at that moment
//! inherits the lock, and none of its threads could end. So they are started with pthread_create.

use super::application;
use super::broken::contain;
use super::fork;
use std::cell::Cell;
use std::ffi::{c_void, CStr};
use std::io;

/// A thread that was started. Dropping this leaves it to itself.
pub struct Thread {
    id: libc::pthread_t,
    /// A forked child does not have the thread.
    fork_token: u64,
}

struct Start<F> {
    name: &'static CStr,
    of_application: SignalMask,
    body: F,
}

thread_local! {
    /// In a background thread: what the thread of the application blocked that started it, or that started its starter.
    static OF_APPLICATION: Cell<Option<SignalMask>> = const { Cell::new(None) };
}

/// Whether the calling thread is a background thread of this library.
#[must_use]
pub fn is_background() -> bool {
    OF_APPLICATION.get().is_some()
}

impl Thread {
    /// Starts a thread with all signals blocked: the application's signal handlers must not run on it. If no thread of the
    /// application is left when it ends, a signal that has found no thread to take it arrives there.
    pub fn start<F: FnOnce() + Send + 'static>(name: &'static CStr, stack: usize, body: F) -> io::Result<Thread> {
        let before = SignalMask::of_this_thread();
        let start =
            Box::into_raw(Box::new(Start { name, of_application: OF_APPLICATION.get().unwrap_or(before), body }));
        SignalMask::all().apply();
        let created = create(stack, run::<F>, start.cast());
        before.apply();
        created.map(|id| Thread { id, fork_token: fork::fork_token() }).inspect_err(|_| {
            // SAFETY: no thread has it.
            drop(unsafe { Box::from_raw(start) });
        })
    }

    /// Whether the calling process started it.
    #[must_use]
    pub fn is_here(&self) -> bool {
        fork::is_current(self.fork_token)
    }

    #[must_use]
    pub fn is_current(&self) -> bool {
        // SAFETY: a thread that was neither joined nor detached.
        self.is_here() && unsafe { libc::pthread_equal(self.id, libc::pthread_self()) != 0 }
    }

    /// Waits for its end. Not for the thread itself.
    pub fn join(self) {
        if self.is_here() {
            // SAFETY: as above; `self` is forgotten.
            unsafe { libc::pthread_join(self.id, std::ptr::null_mut()) };
        }
        std::mem::forget(self);
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if self.is_here() {
            // SAFETY: a thread that was not joined.
            unsafe { libc::pthread_detach(self.id) };
        }
    }
}

/// `stack` is what the thread can use: large thread-local variables of the application are on the same pages.
fn create(
    stack: usize,
    run: extern "C" fn(*mut c_void) -> *mut c_void,
    start: *mut c_void,
) -> io::Result<libc::pthread_t> {
    // SAFETY: attributes that are initialised and destroyed here; `run` takes `start` over.
    unsafe {
        let (mut attributes, mut id) = (std::mem::zeroed(), std::mem::zeroed());
        check(libc::pthread_attr_init(&mut attributes))?;
        let created = check(libc::pthread_attr_setstacksize(&mut attributes, stack + min_stack(&attributes)))
            .and_then(|()| check(libc::pthread_create(&mut id, &attributes, run, start)));
        libc::pthread_attr_destroy(&mut attributes);
        created.map(|()| id)
    }
}

fn check(errno: i32) -> io::Result<()> {
    if errno == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(errno))
    }
}

/// The part of a stack that glibc needs for itself and for thread-local variables, in whole pages. Other C libraries add it.
fn min_stack(attributes: &libc::pthread_attr_t) -> usize {
    // SAFETY: glibc's function of that name has this type.
    let bytes = unsafe {
        match libc::dlsym(libc::RTLD_DEFAULT, c"__pthread_get_minstack".as_ptr()) {
            function if function.is_null() => 0,
            function => std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*const libc::pthread_attr_t) -> usize>(
                function,
            )(attributes),
        }
    };
    bytes.next_multiple_of(64 << 10)
}

extern "C" fn run<F: FnOnce()>(start: *mut c_void) -> *mut c_void {
    // SAFETY: from `Thread::start`, for this thread alone.
    let Start { name, of_application, body } = *unsafe { Box::from_raw(start.cast::<Start<F>>()) };
    // SAFETY: the calling thread, and a string.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
    OF_APPLICATION.set(Some(of_application));
    contain(body);
    if application::is_gone() {
        of_application.apply();
    }
    std::ptr::null_mut()
}

/// The signals that a thread blocks.
#[derive(Clone, Copy)]
struct SignalMask(libc::sigset_t);

impl SignalMask {
    fn of_this_thread() -> SignalMask {
        // SAFETY: writes the current mask to a local set.
        unsafe {
            let mut mask = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), &mut mask);
            SignalMask(mask)
        }
    }

    fn all() -> SignalMask {
        // SAFETY: fills a local set.
        unsafe {
            let mut mask = std::mem::zeroed();
            libc::sigfillset(&mut mask);
            SignalMask(mask)
        }
    }

    /// Makes it the calling thread's.
    fn apply(&self) {
        // SAFETY: a valid set.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}
