//! hwmon: the power and the cap, where libamd_smi's own numbers cannot be trusted.

use super::text;
use std::path::{Path, PathBuf};

/// The hwmon folder of one GPU.
#[derive(Debug, Clone)]
pub struct Hwmon(PathBuf);

impl Hwmon {
    #[must_use]
    pub fn find(device: &Path) -> Option<Hwmon> {
        let entries = std::fs::read_dir(device.join("hwmon")).ok()?;
        let mut folders = entries.filter_map(|e| Some(e.ok()?.path()));
        folders.find(|f| text(&f.join("name")).as_deref() == Some("amdgpu")).map(Hwmon)
    }

    fn number(&self, file: &str) -> Option<u64> {
        text(&self.0.join(file))?.parse().ok()
    }

    /// Instant socket power (MI300 and later), in µW.
    #[must_use]
    pub fn power_input_uw(&self) -> Option<u64> {
        self.number("power1_input")
    }

    /// Average socket power (MI200 and earlier), in µW.
    #[must_use]
    pub fn power_average_uw(&self) -> Option<u64> {
        self.number("power1_average")
    }

    /// The file of the power cap, which also takes a new one.
    #[must_use]
    pub fn power_cap_file(&self) -> PathBuf {
        self.0.join("power1_cap")
    }

    /// The current power cap, in µW.
    #[must_use]
    pub fn power_cap_uw(&self) -> Option<u64> {
        self.number("power1_cap").filter(|v| *v != 0)
    }
}
