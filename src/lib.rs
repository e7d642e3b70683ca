//! Power and energy of AMD GPUs, measured and controlled: the safe core and, in [`capi`], the C interface.
//!
//! Arrows run downwards only: `capi → session → restore → {control, measure} → device → topology → {amdsmi, sysfs} → {energy, platform} → {gpu, error}`.

#![deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro)]
#![warn(unsafe_op_in_unsafe_fn)]

#[cfg(not(panic = "unwind"))]
compile_error!("zeus_amd contains panics at its C boundary and must be built with panic = \"unwind\"");

pub mod amdsmi;
pub mod capi;
pub mod control;
pub mod device;
pub mod energy;
pub mod error;
pub mod gpu;
pub mod measure;
pub mod platform;
pub mod restore;
pub mod session;
pub mod sysfs;
pub mod topology;
