//! Operating system services: threads, locks, clocks, fork detection, PCI addresses, log, small files, memory, panics, and
//! sentinel values.

pub mod application;
pub mod broken;
pub mod clock;
pub mod files;
pub mod fork;
pub mod log;
pub mod memory;
pub mod pci;
pub mod sentinel;
pub mod sync;
pub mod text;
pub mod thread;
pub mod worker;
