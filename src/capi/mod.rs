//! The C interface: the only place with `extern "C"`, raw pointers and `no_mangle`.
//!
//! The doc comments of public items here are the header's text: they are written for C programmers.

#![allow(non_camel_case_types, clippy::missing_safety_doc)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod at_exit;
mod handle;
mod last_error;
mod panic;
mod pointers;
mod structs;

pub mod clocks;
pub mod gpu_info;
pub mod guard;
pub mod limits;
pub mod log;
pub mod node;
pub mod node_total;
pub mod power_limit;
pub mod readings;
pub mod sampler;
pub mod session;
pub mod status;
pub mod types;
pub mod unsupported;
pub mod version;
pub mod window;

#[cfg(feature = "test-hooks")]
mod test_hooks;
