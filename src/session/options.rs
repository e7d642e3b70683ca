//! The options of a session, and the environment variables that are their defaults.

use crate::amdsmi::search_path::{locate, Located, SearchPaths};
use crate::device::Backend;
use crate::energy::ResolutionChoice;
use crate::error::{Error, Result};
use crate::platform::fork;
use crate::sysfs;
use crate::topology::visibility::Masks;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How energy counters are validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// Until the state is decided, at most half a second.
    Adaptive,
    /// As adaptive, in the background of the open session.
    Background,
    /// Zeus's check of half a second.
    Fixed,
    Off,
}

/// The options of a session.
#[derive(Debug, Clone)]
pub struct Options {
    /// `None`: from the environment, or `Auto`.
    pub backend: Option<Backend>,
    pub amdsmi_path: Option<PathBuf>,
    pub ensure_homogeneous: bool,
    pub validation: Validation,
    pub energy_resolution: ResolutionChoice,
    pub init_timeout: Duration,
    pub shutdown_on_close: bool,
    /// Visibility masks of another process; `None`: those of this process's environment.
    pub masks: Option<Masks>,
    /// ROCm release (major, minor) of the application; `None`: detected.
    pub runtime_version: Option<[u32; 2]>,
    /// An empty mask is an error, as in Zeus, instead of a session without GPUs.
    pub empty_mask_is_error: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            backend: None,
            amdsmi_path: None,
            ensure_homogeneous: false,
            validation: Validation::Adaptive,
            energy_resolution: ResolutionChoice::default(),
            init_timeout: Duration::from_secs(10),
            shutdown_on_close: false,
            masks: None,
            runtime_version: None,
            empty_mask_is_error: false,
        }
    }
}

/// An environment variable that selects a library or a file. Ignored in a program with raised privileges.
fn variable(name: &str) -> Option<OsString> {
    let trusted = !fork::is_privileged_start();
    trusted.then(|| std::env::var_os(name)).flatten().filter(|v| !v.is_empty())
}

/// The search path from the options and the environment.
pub(super) fn places(options: &Options) -> SearchPaths {
    let env = variable;
    SearchPaths {
        option: options.amdsmi_path.clone(),
        zeus_amd_amdsmi: env("ZEUS_AMD_AMDSMI"),
        amdsmi_lib_dir: env("AMDSMI_LIB_DIR"),
        amdsmi_lib_override: env("AMDSMI_LIB_OVERRIDE"),
        rocm_path: env("ROCM_PATH"),
        rocm_home: env("ROCM_HOME"),
        virtual_env: env("VIRTUAL_ENV"),
        root: env("ZEUS_AMD_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from),
    }
}

/// The backend from the options, from ZEUS_AMD_BACKEND, or the default.
pub(super) fn backend(options: &Options) -> Result<Backend> {
    let Some(text) = variable("ZEUS_AMD_BACKEND").filter(|_| options.backend.is_none()) else {
        return Ok(options.backend.unwrap_or(Backend::Auto));
    };
    match text.to_str() {
        Some("auto") => Ok(Backend::Auto),
        Some("amdsmi") => Ok(Backend::Amdsmi),
        Some("sysfs") => Ok(Backend::Sysfs),
        _ => Err(Error::InvalidArgument(format!("ZEUS_AMD_BACKEND is {text:?}; it must be auto, amdsmi or sysfs"))),
    }
}

/// Checks whether a session can be opened, without loading libamd_smi.
pub fn probe(options: &Options) -> Result<()> {
    let places = places(options);
    sysfs::drm::require_a_card(&places.root)?;
    if backend(options)? != Backend::Amdsmi {
        // sysfs is sufficient.
        return Ok(());
    }
    match locate(&places)? {
        Located::File(path) => require_elf(&path),
        // Only loading shows whether the dynamic loader finds the library.
        Located::Loader(_) => Ok(()),
    }
}

fn require_elf(path: &Path) -> Result<()> {
    let mut head = [0_u8; 20];
    let invalid = |why: String| Error::LibraryInvalid { path: path.display().to_string(), why };
    // A file that is too short leaves zeros, which are not a valid header.
    let _ = std::fs::File::open(path).map_err(|e| invalid(e.to_string()))?.read(&mut head);
    // A 64-bit shared object (type 3) for this architecture (EM_X86_64 or EM_AARCH64).
    let machine = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
    if head.starts_with(b"\x7fELF\x02") && head[16] == 3 && u16::from_le_bytes([head[18], head[19]]) == machine {
        return Ok(());
    }
    Err(invalid("it is not a shared library for this machine".into()))
}
