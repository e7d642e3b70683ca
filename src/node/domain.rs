//! What is measured, and how well.

use super::interval::Limits;
use crate::sysfs::pm_counters::{PmCounters, PmSensor};
use crate::sysfs::powercap::Zone;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainKind {
    Node,
    Cpu,
    Memory,
    Accelerator,
    CpuPackage,
    CpuCores,
    Uncore,
    Dram,
    Platform,
    Gpu,
    Other,
}

/// Where a domain is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainSource {
    PmCounters(PmSensor),
    /// Place in the list of zones.
    Powercap(usize),
    /// Index of a GPU of the session.
    Gpu(usize),
}

#[derive(Debug, Clone)]
pub struct Domain {
    pub kind: DomainKind,
    pub source: DomainSource,
    pub name: String,
    pub path: String,
    /// Place of the domain whose energy includes this one's.
    pub parent: Option<usize>,
    /// Time between two updates.
    pub refresh_ns: u64,
    pub limits: Limits,
}

/// An update of pm_counters is seen at most so many updates later. HPE states no delay; two updates are assumed.
const DELAY_UPDATES: u64 = 2;

/// The registers are updated about once a millisecond.
const RAPL_REFRESH_NS: u64 = 1_000_000;

/// The kernel cuts the unit to whole nanojoules: 15,258 of 15,258.8 with AMD's 2^-16 J.
const RAPL_UNIT_PPM: u64 = 66;

/// What a part draws at most where nothing states it, in milliwatts: well above what is built.
fn most_mw(kind: DomainKind) -> u64 {
    match kind {
        DomainKind::Node | DomainKind::Platform => 4_000_000,
        DomainKind::Memory | DomainKind::Dram => 600_000,
        _ => 1_000_000,
    }
}

impl Domain {
    pub fn of_sensor(pm: &PmCounters, sensor: PmSensor, node: Option<usize>) -> Domain {
        let (kind, name) = match sensor {
            PmSensor::Node => (DomainKind::Node, "node".to_owned()),
            PmSensor::Cpu => (DomainKind::Cpu, "cpu".to_owned()),
            PmSensor::Memory => (DomainKind::Memory, "memory".to_owned()),
            PmSensor::Accelerator(n) => (DomainKind::Accelerator, format!("accel{n}")),
        };
        let cap_mw = pm.cap_w(sensor).and_then(|w| w.checked_mul(1000)).unwrap_or(0);
        Domain {
            kind,
            source: DomainSource::PmCounters(sensor),
            name,
            path: pm.path(sensor).display().to_string(),
            parent: node.filter(|_| kind != DomainKind::Node),
            refresh_ns: pm.update_ns,
            limits: Limits {
                max_power_mw: most_mw(kind).max(cap_mw),
                max_age_ns: pm.update_ns * (1 + DELAY_UPDATES),
                resolution_uj: 1_000_000,
                unit_error_ppm: 0,
            },
        }
    }

    /// `package`: the name of the package of a part of one.
    pub fn of_zone(place: usize, zone: &Zone, package: Option<&str>, parent: Option<usize>) -> Domain {
        let kind = match zone.name.as_str() {
            "core" => DomainKind::CpuCores,
            "uncore" => DomainKind::Uncore,
            "dram" => DomainKind::Dram,
            "psys" => DomainKind::Platform,
            name if name.starts_with("package") => DomainKind::CpuPackage,
            _ => DomainKind::Other,
        };
        Domain {
            kind,
            source: DomainSource::Powercap(place),
            name: package.map_or_else(|| zone.name.clone(), |p| format!("{p} {}", zone.name)),
            path: zone.file.display().to_string(),
            parent,
            refresh_ns: RAPL_REFRESH_NS,
            limits: Limits {
                max_power_mw: most_mw(kind),
                max_age_ns: 2 * RAPL_REFRESH_NS,
                // Of a processor 2^-14 J at most; psys of Sapphire Rapids has 1 J. The register has 32 bits.
                resolution_uj: zone.range_uj.map_or(62, |range_uj| range_uj.div_ceil(u32::MAX.into()).max(62)),
                unit_error_ppm: RAPL_UNIT_PPM,
            },
        }
    }

    pub fn of_gpu(index: usize, name: String, parent: Option<usize>) -> Domain {
        Domain {
            kind: DomainKind::Gpu,
            source: DomainSource::Gpu(index),
            name,
            path: String::new(),
            parent,
            refresh_ns: 0,
            limits: Limits::default(),
        }
    }
}
