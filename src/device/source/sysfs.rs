//! One GPU as sysfs has it: `gpu_metrics`, and hwmon for what that table lacks or cannot be right in it.

use super::error::{SourceError, NO_COUNTER};
use crate::device::snapshot::Reading;
use crate::device::staleness::{retry_if, StalenessDetector};
use crate::energy::{EnergyResolution, LimitCounts, Unit, REPORTED_UJ};
use crate::error::Kind;
use crate::gpu::{is_temperature, PowerLimits, Powers, RawEnergy, Temperature};
use crate::platform::clock::boot_ns;
use crate::platform::sync::OnceCell;
use crate::sysfs::gpu_metrics::{FastReading, MetricsFile, Table};
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::{Implausible, SysfsError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Result<T> = std::result::Result<T, SourceError>;

pub const METRICS: &str = "gpu_metrics";
pub const POWERS: &str = "hwmon/*/power1_input and power1_average";
const TEMPERATURES: &str = "hwmon/*/temp*_input";

/// Reads that are this close together are of one time.
const SAME_TIME_NS: u64 = 1_000_000;
/// So often values that are read one after the other are read again until they are of one time.
pub const PAIRINGS: u32 = 4;

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

type TableResult = std::result::Result<TableValues, SysfsError>;

/// The values of one table, and for how long its time has been stalled, if too long.
#[derive(Clone, Copy)]
struct TableValues {
    energy: Option<RawEnergy>,
    /// Only those that are plausible.
    powers: Powers,
    /// Why one of them is not.
    rejected: Option<Implausible>,
    hotspot_c: Option<i32>,
    driver_ns: Option<u64>,
    stale_ms: Option<u64>,
}

impl SysfsSource {
    /// Opens nothing yet.
    pub fn new(folder: &Path, hwmon: Arc<Hwmon>) -> SysfsSource {
        let units = [EnergyResolution::Reported, EnergyResolution::Firmware];
        SysfsSource {
            path: folder.join(METRICS),
            metrics: OnceCell::default(),
            hwmon,
            resolutions: units.map(|unit| Resolution::new(unit.uj(REPORTED_UJ))),
        }
    }

    /// Whether sysfs has the GPU at all.
    pub fn is_there(&self) -> bool {
        self.path.parent().is_some_and(Path::exists)
    }

    /// The kernel states no other one.
    pub fn use_reported_resolution(&mut self) {
        self.resolutions[1] = self.resolutions[0];
    }

    #[inline(always)]
    pub fn resolution(&self, unit: EnergyResolution) -> &Resolution {
        &self.resolutions[usize::from(unit == EnergyResolution::Firmware)]
    }

    /// All that is read most, if the table is like the first one and no value in it is missing or implausible.
    #[inline(always)]
    pub fn fast_reading(&self) -> Option<FastReading> {
        let r = self.active_file()?.fast_reading()?;
        let is_plausible = self.hwmon.check_power(r.power_mw.into()).is_none() && r.hotspot_c > 0 && r.energy > 0;
        (is_plausible && is_temperature(r.hotspot_c)).then_some(r)
    }

    /// Count and driver's time, likewise.
    #[inline(always)]
    pub fn fast_count(&self) -> Option<(u64, u64)> {
        self.active_file()?.energy_and_time().filter(|(energy, _)| *energy > 0)
    }

    #[inline(always)]
    fn active_file(&self) -> Option<&MetricsFile> {
        let file = self.metrics.get()?;
        self.hwmon.runtime_power.check_active().ok().map(|()| file)
    }

    /// A file that cannot be opened now may be later: each reading tries again.
    #[cold]
    fn opened(&self) -> std::result::Result<&MetricsFile, SysfsError> {
        Ok(self.metrics.set(MetricsFile::open(&self.path)?))
    }

    /// The table as it is now.
    fn read_table(&self, staleness: &StalenessDetector) -> TableResult {
        self.hwmon.runtime_power.check_active()?;
        let file = self.metrics.get().map_or_else(|| self.opened(), Ok)?;
        let mut values = file.read_with(|t| self.values(t))?;
        values.stale_ms = staleness.check(values.driver_ns).map_err(SysfsError::Implausible)?;
        Ok(values)
    }

    /// The same with a second read where the first one is in doubt.
    fn table(&self, staleness: &StalenessDetector) -> TableResult {
        let in_doubt = |read: &TableResult| match read {
            Ok(values) => values.stale_ms.is_some(),
            Err(error) => matches!(error, SysfsError::Implausible(_)),
        };
        retry_if(|| self.read_table(staleness), in_doubt)
    }

    fn values(&self, t: &Table) -> TableValues {
        let mut rejected = None;
        let mut plausible = |mw: Option<u32>| {
            let mw = mw.map(u64::from)?;
            let why = self.hwmon.check_power(mw);
            rejected = rejected.or(why);
            why.is_none().then_some(mw)
        };
        let powers =
            Powers { instant_mw: plausible(t.current_power_mw()), average_mw: plausible(t.average_power_mw()) };
        let powers = if t.power_may_wrap() { Powers::default() } else { powers };
        let energy = t.energy().map(|accumulator| RawEnergy {
            accumulator,
            resolution_uj: self.resolutions[0].uj,
            driver_time_ns: t.driver_time_ns(),
            firmware_time_ns: t.firmware_time_ns(),
            stale_ms: None,
        });
        let hotspot_c = t.hotspot_c().filter(|c| is_temperature(*c));
        TableValues { energy, powers, rejected, hotspot_c, driver_ns: t.driver_time_ns(), stale_ms: None }
    }

    pub fn energy(&self, staleness: &StalenessDetector) -> Result<RawEnergy> {
        match self.table(staleness) {
            Ok(TableValues { energy: Some(energy), stale_ms, .. }) => Ok(RawEnergy { stale_ms, ..energy }),
            Ok(_) => Err(NO_COUNTER),
            Err(error) => Err(SourceError::Sysfs { file: METRICS, error }),
        }
    }

    /// The powers, and for how long their time has been stalled, if too long. hwmon's have no time.
    pub fn powers(&self, staleness: &StalenessDetector) -> Result<(Powers, Option<u64>)> {
        self.powers_with(&self.table(staleness))
    }

    fn powers_with(&self, table: &TableResult) -> Result<(Powers, Option<u64>)> {
        let failure = match table {
            Ok(values) if values.powers.any() => return Ok((values.powers, values.stale_ms)),
            Ok(values) => values.rejected.map(SysfsError::Implausible),
            Err(error) => Some(*error),
        };
        let stale_ms = table.as_ref().map_or(None, |values| values.stale_ms);
        let of_table =
            failure.map_or(Ok((Powers::default(), stale_ms)), |error| Err(SourceError::Sysfs { file: METRICS, error }));
        if failure.is_some_and(SysfsError::is_device_wide) {
            return of_table;
        }
        match self.hwmon.powers() {
            Ok(powers) => Ok((powers, None)),
            Err(h) if h.kind() == Kind::NotSupported || failure.is_some_and(SysfsError::is_transient) => of_table,
            Err(error) => Err(SourceError::Sysfs { file: POWERS, error }),
        }
    }

    /// The temperature, and for how long its time has been stalled, if too long. hwmon's has no time.
    pub fn temperature(&self, staleness: &StalenessDetector) -> Result<(Temperature, Option<u64>)> {
        self.temperature_with(&self.table(staleness))
    }

    fn temperature_with(&self, table: &TableResult) -> Result<(Temperature, Option<u64>)> {
        match table {
            // 0 °C may be a field that the firmware does not fill.
            Ok(TableValues { hotspot_c: Some(celsius), stale_ms, .. }) if *celsius != 0 => {
                return Ok((Temperature::hotspot(*celsius), *stale_ms));
            }
            Err(error) if error.is_device_wide() => return Err(SourceError::Sysfs { file: METRICS, error: *error }),
            _ => {}
        }
        match (self.hwmon.temperature(), table) {
            (Ok(of_hwmon), _) => Ok((of_hwmon, None)),
            (Err(h), Ok(values)) if h.kind() == Kind::NotSupported => Err(match values.hotspot_c {
                Some(_) => {
                    SourceError::Sysfs { file: METRICS, error: SysfsError::Implausible(Implausible::NoTemperature) }
                }
                None => SourceError::NotSupported("the driver reports none"),
            }),
            (Err(h), Err(error)) if h.kind() == Kind::NotSupported => {
                Err(SourceError::Sysfs { file: METRICS, error: *error })
            }
            (Err(error), _) => Err(SourceError::Sysfs { file: TEMPERATURES, error }),
        }
    }

    /// A table without a power is read again where hwmon's power came late after it: both are given as of one time.
    fn table_with_powers(&self, staleness: &StalenessDetector) -> (TableResult, Result<(Powers, Option<u64>)>) {
        let mut attempts = 0;
        loop {
            let begun_ns = boot_ns();
            let table = self.table(staleness);
            let powers = self.powers_with(&table);
            attempts += 1;
            let is_of_table = !table.as_ref().is_ok_and(|values| !values.powers.any());
            if is_of_table || attempts == PAIRINGS || boot_ns().saturating_sub(begun_ns) <= SAME_TIME_NS {
                return (table, powers);
            }
        }
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        let (table, powers) = self.table_with_powers(staleness);
        let values = table.as_ref().ok();
        let energy = match &table {
            Ok(values) => values.energy.ok_or(Kind::NotSupported),
            Err(error) => Err(error.kind()),
        };
        let powers = powers.map(|(powers, _)| powers).map_err(|e| e.kind());
        let temperature = if temperature { self.temperature_with(&table).ok().map(|(t, _)| t) } else { None };
        let (driver_ns, stale_ms) = values.map_or((None, None), |v| (v.driver_ns, v.stale_ms));
        Reading {
            powers_in_table: values.is_some_and(|v| v.powers.any()),
            ..Reading::new(energy, powers, temperature, driver_ns, stale_ms)
        }
    }

    /// For how long limits held, and for how long the table's time has been stalled, if too long.
    pub fn limit_counts(&self, staleness: &StalenessDetector) -> Result<(LimitCounts, Option<u64>)> {
        let read = || {
            self.hwmon.runtime_power.check_active()?;
            let file = self.metrics.get().map_or_else(|| self.opened(), Ok)?;
            let Some(counts) = file.read_with(|t| t.limit_counts())? else { return Ok(None) };
            let stale_ms = staleness.check(counts.driver_ns).map_err(SysfsError::Implausible)?;
            let is_counting = counts.cycles > 0;
            is_counting.then_some(Some((counts, stale_ms))).ok_or(SysfsError::Implausible(Implausible::NoEnergy))
        };
        let in_doubt = |read: &std::result::Result<Option<(_, Option<u64>)>, SysfsError>| match read {
            Ok(counts) => counts.map_or(true, |(_, stale_ms): (LimitCounts, _)| stale_ms.is_some()),
            Err(error) => matches!(error, SysfsError::Implausible(_)),
        };
        let counts = retry_if(read, in_doubt).map_err(|error| SourceError::Sysfs { file: METRICS, error })?;
        counts.ok_or(SourceError::NotSupported("this GPU, or its driver, does not count it (gpu_metrics before 1.6)"))
    }

    pub fn power_limits(&self) -> Result<PowerLimits> {
        self.hwmon.power_limits().map_err(|(file, error)| SourceError::Sysfs { file, error })
    }
}
