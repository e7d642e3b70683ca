//! Measuring windows and samplers over the GPUs of a session.

mod sample_ring;
mod sampler;
mod sampling_rate;
mod window;

pub use sample_ring::{flag, valid, DrainResult, Sample, SampleRing};
pub use sampler::{Sampler, SamplerHandle};
pub use window::{GpuEnergy, Window, WindowTotal};
