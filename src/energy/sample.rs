//! One sample of one GPU, and the constants that limit its error.

/// Upper limit of the refresh period of energy counters. This much energy may be counted late, or early.
pub const SLOWEST_REFRESH_NS: u64 = 100_000_000;
/// Refresh period of the firmware's metrics table. The driver's timestamp may be later than the count by this much.
pub const FIRMWARE_REFRESH_NS: u64 = 1_000_000;
/// Without a refresh for this long, a counter or a timestamp has stalled, and a series of samples has a gap.
pub const STALL_NS: u64 = 250_000_000;
/// Rise time (10 to 90 %) of the average power of MI200 after a step of the load.
pub const AVERAGE_RISE_NS: u64 = 4_000_000_000;
/// An average power has no part older than this: a moving average that rises (10 to 90 %) in 4.4 s, the slowest that was
/// measured on MI210, takes 5.5 s.
pub(super) const AVERAGE_SUPPORT_NS: u64 = 6_000_000_000;
/// libamd_smi of ROCm 6.4.2 and 6.4.3 caches metrics for this long (AMDSMI_GPU_METRICS_CACHE_MS).
pub const AMDSMI_CACHE_NS: u64 = 100_000_000;
/// Resolution of the reported powers: `average_socket_power` and `curr_socket_power` of `gpu_metrics` are in whole watts
/// (drivers/gpu/drm/amd/include/kgd_pp_interface.h).
pub(super) const WATT_MW: u64 = 1000;

/// Times that come from outside are cut to this (nine years), which ten of them in a sum do not carry beyond 64 bits.
pub(super) const MAX_NS: u64 = 1 << 58;
/// No GPU draws a megawatt, and no counter counts kilojoules: what says so is not a power limit, nor a resolution.
pub(super) const MAX_POWER_MW: u64 = 1_000_000_000;
const MAX_RESOLUTION_UJ: f64 = 1e9;

/// One sample of a GPU: counter, power and the clocks that belong to them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RawSample {
    /// `CLOCK_BOOTTIME` before the source was read where that takes long, and when the reading was received.
    pub begun_ns: u64,
    pub seen_ns: u64,
    pub accumulator: Option<u64>,
    /// The GPU has no energy counter. Without this flag a missing accumulator may be transient.
    pub counter_unsupported: bool,
    /// The GPU is runtime-suspended or in reset, and cannot be read now.
    pub suspended: bool,
    /// Reported resolution, in microjoules per count.
    pub resolution_uj: f64,
    /// The driver's clock (`CLOCK_BOOTTIME`) when it read the accumulator.
    pub driver_ns: Option<u64>,
    /// That clock was set since, so that its time is only known to its table's age.
    pub time_is_estimated: bool,
    /// The firmware's clock at the accumulator's value. Its epoch is arbitrary.
    pub firmware_ns: Option<u64>,
    pub power_mw: Option<u64>,
    /// The power is of the driver's time; else it was read after that.
    pub power_in_table: bool,
    /// The GPU reports no power. Without this flag a missing power may be transient.
    pub power_unsupported: bool,
    /// The power is an average that the firmware takes over seconds.
    pub averaged: bool,
    /// The driver's timestamp has stalled.
    pub stale: bool,
}

/// What identifies a reading: the driver's time, the accumulator, the firmware's time and the power. All ones stand for a
/// missing value, as in the driver's tables.
pub(super) type ReadingKey = [u64; 4];

impl RawSample {
    /// `None` without a time by which one reading differs from the next.
    #[inline]
    pub(super) fn key(&self) -> Option<ReadingKey> {
        let or_missing = |value: Option<u64>| value.unwrap_or(u64::MAX);
        Some([self.driver_ns?, or_missing(self.accumulator), or_missing(self.firmware_ns), or_missing(self.power_mw)])
    }

    /// The time of the sample on `CLOCK_BOOTTIME`: the driver's time, or without one the receipt time.
    #[must_use]
    pub fn at_ns(&self, driver_offset_ns: i64) -> u64 {
        self.driver_ns.map_or(self.seen_ns, |d| d.saturating_add_signed(driver_offset_ns).min(self.seen_ns))
    }

    /// How long before its receipt its time is.
    pub(super) fn age_ns(&self, driver_offset_ns: i64) -> i64 {
        self.seen_ns.saturating_sub(self.at_ns(driver_offset_ns)).min(MAX_NS) as i64
    }

    /// `CLOCK_BOOTTIME` between which the driver reported the power.
    #[must_use]
    pub fn power_ns(&self, driver_offset_ns: i64) -> (u64, u64) {
        let at_ns = self.at_ns(driver_offset_ns);
        match self.driver_ns {
            None => (self.begun_ns.min(at_ns), self.seen_ns),
            Some(_) if self.time_is_estimated || driver_offset_ns != 0 => {
                (at_ns.saturating_sub(AMDSMI_CACHE_NS), self.seen_ns)
            }
            Some(_) => (at_ns, if self.power_in_table { at_ns } else { self.seen_ns }),
        }
    }

    /// The difference between the driver's clock and the firmware's.
    #[must_use]
    pub fn driver_minus_firmware_ns(&self) -> Option<i64> {
        Some(self.driver_ns?.wrapping_sub(self.firmware_ns?) as i64)
    }

    /// Counter, power and the clocks that belong to them are those of another sample.
    pub(super) fn is_same_reading(&self, other: &RawSample) -> bool {
        self.driver_ns == other.driver_ns
            && self.accumulator == other.accumulator
            && self.power_mw == other.power_mw
            && self.firmware_ns == other.firmware_ns
    }

    /// Time since an earlier sample; `None` if both are the same reading.
    pub(super) fn since(&self, earlier: &RawSample) -> Option<u64> {
        let ns = match (earlier.driver_ns, self.driver_ns) {
            (Some(before), Some(now)) => now.saturating_sub(before),
            _ => self.seen_ns.saturating_sub(earlier.seen_ns),
        };
        (ns > 0).then_some(ns.min(MAX_NS))
    }

    /// By how much the time since an earlier sample may be too long: receipt times are later than the readings.
    pub(super) fn reading_ns(&self, earlier: &RawSample) -> u64 {
        match (earlier.driver_ns, self.driver_ns) {
            (Some(_), Some(_)) => 0,
            _ => self.seen_ns.saturating_sub(self.begun_ns),
        }
    }

    /// Without a count whose resolution cannot be right.
    pub(super) fn checked(&self) -> RawSample {
        let is_plausible = (0.0..MAX_RESOLUTION_UJ).contains(&self.resolution_uj);
        RawSample { accumulator: self.accumulator.filter(|_| is_plausible), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// A time that is exact is the power's, if that is in the table; libamd_smi's cache may be older than an estimated one.
    #[test]
    fn the_time_of_a_power() {
        let sample = RawSample {
            begun_ns: 998 * MS,
            seen_ns: 1_000 * MS,
            driver_ns: Some(990 * MS),
            power_in_table: true,
            ..RawSample::default()
        };
        assert_eq!(sample.power_ns(0), (990 * MS, 990 * MS));
        assert_eq!(RawSample { power_in_table: false, ..sample }.power_ns(0), (990 * MS, 1_000 * MS));
        assert_eq!(RawSample { driver_ns: None, ..sample }.power_ns(0), (998 * MS, 1_000 * MS));
        assert_eq!(RawSample { time_is_estimated: true, ..sample }.power_ns(0), (890 * MS, 1_000 * MS));
        assert_eq!(sample.power_ns(-(5 * MS as i64)), (885 * MS, 1_000 * MS));
    }

    #[test]
    fn readings_are_the_same_where_all_of_them_is() {
        let all = [Some(1), Some(2), Some(3), Some(4)];
        let of = |[driver_ns, accumulator, power_mw, firmware_ns]: [Option<u64>; 4]| RawSample {
            driver_ns,
            accumulator,
            power_mw,
            firmware_ns,
            ..RawSample::default()
        };
        let (first, later) = (of(all), RawSample { seen_ns: 9, ..of(all) });
        assert!(first.is_same_reading(&later));
        for n in 0..4 {
            for other in [None, Some(7)] {
                let mut values = all;
                values[n] = other;
                assert!(!first.is_same_reading(&of(values)), "{n}");
            }
        }
    }
}
