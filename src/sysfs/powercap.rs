//! `/sys/class/powercap/intel-rapl:*`: the energy registers of the processors, AMD's as well as Intel's.
//!
//! <https://docs.kernel.org/power/powercap/powercap.html>, drivers/powercap/intel_rapl_common.c

use super::error::SysfsError;
use crate::error::Result;
use crate::platform::files::{name, readable_entries, text};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const FOLDER: &str = "sys/class/powercap";

/// A package, or a part of one.
#[derive(Debug, Clone)]
pub struct Zone {
    /// `[0]` of intel-rapl:0, `[0, 1]` of intel-rapl:0:1.
    pub numbers: Vec<u32>,
    /// "package-0", "core", "uncore", "dram", "psys".
    pub name: String,
    /// energy_uj wraps to 0 behind this.
    pub range_uj: Option<u64>,
    pub file: PathBuf,
}

/// The numbers of "intel-rapl:0:1". The zones of intel-rapl-mmio are the same packages once more.
fn numbers(folder: &str) -> Option<Vec<u32>> {
    folder.strip_prefix("intel-rapl:")?.split(':').map(|n| n.parse().ok()).collect()
}

/// All zones, each package before its parts. A zone without a name or an energy is none, and so is "core" of AMD's processors:
/// their register is each core's own, and the kernel shows that of one core of the package (`rapl_msr_priv_amd` in
/// drivers/powercap/intel_rapl_msr.c).
pub fn zones(root: &Path) -> Result<Vec<Zone>> {
    let mut zones = Vec::new();
    for folder in readable_entries(&root.join(FOLDER))? {
        let Some(numbers) = name(&folder).and_then(numbers) else { continue };
        let file = folder.join("energy_uj");
        let (Some(name), true) = (text(&folder.join("name"))?, file.exists()) else { continue };
        if name == "core" && has_registers_per_core(root) {
            continue;
        }
        let range_uj = text(&folder.join("max_energy_range_uj"))?.and_then(|t| t.parse().ok()).filter(|uj| *uj > 0);
        zones.push(Zone { numbers, name, range_uj, file });
    }
    zones.sort_by(|a, b| a.numbers.cmp(&b.numbers));
    Ok(zones)
}

/// The processors are AMD's, or Hygon's.
fn has_registers_per_core(root: &Path) -> bool {
    // The first processor's lines: those of all are long.
    let mut first = String::new();
    let read = File::open(root.join("proc/cpuinfo")).and_then(|file| file.take(4096).read_to_string(&mut first));
    let vendor = first.lines().find_map(|line| line.strip_prefix("vendor_id")?.split(':').nth(1));
    read.is_ok() && vendor.is_some_and(|vendor| matches!(vendor.trim(), "AuthenticAMD" | "HygonGenuine"))
}

impl Zone {
    /// The register now, in microjoules.
    pub fn energy_uj(&self) -> std::result::Result<u64, SysfsError> {
        let mut bytes = [0; 64];
        let length = File::open(&self.file)?.read(&mut bytes)?;
        if length == 0 {
            return Err(SysfsError::Empty);
        }
        let digits = std::str::from_utf8(&bytes[..length]).ok().map(str::trim_end);
        digits.and_then(|t| t.parse().ok()).ok_or(SysfsError::NotANumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_and_what_is_none() {
        assert_eq!(numbers("intel-rapl:0"), Some(vec![0]));
        assert_eq!(numbers("intel-rapl:10:2"), Some(vec![10, 2]));
        for other in ["intel-rapl", "intel-rapl-mmio:0", "intel-rapl:", "intel-rapl:a", "dtpm", "intel-rapl:0:"] {
            assert_eq!(numbers(other), None, "{other}");
        }
    }

    #[test]
    fn packages_come_in_the_order_of_their_numbers() {
        let root = tempfile::tempdir().unwrap();
        let class = root.path().join(FOLDER);
        for (zone, name) in [("10", "package-10"), ("2:0", "core"), ("2", "package-2"), ("0", "package-0")] {
            let folder = class.join(format!("intel-rapl:{zone}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("name"), format!("{name}\n")).unwrap();
            std::fs::write(folder.join("energy_uj"), "5\n").unwrap();
        }
        std::fs::create_dir_all(class.join("intel-rapl:3")).unwrap();
        let found = zones(root.path()).unwrap();
        let names: Vec<_> = found.iter().map(|z| z.name.as_str()).collect();
        assert_eq!(names, ["package-0", "package-2", "core", "package-10"]);
        assert_eq!(found[0].energy_uj(), Ok(5));
        assert_eq!(found[0].range_uj, None);
    }

    /// AMD's zone "core" is one core of many.
    #[test]
    fn one_core_is_not_the_cores() {
        let root = tempfile::tempdir().unwrap();
        for (zone, name) in [("0", "package-0"), ("0:0", "core")] {
            let folder = root.path().join(FOLDER).join(format!("intel-rapl:{zone}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("name"), format!("{name}\n")).unwrap();
            std::fs::write(folder.join("energy_uj"), "5\n").unwrap();
        }
        std::fs::create_dir(root.path().join("proc")).unwrap();
        for (vendor, expected) in [("GenuineIntel", 2), ("AuthenticAMD", 1), ("HygonGenuine", 1)] {
            let cpuinfo = format!("processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu\n");
            std::fs::write(root.path().join("proc/cpuinfo"), cpuinfo.repeat(256)).unwrap();
            assert_eq!(zones(root.path()).unwrap().len(), expected, "{vendor}");
        }
    }
}
