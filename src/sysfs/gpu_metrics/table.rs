//! A `gpu_metrics` table: the check of its header and structure, and its values.

use super::bytes::{at, PAGE};
use super::revisions::{self, Field, Layout};
use super::v1_9;
use crate::energy::LimitCounts;
use crate::platform::sentinel;
use crate::sysfs::error::TableError;

/// A table with a valid header and structure. Values are decoded on access, so a reading of energy costs energy and time
/// only.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) layout: &'a Layout,
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
    pub(super) fn number(&self, field: Field) -> Option<u64> {
        self.number_at(field, 0)
    }

    #[inline]
    pub(super) fn number_at(&self, field: Field, index: usize) -> Option<u64> {
        let bits = self.bits(field, index)?;
        let negative = field.signed() && bits >> (8 * field.bytes() - 1) != 0;
        (!negative).then_some(bits)
    }

    pub(super) fn number_u32(&self, field: Field) -> Option<u32> {
        u32::try_from(self.number(field)?).ok()
    }

    pub(super) fn celsius(&self, field: Field) -> Option<i32> {
        let bits = self.bits(field, 0)?;
        let unused = 64 - 8 * field.bytes();
        let value = if field.signed() { (bits << unused) as i64 >> unused } else { i64::try_from(bits).ok()? };
        i32::try_from(value).ok()
    }

    pub(super) fn power_mw(&self, field: Field) -> Option<u32> {
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

    /// For how long limits held; `None` if the revision does not count that.
    #[must_use]
    pub fn limit_counts(&self) -> Option<LimitCounts> {
        let limited = self.layout.limited.map(|field| self.number(field));
        let cycles = self.number(self.layout.accumulations).filter(|_| limited.iter().any(Option::is_some))?;
        Some(LimitCounts { driver_ns: self.driver_time_ns(), cycles, limited })
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

    /// Milliwatts in 16 bits (2.4) wrap around at 65 W.
    #[inline]
    #[must_use]
    pub fn power_may_wrap(&self) -> bool {
        self.layout.power_mw == 1 && self.layout.average_power.bytes() < 4
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
}
