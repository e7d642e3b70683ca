//! One reading of one GPU, and what bounds its error.

/// The slowest counters move every 100 ms; that much energy may come late, or early.
pub(super) const SLOWEST_NS: u64 = 100_000_000;
/// The driver stamps the table when it has it; the firmware may have counted up to a millisecond before.
pub(super) const FIRMWARE_REFRESH_NS: u64 = 1_000_000;
/// Powers are whole watts.
pub(super) const WATT_MW: u64 = 1000;

/// One look at a GPU: what it said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RawSample {
    /// `CLOCK_BOOTTIME` when the answer was there.
    pub seen_ns: u64,
    pub accumulator: Option<u64>,
    /// The GPU has no counter for sure; without it a missing accumulator may be a passing state.
    pub counter_unsupported: bool,
    /// The GPU sleeps or is in reset: nothing is to be had of it now.
    pub suspended: bool,
    /// Microjoules a count, as reported.
    pub resolution_uj: f64,
    /// The driver's clock (`CLOCK_BOOTTIME`) when it read the accumulator.
    pub driver_ns: Option<u64>,
    /// The firmware's clock at the accumulator's value; its zero is its own.
    pub firmware_ns: Option<u64>,
    pub power_mw: Option<u64>,
    /// The GPU reports no power for sure.
    pub power_unsupported: bool,
    /// The power is one that the firmware averages, over seconds.
    pub averaged: bool,
    /// The driver's clock stands still.
    pub stale: bool,
}

impl RawSample {
    /// When it was so, on `CLOCK_BOOTTIME`: the driver's word, if that clock has its zero there, or else when we saw it.
    #[must_use]
    pub fn at_ns(&self, driver_offset_ns: i64) -> u64 {
        self.driver_ns.map_or(self.seen_ns, |d| d.saturating_add_signed(driver_offset_ns).min(self.seen_ns))
    }

    /// How far the driver's clock is ahead of the firmware's.
    #[must_use]
    pub fn driver_minus_firmware_ns(&self) -> Option<i64> {
        Some(self.driver_ns?.wrapping_sub(self.firmware_ns?) as i64)
    }

    /// From an earlier look to this one; `None` if it is the same reading again.
    pub(super) fn since(&self, earlier: &RawSample) -> Option<u64> {
        let ns = match (earlier.driver_ns, self.driver_ns) {
            (Some(a), Some(b)) => b.saturating_sub(a),
            _ => self.seen_ns.saturating_sub(earlier.seen_ns),
        };
        (ns > 0).then_some(ns)
    }
}
