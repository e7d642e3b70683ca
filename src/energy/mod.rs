//! The energy counter: its arithmetic, its tracking across samples, and its validation. Pure: no system calls.

mod agreement;
mod clock_sync;
mod evidence;
mod interval;
mod limited;
mod plausibility;
mod power_range;
mod sample;
mod snapshot;
mod stall;
mod tracker;
mod units;
mod validation;

pub use agreement::Agreement;
pub use clock_sync::DriverClock;
pub use evidence::{Observation, ValidationEvidence};
pub use interval::{averaging_error_pj, inner_edge_error_pj, interval_energy, Boundaries, EnergyInterval, Method};
pub use limited::{LimitCounts, LIMITS};
pub use sample::{RawSample, AMDSMI_CACHE_NS, AVERAGE_RISE_NS, FIRMWARE_REFRESH_NS, SLOWEST_REFRESH_NS, STALL_NS};
pub use snapshot::{CounterStep, RunningTotals, TrackerSnapshot};
pub use tracker::{AccumulatorTracker, Wrap};
pub use units::{
    counts_pj, divide, energy_mj, is_firmware_resolution, power_pj, EnergyResolution, ResolutionChoice, Unit,
    REPORTED_UJ,
};
pub use validation::{zeus_rule, AtomicCounterState, CounterState, FIXED_NS};

#[cfg(test)]
mod tests;
