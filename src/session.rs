//! The open context: the GPUs of this process, in HIP's order.

use crate::amdsmi::locate::{locate, Found, Places};
use crate::amdsmi::status::Status;
use crate::amdsmi::{acquire, Handle, Library};
use crate::counter::EnergyUnit;
use crate::device::{Device, Power, Source};
use crate::error::{Error, Result};
use crate::topology::{self, DieRole, Order, Seen};
use crate::verdict::{self, Verdict};
use crate::{log, process, sysfs};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How energy counters are checked at open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validation {
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
}

impl Default for Options {
    fn default() -> Self {
        Options {
            amdsmi_path: None,
            ensure_homogeneous: false,
            validation: Validation::Fixed,
            energy_unit: EnergyUnit::default(),
            init_timeout: Duration::from_secs(10),
            shutdown_on_close: false,
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
    let opened = std::fs::File::open(path).map_err(|source| Error::Io { path: path.display().to_string(), source });
    // What is too short for a header stays zero, and is none.
    let _ = opened?.read(&mut head);
    // A shared object (type 3) of 64 bits for the machine that this code was built for.
    let machine = if cfg!(target_arch = "x86_64") { 62 } else { 183 };
    if head.starts_with(b"\x7fELF\x02") && head[16] == 3 && u16::from_le_bytes([head[18], head[19]]) == machine {
        return Ok(());
    }
    Err(Error::LibraryInvalid {
        path: path.display().to_string(),
        why: "it is not a shared library for this machine".into(),
    })
}

pub struct Session {
    mark: u64,
    pub library: &'static Library,
    pub words: [u32; 4],
    pub rocm: &'static str,
    pub order: Order,
    pub energy_unit: EnergyUnit,
    devices: Vec<Device>,
    shutdown_on_close: bool,
}

impl Session {
    pub fn open(options: &Options) -> Result<Session> {
        let mark = process::mark();
        let places = places(options);
        sysfs::drm::require_a_card(&places.root)?;
        let (library, version) = acquire(&places, options.init_timeout)?;
        let built = Self::enumerate(library, version.generation, options, &places.root);
        let (devices, order) = match built {
            Ok(b) => b,
            Err(e) => {
                library.release(false);
                return Err(e);
            }
        };
        let session = Session {
            mark,
            library,
            words: version.words,
            rocm: version.generation.rocm,
            order,
            energy_unit: options.energy_unit,
            devices,
            shutdown_on_close: options.shutdown_on_close,
        };
        if options.ensure_homogeneous {
            session.ensure_homogeneous()?;
        }
        session.validate(options.validation);
        Ok(session)
    }

    fn enumerate(
        library: &'static Library,
        generation: &'static crate::amdsmi::version::Generation,
        options: &Options,
        root: &Path,
    ) -> Result<(Vec<Device>, Order)> {
        let handles = match library.calls.gpu_handles(generation) {
            // Shut down by somebody else since it was initialised: once more.
            Err(Status::NOT_INIT) => {
                library.forget_init();
                library.ensure_init(options.init_timeout)?;
                library.calls.gpu_handles(generation)
            }
            other => other,
        };
        let handles = handles.map_err(|s| library.failure(s, "amdsmi_get_processor_handles"))?;
        let source = Source { library, generation, epoch: library.epoch() };
        let seen = handles.iter().map(|h| look(source, *h)).collect::<Result<Vec<_>>>()?;
        let (places, order) = topology::join(&seen, sysfs::kfd::gpu_nodes(root))?;
        if order == Order::Pci && places.len() > 1 {
            log::warning(|| {
                "no KFD topology and no enumeration: GPUs are in PCI order, which may differ from HIP's".into()
            });
        }
        let mut devices: Vec<Device> = places
            .into_iter()
            .enumerate()
            .map(|(i, p)| {
                let handle = p.amdsmi.map(|a| handles[a]);
                Device::new(i, p, source, handle, root)
            })
            .collect();
        assign_dies(&mut devices);
        Ok((devices, order))
    }

    fn ensure_homogeneous(&self) -> Result<()> {
        let Some(first) = self.devices.first() else { return Ok(()) };
        match self.devices.iter().find(|d| d.name != first.name) {
            None => Ok(()),
            Some(other) => Err(Error::Heterogeneous(format!(
                "{} and {} are not of one model, and the option ensure_homogeneous asks for that",
                first.label(),
                other.label()
            ))),
        }
    }

    /// Zeus's check, all GPUs at once; a failure on one is that one's verdict.
    fn validate(&self, validation: Validation) {
        let counting: Vec<&Device> = self.devices.iter().filter(|d| !d.is_secondary()).collect();
        for d in &self.devices {
            if d.is_secondary() {
                d.set_verdict(Verdict::SecondaryDie);
            }
        }
        if validation == Validation::Off || counting.is_empty() {
            return;
        }
        let energy = |d: &Device| d.raw_energy(EnergyUnit::Reported).and_then(|r| d.to_mj(&r)).ok();
        let powers: Vec<_> =
            counting.iter().map(|d| d.power_mw(Power::Average).or_else(|_| d.power_mw(Power::Instant)).ok()).collect();
        let before: Vec<_> = counting.iter().map(|d| energy(d)).collect();
        if before.iter().any(Option::is_some) {
            std::thread::sleep(Duration::from_millis(verdict::FIXED_MS));
        }
        for ((d, power), before) in counting.iter().zip(powers).zip(before) {
            let verdict = verdict::fixed(power, before, before.and_then(|_| energy(d)));
            d.set_verdict(verdict);
            if !verdict.is_usable() {
                log::warning(|| format!("{}: its energy counter is not used: {}", d.label(), verdict.why()));
            }
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

    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.devices
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
        self.library.release(self.shutdown_on_close);
    }
}

/// What the library says of one handle. A call that a release lacks, or that fails, is no reason to lose the GPU.
fn look(source: Source, handle: Handle) -> Result<Seen> {
    let (library, g) = (source.library, source.generation);
    let id = library.calls.bdf_id(g, handle).map_err(|s| library.failure(s, "amdsmi_get_gpu_bdf_id"))?;
    let (pci, bits) = crate::pci::PciAddress::from_amdsmi(id);
    let known = |n: u32| n != u32::MAX;
    let kfd = library.calls.kfd_ids(g, handle).ok().filter(|k| known(k.node_id));
    let partition = kfd.map(|k| k.partition_id).filter(|p| known(*p)).unwrap_or(bits);
    let hip_id = library.calls.hip_id(g, handle).ok().filter(|h| known(*h));
    Ok(Seen { pci, partition, kfd: kfd.map(|k| (k.node_id, k.kfd_id)), hip_id })
}

fn assign_dies(devices: &mut [Device]) {
    let facts: Vec<(bool, bool)> = devices
        .iter()
        .map(|d| {
            let two = topology::has_two_dies(d.device_id, &d.name);
            (two, two && d.reports_anything())
        })
        .collect();
    for (i, role) in topology::die_roles(&facts).into_iter().enumerate() {
        devices[i].role = role;
        if let DieRole::Secondary { primary: Some(p) } = role {
            devices[i].package = devices[p].package.clone();
        }
    }
}
