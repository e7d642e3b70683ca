//! hwmon: temperatures in millidegrees, powers and caps in µW, clocks in Hz.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{pci_dir, write};
use crate::machine::{Gpu, PowerSensor};

/// hwmon0 to 2 belong to the processors, as usual.
fn dir(root: &Path, g: &Gpu) -> PathBuf {
    pci_dir(root, g).join(format!("hwmon/hwmon{}", g.index + 3))
}

pub fn device(root: &Path, g: &Gpu) -> io::Result<()> {
    let dir = dir(root, g);
    fs::create_dir_all(&dir)?;
    let s = &g.spec;
    let mut files = vec![("name", "amdgpu\n".to_string())];
    if s.caps.present {
        files.extend([
            ("power1_cap", format!("{}\n", g.cap_uw())),
            ("power1_cap_default", format!("{}\n", g.default_cap_uw())),
            ("power1_cap_min", format!("{}\n", g.min_cap_uw())),
            ("power1_cap_max", format!("{}\n", g.max_cap_uw())),
        ]);
    }
    if s.caps.present || s.integrated {
        files.push(("power1_label", "PPT\n".to_string()));
    }
    for (value, input, label, text) in [
        (s.temps.edge, "temp1_input", "temp1_label", "edge\n"),
        (s.temps.hotspot, "temp2_input", "temp2_label", "junction\n"),
        (s.temps.mem, "temp3_input", "temp3_label", "mem\n"),
    ] {
        if let Some(mc) = value {
            files.push((input, format!("{mc}\n")));
            files.push((label, text.to_string()));
        }
    }
    files.extend([
        ("freq1_input", format!("{}\n", u64::from(s.clocks.gfx.now) * 1_000_000)),
        ("freq1_label", "sclk\n".to_string()),
    ]);
    if !s.integrated {
        files.extend([
            ("freq2_input", format!("{}\n", u64::from(s.clocks.mem.now) * 1_000_000)),
            ("freq2_label", "mclk\n".to_string()),
        ]);
    }
    for (name, text) in files {
        write(&dir.join(name), &text)?;
    }
    symlink("../..", dir.join("device"))?;
    let name = format!("hwmon{}", g.index + 3);
    let target = format!("../../{}/hwmon/{name}", super::pci::relative(&g.bdf));
    symlink(target, root.join("sys/class/hwmon").join(name))
}

/// The file with the present power; a second die has none.
pub fn power_name(g: &Gpu) -> Option<&'static str> {
    let name = match g.spec.power_sensor {
        PowerSensor::Average => "power1_average",
        PowerSensor::Current => "power1_input",
    };
    (!g.is_secondary_die()).then_some(name)
}

/// Where it is.
pub fn power_file(root: &Path, g: &Gpu) -> Option<PathBuf> {
    power_name(g).map(|name| dir(root, g).join(name))
}

/// A file of the GPU by its name: of the PCI device, or else of hwmon.
pub fn named_file(root: &Path, g: &Gpu, name: &str) -> Option<PathBuf> {
    [pci_dir(root, g), dir(root, g)].map(|d| d.join(name)).into_iter().find(|p| p.is_file())
}

/// Names of the files that the driver cannot answer without asking the GPU: reading one of them resumes it.
pub fn asks_hardware(root: &Path, g: &Gpu) -> Vec<String> {
    let of =
        |d: PathBuf| fs::read_dir(d).into_iter().flatten().flatten().filter_map(|e| e.file_name().into_string().ok());
    let hwmon = of(dir(root, g)).filter(|n| n.contains('_') && !n.ends_with("_label"));
    let metrics =
        [crate::preload_state::METRICS, super::od::FILE, super::od::LEVEL_FILE, "gpu_busy_percent", "mem_busy_percent"];
    let device = of(pci_dir(root, g)).filter(|n| metrics.contains(&n.as_str()) || n.starts_with("pp_dpm_"));
    hwmon.chain(device).collect()
}

/// The file with the power cap, where the GPU has one, also where a test has renamed hwmonN.
pub fn cap_file(root: &Path, g: &Gpu) -> Option<PathBuf> {
    let known = dir(root, g);
    let today = || Some(fs::read_dir(known.parent()?).ok()?.flatten().next()?.path());
    let folder = if known.exists() { None } else { today() }.unwrap_or(known);
    g.spec.caps.present.then(|| folder.join("power1_cap"))
}
