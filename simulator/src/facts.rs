//! The layouts and tables of `simulator/vendor-data`: everything that is written byte for byte is looked up here by name.

use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::Value;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("a facts file is valid JSON")
}

/// Structs of libamd_smi by release.
pub fn amdsmi_layouts() -> &'static Value {
    static V: OnceLock<Value> = OnceLock::new();
    V.get_or_init(|| {
        let mut all = parse(include_str!("../vendor-data/amdsmi-layouts.json"));
        let more = parse(include_str!("../vendor-data/amdsmi-od-layouts.json"));
        let structs = all["structs"].as_object_mut().expect("structs");
        for (name, layout) in more["structs"].as_object().expect("structs") {
            structs.insert(name.clone(), layout.clone());
        }
        all
    })
}

/// The tables of the kernel's gpu_metrics file by revision.
pub fn gpu_metrics() -> &'static Value {
    static V: OnceLock<Value> = OnceLock::new();
    V.get_or_init(|| parse(include_str!("../vendor-data/gpu-metrics.json")))
}

pub fn amdsmi_enums() -> &'static Value {
    static V: OnceLock<Value> = OnceLock::new();
    V.get_or_init(|| parse(include_str!("../vendor-data/amdsmi-enums.json")))
}

/// One member of a struct.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub offset: usize,
    pub size: usize,
    /// Bytes of one element for arrays of numbers, else the size.
    pub element: usize,
}

/// A struct of one release.
#[derive(Debug, Clone)]
pub struct Layout {
    pub size: usize,
    pub fields: HashMap<String, Field>,
}

/// Names of all structs.
pub fn amdsmi_structs() -> impl Iterator<Item = &'static str> {
    amdsmi_layouts()["structs"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())
}

impl Layout {
    /// The layout of `name` in the release known to the facts as `version`, or with the given id.
    pub fn amdsmi(name: &str, version: &str, id: Option<&str>) -> Option<Layout> {
        let s = &amdsmi_layouts()["structs"][name];
        let id = match id {
            Some(id) => id,
            None => s["by_version"][version].as_str()?,
        };
        let layout = s["layouts"].as_array()?.iter().find(|l| l["id"] == id)?;
        let mut fields = HashMap::new();
        for f in layout["fields"].as_array()? {
            // Bit fields have no offset of their own.
            let (Some(offset), Some(size)) = (f["offset"].as_u64(), f["size"].as_u64()) else { continue };
            let (offset, size) = (offset as usize, size as usize);
            let element = element_size(f["type"].as_str().unwrap_or(""), size);
            fields.insert(f["name"].as_str()?.to_string(), Field { offset, size, element });
        }
        Some(Layout { size: layout["size"].as_u64()? as usize, fields })
    }
}

/// `uint16_t[4]` of 8 bytes has elements of 2.
fn element_size(kind: &str, size: usize) -> usize {
    let base = kind.split('[').next().unwrap_or("");
    match base {
        "uint8_t" | "char" | "_Bool" => 1,
        "uint16_t" => 2,
        "uint32_t" => 4,
        "uint64_t" | "int64_t" => 8,
        _ => size,
    }
}

/// The name of a status value, e.g. 2 → AMDSMI_STATUS_NOT_SUPPORTED.
pub fn status_name(status: u32) -> Option<&'static str> {
    amdsmi_enums()["status_by_value"]
        .as_array()?
        .iter()
        .find(|s| s["value"].as_u64() == Some(status.into()))
        .and_then(|s| s["names"][0]["name"].as_str())
}
