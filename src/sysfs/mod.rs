//! All that knows the kernel's files, under one root directory.

pub mod drm;
mod error;
pub mod gpu_metrics;
pub mod hwmon;
pub mod kfd;
pub mod pp_dpm;
pub mod pp_od;
mod write;

pub use error::SysfsError;
pub use write::SysfsWrite;

use crate::platform::pci::PciAddress;
use std::path::{Path, PathBuf};

/// A file's text without the newline at its end; `None` if it cannot be read.
pub(crate) fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim_end().to_owned())
}

/// The folder of a PCI device: by its address, or in a tree that is not complete by the card that leads to it.
#[must_use]
pub fn pci_device(root: &Path, address: &PciAddress) -> PathBuf {
    let name = address.to_string();
    let direct = root.join("sys/bus/pci/devices").join(&name);
    if direct.exists() {
        return direct;
    }
    let cards = std::fs::read_dir(root.join("sys/class/drm")).into_iter().flatten();
    let devices = cards.filter_map(|e| e.ok()?.path().join("device").canonicalize().ok());
    let by_card = |d: &PathBuf| d.file_name().is_some_and(|n| n.to_str() == Some(&name));
    devices.into_iter().find(by_card).unwrap_or(direct)
}

/// The PCI device id, as the kernel prints it: "0x74a1".
#[must_use]
pub fn device_id(device: &Path) -> Option<u16> {
    let text = text(&device.join("device"))?;
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Is the GPU in this slot, by its function 0, split into partitions?
#[must_use]
pub fn is_partitioned(root: &Path, address: &PciAddress) -> bool {
    let whole = PciAddress { function: 0, ..*address };
    text(&pci_device(root, &whole).join("current_compute_partition"))
        .is_some_and(|mode| !mode.is_empty() && mode != "SPX")
}

/// The product name that the driver gives a card, where it gives one.
#[must_use]
pub fn product_name(device: &Path) -> Option<String> {
    text(&device.join("product_name")).filter(|t| !t.is_empty())
}
