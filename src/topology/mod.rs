//! The GPUs of the machine in HIP's order, their packages, and the ones that the visibility masks show.

mod enumeration;
mod gfx_override;
mod package;
pub mod visibility;

pub use enumeration::{enumerate, AmdsmiGpu, Enumeration, GpuLocation, NoGpuReason, Order};
pub use package::{has_two_dies, roles, Primary, Role};
