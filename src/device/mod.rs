//! One GPU: its identity, and its readings from the source chosen for it.

mod identity;
mod poll;
mod readings;
mod snapshot;
mod source;
mod staleness;

pub use identity::{states_resolution, Identity};
pub use poll::{poll_all, PollResult, SamplingNeed};
pub use readings::Device;
pub use snapshot::Reading;
pub use source::{select, AmdsmiCall, AmdsmiContext, AmdsmiSource, Backend, Source, SourceError};
