//! What measures the node beside the GPUs: the board's controller, and the processors' registers.

mod pm_counters;
mod powercap;
mod spec;

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::machine::Gpu;
use crate::tree::write;

pub use pm_counters::{PmCounters, Update, FOLDER};
pub use powercap::Zone;
pub use spec::NodeSpec;

/// In place of a GPU's number for the files of the node.
pub const NODE: usize = 63;

/// The sources of a machine.
#[derive(Debug, Clone, Default)]
pub struct Node {
    pub pm: Option<PmCounters>,
    pub zones: Vec<Zone>,
    read_us: u64,
}

impl Node {
    pub fn new(spec: &NodeSpec, gpus: &[Gpu]) -> Result<Node, String> {
        let pm = spec.pm_counters.as_ref().map(|s| PmCounters::new(s, gpus)).transpose()?;
        let zones = spec.powercap.iter().map(|(id, s)| Zone::new(id, s)).collect();
        Ok(Node { pm, zones, read_us: spec.read_us })
    }

    /// True joules between two machine times of "node", "cpu", "memory", "accelN", or of a zone such as "rapl:0:0".
    pub fn energy_j(&self, domain: &str, from_ns: u64, to_ns: u64) -> Option<f64> {
        let at = |ns: u64| {
            let t = ns as f64 / 1e9;
            match domain.strip_prefix("rapl:") {
                Some(id) => self.zones.iter().find(|z| z.id == id).map(|z| z.joules(t)),
                None => self.pm.as_ref()?.joules(domain, t),
            }
        };
        Some(at(to_ns)? - at(from_ns)?)
    }

    pub fn domains(&self) -> Vec<String> {
        let mut all = self.pm.as_ref().map(PmCounters::domains).unwrap_or_default();
        all.extend(self.zones.iter().map(|z| format!("rapl:{}", z.id)));
        all
    }

    /// The files that move: name for the preloaded library, path, and whether they may be read.
    pub fn files(&self, root: &Path) -> Vec<(String, PathBuf, bool)> {
        let pm = self.pm.iter().flat_map(|pm| pm.files().into_iter().map(move |f| (pm, f)));
        let mut all: Vec<_> =
            pm.map(|(pm, f)| (format!("pm/{f}"), root.join(FOLDER).join(&f), !pm.is_unreadable(&f))).collect();
        let energy = |z: &Zone| root.join("sys").join(z.folder()).join("energy_uj");
        all.extend(self.zones.iter().map(|z| (format!("rapl/{}", z.id), energy(z), z.spec.readable)));
        all
    }

    /// The text of a file by that name; `nth` counts reads.
    pub fn text(&self, name: &str, now_ns: u64, nth: u64) -> Option<String> {
        if let Some(id) = name.strip_prefix("rapl/") {
            let zone = self.zones.iter().find(|z| z.id == id)?;
            return Some(format!("{}\n", zone.energy_uj(now_ns)));
        }
        let pm = self.pm.as_ref()?;
        let text = pm.text(name.strip_prefix("pm/")?, &pm.update(now_ns))?;
        let is_torn = nth.checked_rem(pm.torn_every()) == Some(0);
        Some(if is_torn { text[..text.len() / 2].to_string() } else { text })
    }

    /// A read takes its time.
    pub fn wait(&self) {
        if self.read_us > 0 {
            std::thread::sleep(std::time::Duration::from_micros(self.read_us));
        }
    }

    /// Everything with its first values.
    pub fn build(&self, root: &Path) -> io::Result<()> {
        for (name, path, _) in self.files(root) {
            write(&path, &self.text(&name, 0, 1).unwrap_or_default())?;
        }
        let class = root.join("sys/class/powercap");
        if !self.zones.is_empty() {
            fs::create_dir_all(&class)?;
            write(&root.join("sys/devices/virtual/powercap/intel-rapl/enabled"), "1\n")?;
            symlink("../../devices/virtual/powercap/intel-rapl", class.join("intel-rapl"))?;
        }
        for z in &self.zones {
            let folder = root.join("sys").join(z.folder());
            write(&folder.join("name"), &format!("{}\n", z.spec.name))?;
            write(&folder.join("max_energy_range_uj"), &format!("{}\n", z.max_energy_range_uj()))?;
            write(&folder.join("enabled"), "0\n")?;
            let name = format!("intel-rapl:{}", z.id);
            symlink(format!("../../{}", z.folder()), class.join(name))?;
        }
        Ok(())
    }
}
