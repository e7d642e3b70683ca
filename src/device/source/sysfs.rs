//! One GPU as sysfs has it: `gpu_metrics`, and hwmon for what that table lacks.

use super::error::{SourceError, NO_COUNTER};
use crate::device::snapshot::Reading;
use crate::device::staleness::{retry_if_stale, StalenessDetector};
use crate::energy::{EnergyResolution, Unit};
use crate::error::Kind;
use crate::gpu::{is_temperature, PowerLimits, Powers, RawEnergy};
use crate::platform::sync::OnceCell;
use crate::sysfs::gpu_metrics::{FastReading, MetricsFile, Table};
use crate::sysfs::hwmon::{Hwmon, Sensor};
use crate::sysfs::SysfsError;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Result<T> = std::result::Result<T, SourceError>;

/// Microjoules a count that libamd_smi reports, in every release.
const REPORTED_UJ: f32 = 15.3;

const METRICS: &str = "gpu_metrics";
pub const POWERS: &str = "hwmon/*/power1_input and power1_average";

/// What a count of this GPU is.
#[derive(Debug, Clone, Copy)]
pub struct Resolution {
    /// Microjoules.
    pub uj: f64,
    unit: Option<Unit>,
}

impl Resolution {
    fn new(uj: f64) -> Self {
        Resolution { uj, unit: Unit::of(uj) }
    }

    /// A count in millijoules.
    #[must_use]
    #[inline(always)]
    pub fn mj(&self, accumulator: u64) -> Option<u64> {
        self.unit?.mj(accumulator)
    }
}

pub struct SysfsSource {
    path: PathBuf,
    /// Kept open.
    metrics: OnceCell<MetricsFile>,
    hwmon: Arc<Hwmon>,
    /// As libamd_smi reports or would report it, and as the firmware counts.
    resolutions: [Resolution; 2],
}

impl SysfsSource {
    pub fn open(folder: &Path, hwmon: Arc<Hwmon>) -> SysfsSource {
        let mut source = SysfsSource {
            path: folder.join(METRICS),
            metrics: OnceCell::default(),
            hwmon,
            resolutions: [Resolution::new(0.0); 2],
        };
        source.set_reported_uj(REPORTED_UJ.into());
        // A file that cannot be opened now may be later: each reading tries again.
        let _ = source.opened();
        source
    }

    pub fn set_reported_uj(&mut self, uj: f64) {
        let units = [EnergyResolution::Reported, EnergyResolution::Firmware];
        self.resolutions = units.map(|unit| Resolution::new(unit.uj(uj)));
    }

    /// The kernel states no other one.
    pub fn use_reported_resolution(&mut self) {
        self.resolutions[1] = self.resolutions[0];
    }

    #[inline(always)]
    pub fn resolution(&self, unit: EnergyResolution) -> &Resolution {
        &self.resolutions[usize::from(unit == EnergyResolution::Firmware)]
    }

    #[inline(always)]
    fn reported_uj(&self) -> f64 {
        self.resolutions[0].uj
    }

    #[cold]
    fn opened(&self) -> std::result::Result<&MetricsFile, SysfsError> {
        Ok(self.metrics.set(MetricsFile::open(&self.path)?))
    }

    /// All that is read most, if the table is like the first one and lacks none of it.
    #[inline(always)]
    pub fn fast_reading(&self) -> Option<FastReading> {
        self.metrics.get()?.fast_reading()
    }

    /// Count and driver's time, likewise.
    #[inline(always)]
    pub fn fast_count(&self) -> Option<(u64, u64)> {
        self.metrics.get()?.energy_and_time()
    }

    /// What `take` reads of the table as it is now.
    fn table<T>(&self, take: impl Fn(&Table) -> T) -> std::result::Result<T, SysfsError> {
        match self.metrics.get() {
            Some(file) => file.read_with(take),
            None => self.opened()?.read_with(take),
        }
    }

    /// Energy and powers of one table.
    pub fn sample(&self) -> std::result::Result<(Option<RawEnergy>, Powers), SysfsError> {
        self.table(|t| (self.energy_of(t), powers_of(t)))
    }

    #[inline(always)]
    fn energy_of(&self, t: &Table) -> Option<RawEnergy> {
        Some(RawEnergy {
            accumulator: t.energy()?,
            resolution_uj: self.reported_uj(),
            driver_time_ns: t.driver_time_ns(),
            firmware_time_ns: t.firmware_time_ns(),
            stale_ms: None,
        })
    }

    /// What `take` reads of the table, and for how long the table's time has been stalled, if too long.
    fn fresh_table<T>(
        &self,
        staleness: &StalenessDetector,
        take: impl Fn(&Table) -> T,
    ) -> std::result::Result<(T, Option<u64>), SysfsError> {
        let read = || {
            let (taken, driver_ns) = self.table(|t| (take(t), t.driver_time_ns()))?;
            Ok((taken, staleness.stale_for_ms(driver_ns)))
        };
        retry_if_stale(read, |(_, stale_ms)| stale_ms.is_some())
    }

    pub fn energy(&self, staleness: &StalenessDetector) -> Result<RawEnergy> {
        match self.fresh_table(staleness, |t| self.energy_of(t)) {
            Ok((Some(energy), stale_ms)) => Ok(RawEnergy { stale_ms, ..energy }),
            Ok((None, _)) => Err(NO_COUNTER),
            Err(error) => Err(SourceError::Sysfs { file: METRICS, error }),
        }
    }

    /// The powers, and for how long their time has been stalled, if too long. hwmon's have no time.
    pub fn powers(&self, staleness: &StalenessDetector) -> Result<(Powers, Option<u64>)> {
        let of_table = match self.fresh_table(staleness, powers_of) {
            Ok((p, stale_ms)) if p.any() => return Ok((p, stale_ms)),
            Err(error) if error.is_device_wide() => return Err(SourceError::Sysfs { file: METRICS, error }),
            other => other,
        };
        match (self.hwmon.powers(), of_table) {
            (Ok(powers), _) => Ok((powers, None)),
            (Err(h), Err(error)) if error.is_transient() || h.kind() == Kind::NotSupported => {
                Err(SourceError::Sysfs { file: METRICS, error })
            }
            (Err(h), Ok(_)) if h.kind() == Kind::NotSupported => Ok((Powers::default(), None)),
            (Err(error), _) => Err(SourceError::Sysfs { file: POWERS, error }),
        }
    }

    /// The hotspot temperature, and for how long its time has been stalled, if too long.
    pub fn hotspot_c(&self, staleness: &StalenessDetector) -> Result<(i32, Option<u64>)> {
        let of_table = match self.fresh_table(staleness, |t| t.hotspot_c()) {
            Ok((Some(c), stale_ms)) => return Ok((c, stale_ms)),
            Err(error) if error.is_device_wide() => return Err(SourceError::Sysfs { file: METRICS, error }),
            other => other,
        };
        match (self.hwmon_hotspot_c(), of_table) {
            (Some(c), _) => Ok((c, None)),
            (None, Err(error)) => Err(SourceError::Sysfs { file: METRICS, error }),
            (None, Ok(_)) => Err(SourceError::NotSupported("the driver reports none")),
        }
    }

    fn hwmon_hotspot_c(&self) -> Option<i32> {
        self.hwmon.temperature_mc(Sensor::Junction).ok().map(|mc| mc.div_euclid(1000))
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        let take =
            |t: &Table| (self.energy_of(t), powers_of(t), t.hotspot_c().filter(|_| temperature), t.driver_time_ns());
        let table = self.fresh_table(staleness, take);
        let (failure, (energy, mut powers, mut hotspot_c, driver_ns), stale_ms) = match table {
            Ok((taken, stale_ms)) => (None, taken, stale_ms),
            Err(f) => (Some(f), (None, Powers::default(), None, None), None),
        };
        // What the table lacks may be in hwmon; a GPU that is away has nothing there either.
        let mut power_unsupported = !failure.is_some_and(SysfsError::is_device_wide);
        if power_unsupported {
            if !powers.any() {
                match self.hwmon.powers() {
                    Ok(of_hwmon) => powers = of_hwmon,
                    Err(h) => {
                        let is_transient = failure.is_some_and(SysfsError::is_transient);
                        power_unsupported = h.kind() == Kind::NotSupported && !is_transient;
                    }
                }
            }
            if temperature && !hotspot_c.is_some_and(is_temperature) {
                hotspot_c = self.hwmon_hotspot_c();
            }
        }
        let energy = energy.ok_or(failure.map_or(Kind::NotSupported, SysfsError::kind));
        Reading::new(energy, powers, power_unsupported, hotspot_c, driver_ns, stale_ms)
    }

    pub fn power_limits(&self) -> Result<PowerLimits> {
        self.hwmon.power_caps().map_err(|error| SourceError::Sysfs { file: "power1_cap", error })
    }
}

#[inline(always)]
fn powers_of(t: &Table) -> Powers {
    Powers { instant_mw: t.current_power_mw().map(u64::from), average_mw: t.average_power_mw().map(u64::from) }
}
