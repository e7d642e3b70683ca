//! GPUs and partitions with every default worked out, and what each of them truly does at a time.

use super::file::{Access, DieRole, GpuSpec, MachineSpec};
use super::Bdf;
use crate::power::Power;

/// One PCI device.
#[derive(Debug, Clone)]
pub struct Gpu {
    /// Place in [`crate::Machine::gpus`].
    pub index: usize,
    /// Number in the file, by which patches address it.
    pub number: u32,
    pub spec: GpuSpec,
    pub bdf: Bdf,
    pub unique_id: u64,
    /// GPUs with the same number share package, power and energy.
    pub package: u32,
    /// KFD node, DRM card and render node of the (first) partition.
    pub node: u32,
    pub card: u32,
    pub render: u32,
    power: Power,
}

/// What HIP and libamd_smi count: a GPU, or one partition of it.
#[derive(Debug, Clone)]
pub struct Processor {
    pub gpu: usize,
    pub partition: u32,
    pub node: u32,
    pub card: u32,
    pub render: u32,
    /// KFD's gpu_id.
    pub gpu_id: u32,
    pub unique_id: u64,
    /// The GPU's address with the partition as function.
    pub bdf: Bdf,
}

fn hex(text: &str) -> Result<u64, String> {
    let digits = text.trim_start_matches("0x");
    u64::from_str_radix(digits, 16).map_err(|_| format!("unique_id {text:?} is not hexadecimal"))
}

pub(super) fn expand(spec: &MachineSpec) -> Result<(Vec<Gpu>, Vec<Processor>), String> {
    let mut listed: Vec<(u32, &GpuSpec)> =
        spec.gpu.iter().filter(|(_, g)| !g.absent).map(|(n, g)| (n.parse().unwrap_or(0), g)).collect();
    listed.sort_by_key(|g| g.0);
    let mut gpus = Vec::new();
    for (index, (number, g)) in listed.iter().enumerate() {
        let what = |e: String| format!("gpu.{number}: {e}");
        if g.partitions == 0 || g.partitions > 8 {
            return Err(what("partitions must be 1 to 8".to_string()));
        }
        gpus.push(Gpu {
            index,
            number: *number,
            spec: (*g).clone(),
            bdf: Bdf::parse(&g.bdf).map_err(what)?,
            unique_id: hex(&g.unique_id).map_err(what)?,
            package: g.package.unwrap_or(1000 + number),
            node: 0,
            card: 0,
            render: 0,
            power: Power::new(g.power.clone(), g.noise.as_ref()),
        });
    }
    // The driver hands out minors and nodes as it finds the devices; explicit numbers win.
    let mut order: Vec<usize> = (0..gpus.len()).collect();
    order.sort_by_key(|&i| (gpus[i].spec.probe.unwrap_or(i as u32), i));
    let (mut node, mut card, mut render) = (spec.cpu_nodes, u32::from(spec.vga), 128);
    let mut processors: Vec<Vec<Processor>> = vec![Vec::new(); gpus.len()];
    for i in order {
        let g = &mut gpus[i];
        node = g.spec.kfd_node.unwrap_or(node);
        card = g.spec.card.unwrap_or(card);
        render = g.spec.render_minor.unwrap_or(render);
        (g.node, g.card, g.render) = (node, card, render);
        for partition in 0..g.spec.partitions {
            let unique_id = match g.spec.partition_unique_ids.get(partition as usize) {
                Some(id) => hex(id)?,
                None => g.unique_id,
            };
            processors[i].push(Processor {
                gpu: i,
                partition,
                node,
                card,
                render,
                gpu_id: g.spec.gpu_id.unwrap_or_else(|| default_gpu_id(g.unique_id, &g.bdf)) + partition,
                unique_id,
                bdf: Bdf { function: g.bdf.function | partition as u8, ..g.bdf },
            });
            (node, card, render) = (node + 1, card + 1, render + 1);
        }
    }
    Ok((gpus, processors.into_iter().flatten().collect()))
}

/// KFD hashes a few properties into 16 bits; any number that differs between GPUs will do.
fn default_gpu_id(unique_id: u64, bdf: &Bdf) -> u32 {
    let h =
        unique_id.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(bdf.as_union().wrapping_mul(0xBF58_476D_1CE4_E5B9));
    0x1000 + ((h >> 48) as u32 & 0xDFF0)
}

impl Gpu {
    /// True power at a time (seconds since machine start), in watts.
    pub fn power_w(&self, t: f64) -> f64 {
        if self.spec.die == DieRole::Secondary {
            return 0.0;
        }
        self.power.watts(t)
    }

    /// True energy of an interval, in joules: the exact integral.
    pub fn energy_j(&self, t0: f64, t1: f64) -> f64 {
        if self.spec.die == DieRole::Secondary {
            return 0.0;
        }
        self.power.joules(t1) - self.power.joules(t0)
    }

    /// The same for machine times in nanoseconds.
    pub fn energy_between_j(&self, from_ns: u64, to_ns: u64) -> f64 {
        self.energy_j(from_ns as f64 / 1e9, to_ns as f64 / 1e9)
    }

    /// The counter's unit in µJ (what the firmware means, not the 15.3 that libamd_smi reports).
    pub fn unit_uj(&self) -> f64 {
        self.spec.counter.unit_uj
    }

    pub fn is_secondary_die(&self) -> bool {
        self.spec.die == DieRole::Secondary
    }

    pub fn cap_uw(&self) -> u64 {
        micro(self.spec.caps.cap_w)
    }

    pub fn default_cap_uw(&self) -> u64 {
        micro(self.spec.caps.default_w)
    }

    pub fn min_cap_uw(&self) -> u64 {
        micro(self.spec.caps.min_w)
    }

    pub fn max_cap_uw(&self) -> u64 {
        micro(self.spec.caps.max_w)
    }

    /// Major and minor of gpu_metrics; none without the file.
    pub fn metrics_revision(&self) -> Option<(u8, u8)> {
        let (a, b) = self.spec.metrics.split_once('.')?;
        Some((a.parse().ok()?, b.parse().ok()?))
    }

    /// The process can open the render node.
    pub fn renders(&self) -> bool {
        !matches!(self.spec.access, Access::NoRender | Access::Hidden | Access::Denied | Access::Masked)
    }
}

fn micro(w: f64) -> u64 {
    (w * 1e6).round() as u64
}
