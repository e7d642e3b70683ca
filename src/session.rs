//! The open context: the GPUs of this process, in HIP's order.

mod enumerate;
mod validate;

use crate::amdsmi::locate::{locate, Found, Places};
use crate::amdsmi::{acquire, Library};
use crate::counter::EnergyUnit;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::guard::{Guard, Guards};
use crate::pci::Pattern;
use crate::sampler::{Sampler, Sampling};
use crate::topology::{Order, Zero};
use crate::visible::{self, Masks, Nothing, Rules};
use crate::window::Window;
use crate::worker::Worker;
use crate::{log, process, sysfs};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How energy counters are checked at open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
    /// As long as it takes to be sure, at most that half second.
    Adaptive,
    /// As adaptive, behind the open session.
    Background,
    /// Zeus's half second.
    Fixed,
    Off,
}

/// What a caller can choose.
#[derive(Debug, Clone)]
pub struct Options {
    pub amdsmi_path: Option<PathBuf>,
    pub ensure_homogeneous: bool,
    pub validation: Validation,
    pub energy_unit: EnergyUnit,
    pub init_timeout: Duration,
    pub shutdown_on_close: bool,
    /// The masks of another process; `None`: this one's environment.
    pub masks: Option<Masks>,
    pub rules: Rules,
    /// An empty mask fails the open, as Zeus has it, instead of making a session without GPUs.
    pub empty_mask_is_error: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            amdsmi_path: None,
            ensure_homogeneous: false,
            validation: Validation::Adaptive,
            energy_unit: EnergyUnit::default(),
            init_timeout: Duration::from_secs(10),
            shutdown_on_close: false,
            masks: None,
            rules: Rules::default(),
            empty_mask_is_error: false,
        }
    }
}

/// The environment, read once; a program with raised privileges is not told by it what to load.
fn places(options: &Options) -> Places {
    let trusted = !process::is_privileged_start();
    let env = |name| if trusted { std::env::var_os(name).filter(|v| !v.is_empty()) } else { None };
    Places {
        option: options.amdsmi_path.clone(),
        zeus_amd_amdsmi: env("ZEUS_AMD_AMDSMI"),
        amdsmi_lib_dir: env("AMDSMI_LIB_DIR"),
        rocm_path: env("ROCM_PATH"),
        root: env("ZEUS_AMD_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from),
    }
}

/// Could a session be opened? Loads nothing.
pub fn probe(options: &Options) -> Result<()> {
    let places = places(options);
    sysfs::drm::require_a_card(&places.root)?;
    match locate(&places)? {
        Found::File(path) => require_elf(&path),
        // Whether the loader knows one shows only when it is asked to load it.
        Found::Loader(_) => Ok(()),
    }
}

fn require_elf(path: &Path) -> Result<()> {
    let mut head = [0_u8; 20];
    let invalid = |why: String| Error::LibraryInvalid { path: path.display().to_string(), why };
    // What is too short for a header stays zero, and is none.
    let _ = std::fs::File::open(path).map_err(|e| invalid(e.to_string()))?.read(&mut head);
    // A shared object (type 3) of 64 bits for the machine that this code was built for.
    let machine = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
    if head.starts_with(b"\x7fELF\x02") && head[16] == 3 && u16::from_le_bytes([head[18], head[19]]) == machine {
        return Ok(());
    }
    Err(invalid("it is not a shared library for this machine".into()))
}

pub struct Session {
    mark: u64,
    pub library: &'static Library,
    pub words: [u32; 4],
    pub rocm: &'static str,
    pub order: Order,
    /// HIP's order is not certain.
    pub uncertain: bool,
    /// Why there is no GPU, if there is none.
    pub zero: Option<Zero>,
    pub energy_unit: EnergyUnit,
    explanation: String,
    devices: Arc<[Device]>,
    guards: Arc<Guards>,
    /// A check of the counters that may still go on.
    checking: Option<Worker>,
    sampler: Arc<Sampler>,
    lease: Arc<Lease>,
}

/// libamd_smi, in use by a session and by the windows that outlive it.
struct Lease {
    library: &'static Library,
    shut_down: bool,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.library.release(self.shut_down);
    }
}

impl Session {
    pub fn open(options: &Options) -> Result<Session> {
        let mark = process::mark();
        let places = places(options);
        sysfs::drm::require_a_card(&places.root)?;
        let (library, version) = acquire(&places, options.init_timeout)?;
        let lease = Arc::new(Lease { library, shut_down: options.shutdown_on_close });
        let (devices, listing) = enumerate::enumerate(library, version.generation, options, &places.root)?;
        let devices: Arc<[Device]> = devices.into();
        let mut session = Session {
            mark,
            library,
            words: version.words,
            rocm: version.generation.rocm,
            order: listing.order,
            uncertain: listing.uncertain,
            zero: listing.zero,
            energy_unit: options.energy_unit,
            explanation: enumerate::explanation(&listing, &devices),
            guards: Guards::new(devices.clone()),
            checking: None,
            sampler: Sampler::new(devices.clone()),
            devices,
            lease,
        };
        for line in session.explanation.lines() {
            log::emit(log::Level::Debug, || line.to_owned());
        }
        if options.empty_mask_is_error && session.zero == Some(Zero::Masked(Nothing::EmptyMask)) {
            return Err(Error::EmptyMask(session.explanation.trim_end().replace('\n', "; ")));
        }
        if options.ensure_homogeneous {
            session.ensure_homogeneous()?;
        }
        session.checking = validate::validate(&session.devices, options.validation)?;
        Ok(session)
    }

    fn ensure_homogeneous(&self) -> Result<()> {
        let Some(first) = self.devices.first() else { return Ok(()) };
        match self.devices.iter().find(|d| (&d.name, d.device_id) != (&first.name, first.device_id)) {
            None => Ok(()),
            Some(other) => Err(Error::Heterogeneous(format!(
                "{} and {} are not of one model, and the option ensure_homogeneous asks for that",
                first.label(),
                other.label()
            ))),
        }
    }

    /// Fails in a forked child, before any lock is touched.
    pub fn require_own_process(&self) -> Result<()> {
        if process::is(self.mark) {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }

    /// How environment and topology led to this list, a line each.
    #[must_use]
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// The GPU at a PCI address.
    pub fn find_by_pci(&self, text: &str) -> Result<u32> {
        let pattern = Pattern::parse(text).ok_or_else(|| {
            Error::InvalidArgument(format!("\"{text}\" is not a PCI address such as 0000:c1:00.0 or c1:00.0"))
        })?;
        self.find(text, |d| pattern.fits(&d.place.pci))
    }

    /// The GPU of a UUID.
    pub fn find_by_uuid(&self, text: &str) -> Result<u32> {
        let id = visible::parse_uuid(text)
            .ok_or_else(|| Error::InvalidArgument(format!("\"{text}\" is not a UUID such as GPU-4f2a1b9c00d1e2f3")))?;
        self.find(text, |d| d.place.node.as_ref().is_some_and(|n| n.unique_id == id))
    }

    fn find(&self, text: &str, fits: impl Fn(&Device) -> bool) -> Result<u32> {
        let mut hits = self.devices.iter().filter(|d| fits(d));
        match (hits.next(), hits.next()) {
            (Some(one), None) => Ok(one.index as u32),
            (None, _) => Err(Error::NotFound(format!(
                "no GPU of this session is \"{text}\": {}",
                self.explanation.trim_end().replace('\n', "; ")
            ))),
            (Some(one), Some(other)) => {
                Err(Error::Ambiguous(format!("\"{text}\" is more than one GPU: {} and {}", one.label(), other.label())))
            }
        }
    }

    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// Remembers the settings of all GPUs, to be put back at the end of the guard or of the session; with `watch` also
    /// when this process dies.
    pub fn begin_guard(&self, watch: bool) -> Result<Guard> {
        self.guards.begin(watch)
    }

    /// Begins a window over all GPUs.
    pub fn begin_window(&self) -> Result<Window> {
        Window::begin(&self.devices, &self.sampler, self.energy_unit, self.lease.clone())
    }

    /// Starts to sample all GPUs.
    pub fn start_sampler(&self, period: Option<Duration>, capacity: usize) -> Result<Sampling> {
        self.sampler.start(self.energy_unit, period, capacity, self.lease.clone())
    }

    pub fn device(&self, index: u32) -> Result<&Device> {
        self.devices.get(index as usize).ok_or_else(|| {
            let have = match self.devices.len() {
                0 => "there are none".to_owned(),
                1 => "there is one, GPU 0".to_owned(),
                n => format!("there are {n}, GPU 0 to {}", n - 1),
            };
            Error::NotFound(format!("no GPU {index}: {have}"))
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.guards.end_all();
        self.checking = None;
        self.sampler.end();
    }
}
