//! All values of a table at once, for tests that compare them with an independent parser. The library decodes single values.

use super::file::MetricsFile;
use super::revisions::{Field, CLOCKS};
use super::table::{layout_of, Table};
use crate::energy::LIMITS;
use crate::sysfs::error::{SysfsError, TableError};

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
    /// Those in which a limit held.
    pub limited: [Option<u64>; LIMITS],
}

/// Checks a table and returns all its values.
pub fn parse(bytes: &[u8]) -> Result<Metrics, TableError> {
    let mut parsed = None;
    let layout = layout_of(bytes, &mut parsed)?;
    Ok(Table::new(bytes, layout).metrics())
}

impl MetricsFile {
    /// All values of the current table.
    pub fn read(&self) -> Result<Metrics, SysfsError> {
        self.read_with(|table| table.metrics())
    }
}

impl Table<'_> {
    /// Major and minor.
    #[must_use]
    pub fn revision(&self) -> (u8, u8) {
        (self.bytes[2], self.bytes[3])
    }

    fn percent(&self, field: Field) -> Option<u32> {
        Some(self.number_u32(field)? / u32::from(self.layout.activity_per_percent))
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
            limited: layout.limited.map(|field| self.number(field)),
        }
    }
}
