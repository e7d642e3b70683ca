//! Guards: settings that are restored.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::out;
use super::status::zeus_amd_status_t;
use super::types::{zeus_amd_guard_t, zeus_amd_session_t, ZEUS_AMD_GUARD_WATCHER_BIT};
use crate::error::Error;
use crate::restore::Guard;

/// Saves the settings of all GPUs of the session: power limits, clock bounds and
/// performance levels. zeus_amd_guard_end() restores those that differ then, and
/// zeus_amd_close() does it for guards that are still open. A change that
/// another process made in between is overwritten.
///
/// Guards can be nested: the end of an inner one restores the settings of its
/// begin. The end of an outer one ends the inner ones as well.
///
/// With ZEUS_AMD_GUARD_WATCHER_BIT a helper process restores the settings within
/// a second if this process terminates without an end, by exit(), abort() or
/// SIGKILL. The helper is forked by this call, which costs about one fork(). It
/// writes to sysfs, holds no descriptor of the program, is in a session of its
/// own, and exits with the guard. The program receives no SIGCHLD for it, and
/// wait() does not report it; only waiting with __WALL or __WCLONE does, which
/// the program should not do. If the helper is killed too (the end of a
/// container or cgroup), the settings stay. A core dump of the program delays
/// the restoration. As with any fork(), memory that is registered for RDMA needs
/// MADV_DONTFORK. If an outer guard of the session has a helper, an inner one
/// shares it.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  flags   0 or ZEUS_AMD_GUARD_WATCHER_BIT.
/// @param[out] guard   Receives the guard, or NULL on failure; not NULL.
/// @return A status of any reading (a setting that cannot be read fails the
///         call), or ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown flags).
///         ZEUS_AMD_STATUS_IO, ZEUS_AMD_STATUS_BUSY and
///         ZEUS_AMD_STATUS_NO_MEMORY also if the helper cannot be started.
/// @threadsafety Any thread; guards of one session wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_guard_begin(
    session: *const zeus_amd_session_t,
    flags: u32,
    guard: *mut *mut zeus_amd_guard_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        let to = out(guard, "guard")?;
        to.write(std::ptr::null_mut());
        SessionHandle::with(session, |s| {
            let unknown = flags & !ZEUS_AMD_GUARD_WATCHER_BIT;
            if unknown != 0 {
                return Err(Error::InvalidArgument(format!("flags: {unknown:#x} is unknown to this library")));
            }
            let begun = s.begin_guard(flags & ZEUS_AMD_GUARD_WATCHER_BIT != 0)?;
            to.write(Box::into_raw(Box::new(begun)).cast());
            Ok(())
        })
    })
}

/// Restores the settings that differ from those at the begin of the guard, on
/// all GPUs even if one fails, and frees the guard, whatever the status. Guards
/// that were begun after this one and are still open end with it. For a guard
/// that has already ended, with an outer one or with its session, this only
/// frees it.
///
/// @param[in] guard A guard; NULL does nothing.
/// @return A status of any change: that of the first setting that could not be
///         restored. What fails by libamd_smi is tried by sysfs as well.
/// @threadsafety Any thread; guards of one session wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is restored or
///              freed.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_guard_end(guard: *mut zeus_amd_guard_t) -> zeus_amd_status_t {
    catch_panics(|| {
        let guard = guard.cast::<Guard>();
        // SAFETY: NULL, or from zeus_amd_guard_begin and ended once.
        let Some(ended) = (unsafe { guard.as_ref() }) else { return Ok(()) };
        let result = ended.end();
        if !matches!(result, Err(Error::Forked)) {
            // SAFETY: as above. In a child it is leaked: its lock may be held for ever.
            drop(unsafe { Box::from_raw(guard) });
        }
        result
    })
}
