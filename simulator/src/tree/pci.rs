//! The PCI devices.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{od, write};
use crate::machine::{Bdf, ClockSpec, Dri, DrmClass, Gpu, Machine, Suspended};

pub const RUNTIME_STATUS: &str = "power/runtime_status";

/// Below `/sys`.
pub fn relative(bdf: &Bdf) -> String {
    format!("devices/pci{:04x}:{:02x}/{bdf}", bdf.domain, bdf.bus)
}

pub fn device(m: &Machine, root: &Path, g: &Gpu) -> io::Result<()> {
    let dir = super::pci_dir(root, g);
    fs::create_dir_all(&dir)?;
    symlink(format!("../../../{}", relative(&g.bdf)), root.join("sys/bus/pci/devices").join(g.bdf.to_string()))?;
    let s = &g.spec;
    for (name, text) in [
        ("vendor", "0x1002\n".to_string()),
        ("device", format!("0x{:04x}\n", s.device_id)),
        ("subsystem_vendor", format!("0x{:04x}\n", s.subvendor)),
        ("subsystem_device", format!("0x{:04x}\n", s.subsystem_id)),
        ("revision", format!("0x{:02x}\n", s.rev_id)),
        ("class", "0x120000\n".to_string()),
        ("numa_node", "0\n".to_string()),
        (
            "uevent",
            format!("DRIVER=amdgpu\nPCI_CLASS=120000\nPCI_ID=1002:{:04X}\nPCI_SLOT_NAME={}\n", s.device_id, g.bdf),
        ),
        ("unique_id", format!("{:016x}\n", g.unique_id)),
        ("product_name", format!("{}\n", s.name)),
        ("current_compute_partition", format!("{}\n", s.compute_partition)),
        ("current_memory_partition", format!("{}\n", s.memory_partition)),
        ("power_dpm_force_performance_level", "auto\n".to_string()),
        ("power_state", "D0\n".to_string()),
        ("power/control", if s.suspended == Suspended::No { "on\n" } else { "auto\n" }.to_string()),
        (RUNTIME_STATUS, if s.suspended == Suspended::No { "active\n" } else { "suspended\n" }.to_string()),
        ("gpu_busy_percent", format!("{}\n", s.activity[0])),
        ("mem_busy_percent", format!("{}\n", s.activity[1])),
        ("mem_info_vram_total", format!("{}\n", s.vram_mb << 20)),
        ("mem_info_vram_used", format!("{}\n", 288u64 << 20)),
        ("pp_od_clk_voltage", od::table(g, None)),
        ("pp_dpm_sclk", levels(&s.clocks.gfx)),
        ("pp_dpm_mclk", levels(&s.clocks.mem)),
    ] {
        write(&dir.join(name), &text)?;
    }
    if let Some(soc) = &s.clocks.soc {
        write(&dir.join("pp_dpm_socclk"), &levels(soc))?;
    }
    if m.spec.amdgpu {
        fs::create_dir_all(root.join("sys/bus/pci/drivers/amdgpu"))?;
        symlink("../../../bus/pci/drivers/amdgpu", dir.join("driver"))?;
    }
    Ok(())
}

/// `0: 132Mhz` and so on, the star at the level of the present clock.
fn levels(c: &ClockSpec) -> String {
    if c.current_line && !c.levels.contains(&c.now) {
        let (first, rest) = (&c.levels[..1], &c.levels[1..]);
        let star = |i| if i == 1 { "*" } else { "" };
        let all = first.iter().chain([&c.now]).chain(rest).enumerate();
        return all.map(|(i, mhz)| format!("{i}: {mhz}Mhz {}\n", star(i))).collect();
    }
    let current = current_level(c);
    let line = |(i, mhz): (usize, &u32)| format!("{i}: {mhz}Mhz{}\n", if i == current { " *" } else { "" });
    c.levels.iter().enumerate().map(line).collect()
}

fn current_level(c: &ClockSpec) -> usize {
    (0..c.levels.len()).min_by_key(|&i| c.levels[i].abs_diff(c.now)).unwrap_or(0)
}

/// The management controller's graphics: card0, and not an AMD GPU.
pub fn vga(m: &Machine, root: &Path) -> io::Result<()> {
    let bdf = Bdf { domain: 0, bus: 2, device: 0, function: 0 };
    let dir = root.join("sys").join(relative(&bdf));
    for (name, text) in [
        ("vendor", "0x1a03\n"),
        ("device", "0x2000\n"),
        ("class", "0x030000\n"),
        ("uevent", "DRIVER=ast\nPCI_CLASS=30000\nPCI_ID=1A03:2000\nPCI_SLOT_NAME=0000:02:00.0\n"),
        ("drm/card0/dev", "226:0\n"),
    ] {
        write(&dir.join(name), text)?;
    }
    symlink("../..", dir.join("drm/card0/device"))?;
    symlink(format!("../../../{}", relative(&bdf)), root.join("sys/bus/pci/devices").join(bdf.to_string()))?;
    if m.spec.drm == DrmClass::Cards {
        symlink(format!("../../{}/drm/card0", relative(&bdf)), root.join("sys/class/drm/card0"))?;
    }
    if m.spec.dri != Dri::Missing {
        write(&root.join("dev/dri/card0"), "")?;
    }
    Ok(())
}
