//! The same table read slowly, by the facts alone: what a parse has to come to.

use serde_json::Value;
use std::collections::HashMap;
use zeus_amd::sysfs::gpu_metrics::Metrics;

/// Where a value is.
#[derive(Clone)]
struct Found {
    name: String,
    unit: String,
    at: usize,
    width: usize,
    signed: bool,
    count: usize,
}

pub struct Facts {
    /// By revision and size.
    fixed: HashMap<(u8, u8, usize), Vec<Found>>,
    /// Names of the attributes of 1.9, by id.
    names: HashMap<u64, String>,
    /// "u16" and so on, by number.
    types: Vec<String>,
    /// The 1.9 that the driver writes: all-ones but for header and descriptions.
    pub mainline: Vec<u8>,
}

/// The accumulators of limits, in the order of the table.
const LIMITED: [&str; 5] = [
    "prochot_residency_acc",
    "ppt_residency_acc",
    "socket_thm_residency_acc",
    "vr_thm_residency_acc",
    "hbm_thm_residency_acc",
];

/// The other attributes that are of use to the library.
const USED: [&str; 12] = [
    "temperature_hotspot",
    "temperature_mem",
    "temperature_vrsoc",
    "curr_socket_power",
    "average_gfx_activity",
    "average_umc_activity",
    "energy_accumulator",
    "system_clock_counter",
    "accumulation_counter",
    "firmware_timestamp",
    "current_gfxclk",
    "current_uclk",
];

fn little_endian(bytes: &[u8]) -> u64 {
    let mut value = 0;
    for byte in bytes.iter().rev() {
        value = value << 8 | u64::from(*byte);
    }
    value
}

impl Facts {
    pub fn load() -> Facts {
        let path = crate::common::root().join("simulator/vendor-data/gpu-metrics.json");
        let all: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let mut fixed = HashMap::new();
        for (name, table) in all.as_object().unwrap() {
            let Some((major, minor)) = name.strip_prefix('v').and_then(|n| n.split_once('_')) else { continue };
            // The other 1.6, which no driver ever wrote, has "early" behind its number.
            let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { continue };
            let Some(size) = table["total_size"].as_u64() else { continue };
            let field = |(name, f): (&String, &Value)| {
                let size = f["size"].as_u64().unwrap() as usize;
                let count = f["count"].as_u64().unwrap_or(1) as usize;
                Found {
                    name: name.clone(),
                    unit: f["unit"].as_str().unwrap().to_owned(),
                    at: f["offset"].as_u64().unwrap() as usize,
                    width: size / count,
                    signed: false,
                    count,
                }
            };
            let mut fields: Vec<Found> = table["fields"].as_object().unwrap().iter().map(field).collect();
            // Of the accumulators of limits, consecutive and alike, the facts describe two.
            let alike = fields.iter().find(|f| f.name == LIMITED[0]).cloned();
            for name in &LIMITED[2..] {
                let at = table["all_field_offsets"][name].as_u64();
                fields.extend(alike.clone().zip(at).map(|(f, at)| Found {
                    name: name.to_string(),
                    at: at as usize,
                    ..f
                }));
            }
            fixed.insert((major, minor, size as usize), fields);
        }
        assert_eq!(fixed.len(), crate::FIXED.len());

        let own = &all["v1_9"];
        let list = &own["mainline_list_sep_2025"];
        let attributes = list["attrs"].as_array().unwrap();
        let name = |a: &Value| (a["id"].as_u64().unwrap(), a["name"].as_str().unwrap().to_lowercase());
        let size = list["structure_size"].as_u64().unwrap() as u16;
        let mut mainline = crate::table((1, 9, size), 0xFF);
        mainline[4..8].copy_from_slice(&(attributes.len() as u32).to_le_bytes());
        for a in attributes {
            let at = a["enc_offset"].as_u64().unwrap() as usize;
            let word = u64::from_str_radix(a["enc"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
            mainline[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        Facts {
            fixed,
            names: attributes.iter().map(name).collect(),
            types: own["types"].as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect(),
            mainline,
        }
    }

    /// `None` where the bytes are no table.
    pub fn read(&self, bytes: &[u8]) -> Option<Metrics> {
        if bytes.len() < 4 || bytes.len() > 4095 || little_endian(&bytes[..2]) != bytes.len() as u64 {
            return None;
        }
        let revision = (bytes[2], bytes[3]);
        if revision == (1, 9) {
            return Some(numbers(bytes, revision, &self.walk(bytes)?));
        }
        let fields = self.fixed.get(&(revision.0, revision.1, bytes.len()))?;
        Some(numbers(bytes, revision, fields))
    }

    fn walk(&self, bytes: &[u8]) -> Option<Vec<Found>> {
        let count = little_endian(bytes.get(4..8)?) as u32 as i32;
        // Each takes nine bytes at least, so a number that cannot be true ends at the end of the table too.
        let (mut found, mut at) = (Vec::<Found>::new(), 8);
        for _ in 0..u32::try_from(count).ok()? {
            let word = little_endian(bytes.get(at..at + 8)?);
            let bits = |from: u32, to: u32| word >> from & ((1 << (to - from + 1)) - 1);
            let (instances, id) = (bits(0, 9) as usize, bits(10, 19));
            let kind = self.types.get(bits(20, 23) as usize)?;
            let width = kind[1..].parse::<usize>().unwrap() / 8;
            let values = at + 8;
            at = values + instances * width;
            if word >> 32 != 0 || instances == 0 || at > bytes.len() {
                return None;
            }
            let Some(name) = self.names.get(&id).filter(|n| USED.iter().chain(&LIMITED).any(|u| u == n)) else {
                continue;
            };
            if found.iter().any(|f| f.name == *name) {
                return None;
            }
            found.push(Found {
                name: name.clone(),
                unit: if name == "curr_socket_power" { "W".to_owned() } else { String::new() },
                at: values,
                width,
                signed: kind.starts_with('s'),
                count: instances,
            });
        }
        found.retain(|f| f.count == 1 || f.name == "current_gfxclk");
        (at == bytes.len()).then_some(found)
    }
}

/// One element as a number, unless all of its bits are set.
fn element(bytes: &[u8], f: &Found, index: usize) -> Option<i128> {
    if index >= f.count {
        return None;
    }
    let start = f.at + index * f.width;
    let raw = i128::from(little_endian(&bytes[start..start + f.width]));
    let range = 1 << (8 * f.width);
    match raw {
        _ if raw == range - 1 => None,
        _ if f.signed && raw >= range / 2 => Some(raw - range),
        _ => Some(raw),
    }
}

fn numbers(bytes: &[u8], revision: (u8, u8), fields: &[Found]) -> Metrics {
    let field = |name: &str| fields.iter().find(|f| f.name == name);
    let value = |name: &str| element(bytes, field(name)?, 0);
    let u32_of = |name: &str| u32::try_from(value(name)?).ok();
    let u64_of = |name: &str| u64::try_from(value(name)?).ok();
    let celsius = |name: &str| i32::try_from(value(name)?).ok();
    let power = |name: &str| match field(name)?.unit.as_str() {
        "W" => u32::try_from(value(name)? * 1000).ok(),
        "mW" => u32_of(name),
        // "W or mW, ASIC dependent"
        _ => None,
    };
    let activity = |name: &str| match revision {
        // The facts say percent, but Renoir's driver, which writes 2.2, divides the same number by 100 elsewhere.
        (2, 0..=3) => None,
        _ if field(name)?.unit.starts_with("centi") => Some(u32_of(name)? / 100),
        _ => u32_of(name),
    };
    Metrics {
        revision,
        energy: u64_of("energy_accumulator").filter(|e| *e != 0xFFFF_FFFF),
        energy_bits: field("energy_accumulator").map_or(0, |f| f.width as u8 * 8),
        driver_time_ns: u64_of("system_clock_counter").filter(|t| *t > 0),
        firmware_time_ns: value("firmware_timestamp").and_then(|t| u64::try_from(t * 10).ok()).filter(|t| *t > 0),
        average_power_mw: power("average_socket_power"),
        current_power_mw: power("curr_socket_power"),
        edge_c: celsius("temperature_edge"),
        hotspot_c: celsius("temperature_hotspot"),
        memory_c: celsius("temperature_mem"),
        vrsoc_c: celsius("temperature_vrsoc"),
        graphics_mhz: std::array::from_fn(|i| u32::try_from(element(bytes, field("current_gfxclk")?, i)?).ok()),
        graphics_average_mhz: u32_of("average_gfxclk_frequency"),
        memory_mhz: u32_of("current_uclk"),
        memory_average_mhz: u32_of("average_uclk_frequency"),
        graphics_activity_percent: activity("average_gfx_activity"),
        memory_activity_percent: activity("average_umc_activity"),
        // The driver of 1.4 and 1.5 writes 0 for "not reported".
        throttle_status: u32_of("throttle_status").filter(|t| *t > 0 || !matches!(revision, (1, 4 | 5))),
        throttle_independent: u64_of("indep_throttle_status"),
        accumulations: u64_of("accumulation_counter"),
        limited: LIMITED.map(u64_of),
    }
}
