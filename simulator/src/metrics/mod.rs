//! The binary gpu_metrics file: written by the tree's refresher, read by the simulated library.

mod decode;
mod encode;
mod table;

pub use decode::Decoded;
pub use encode::{Blob, Moving};
pub use table::{Item, Table};
