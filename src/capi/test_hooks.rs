//! Hooks for tests of the boundary itself. Behind a cargo feature that no shipped build enables.

use super::boundary::guard;
use super::session::SessionHandle;
use super::status::zeus_amd_status_t;
use super::types::zeus_amd_t;

/// cbindgen:ignore
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd__test_panic(session: *const zeus_amd_t) -> zeus_amd_status_t {
    guard(|| {
        if session.is_null() {
            provoke();
        }
        // SAFETY: an open session, as the test promises.
        unsafe { SessionHandle::with(session, |_| Ok(provoke())) }
    })
}

#[allow(clippy::panic)]
fn provoke() {
    panic!("provoked by a test");
}
