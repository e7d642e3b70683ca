//! Settings that are restored: by a guard's end, or by a watchdog process if this one dies first.

mod claimed_change;
mod claims;
mod guard;
mod session_claims;
mod settle;
mod store;
mod syscalls;
mod watchdog;
mod watchdog_child;

pub use guard::{Guard, GuardInfo, GuardStack};
