//! All that knows AMD's library: where it is, which one it is, what its bytes mean.

mod calls;
mod hush;
pub mod layout;
pub mod library;
pub mod locate;
pub mod status;
pub mod version;

pub use calls::{Bound, Calls, Clock, Handle, PowerCaps, PowerInfo};
pub use library::{acquire, is_inherited, Library};
