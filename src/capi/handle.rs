//! What a `zeus_amd_session_t *` points to.

use super::pointers::null;
use super::types::zeus_amd_session_t;
use crate::error::Result;
use crate::session::Session;

pub(super) struct SessionHandle {
    session: Session,
}

impl SessionHandle {
    pub(super) fn new(session: Session) -> SessionHandle {
        SessionHandle { session }
    }

    /// For C, which owns it from then on.
    pub(super) fn into_raw(self: Box<Self>) -> *mut zeus_amd_session_t {
        Box::into_raw(self).cast()
    }

    /// Closes a session; in a child process the parent's is leaked, as its locks may be held for ever.
    ///
    /// # Safety
    /// NULL, or from [`SessionHandle::into_raw`] and not yet closed.
    pub(super) unsafe fn close(z: *mut zeus_amd_session_t) {
        let handle = z.cast::<SessionHandle>();
        // SAFETY: as the caller promises.
        if unsafe { handle.as_ref() }.is_some_and(|h| h.session.require_own_process().is_ok()) {
            // SAFETY: as above.
            drop(unsafe { Box::from_raw(handle) });
        }
    }

    /// The session behind a pointer from C, for the length of one call.
    ///
    /// # Safety
    /// NULL, or from [`SessionHandle::into_raw`] and not yet closed.
    pub(super) unsafe fn with<T>(z: *const zeus_amd_session_t, body: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        // SAFETY: as the caller promises.
        let handle = unsafe { z.cast::<SessionHandle>().as_ref() }.ok_or_else(|| null("the session"))?;
        handle.session.require_own_process()?;
        body(&handle.session)
    }
}
