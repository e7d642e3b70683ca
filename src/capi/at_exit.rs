//! The end of the process.

use super::panic::catch_panics_or;
use crate::amdsmi;
use crate::node::Node;
use crate::platform::worker;
use crate::session::Session;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A thread that is inside libamd_smi for longer than this is left there.
const LIMIT: Duration = Duration::from_secs(1);

/// For sessions without libamd_smi.
static REGISTERED: AtomicBool = AtomicBool::new(false);

/// The first handler waits for all that there is.
static HAS_RUN: AtomicBool = AtomicBool::new(false);

/// Sees to it that background threads end, and calls of libamd_smi return, before its statics are destroyed: what is
/// registered last runs first, and those are made by its first calls. So whenever one of its functions was called for the
/// first time, and once for the sessions without it. A forked child inherits the list.
pub(super) fn before_open() {
    amdsmi::set_exit_hook(register);
}

/// For a session that may start a thread.
pub(super) fn register_exit_handler(session: &Session) {
    if session.vendor.is_none() && session.take_first_thread() && !REGISTERED.swap(true, Ordering::Relaxed) {
        register();
    }
}

/// The same for the thread that reads the registers of the node.
pub(super) fn register_node_exit_handler(session: &Session, node: &Node) {
    if session.vendor.is_some() {
        register_exit_handler(session);
    } else if node.has_started() && !REGISTERED.swap(true, Ordering::Relaxed) {
        register();
    }
}

fn register() {
    // SAFETY: a function that stays: this library is never unloaded. If there is no room, nothing is lost but this.
    unsafe { libc::atexit(zeus_amd_at_exit) };
}

extern "C" fn zeus_amd_at_exit() {
    catch_panics_or((), || {
        let limit = if HAS_RUN.swap(true, Ordering::Relaxed) { Duration::ZERO } else { LIMIT };
        worker::end_all(limit);
        amdsmi::close_at_exit(limit);
    });
}
