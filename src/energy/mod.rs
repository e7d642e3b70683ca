//! The energy counter: its arithmetic, its course across samples, and whether it can be trusted. Pure: no system calls.

mod clock_sync;
mod evidence;
mod interval;
mod power_range;
mod sample;
mod snapshot;
mod stall;
mod tracker;
mod units;
mod validation;

pub use evidence::{Evidence, Seen};
pub use interval::{between, edges_within_pj, unseen_pj, Method, Region};
pub use sample::Look;
pub use snapshot::{Mark, Step, Totals};
pub use tracker::Ledger;
pub use units::{counts_pj, energy_mj, power_pj, EnergyUnit, Unit, FIRMWARE_UJ};
pub use validation::{fixed, Standing, Verdict, FIXED_MS};
