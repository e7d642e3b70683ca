//! One GPU as the kernel's files have it.

use crate::amdsmi::{Clock, PowerCaps};
use crate::device::staleness::retry_if_stale;
use crate::device::{clocks, is_temperature, Device, Powers, RawEnergy};
use crate::energy::{EnergyResolution, Unit};
use crate::error::{Error, Kind, Result};
use crate::platform::clock::coarse_ns;
use crate::platform::sync::OnceCell;
use crate::sysfs::gpu_metrics::{FastReading, MetricsFile, Table};
use crate::sysfs::hwmon::Sensor;
use crate::sysfs::{pp_dpm, SysfsError};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What libamd_smi says a count is, in every release.
const REPORTED_UJ: f32 = 15.3;

const METRICS: &str = "gpu_metrics";
const POWERS: &str = "hwmon/*/power1_input and power1_average";

/// A whole table, and its energy in the session's unit.
pub struct AtOnce {
    pub table: FastReading,
    pub resolution_uj: f64,
    pub energy_mj: u64,
}

impl AtOnce {
    #[inline(always)]
    pub fn energy(&self) -> RawEnergy {
        RawEnergy {
            accumulator: self.table.energy,
            resolution_uj: self.resolution_uj,
            driver_time_ns: Some(self.table.driver_time_ns),
            firmware_time_ns: Some(self.table.firmware_time_ns),
            stale_ms: None,
        }
    }
}

/// Where readings come from, when they come from the kernel.
pub(in crate::device) struct SysfsSource {
    path: PathBuf,
    /// Kept open.
    metrics: OnceCell<MetricsFile>,
    /// The kernel states the firmware's resolution.
    states_resolution: bool,
    /// Microjoules a count, as libamd_smi reports or would report it.
    resolution_uj: f64,
    /// The same and the firmware's, for whole millijoules.
    units: [Option<Unit>; 2],
}

impl SysfsSource {
    fn open(folder: &Path, states_resolution: bool) -> SysfsSource {
        let mut sysfs = SysfsSource {
            path: folder.join(METRICS),
            metrics: OnceCell::default(),
            states_resolution,
            resolution_uj: 0.0,
            units: [None; 2],
        };
        sysfs.set_unit_uj(REPORTED_UJ.into());
        // Why there is none, each reading finds out for itself: it may come.
        let _ = sysfs.opened();
        sysfs
    }

    pub fn set_unit_uj(&mut self, uj: f64) {
        self.resolution_uj = uj;
        let unit = |wanted: EnergyResolution| Unit::of(wanted.if_stated(self.states_resolution).uj(uj));
        self.units = [EnergyResolution::Reported, EnergyResolution::Firmware].map(unit);
    }

    #[inline]
    pub fn unit(&self, unit: EnergyResolution) -> Option<Unit> {
        self.units[usize::from(unit == EnergyResolution::Firmware)]
    }

    /// What a table has of energy.
    pub fn energy(&self, t: &Table) -> Option<RawEnergy> {
        Some(RawEnergy {
            accumulator: t.energy()?,
            resolution_uj: self.resolution_uj,
            driver_time_ns: t.driver_time_ns(),
            firmware_time_ns: t.firmware_time_ns(),
            stale_ms: None,
        })
    }

    #[cold]
    fn opened(&self) -> std::result::Result<&MetricsFile, SysfsError> {
        Ok(self.metrics.set(MetricsFile::open(&self.path)?))
    }

    /// What `take` wants of the table as it is now.
    pub fn table<T>(&self, take: impl Fn(&Table) -> T) -> std::result::Result<T, SysfsError> {
        match self.metrics.get() {
            Some(file) => file.read_with(take),
            None => self.opened()?.read_with(take),
        }
    }
}

impl Device {
    /// All that is read most, by the file, if nothing is the matter with any of it.
    #[inline]
    pub fn read_fast(&self, unit: EnergyResolution) -> Option<AtOnce> {
        let sysfs = self.sysfs.as_ref()?;
        let table = sysfs.metrics.get()?.fast_reading()?;
        let old = self.staleness.stale_for_ns(table.driver_time_ns, coarse_ns());
        // Zero may be what a second die says.
        let real = table.energy > 0 && table.power_mw > 0 && is_temperature(&table.hotspot_c);
        let energy_mj = sysfs.unit(unit)?.mj(table.energy)?;
        (real && old.is_none()).then_some(AtOnce {
            table,
            resolution_uj: self.resolution(unit).uj(sysfs.resolution_uj),
            energy_mj,
        })
    }

    /// Energy alone, likewise.
    #[inline(always)]
    pub(in crate::device) fn energy_mj_fast(&self, unit: EnergyResolution) -> Option<u64> {
        let sysfs = self.sysfs.as_ref()?;
        let (energy, driver_ns) = sysfs.metrics.get()?.energy_and_time()?;
        let old = self.staleness.stale_for_ns(driver_ns, coarse_ns());
        sysfs.unit(unit)?.mj(energy).filter(|_| energy > 0 && old.is_none())
    }

    pub(in crate::device) fn open_files(&self) -> SysfsSource {
        SysfsSource::open(&self.folder, self.states_resolution)
    }

    #[cold]
    pub(in crate::device) fn kernel_failure(&self, what: &'static str, file: &'static str, f: SysfsError) -> Error {
        Error::Kernel { device: self.label(), what, file, kind: f.kind(), why: f.to_string() }
    }

    /// What `take` wants of the table, and for how long its time has stood still, if that is too long.
    pub(in crate::device) fn fresh_table<T>(
        &self,
        sysfs: &SysfsSource,
        take: impl Fn(&Table) -> T,
    ) -> std::result::Result<(T, Option<u64>), SysfsError> {
        let look = || {
            let (taken, driver_ns) = sysfs.table(|t| (take(t), t.driver_time_ns()))?;
            Ok((taken, self.stale_for_ms(driver_ns)))
        };
        retry_if_stale(look, |(_, stale_ms)| stale_ms.is_some())
    }

    /// The powers, and for how long their time has stood still.
    pub(in crate::device) fn file_powers(
        &self,
        sysfs: &SysfsSource,
        what: &'static str,
    ) -> Result<(Powers, Option<u64>)> {
        let by_table = match self.fresh_table(sysfs, table_powers) {
            Ok((p, stale_ms)) if p.any() => return Ok((p, stale_ms)),
            Err(f) if f.is_device_wide() => return Err(self.kernel_failure(what, METRICS, f)),
            other => other,
        };
        // No table, or one without a power that is sure of its unit: hwmon may have one.
        match (self.hwmon_powers(), by_table) {
            (Ok(powers), _) => Ok((powers, None)),
            (Err(h), Err(f)) if f.is_transient() || h.kind() == Kind::NotSupported => {
                Err(self.kernel_failure(what, METRICS, f))
            }
            (Err(h), Ok(_)) if h.kind() == Kind::NotSupported => Ok((Powers::default(), None)),
            (Err(h), _) => Err(self.kernel_failure(what, POWERS, h)),
        }
    }

    /// hwmon's powers, without a time.
    pub(in crate::device) fn hwmon_powers(&self) -> std::result::Result<Powers, SysfsError> {
        let (instant, average) = self.hwmon.powers_uw()?;
        let mw = |uw: Option<u64>| uw.map(|uw| uw / 1000);
        Ok(Powers { instant_mw: mw(instant), average_mw: mw(average), driver_ns: None })
    }

    /// The same where nothing else has powers: none at all is no failure.
    pub(in crate::device) fn only_hwmon_powers(&self) -> Result<Powers> {
        match self.hwmon_powers() {
            Err(f) if f.kind() != Kind::NotSupported => Err(self.kernel_failure("power", POWERS, f)),
            powers => Ok(powers.unwrap_or_default()),
        }
    }

    pub(in crate::device) fn file_energy(&self, sysfs: &SysfsSource, what: &'static str) -> Result<RawEnergy> {
        match self.fresh_table(sysfs, |t| sysfs.energy(t)) {
            Ok((Some(energy), stale_ms)) => Ok(RawEnergy { stale_ms, ..energy }),
            Ok((None, _)) => Err(self.not_supported(what, "the driver has no energy counter for it")),
            Err(f) => Err(self.kernel_failure(what, METRICS, f)),
        }
    }

    pub(in crate::device) fn file_hotspot_c(&self, sysfs: &SysfsSource, what: &'static str) -> Result<i64> {
        let by_table = match self.fresh_table(sysfs, |t| t.hotspot_c()) {
            Ok((Some(c), stale_ms)) => return self.check_fresh(what, stale_ms).map(|()| c.into()),
            Err(f) if f.is_device_wide() => return Err(self.kernel_failure(what, METRICS, f)),
            other => other,
        };
        match (self.hwmon_hotspot_c(), by_table) {
            (Some(c), _) => Ok(c.into()),
            (None, Err(f)) => Err(self.kernel_failure(what, METRICS, f)),
            (None, Ok(_)) => Err(self.not_supported(what, "the driver reports none")),
        }
    }

    pub(in crate::device) fn hwmon_hotspot_c(&self) -> Option<i32> {
        self.hwmon.temperature_mc(Sensor::Junction).ok().map(|mc| mc.div_euclid(1000))
    }

    /// Highest and lowest level.
    pub(in crate::device) fn file_clocks_mhz(&self, clock: Clock) -> Result<(u32, u32)> {
        let file = match clock {
            Clock::Graphics => "pp_dpm_sclk",
            Clock::Memory => "pp_dpm_mclk",
        };
        let levels = pp_dpm::read(&self.folder.join(file));
        levels
            .map(|l| (l.highest_mhz, l.lowest_mhz))
            .map_err(|f| self.kernel_failure(clocks::domain_name(clock), file, f))
    }

    pub(in crate::device) fn file_caps(&self) -> Result<PowerCaps> {
        let caps = self.hwmon.power_caps().map_err(|f| self.cap_failure(f))?;
        Ok(PowerCaps {
            current_uw: caps.current_uw,
            default_uw: caps.default_uw,
            min_uw: caps.min_uw,
            max_uw: caps.max_uw,
        })
    }

    pub(in crate::device) fn write_cap_uw(&self, uw: u64) -> Result<()> {
        self.hwmon.set_power_cap_uw(uw).map_err(|f| self.cap_failure(f))
    }

    fn cap_failure(&self, f: SysfsError) -> Error {
        const WHAT: &str = "power limit";
        if self.hwmon.is_there() {
            self.kernel_failure(WHAT, "power1_cap", f)
        } else {
            self.not_supported(WHAT, "the driver has no hwmon folder for it")
        }
    }

    /// Writes one command to a settings file of the GPU.
    pub(in crate::device) fn write_file(&self, what: &'static str, file: &'static str, text: &str) -> Result<()> {
        let commands = file == clocks::OD_FILE;
        let open = OpenOptions::new().write(true).append(commands).truncate(!commands).open(self.folder.join(file));
        let written = open.and_then(|mut f| f.write_all(text.as_bytes()));
        written.map_err(|e| self.kernel_failure(what, file, e.into()))
    }
}

#[inline(always)]
pub(in crate::device) fn table_powers(t: &Table) -> Powers {
    Powers {
        instant_mw: t.current_power_mw().map(u64::from),
        average_mw: t.average_power_mw().map(u64::from),
        driver_ns: t.driver_time_ns(),
    }
}
