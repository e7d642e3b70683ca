//! The sum of a node, in which nothing is twice.

use super::structs::VersionedStruct;
use crate::node::{NodeTotal, Scope};
use std::mem::size_of;

/// How much of the node a total covers.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_node_scope_t {
    /// Nothing has an energy.
    ZEUS_AMD_NODE_SCOPE_NONE = 0,
    /// The packages of the GPUs alone. That of an MI300A or another APU has its
    /// processor too.
    ZEUS_AMD_NODE_SCOPE_GPUS = 1,
    /// Those parts that are measured: packages of GPUs, processors, memory. Not
    /// network, fans and losses.
    ZEUS_AMD_NODE_SCOPE_PARTS = 2,
    /// The whole node, by one sensor.
    ZEUS_AMD_NODE_SCOPE_NODE = 3,
}

/// energy_uj, uncertainty_uj and mean_power_mw are set: at least one domain has
/// an energy.
pub const ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT: u32 = 1;
/// The uncertainty is more than a tenth of the energy: the time was too short.
pub const ZEUS_AMD_NODE_TOTAL_FLAG_HIGH_UNCERTAINTY_BIT: u32 = 1;
/// The energy of at least one package is missing.
pub const ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT: u32 = 512;

/// The energy of the node over a time, nothing counted twice. Start from
/// ZEUS_AMD_NODE_TOTAL_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_node_total_t {
    /// sizeof(zeus_amd_node_total_t); ZEUS_AMD_NODE_TOTAL_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_NODE_TOTAL_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_NODE_TOTAL_FLAG_..._BIT.
    pub flags: u32,
    /// How much of the node it covers.
    pub scope: zeus_amd_node_scope_t,
    /// The number of domains in the sum.
    pub domains: u32,
    /// The number of domains without an energy that belong to the sum:
    /// ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT.
    pub missing: u32,
    /// The sum of the energies, in microjoules.
    pub energy_uj: u64,
    /// The sum of the uncertainties, in microjoules.
    pub uncertainty_uj: u64,
    /// From the return of zeus_amd_node_window_begin() to the call that ends or
    /// reads the window, in nanoseconds; always set.
    pub duration_ns: u64,
    /// The sum of the mean powers, in milliwatts.
    pub mean_power_mw: u64,
    /// Of energy_uj what is not of packages of GPUs, in microjoules; always set:
    /// with ZEUS_AMD_NODE_SCOPE_PARTS that of processors and memory, to be added to
    /// energies of the packages; with ZEUS_AMD_NODE_SCOPE_NODE all of it, packages
    /// included; else 0.
    pub beside_uj: u64,
    /// The uncertainty of beside_uj.
    pub beside_uncertainty_uj: u64,
}

// SAFETY: repr(C), begins with struct_size; integers, and an enum that has a 0.
unsafe impl VersionedStruct for zeus_amd_node_total_t {
    const NAME: &'static str = "zeus_amd_node_total_t";
    const INIT: &'static str = "ZEUS_AMD_NODE_TOTAL_INIT";
    const FIRST_SIZE: usize = 56;
}
const _: () = assert!(size_of::<zeus_amd_node_total_t>() >= zeus_amd_node_total_t::FIRST_SIZE);

impl From<Scope> for zeus_amd_node_scope_t {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::None => Self::ZEUS_AMD_NODE_SCOPE_NONE,
            Scope::Gpus => Self::ZEUS_AMD_NODE_SCOPE_GPUS,
            Scope::Parts => Self::ZEUS_AMD_NODE_SCOPE_PARTS,
            Scope::Node => Self::ZEUS_AMD_NODE_SCOPE_NODE,
        }
    }
}

impl zeus_amd_node_total_t {
    pub(super) fn fill(&mut self, t: &NodeTotal) {
        let mut set = |is_set: bool, bit: u32| self.flags |= if is_set { bit } else { 0 };
        set(t.uncertainty_uj > t.energy_uj / 10, ZEUS_AMD_NODE_TOTAL_FLAG_HIGH_UNCERTAINTY_BIT);
        set(t.missing > 0, ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT);
        self.valid = if t.domains > 0 { ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT } else { 0 };
        self.scope = t.scope.into();
        (self.domains, self.missing) = (t.domains, t.missing);
        (self.energy_uj, self.uncertainty_uj) = (t.energy_uj, t.uncertainty_uj);
        (self.duration_ns, self.mean_power_mw) = (t.duration_ns, t.mean_mw);
        (self.beside_uj, self.beside_uncertainty_uj) = (t.beside_uj, t.beside_uncertainty_uj);
    }
}
