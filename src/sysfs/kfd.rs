//! The KFD topology: the order in which HIP counts GPUs.

use super::text;
use crate::pci::PciAddress;
use std::path::Path;

/// One GPU node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number in sysfs.
    pub number: u32,
    pub gpu_id: u64,
    pub pci: PciAddress,
    /// The partition number, where the driver keeps it in the upper bits of the location.
    pub partition_bits: u32,
    pub unique_id: u64,
    pub device_id: u16,
    pub render_minor: u32,
}

/// All GPU nodes in ascending order of their number; `None` where there is no KFD.
#[must_use]
pub fn gpu_nodes(root: &Path) -> Option<Vec<Node>> {
    let folder = root.join("sys/class/kfd/kfd/topology/nodes");
    let entries = std::fs::read_dir(&folder).ok()?;
    let mut numbers: Vec<u32> = entries.filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    Some(numbers.into_iter().filter_map(|n| gpu_node(&folder.join(n.to_string()), n)).collect())
}

/// `None` for a CPU node, or one that this process may not read.
fn gpu_node(folder: &Path, number: u32) -> Option<Node> {
    let gpu_id = text(&folder.join("gpu_id"))?.parse().ok().filter(|id| *id != 0)?;
    let properties = text(&folder.join("properties"))?;
    let value = |name: &str| -> Option<u64> {
        let line = properties.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse().ok()
    };
    value("simd_count").filter(|n| *n != 0)?;
    let domain = u32::try_from(value("domain").unwrap_or(0)).ok()?;
    let (pci, partition_bits) = PciAddress::from_kfd(domain, u32::try_from(value("location_id")?).ok()?);
    Some(Node {
        number,
        gpu_id,
        pci,
        partition_bits,
        unique_id: value("unique_id").unwrap_or(0),
        device_id: value("device_id").unwrap_or(0) as u16,
        render_minor: value("drm_render_minor").unwrap_or(0) as u32,
    })
}
