//! A window over the node and its GPUs, with one begin and one end.

use super::compare::Comparison;
use super::count::Count;
use super::domain::{Domain, DomainSource};
use super::interval::{interval, NodeInterval};
use super::sources::Node;
use super::total::{total, NodeTotal, Part};
use super::watch::Watching;
use crate::device::Device;
use crate::error::{Error, Kind, Result};
use crate::measure::{GpuEnergy, Window};
use std::sync::Arc;

pub struct NodeWindow {
    node: Arc<Node>,
    gpus: Box<Window>,
    begin: Vec<Count>,
    begin_ns: u64,
    /// Of each GPU of the session.
    has_cpu: Vec<bool>,
    _watching: Option<Watching>,
}

/// The energy of one domain in a window.
pub struct DomainEnergy {
    pub interval: Option<NodeInterval>,
    /// Why there is none.
    pub error: Option<Kind>,
    /// It is in the total.
    pub counted: bool,
}

/// A GPU's package that has the processor's cores: MI300A, and the APUs of gfx9, gfx10 and gfx11 (AMD_IS_APU in
/// amdgpu/amdgpu_discovery.c, and their targets in amdkfd/kfd_device.c).
fn has_cpu(device: &Device) -> bool {
    const MI300A: u16 = 0x74A0;
    const APUS: [u32; 15] = [
        90_002, 90_009, 90_012, 100_103, 100_303, 100_305, 100_306, 110_003, 110_500, 110_501, 110_502, 110_503,
        110_504, 110_700, 110_701,
    ];
    let gfx_target = device.identity.location.node.as_ref().and_then(|n| n.gfx_target);
    device.identity.device_id == Some(MI300A) || gfx_target.is_some_and(|gfx| APUS.contains(&gfx))
}

impl NodeWindow {
    /// The node is read first: what it takes is not in the GPUs' window, whose begin is this one's.
    pub fn begin(
        node: &Arc<Node>,
        devices: &[Device],
        gpus: impl FnOnce() -> Result<Box<Window>>,
    ) -> Result<NodeWindow> {
        node.keep_polling()?;
        let begin = node.read();
        let gpus = gpus()?;
        let begin_ns = gpus.begin_ns();
        // Without that thread the window is as good.
        let watching = node.watch().ok().flatten();
        let has_cpu = devices.iter().map(has_cpu).collect();
        Ok(NodeWindow { node: node.clone(), gpus, begin, begin_ns, has_cpu, _watching: watching })
    }

    #[must_use]
    pub fn gpus(&self) -> &Window {
        &self.gpus
    }

    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        self.node.domains()
    }

    /// The energy of each domain and of the node, from the start to the GPUs' final readings.
    #[must_use]
    pub fn read(&self) -> (NodeTotal, Vec<DomainEnergy>) {
        let mut of_gpus: Vec<Option<std::result::Result<NodeInterval, Kind>>> = vec![None; self.gpus.gpus()];
        let duration_ns = self.gpus.read(|i, gpu| of_gpus[i] = Some(of_gpu(gpu))).duration_ns;
        let end = self.node.read();
        let calls = (self.begin_ns, self.begin_ns + duration_ns);
        let one = |(i, domain): (usize, &Domain)| match domain.source {
            DomainSource::Gpu(gpu) => of_gpus.get(gpu).copied().flatten().unwrap_or(Err(Kind::NotSupported)),
            _ => interval(&self.begin[i], &end[i], calls, &domain.limits)
                .ok_or(end[i].error.or(self.begin[i].error).unwrap_or(Kind::NotSupported)),
        };
        let intervals: Vec<_> = self.domains().iter().enumerate().map(one).collect();
        let of_domains = intervals.iter().map(|i| i.as_ref().ok());
        if let Some(comparison) = Comparison::of(self.domains(), of_domains, duration_ns) {
            self.node.compare(comparison);
        }
        let part = |(domain, interval): (&Domain, &'_ std::result::Result<NodeInterval, Kind>)| {
            let has_cpu = matches!(domain.source, DomainSource::Gpu(gpu) if self.has_cpu.get(gpu) == Some(&true));
            (domain.kind, has_cpu, interval.ok())
        };
        let parts: Vec<_> = self.domains().iter().zip(&intervals).map(part).collect();
        let parts: Vec<Part> = parts
            .iter()
            .map(|(kind, has_cpu, i)| Part { kind: *kind, has_cpu: *has_cpu, interval: i.as_ref() })
            .collect();
        let (total, counted) = total(&parts, duration_ns);
        let energies = intervals.into_iter().zip(counted);
        let energies = energies.map(|(i, counted)| DomainEnergy { interval: i.ok(), error: i.err(), counted });
        (total, energies.collect())
    }

    /// Why a total has no energy, given the first domain's reason.
    #[must_use]
    pub fn nothing_measured(&self, first: Option<Kind>) -> Error {
        match (self.domains().first(), first) {
            (Some(domain), Some(kind)) => self.node.no_energy(domain, &Count { error: Some(kind), ..Count::default() }),
            _ => Error::NothingMeasured {
                kind: Kind::NotSupported,
                why: "this node has nothing that measures it".to_owned(),
            },
        }
    }
}

fn of_gpu(gpu: &GpuEnergy) -> std::result::Result<NodeInterval, Kind> {
    let interval = gpu.interval.as_ref().ok_or(gpu.why)?;
    let uj = |pj: u128| u64::try_from(pj / 1_000_000).unwrap_or(u64::MAX);
    Ok(NodeInterval {
        method: interval.method,
        energy_uj: uj(interval.energy_pj),
        uncertainty_uj: uj(interval.uncertainty_pj).saturating_add(1),
        duration_ns: interval.duration_ns,
        restarted: interval.resets > 0,
        gap: interval.gaps > 0,
        stale: gpu.stale,
    })
}
