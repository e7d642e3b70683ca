//! The GPUs of a session: all of the machine, then those that HIP shows, in its order.

use super::Options;
use crate::amdsmi::status::Status;
use crate::amdsmi::version::Generation;
use crate::amdsmi::{Handle, Library};
use crate::device::{Device, Source};
use crate::error::Result;
use crate::topology::{self, Listing, Role, Seen};
use crate::visible::Masks;
use crate::{log, pci, sysfs};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// The masks of this process. They are HIP's to read, so a raised privilege does not matter here.
fn own_masks() -> Masks {
    let env = |name| std::env::var_os(name).map(OsStringExt::into_vec);
    Masks { rocr: env("ROCR_VISIBLE_DEVICES"), hip: env("HIP_VISIBLE_DEVICES"), cuda: env("CUDA_VISIBLE_DEVICES") }
}

/// What the library says of one handle. A call that a release lacks, or that fails, is no reason to lose the GPU.
fn look(source: Source, handle: Handle, root: &Path) -> Seen {
    let (library, g) = (source.library, source.generation);
    let address = library.calls.bdf_id(g, handle).map(pci::PciAddress::from_amdsmi);
    if let Err(s) = address {
        log::warning(|| format!("one GPU has no PCI address: {}", library.failure(s, "amdsmi_get_gpu_bdf_id")));
    }
    let (pci, bits) = address.map_or((None, 0), |(pci, bits)| (Some(pci), bits));
    let known = |n: u32| n != u32::MAX;
    let kfd = library.calls.kfd_ids(g, handle).ok().filter(|k| known(k.node_id));
    // Without the call (before ROCm 6.3): the upper bits, or on other drivers the function of a GPU that is partitioned.
    let partition = match kfd.map(|k| k.partition_id).filter(|p| known(*p)) {
        Some(id) => id,
        None => {
            let split = pci.filter(|p| bits == 0 && p.function != 0 && sysfs::is_partitioned(root, p));
            split.map_or(bits, |p| p.function.into())
        }
    };
    let hip_id = library.calls.hip_id(g, handle).ok().filter(|h| known(*h));
    Seen { pci, partition, kfd: kfd.map(|k| (k.node_id, k.kfd_id)), hip_id }
}

/// All GPUs of the machine, then those that HIP shows, in its order.
pub(super) fn enumerate(
    library: &'static Library,
    generation: &'static Generation,
    options: &Options,
    root: &Path,
) -> Result<(Vec<Device>, Listing)> {
    let epoch = library.epoch();
    let handles = match library.calls.gpu_handles(generation) {
        // Shut down by somebody else since it was initialised: once more.
        Err(Status::NOT_INIT) => {
            library.forget_init(epoch);
            library.ensure_init(options.init_timeout)?;
            library.calls.gpu_handles(generation)
        }
        other => other,
    };
    let handles = handles.map_err(|s| library.failure(s, "amdsmi_get_processor_handles"))?;
    let source = Source { library, generation, epoch: library.epoch() };
    let seen: Vec<Seen> = handles.iter().map(|h| look(source, *h, root)).collect();
    let masks = options.masks.clone().unwrap_or_else(own_masks);
    let listing = topology::list(&seen, sysfs::kfd::read(root), &masks, options.rules)?;
    if listing.uncertain && listing.visible.len() > 1 {
        log::warning(|| "HIP's order of the GPUs is not certain here: compare PCI addresses".into());
    }
    let all = listing.places.iter().map(|p| {
        let handle = p.amdsmi.map(|a| handles[a]);
        Device::new(p.clone(), source, handle, root)
    });
    let mut all: Vec<Option<Device>> = all.map(Some).collect();
    assign_roles(&mut all, &listing);
    let devices = listing.visible.iter().enumerate().filter_map(|(index, &place)| {
        let mut device = all.get_mut(place)?.take()?;
        device.index = index;
        Some(device)
    });
    Ok((devices.collect(), listing))
}

fn assign_roles(all: &mut [Option<Device>], listing: &Listing) {
    let dies: Vec<(bool, bool)> = all
        .iter()
        .flatten()
        .map(|d| {
            let two = topology::has_two_dies(d.device_id, &d.name);
            (two, two && d.reports_anything())
        })
        .collect();
    let packages: Vec<String> = all.iter().flatten().map(|d| d.package.clone()).collect();
    for (i, role) in topology::roles(listing, &dies).into_iter().enumerate() {
        let Some(device) = all.get_mut(i).and_then(Option::as_mut) else { continue };
        device.role = role;
        device.unmasked = listing.unmasked[i];
        if let Role::SecondaryDie { primary: Some(other) } | Role::SecondaryPartition { first: Some(other) } = role {
            device.package.clone_from(&packages[other]);
            device.shared_with = Some(match listing.visible.iter().position(|v| *v == other) {
                Some(index) => format!("GPU {index}"),
                None => format!("the GPU at {}, which is not in this session,", listing.places[other].pci),
            });
        }
    }
}

/// How environment and topology led to this list.
pub(super) fn explanation(listing: &Listing, devices: &[Device]) -> String {
    let mut text = listing.story.join("\n");
    for d in devices {
        let number = |n: Option<String>| n.unwrap_or_else(|| "none".into());
        text += &format!(
            "\nGPU {} is {} at {} (unmasked {}, KFD node {}, amd-smi {})",
            d.index,
            if d.name.is_empty() { "an unnamed GPU" } else { &d.name },
            d.place.pci,
            number(d.unmasked.map(|u| u.to_string())),
            number(d.place.node.as_ref().map(|n| n.number.to_string())),
            number(d.place.amdsmi.map(|a| a.to_string())),
        );
        if let Some(who) = &d.shared_with {
            text += &format!("; its power and energy are with {}", who.trim_end_matches(','));
        }
    }
    text.push('\n');
    text
}
