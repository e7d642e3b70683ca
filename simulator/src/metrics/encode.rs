//! A GPU's table at a time, cheap enough to write a thousand times a second.

use super::{Item, Table};
use crate::machine::{Gpu, PowerSensor, Reading};

/// The bytes of one GPU's gpu_metrics.
pub struct Blob {
    table: Table,
    bytes: Vec<u8>,
    moving: Moving,
    shown: Option<Reading>,
}

impl Blob {
    /// None for a GPU without the file (or with a revision that the facts don't have).
    pub fn new(gpu: &Gpu) -> Option<Blob> {
        let table = Table::of(gpu.metrics_revision()?)?;
        let mut bytes = table.base.clone();
        let mut put = |name: &str, value: u64| table.put(&mut bytes, name, 0, value);
        let s = &gpu.spec;
        let celsius = |mc: Option<i64>| mc.map(|v| (v / 1000) as u64);
        for (name, value) in [
            ("temperature_edge", celsius(s.temps.edge)),
            ("temperature_hotspot", celsius(s.temps.hotspot)),
            ("temperature_mem", celsius(s.temps.mem)),
            ("temperature_vrsoc", celsius(s.temps.vrsoc)),
            // Tables of APUs: hundredths of a degree.
            ("temperature_gfx", s.temps.edge.map(|mc| (mc / 10) as u64)),
            ("temperature_soc", s.temps.edge.map(|mc| (mc / 10) as u64)),
            ("average_gfx_activity", Some(s.activity[0].into())),
            ("average_umc_activity", Some(s.activity[1].into())),
            ("average_gfxclk_frequency", Some(s.clocks.gfx.now.into())),
            ("average_uclk_frequency", Some(s.clocks.mem.now.into())),
            ("current_gfxclk", Some(s.clocks.gfx.now.into())),
            ("current_uclk", Some(s.clocks.mem.now.into())),
            ("current_socclk", s.clocks.soc.as_ref().map(|c| c.now.into())),
            ("voltage_gfx", s.voltages.map(|v| v[0].into())),
            ("voltage_soc", s.voltages.map(|v| v[1].into())),
            ("voltage_mem", s.voltages.map(|v| v[2].into())),
            ("throttle_status", Some(0)),
            ("pcie_link_width", s.pcie.then_some(16)),
            ("pcie_link_speed", s.pcie.then_some(if table.revision == (1, 3) { 160 } else { 320 })),
            ("gfxclk_lock_status", Some(0)),
            ("num_partition", Some(s.partitions.into())),
        ] {
            if let Some(value) = value {
                put(name, value);
            }
        }
        // One clock for each compute die, the rest of the array stays "not available".
        for i in 1..table.items.get("current_gfxclk").map_or(0, |i| i.count) {
            table.put(&mut bytes, "current_gfxclk", i, s.clocks.gfx.now.into());
        }
        let power = match s.table_power_sensor.unwrap_or(s.power_sensor) {
            PowerSensor::Average => "average_socket_power",
            PowerSensor::Current => "curr_socket_power",
        };
        let names = [
            "energy_accumulator",
            "system_clock_counter",
            "firmware_timestamp",
            power,
            "accumulation_counter",
            "prochot_residency_acc",
            "ppt_residency_acc",
            "socket_thm_residency_acc",
            "vr_thm_residency_acc",
            "hbm_thm_residency_acc",
        ];
        let moving = Moving {
            items: names.map(|n| table.items.get(n).copied()),
            // In mW in the newer tables of APUs.
            power: if matches!(table.revision, (2, 4) | (3, _)) { 1000 } else { 1 },
            instead: s.table_power_w,
        };
        Some(Blob { table, bytes, moving, shown: None })
    }

    /// Brings the table to machine time `now_ns`; false when the last refresh is still the same.
    pub fn refresh(&mut self, gpu: &Gpu, epoch_ns: u64, now_ns: u64) -> bool {
        let r = gpu.reading(now_ns);
        if self.shown == Some(r) {
            return false;
        }
        self.shown = Some(r);
        self.moving.fill(&mut self.bytes, epoch_ns, &r);
        true
    }

    /// The table of a reading in the first bytes of a page, and their number.
    pub fn put(&self, page: &mut [u8; 4096], epoch_ns: u64, r: &Reading) -> usize {
        let n = self.bytes.len();
        page[..n].copy_from_slice(&self.bytes);
        self.moving.fill(&mut page[..n], epoch_ns, r);
        n
    }

    /// Makes every value 0; header and encodings stay.
    pub fn zero(&self, bytes: &mut [u8]) {
        for i in self.table.items.values().filter(|i| i.offset >= 4) {
            bytes[i.offset..i.offset + i.element * i.count].fill(0);
        }
    }

    /// Where the values that move are in the table.
    pub fn moving(&self) -> &Moving {
        &self.moving
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Where accumulator, driver's time, firmware's time, power, cycles and the limits' accumulators are.
pub struct Moving {
    items: [Option<Item>; 10],
    /// What a watt is in the table.
    power: u64,
    /// The power that the table has whatever is true.
    instead: Option<u16>,
}

impl Moving {
    fn fill(&self, bytes: &mut [u8], epoch_ns: u64, r: &Reading) {
        let values = [r.accumulator, epoch_ns + r.system_ns, r.firmware_10ns];
        for (item, value) in self.items.iter().zip(values).chain(self.items[4..].iter().zip(r.limited)) {
            put(bytes, *item, value);
        }
        self.put_power(bytes, self.instead.unwrap_or(r.power_w).into());
    }

    pub fn put_power(&self, bytes: &mut [u8], watts: u64) {
        put(bytes, self.items[3], watts * self.power);
    }

    pub fn put_driver_time(&self, bytes: &mut [u8], ns: u64) {
        put(bytes, self.items[1], ns);
    }
}

fn put(bytes: &mut [u8], item: Option<Item>, value: u64) {
    if let Some(i) = item {
        bytes[i.offset..i.offset + i.element].copy_from_slice(&value.to_le_bytes()[..i.element]);
    }
}
