//! Small text files, and the folder of a PCI device.

use crate::platform::pci::PciAddress;
use std::path::{Path, PathBuf};

/// The text of a file without trailing whitespace; `None` if it cannot be read.
#[must_use]
pub fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}

/// The folder of a PCI device: by its address, or in an incomplete tree through the DRM card that links to it.
#[must_use]
pub fn pci_device(root: &Path, address: &PciAddress) -> PathBuf {
    let name = address.to_string();
    let direct = root.join("sys/bus/pci/devices").join(&name);
    if direct.exists() {
        return direct;
    }
    let cards = std::fs::read_dir(root.join("sys/class/drm")).into_iter().flatten();
    let devices = cards.filter_map(|entry| entry.ok()?.path().join("device").canonicalize().ok());
    let has_name = |device: &PathBuf| device.file_name().is_some_and(|n| n.to_str() == Some(&name));
    devices.into_iter().find(has_name).unwrap_or(direct)
}

/// The PCI device id, which the kernel prints as "0x74a1".
#[must_use]
pub fn device_id(device: &Path) -> Option<u16> {
    let text = text(&device.join("device"))?;
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// The GPU at function 0 of this slot is split into compute partitions.
#[must_use]
pub fn is_partitioned(root: &Path, address: &PciAddress) -> bool {
    let first = PciAddress { function: 0, ..*address };
    text(&pci_device(root, &first).join("current_compute_partition"))
        .is_some_and(|mode| !mode.is_empty() && mode != "SPX")
}

/// The product name, if the driver gives one.
#[must_use]
pub fn product_name(device: &Path) -> Option<String> {
    text(&device.join("product_name")).filter(|t| !t.is_empty())
}
