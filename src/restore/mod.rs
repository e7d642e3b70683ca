//! Settings that are restored: by a guard's end, or by a watchdog process if this one dies first.

mod guard;
mod watchdog;
mod watchdog_child;

pub use guard::{Guard, GuardStack};
