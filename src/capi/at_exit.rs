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

/// Sees to it that background threads end before libamd_smi's statics are destroyed: what is registered last runs
/// first, and a libamd_smi has registered its own when it was first called, before any thread of its session was started.
/// So once for each libamd_smi, and once for the sessions without one. A forked child inherits the list.
pub(super) fn register_exit_handler(session: &Session) {
    if let Some(info) = session.vendor {
        amdsmi::set_exit_hook(info.library, register);
    } else if session.take_first_thread() && !REGISTERED.swap(true, Ordering::Relaxed) {
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
        worker::end_all(LIMIT);
        amdsmi::close_at_exit(LIMIT);
    });
}
