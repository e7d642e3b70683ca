//! Guards: leaving the machine as it was found.

use super::boundary::{catch_panics, out};
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::{zeus_amd_guard_t, zeus_amd_session_t, ZEUS_AMD_GUARD_WATCHER_BIT};
use crate::error::Error;
use crate::restore::Guard;

/// Remembers the settings of all GPUs of the session: power limits, bounds of
/// clocks, performance levels. zeus_amd_guard_end() puts back what differs then,
/// and zeus_amd_close() does it for the guards that are still open. Settings of
/// others that came meanwhile are lost: the last value wins.
///
/// Guards can be nested: the end of an inner one brings back what was at its
/// begin. Ending an outer one ends the inner ones with it.
///
/// With ZEUS_AMD_GUARD_WATCHER_BIT the settings come back as well if the process
/// dies without an end, by exit(), abort() or SIGKILL, within a second: a small
/// process that this call starts (it costs about a fork) writes them to the
/// kernel's files. It holds no descriptor of the program, is in a session of its
/// own, and ends with the guard. The program gets no SIGCHLD for it, and wait()
/// does not see it; only waiting with __WALL or __WCLONE does, which a program
/// should not do. What kills the watcher too (the end of a container or cgroup)
/// leaves the settings as they are; a large core dump is waited for. As with any
/// fork, memory registered for RDMA wants MADV_DONTFORK. If an outer guard of the session has a
/// watcher, an inner one starts none: that one serves for both.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  flags   0 or ZEUS_AMD_GUARD_WATCHER_BIT.
/// @param[out] begun   Receives the guard, or NULL on failure; not NULL.
/// @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or unknown
///         flags), ZEUS_AMD_STATUS_IO, ZEUS_AMD_STATUS_BUSY,
///         ZEUS_AMD_STATUS_NO_MEMORY (no watcher could be started), or another
///         (as libamd_smi failed: a setting that cannot be read is not guarded in
///         silence),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; guards of one session wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_guard_begin(
    session: *const zeus_amd_session_t,
    flags: u32,
    start: *mut *mut zeus_amd_guard_t,
) -> zeus_amd_status_t {
    // SAFETY: an open session, as the caller promises.
    catch_panics(|| unsafe {
        let to = out(start, "begun")?;
        to.write(std::ptr::null_mut());
        SessionHandle::with(session, |s| {
            let unknown = flags & !ZEUS_AMD_GUARD_WATCHER_BIT;
            if unknown != 0 {
                return Err(Error::InvalidArgument(format!("flags: {unknown:#x} is unknown to this library")));
            }
            let start = s.begin_guard(flags & ZEUS_AMD_GUARD_WATCHER_BIT != 0)?;
            to.write(Box::into_raw(Box::new(start)).cast());
            Ok(())
        })
    })
}

/// Puts back what differs from the begin of the guard, on all GPUs even if one
/// fails, and frees the guard, whatever the status. Guards that were begun after
/// this one and are still open end with it; for one that has ended so, or with
/// its session, this only frees it.
///
/// @param[in] begun A guard, or NULL, which does nothing.
/// @return ZEUS_AMD_STATUS_OK, or the first failure of a setting, as that of
///         zeus_amd_set_power_limit_mw() or zeus_amd_lock_graphics_clocks_mhz()
///         (the kernel's files have then been tried as well),
///         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
/// @threadsafety Any thread; guards of one session wait for each other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is changed or
///              freed.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_guard_end(start: *mut zeus_amd_guard_t) -> zeus_amd_status_t {
    catch_panics(|| {
        let start = start.cast::<Guard>();
        // SAFETY: NULL, or from zeus_amd_guard_begin and ended once.
        let Some(ended) = (unsafe { start.as_ref() }) else { return Ok(()) };
        let result = ended.end();
        if result.is_ok() {
            // SAFETY: as above. After a failure it can be ended again.
            drop(unsafe { Box::from_raw(start) });
        }
        result
    })
}
