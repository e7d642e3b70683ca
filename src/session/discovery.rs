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
    let amdsmi = |p: &GpuLocation, hwmon| is_used(p).then(|| AmdsmiSource::new(source, handle(p), hwmon, backend));
    Ok((gpus(&listing, backend, options.resume_suspended, root, amdsmi), listing))
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
    Ok((gpus(&listing, Backend::Sysfs, options.resume_suspended, root, |_, _| None), listing))
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
    /// Of a GPU that is not visible no file is opened, but that of its device id if KFD lacks it.
    fn new(
        location: &GpuLocation,
        is_visible: bool,
        resumes: bool,
        root: &Path,
        amdsmi: impl Fn(&GpuLocation, Arc<Hwmon>) -> Option<AmdsmiSource>,
    ) -> Candidate {
        let folder = sysfs::pci_device(root, &location.pci);
        let hwmon = Arc::new(Hwmon::new(&folder, resumes));
        let amdsmi = amdsmi(location, hwmon.clone());
        let of_node = location.node.as_ref().map(|n| n.device_id).filter(|id| *id != 0);
        let device_id = of_node.or_else(|| sysfs::device_id(&folder));
        let is_readable = is_visible && hwmon.runtime_power.check_active().is_ok();
        let name = if is_readable || is_visible && device_id.is_none() {
            amdsmi.as_ref().and_then(AmdsmiSource::market_name).or_else(|| sysfs::product_name(&folder))
        } else {
            None
        };
        let name = name.unwrap_or_default();
        let has_two_dies = topology::has_two_dies(device_id, &name);
        Candidate { folder, hwmon, amdsmi, name, device_id, has_two_dies }
    }
}

/// The GPUs that are visible, in their order, with the roles that follow from all GPUs of the machine.
fn gpus(
    listing: &Enumeration,
    backend: Backend,
    resumes: bool,
    root: &Path,
    amdsmi: impl Fn(&GpuLocation, Arc<Hwmon>) -> Option<AmdsmiSource>,
) -> Gpus {
    if listing.order_uncertain && listing.visible.len() > 1 {
        log::warning(|| "HIP's order of the GPUs is not certain here: compare PCI addresses".into());
    }
    let places = &listing.places;
    let is_visible = |i: usize| listing.visible.contains(&i);
    let candidate = |(i, p)| Candidate::new(p, is_visible(i), resumes, root, &amdsmi);
    let candidates: Vec<Candidate> = places.iter().enumerate().map(candidate).collect();
    let peer = |i: usize| {
        let number = places[i].node.as_ref()?.xgmi_peer?;
        places.iter().position(|p| p.node.as_ref().is_some_and(|node| node.number == number))
    };
    // Whether a die is the primary one shows in what it reports, or in what the other die of its package reports. Without a
    // link that shows which one that is, all dies are read.
    let is_unlinked = |i: usize| is_visible(i) && candidates[i].has_two_dies && peer(i).is_none();
    let reads_all_dies = (0..places.len()).any(is_unlinked);
    let is_needed = |i: usize| is_visible(i) || reads_all_dies && candidates[i].has_two_dies;
    let select = |i: usize| {
        let Candidate { folder, hwmon, amdsmi, .. } = &candidates[i];
        device::select(backend, &places[i].pci, folder, hwmon, amdsmi.as_ref())
    };
    let mut sources: Vec<Option<Source>> = (0..places.len()).map(|i| is_needed(i).then(|| select(i))).collect();
    let reads = |i: usize| {
        let source = sources[i].as_ref().filter(|_| candidates[i].has_two_dies);
        source.map(Source::reports_power_or_energy)
    };
    let reports: Vec<Option<bool>> = (0..places.len()).map(reads).collect();
    let by_peer = |i: usize| peer(i).and_then(|p| reports[p]).is_some_and(|peer_reports| !peer_reports);
    let die = |i: usize| (candidates[i].has_two_dies, reports[i].unwrap_or_else(|| by_peer(i)));
    let roles = topology::roles(listing, &(0..places.len()).map(die).collect::<Vec<_>>());
    let packages: Vec<String> = (0..places.len()).map(|i| package(i, &roles, listing)).collect();
    let mut gpus = Gpus::default();
    for (index, &i) in listing.visible.iter().enumerate() {
        let reader = reads_for_package(i, &roles, listing);
        let source = if reader { Some(first_partition_source(i, backend, resumes, root, listing, &roles, &amdsmi)) } else { None };
        let Some(source) = source.or_else(|| sources.get_mut(i).and_then(Option::take)) else { continue };
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
            measured_by: measured_by(roles[i], listing, &places[i]),
            package: packages[i].clone(),
            shares_package: roles[i] != Role::Single || siblings > 1,
            reads_for_package: reader,
        };
        gpus.controllers.push(Controller::new(identity.clone(), folder.clone(), hwmon.clone(), amdsmi.clone()));
        gpus.devices.push(Device::new(identity, source));
    }
    gpus
}

/// The first visible partition of a package whose first partition is not visible.
fn reads_for_package(place: usize, roles: &[Role], listing: &Enumeration) -> bool {
    let is_same_package = |i: &&usize| listing.places[**i].pci.same_slot(&listing.places[place].pci);
    let mut visible = listing.visible.iter().filter(is_same_package);
    let is_first_partition = |i: &usize| listing.places[*i].partition == 0;
    matches!(roles[place], Role::SecondaryPartition { .. })
        && !visible.clone().any(is_first_partition)
        && visible.next() == Some(&place)
}

/// The readings of the first partition, which are the package's. All partitions are one PCI device, whose function 0 has the
/// files.
fn first_partition_source(
    place: usize,
    backend: Backend,
    resumes: bool,
    root: &Path,
    listing: &Enumeration,
    roles: &[Role],
    amdsmi: impl Fn(&GpuLocation, Arc<Hwmon>) -> Option<AmdsmiSource>,
) -> Source {
    let own = &listing.places[place];
    let pci = PciAddress { function: 0, ..own.pci };
    let folder = sysfs::pci_device(root, &pci);
    let hwmon = Arc::new(Hwmon::new(&folder, resumes));
    let first = match roles[place] {
        Role::SecondaryPartition { first: Some(first) } => &listing.places[first],
        _ => own,
    };
    device::select(backend, &pci, &folder, &hwmon, amdsmi(first, hwmon.clone()).as_ref())
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

/// That GPU, as text.
fn measured_by(role: Role, listing: &Enumeration, own: &GpuLocation) -> Option<String> {
    if role == (Role::SecondaryPartition { first: None }) {
        return Some(format!("the first partition of {}, which this process cannot see,", own.pci));
    }
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
        None => {
            let GpuLocation { pci, node, .. } = &listing.places[place];
            let part = if listing.places.iter().any(|p| p.partition != 0 && p.pci.same_slot(pci)) {
                "the first partition of the GPU"
            } else {
                "the GPU"
            };
            let node = node.as_ref().map_or_else(String::new, |n| format!(" (KFD node {})", n.number));
            format!("{part} at {pci}{node}, which is not in this session,")
        }
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
            let who = who.trim_end_matches(',');
            text += &if d.reads_for_package {
                format!("; it reads power and energy of the whole package from the files of {who}")
            } else {
                format!("; its power and energy are reported by {who}")
            };
        }
    }
    text.push('\n');
    text
}
