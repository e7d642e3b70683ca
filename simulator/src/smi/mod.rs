//! The simulated libamd_smi: AMD's C interface over the files of the tree.
//!
//! It reads what the real library reads (gpu_metrics, hwmon, pp_dpm_*), so what it says and what the files say is the
//! same thing; how it answers is up to the release it stands for.

mod clocks;
mod context;
mod handles;
mod identity;
mod lifecycle;
mod metrics;
mod partition;
mod power;
mod table;
mod temperature;
mod writer;

pub use context::FUNCTIONS;

/// Values of amdsmi_status_t that are used by name.
pub mod status {
    pub const SUCCESS: u32 = 0;
    pub const INVAL: u32 = 1;
    pub const NOT_SUPPORTED: u32 = 2;
    pub const API_FAILED: u32 = 7;
    pub const NO_PERM: u32 = 10;
    pub const FILE_ERROR: u32 = 14;
    pub const INTERNAL_EXCEPTION: u32 = 16;
    pub const OUT_OF_BOUNDS: u32 = 17;
    pub const NOT_FOUND: u32 = 31;
    pub const NOT_INIT: u32 = 32;
    pub const DRIVER_NOT_LOADED: u32 = 34;
    pub const INSUFFICIENT_SIZE: u32 = 41;
    pub const UNEXPECTED_DATA: u32 = 43;
}
