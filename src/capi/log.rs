//! The log callback.

use super::boundary::catch_panics;
use super::status::zeus_amd_status_t;
use crate::error::Error;
use crate::platform::log::{set_sink, Level};
use std::ffi::{c_char, c_void, CString};
use std::sync::Arc;

/// How important a message is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_log_level_t {
    /// Something failed.
    ZEUS_AMD_LOG_ERROR = 0,
    /// Something is not as it should be; the library goes on.
    ZEUS_AMD_LOG_WARNING = 1,
    /// What the library decided, and why.
    ZEUS_AMD_LOG_INFO = 2,
    /// Everything.
    ZEUS_AMD_LOG_DEBUG = 3,
}

/// Receives messages: a zeus_amd_log_level_t, text that is valid during the call,
/// and the pointer that was given with the callback.
pub type zeus_amd_log_fn = Option<unsafe extern "C" fn(level: u32, text: *const c_char, user: *mut c_void)>;

struct User(*mut c_void);

// SAFETY: only handed back to the callback, which is documented to be called from any thread.
unsafe impl Send for User {}
unsafe impl Sync for User {}

/// Where messages go. Without a callback they go nowhere: this library never
/// prints. The callback is called from the thread of the call that has something
/// to say, or from a background thread (a sampler, a check), with no lock of this
/// library held; it may call this library, and must not unwind. Calls that end a
/// background thread wait for it: make none with a lock held that the callback
/// takes. There is one callback a process; a new one replaces it.
///
/// @param[in] callback Receives messages; NULL: nobody does.
/// @param[in] level    The least important zeus_amd_log_level_t that is wanted.
/// @param[in] user     Handed to the callback as it is; may be NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (no such level; the
///         callback from before stays), ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; the old callback may still run in another one when
///               this returns.
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
                let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
                // SAFETY: the host gave both, for this.
                unsafe { callback(level as u32, text.as_ptr(), user.0) };
            };
            (level, Arc::new(sink))
        }));
        Ok(())
    })
}
