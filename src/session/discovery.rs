//! Discovery of the GPUs of a session.

use super::gpus::{Discovery, Gpus};
use super::options::Options;
use crate::amdsmi::status::Status;
use crate::amdsmi::ProcessorHandle;
use crate::device::{AmdsmiContext, AmdsmiSource, Backend, Device};
use crate::error::{Error, Result};
use crate::platform::log;
use crate::platform::pci::{self, PciAddress};
use crate::platform::sentinel::amdsmi_id;
use crate::sysfs;
use crate::sysfs::kfd::{Access, KfdNodes};
use crate::topology::visibility::{Masks, Rules};
use crate::topology::{self, AmdsmiGpu, Enumeration, GpuLocation};
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// The masks of this process. HIP reads them even in a program with raised privileges, so they are read here as well.
fn own_masks(kfd: &KfdNodes) -> Masks {
    let env = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
    Masks {
        rocr: env("ROCR_VISIBLE_DEVICES"),
        hip: env("HIP_VISIBLE_DEVICES"),
        cuda: env("CUDA_VISIBLE_DEVICES"),
        gfx_overrides: gfx_overrides(kfd, env),
    }
}

/// Of each GPU: the variable with its number among the nodes that a device cgroup does not hide, else the one for all.
fn gfx_overrides(kfd: &KfdNodes, env: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<(u32, Vec<u8>)> {
    const NAME: &str = "HSA_OVERRIDE_GFX_VERSION";
    let KfdNodes::Nodes { gpus, hidden, .. } = kfd else { return Vec::new() };
    let all = env(NAME);
    let of = |number: u32| {
        let counted = number - hidden.iter().filter(|h| **h < number).count() as u32;
        env(&format!("{NAME}_{counted}")).or_else(|| all.clone()).map(|value| (number, value))
    };
    gpus.iter().filter_map(|node| of(node.number)).collect()
}

/// What libamd_smi reports of one handle. A GPU stays in the list if a call fails or the release lacks it.
fn identify(source: AmdsmiContext, handle: ProcessorHandle, root: &Path) -> Result<AmdsmiGpu> {
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
        None => match pci.filter(|p| bits == 0 && p.function != 0) {
            Some(split) if sysfs::is_partitioned(root, &split)? => split.function.into(),
            _ => bits,
        },
    };
    let hip_id = library.calls.hip_id(g, handle).ok().and_then(amdsmi_id);
    Ok(AmdsmiGpu { pci, partition, kfd: kfd.map(|k| (k.node_id, k.kfd_id)), hip_id })
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
    let kfd = sysfs::kfd::read(root)?;
    if handles.is_empty()
        && matches!(&kfd, KfdNodes::Nodes { gpus, .. } if gpus.iter().any(|g| g.access == Access::Open))
    {
        return Err(Error::LibraryWithoutGpus { path: library.path.clone() });
    }
    let seen = handles.iter().map(|h| identify(source, *h, root)).collect::<Result<Vec<_>>>()?;
    let masks = masks(options, &kfd);
    let listing = topology::enumerate(&seen, kfd, &masks, rules)?;
    let handle = |p: &GpuLocation| p.amdsmi.map(|a| handles[a]);
    // A GPU that libamd_smi does not list is read and set through sysfs, unless libamd_smi is asked for.
    let is_used = |p: &GpuLocation| p.amdsmi.is_some() || backend == Backend::Amdsmi;
    let amdsmi =
        |p: &GpuLocation, folder: &Path, hwmon| is_used(p).then(|| AmdsmiSource::new(source, handle(p), folder, hwmon));
    let gpus = Discovery::new(&listing, backend, options.resume_suspended, root, &amdsmi)?.gpus()?;
    Ok((gpus, listing))
}

/// Lists the GPUs without libamd_smi.
pub(super) fn enumerate_kfd(options: &Options, rules: Rules, root: &Path) -> Result<(Gpus, Enumeration)> {
    let kfd = sysfs::kfd::read(root)?;
    // Without KFD the DRM cards are the only source.
    let cards = if kfd == KfdNodes::Absent { sysfs::drm::amd_cards(root)? } else { Vec::new() };
    let seen = |pci: &PciAddress| AmdsmiGpu { pci: Some(*pci), partition: 0, kfd: None, hip_id: None };
    let seen: Vec<AmdsmiGpu> = cards.iter().map(seen).collect();
    let masks = masks(options, &kfd);
    let mut listing = topology::enumerate(&seen, kfd, &masks, rules)?;
    for place in &mut listing.places {
        place.amdsmi = None;
        let PciAddress { function, .. } = place.pci;
        if place.partition == 0 && function != 0 && sysfs::is_partitioned(root, &place.pci)? {
            place.partition = function.into();
        }
    }
    let gpus = Discovery::new(&listing, Backend::Sysfs, options.resume_suspended, root, &|_, _, _| None)?.gpus()?;
    Ok((gpus, listing))
}

fn masks(options: &Options, kfd: &KfdNodes) -> Masks {
    options.masks.clone().unwrap_or_else(|| own_masks(kfd))
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
            text += &match d.package_reader {
                _ if d.reads_for_package() => {
                    format!("; it reads power and energy of the whole package from the files of {who}")
                }
                Some(reader) => {
                    format!("; GPU {reader} reads power and energy of the whole package from the files of {who}")
                }
                None => format!("; its power and energy are reported by {who}"),
            };
        }
    }
    text.push('\n');
    text
}
