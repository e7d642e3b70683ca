//! The KFD topology: the GPU nodes in HIP's order, and whether this process can open them.
//!
//! Source: drivers/gpu/drm/amd/amdkfd/kfd_topology.c; the rules of the runtime are those of libhsakmt's topology.c.

use super::drm;
use super::file::access;
use crate::error::{is_exhausted, Error, Result};
use crate::platform::files::{directory, if_present, name, readable_entries, text};
use crate::platform::pci::PciAddress;
use std::io;
use std::path::Path;

/// One GPU node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Node number in sysfs.
    pub number: u32,
    pub gpu_id: u64,
    pub pci: PciAddress,
    /// The partition number, if the driver stores it in the upper bits of `location_id`.
    pub partition_bits: u32,
    pub unique_id: u64,
    pub device_id: u16,
    pub render_minor: u32,
    /// Doorbell type in KFD's capability word (`HSA_CAP_DOORBELL_TYPE_*`; 2: gfx9 and later).
    pub doorbell: Option<u8>,
    /// Instruction set, such as 90402 for gfx942.
    pub gfx_target: Option<u32>,
    /// The node at the other end of the XGMI link with the highest bandwidth: the other die of the package, if any.
    pub xgmi_peer: Option<u32>,
    pub access: Access,
}

/// Access to the node's render device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Open,
    /// In its place is another device, such as /dev/null in a container that masks it. The runtime opens that; whether it
    /// counts the GPU is not known.
    OtherDevice,
    /// The device file does not exist: the runtime skips the GPU.
    Missing,
    /// Access is denied (EACCES or another error): the runtime shows no GPU at all.
    Refused,
}

/// The GPU nodes of the KFD topology.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KfdNodes {
    /// There is no KFD topology.
    Absent,
    /// A file that the runtime needs cannot be read; the runtime shows no GPU.
    Unreadable(String),
    /// The nodes in ascending order, the numbers of those that a device cgroup hides, and whether `/dev/kfd` exists, without
    /// which the runtime shows no GPU.
    Nodes { gpus: Vec<Node>, hidden: Vec<u32>, has_device: bool },
}

/// Reads the topology.
pub fn read(root: &Path) -> Result<KfdNodes> {
    match read_nodes(root) {
        Err(Error::Io { path, source }) if is_refusal(&source) => Ok(KfdNodes::Unreadable(format!("{path}: {source}"))),
        nodes => nodes,
    }
}

/// A file that the runtime cannot use either. Any other failure says nothing about what the runtime shows.
fn is_refusal(e: &io::Error) -> bool {
    let is_text = e.kind() != io::ErrorKind::InvalidData;
    let refused = [libc::EACCES, libc::EPERM, libc::ENOENT, libc::ENOTDIR, libc::EISDIR, libc::ELOOP];
    !is_text || e.raw_os_error().is_some_and(|errno| refused.contains(&errno))
}

fn read_nodes(root: &Path) -> Result<KfdNodes> {
    let folder = root.join("sys/class/kfd/kfd/topology/nodes");
    let Some(all) = directory(&folder)? else { return Ok(KfdNodes::Absent) };
    let mut numbers: Vec<u32> = all.iter().filter_map(|path| name(path)?.parse().ok()).collect();
    numbers.sort_unstable();
    let (mut gpus, mut hidden) = (Vec::new(), Vec::new());
    for number in numbers {
        match node(root, &folder.join(number.to_string()), number) {
            Err(Error::Io { source, .. }) if source.raw_os_error() == Some(libc::EPERM) => hidden.push(number),
            node => gpus.extend(node?),
        }
    }
    let device = root.join("dev/kfd");
    let has_device = if_present(&device, access(&device))?.is_some();
    Ok(KfdNodes::Nodes { gpus, hidden, has_device })
}

/// `None` for a CPU node.
fn node(root: &Path, folder: &Path, number: u32) -> Result<Option<Node>> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|source| Error::io(path.display().to_string(), source))
    };
    let text = read("gpu_id")?;
    // Treating this as a CPU node would shift all later indices.
    let invalid = || Error::Io {
        path: folder.join("gpu_id").display().to_string(),
        source: io::Error::from(io::ErrorKind::InvalidData),
    };
    let gpu_id: u64 = text.trim().parse().map_err(|_| invalid())?;
    if gpu_id == 0 {
        return Ok(None);
    }
    let properties = read("properties")?;
    let value = |name: &str| number_of(&properties, name);
    if value("simd_count") == Some(0) {
        return Ok(None);
    }
    let domain = value("domain").unwrap_or(0) as u32;
    let (pci, partition_bits) = PciAddress::from_kfd(domain, value("location_id").unwrap_or(0) as u32);
    let render_minor = value("drm_render_minor").unwrap_or(0) as u32;
    Ok(Some(Node {
        number,
        gpu_id,
        pci,
        partition_bits,
        unique_id: value("unique_id").unwrap_or(0),
        device_id: value("device_id").unwrap_or(0) as u16,
        render_minor,
        doorbell: value("capability").map(|c| (c >> 12 & 3) as u8),
        gfx_target: value("gfx_target_version").map(|g| g as u32),
        xgmi_peer: xgmi_peer(folder)?,
        access: render_access(root, render_minor)?,
    }))
}

/// The value of a line "name value" in a properties file.
fn number_of(properties: &str, name: &str) -> Option<u64> {
    let line = properties.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// The other end of the XGMI link with the highest bandwidth, if it is unique.
fn xgmi_peer(folder: &Path) -> Result<Option<u32>> {
    // CRAT_IOLINK_TYPE_XGMI in drivers/gpu/drm/amd/amdkfd/kfd_crat.h.
    const XGMI: u64 = 11;
    let mut links = Vec::new();
    for link in readable_entries(&folder.join("io_links"))? {
        let Some(properties) = text(&link.join("properties"))? else { continue };
        let value = |name: &str| number_of(&properties, name);
        if value("type") == Some(XGMI) {
            links.extend(value("max_bandwidth").zip(value("node_to")));
        }
    }
    links.sort_unstable();
    Ok(match links[..] {
        [.., (second, _), (first, to)] if first > second => Some(to as u32),
        [(_, to)] => Some(to as u32),
        _ => None,
    })
}

/// Checks access without opening the device: opening it resumes a runtime-suspended GPU.
fn render_access(root: &Path, minor: u32) -> Result<Access> {
    if minor == 0 {
        return Ok(Access::Open);
    }
    let device = root.join(format!("dev/dri/renderD{minor}"));
    match access(&device) {
        Err(e) if e.raw_os_error() == Some(libc::EPERM) => Ok(Access::Missing),
        Err(e) if !is_exhausted(&e) && e.kind() != io::ErrorKind::NotFound => Ok(Access::Refused),
        known => match if_present(&device, known)? {
            None => Ok(Access::Missing),
            Some(()) if drm::is_other_device(&device)? => Ok(Access::OtherDevice),
            Some(()) => Ok(Access::Open),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_found_by_their_whole_name() {
        let text = "simd_count 304\nsimd_count_2 1\nunique_id 18446744073709551615\n";
        assert_eq!(number_of(text, "simd_count"), Some(304));
        assert_eq!(number_of(text, "simd"), None);
        assert_eq!(number_of(text, "unique_id"), Some(u64::MAX));
    }
}
