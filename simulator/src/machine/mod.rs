//! The machine: what the TOML file says, with every default worked out. It is also the truth that tests compare with.

mod bdf;
mod counter;
mod fault;
mod file;
mod gpu;
mod merge;
mod truth;

use std::path::PathBuf;

use crate::node::Node;

pub use bdf::Bdf;
pub use counter::{Counter, Lag, Limited, Missing, Moments, Reading, Times};
pub use fault::{Content, Errno, Fault, FaultDetail, FileFault, FileFaults};
pub use file::{
    Access, Caps, ClockSpec, Clocks, DieRole, Dri, DrmClass, GpuSpec, Init, MachineSpec, PowerSensor, Suspended, Temps,
};
pub use gpu::{Gpu, Processor};
pub use truth::{gpu_truth, truth};

/// A machine, ready to be built and asked.
#[derive(Debug, Clone)]
pub struct Machine {
    pub name: String,
    pub spec: MachineSpec,
    gpus: Vec<Gpu>,
    processors: Vec<Processor>,
    node: Node,
}

/// Where the machine files that come with the simulator lie.
pub fn machines_dir() -> PathBuf {
    crate::install_paths::data().join("machines")
}

impl Machine {
    /// A machine by name (`mi300x-8`) or by the path of a TOML file.
    pub fn load(name_or_path: &str) -> Result<Machine, String> {
        Machine::load_with::<&str>(name_or_path, &[])
    }

    /// The same, with TOML snippets merged on top, in order.
    pub fn load_with<S: AsRef<str>>(name_or_path: &str, patches: &[S]) -> Result<Machine, String> {
        let named = machines_dir().join(format!("{name_or_path}.toml"));
        let path = if !name_or_path.contains('/') && named.is_file() { named } else { PathBuf::from(name_or_path) };
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("machine {name_or_path}: {}: {e}", path.display()))?;
        let name = path.file_stem().map_or_else(|| name_or_path.to_string(), |s| s.to_string_lossy().into_owned());
        Machine::parse(&name, &text, patches)
    }

    pub fn parse<S: AsRef<str>>(name: &str, text: &str, patches: &[S]) -> Result<Machine, String> {
        let spec = merge::resolve(text, patches).map_err(|e| format!("machine {name}: {e}"))?;
        Machine::from_spec(name, spec)
    }

    pub(crate) fn from_spec(name: &str, spec: MachineSpec) -> Result<Machine, String> {
        let (gpus, processors) = gpu::expand(&spec).map_err(|e| format!("machine {name}: {e}"))?;
        let node = Node::new(&spec.node, &gpus).map_err(|e| format!("machine {name}: {e}"))?;
        Ok(Machine { name: name.to_string(), spec, gpus, processors, node })
    }

    /// The names of the machines that come with the simulator and whose files show what is true.
    pub fn names() -> Vec<String> {
        let regular = |name: &String| Machine::load(name).is_ok_and(|m| !m.spec.irregular);
        Machine::all_names().into_iter().filter(regular).collect()
    }

    /// With those whose tables or sensors do not.
    pub fn all_names() -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(machines_dir())
            .into_iter()
            .flatten()
            .filter_map(|e| Some(e.ok()?.file_name().to_str()?.strip_suffix(".toml")?.to_string()))
            .collect();
        names.sort();
        names
    }

    /// PCI devices (on MI250X each die is one), in the order of their numbers in the file.
    pub fn gpus(&self) -> &[Gpu] {
        &self.gpus
    }

    /// What HIP and libamd_smi enumerate: one entry a partition (one a GPU without partitions), in file order.
    pub fn processors(&self) -> &[Processor] {
        &self.processors
    }

    /// The order of libamd_smi's handles: ascending PCI address, partitions of a GPU together. A GPU whose KFD
    /// node cannot be read is dropped.
    pub fn in_smi_order(&self) -> Vec<&Processor> {
        let readable = |p: &&Processor| !matches!(self.gpu_of(p).spec.access, Access::Hidden | Access::NodeDenied);
        let mut v: Vec<&Processor> = self.processors.iter().filter(readable).collect();
        v.sort_by_key(|p| (self.gpu_of(p).bdf, p.partition));
        v
    }

    /// The order of KFD nodes, which is HIP's before any mask: only what the process may open, and nothing at all when
    /// the runtime stumbles over one that it may not.
    pub fn in_hip_order(&self) -> Vec<&Processor> {
        let stumbles = |g: &Gpu| matches!(g.spec.access, Access::Denied | Access::NodeDenied);
        if !self.spec.kfd || self.spec.dri != Dri::Ok || self.gpus.iter().any(stumbles) {
            return Vec::new();
        }
        let mut v: Vec<&Processor> =
            self.processors.iter().filter(|p| self.gpu_of(p).spec.access == Access::Ok).collect();
        v.sort_by_key(|p| p.node);
        v
    }

    /// What measures the node beside the GPUs.
    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn gpu_of(&self, p: &Processor) -> &Gpu {
        &self.gpus[p.gpu]
    }

    /// The primary die of the package that `gpu` belongs to (itself when it has only one).
    pub fn primary_of(&self, gpu: &Gpu) -> &Gpu {
        self.gpus
            .iter()
            .find(|g| g.package == gpu.package && g.spec.die != DieRole::Secondary)
            .unwrap_or(&self.gpus[gpu.index])
    }

    /// The machine as its own file again, every default written out: how the library gets it.
    pub fn to_json(&self) -> String {
        serde_json::json!({"name": self.name, "spec": self.spec}).to_string()
    }

    pub fn from_json(text: &str) -> Result<Machine, String> {
        let v: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        let spec = serde_json::from_value(v["spec"].clone()).map_err(|e| e.to_string())?;
        Machine::from_spec(v["name"].as_str().unwrap_or(""), spec)
    }
}

impl Machine {
    /// Gives each GPU the table revision of the driver that came with a release: no newer than its library can read.
    /// `strict_metrics` in the machine file leaves the revisions as they are.
    pub fn fit_to(&mut self, release: &crate::Release) {
        if self.spec.strict_metrics {
            return;
        }
        let newest = release.newest_metrics();
        let text = format!("{}.{}", newest.0, newest.1);
        for g in &mut self.gpus {
            if g.metrics_revision().is_some_and(|r| r.0 == newest.0 && r > newest) {
                g.spec.metrics.clone_from(&text);
                if let Some(s) = self.spec.gpu.get_mut(&g.number.to_string()) {
                    s.metrics.clone_from(&text);
                }
            }
        }
    }
}
