//! KFD's topology: CPU nodes first, then a node for each partition in the order the driver found them.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::write;
use crate::machine::{DieRole, Machine, Processor};

pub fn build(m: &Machine, root: &Path) -> io::Result<()> {
    let kfd = root.join("sys/devices/virtual/kfd/kfd");
    let nodes = kfd.join("topology/nodes");
    fs::create_dir_all(root.join("sys/class/kfd"))?;
    symlink("../../devices/virtual/kfd/kfd", root.join("sys/class/kfd/kfd"))?;
    write(&kfd.join("dev"), "240:0\n")?;
    write(&kfd.join("topology/generation_id"), "2\n")?;
    write(&kfd.join("topology/system_properties"), "platform_oem 0\nplatform_id 0\nplatform_rev 0\n")?;
    super::device_file(&root.join("dev/kfd"))?;
    for n in 0..m.spec.cpu_nodes {
        let dir = nodes.join(n.to_string());
        write(&dir.join("gpu_id"), "0\n")?;
        write(&dir.join("name"), "\n")?;
        write(
            &dir.join("properties"),
            "cpu_cores_count 64\nsimd_count 0\nmem_banks_count 1\nvendor_id 0\ndevice_id 0\nlocation_id 0\ndomain 0\ndrm_render_minor 0\n",
        )?;
    }
    for p in m.processors() {
        let dir = nodes.join(p.node.to_string());
        write(&dir.join("gpu_id"), &format!("{}\n", p.gpu_id))?;
        write(&dir.join("name"), &format!("gfx{}\n", m.gpu_of(p).spec.gfx_target))?;
        write(&dir.join("properties"), &properties(m, p))?;
        io_links(m, p, &dir)?;
    }
    Ok(())
}

/// XGMI links to the other GPUs of a machine with packages of two dies: the one inside the package is the widest.
fn io_links(m: &Machine, from: &Processor, dir: &Path) -> io::Result<()> {
    let gpu = m.gpu_of(from);
    if gpu.spec.die == DieRole::Single {
        return Ok(());
    }
    let others = m.processors().iter().filter(|p| p.node != from.node && m.gpu_of(p).spec.die != DieRole::Single);
    for (i, to) in others.enumerate() {
        let bandwidth = if m.gpu_of(to).package == gpu.package { 200_000 } else { 50_000 };
        let text = format!(
            "type 11\nversion_major 0\nversion_minor 0\nnode_from {}\nnode_to {}\nweight 15\nmin_bandwidth 50000\nmax_bandwidth {bandwidth}\n",
            from.node, to.node
        );
        write(&dir.join(format!("io_links/{i}/properties")), &text)?;
    }
    Ok(())
}

fn properties(m: &Machine, p: &Processor) -> String {
    let g = m.gpu_of(p);
    let s = &g.spec;
    [
        ("cpu_cores_count", 0),
        ("simd_count", u64::from(s.simd_count / s.partitions)),
        ("mem_banks_count", 1),
        ("caches_count", 0),
        ("io_links_count", 1),
        ("cpu_core_id_base", 0),
        ("simd_id_base", 2_147_487_744 + u64::from(p.node) * 4096),
        ("max_waves_per_simd", 8),
        ("wave_front_size", 64),
        ("gfx_target_version", s.gfx_target.into()),
        ("vendor_id", 4098),
        ("device_id", s.device_id.into()),
        ("location_id", p.bdf.location()),
        ("domain", p.bdf.domain.into()),
        ("drm_render_minor", p.render.into()),
        ("hive_id", 0),
        ("num_xcc", 1),
        ("max_engine_clk_fcompute", s.clocks.gfx.levels.last().copied().unwrap_or(0).into()),
        ("capability", s.capability.into()),
        ("unique_id", p.unique_id),
    ]
    .iter()
    .map(|(k, v)| format!("{k} {v}\n"))
    .collect()
}
