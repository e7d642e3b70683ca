//! The fast path: offsets of the most frequent values, resolved once for all tables like the first one.

use super::bytes::{at, inside};
use super::revisions::{Field, Layout, U16, U64};
use crate::gpu::RawEnergy;
use crate::platform::sentinel;

#[derive(Debug)]
pub(super) struct FastLayout {
    header: [u8; 4],
    size: usize,
    energy: usize,
    driver_time: usize,
    firmware_time: usize,
    power: usize,
    /// The power is instantaneous, not an average.
    instant: bool,
    hotspot: usize,
}

/// The most frequent values, none of them missing.
#[derive(Debug, Clone, Copy)]
pub struct FastReading {
    pub energy: u64,
    pub driver_time_ns: u64,
    pub firmware_time_ns: u64,
    pub power_mw: u32,
    /// The power is instantaneous, not an average.
    pub instant: bool,
    pub hotspot_c: i32,
}

impl FastReading {
    #[must_use]
    #[inline(always)]
    pub fn raw_energy(&self, resolution_uj: f64) -> RawEnergy {
        RawEnergy {
            accumulator: self.energy,
            resolution_uj,
            driver_time_ns: Some(self.driver_time_ns),
            firmware_time_ns: Some(self.firmware_time_ns),
            stale_ms: None,
        }
    }
}

impl FastLayout {
    /// `None` for a table in which a value is missing or has another type than in the revisions of data center GPUs.
    pub fn of(layout: &Layout, bytes: &[u8]) -> Option<FastLayout> {
        let offset = |field: Field, kind: u8| {
            let at = usize::from(field.at);
            (field.count == 1 && field.kind == kind && at + field.bytes() <= bytes.len()).then_some(at)
        };
        let (current, average) = (offset(layout.current_power, U16), offset(layout.average_power, U16));
        let fast = FastLayout {
            header: at(bytes, 0)?,
            size: bytes.len(),
            energy: offset(layout.energy, U64)?,
            driver_time: offset(layout.driver_time_ns, U64)?,
            firmware_time: offset(layout.firmware_time_10ns, U64)?,
            power: current.xor(average)?,
            instant: current.is_some(),
            hotspot: offset(layout.hotspot_c, U16)?,
        };
        (layout.power_mw == 1000 && fast.reading(bytes).is_some()).then_some(fast)
    }

    /// The table has the same size and revision as the first one.
    #[inline(always)]
    fn matches(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.size && at(bytes, 0) == Some(self.header)
    }

    /// Count and driver's time, if the table is like the first one and both are present.
    #[inline(always)]
    pub fn energy(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        if !self.matches(bytes) {
            return None;
        }
        // SAFETY (both): `of` has found that the field is inside a table of this size.
        let energy = u64::from_le_bytes(unsafe { inside(bytes, self.energy) });
        let driver_time_ns = u64::from_le_bytes(unsafe { inside(bytes, self.driver_time) });
        Some((sentinel::energy_count(energy)?, sentinel::time(driver_time_ns)?))
    }

    /// All values, likewise.
    #[inline(always)]
    pub fn reading(&self, bytes: &[u8]) -> Option<FastReading> {
        let (energy, driver_time_ns) = self.energy(bytes)?;
        // SAFETY (all): as above, of a table that matches.
        let firmware_time = u64::from_le_bytes(unsafe { inside(bytes, self.firmware_time) });
        let power_w = u16::from_le_bytes(unsafe { inside(bytes, self.power) });
        let hotspot_c = u16::from_le_bytes(unsafe { inside(bytes, self.hotspot) });
        Some(FastReading {
            energy,
            driver_time_ns,
            firmware_time_ns: sentinel::time(firmware_time)?.checked_mul(10)?,
            power_mw: u32::from(sentinel::u16(power_w)?) * 1000,
            instant: self.instant,
            hotspot_c: sentinel::u16(hotspot_c)?.into(),
        })
    }
}
