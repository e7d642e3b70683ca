//! One reading of one domain.

use crate::error::Kind;

/// A count of energy that never decreases within an epoch, and what else was read with it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub energy_uj: Option<u64>,
    /// The source's own clock at the count; its zero is arbitrary.
    pub clock_ns: Option<u64>,
    /// `CLOCK_BOOTTIME` around the reading.
    pub begun_ns: u64,
    pub ended_ns: u64,
    /// Differs after the counter has started from 0 again.
    pub epoch: u64,
    /// How often it may have wrapped around unseen.
    pub gaps: u32,
    pub power_mw: Option<u64>,
    /// Why there is no energy.
    pub error: Option<Kind>,
}
