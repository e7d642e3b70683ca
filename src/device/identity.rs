//! What a GPU is. Complete before the device is constructed, and never changed afterwards.

use crate::energy::EnergyResolution;
use crate::error::{Error, Result};
use crate::topology::{GpuLocation, Role};

const A_PARTITION: &str = "it is a partition of a package that is measured as a whole, by its first partition";

#[derive(Debug, Clone)]
pub struct Identity {
    /// Index in the session, which is HIP's.
    pub index: usize,
    /// Market name; empty if neither libamd_smi nor the driver has one.
    pub name: String,
    pub location: GpuLocation,
    pub device_id: Option<u16>,
    /// The kernel states how much energy one count of the counter stands for.
    pub states_resolution: bool,
    /// HIP's index if nothing were masked.
    pub unmasked_index: Option<u32>,
    pub role: Role,
    /// For a GPU without power and energy of its own: the GPU that reports them, for error texts.
    pub measured_by: Option<String>,
    /// Equal for all GPUs that share one energy counter.
    pub package: String,
    /// The package has other GPUs, in this session or not.
    pub shares_package: bool,
    /// Where the first partition is not in the session: the GPU that reads the files of the package in its place.
    pub package_reader: Option<usize>,
}

impl Identity {
    /// The GPU in error and log texts.
    #[must_use]
    pub fn label(&self) -> String {
        let name = if self.name.is_empty() { "unnamed" } else { &self.name };
        format!("GPU {} ({name}, {})", self.index, self.location.pci)
    }

    /// It reads the files of the package, and is not its first partition.
    #[must_use]
    #[inline]
    pub fn reads_for_package(&self) -> bool {
        self.package_reader == Some(self.index)
    }

    /// The same for what is read: with the first partition, where it is read from that one's files.
    #[must_use]
    pub fn label_of_files(&self) -> String {
        if self.reads_for_package() {
            let first = self.location.pci.first_function();
            format!("{}, from the files of the first partition ({first})", self.label())
        } else {
            self.label()
        }
    }

    /// The resolution that is used where one is wanted: the firmware's only if the kernel states it.
    #[must_use]
    pub fn resolution(&self, wanted: EnergyResolution) -> EnergyResolution {
        if self.states_resolution {
            wanted
        } else {
            EnergyResolution::Reported
        }
    }

    /// Power and energy of the package are reported by another GPU.
    #[must_use]
    pub fn is_secondary(&self) -> bool {
        !self.reads_for_package() && matches!(self.role, Role::SecondaryDie { .. } | Role::SecondaryPartition { .. })
    }

    /// A GPU whose package is measured by another one refuses power and energy and names that one.
    #[inline]
    pub fn check_measured(&self, what: &'static str) -> Result<()> {
        match self.package_reader {
            _ if self.reads_for_package() => Ok(()),
            Some(reader) => Err(self.measured_by_reader(what, reader)),
            None => self.check_own_power(what),
        }
    }

    #[cold]
    fn measured_by_reader(&self, what: &'static str, reader: usize) -> Error {
        let by = self.measured_by.as_deref().map_or("an unknown GPU", |by| by.trim_end_matches(','));
        self.not_supported(
            what,
            &format!(
                "{A_PARTITION}; in this session GPU {reader} has it, for all of the package, from the files of {by}"
            ),
        )
    }

    /// One limit a package, which is its first GPU's.
    #[inline]
    pub fn check_own_power(&self, what: &'static str) -> Result<()> {
        match self.role {
            Role::Single | Role::PrimaryDie => Ok(()),
            Role::SecondaryDie { .. } => {
                Err(self.measured_elsewhere(what, "it is the secondary die of its package and has none of its own"))
            }
            Role::SecondaryPartition { .. } => Err(self.measured_elsewhere(what, A_PARTITION)),
        }
    }

    /// A partition's clocks are its package's; each die has its own.
    pub fn check_own_clocks(&self, what: &'static str) -> Result<()> {
        match self.role {
            Role::SecondaryPartition { .. } => self.check_own_power(what),
            _ => Ok(()),
        }
    }

    #[cold]
    fn measured_elsewhere(&self, what: &'static str, why: &str) -> Error {
        let by = self.measured_by.as_deref().unwrap_or("an unknown GPU");
        self.not_supported(what, &format!("{why}; {by} has it, for all of the package"))
    }

    #[must_use]
    pub fn not_supported(&self, what: &'static str, why: &str) -> Error {
        Error::NotSupported { device: self.label(), what, why: why.to_owned() }
    }
}

/// The kernel states 2^-16 J per count for MI200 ("15.259uJ resolution", inc/pmfw_if/smu13_driver_if_aldebaran.h) and for
/// MI300 and later ("Energy counter reported in 15.259uJ (2^-16) units", smu13/smu_v13_0_6_ppt.c; MI400, which is gfx12.5:
/// smu15/smu_v15_0_8_ppt.c), and for no other GPU.
/// <https://github.com/torvalds/linux/tree/master/drivers/gpu/drm/amd/pm/swsmu>
#[must_use]
pub fn states_resolution(gfx_target: Option<u32>, device_id: Option<u16>) -> bool {
    match (gfx_target, device_id) {
        (Some(gfx), _) => gfx == 90_010 || (90_400..100_000).contains(&gfx) || (120_500..120_600).contains(&gfx),
        (None, Some(id)) => matches!(id, 0x7408 | 0x740C | 0x740F | 0x7410 | 0x74A0..=0x74BF | 0x75A0..=0x75BF),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_whose_resolution_the_kernel_states() {
        for gfx in [90_010, 90_402, 90_500, 120_500, 120_501] {
            assert!(states_resolution(Some(gfx), None), "{gfx}");
        }
        // MI50, MI100, RDNA2, RDNA3, RDNA4.
        for gfx in [90_006, 90_008, 100_300, 110_000, 120_000, 120_001] {
            assert!(!states_resolution(Some(gfx), None), "{gfx}");
        }
    }
}
