//! A look at `/sys/class/drm` before anybody calls `amdsmi_init`.

use crate::error::{Error, Result};
use std::path::Path;

/// Is there a card at all? Without one `amdsmi_init` of ROCm 6.2 to 6.3.3 counts to 2^32 before it returns.
pub fn require_a_card(root: &Path) -> Result<()> {
    let folder = root.join("sys/class/drm");
    let card =
        |name: &str| name.strip_prefix("card").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let entries = std::fs::read_dir(&folder);
    let any = entries.is_ok_and(|mut e| e.any(|e| e.is_ok_and(|e| e.file_name().to_str().is_some_and(card))));
    if any {
        return Ok(());
    }
    let shown = folder.display();
    if root.join("sys/module/amdgpu").exists() {
        Err(Error::NoDevice(format!(
            "{shown} has no card*, although amdgpu is loaded; pass /dev/dri and /sys into the container, or look at the kernel log (amdsmi_init was not called: with this tree some releases never return from it)"
        )))
    } else {
        Err(Error::DriverNotLoaded(format!(
            "{shown} has no card* and /sys/module/amdgpu is missing; this machine has no AMD GPU, or needs 'modprobe amdgpu'"
        )))
    }
}
