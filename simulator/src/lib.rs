//! A simulated machine with AMD GPUs, for tests and for the CI of codes that account their energy.
//!
//! One machine file says what is true: GPUs, their order, power over time, counters, faults. From it come a libamd_smi for
//! each of many ROCm releases (module `smi`), the `/sys` and `/dev` tree, and the truth that tests compare with.

pub mod clock;
pub mod facts;
mod file_refresher;
mod file_watch;
mod install_paths;
pub mod library;
pub mod machine;
pub mod metrics;
pub mod node;
pub mod power;
pub mod preload;
mod preload_state;
pub mod release;
mod serve;
mod settings_poller;
mod sim;
pub mod smi;
pub mod start;
pub mod tree;

pub use clock::State;
pub use machine::{truth, Bdf, Gpu, Machine, Processor};
pub use release::{Release, RELEASES};
pub use serve::{environment, new_dir as serve_dir, Serve, Site};
pub use sim::{spawn, Sim};
