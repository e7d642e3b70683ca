//! Reading a table back: by the offsets of its revision, or by walking the attributes of 1.9.

use std::collections::HashMap;

use super::table::attribute_size;
use super::Table;
use crate::facts;

/// The values of a table by their kernel names; all-ones ones included.
#[derive(Debug, Clone)]
pub struct Decoded {
    pub revision: (u8, u8),
    pub size: u16,
    values: HashMap<String, (usize, Vec<u64>)>,
}

/// Names of 1.9 attributes by id.
fn attribute_names() -> HashMap<u64, String> {
    let list = &facts::gpu_metrics()["v1_9"]["mainline_list_sep_2025"]["attrs"];
    let name = |a: &serde_json::Value| Some((a["id"].as_u64()?, a["name"].as_str()?.to_lowercase()));
    list.as_array().into_iter().flatten().filter_map(name).collect()
}

impl Decoded {
    /// The revision a blob says it has.
    pub fn revision_of(bytes: &[u8]) -> Option<(u8, u8)> {
        (bytes.len() >= 4).then(|| (bytes[2], bytes[3]))
    }

    pub fn parse(bytes: &[u8]) -> Option<Decoded> {
        let revision = Decoded::revision_of(bytes)?;
        let size = u16::from_le_bytes([bytes[0], bytes[1]]);
        if usize::from(size) != bytes.len() {
            return None;
        }
        let values = if revision == (1, 9) { walk(bytes)? } else { fixed(bytes, revision)? };
        Some(Decoded { revision, size, values })
    }

    /// The first value of that name; None when the table has no such field or it says "not available".
    pub fn get(&self, name: &str) -> Option<u64> {
        let (element, values) = self.values.get(name)?;
        let v = *values.first()?;
        (v != ones(*element)).then_some(v)
    }

    /// Bytes per element and all elements, as they stand.
    pub fn raw(&self, name: &str) -> Option<(usize, &[u64])> {
        self.values.get(name).map(|(e, v)| (*e, v.as_slice()))
    }
}

fn ones(element: usize) -> u64 {
    u64::MAX >> (64 - 8 * element)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b))
}

fn fixed(bytes: &[u8], revision: (u8, u8)) -> Option<HashMap<String, (usize, Vec<u64>)>> {
    thread_local!(static TABLES: std::cell::RefCell<HashMap<(u8, u8), Option<Table>>> = Default::default());
    TABLES.with(|tables| {
        let mut tables = tables.borrow_mut();
        let table = tables.entry(revision).or_insert_with(|| Table::of(revision)).as_ref()?;
        if table.size != bytes.len() {
            return None;
        }
        let read =
            |i: &super::Item| (0..i.count).map(|n| number(&bytes[i.offset + n * i.element..][..i.element])).collect();
        Some(table.items.iter().map(|(name, i)| (name.clone(), (i.element, read(i)))).collect())
    })
}

fn walk(bytes: &[u8]) -> Option<HashMap<String, (usize, Vec<u64>)>> {
    let names = attribute_names();
    let count = number(bytes.get(4..8)?);
    let (mut at, mut values) = (8, HashMap::new());
    for _ in 0..count {
        let enc = number(bytes.get(at..at + 8)?);
        let (n, id, element) = ((enc & 0x3FF) as usize, enc >> 10 & 0x3FF, attribute_size(enc));
        let body = bytes.get(at + 8..at + 8 + n * element)?;
        if let Some(name) = names.get(&id) {
            values.insert(name.clone(), (element, body.chunks(element).map(number).collect()));
        }
        at += 8 + n * element;
    }
    (at == bytes.len()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Blob;
    use crate::Machine;

    #[test]
    fn every_revision_reads_back_what_was_written() {
        for revision in ["1.3", "1.4", "1.5", "1.6", "1.7", "1.8", "1.9"] {
            let m = Machine::load_with("mi300x-8", &[format!("all.metrics = \"{revision}\"")]).unwrap();
            let g = &m.gpus()[2];
            let mut blob = Blob::new(g).unwrap();
            assert!(blob.refresh(g, 1_000_000, 2_500_000_000) && !blob.refresh(g, 1_000_000, 2_500_100_000));
            let d = Decoded::parse(blob.bytes()).unwrap();
            let r = g.reading(2_500_000_000);
            assert_eq!(d.get("energy_accumulator"), Some(r.accumulator), "{revision}");
            assert_eq!(d.get("system_clock_counter"), Some(2_501_000_000), "{revision}");
            assert_eq!(d.get("firmware_timestamp"), Some(r.firmware_10ns), "{revision}");
            assert_eq!(d.get("curr_socket_power"), (revision != "1.3").then_some(688), "{revision}");
            assert_eq!(d.get("temperature_hotspot"), Some(47), "{revision}");
            assert_eq!(d.get("current_uclk"), Some(1100), "{revision}");
            assert_eq!(d.get("current_socclk"), Some(29), "{revision}");
        }
    }

    #[test]
    fn the_example_of_the_facts() {
        let bytes: Vec<u8> = include_str!("../../vendor-data/gpu-metrics-v1_9-example.hex")
            .split_whitespace()
            .map(|h| u8::from_str_radix(h, 16).unwrap())
            .collect();
        let d = Decoded::parse(&bytes).unwrap();
        assert_eq!((d.get("energy_accumulator"), d.get("curr_socket_power")), (Some(6_553_600_000), Some(750)));
        assert_eq!(d.get("accumulation_counter"), None);
    }
}
