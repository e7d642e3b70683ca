//! Which GPUs there are, in HIP's order, and which of them a mask shows.

mod enumeration;
mod package;
pub mod visibility;

pub use enumeration::{enumerate, AmdsmiGpu, Enumeration, GpuLocation, NoGpuReason, Order};
pub use package::{has_two_dies, roles, Primary, Role};
