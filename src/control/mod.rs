//! Settings of one GPU: the power limit and the clocks, read, changed, saved and restored.

mod clock_levels;
mod clock_state;
mod clocks;
mod controller;
mod power_limit;
mod read_back;
mod restore_clocks;
mod settings;
mod sysfs_settings;
mod writer;

pub use clock_state::{ClockState, Level};
pub use controller::Controller;
pub use restore_clocks::{restore_clocks, ClockWriter};
pub use settings::{Change, Settings};
pub use sysfs_settings::{FileIo, SysfsSettings, Text};
pub use writer::LibcIo;
