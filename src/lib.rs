//! Power and energy of AMD GPUs, measured and controlled: the safe core and, in [`capi`], the C interface.
//!
//! Arrows run downwards only: `capi → session → {window, guard} → sampler → device → {topology, counter, verdict} → {amdsmi, sysfs, visible} → worker →
//! {clock, lock, log, pci, process} → error`.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]
#![warn(unsafe_op_in_unsafe_fn)]

#[cfg(not(panic = "unwind"))]
compile_error!("zeus_amd contains panics at its C boundary and must be built with panic = \"unwind\"");

pub mod amdsmi;
pub mod capi;
pub mod clock;
pub mod counter;
pub mod device;
pub mod error;
pub mod guard;
pub mod lock;
pub mod log;
pub mod pci;
pub mod process;
pub mod sampler;
pub mod session;
pub mod sysfs;
pub mod topology;
pub mod verdict;
pub mod visible;
pub mod window;
pub mod worker;
