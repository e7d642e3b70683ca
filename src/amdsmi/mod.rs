//! AMD's library libamd_smi: how it is found, loaded, identified and called.

mod functions;
pub mod loader;
pub mod releases;
pub mod search_path;
pub mod status;
mod stderr_capture;
pub mod structs;
mod symbols;

pub use functions::{AmdsmiApi, ProcessorHandle};
pub use loader::{acquire, is_inherited, Library};
