//! The sum of a node, in which nothing is twice. Pure.

use super::domain::DomainKind;
use super::interval::NodeInterval;

/// How much of the node a total covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    #[default]
    None,
    /// The packages of the GPUs alone.
    Gpus,
    /// The parts that are measured: GPUs, and processors or memory.
    Parts,
    /// All of it, by one sensor.
    Node,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct NodeTotal {
    pub scope: Scope,
    /// Domains in the sum.
    pub domains: u32,
    /// Domains that belong to the sum and have no energy.
    pub missing: u32,
    pub energy_uj: u64,
    pub uncertainty_uj: u64,
    /// Of it: domains that are no package of a GPU.
    pub beside_uj: u64,
    pub beside_uncertainty_uj: u64,
    pub mean_mw: u64,
    /// Between the calls.
    pub duration_ns: u64,
}

/// A domain as the sum sees it.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    pub kind: DomainKind,
    /// A GPU whose package has the processor's cores too.
    pub has_cpu: bool,
    pub interval: Option<&'a NodeInterval>,
}

/// Which kinds are in the sum. The node includes everything; a processor by the board its packages; an accelerator of the
/// board a GPU's package; the package of an APU its processor.
fn kinds(parts: &[Part]) -> Vec<DomainKind> {
    use DomainKind::{Accelerator, Cpu, CpuPackage, Dram, Gpu, Memory, Node};
    let is_measured = |kind| parts.iter().any(|p| p.kind == kind && p.interval.is_some());
    if is_measured(Node) {
        return vec![Node];
    }
    let has_apu = parts.iter().any(|p| p.has_cpu && p.interval.is_some());
    let either = |wide, narrow| if is_measured(wide) { wide } else { narrow };
    let mut kinds = vec![either(Accelerator, Gpu), either(Memory, Dram)];
    if !has_apu {
        kinds.push(either(Cpu, CpuPackage));
    }
    kinds
}

/// The sum, and which of the domains are in it.
#[must_use]
pub fn total(parts: &[Part], duration_ns: u64) -> (NodeTotal, Vec<bool>) {
    let kinds = kinds(parts);
    let belongs: Vec<bool> = parts.iter().map(|p| kinds.contains(&p.kind)).collect();
    let mut total = NodeTotal { duration_ns, ..NodeTotal::default() };
    for (part, _) in parts.iter().zip(&belongs).filter(|(_, belongs)| **belongs) {
        let Some(interval) = part.interval else {
            total.missing += 1;
            continue;
        };
        total.domains += 1;
        total.energy_uj = total.energy_uj.saturating_add(interval.energy_uj);
        total.uncertainty_uj = total.uncertainty_uj.saturating_add(interval.uncertainty_uj);
        total.mean_mw = total.mean_mw.saturating_add(interval.mean_mw());
        if matches!(part.kind, DomainKind::Gpu | DomainKind::Accelerator) {
            total.scope = if total.scope == Scope::Parts { Scope::Parts } else { Scope::Gpus };
            continue;
        }
        total.scope = if part.kind == DomainKind::Node { Scope::Node } else { Scope::Parts };
        total.beside_uj = total.beside_uj.saturating_add(interval.energy_uj);
        total.beside_uncertainty_uj = total.beside_uncertainty_uj.saturating_add(interval.uncertainty_uj);
    }
    let counted = parts.iter().zip(belongs).map(|(p, belongs)| belongs && p.interval.is_some()).collect();
    (total, counted)
}

#[cfg(test)]
mod tests;
