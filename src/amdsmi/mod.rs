//! AMD's library libamd_smi: how it is found, loaded, identified and called.

mod api;
mod call_lock;
mod functions;
mod handle;
mod helpers;
pub mod loader;
mod process_wide;
pub mod releases;
pub mod search_path;
pub mod status;
mod stderr_capture;
pub mod structs;
mod symbols;

pub use api::{set_exit_hook, AmdsmiApi};
pub use handle::ProcessorHandle;
pub use loader::{acquire, close_at_exit, is_inherited, Library};
