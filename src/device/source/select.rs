//! Chooses the source of a GPU's readings. `gpu_metrics` and hwmon are read wherever they serve: libamd_smi formats the same
//! files, ~1000x slower, and the path of a file names the PCI address, so it cannot be another GPU's.

use super::amdsmi::{AmdsmiSource, ENERGY_CALL};
use super::error::SourceError;
use super::sysfs::{SysfsSource, METRICS};
use crate::device::snapshot::Reading;
use crate::device::staleness::StalenessDetector;
use crate::error::{Error, Kind, Result};
use crate::platform::log;
use crate::platform::pci::PciAddress;
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::{Implausible, SysfsError};
use std::path::Path;
use std::sync::Arc;

/// Where readings are to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// sysfs, but for what only libamd_smi has.
    Auto,
    Amdsmi,
    Sysfs,
}

/// Where they come from.
#[allow(clippy::large_enum_variant)] // One a GPU, never moved after the device is constructed.
pub enum Source {
    Sysfs(SysfsSource),
    Amdsmi(AmdsmiSource),
}

impl Source {
    #[must_use]
    pub fn backend(&self) -> Backend {
        match self {
            Source::Sysfs(_) => Backend::Sysfs,
            Source::Amdsmi(amdsmi) if amdsmi.is_hung() => Backend::Sysfs,
            Source::Amdsmi(_) => Backend::Amdsmi,
        }
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        match self {
            Source::Sysfs(sysfs) => sysfs.reading(staleness, temperature),
            Source::Amdsmi(amdsmi) => amdsmi.reading(staleness, temperature),
        }
    }

    /// Why a count of 0 is none.
    #[must_use]
    pub fn no_energy(&self) -> SourceError {
        let file = match self {
            Source::Sysfs(_) => METRICS,
            Source::Amdsmi(_) => ENERGY_CALL,
        };
        SourceError::Sysfs { file, error: SysfsError::Implausible(Implausible::NoEnergy) }
    }

    /// Whether the GPU reports power or energy of its own: of two dies only the primary one does. `None` while it cannot be
    /// read. Fails if this process lacks descriptors or memory.
    pub fn reports_power_or_energy(&self) -> Result<Option<bool>> {
        let r = self.reading(&StalenessDetector::default(), false);
        if let (Err(Kind::NoMemory), false) = (r.energy, r.powers.any()) {
            return Err(Error::exhausted("the readings of a die".into()));
        }
        Ok(match r.energy {
            _ if r.powers.any() => Some(true),
            Ok(energy) => Some(energy.accumulator > 0),
            Err(Kind::NotSupported | Kind::UnexpectedData) => Some(false),
            Err(_) => None,
        })
    }
}

/// The source that `backend` asks for. `Auto` takes libamd_smi only for an energy counter or a power that sysfs lacks.
#[must_use]
pub fn select(
    backend: Backend,
    pci: &PciAddress,
    folder: &Path,
    hwmon: &Arc<Hwmon>,
    amdsmi: Option<&AmdsmiSource>,
) -> Source {
    let sysfs = SysfsSource::new(folder, hwmon.clone());
    match (backend, amdsmi) {
        (Backend::Amdsmi, Some(amdsmi)) => Source::Amdsmi(amdsmi.clone()),
        // libamd_smi of ROCm 6.0 answers with old values for ever.
        (Backend::Auto, Some(amdsmi)) if !amdsmi.caches_forever() => match only_in_amdsmi(&sysfs, amdsmi) {
            Some(what) => {
                log::info(|| format!("{pci}: read by libamd_smi, because sysfs has no {what}"));
                Source::Amdsmi(amdsmi.clone())
            }
            None => {
                log::info(|| format!("{pci}: read from gpu_metrics and hwmon"));
                Source::Sysfs(sysfs)
            }
        },
        _ => Source::Sysfs(sysfs),
    }
}

/// What libamd_smi has and sysfs has not. What sysfs cannot read at the moment it is not short of.
fn only_in_amdsmi(sysfs: &SysfsSource, amdsmi: &AmdsmiSource) -> Option<&'static str> {
    let of_sysfs = sysfs.reading(&StalenessDetector::default(), false);
    let is_transient = |k: Kind| matches!(k, Kind::Busy | Kind::Io | Kind::DeviceLost | Kind::NoMemory);
    if of_sysfs.energy.is_ok() || of_sysfs.energy.is_err_and(is_transient) {
        return None;
    }
    let of_amdsmi = amdsmi.reading(&StalenessDetector::default(), false);
    if of_amdsmi.energy.is_ok_and(|e| e.accumulator > 0) && of_amdsmi.stale_ms.is_none() {
        Some("energy counter")
    } else {
        (of_amdsmi.powers.any() && !of_sysfs.powers.any()).then_some("power")
    }
}
