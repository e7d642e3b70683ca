//! Joins what the kernel, the masks and AMD's library know into one list of GPUs, in HIP's order.

use crate::error::{Error, Result};
use crate::platform::pci::PciAddress;
use crate::sysfs::kfd::{Access, KfdNodes, Node};
use crate::topology::visibility::{self, MaskedOut, Masks, Rules, Support};

/// What AMD's library says of one of its handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmdsmiGpu {
    /// `None`: the library failed to tell.
    pub pci: Option<PciAddress>,
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

/// One GPU of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuLocation {
    pub pci: PciAddress,
    pub partition: u32,
    pub node: Option<Node>,
    /// Its place among the library's handles; `None` if the library does not list it.
    pub amdsmi: Option<usize>,
}

/// Why HIP shows no GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGpuReason {
    Masked(MaskedOut),
    /// A device file is refused to this process.
    NoAccess,
}

/// All GPUs of the machine, and which of them HIP shows to this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumeration {
    /// In HIP's order without any mask, those that HIP cannot open included.
    pub places: Vec<GpuLocation>,
    pub order: Order,
    /// Indices into `places`: what HIP shows, in its order.
    pub visible: Vec<usize>,
    /// For each place its index in HIP if nothing were masked.
    pub unmasked: Vec<Option<u32>>,
    /// Set if and only if `visible` is empty.
    pub zero: Option<NoGpuReason>,
    /// KFD nodes of GPUs that a device cgroup hides: with any, what is listed is not all of the machine.
    pub hidden: Vec<u32>,
    /// HIP's order is not certain: GPUs of a kind that the runtimes drop or refuse are about.
    pub order_uncertain: bool,
    /// How it came about, a line each.
    pub trace: Vec<String>,
}

/// The list.
pub fn enumerate(seen: &[AmdsmiGpu], kfd: KfdNodes, masks: &Masks, rules: Rules) -> Result<Enumeration> {
    let mut trace = Vec::new();
    let mut hidden_nodes = Vec::new();
    let (places, order, refused) = match kfd {
        KfdNodes::Nodes { gpus, hidden } => {
            trace.push(format!(
                "KFD lists {} GPU{} (nodes {})",
                gpus.len(),
                plural(gpus.len()),
                numbers(gpus.iter().map(|n| n.number))
            ));
            if !hidden.is_empty() {
                trace.push(format!(
                    "a device cgroup hides {} more (nodes {})",
                    hidden.len(),
                    numbers(hidden.iter().copied())
                ));
            }
            hidden_nodes = hidden;
            (by_kfd(seen, gpus)?, Order::Kfd, None)
        }
        KfdNodes::Unreadable(why) => (Vec::new(), Order::Kfd, Some(why)),
        KfdNodes::Absent => {
            let (places, order) = without_kfd(seen);
            trace.push(match order {
                Order::Enumeration => "there is no KFD topology; the order is libamd_smi's enumeration".into(),
                _ => "there is no KFD topology and no enumeration; the order is that of PCI addresses, which may differ from HIP's".into(),
            });
            (places, order, None)
        }
    };
    let mut listing = Enumeration {
        unmasked: vec![None; places.len()],
        places,
        order,
        visible: Vec::new(),
        zero: None,
        order_uncertain: order == Order::Pci,
        hidden: hidden_nodes,
        trace,
    };
    let accessible = match refused.map_or_else(|| listing.accessible(), Err) {
        Ok(a) => a,
        Err(why) => {
            listing.trace.push(format!("the runtime gives up and shows no GPU, because a file is refused: {why}; are you in the groups render and video?"));
            listing.zero = Some(NoGpuReason::NoAccess);
            return Ok(listing);
        }
    };
    listing.apply(&accessible, masks, rules);
    listing.compare_hip_ids(seen);
    Ok(listing)
}

impl Enumeration {
    /// The GPUs that the runtime can open; a refused one takes all others with it.
    fn accessible(&mut self) -> std::result::Result<Vec<usize>, String> {
        let access = |p: &GpuLocation| p.node.as_ref().map_or(Access::Open, |n| n.access);
        let minor = |p: &GpuLocation| p.node.as_ref().map_or(0, |n| n.render_minor);
        if let Some(p) = self.places.iter().find(|p| access(p) == Access::Refused) {
            return Err(format!("/dev/dri/renderD{}", minor(p)));
        }
        let open: Vec<usize> = (0..self.places.len()).filter(|&i| access(&self.places[i]) == Access::Open).collect();
        if open.is_empty() && !self.places.is_empty() {
            // HIP can run nothing here, so there is no index of its to contradict: this is a monitor's container.
            self.trace.push("not one render device is in /dev/dri, so HIP can open none; all GPUs are listed as it would order them".into());
            return Ok((0..self.places.len()).collect());
        }
        if open.len() < self.places.len() {
            let gone = self.places.iter().filter(|p| access(p) != Access::Open).map(minor);
            self.trace.push(format!("without a render device, and skipped: renderD{}", numbers(gone)));
        }
        Ok(open)
    }

    fn apply(&mut self, accessible: &[usize], masks: &Masks, rules: Rules) {
        let gpu = |i: &usize| {
            let node = self.places[*i].node.as_ref();
            visibility::Gpu {
                unique_id: node.map_or(0, |n| n.unique_id),
                support: node.map_or(Support::Full, runtime_support),
            }
        };
        let gpus: Vec<visibility::Gpu> = accessible.iter().map(gpu).collect();
        self.order_uncertain |= gpus.iter().any(|g| match g.support {
            Support::Full => false,
            Support::OldDoorbell => !rules.old_gpus_known,
            Support::RocrOnly | Support::None => true,
        });
        for (n, i) in visibility::visible_gpus(&gpus, &Masks::default(), rules).list.into_iter().enumerate() {
            self.unmasked[accessible[i]] = u32::try_from(n).ok();
        }
        let outcome = visibility::visible_gpus(&gpus, masks, rules);
        self.trace.extend(outcome.trace);
        self.visible = outcome.list.into_iter().map(|i| accessible[i]).collect();
        self.zero = outcome.nothing.map(NoGpuReason::Masked);
        self.trace.push(format!("HIP shows {} GPU{}", self.visible.len(), plural(self.visible.len())));
    }

    /// The library's hip_id is a difference of node numbers: where it is not HIP's index, people should know.
    fn compare_hip_ids(&mut self, seen: &[AmdsmiGpu]) {
        for (place, unmasked) in self.places.iter().zip(&self.unmasked) {
            let hip_id = place.amdsmi.and_then(|i| seen[i].hip_id);
            if let (Some(hip_id), Some(index)) = (hip_id, *unmasked) {
                if hip_id != index {
                    self.trace.push(format!(
                        "amd-smi calls the GPU at {} HIP {hip_id}, but HIP's index without masks is {index}",
                        place.pci
                    ));
                }
            }
        }
    }
}

/// What the runtimes do with a GPU, as far as sysfs tells: doorbells of gfx8 depend on the release, no instruction set is
/// dropped, and HIP supports gfx9 and later. A kind that is newer than this code is taken to be supported.
fn runtime_support(node: &Node) -> Support {
    const DOORBELL_GFX8: u8 = 1;
    match (node.doorbell, node.gfx_target) {
        (Some(DOORBELL_GFX8), _) => Support::OldDoorbell,
        (_, Some(0)) => Support::None,
        (_, Some(gfx)) if gfx < 90_000 => Support::RocrOnly,
        _ => Support::Full,
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 {
        ""
    } else {
        "s"
    }
}

fn numbers(n: impl Iterator<Item = u32>) -> String {
    n.map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
}

fn by_kfd(seen: &[AmdsmiGpu], nodes: Vec<Node>) -> Result<Vec<GpuLocation>> {
    let handles = handles_of(seen, &nodes);
    let place = |(node, amdsmi): (Node, Option<usize>)| {
        if let Some(i) = amdsmi {
            check_ids_match(&seen[i], &node, i)?;
        }
        let partition = amdsmi.map_or(node.partition_bits, |i| seen[i].partition);
        Ok(GpuLocation { pci: node.pci, partition, node: Some(node), amdsmi })
    };
    nodes.into_iter().zip(handles).map(place).collect()
}

/// The handle of each node: by node number where the library knows it, else by PCI address.
fn handles_of(seen: &[AmdsmiGpu], nodes: &[Node]) -> Vec<Option<usize>> {
    let exact = |n: &Node| {
        let by_number = seen.iter().position(|s| s.kfd.is_some_and(|k| k.0 == n.number));
        let is = |s: &AmdsmiGpu| s.kfd.is_none() && s.pci == Some(n.pci) && s.partition == n.partition_bits;
        by_number.or_else(|| seen.iter().position(is))
    };
    let mut handles: Vec<Option<usize>> = nodes.iter().map(exact).collect();
    // Partitions may be told apart by the function on one side and by the upper bits on the other: in order, if what
    // is left in the slot is as many on both sides.
    for n in nodes {
        let slot_nodes: Vec<usize> =
            (0..nodes.len()).filter(|&i| handles[i].is_none() && nodes[i].pci.same_slot(&n.pci)).collect();
        let free = |i: &usize| {
            seen[*i].kfd.is_none() && seen[*i].pci.is_some_and(|p| p.same_slot(&n.pci)) && !handles.contains(&Some(*i))
        };
        let slot_seen: Vec<usize> = (0..seen.len()).filter(free).collect();
        if slot_nodes.len() == slot_seen.len() {
            for (node, handle) in slot_nodes.into_iter().zip(slot_seen) {
                handles[node] = Some(handle);
            }
        }
    }
    handles
}

/// Both sides name a PCI address and perhaps a gpu_id; they must be of one GPU.
fn check_ids_match(seen: &AmdsmiGpu, node: &Node, index: usize) -> Result<()> {
    if let Some(pci) = seen.pci.filter(|p| !p.same_slot(&node.pci)) {
        return Err(Error::Ambiguous(format!(
            "the kernel and libamd_smi disagree: KFD node {} is the GPU at {}, but libamd_smi's GPU {index}, which claims that node, is at {}. Nothing is measured while they do; mixed ROCm versions in a container are the usual cause",
            node.number, node.pci, pci
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

fn without_kfd(seen: &[AmdsmiGpu]) -> (Vec<GpuLocation>, Order) {
    // One whose address the library cannot tell is nobody's here.
    let mut order: Vec<(usize, PciAddress)> = seen.iter().enumerate().filter_map(|(i, s)| Some((i, s.pci?))).collect();
    let enumerated = !order.is_empty() && order.iter().all(|(i, _)| seen[*i].hip_id.is_some());
    if enumerated {
        order.sort_by_key(|&(i, pci)| (seen[i].hip_id, pci));
    } else {
        order.sort_by_key(|&(i, pci)| (pci, seen[i].partition));
    }
    let place =
        |(i, pci): (usize, PciAddress)| GpuLocation { pci, partition: seen[i].partition, node: None, amdsmi: Some(i) };
    (order.into_iter().map(place).collect(), if enumerated { Order::Enumeration } else { Order::Pci })
}

#[cfg(test)]
mod tests;
