//! Where the readings of a GPU come from.

pub(super) mod amdsmi;
mod select;
pub(super) mod sysfs;
