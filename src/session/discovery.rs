//! Discovery of the GPUs of a session.

use super::options::Options;
use crate::amdsmi::status::Status;
use crate::amdsmi::ProcessorHandle;
use crate::control::Controller;
use crate::device::{self, AmdsmiContext, AmdsmiSource, Backend, Device, Identity, Source};
use crate::error::{Error, Result};
use crate::platform::log;
use crate::platform::pci::{self, PciAddress};
use crate::platform::sentinel::amdsmi_id;
use crate::sysfs;
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::kfd::{Access, KfdNodes};
use crate::topology::visibility::{Masks, Rules};
use crate::topology::{self, AmdsmiGpu, Enumeration, GpuLocation, Primary, Role};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The masks of this process. HIP reads them even in a program with raised privileges, so they are read here as well.
fn own_masks() -> Masks {
    let env = |name| std::env::var_os(name).map(OsStringExt::into_vec);
    Masks { rocr: env("ROCR_VISIBLE_DEVICES"), hip: env("HIP_VISIBLE_DEVICES"), cuda: env("CUDA_VISIBLE_DEVICES") }
}

/// What libamd_smi reports of one handle. A GPU stays in the list if a call fails or the release lacks it.
fn identify(source: AmdsmiContext, handle: ProcessorHandle, root: &Path) -> AmdsmiGpu {
    let (library, g) = (source.library, source.generation);
    let address = library.calls.bdf_id(handle).map(pci::PciAddress::from_amdsmi);
    if let Err(status) = address {
        log::warning(|| format!("one GPU has no PCI address: {}", library.failure(status, "amdsmi_get_gpu_bdf_id")));
    }
    let (pci, bits) = address.map_or((None, 0), |(pci, bits)| (Some(pci), bits));
    let kfd = library.calls.kfd_ids(g, handle).ok().filter(|kfd| amdsmi_id(kfd.node_id).is_some());
    // Before ROCm 6.3: the upper bits of the address, or with other drivers the function of a partitioned GPU.
    let partition = match kfd.and_then(|kfd| amdsmi_id(kfd.partition_id)) {
        Some(id) => id,
        None => {
            let split = pci.filter(|p| bits == 0 && p.function != 0 && sysfs::is_partitioned(root, p));
            split.map_or(bits, |p| p.function.into())
        }
    };
    let hip_id = library.calls.hip_id(g, handle).ok().and_then(amdsmi_id);
    AmdsmiGpu { pci, partition, kfd: kfd.map(|k| (k.node_id, k.kfd_id)), hip_id }
}

/// All GPUs of the machine, then those that HIP shows, in its order.
pub(super) fn enumerate_amdsmi(
    source: AmdsmiContext,
    options: &Options,
    rules: Rules,
    backend: Backend,
    root: &Path,
) -> Result<(Gpus, Enumeration)> {
    let library = source.library;
    let epoch = library.epoch();
    let handles = match library.calls.gpu_handles() {
        // Other code has shut the library down since its initialisation.
        Err(Status::NOT_INIT) => {
            library.forget_init(epoch);
            library.ensure_init(options.init_timeout)?;
            library.calls.gpu_handles()
        }
        other => other,
    };
    let handles = handles.map_err(|s| library.failure(s, "amdsmi_get_processor_handles"))?;
    let kfd = sysfs::kfd::read(root);
    if handles.is_empty()
        && matches!(&kfd, KfdNodes::Nodes { gpus, .. } if gpus.iter().any(|g| g.access == Access::Open))
    {
        return Err(Error::LibraryWithoutGpus { path: library.path.clone() });
    }
    let seen: Vec<AmdsmiGpu> = handles.iter().map(|h| identify(source, *h, root)).collect();
    let listing = topology::enumerate(&seen, kfd, &masks(options), rules)?;
    let handle = |p: &GpuLocation| p.amdsmi.map(|a| handles[a]);
    // A GPU that libamd_smi does not list is read and set through sysfs, unless libamd_smi is asked for.
    let is_used = |p: &GpuLocation| p.amdsmi.is_some() || backend == Backend::Amdsmi;
    let amdsmi = |p: &GpuLocation, hwmon| is_used(p).then(|| AmdsmiSource::new(source, handle(p), hwmon));
    Ok((gpus(&listing, backend, root, amdsmi), listing))
}

/// Lists the GPUs without libamd_smi.
pub(super) fn enumerate_kfd(options: &Options, rules: Rules, root: &Path) -> Result<(Gpus, Enumeration)> {
    let kfd = sysfs::kfd::read(root);
    // Without KFD the DRM cards are the only source.
    let cards = if kfd == KfdNodes::Absent { sysfs::drm::amd_cards(root) } else { Vec::new() };
    let seen = |pci: &PciAddress| AmdsmiGpu { pci: Some(*pci), partition: 0, kfd: None, hip_id: None };
    let seen: Vec<AmdsmiGpu> = cards.iter().map(seen).collect();
    let mut listing = topology::enumerate(&seen, kfd, &masks(options), rules)?;
    for place in &mut listing.places {
        place.amdsmi = None;
        let PciAddress { function, .. } = place.pci;
        if place.partition == 0 && function != 0 && sysfs::is_partitioned(root, &place.pci) {
            place.partition = function.into();
        }
    }
    Ok((gpus(&listing, Backend::Sysfs, root, |_, _| None), listing))
}

fn masks(options: &Options) -> Masks {
    options.masks.clone().unwrap_or_else(own_masks)
}

/// The GPUs of a session: of each its readings and its settings.
#[derive(Default)]
pub(super) struct Gpus {
    pub devices: Vec<Device>,
    pub controllers: Vec<Controller>,
}

/// What is known of a GPU of the machine before its role in a package is.
struct Candidate {
    folder: PathBuf,
    hwmon: Arc<Hwmon>,
    amdsmi: Option<AmdsmiSource>,
    name: String,
    device_id: Option<u16>,
    has_two_dies: bool,
}

impl Candidate {
    fn new(
        location: &GpuLocation,
        root: &Path,
        amdsmi: impl Fn(&GpuLocation, Arc<Hwmon>) -> Option<AmdsmiSource>,
    ) -> Candidate {
        let folder = sysfs::pci_device(root, &location.pci);
        let hwmon = Arc::new(Hwmon::open(&folder));
        let amdsmi = amdsmi(location, hwmon.clone());
        let name = amdsmi.as_ref().and_then(AmdsmiSource::market_name).or_else(|| sysfs::product_name(&folder));
        let name = name.unwrap_or_default();
        let device_id = sysfs::device_id(&folder).or(location.node.as_ref().map(|n| n.device_id));
        let has_two_dies = topology::has_two_dies(device_id, &name);
        Candidate { folder, hwmon, amdsmi, name, device_id, has_two_dies }
    }

    fn select_source(&self, backend: Backend, location: &GpuLocation) -> Source {
        device::select(backend, &location.pci, &self.folder, &self.hwmon, self.amdsmi.as_ref())
    }
}

/// The GPUs that are visible, in their order, with the roles that follow from all GPUs of the machine.
fn gpus(
    listing: &Enumeration,
    backend: Backend,
    root: &Path,
    amdsmi: impl Fn(&GpuLocation, Arc<Hwmon>) -> Option<AmdsmiSource>,
) -> Gpus {
    if listing.order_uncertain && listing.visible.len() > 1 {
        log::warning(|| "HIP's order of the GPUs is not certain here: compare PCI addresses".into());
    }
    let places = &listing.places;
    let candidates: Vec<Candidate> = places.iter().map(|p| Candidate::new(p, root, &amdsmi)).collect();
    // Whether a die is the primary one shows in what it reports; other GPUs are read only if they are visible.
    let needed = |i: &usize| candidates[*i].has_two_dies || listing.visible.contains(i);
    let select = |i: usize| candidates[i].select_source(backend, &places[i]);
    let mut sources: Vec<Option<Source>> = (0..places.len()).map(|i| needed(&i).then(|| select(i))).collect();
    let reports = |s: &Option<Source>| s.as_ref().is_some_and(Source::reports_power_or_energy);
    let dies = candidates.iter().zip(&sources).map(|(c, s)| (c.has_two_dies, c.has_two_dies && reports(s)));
    let roles = topology::roles(listing, &dies.collect::<Vec<_>>());
    let packages: Vec<String> = (0..places.len()).map(|i| package(i, &roles, listing)).collect();
    let mut gpus = Gpus::default();
    for (index, &i) in listing.visible.iter().enumerate() {
        let Some(source) = sources.get_mut(i).and_then(Option::take) else { continue };
        let Candidate { folder, hwmon, amdsmi, name, device_id, .. } = &candidates[i];
        let siblings = packages.iter().filter(|p| **p == packages[i]).count();
        let gfx_target = places[i].node.as_ref().and_then(|n| n.gfx_target);
        let identity = Identity {
            index,
            name: name.clone(),
            location: places[i].clone(),
            device_id: *device_id,
            states_resolution: device::states_resolution(gfx_target, *device_id),
            unmasked_index: listing.unmasked[i],
            role: roles[i],
            measured_by: measured_by(roles[i], listing),
            package: packages[i].clone(),
            shares_package: roles[i] != Role::Single || siblings > 1,
        };
        gpus.controllers.push(Controller::new(
            identity.clone(),
            folder.clone(),
            hwmon.clone(),
            amdsmi.clone(),
            backend != Backend::Amdsmi,
        ));
        gpus.devices.push(Device::new(identity, source));
    }
    gpus
}

/// The GPU that reports power and energy of a secondary one's package.
fn primary(role: Role) -> Option<Primary> {
    match role {
        Role::SecondaryDie { primary } => primary,
        Role::SecondaryPartition { first } => first.map(Primary::Listed),
        Role::Single | Role::PrimaryDie => None,
    }
}

/// Equal for all GPUs of one package.
fn package(place: usize, roles: &[Role], listing: &Enumeration) -> String {
    let GpuLocation { pci, node, .. } = &listing.places[place];
    match (primary(roles[place]), roles[place], node) {
        (Some(Primary::Listed(primary)), ..) => package(primary, roles, listing),
        (Some(Primary::Hidden(node)), ..) => package_of_dies(node),
        (None, Role::PrimaryDie, Some(node)) => package_of_dies(node.number),
        _ => format!("{:04x}:{:02x}:{:02x}", pci.domain, pci.bus, pci.device),
    }
}

/// That GPU, in words.
fn measured_by(role: Role, listing: &Enumeration) -> Option<String> {
    Some(match primary(role)? {
        Primary::Listed(place) => name_of(place, listing),
        Primary::Hidden(node) => format!("the GPU of KFD node {node}, which a device cgroup hides,"),
    })
}

/// Of two dies: the KFD node of the one that reports. It is all that the other one knows where a device cgroup hides that.
fn package_of_dies(node: u32) -> String {
    format!("kfd-node-{node}")
}

fn name_of(place: usize, listing: &Enumeration) -> String {
    match listing.visible.iter().position(|v| *v == place) {
        Some(index) => format!("GPU {index}"),
        None => format!("the GPU at {}, which is not in this session,", listing.places[place].pci),
    }
}

/// How the list of GPUs was made, one line for each step and each GPU.
pub(super) fn explanation(listing: &Enumeration, devices: &[Device]) -> String {
    let mut text = listing.trace.join("\n");
    for d in devices.iter().map(|d| &d.identity) {
        let number = |n: Option<String>| n.unwrap_or_else(|| "none".into());
        text += &format!(
            "\nGPU {} is {} at {} (unmasked {}, KFD node {}, amd-smi {})",
            d.index,
            if d.name.is_empty() { "an unnamed GPU" } else { &d.name },
            d.location.pci,
            number(d.unmasked_index.map(|u| u.to_string())),
            number(d.location.node.as_ref().map(|n| n.number.to_string())),
            number(d.location.amdsmi.map(|a| a.to_string())),
        );
        if let Some(who) = &d.measured_by {
            text += &format!("; its power and energy are reported by {}", who.trim_end_matches(','));
        }
    }
    text.push('\n');
    text
}
