use super::*;
use crate::energy::Method;
use DomainKind::{Accelerator, Cpu, CpuCores, CpuPackage, Dram, Gpu, Memory, Node, Platform};

fn joules(j: u64) -> NodeInterval {
    NodeInterval {
        method: Method::Counter,
        energy_uj: j * 1_000_000,
        uncertainty_uj: 1000,
        duration_ns: 1_000_000_000,
        restarted: false,
        gap: false,
        stale: false,
    }
}

/// The sum of domains with these joules (`None`: not readable), and of those that are no package of a GPU; a GPU may be an APU.
fn sum(parts: &[(DomainKind, bool, Option<u64>)]) -> (Scope, u64, u64, u32) {
    let intervals: Vec<_> = parts.iter().map(|(.., j)| j.map(joules)).collect();
    let parts = parts.iter().zip(&intervals);
    let parts: Vec<_> =
        parts.map(|((kind, has_cpu, _), i)| Part { kind: *kind, has_cpu: *has_cpu, interval: i.as_ref() }).collect();
    let (total, counted) = total(&parts, 7);
    assert_eq!(counted.iter().filter(|c| **c).count() as u32, total.domains);
    assert_eq!(total.duration_ns, 7);
    (total.scope, total.energy_uj / 1_000_000, total.beside_uj / 1_000_000, total.missing)
}

#[test]
fn nothing_is_counted_twice() {
    let j = Some;
    let cray = [(Node, false, j(1000)), (Cpu, false, j(200)), (Memory, false, j(60)), (Accelerator, false, j(300))];
    let more = [(CpuPackage, false, j(190)), (CpuCores, false, j(90)), (Gpu, false, j(290))];
    let all = [&cray[..], &more[..]].concat();
    assert_eq!(sum(&all), (Scope::Node, 1000, 1000, 0));
    // Without the node's file: the parts by the board.
    assert_eq!(sum(&all[1..]), (Scope::Parts, 560, 260, 0));
    // Without the controller: packages, dram beside them, GPUs.
    let plain =
        [(CpuPackage, false, j(190)), (Dram, false, j(30)), (CpuCores, false, j(90)), (Platform, false, j(999))];
    let gpus = [(Gpu, false, j(290)), (Gpu, false, j(310))];
    assert_eq!(sum(&[&plain[..], &gpus[..]].concat()), (Scope::Parts, 820, 220, 0));
    // A package that may not be read is missing.
    let unreadable = [(CpuPackage, false, None), (Gpu, false, j(290))];
    assert_eq!(sum(&unreadable), (Scope::Gpus, 290, 0, 1));
    // The package of an APU has its processor.
    let apu = [(CpuPackage, false, j(190)), (Gpu, true, j(540))];
    assert_eq!(sum(&apu), (Scope::Gpus, 540, 0, 0));
    let silent_apu = [(CpuPackage, false, j(190)), (Gpu, true, None)];
    assert_eq!(sum(&silent_apu), (Scope::Parts, 190, 190, 1));
    assert_eq!(sum(&[]), (Scope::None, 0, 0, 0));
}
