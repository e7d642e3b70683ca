//! `gpu_metrics`: the binary table of the driver, which one read returns completely. libamd_smi reads the same file.

mod bytes;
mod fast_path;
mod file;
#[cfg(feature = "testing")]
mod metrics;
mod revisions;
mod table;
mod v1_9;

pub use fast_path::FastReading;
pub use file::MetricsFile;
#[cfg(feature = "testing")]
pub use metrics::{parse, Metrics};
#[cfg(feature = "testing")]
pub use revisions::CLOCKS;
pub use table::Table;
