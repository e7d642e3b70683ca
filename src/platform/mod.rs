//! Operating system services: threads, locks, clocks, fork detection, PCI addresses, log, and sentinel values.

pub mod application;
pub mod clock;
pub mod fork;
pub mod log;
pub mod pci;
pub mod sentinel;
pub mod sync;
pub mod text;
pub mod worker;
