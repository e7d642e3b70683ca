//! Measuring windows and samplers over the GPUs of a session.

mod poll_loop;
mod recorder;
mod sample;
mod sample_ring;
mod sampler;
mod sampling_rate;
mod window;

pub use sample::{flag, valid, Sample};
pub use sample_ring::{DrainResult, SampleRing};
pub use sampler::{Sampler, SamplerHandle};
pub use window::{GpuEnergy, Window, WindowTotal};
