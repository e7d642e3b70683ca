//! All that knows AMD's library: where it is, which one it is, what its bytes mean.

mod functions;
pub mod loader;
pub mod releases;
pub mod search_path;
pub mod status;
mod stderr_capture;
pub mod structs;

pub use functions::{AmdsmiApi, ProcessorHandle};
pub use loader::{acquire, is_inherited, Library};
