//! GPUs that share one package: the dies of an MI200 and the partitions of an MI300.

use super::enumeration::{Enumeration, GpuLocation};

/// Which die of a package a GPU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The only one, or the first partition of a package.
    Single,
    /// Of two dies the one that reports power and energy of both.
    PrimaryDie,
    /// Of two dies the one that reports nothing of its own; the other one, if it is known.
    SecondaryDie { primary: Option<Primary> },
    /// Not the first partition of its package; the first one's place, if it is in the machine's list.
    SecondaryPartition { first: Option<usize> },
}

/// The die that reports for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Primary {
    /// Its place in the machine's list.
    Listed(usize),
    /// Its KFD node: a device cgroup hides the rest of it.
    Hidden(u32),
}

/// The PCI ids of the MI200 parts with two dies; 0x740f, the MI210, has one.
#[must_use]
pub fn has_two_dies(device_id: Option<u16>, name: &str) -> bool {
    match device_id {
        Some(id) if id != 0 => matches!(id, 0x7408 | 0x740C),
        _ => name.contains("MI250") || (name.contains("MI200") && name.contains("(MCM)")),
    }
}

/// Roles of all places: for each, has its part two dies, and does it report power or energy at all?
#[must_use]
pub fn roles(listing: &Enumeration, dies: &[(bool, bool)]) -> Vec<Role> {
    let places = &listing.places;
    let partition = |p: &GpuLocation| match places.iter().position(|f| f.partition == 0 && f.pci.same_slot(&p.pci)) {
        _ if p.partition == 0 => Role::Single,
        first => Role::SecondaryPartition { first },
    };
    let mut roles: Vec<Role> = places.iter().map(partition).collect();
    for (i, &(two, reports)) in dies.iter().enumerate() {
        if two && reports {
            roles[i] = Role::PrimaryDie;
        } else if two {
            roles[i] = Role::SecondaryDie { primary: primary_of(i, listing, dies) };
        }
    }
    roles
}

/// The die that reports for a silent one: the one at the other end of its widest link; where the machine shows no
/// links, the neighbour before it in the kernel's order, if all GPUs are listed and dies that report and silent ones take
/// turns throughout.
fn primary_of(silent: usize, listing: &Enumeration, dies: &[(bool, bool)]) -> Option<Primary> {
    let places = &listing.places;
    let reports = |i: usize| dies[i] == (true, true);
    if let Some(number) = places[silent].node.as_ref().and_then(|n| n.xgmi_peer) {
        if listing.hidden.contains(&number) {
            return Some(Primary::Hidden(number));
        }
        let linked = places.iter().position(|p| p.node.as_ref().is_some_and(|n| n.number == number));
        return linked.filter(|&i| reports(i)).map(Primary::Listed);
    }
    let twins: Vec<usize> = (0..dies.len()).filter(|&i| dies[i].0).collect();
    let take_turns =
        listing.hidden.is_empty() && twins.len() % 2 == 0 && twins.chunks(2).all(|c| reports(c[0]) && !reports(c[1]));
    let at = twins.iter().position(|&i| i == silent)?;
    take_turns.then(|| Primary::Listed(twins[at - 1]))
}
