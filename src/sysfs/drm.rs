//! `/sys/class/drm`: the cards of AMD.

use super::file::text;
use crate::error::{Error, Result};
use crate::platform::pci::PciAddress;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Matches "card0", but not its connectors ("card0-DP-1").
fn is_card(name: &str) -> bool {
    name.strip_prefix("card").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// The PCI addresses of AMD's cards, each device once.
#[must_use]
pub fn amd_cards(root: &Path) -> Vec<PciAddress> {
    let cards = std::fs::read_dir(root.join("sys/class/drm")).into_iter().flatten();
    let address = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        is_card(entry.file_name().to_str()?).then_some(())?;
        let device = entry.path().join("device").canonicalize().ok()?;
        (text(&device.join("vendor")).as_deref() == Some("0x1002")).then_some(())?;
        PciAddress::parse(device.file_name()?.to_str()?)
    };
    let mut found: Vec<PciAddress> = cards.filter_map(address).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Fails if there is no card. Checked before `amdsmi_init`, which in ROCm 6.2 to 6.3.3 counts to 2^32 without one
/// (`GetNumberOfMonitors` in rocm_smi/src/rocm_smi_main.cc).
pub fn require_a_card(root: &Path) -> Result<()> {
    let folder = root.join("sys/class/drm");
    let entries = std::fs::read_dir(&folder);
    let any = entries.is_ok_and(|mut e| e.any(|e| e.is_ok_and(|e| e.file_name().to_str().is_some_and(is_card))));
    if any {
        return Ok(());
    }
    let shown = folder.display();
    if root.join("sys/module/amdgpu").exists() {
        Err(Error::NoDevice(format!(
            "{shown} has no card*, although amdgpu is loaded; pass /dev/dri and /sys into the container, or check the kernel log (amdsmi_init was not called, because it hangs without a card in some ROCm releases)"
        )))
    } else {
        Err(Error::DriverNotLoaded(format!(
            "{shown} has no card* and /sys/module/amdgpu is missing; this machine has no AMD GPU, or needs 'modprobe amdgpu'"
        )))
    }
}

/// Fails if a render node is no DRM device, such as /dev/null in a container that masks it: `amdsmi_init` of some releases
/// then ends the process.
pub fn require_render_nodes(root: &Path) -> Result<()> {
    /// Documentation/admin-guide/devices.txt
    const DRM_MAJOR: u32 = 226;
    let nodes = std::fs::read_dir(root.join("dev/dri")).into_iter().flatten().filter_map(|e| Some(e.ok()?.path()));
    let is_render = |path: &Path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("renderD"));
    let is_drm = |path: &Path| {
        // One that cannot be examined cannot be opened by libamd_smi either.
        std::fs::metadata(path).map_or(true, |m| m.file_type().is_char_device() && libc::major(m.rdev()) == DRM_MAJOR)
    };
    match nodes.into_iter().find(|path| is_render(path) && !is_drm(path)) {
        None => Ok(()),
        Some(path) => Err(Error::RenderNode { path: path.display().to_string() }),
    }
}
