//! The log callback.

use super::panic::{catch_panics, set_cancel_state, PTHREAD_CANCEL_DISABLE};
use super::status::zeus_amd_status_t;
use crate::error::Error;
use crate::platform::log::{set_sink, Level};
use crate::platform::text::printable_lines;
use std::ffi::{c_char, c_void, CString};

/// The importance of a message.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_log_level_t {
    /// Something failed.
    ZEUS_AMD_LOG_ERROR = 0,
    /// Something is wrong; the library goes on.
    ZEUS_AMD_LOG_WARNING = 1,
    /// A decision of the library, and its reason.
    ZEUS_AMD_LOG_INFO = 2,
    /// All messages.
    ZEUS_AMD_LOG_DEBUG = 3,
}

/// A log callback: receives a zeus_amd_log_level_t, a message that is valid
/// during the call, and the pointer that was passed to zeus_amd_set_log().
pub type zeus_amd_log_fn = Option<unsafe extern "C" fn(level: u32, text: *const c_char, user: *mut c_void)>;

struct User(*mut c_void);

// SAFETY: only passed to the callback, which is documented to be called on any thread.
unsafe impl Send for User {}
unsafe impl Sync for User {}

/// Sets the log callback of the process. Without one there are no messages: the
/// library never prints. What libamd_smi prints while a session is opened goes to
/// the log; before Linux 5.9, and where a sandbox forbids seccomp filters, it
/// reaches standard error. The callback is called on the thread that logs, which
/// may be a background thread (a sampler, a check), with no lock of this library
/// held. It may call this library, and must not unwind or end its thread. Calls
/// that end a background thread wait for it: do not make them with a lock held
/// that the callback takes. A cancellation (pthread_cancel) in the callback takes
/// effect after the call that logs; background threads cannot be cancelled. A new
/// callback replaces the former one.
///
/// @param[in] callback Receives messages; NULL: none.
/// @param[in] level    The least important zeus_amd_log_level_t to receive.
/// @param[in] user     Passed to the callback; may be NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (no such level;
///         the former callback stays), ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; the former callback may still run on another thread
///               when this returns.
/// @forksafety  Works in a child.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_set_log(
    callback: zeus_amd_log_fn,
    level: u32,
    user: *mut c_void,
) -> zeus_amd_status_t {
    catch_panics(|| {
        let level = match level {
            0 => Level::Error,
            1 => Level::Warning,
            2 => Level::Info,
            3 => Level::Debug,
            other => return Err(Error::InvalidArgument(format!("{other} is not a zeus_amd_log_level_t"))),
        };
        let user = User(user);
        set_sink(callback.map(|callback| -> (Level, crate::platform::log::Sink) {
            let sink = move |level: Level, text: &str| {
                // The whole of `user` moves into the closure, not its pointer alone.
                let user = &user;
                let text = CString::new(&*printable_lines(text)).unwrap_or_default();
                // On a thread of the application the call that logs restores the state; a background thread cannot be cancelled.
                set_cancel_state(PTHREAD_CANCEL_DISABLE);
                // SAFETY: the application passed both for this.
                unsafe { callback(level as u32, text.as_ptr(), user.0) };
            };
            (level, Box::new(sink))
        }));
        Ok(())
    })
}
