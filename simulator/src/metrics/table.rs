//! Where each value of a table revision lies, from the facts.

use std::collections::HashMap;

use serde_json::Value;

use crate::facts;

/// A value or an array of equal values.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    pub offset: usize,
    pub element: usize,
    pub count: usize,
}

/// One revision with fixed offsets (1.9 too: the list of attributes of the mainline driver).
#[derive(Debug, Clone)]
pub struct Table {
    pub revision: (u8, u8),
    pub size: usize,
    pub items: HashMap<String, Item>,
    /// Bytes that never change: header, and for 1.9 the encodings.
    pub base: Vec<u8>,
}

impl Table {
    pub fn of(revision: (u8, u8)) -> Option<Table> {
        if revision == (1, 9) {
            return Some(Table::self_describing());
        }
        let v = facts::gpu_metrics().get(format!("v{}_{}", revision.0, revision.1))?;
        let size = v["total_size"].as_u64()? as usize;
        let mut items = HashMap::new();
        for (name, f) in v["fields"].as_object()? {
            let (offset, bytes) = (f["offset"].as_u64()? as usize, f["size"].as_u64()? as usize);
            let element = f["element_size"].as_u64().map_or(bytes, |e| e as usize);
            // Structs within the table (the partitions' statistics) are left as they are.
            if element <= 8 {
                items.insert(name.clone(), Item { offset, element, count: bytes / element });
            }
        }
        add_unlisted(&mut items, v, size);
        let mut base = vec![0xFF; size];
        base[..2].copy_from_slice(&(size as u16).to_le_bytes());
        (base[2], base[3]) = revision;
        Some(Table { revision, size, items, base })
    }

    fn self_describing() -> Table {
        let list = &facts::gpu_metrics()["v1_9"]["mainline_list_sep_2025"];
        let size = list["structure_size"].as_u64().expect("size") as usize;
        let mut base = vec![0xFF; size];
        base[..4].copy_from_slice(&[size as u8, (size >> 8) as u8, 1, 9]);
        let attrs = list["attrs"].as_array().expect("attrs");
        base[4..8].copy_from_slice(&(attrs.len() as u32).to_le_bytes());
        let mut items = HashMap::new();
        for a in attrs {
            let at = |k: &str| a[k].as_u64().expect("a number") as usize;
            let enc = u64::from_str_radix(a["enc"].as_str().expect("enc").trim_start_matches("0x"), 16).expect("hex");
            base[at("enc_offset")..at("enc_offset") + 8].copy_from_slice(&enc.to_le_bytes());
            let element = attribute_size(enc);
            let name = a["name"].as_str().expect("name").to_lowercase();
            items.insert(name, Item { offset: at("value_offset"), element, count: at("count") });
        }
        Table { revision: (1, 9), size, items, base }
    }

    pub fn put(&self, bytes: &mut [u8], name: &str, index: usize, value: u64) {
        if let Some(i) = self.items.get(name).filter(|i| index < i.count) {
            let at = i.offset + index * i.element;
            bytes[at..at + i.element].copy_from_slice(&value.to_le_bytes()[..i.element]);
        }
    }
}

/// Bytes of one value of a 1.9 attribute.
pub fn attribute_size(encoding: u64) -> usize {
    1 << ((encoding >> 20 & 0xF) / 2)
}

/// The facts give sizes for the fields that matter and offsets for all. The others have the size that struct members of
/// the same name have in libamd_smi's own copy of the table, or else reach to the next field.
fn add_unlisted(items: &mut HashMap<String, Item>, v: &Value, size: usize) {
    let Some(all) = v["all_field_offsets"].as_object() else { return };
    let mut ends: Vec<usize> = all.values().filter_map(Value::as_u64).map(|o| o as usize).collect();
    ends.push(size);
    ends.sort_unstable();
    let known = crate::facts::Layout::amdsmi("amdsmi_gpu_metrics_t", "26.5-header", None);
    for (name, offset) in all {
        if items.contains_key(name) || name.starts_with("padding") || name == "xcp_stats" {
            continue;
        }
        let offset = offset.as_u64().unwrap_or(0) as usize;
        let room = ends.iter().find(|e| **e > offset).map_or(0, |e| e - offset);
        let like = known.as_ref().and_then(|l| l.fields.get(name).or_else(|| l.fields.get(&format!("{name}s"))));
        let element = like.map_or(room, |f| f.element).min(room);
        if element.is_power_of_two() && element <= 8 {
            // A scalar in the library's copy is an array here only where the plural exists (current_socclk[4]).
            let plural = known.as_ref().and_then(|l| l.fields.get(&format!("{name}s")));
            let count = match (plural, like) {
                (Some(p), _) if room >= p.size => p.size / p.element,
                (_, Some(f)) if f.size > f.element => (f.size / f.element).min(room / element),
                _ => 1,
            };
            items.insert(name.clone(), Item { offset, element, count });
        }
    }
}
