//! Joins what the kernel, the visible list and AMD's library know into one list of GPUs, in HIP's order.

use crate::error::{Error, Result};
use crate::pci::PciAddress;
use crate::sysfs::kfd::Node;

/// What AMD's library says of one of its handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub pci: PciAddress,
    pub partition: u32,
    /// KFD node number and gpu_id, where the release has the call (ROCm 6.3 and later).
    pub kfd: Option<(u32, u64)>,
    /// Where the release has the call (ROCm 6.4 and later). A difference of node numbers: compared, never trusted.
    pub hip_id: Option<u32>,
}

/// Where the order of the list comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The KFD topology, as HIP has it.
    Kfd,
    /// No KFD: the library's enumeration, ranked.
    Enumeration,
    /// Neither: PCI order, which is often another one than HIP's.
    Pci,
}

/// One GPU of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub pci: PciAddress,
    pub partition: u32,
    pub node: Option<Node>,
    /// Its place among the library's handles; `None` if the library does not list it.
    pub amdsmi: Option<usize>,
}

/// The list in HIP's order, and where that order comes from.
pub fn join(seen: &[Seen], nodes: Option<Vec<Node>>) -> Result<(Vec<Place>, Order)> {
    match nodes {
        Some(nodes) => Ok((by_kfd(seen, nodes)?, Order::Kfd)),
        None => Ok(without_kfd(seen)),
    }
}

fn by_kfd(seen: &[Seen], nodes: Vec<Node>) -> Result<Vec<Place>> {
    let mut taken = vec![false; seen.len()];
    let mut places = Vec::with_capacity(nodes.len());
    for node in nodes {
        let amdsmi = match find(seen, &taken, &node) {
            Some(i) => {
                agree(&seen[i], &node, i)?;
                taken[i] = true;
                Some(i)
            }
            None => None,
        };
        let partition = amdsmi.map_or(node.partition_bits, |i| seen[i].partition);
        places.push(Place { pci: node.pci, partition, node: Some(node), amdsmi });
    }
    Ok(places)
}

/// The handle of a node: by node number where the library knows it, else by PCI address.
fn find(seen: &[Seen], taken: &[bool], node: &Node) -> Option<usize> {
    let free = || seen.iter().enumerate().filter(|(i, _)| !taken[*i]);
    let by_number = free().find(|(_, s)| s.kfd.is_some_and(|k| k.0 == node.number));
    let by_address = || {
        let exact = free().find(|(_, s)| s.kfd.is_none() && s.pci == node.pci && s.partition == node.partition_bits);
        // Partitions may be told apart by the function on one side and by the upper bits on the other.
        exact.or_else(|| free().find(|(_, s)| s.kfd.is_none() && s.pci.same_slot(&node.pci)))
    };
    by_number.or_else(by_address).map(|(i, _)| i)
}

/// Both sides name a PCI address and perhaps a gpu_id; they must be of one GPU.
fn agree(seen: &Seen, node: &Node, index: usize) -> Result<()> {
    if !seen.pci.same_slot(&node.pci) {
        return Err(Error::Ambiguous(format!(
            "the kernel and libamd_smi disagree: KFD node {} is the GPU at {}, but libamd_smi's GPU {index}, which claims that node, is at {}. Nothing is measured while they do; mixed ROCm versions in a container are the usual cause",
            node.number, node.pci, seen.pci
        )));
    }
    match seen.kfd {
        Some((number, gpu_id)) if gpu_id != 0 && gpu_id != u64::MAX && gpu_id != node.gpu_id => {
            Err(Error::Ambiguous(format!(
                "the kernel and libamd_smi disagree: KFD node {number} at {} has gpu_id {}, but libamd_smi's GPU {index} says {gpu_id}. Nothing is measured while they do",
                node.pci, node.gpu_id
            )))
        }
        _ => Ok(()),
    }
}

fn without_kfd(seen: &[Seen]) -> (Vec<Place>, Order) {
    let mut order: Vec<usize> = (0..seen.len()).collect();
    let enumerated = !seen.is_empty() && seen.iter().all(|s| s.hip_id.is_some());
    if enumerated {
        order.sort_by_key(|&i| (seen[i].hip_id, seen[i].pci));
    } else {
        order.sort_by_key(|&i| (seen[i].pci, seen[i].partition));
    }
    let place = |i: usize| Place { pci: seen[i].pci, partition: seen[i].partition, node: None, amdsmi: Some(i) };
    (order.into_iter().map(place).collect(), if enumerated { Order::Enumeration } else { Order::Pci })
}

/// Which die of a package a GPU is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DieRole {
    /// The only one, or the one that reports for the package.
    Single,
    /// Of two dies the one that reports power and energy of both.
    Primary,
    /// Of two dies the one that reports nothing of its own; the index of the other one.
    Secondary { primary: Option<usize> },
}

/// The PCI ids of the MI200 parts with two dies; 0x740f, the MI210, has one.
#[must_use]
pub fn has_two_dies(device_id: Option<u16>, name: &str) -> bool {
    match device_id {
        Some(id) => matches!(id, 0x7408 | 0x740C),
        None => name.contains("MI250") || (name.contains("MI200") && name.contains("(MCM)")),
    }
}

/// Roles for a list in HIP's order: per GPU, has it two dies, and does it report power or energy at all?
#[must_use]
pub fn die_roles(gpus: &[(bool, bool)]) -> Vec<DieRole> {
    let mut roles = vec![DieRole::Single; gpus.len()];
    let mut primary = None;
    for (i, &(two_dies, reports)) in gpus.iter().enumerate() {
        if !two_dies {
            continue;
        }
        if reports {
            roles[i] = DieRole::Primary;
            primary = Some(i);
        } else {
            roles[i] = DieRole::Secondary { primary: primary.take() };
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pci(bus: u8) -> PciAddress {
        PciAddress { domain: 0, bus, device: 0, function: 0 }
    }

    fn node(number: u32, bus: u8) -> Node {
        let gpu_id = 1000 + u64::from(number);
        Node { number, gpu_id, pci: pci(bus), partition_bits: 0, unique_id: 7, device_id: 0x74A1, render_minor: 128 }
    }

    fn seen(bus: u8, kfd: Option<u32>, hip_id: Option<u32>) -> Seen {
        Seen { pci: pci(bus), partition: 0, kfd: kfd.map(|n| (n, 1000 + u64::from(n))), hip_id }
    }

    fn handles(places: &[Place]) -> Vec<Option<usize>> {
        places.iter().map(|p| p.amdsmi).collect()
    }

    #[test]
    fn node_order_wins_over_pci_order() {
        let nodes = || Some(vec![node(4, 0xC9), node(7, 0x09)]);
        let (by_node, order) = join(&[seen(0x09, Some(7), Some(3)), seen(0xC9, Some(4), Some(0))], nodes()).unwrap();
        assert_eq!((handles(&by_node), order), (vec![Some(1), Some(0)], Order::Kfd));
        let (by_address, _) = join(&[seen(0x09, None, None), seen(0xC9, None, None)], nodes()).unwrap();
        assert_eq!(handles(&by_address), handles(&by_node));
        let (one_missing, _) = join(&[seen(0x09, Some(7), None)], nodes()).unwrap();
        assert_eq!(handles(&one_missing), [None, Some(0)]);
    }

    #[test]
    fn without_kfd_ranks_or_pci() {
        let (ranked, order) = join(&[seen(0x09, None, Some(3)), seen(0xC9, None, Some(0))], None).unwrap();
        assert_eq!((handles(&ranked), order), (vec![Some(1), Some(0)], Order::Enumeration));
        let (pci, order) = join(&[seen(0xC9, None, None), seen(0x09, None, None)], None).unwrap();
        assert_eq!((handles(&pci), order), (vec![Some(1), Some(0)], Order::Pci));
    }

    #[test]
    fn disagreement_is_an_error() {
        let e = join(&[seen(0x09, Some(4), None)], Some(vec![node(4, 0xC9)])).unwrap_err().to_string();
        assert!(e.contains("0000:c9:00.0") && e.contains("0000:09:00.0"), "{e}");
        let mut other_id = seen(0xC9, Some(4), None);
        other_id.kfd = Some((4, 5));
        assert!(join(&[other_id], Some(vec![node(4, 0xC9)])).is_err());
    }

    #[test]
    fn dies() {
        assert!(has_two_dies(Some(0x7408), "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2"));
        assert!(!has_two_dies(Some(0x740F), "AMD Instinct MI210"));
        assert!(has_two_dies(None, "AMD Instinct MI250X"));
        let roles = die_roles(&[(true, true), (true, false), (false, true), (true, true), (true, false)]);
        assert_eq!(roles[1], DieRole::Secondary { primary: Some(0) });
        assert_eq!(roles[2], DieRole::Single);
        assert_eq!(roles[4], DieRole::Secondary { primary: Some(3) });
        assert_eq!(die_roles(&[(true, false)])[0], DieRole::Secondary { primary: None });
    }
}
