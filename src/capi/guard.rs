//! Guards: settings that are restored.

use super::handle::SessionHandle;
use super::panic::catch_panics;
use super::pointers::{null, out};
use super::status::zeus_amd_status_t;
use super::structs::out_struct;
use super::types::{
    zeus_amd_guard_info_t, zeus_amd_guard_t, zeus_amd_session_t, ZEUS_AMD_GUARD_INFO_FLAG_FOREIGN_GUARDS_BIT,
    ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT, ZEUS_AMD_GUARD_INFO_FLAG_WATCHER_BIT,
    ZEUS_AMD_GUARD_INFO_VALID_GRAPHICS_CLOCKS_BIT, ZEUS_AMD_GUARD_INFO_VALID_MEMORY_CLOCKS_BIT,
    ZEUS_AMD_GUARD_INFO_VALID_POWER_LIMIT_BIT, ZEUS_AMD_GUARD_WATCHER_BIT,
};
use crate::error::Error;
use crate::platform::memory;
use crate::restore::{Guard, GuardInfo};

/// From now on, settings that are changed through this session are restored by
/// zeus_amd_guard_end(), or by zeus_amd_close() for guards that are still open:
/// power limits, clock bounds and performance levels. Settings that are not
/// changed through the session stay as they are. Where the value in force cannot
/// be read, to be restored, a change fails and changes nothing.
///
/// Guards can be nested: a change belongs to the innermost one, whose end
/// restores what was in force before. The end of an outer one ends the inner ones
/// as well.
///
/// Guards of several processes work together: what was in force before the first
/// change is kept once for all guards of a user on a node, in a file in /dev/shm
/// (/tmp if that is full or read-only) that exists while there are changes. The
/// end of a guard brings back what the last change of the remaining guards set,
/// and the end of the last one what was in force before all of them. Where there
/// can be no such file (the message is in the log, and
/// ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT is not set), and for guards of other users
/// and of containers with their own /dev/shm or PID namespace, a guard restores
/// what was in force when it changed a setting.
///
/// With ZEUS_AMD_GUARD_WATCHER_BIT a watchdog process restores the settings
/// within a second if this process terminates without an end, by exit(), abort()
/// or SIGKILL. Without it the next begin or end of a guard of the same user does,
/// unless another program has changed the setting in the meantime. The watchdog
/// is forked by this call, which costs about one fork(). It writes to sysfs,
/// holds no descriptor of the program, is in a session of its own, and exits with
/// the guard. The program receives no SIGCHLD for it, and wait() does not report
/// it; only waiting with __WALL or __WCLONE does, which the program should not
/// do. When the program has died, the watchdog is a child of its nearest ancestor
/// that is a subreaper (PR_SET_CHILD_SUBREAPER: a launcher, a shell's supervisor,
/// the init of a container), which gets SIGCHLD and from wait() an unknown child
/// with exit status 0, once the settings are restored; its name is
/// zeus_amd-guard. If the watchdog is killed too (the end of a container or
/// cgroup), the settings stay until the next guard of this user on the node, if
/// the file of them is still there. A core dump of the program delays the
/// restoration. As with any fork(), memory that is registered for RDMA needs
/// MADV_DONTFORK. One watchdog serves all guards of a session.
///
/// @param[in]  session An open session; not NULL.
/// @param[in]  flags   0 or ZEUS_AMD_GUARD_WATCHER_BIT.
/// @param[out] guard   Receives the guard, or NULL on failure; not NULL.
/// @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown
///         flags), ZEUS_AMD_STATUS_NO_MEMORY (also: no free descriptor),
///         ZEUS_AMD_STATUS_NO_PERMISSION (the watchdog), ZEUS_AMD_STATUS_IO, or
///         ZEUS_AMD_STATUS_BUSY (another process holds the file).
/// @threadsafety Any thread; guards and changes of one session wait for each
///              other.
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
            let watch = memory::Watch::begin()?;
            let begun = Box::new(s.begin_guard(flags & ZEUS_AMD_GUARD_WATCHER_BIT != 0)?);
            // Without a handle it would end with its session only.
            watch.check().or_else(|e| begun.end().and(Err(e)))?;
            to.write(Box::into_raw(begun).cast());
            Ok(())
        })
    })
}

/// What this guard restores on one GPU. Of a guard that has ended with an outer
/// one nothing is set.
///
/// @param[in]     guard A guard; not NULL.
/// @param[in]     gpu   An index below zeus_amd_gpu_count().
/// @param[in,out] info  From ZEUS_AMD_GUARD_INFO_INIT; written only on success;
///                      not NULL.
/// @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND (no such index), or
///         ZEUS_AMD_STATUS_STRUCT_VERSION.
/// @threadsafety Any thread; guards and changes of one session wait for each
///              other.
/// @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
/// @since 0.1
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd_guard_info(
    guard: *const zeus_amd_guard_t,
    gpu: u32,
    info: *mut zeus_amd_guard_info_t,
) -> zeus_amd_status_t {
    catch_panics(|| {
        // SAFETY: NULL, or from zeus_amd_guard_begin and not ended.
        let guard = unsafe { guard.cast::<Guard>().as_ref() }.ok_or_else(|| null("guard"))?;
        // SAFETY: as the caller promises.
        let to = unsafe { out_struct(info, "info")? };
        let GuardInfo { settings, graphics, memory, has_watchdog, is_shared, has_foreign_guards } = guard.info(gpu)?;
        to.fill(|i| {
            i.gpu = gpu;
            let mut flag = |is_set: bool, bit: u32| i.flags |= if is_set { bit } else { 0 };
            flag(has_watchdog, ZEUS_AMD_GUARD_INFO_FLAG_WATCHER_BIT);
            flag(is_shared, ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT);
            flag(has_foreign_guards, ZEUS_AMD_GUARD_INFO_FLAG_FOREIGN_GUARDS_BIT);
            if let Some(uw) = settings.cap_uw {
                i.valid |= ZEUS_AMD_GUARD_INFO_VALID_POWER_LIMIT_BIT;
                i.power_limit_mw = uw / 1000;
            }
            if let Some(b) = graphics {
                i.valid |= ZEUS_AMD_GUARD_INFO_VALID_GRAPHICS_CLOCKS_BIT;
                (i.graphics_min_mhz, i.graphics_max_mhz) = (b.min_mhz, b.max_mhz);
            }
            if let Some(b) = memory {
                i.valid |= ZEUS_AMD_GUARD_INFO_VALID_MEMORY_CLOCKS_BIT;
                (i.memory_min_mhz, i.memory_max_mhz) = (b.min_mhz, b.max_mhz);
            }
        });
        Ok(())
    })
}

/// Restores what was changed through the guard, on all GPUs even if one fails,
/// and frees the guard if everything is restored. Guards that were begun after
/// this one and are still open end with it. For a guard that has already ended,
/// with an outer one or with its session, this only frees it.
///
/// After a failure the guard is open still: it may be ended again, and its watchdog
/// process still restores the settings if this process terminates.
///
/// @param[in] guard A guard; NULL does nothing.
/// @return A status of any change: that of the first setting that is not as it
///         was. Sysfs comes first where its files may be written, whatever the
///         backend; what fails is tried the other way as well.
///         ZEUS_AMD_STATUS_BUSY also if another process holds the guards' file.
/// @threadsafety Any thread; guards and changes of one session wait for each
///              other.
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
        if result.is_ok() {
            // SAFETY: as above. After a failure it can be ended again.
            drop(unsafe { Box::from_raw(guard) });
        }
        result
    })
}
