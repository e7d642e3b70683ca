//! The settings of one GPU, and where they are.

use super::clock_state::ClockRanges;
use super::writer::{SettingsFiles, SettingsWriter, POWER_LIMIT};
use crate::amdsmi::status::Status;
use crate::device::{AmdsmiSource, Identity, SourceError};
use crate::error::{Error, Kind, Result};
use crate::platform::sync::Mutex;
use crate::platform::{fork, log, pci::PciAddress};
use crate::sysfs::hwmon::Hwmon;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;

pub struct Controller {
    pub(super) identity: Identity,
    pub(super) files: SettingsFiles,
    /// `None`: settings are read and written through sysfs.
    pub(super) amdsmi: Option<AmdsmiSource>,
    /// libamd_smi writes the same files, but through a handle, which other code can make another GPU's: where the process
    /// may write the files, libamd_smi is not asked.
    pub(super) prefers_sysfs: bool,
    /// Locked during a change, so that it reads back its own values.
    pub(super) ranges: Mutex<ClockRanges>,
    /// How often a call of libamd_smi may have changed another GPU's setting.
    moved: AtomicU64,
    pub(super) warned_rounding: AtomicBool,
}

impl Controller {
    #[must_use]
    pub fn new(
        identity: Identity,
        folder: PathBuf,
        hwmon: Arc<Hwmon>,
        amdsmi: Option<AmdsmiSource>,
        prefers_sysfs: bool,
    ) -> Self {
        Controller {
            identity,
            files: SettingsFiles { folder, hwmon },
            amdsmi,
            prefers_sysfs,
            ranges: Mutex::default(),
            moved: AtomicU64::new(0),
            warned_rounding: AtomicBool::new(false),
        }
    }

    #[must_use]
    pub fn label(&self) -> String {
        self.identity.label()
    }

    #[must_use]
    pub fn pci(&self) -> PciAddress {
        self.identity.location.pci
    }

    /// The folder of the PCI device.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.files.folder
    }

    /// The file of the power cap, relative to that folder; empty where there is none.
    pub fn power_cap_file(&self) -> Result<PathBuf> {
        let file = match self.files.hwmon.power_cap_file() {
            Err(error) if error.kind() == Kind::NoMemory => {
                return Err(self.error(POWER_LIMIT, SourceError::Sysfs { file: "power1_cap", error }));
            }
            file => file.unwrap_or_default(),
        };
        Ok(file.strip_prefix(&self.files.folder).map(Path::to_owned).unwrap_or_default())
    }

    /// Setters of AMD's library return when the driver is done.
    #[must_use]
    pub fn supports_nonblocking_setters(&self) -> bool {
        false
    }

    /// Writes `what` through sysfs or libamd_smi.
    pub(super) fn writer(&self, what: &'static str) -> Result<SettingsWriter<'_>> {
        if self.prefers_sysfs && self.files.are_writable(what) {
            return Ok(self.sysfs_writer());
        }
        self.amdsmi_writer(what)
    }

    /// Writes `what` as it was, on the first or the second attempt. Files come first, whatever the session's backend.
    pub(super) fn restoring_writer(&self, what: &'static str, is_first: bool) -> Result<SettingsWriter<'_>> {
        if self.files.are_writable(what) == is_first {
            return Ok(self.sysfs_writer());
        }
        self.amdsmi_writer(what)
    }

    fn sysfs_writer(&self) -> SettingsWriter<'_> {
        SettingsWriter { gpu: &self.identity, files: &self.files, amdsmi: None, moved: &self.moved }
    }

    /// Through libamd_smi, where there is one.
    fn amdsmi_writer(&self, what: &'static str) -> Result<SettingsWriter<'_>> {
        let call = self.amdsmi.as_ref().map(|a| a.call().map(|call| (a, call))).transpose();
        let amdsmi = call.map_err(|e| self.error(what, e))?;
        Ok(SettingsWriter { amdsmi, ..self.sysfs_writer() })
    }

    /// Runs a change of settings. That a call in it may have changed another GPU's is its error, whatever came of it.
    pub(super) fn reporting_moved(&self, change: impl FnOnce() -> Result<()>) -> Result<()> {
        let before = self.moved.load(Ordering::Relaxed);
        let done = change();
        let Some(amdsmi) = self.amdsmi.as_ref().filter(|_| self.moved.load(Ordering::Relaxed) != before) else {
            return done;
        };
        if matches!(&done, Err(Error::Vendor { code, .. }) if *code == Status::MOVED.0) {
            return done;
        }
        let mut moved = self.error("", amdsmi.failure("a setter of libamd_smi", Status::MOVED));
        if let (Error::Vendor { advice, .. }, Err(e)) = (&mut moved, done) {
            *advice += &format!("; and: {e}");
        }
        Err(moved)
    }

    pub(super) fn error(&self, what: &'static str, e: SourceError) -> Error {
        e.of(&self.identity, what)
    }

    /// Warns once, before the first setter, as Zeus does. Called without a lock: the application's log sink may call back.
    pub(super) fn warn_without_rights(&self) {
        static HAS_WARNED: AtomicBool = AtomicBool::new(false);
        if !fork::has_sys_admin() && !HAS_WARNED.swap(true, Ordering::Relaxed) {
            log::warning(|| {
                "this process lacks CAP_SYS_ADMIN; settings of AMD GPUs will most likely be refused".into()
            });
        }
    }
}
