//! Windows and samplers over the GPUs of a session.

mod sample_ring;
mod sampler;
mod sampling_rate;
mod window;

pub use sample_ring::{Drained, Sample};
pub use sampler::{Sampler, Sampling, Watch};
pub use window::{Total, Used, Window};
