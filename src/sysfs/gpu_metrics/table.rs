//! A `gpu_metrics` table: the check of its header and structure, and its values.

use super::bytes::at;
use super::revisions::{self, Field, Layout, CLOCKS};
use super::v1_9;
use crate::platform::sentinel;
use thiserror::Error;

/// sysfs returns at most one page, and amdgpu leaves its last byte unused (drivers/gpu/drm/amd/pm/amdgpu_pm.c).
pub(super) const PAGE: usize = 4096;

/// Why a table is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TableError {
    #[error("gpu_metrics has {read} bytes, too few for its header")]
    Truncated { read: usize },
    #[error("gpu_metrics has {read} bytes, but its header gives {stated}")]
    Size { stated: u16, read: usize },
    #[error("gpu_metrics {major}.{minor} has {read} bytes, where that revision has {known}; an out-of-tree driver may use another layout")]
    Layout { major: u8, minor: u8, read: usize, known: u16 },
    #[error("gpu_metrics has revision {major}.{minor}, which is unknown; use a newer zeus_amd")]
    Revision { major: u8, minor: u8 },
    #[error("gpu_metrics 1.9 is malformed: {0}")]
    Attributes(&'static str),
}

/// All values of a table. A value is absent if the revision lacks it or the driver did not set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Metrics {
    /// Major and minor.
    pub revision: (u8, u8),
    /// Counts of nominally 2^-16 J. 0 on a secondary die (GCD).
    pub energy: Option<u64>,
    /// Bits of the counter's field: 32, 64, or 0 without one. MI100 and Navi have a 32-bit counter in a 64-bit field.
    pub energy_bits: u8,
    /// `CLOCK_BOOTTIME` when the driver filled the table.
    pub driver_time_ns: Option<u64>,
    /// The firmware's clock at the sample, counted in 10 ns.
    pub firmware_time_ns: Option<u64>,
    pub average_power_mw: Option<u32>,
    pub current_power_mw: Option<u32>,
    pub edge_c: Option<i32>,
    pub hotspot_c: Option<i32>,
    pub memory_c: Option<i32>,
    pub vrsoc_c: Option<i32>,
    /// One for each compute die (XCC).
    pub graphics_mhz: [Option<u32>; CLOCKS],
    pub graphics_average_mhz: Option<u32>,
    pub memory_mhz: Option<u32>,
    pub memory_average_mhz: Option<u32>,
    /// Rounded down.
    pub graphics_activity_percent: Option<u32>,
    pub memory_activity_percent: Option<u32>,
    /// Bits whose meaning depends on the ASIC.
    pub throttle_status: Option<u32>,
    /// Bits with the same meaning on every ASIC.
    pub throttle_independent: Option<u64>,
    /// Number of accumulation cycles of the firmware.
    pub accumulations: Option<u64>,
}

/// Checks a table and returns all its values.
pub fn parse(bytes: &[u8]) -> Result<Metrics, TableError> {
    let mut parsed = None;
    let layout = layout_of(bytes, &mut parsed)?;
    Ok(Table::new(bytes, layout).metrics())
}

/// A table with a valid header and structure. Values are decoded on access, so a reading of energy costs energy and time
/// only.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
}

/// The layout of a table. `parsed` stores one that the table describes itself.
#[inline(always)]
pub(super) fn layout_of<'a>(bytes: &[u8], parsed: &'a mut Option<Layout>) -> Result<&'a Layout, TableError> {
    let read = bytes.len();
    let Some([size_low, size_high, major, minor]) = at(bytes, 0) else { return Err(TableError::Truncated { read }) };
    let stated = u16::from_le_bytes([size_low, size_high]);
    if usize::from(stated) != read || read >= PAGE {
        return Err(TableError::Size { stated, read });
    }
    if (major, minor) == (1, 9) {
        return Ok(parsed.insert(v1_9::layout(bytes)?));
    }
    let layout = revisions::of((major, minor)).ok_or(TableError::Revision { major, minor })?;
    if layout.size != stated {
        return Err(TableError::Layout { major, minor, read, known: layout.size });
    }
    Ok(layout)
}

impl<'a> Table<'a> {
    #[inline(always)]
    pub(super) fn new(bytes: &'a [u8], layout: &'a Layout) -> Self {
        Table { bytes, layout }
    }

    /// Major and minor.
    #[must_use]
    pub fn revision(&self) -> (u8, u8) {
        (self.bytes[2], self.bytes[3])
    }

    /// The bits of a value; `None` for all ones, with which the driver initialises every field.
    #[inline]
    fn bits(&self, field: Field, index: usize) -> Option<u64> {
        if index >= usize::from(field.count) {
            return None;
        }
        let offset = usize::from(field.at) + index * field.bytes();
        match field.bytes() {
            1 => at(self.bytes, offset).map(u8::from_le_bytes).filter(|v| *v != u8::MAX).map(u64::from),
            2 => at(self.bytes, offset).map(u16::from_le_bytes).and_then(sentinel::u16).map(u64::from),
            4 => at(self.bytes, offset).map(u32::from_le_bytes).filter(|v| *v != u32::MAX).map(u64::from),
            _ => at(self.bytes, offset).map(u64::from_le_bytes).filter(|v| *v != u64::MAX),
        }
    }

    /// A value that cannot be negative.
    #[inline]
    fn number(&self, field: Field) -> Option<u64> {
        self.number_at(field, 0)
    }

    #[inline]
    fn number_at(&self, field: Field, index: usize) -> Option<u64> {
        let bits = self.bits(field, index)?;
        let negative = field.signed() && bits >> (8 * field.bytes() - 1) != 0;
        (!negative).then_some(bits)
    }

    fn number_u32(&self, field: Field) -> Option<u32> {
        u32::try_from(self.number(field)?).ok()
    }

    fn celsius(&self, field: Field) -> Option<i32> {
        let bits = self.bits(field, 0)?;
        let unused = 64 - 8 * field.bytes();
        let value = if field.signed() { (bits << unused) as i64 >> unused } else { i64::try_from(bits).ok()? };
        i32::try_from(value).ok()
    }

    fn percent(&self, field: Field) -> Option<u32> {
        Some(self.number_u32(field)? / u32::from(self.layout.activity_per_percent))
    }

    fn power_mw(&self, field: Field) -> Option<u32> {
        self.number_u32(field)?.checked_mul(u32::from(self.layout.power_mw))
    }

    #[inline]
    fn time(&self, field: Field) -> Option<u64> {
        self.number(field).and_then(sentinel::time)
    }

    #[inline(always)]
    #[must_use]
    pub fn energy(&self) -> Option<u64> {
        self.number(self.layout.energy).and_then(sentinel::energy_count)
    }

    /// The revision has an energy counter, but the table has no value for it.
    #[inline]
    pub(super) fn lacks_energy(&self) -> bool {
        self.layout.energy.is_present() && self.energy().is_none()
    }

    #[inline(always)]
    #[must_use]
    pub fn driver_time_ns(&self) -> Option<u64> {
        self.time(self.layout.driver_time_ns)
    }

    #[inline(always)]
    #[must_use]
    pub fn firmware_time_ns(&self) -> Option<u64> {
        self.time(self.layout.firmware_time_10ns)?.checked_mul(10)
    }

    #[inline]
    #[must_use]
    pub fn average_power_mw(&self) -> Option<u32> {
        self.power_mw(self.layout.average_power)
    }

    #[inline]
    #[must_use]
    pub fn current_power_mw(&self) -> Option<u32> {
        self.power_mw(self.layout.current_power)
    }

    #[inline]
    #[must_use]
    pub fn hotspot_c(&self) -> Option<i32> {
        self.celsius(self.layout.hotspot_c)
    }

    /// All values.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let layout = self.layout;
        let throttle = self.number_u32(layout.throttle).filter(|t| *t != 0 || !layout.zero_throttle_is_missing);
        let clock = |i| u32::try_from(self.number_at(layout.graphics_mhz, i)?).ok();
        Metrics {
            revision: self.revision(),
            energy: self.energy(),
            energy_bits: if layout.energy.is_present() { 8 * layout.energy.bytes() as u8 } else { 0 },
            driver_time_ns: self.driver_time_ns(),
            firmware_time_ns: self.firmware_time_ns(),
            average_power_mw: self.average_power_mw(),
            current_power_mw: self.current_power_mw(),
            edge_c: self.celsius(layout.edge_c),
            hotspot_c: self.hotspot_c(),
            memory_c: self.celsius(layout.memory_c),
            vrsoc_c: self.celsius(layout.vrsoc_c),
            graphics_mhz: std::array::from_fn(clock),
            graphics_average_mhz: self.number_u32(layout.graphics_average_mhz),
            memory_mhz: self.number_u32(layout.memory_mhz),
            memory_average_mhz: self.number_u32(layout.memory_average_mhz),
            graphics_activity_percent: self.percent(layout.graphics_activity),
            memory_activity_percent: self.percent(layout.memory_activity),
            throttle_status: throttle,
            throttle_independent: self.number(layout.throttle_independent),
            accumulations: self.number(layout.accumulations),
        }
    }
}
