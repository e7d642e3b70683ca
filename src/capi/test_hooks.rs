//! Hooks for tests of the boundary itself. Behind a cargo feature that no shipped build enables.

use super::handle::SessionHandle;
use super::panic::{catch_panics, catch_panics_or};
use super::status::zeus_amd_status_t;
use super::types::{zeus_amd_sampler_t, zeus_amd_session_t};
use crate::measure::SamplerHandle;

/// cbindgen:ignore
#[no_mangle]
#[must_use]
pub unsafe extern "C" fn zeus_amd__test_panic(session: *const zeus_amd_session_t) -> zeus_amd_status_t {
    catch_panics(|| {
        if session.is_null() {
            test_panic::<()>();
        }
        // SAFETY: an open session, as the test promises.
        unsafe { SessionHandle::with(session, |s| Ok(s.device(0)?.broken.mark(test_panic::<()>))) }
    })
}

/// While samples are recorded, as the background thread does.
///
/// cbindgen:ignore
#[no_mangle]
pub unsafe extern "C" fn zeus_amd__test_panic_in_sampler(sampler: *const zeus_amd_sampler_t) {
    catch_panics_or((), || {
        // SAFETY: a sampler, as the test promises.
        let sampler = unsafe { &*sampler.cast::<SamplerHandle>() };
        sampler.ring().record(std::iter::once_with(|| test_panic()));
    });
}

#[allow(clippy::panic)]
fn test_panic<T>() -> T {
    panic!("provoked by a test");
}
