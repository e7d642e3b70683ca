//! The short way: where a table that is like the first one has what is read most, looked up once.

use super::at;
use super::revisions::{Field, Layout};
use crate::gpu::{present_count, RawEnergy};

#[derive(Debug)]
pub(super) struct FastLayout {
    header: [u8; 4],
    size: usize,
    energy: usize,
    driver_time: usize,
    firmware_time: usize,
    power: usize,
    instant: bool,
    hotspot: usize,
}

/// All that is read most, none of it missing.
#[derive(Debug, Clone, Copy)]
pub struct FastReading {
    pub energy: u64,
    pub driver_time_ns: u64,
    pub firmware_time_ns: u64,
    pub power_mw: u32,
    /// Or else an average.
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

const U16: u8 = 2;
const U64: u8 = 6;

impl FastLayout {
    /// `None` for a table in which something is missing, or has another type than on all GPUs that count.
    pub fn of(layout: &Layout, bytes: &[u8]) -> Option<FastLayout> {
        let place = |p: Field, kind: u8| (p.count == 1 && p.kind == kind).then_some(usize::from(p.at));
        let (current, average) = (place(layout.current_power, U16), place(layout.average_power, U16));
        let quick = FastLayout {
            header: at(bytes, 0)?,
            size: bytes.len(),
            energy: place(layout.energy, U64)?,
            driver_time: place(layout.driver_time_ns, U64)?,
            firmware_time: place(layout.firmware_time_10ns, U64)?,
            power: current.xor(average)?,
            instant: current.is_some(),
            hotspot: place(layout.hotspot_c, U16)?,
        };
        (layout.power_mw == 1000 && quick.whole(bytes).is_some()).then_some(quick)
    }

    /// Of a table of the same size and revision.
    #[inline(always)]
    pub fn fits(&self, bytes: &[u8]) -> bool {
        bytes.len() == self.size && at(bytes, 0) == Some(self.header)
    }

    /// Count and driver's time, if both are there.
    #[inline(always)]
    pub fn energy(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let energy = at(bytes, self.energy).map(u64::from_le_bytes);
        Some((energy.and_then(present_count)?, time(bytes, self.driver_time)?))
    }

    /// All values, if all are there.
    #[inline(always)]
    pub fn whole(&self, bytes: &[u8]) -> Option<FastReading> {
        let short = |place| at(bytes, place).map(u16::from_le_bytes).filter(|v| *v != u16::MAX);
        let (energy, driver_time_ns) = self.energy(bytes)?;
        Some(FastReading {
            energy,
            driver_time_ns,
            firmware_time_ns: time(bytes, self.firmware_time)?.checked_mul(10)?,
            power_mw: u32::from(short(self.power)?) * 1000,
            instant: self.instant,
            hotspot_c: short(self.hotspot)?.into(),
        })
    }
}

#[inline(always)]
fn time(bytes: &[u8], place: usize) -> Option<u64> {
    at(bytes, place).map(u64::from_le_bytes).filter(|t| *t != 0 && *t != u64::MAX)
}
