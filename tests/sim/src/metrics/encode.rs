//! A GPU's table at a time, cheap enough to write a thousand times a second.

use super::Table;
use crate::machine::{Gpu, PowerSensor};

/// The bytes of one GPU's gpu_metrics.
pub struct Blob {
    table: Table,
    bytes: Vec<u8>,
    tick: Option<u64>,
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
        Some(Blob { table, bytes, tick: None })
    }

    /// Brings the table to machine time `now_ns`; false when the last refresh is still the same.
    pub fn refresh(&mut self, gpu: &Gpu, epoch_ns: u64, now_ns: u64) -> bool {
        let r = gpu.reading(now_ns);
        if self.tick == Some(r.tick) {
            return false;
        }
        self.tick = Some(r.tick);
        let (t, b) = (&self.table, &mut self.bytes);
        t.put(b, "energy_accumulator", 0, r.accumulator);
        t.put(b, "system_clock_counter", 0, epoch_ns + r.system_ns);
        t.put(b, "firmware_timestamp", 0, r.firmware_10ns);
        t.put(b, "accumulation_counter", 0, r.tick);
        match gpu.spec.power_sensor {
            PowerSensor::Average => t.put(b, "average_socket_power", 0, r.power_w.into()),
            PowerSensor::Current => t.put(b, "curr_socket_power", 0, r.power_w.into()),
        }
        true
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
