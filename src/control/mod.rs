//! Settings of one GPU: the power limit and the clocks, read, changed, saved and restored.

mod clock_levels;
mod clock_state;
mod clocks;
mod controller;
mod power_limit;
mod read_back;
mod settings;
mod writer;

pub use controller::Controller;
pub use settings::{SavedSettings, SysfsRestore};
