//! A GPU and its single readings.

use super::identity::Identity;
use super::snapshot::Reading;
use super::source::{Resolution, Source, SourceError};
use super::staleness::StalenessDetector;
use crate::energy::{energy_mj, AccumulatorTracker, AtomicCounterState, CounterState, EnergyResolution, LimitCounts};
use crate::error::{Error, Kind, Result};
use crate::gpu::{Power, RawEnergy, Temperature};
use crate::platform::broken::Broken;
use crate::platform::clock::coarse_ns;
use crate::platform::sync;
use crate::sysfs::gpu_metrics::FastReading;
use crate::sysfs::{Implausible, SysfsError};
use crate::topology::Role;
use std::sync::atomic::AtomicU64;

const ENERGY: &str = "energy";
const TEMPERATURE: &str = "temperature";

pub struct Device {
    pub identity: Identity,
    pub(super) source: Source,
    pub(super) staleness: StalenessDetector,
    /// Made at the first poll. Locked while the source is read, so that samples are in order.
    pub(super) tracker: sync::Mutex<Option<AccumulatorTracker>>,
    /// Number of samples in the tracker, to see whether another thread's came in between.
    pub(super) samples: AtomicU64,
    counter_state: AtomicCounterState,
    /// By a panic while it was read.
    pub broken: Broken,
}

impl Device {
    #[must_use]
    pub fn new(identity: Identity, mut source: Source) -> Self {
        if let (Source::Sysfs(sysfs), false) = (&mut source, identity.states_resolution) {
            sysfs.use_reported_resolution();
        }
        Device {
            identity,
            source,
            staleness: StalenessDetector::default(),
            tracker: sync::Mutex::new(None),
            samples: AtomicU64::new(0),
            counter_state: AtomicCounterState::new(CounterState::NotChecked),
            broken: Broken::default(),
        }
    }

    /// Fails after a panic while this GPU was read.
    #[inline]
    pub fn check_intact(&self) -> Result<()> {
        if self.broken.is_set() {
            Err(self.broken_error())
        } else {
            Ok(())
        }
    }

    #[cold]
    fn broken_error(&self) -> Error {
        Error::Internal(format!("an earlier call failed inside while it read {}; open another session", self.label()))
    }

    #[must_use]
    pub fn label(&self) -> String {
        self.identity.label()
    }

    #[must_use]
    #[inline]
    pub fn is_secondary(&self) -> bool {
        self.identity.is_secondary()
    }

    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    #[must_use]
    #[inline]
    pub fn counter_state(&self) -> CounterState {
        self.counter_state.get()
    }

    pub fn set_counter_state(&self, v: CounterState) {
        self.counter_state.set(v);
    }

    #[cold]
    fn error(&self, what: &'static str, e: SourceError) -> Error {
        let is_zero = matches!(
            e,
            SourceError::Sysfs { error: SysfsError::Implausible(Implausible::NoPower | Implausible::NoEnergy), .. }
        );
        if is_zero && self.identity.role == Role::PrimaryDie {
            let why = "it reports 0, as secondary dies do, and when the session was opened nothing showed which die it is; open another session";
            return self.identity.not_supported(what, why);
        }
        e.of(&self.identity, what)
    }

    fn check_fresh(&self, what: &'static str, stale_ms: Option<u64>) -> Result<()> {
        stale_ms.map_or(Ok(()), |age_ms| Err(Error::Stale { device: self.label(), what, age_ms }))
    }

    /// For how long limits held the clocks of the package down, and whether that is an old reading.
    pub fn limit_counts(&self) -> Result<(LimitCounts, bool)> {
        const WHAT: &str = "the time at a limit";
        self.identity.check_measured(WHAT)?;
        let Source::Sysfs(sysfs) = &self.source else {
            return Err(self.identity.not_supported(WHAT, "it is read from gpu_metrics alone, not through libamd_smi"));
        };
        let (counts, stale_ms) = sysfs.limit_counts(&self.staleness).map_err(|e| self.error(WHAT, e))?;
        Ok((counts, stale_ms.is_some()))
    }

    /// Power of the whole package, in milliwatts.
    pub fn power_mw(&self, which: Power) -> Result<u64> {
        self.identity.check_measured("power")?;
        let (what, other) = match which {
            Power::Instant => ("instant power", "this GPU reports average power only; ask for that"),
            Power::Average => ("average power", "this GPU reports instant power only; ask for that"),
        };
        let powers = match &self.source {
            Source::Sysfs(sysfs) => sysfs.powers(&self.staleness),
            Source::Amdsmi(amdsmi) => amdsmi.powers(&self.staleness),
        };
        let (powers, stale_ms) = powers.map_err(|e| self.error(what, e))?;
        let mw = match which {
            Power::Instant => powers.instant_mw,
            Power::Average => powers.average_mw,
        };
        let Some(mw) = mw else {
            let none = match &self.source {
                Source::Sysfs(_) => "the driver reports none",
                Source::Amdsmi(_) => "libamd_smi reports none",
            };
            return Err(self.identity.not_supported(what, if powers.any() { other } else { none }));
        };
        self.check_fresh(what, stale_ms)?;
        Ok(mw)
    }

    /// All that is read most, by one read of `gpu_metrics`, if none of it is missing, stale or in doubt. `now` is a recent
    /// [`coarse_ns`].
    #[inline]
    pub fn read_fast(&self, unit: EnergyResolution, now: u64) -> Option<(FastReading, &Resolution)> {
        let Source::Sysfs(sysfs) = &self.source else { return None };
        let r = sysfs.fast_reading()?;
        self.staleness.is_new(r.driver_time_ns, now).then(|| (r, sysfs.resolution(unit)))
    }

    /// Energy alone, likewise.
    #[inline(always)]
    fn energy_mj_fast(&self, unit: EnergyResolution) -> Option<u64> {
        let Source::Sysfs(sysfs) = &self.source else { return None };
        let (energy, driver_ns) = sysfs.fast_count()?;
        sysfs.resolution(unit).mj(energy).filter(|_| self.staleness.is_new(driver_ns, coarse_ns()))
    }

    /// The energy counter, trusted or not.
    #[inline]
    pub fn raw_energy(&self, unit: EnergyResolution) -> Result<RawEnergy> {
        self.check_intact()?;
        self.identity.check_measured(ENERGY)?;
        match self.read_fast(unit, coarse_ns()) {
            Some((r, resolution)) => Ok(r.raw_energy(resolution.uj)),
            None => self.raw_energy_slow(unit),
        }
    }

    /// The same with a second read where the first one is in doubt.
    fn raw_energy_slow(&self, unit: EnergyResolution) -> Result<RawEnergy> {
        let raw = match &self.source {
            Source::Sysfs(sysfs) => sysfs.energy(&self.staleness),
            Source::Amdsmi(amdsmi) => amdsmi.energy(&self.staleness),
        };
        let mut raw = match raw {
            Ok(raw) => raw,
            Err(e) => return Err(self.error(ENERGY, e)),
        };
        if raw.accumulator == 0 {
            return Err(self.error(ENERGY, self.source.no_energy()));
        }
        raw.resolution_uj = self.identity.resolution(unit).uj(raw.resolution_uj);
        Ok(raw)
    }

    /// Energy in millijoules since the counter's own zero, if the counter can be trusted.
    #[inline]
    pub fn energy_mj(&self, unit: EnergyResolution) -> Result<u64> {
        if !self.is_secondary() && self.counter_state().is_usable() {
            if let Some(mj) = self.energy_mj_fast(unit) {
                return Ok(mj);
            }
        }
        self.energy_mj_slow(unit)
    }

    fn energy_mj_slow(&self, unit: EnergyResolution) -> Result<u64> {
        self.identity.check_measured(ENERGY)?;
        let counter_state = self.counter_state();
        if refusal(counter_state) == Some(Kind::NotSupported) {
            let why = format!("its energy counter is not trusted: {}", counter_state.why());
            return Err(self.identity.not_supported(ENERGY, &why));
        }
        let raw = self.raw_energy_slow(unit)?;
        match counter_state {
            state if state.is_checked_again() => return Err(Error::NotReady { device: self.label(), what: ENERGY }),
            state if !state.is_usable() => {
                let why = "its energy counter could not be read when the session was opened, so it is not known whether it can be trusted; open another session";
                return Err(self.identity.not_supported(ENERGY, why));
            }
            _ => {}
        }
        self.check_fresh(ENERGY, raw.stale_ms)?;
        self.to_mj(&raw)
    }

    /// The energy of a reading in millijoules, or the kind of error that [`Self::energy_mj`] returns.
    pub fn energy_mj_of(&self, r: &Reading) -> std::result::Result<u64, Kind> {
        let counter_state = self.counter_state();
        let refusal = refusal(counter_state);
        if refusal == Some(Kind::NotSupported) {
            return Err(Kind::NotSupported);
        }
        let raw = r.energy?;
        if let Some(kind) = refusal {
            return Err(kind);
        }
        match r.stale_ms {
            _ if !counter_state.is_usable() => Err(Kind::NotSupported),
            Some(_) => Err(Kind::Stale),
            None => energy_mj(raw.accumulator, raw.resolution_uj).ok_or(Kind::NotSupported),
        }
    }

    #[inline]
    pub fn to_mj(&self, raw: &RawEnergy) -> Result<u64> {
        energy_mj(raw.accumulator, raw.resolution_uj).ok_or_else(|| {
            let why = format!("libamd_smi reports a unit of {} µJ for it", raw.resolution_uj);
            self.identity.not_supported(ENERGY, &why)
        })
    }

    /// Hotspot (junction) temperature, or of an APU the edge sensor's. Each die has a sensor of its own.
    pub fn temperature(&self) -> Result<Temperature> {
        let (temperature, stale_ms) = self.temperature_of_source().map_err(|e| match self.identity.role {
            // It has no files of its own.
            Role::SecondaryPartition { .. } if e.kind() == Kind::NotSupported => {
                self.identity.check_measured(TEMPERATURE).err().unwrap_or_else(|| self.error(TEMPERATURE, e))
            }
            _ => self.error(TEMPERATURE, e),
        })?;
        self.check_fresh(TEMPERATURE, stale_ms)?;
        Ok(temperature)
    }

    /// The same without the reason for a missing one, which costs memory.
    #[must_use]
    pub fn try_temperature(&self) -> Option<Temperature> {
        self.temperature_of_source().ok().filter(|(_, stale_ms)| stale_ms.is_none()).map(|(t, _)| t)
    }

    /// And for how long its time has been stalled, if too long.
    fn temperature_of_source(&self) -> std::result::Result<(Temperature, Option<u64>), SourceError> {
        match &self.source {
            Source::Sysfs(sysfs) => sysfs.temperature(&self.staleness),
            // From a sensor, not from the table: as new as the call.
            Source::Amdsmi(amdsmi) => amdsmi.temperature().map(|t| (t, None)),
        }
    }

    /// Energy, powers, and if wanted the temperature. The caller leaves out GPUs that have none of their own.
    #[must_use]
    pub fn reading_slow(&self, unit: EnergyResolution, temperature: bool) -> Reading {
        let resolution = self.identity.resolution(unit);
        self.source.reading(&self.staleness, temperature).checked(|reported_uj| resolution.uj(reported_uj))
    }
}

/// Why a counter in this state gives no energy. The failure of a read is the better reason where there is one, but for a
/// counter that is known not to be right.
fn refusal(counter_state: CounterState) -> Option<Kind> {
    match counter_state {
        CounterState::Unsupported => None,
        state if state.is_checked_again() => Some(Kind::NotReady),
        other => (!other.is_usable()).then_some(Kind::NotSupported),
    }
}
