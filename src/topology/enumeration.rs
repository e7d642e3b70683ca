//! The list of GPUs in HIP's order, from the KFD topology, libamd_smi's handles and the visibility masks.

use crate::error::{Error, Kind, Result};
use crate::platform::pci::PciAddress;
use crate::sysfs::kfd::{Access, KfdNodes, Node};
use crate::topology::gfx_override::{self, Starts};
use crate::topology::visibility::{self, MaskedOut, Masks, OldGpus, Rules, Support};

/// One GPU as libamd_smi reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmdsmiGpu {
    /// `None` if the call failed.
    pub pci: Option<PciAddress>,
    pub partition: u32,
    /// KFD node number and gpu_id, since ROCm 6.3.
    pub kfd: Option<(u32, u64)>,
    /// Since ROCm 6.4. A difference of node numbers, not an index: only compared.
    pub hip_id: Option<u32>,
}

/// The source of the list's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The KFD topology, which HIP uses.
    Kfd,
    /// Without KFD: libamd_smi's enumeration, by hip_id.
    Enumeration,
    /// Without both: PCI addresses, whose order often differs from HIP's.
    Pci,
}

/// One GPU of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpuLocation {
    pub pci: PciAddress,
    pub partition: u32,
    pub node: Option<Node>,
    /// Index of its libamd_smi handle; `None` if libamd_smi does not list it.
    pub amdsmi: Option<usize>,
}

/// Why HIP shows no GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoGpuReason {
    Masked(MaskedOut),
    /// This process may not open a device file.
    NoAccess,
}

impl NoGpuReason {
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            NoGpuReason::NoAccess => Kind::NoAccess,
            NoGpuReason::Masked(MaskedOut::NoGpus) => Kind::NoDevice,
            NoGpuReason::Masked(MaskedOut::EmptyMask) => Kind::EmptyMask,
            NoGpuReason::Masked(MaskedOut::Stopped) => Kind::MaskInvalid,
            NoGpuReason::Masked(MaskedOut::RuntimeFails) => Kind::RuntimeInitFailed,
        }
    }
}

impl std::fmt::Display for NoGpuReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the session has no GPU, because ")?;
        f.write_str(match self {
            NoGpuReason::NoAccess => "this process cannot open a device file (/dev/kfd, /dev/dri)",
            NoGpuReason::Masked(MaskedOut::NoGpus) => "this process has access to none",
            NoGpuReason::Masked(MaskedOut::EmptyMask) => {
                "a mask (ROCR_, HIP_ or CUDA_VISIBLE_DEVICES) is set and empty"
            }
            NoGpuReason::Masked(MaskedOut::Stopped) => {
                "the first entry of a mask (ROCR_, HIP_ or CUDA_VISIBLE_DEVICES) is invalid"
            }
            NoGpuReason::Masked(MaskedOut::RuntimeFails) => "the runtime fails to start here",
        })?;
        f.write_str("; zeus_amd_explain() says more")
    }
}

/// All GPUs of the machine, and the ones that HIP shows to this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enumeration {
    /// All GPUs in HIP's order without masks, including those that HIP cannot open.
    pub places: Vec<GpuLocation>,
    pub order: Order,
    /// Indices into `places` of the GPUs that HIP shows, in HIP's order.
    pub visible: Vec<usize>,
    /// HIP's index of each GPU without masks.
    pub unmasked: Vec<Option<u32>>,
    /// Set if and only if `visible` is empty.
    pub zero: Option<NoGpuReason>,
    /// KFD nodes of GPUs that a device cgroup hides. If there are any, `places` is incomplete.
    pub hidden: Vec<u32>,
    /// HIP's order is uncertain: the machine has GPUs that some runtimes drop or reject.
    pub order_uncertain: bool,
    /// How the list was made, one line for each step.
    pub trace: Vec<String>,
}

/// Enumerates the GPUs.
pub fn enumerate(seen: &[AmdsmiGpu], kfd: KfdNodes, masks: &Masks, rules: Rules) -> Result<Enumeration> {
    let mut trace = Vec::new();
    let mut hidden_nodes = Vec::new();
    let mut has_kfd = true;
    let (places, order, refused) = match kfd {
        KfdNodes::Nodes { gpus, hidden, has_device } => {
            has_kfd = has_device;
            trace.push(format!(
                "the KFD topology has {} GPU{} (nodes {})",
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
            (join_kfd(seen, gpus)?, Order::Kfd, None)
        }
        KfdNodes::Unreadable(why) => (Vec::new(), Order::Kfd, Some(why)),
        KfdNodes::Absent => {
            let (places, order) = without_kfd(seen);
            trace.push(match order {
                Order::Enumeration => "there is no KFD topology; the order is that of libamd_smi".into(),
                _ => "there is no KFD topology and no order of libamd_smi; the order is that of PCI addresses, which may differ from HIP's".into(),
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
    let (accessible, hip_runs) = match refused.map_or_else(|| listing.accessible(has_kfd), Err) {
        Ok(accessible) => accessible,
        Err(why) => {
            listing.trace.push(format!("HIP shows no GPU, because access to a file is denied: {why}; check that the user is in the groups render and video"));
            listing.zero = Some(NoGpuReason::NoAccess);
            return Ok(listing);
        }
    };
    listing.apply(&accessible, hip_runs, masks, rules);
    listing.compare_hip_ids(seen);
    Ok(listing)
}

impl Enumeration {
    /// The GPUs that the runtime can open, and whether it runs here. If access to one is denied, the runtime shows none.
    fn accessible(&mut self, has_kfd: bool) -> std::result::Result<(Vec<usize>, bool), String> {
        let access = |p: &GpuLocation| p.node.as_ref().map_or(Access::Open, |n| n.access);
        let minor = |p: &GpuLocation| p.node.as_ref().map_or(0, |n| n.render_minor);
        if let Some(p) = self.places.iter().find(|p| access(p) == Access::Refused) {
            return Err(format!("/dev/dri/renderD{}", minor(p)));
        }
        let of = |kind| self.places.iter().filter(move |p| access(p) == kind).map(minor);
        if of(Access::OtherDevice).next().is_some() {
            let text = format!(
                "renderD{} is another device than a GPU's (a container masks it): HIP may leave that GPU out, and count the later ones from there",
                numbers(of(Access::OtherDevice))
            );
            self.trace.push(text);
            self.order_uncertain = true;
        }
        let is_open = |p: &GpuLocation| matches!(access(p), Access::Open | Access::OtherDevice);
        let open: Vec<usize> = (0..self.places.len()).filter(|&i| is_open(&self.places[i])).collect();
        if !has_kfd {
            self.trace
                .push("there is no /dev/kfd, so HIP shows no GPU; GPUs are listed in the order of KFD nodes".into());
        }
        if open.is_empty() && !self.places.is_empty() {
            // HIP cannot run here, so its index does not matter: for example a monitoring container.
            self.trace.push(
                "/dev/dri has no render device, so HIP can open no GPU; all GPUs are listed in HIP's order".into(),
            );
            return Ok(((0..self.places.len()).collect(), false));
        }
        if open.len() < self.places.len() {
            let missing = self.places.iter().filter(|p| !is_open(p)).map(minor);
            self.trace.push(format!("skipped, because the render device is missing: renderD{}", numbers(missing)));
        }
        Ok((open, has_kfd))
    }

    fn apply(&mut self, accessible: &[usize], hip_runs: bool, masks: &Masks, rules: Rules) {
        if hip_runs && self.apply_overrides(accessible, masks, rules) == Starts::No {
            self.zero = Some(NoGpuReason::Masked(MaskedOut::RuntimeFails));
            return;
        }
        self.note_recent_gpus(accessible, rules);
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
            Support::OldDoorbell { in_hip } => !rules.old_gpus_known || rules.old_gpus == OldGpus::Counted && !in_hip,
            Support::RocrOnly | Support::None => true,
        });
        for (n, i) in visibility::visible_gpus(&gpus, &Masks::default(), rules).list.into_iter().enumerate() {
            self.unmasked[accessible[i]] = u32::try_from(n).ok();
        }
        let outcome = visibility::visible_gpus(&gpus, masks, rules);
        self.trace.extend(outcome.trace);
        self.visible = outcome.list.into_iter().map(|i| accessible[i]).collect();
        self.zero = outcome.nothing.map(NoGpuReason::Masked);
        let by = if hip_runs { "HIP shows" } else { "this session has" };
        self.trace.push(format!("{by} {} GPU{}", self.visible.len(), plural(self.visible.len())));
    }

    /// The worst that `HSA_OVERRIDE_GFX_VERSION` does for any GPU.
    fn apply_overrides(&mut self, accessible: &[usize], masks: &Masks, rules: Rules) -> Starts {
        let value = |node: &Node| masks.gfx_overrides.iter().find(|(number, _)| *number == node.number);
        let nodes = accessible.iter().filter_map(|i| self.places[*i].node.as_ref());
        let found = nodes.filter_map(|node| gfx_override::effect(node, value(node)?.1.as_slice(), rules));
        let Some((starts, line)) = found.max_by_key(|(starts, _)| *starts) else { return Starts::Yes };
        self.trace.push(line);
        self.order_uncertain |= starts == Starts::Perhaps;
        starts
    }

    /// ROCr drops a GPU that is newer than itself, and the ones behind it move up. Where all are of one kind, there is no order
    /// to be wrong.
    fn note_recent_gpus(&mut self, accessible: &[usize], rules: Rules) {
        let gfx = |i: &usize| self.places[*i].node.as_ref().and_then(|node| node.gfx_target);
        let targets: Vec<u32> = accessible.iter().filter_map(gfx).collect();
        let unknown = |gfx: &&u32| first_release(**gfx) > rules.given;
        let Some(recent) = targets.iter().find(unknown).filter(|recent| targets.iter().any(|other| other != *recent))
        else {
            return;
        };
        self.trace.push(format!(
            "a GPU of gfx{} is here with others: a ROCm that is older than that leaves it out, and counts the later ones from there (see the option runtime_version)",
            gfx_name(*recent)
        ));
        self.order_uncertain = true;
    }

    /// libamd_smi's hip_id is a difference of node numbers (amd_smi_gpu_device.cc). Adds a line where it is not HIP's index.
    fn compare_hip_ids(&mut self, seen: &[AmdsmiGpu]) {
        for (place, unmasked) in self.places.iter().zip(&self.unmasked) {
            let hip_id = place.amdsmi.and_then(|i| seen[i].hip_id);
            if let (Some(hip_id), Some(index)) = (hip_id, *unmasked) {
                if hip_id != index {
                    self.trace.push(format!(
                        "amd-smi reports hip_id {hip_id} for the GPU at {}, but HIP's index without masks is {index}",
                        place.pci
                    ));
                }
            }
        }
    }
}

/// How the runtimes support a GPU, by its KFD properties: for doorbells of gfx8 and older it depends on the release, GPUs
/// without an instruction set are dropped, and of others HIP supports gfx9 and later. Newer kinds are assumed to be supported.
fn runtime_support(node: &Node) -> Support {
    /// Of Hawaii and Kaveri, which are gfx7, and of Tonga.
    const DOORBELL_OLDEST: u8 = 0;
    const DOORBELL_GFX8: u8 = 1;
    match (node.doorbell, node.gfx_target) {
        (Some(DOORBELL_GFX8), None) => Support::OldDoorbell { in_hip: true },
        (Some(DOORBELL_OLDEST | DOORBELL_GFX8), gfx) => {
            Support::OldDoorbell { in_hip: gfx.is_some_and(|gfx| gfx >= 80_000) }
        }
        (_, Some(0)) => Support::None,
        (_, Some(gfx)) if gfx < 90_000 => Support::RocrOnly,
        _ => Support::Full,
    }
}

/// A release whose ROCr surely knows an instruction set; `None` where every one does that this library knows.
/// Source: isa.cpp of ROCr, whose first release with each is earlier, and the compatibility matrix of ROCm.
fn first_release(gfx: u32) -> Option<[u32; 2]> {
    match gfx {
        90_500 | 110_500..=110_501 | 120_000..=120_001 => Some([7, 0]),
        110_502.. => Some([10, 0]),
        _ => None,
    }
}

/// 90402 is gfx942: decimal major, hexadecimal minor and stepping.
fn gfx_name(gfx: u32) -> String {
    format!("{}{:x}{:x}", gfx / 10_000, gfx / 100 % 100, gfx % 100)
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

fn join_kfd(seen: &[AmdsmiGpu], nodes: Vec<Node>) -> Result<Vec<GpuLocation>> {
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

/// The libamd_smi handle of each node: by node number if libamd_smi reports it, otherwise by PCI address.
fn handles_of(seen: &[AmdsmiGpu], nodes: &[Node]) -> Vec<Option<usize>> {
    let exact = |node: &Node| {
        let by_number = seen.iter().position(|gpu| gpu.kfd.is_some_and(|kfd| kfd.0 == node.number));
        let has_address =
            |gpu: &AmdsmiGpu| gpu.kfd.is_none() && gpu.pci == Some(node.pci) && gpu.partition == node.partition_bits;
        by_number.or_else(|| seen.iter().position(has_address))
    };
    let mut handles: Vec<Option<usize>> = nodes.iter().map(exact).collect();
    // One side may number partitions by the PCI function, the other by the upper bits. The remaining ones in a slot are
    // paired in order if both sides have the same number.
    for node in nodes {
        let slot_nodes: Vec<usize> =
            (0..nodes.len()).filter(|&i| handles[i].is_none() && nodes[i].pci.same_slot(&node.pci)).collect();
        let free = |i: &usize| {
            seen[*i].kfd.is_none()
                && seen[*i].pci.is_some_and(|pci| pci.same_slot(&node.pci))
                && !handles.contains(&Some(*i))
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

/// Checks that KFD and libamd_smi report the same PCI address and gpu_id for a GPU.
fn check_ids_match(seen: &AmdsmiGpu, node: &Node, index: usize) -> Result<()> {
    if let Some(pci) = seen.pci.filter(|p| !p.same_slot(&node.pci)) {
        return Err(Error::Ambiguous(format!(
            "the kernel and libamd_smi report different GPUs: KFD node {} is the GPU at {}, but libamd_smi's GPU {index}, which reports that node, is at {}. Nothing is measured in this state; mixed ROCm versions in a container are the usual cause",
            node.number, node.pci, pci
        )));
    }
    match seen.kfd {
        Some((number, gpu_id)) if gpu_id != 0 && gpu_id != u64::MAX && gpu_id != node.gpu_id => {
            Err(Error::Ambiguous(format!(
                "the kernel and libamd_smi report different GPUs: KFD node {number} at {} has gpu_id {}, but libamd_smi's GPU {index} reports {gpu_id}. Nothing is measured in this state",
                node.pci, node.gpu_id
            )))
        }
        _ => Ok(()),
    }
}

fn without_kfd(seen: &[AmdsmiGpu]) -> (Vec<GpuLocation>, Order) {
    // GPUs without an address are left out.
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
