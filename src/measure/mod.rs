//! Windows and samplers over the GPUs of a session.

mod sample_ring;
mod sampler;
mod sampling_rate;
mod window;

pub use sample_ring::{flag, valid, DrainResult, Sample};
pub use sampler::{PollRequest, Sampler, SamplerHandle};
pub use window::{GpuEnergy, Window, WindowTotal};
