//! Where the readings of a GPU come from.

mod amdsmi;
mod error;
mod select;
mod sysfs;

pub use amdsmi::{AmdsmiCall, AmdsmiContext, AmdsmiSource};
pub use error::SourceError;
pub use select::{select, Backend, Source};
pub use sysfs::Resolution;
