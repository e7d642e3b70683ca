//! All that is true of a machine, as JSON, for tests in other languages.

use serde_json::{json, Value};

use super::{Gpu, Machine};

/// The machine's facts; with `now_ns` (nanoseconds since its start) also what its counters show then.
pub fn truth(m: &Machine, epoch_ns: u64, now_ns: Option<u64>) -> Value {
    let smi = m.in_smi_order();
    let hip = m.in_hip_order();
    let processors: Vec<Value> = m
        .processors()
        .iter()
        .map(|p| {
            json!({
                "gpu": p.gpu, "partition": p.partition, "kfd_node": p.node, "card": p.card, "render_minor": p.render,
                "gpu_id": p.gpu_id, "unique_id": format!("{:016x}", p.unique_id), "bdf": p.bdf.to_string(),
                "smi_index": smi.iter().position(|q| q.node == p.node),
                "hip_index": hip.iter().position(|q| q.node == p.node),
            })
        })
        .collect();
    json!({
        "machine": m.name,
        "description": m.spec.description,
        "epoch_ns": epoch_ns,
        "now_ns": now_ns,
        "driver_version": m.spec.driver_version,
        "gpus": m.gpus().iter().map(|g| gpu_truth(m, g, epoch_ns, now_ns)).collect::<Vec<_>>(),
        "processors": processors,
        "smi_order": smi.iter().map(|p| json!([p.gpu, p.partition])).collect::<Vec<_>>(),
        "hip_order": hip.iter().map(|p| json!([p.gpu, p.partition])).collect::<Vec<_>>(),
    })
}

pub fn gpu_truth(m: &Machine, g: &Gpu, epoch_ns: u64, now_ns: Option<u64>) -> Value {
    let mut v = json!({
        "index": g.index, "number": g.number, "model": g.spec.model, "name": g.spec.name, "bdf": g.bdf.to_string(),
        "unique_id": format!("{:016x}", g.unique_id), "device_id": g.spec.device_id, "subvendor": g.spec.subvendor,
        "subsystem_id": g.spec.subsystem_id, "rev_id": g.spec.rev_id, "oam_id": g.spec.oam_id,
        "package": g.package, "primary": m.primary_of(g).index, "secondary_die": g.is_secondary_die(),
        "kfd_node": g.node, "card": g.card, "render_minor": g.render, "partitions": g.spec.partitions,
        "compute_partition": g.spec.compute_partition, "memory_partition": g.spec.memory_partition,
        "metrics": g.spec.metrics, "power_sensor": g.spec.power_sensor, "unit_uj": g.unit_uj(),
        "cap_present": g.spec.caps.present, "cap_uw": g.cap_uw(), "default_cap_uw": g.default_cap_uw(),
        "min_cap_uw": g.min_cap_uw(), "max_cap_uw": g.max_cap_uw(),
        "temps_mc": g.spec.temps, "clocks": g.spec.clocks, "activity": g.spec.activity, "voltages": g.spec.voltages,
        "compute_units": g.spec.compute_units, "gfx_target": g.spec.gfx_target, "vram_mb": g.spec.vram_mb,
        "power_shape": g.spec.power, "counter": g.spec.counter,
        "table_power_w": g.spec.table_power_w, "integrated": g.spec.integrated, "suspended": g.spec.suspended,
    });
    if let Some(now) = now_ns {
        let r = g.reading(now);
        v["now"] = json!({
            "accumulator": r.accumulator, "system_clock_ns": epoch_ns + r.system_ns, "firmware_10ns": r.firmware_10ns,
            "power_w": r.power_w, "true_power_w": g.power_w(now as f64 / 1e9), "true_energy_j": g.energy_j(0.0, now as f64 / 1e9),
        });
    }
    v
}
