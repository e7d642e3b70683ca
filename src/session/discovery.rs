//! Discovery of the GPUs of a session.

use super::options::Options;
use crate::amdsmi::status::Status;
use crate::amdsmi::ProcessorHandle;
use crate::device::{AmdsmiContext, Backend, Device};
use crate::error::Result;
use crate::platform::log;
use crate::platform::pci::{self, PciAddress};
use crate::platform::sentinel::amdsmi_id;
use crate::sysfs;
use crate::sysfs::kfd::KfdNodes;
use crate::topology::visibility::{Masks, Rules};
use crate::topology::{self, AmdsmiGpu, Enumeration, GpuLocation, Primary, Role};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// The masks of this process. HIP reads them even in a program with raised privileges, so they are read here as well.
fn own_masks() -> Masks {
    let env = |name| std::env::var_os(name).map(OsStringExt::into_vec);
    Masks { rocr: env("ROCR_VISIBLE_DEVICES"), hip: env("HIP_VISIBLE_DEVICES"), cuda: env("CUDA_VISIBLE_DEVICES") }
}

/// What libamd_smi reports of one handle. A GPU stays in the list if a call fails or the release lacks it.
fn identify(source: AmdsmiContext, handle: ProcessorHandle, root: &Path) -> AmdsmiGpu {
    let (library, g) = (source.library, source.generation);
    let address = library.calls.bdf_id(g, handle).map(pci::PciAddress::from_amdsmi);
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
    mut source: AmdsmiContext,
    options: &Options,
    rules: Rules,
    backend: Backend,
    root: &Path,
) -> Result<(Vec<Device>, Enumeration)> {
    let (library, generation) = (source.library, source.generation);
    let handles = match library.calls.gpu_handles(generation) {
        // Other code has shut the library down since its initialisation.
        Err(Status::NOT_INIT) => {
            library.forget_init(source.epoch);
            library.ensure_init(options.init_timeout)?;
            library.calls.gpu_handles(generation)
        }
        other => other,
    };
    let handles = handles.map_err(|s| library.failure(s, "amdsmi_get_processor_handles"))?;
    source.epoch = library.epoch();
    let seen: Vec<AmdsmiGpu> = handles.iter().map(|h| identify(source, *h, root)).collect();
    let listing = topology::enumerate(&seen, sysfs::kfd::read(root), &masks(options), rules)?;
    let make = |p: &GpuLocation| Device::new(p.clone(), Some(source), p.amdsmi.map(|a| handles[a]), backend, root);
    Ok(devices(listing, make))
}

/// Lists the GPUs without libamd_smi.
pub(super) fn enumerate_kfd(options: &Options, rules: Rules, root: &Path) -> Result<(Vec<Device>, Enumeration)> {
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
    Ok(devices(listing, |p| Device::new(p.clone(), None, None, Backend::Sysfs, root)))
}

fn masks(options: &Options) -> Masks {
    options.masks.clone().unwrap_or_else(own_masks)
}

/// All GPUs, made and given their roles; then those that are visible, in their order.
fn devices(listing: Enumeration, make: impl FnMut(&GpuLocation) -> Device) -> (Vec<Device>, Enumeration) {
    if listing.order_uncertain && listing.visible.len() > 1 {
        log::warning(|| "HIP's order of the GPUs is not certain here: compare PCI addresses".into());
    }
    let mut all: Vec<Option<Device>> = listing.places.iter().map(make).map(Some).collect();
    assign_roles(&mut all, &listing);
    let devices = listing.visible.iter().enumerate().filter_map(|(index, &place)| {
        let mut device = all.get_mut(place)?.take()?;
        device.index = index;
        Some(device)
    });
    (devices.collect(), listing)
}

fn assign_roles(all: &mut [Option<Device>], listing: &Enumeration) {
    let dies: Vec<(bool, bool)> = all
        .iter()
        .flatten()
        .map(|d| {
            let two = topology::has_two_dies(d.device_id, &d.name);
            (two, two && d.reports_anything())
        })
        .collect();
    let roles = topology::roles(listing, &dies);
    for (device, role) in all.iter_mut().flatten().zip(&roles) {
        if let (Role::PrimaryDie, Some(node)) = (role, &device.place.node) {
            device.package = package_of_dies(node.number);
        }
    }
    let packages: Vec<String> = all.iter().flatten().map(|d| d.package.clone()).collect();
    for (i, role) in roles.into_iter().enumerate() {
        let Some(device) = all.get_mut(i).and_then(Option::as_mut) else { continue };
        device.role = role;
        device.unmasked_index = listing.unmasked[i];
        let other = match role {
            Role::SecondaryDie { primary } => primary,
            Role::SecondaryPartition { first } => first.map(Primary::Listed),
            Role::Single | Role::PrimaryDie => None,
        };
        let Some(other) = other else { continue };
        let (package, who) = match other {
            Primary::Listed(place) => (packages[place].clone(), name_of(place, listing)),
            Primary::Hidden(node) => {
                (package_of_dies(node), format!("the GPU of KFD node {node}, which a device cgroup hides,"))
            }
        };
        device.package = package;
        device.measured_by = Some(who);
    }
    let packages: Vec<String> = all.iter().flatten().map(|d| d.package.clone()).collect();
    for device in all.iter_mut().flatten() {
        let dies = device.role != Role::Single;
        device.shares_package = dies || packages.iter().filter(|p| **p == device.package).count() > 1;
    }
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
    for d in devices {
        let number = |n: Option<String>| n.unwrap_or_else(|| "none".into());
        text += &format!(
            "\nGPU {} is {} at {} (unmasked {}, KFD node {}, amd-smi {})",
            d.index,
            if d.name.is_empty() { "an unnamed GPU" } else { &d.name },
            d.place.pci,
            number(d.unmasked_index.map(|u| u.to_string())),
            number(d.place.node.as_ref().map(|n| n.number.to_string())),
            number(d.place.amdsmi.map(|a| a.to_string())),
        );
        if let Some(who) = &d.measured_by {
            text += &format!("; its power and energy are reported by {}", who.trim_end_matches(','));
        }
    }
    text.push('\n');
    text
}
