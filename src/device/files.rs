//! One GPU as the kernel's files have it.

use super::{clocks, Device, Powers, RawEnergy};
use crate::amdsmi::{Clock, PowerCaps};
use crate::error::{Error, Result};
use crate::sysfs::hwmon::{Hwmon, Sensor};
use crate::sysfs::metrics::{MetricsFile, Table};
use crate::sysfs::{dpm, Failure};
use std::fs::OpenOptions;
use std::io::Write as _;

/// What libamd_smi says a count is, in every release.
const REPORTED_UJ: f32 = 15.3;

const METRICS: &str = "gpu_metrics";

/// Where readings come from, when they come from the kernel.
pub(super) struct Files {
    /// Kept open; or why there is none.
    metrics: std::result::Result<MetricsFile, Failure>,
    /// Microjoules a count, as libamd_smi reports or would report it.
    pub unit_uj: f64,
}

impl Device {
    pub(super) fn open_files(&self) -> Files {
        let metrics = MetricsFile::open(&self.folder.join(METRICS)).map_err(Failure::from);
        Files { metrics, unit_uj: f64::from(REPORTED_UJ) }
    }

    #[cold]
    pub(super) fn kernel_failure(&self, what: &'static str, file: &'static str, f: Failure) -> Error {
        Error::Kernel { device: self.label(), what, file, kind: f.kind(), why: f.to_string() }
    }

    /// What `take` wants of the table as it is now.
    #[inline(always)]
    pub(super) fn by_table<T>(&self, files: &Files, what: &'static str, take: impl FnOnce(&Table) -> T) -> Result<T> {
        let read = match &files.metrics {
            Ok(file) => file.with(take),
            Err(f) => Err(*f),
        };
        match read {
            Ok(value) => Ok(value),
            Err(f) => Err(self.kernel_failure(what, METRICS, f)),
        }
    }

    pub(super) fn file_powers(&self, files: &Files, what: &'static str) -> Result<Powers> {
        let by_table = self.by_table(files, what, table_powers);
        match by_table {
            Ok(p) if p.any() => Ok(p),
            // No table, or one without a power that is sure of its unit: hwmon may have one.
            other => {
                let by_hwmon = self.hwmon_powers();
                if by_hwmon.any() {
                    Ok(by_hwmon)
                } else {
                    other
                }
            }
        }
    }

    /// hwmon's powers, without a time.
    pub(super) fn hwmon_powers(&self) -> Powers {
        let mw = |read: fn(&Hwmon) -> Option<u64>| self.hwmon.as_ref().and_then(read).map(|uw| uw / 1000);
        Powers { instant_mw: mw(Hwmon::power_input_uw), average_mw: mw(Hwmon::power_average_uw), driver_ns: None }
    }

    #[inline(always)]
    pub(super) fn file_energy(&self, files: &Files, what: &'static str) -> Result<RawEnergy> {
        match self.by_table(files, what, |t| table_energy(t, files.unit_uj)) {
            Ok(Some(energy)) => Ok(energy),
            Ok(None) => Err(self.not_supported(what, "the driver has no energy counter for it")),
            Err(e) => Err(e),
        }
    }

    pub(super) fn file_hotspot_c(&self, files: &Files, what: &'static str) -> Result<i64> {
        match self.by_table(files, what, |t| t.hotspot_c()) {
            Ok(Some(c)) => Ok(c.into()),
            other => {
                let hwmon = self.hwmon.as_ref().and_then(|h| h.temperature_mc(Sensor::Junction).ok());
                match (hwmon, other) {
                    (Some(mc), _) => Ok(i64::from(mc.div_euclid(1000))),
                    (None, Err(e)) => Err(e),
                    (None, Ok(_)) => Err(self.not_supported(what, "the driver reports none")),
                }
            }
        }
    }

    /// Highest and lowest level.
    pub(super) fn file_clocks_mhz(&self, clock: Clock) -> Result<(u32, u32)> {
        let file = match clock {
            Clock::Graphics => "pp_dpm_sclk",
            Clock::Memory => "pp_dpm_mclk",
        };
        let levels = dpm::read(&self.folder.join(file));
        levels.map(|l| (l.highest_mhz, l.lowest_mhz)).map_err(|f| self.kernel_failure(clocks::name(clock), file, f))
    }

    pub(super) fn file_caps(&self) -> Result<PowerCaps> {
        const WHAT: &str = "power limit";
        let hwmon = self.hwmon.as_ref().ok_or_else(|| self.without_hwmon())?;
        let caps = hwmon.power_caps().map_err(|f| self.kernel_failure(WHAT, "power1_cap", f))?;
        Ok(PowerCaps {
            current_uw: caps.current_uw,
            default_uw: caps.default_uw,
            min_uw: caps.min_uw,
            max_uw: caps.max_uw,
        })
    }

    pub(super) fn write_cap_uw(&self, uw: u64) -> Result<()> {
        const WHAT: &str = "power limit";
        let hwmon = self.hwmon.as_ref().ok_or_else(|| self.without_hwmon())?;
        hwmon.set_power_cap_uw(uw).map_err(|f| self.kernel_failure(WHAT, "power1_cap", f))
    }

    fn without_hwmon(&self) -> Error {
        self.not_supported("power limit", "the driver has no hwmon folder for it")
    }

    /// Writes one command to a settings file of the GPU.
    pub(super) fn write_file(&self, what: &'static str, file: &'static str, text: &str) -> Result<()> {
        let commands = file == clocks::OD_FILE;
        let open = OpenOptions::new().write(true).append(commands).truncate(!commands).open(self.folder.join(file));
        let written = open.and_then(|mut f| f.write_all(text.as_bytes()));
        written.map_err(|e| self.kernel_failure(what, file, e.into()))
    }
}

#[inline(always)]
pub(super) fn table_powers(t: &Table) -> Powers {
    Powers {
        instant_mw: t.current_power_mw().map(u64::from),
        average_mw: t.average_power_mw().map(u64::from),
        driver_ns: t.driver_time_ns(),
    }
}

#[inline(always)]
pub(super) fn table_energy(t: &Table, unit_uj: f64) -> Option<RawEnergy> {
    Some(RawEnergy {
        accumulator: t.energy()?,
        unit_uj,
        driver_time_ns: t.driver_time_ns(),
        firmware_time_ns: t.firmware_time_ns(),
        stale_ms: None,
    })
}
