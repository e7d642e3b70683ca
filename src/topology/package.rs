//! GPUs that share a package: the dies (GCDs) of MI250 and MI250X, and the partitions of MI300.

use super::enumeration::{Enumeration, GpuLocation};

/// The role of a GPU in its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The only GPU of a package, or its first partition.
    Single,
    /// The die that reports power and energy of both dies.
    PrimaryDie,
    /// The die that reports no power and no energy, with the primary die if it is known.
    SecondaryDie { primary: Option<Primary> },
    /// Not the first partition of a package, with the index of the first one if it is listed.
    SecondaryPartition { first: Option<usize> },
}

/// The primary die of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primary {
    /// Index in the list of all GPUs.
    Listed(usize),
    /// KFD node number of a GPU that a device cgroup hides.
    Hidden(u32),
}

/// Whether a GPU is an MI200 with two dies. PCI device ids: drivers/gpu/drm/amd/amdgpu/amdgpu_drv.c; 0x740f, the MI210,
/// has one die.
#[must_use]
pub fn has_two_dies(device_id: Option<u16>, name: &str) -> bool {
    match device_id {
        Some(id) if id != 0 => matches!(id, 0x7408 | 0x740C),
        _ => name.contains("MI250") || (name.contains("MI200") && name.contains("(MCM)")),
    }
}

/// The roles of all GPUs. `dies` has for each GPU whether it has two dies, and whether it reports power or energy.
#[must_use]
pub fn roles(enumeration: &Enumeration, dies: &[(bool, bool)]) -> Vec<Role> {
    let places = &enumeration.places;
    let first_of = |gpu: &GpuLocation| places.iter().position(|p| p.partition == 0 && p.pci.same_slot(&gpu.pci));
    let by_partition = |gpu: &GpuLocation| match gpu.partition {
        0 => Role::Single,
        _ => Role::SecondaryPartition { first: first_of(gpu) },
    };
    let mut roles: Vec<Role> = places.iter().map(by_partition).collect();
    for (i, &(has_two_dies, reports)) in dies.iter().enumerate() {
        if has_two_dies && reports {
            roles[i] = Role::PrimaryDie;
        } else if has_two_dies {
            roles[i] = Role::SecondaryDie { primary: primary_of(i, enumeration, dies) };
        }
    }
    roles
}

/// The primary die of a secondary one: the die at the other end of its fastest XGMI link. Without links, the die before it
/// in KFD order, if all GPUs are listed and primary and secondary dies alternate.
fn primary_of(secondary: usize, enumeration: &Enumeration, dies: &[(bool, bool)]) -> Option<Primary> {
    let places = &enumeration.places;
    let is_primary = |i: usize| dies[i] == (true, true);
    if let Some(number) = places[secondary].node.as_ref().and_then(|node| node.xgmi_peer) {
        if enumeration.hidden.contains(&number) {
            return Some(Primary::Hidden(number));
        }
        let peer = places.iter().position(|p| p.node.as_ref().is_some_and(|node| node.number == number));
        return peer.filter(|&i| is_primary(i)).map(Primary::Listed);
    }
    let all_dies: Vec<usize> = (0..dies.len()).filter(|&i| dies[i].0).collect();
    let alternate = enumeration.hidden.is_empty()
        && all_dies.len() % 2 == 0
        && all_dies.chunks(2).all(|pair| is_primary(pair[0]) && !is_primary(pair[1]));
    let position = all_dies.iter().position(|&i| i == secondary)?;
    alternate.then(|| Primary::Listed(all_dies[position - 1]))
}
