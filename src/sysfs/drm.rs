//! `/sys/class/drm`: the cards of AMD.

use crate::error::{Error, Result};
use crate::platform::files::{entries, exists, if_readable, name, readable_entries, text};
use crate::platform::pci::PciAddress;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Matches "card0", but not its connectors ("card0-DP-1").
fn is_card(name: &str) -> bool {
    name.strip_prefix("card").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// The PCI addresses of AMD's cards, each device once.
pub fn amd_cards(root: &Path) -> Result<Vec<PciAddress>> {
    let mut found = Vec::new();
    for card in cards(root)? {
        let link = card.join("device");
        let Some(device) = if_readable(&link, link.canonicalize())? else { continue };
        if text(&device.join("vendor"))?.as_deref() == Some("0x1002") {
            found.extend(name(&device).and_then(PciAddress::parse));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn cards(root: &Path) -> Result<Vec<PathBuf>> {
    let mut all = entries(&root.join("sys/class/drm"))?;
    all.retain(|path| name(path).is_some_and(is_card));
    Ok(all)
}

/// Fails if there is no card. Checked before `amdsmi_init`, which in ROCm 6.2 to 6.3.3 counts to 2^32 without one
/// (`GetNumberOfMonitors` in rocm_smi/src/rocm_smi_main.cc).
pub fn require_a_card(root: &Path) -> Result<()> {
    if !cards(root)?.is_empty() {
        return Ok(());
    }
    let folder = root.join("sys/class/drm");
    let shown = folder.display();
    if exists(&root.join("sys/module/amdgpu"))? {
        Err(Error::NoDevice(format!(
            "{shown} has no card*, although amdgpu is loaded; pass /dev/dri and /sys into the container, or check the kernel log (amdsmi_init was not called, because it hangs without a card in some ROCm releases)"
        )))
    } else {
        Err(Error::DriverNotLoaded(format!(
            "{shown} has no card* and /sys/module/amdgpu is missing; this machine has no AMD GPU, or needs 'modprobe amdgpu'"
        )))
    }
}

/// Documentation/admin-guide/devices.txt
const DRM_MAJOR: u32 = 226;

/// Whether a file is a device, and not of DRM.
pub fn is_other_device(path: &Path) -> Result<bool> {
    let metadata = if_readable(path, std::fs::metadata(path))?;
    Ok(metadata.is_some_and(|m| m.file_type().is_char_device() && libc::major(m.rdev()) != DRM_MAJOR))
}

/// Fails if a render node is no DRM device, such as /dev/null in a container that masks it: `amdsmi_init` of some releases
/// then ends the process.
pub fn require_render_nodes(root: &Path) -> Result<()> {
    for path in readable_entries(&root.join("dev/dri"))? {
        if !name(&path).is_some_and(|n| n.starts_with("renderD")) {
            continue;
        }
        // One that cannot be examined cannot be opened by libamd_smi either.
        let metadata = if_readable(&path, std::fs::metadata(&path))?;
        if metadata.is_some_and(|m| !m.file_type().is_char_device() || libc::major(m.rdev()) != DRM_MAJOR) {
            return Err(Error::RenderNode { path: path.display().to_string() });
        }
    }
    Ok(())
}
