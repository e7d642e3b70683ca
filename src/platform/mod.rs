//! What the operating system gives: threads, locks, clocks, fork, PCI addresses, the log.

pub mod clock;
pub mod fork;
pub mod log;
pub mod pci;
pub mod sync;
pub mod worker;
