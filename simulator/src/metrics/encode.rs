//! A GPU's table at a time, cheap enough to write a thousand times a second.

use super::{Item, Table};
use crate::machine::{Gpu, PowerSensor, Reading};

/// The bytes of one GPU's gpu_metrics.
pub struct Blob {
    bytes: Vec<u8>,
    /// Where accumulator, driver's time, firmware's time, refresh number and power are.
    moving: [Option<Item>; 5],
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
            ("pcie_link_width", Some(16)),
            ("pcie_link_speed", Some(if table.revision == (1, 3) { 160 } else { 320 })),
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
        let power = match s.power_sensor {
            PowerSensor::Average => "average_socket_power",
            PowerSensor::Current => "curr_socket_power",
        };
        let names = ["energy_accumulator", "system_clock_counter", "firmware_timestamp", "accumulation_counter", power];
        let moving = names.map(|n| table.items.get(n).copied());
        Some(Blob { bytes, moving, shown: None })
    }

    /// Brings the table to machine time `now_ns`; false when the last refresh is still the same.
    pub fn refresh(&mut self, gpu: &Gpu, epoch_ns: u64, now_ns: u64) -> bool {
        let r = gpu.reading(now_ns);
        if self.shown == Some(r) {
            return false;
        }
        self.shown = Some(r);
        fill(&mut self.bytes, &self.moving, epoch_ns, &r);
        true
    }

    /// The table of a reading in the first bytes of a page, and their number.
    pub fn put(&self, page: &mut [u8; 4096], epoch_ns: u64, r: &Reading) -> usize {
        let n = self.bytes.len();
        page[..n].copy_from_slice(&self.bytes);
        fill(&mut page[..n], &self.moving, epoch_ns, r);
        n
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

fn fill(bytes: &mut [u8], moving: &[Option<Item>; 5], epoch_ns: u64, r: &Reading) {
    let values = [r.accumulator, epoch_ns + r.system_ns, r.firmware_10ns, r.tick, r.power_w.into()];
    for (item, value) in moving.iter().zip(values) {
        if let Some(i) = item {
            bytes[i.offset..i.offset + i.element].copy_from_slice(&value.to_le_bytes()[..i.element]);
        }
    }
}
