//! One GPU as libamd_smi has it.

use super::error::{SourceError, NO_COUNTER};
use super::sysfs::{SysfsSource, PAIRINGS, POWERS};
use crate::amdsmi::releases::Generation;
use crate::amdsmi::status::Status;
use crate::amdsmi::{AmdsmiApi, Library, ProcessorHandle};
use crate::device::snapshot::Reading;
use crate::device::staleness::{retry_if, StalenessDetector};
use crate::error::Kind;
use crate::gpu::{is_temperature, PowerLimit, PowerLimits, Powers, RawEnergy, Temperature};
use crate::platform::clock::boot_ns;
use crate::platform::log;
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::{Implausible, SysfsError};
use std::path::Path;
use std::sync::Arc;

type Result<T> = std::result::Result<T, SourceError>;

pub const ENERGY_CALL: &str = "amdsmi_get_energy_count";

fn may_be_tenth(limits: &PowerLimits) -> bool {
    limits.max_uw.is_some_and(|max| max >= 1_000_000_000)
}

fn implausible(call: &'static str, why: Implausible) -> SourceError {
    SourceError::Sysfs { file: call, error: SysfsError::Implausible(why) }
}

/// A count of the file as libamd_smi reports it: without the firmware's time.
fn as_reported(own: RawEnergy, resolution_uj: f64) -> RawEnergy {
    RawEnergy { resolution_uj, firmware_time_ns: None, ..own }
}

/// Times that differ by no more are those of one table, or of two that follow each other.
const SAME_TABLE_NS: u64 = 10_000_000;

/// What every device of a session shares.
#[derive(Clone, Copy)]
pub struct AmdsmiContext {
    pub library: &'static Library,
    pub generation: &'static Generation,
}

#[derive(Clone)]
pub struct AmdsmiSource {
    context: AmdsmiContext,
    /// `None`: libamd_smi does not list the GPU.
    handle: Option<ProcessorHandle>,
    /// To check what libamd_smi reports, for what some releases get wrong, and while a call of it does not return.
    hwmon: Arc<Hwmon>,
    sysfs: Arc<SysfsSource>,
}

/// What a call takes.
#[derive(Clone, Copy)]
pub struct AmdsmiCall {
    pub calls: &'static AmdsmiApi,
    pub g: &'static Generation,
    pub handle: ProcessorHandle,
}

impl AmdsmiSource {
    #[must_use]
    pub fn new(context: AmdsmiContext, handle: Option<ProcessorHandle>, folder: &Path, hwmon: Arc<Hwmon>) -> Self {
        let sysfs = Arc::new(SysfsSource::new(folder, hwmon.clone()));
        AmdsmiSource { context, handle, hwmon, sysfs }
    }

    /// A call has exceeded its time limit and not returned: sysfs serves.
    #[must_use]
    pub fn is_hung(&self) -> bool {
        let AmdsmiContext { library, generation } = self.context;
        self.handle.is_some_and(|handle| library.calls.is_hung(generation, handle))
    }

    #[must_use]
    pub fn market_name(&self) -> Option<String> {
        self.context.library.calls.market_name(self.context.generation, self.handle?).1
    }

    /// Its metrics are those of the first reading, and may be another GPU's (ROCm 6.0).
    #[must_use]
    pub fn caches_forever(&self) -> bool {
        self.context.generation.metrics_cached_forever
    }

    /// Fails where libamd_smi does not list the GPU.
    #[inline(always)]
    pub fn call(&self) -> Result<AmdsmiCall> {
        if let Err(error) = self.hwmon.runtime_power.check_active() {
            return Err(SourceError::Sysfs { file: "power/runtime_status", error });
        }
        let AmdsmiContext { library, generation } = self.context;
        let handle = self.handle.ok_or(SourceError::NotListed)?;
        Ok(AmdsmiCall { calls: &library.calls, g: generation, handle })
    }

    #[must_use]
    pub fn failure(&self, call: &'static str, status: Status) -> SourceError {
        SourceError::Amdsmi { library: self.context.library, call, status }
    }

    /// What the library does not offer, or make sense of, may have a reason that this GPU's own file shows.
    #[cold]
    fn reason(&self, error: SourceError) -> SourceError {
        if !matches!(error.kind(), Kind::NotSupported | Kind::UnexpectedData | Kind::Io) || !self.sysfs.is_there() {
            return error;
        }
        match self.sysfs.energy(&StalenessDetector::default()) {
            Err(own) if own.kind() != Kind::NotSupported => own,
            _ => error,
        }
    }

    /// A call does not return: sysfs serves what it has.
    #[cold]
    fn while_hung<T>(&self, call: &'static str, status: Status, by_sysfs: impl FnOnce() -> Result<T>) -> Result<T> {
        if status == Status::HUNG {
            log::warning(|| format!("{}; until it returns, sysfs serves what it has", self.failure(call, status)));
        }
        by_sysfs().map_err(|_| self.failure(call, status))
    }

    /// The count, not checked for staleness.
    #[inline(always)]
    pub fn count(&self) -> Result<RawEnergy> {
        if self.caches_forever() {
            return Err(SourceError::NotSupported("the libamd_smi of ROCm 6.0 reads the counter once a process and mixes up GPUs; use one of ROCm 6.1 or later, or the backend ZEUS_AMD_BACKEND_SYSFS"));
        }
        let AmdsmiCall { calls, g, handle } = self.call()?;
        match calls.energy_count(g, handle) {
            Ok(Some(raw)) if g.needs_lock => self.own_count(raw),
            Ok(Some(raw)) => Ok(raw),
            Ok(None) => Err(self.reason(NO_COUNTER)),
            Err(s) if s.is_hang() => self.while_hung(ENERGY_CALL, s, || self.count_of_file()),
            Err(s) => Err(self.reason(self.failure(ENERGY_CALL, s))),
        }
    }

    #[cold]
    fn count_of_file(&self) -> Result<RawEnergy> {
        let own = self.sysfs.energy(&StalenessDetector::default())?;
        Ok(as_reported(own, own.resolution_uj))
    }

    /// The count may be that of the table which the library has read last, of any GPU, at any time. The path of the file is
    /// this GPU's: its count is given, and none while the file cannot be read.
    fn own_count(&self, raw: RawEnergy) -> Result<RawEnergy> {
        match self.count_of_file() {
            Ok(own) => Ok(as_reported(own, raw.resolution_uj)),
            Err(_) if !self.sysfs.is_there() => Ok(raw),
            Err(error) => Err(error),
        }
    }

    #[inline(always)]
    pub fn energy(&self, staleness: &StalenessDetector) -> Result<RawEnergy> {
        let raw = self.count()?;
        match staleness.check(raw.driver_time_ns) {
            Ok(None) => Ok(raw),
            _ => self.retry_energy(staleness),
        }
    }

    /// This thread may have been suspended between the first read and the clock.
    #[cold]
    #[inline(never)]
    fn retry_energy(&self, staleness: &StalenessDetector) -> Result<RawEnergy> {
        let raw = self.count()?;
        let stale_ms = staleness.check(raw.driver_time_ns).map_err(|why| implausible(ENERGY_CALL, why))?;
        Ok(RawEnergy { stale_ms, ..raw })
    }

    fn powers_of_file(&self) -> Result<Powers> {
        self.sysfs.powers(&StalenessDetector::default()).map(|(powers, _)| powers)
    }

    /// None is no failure.
    fn current_powers(&self) -> Result<Powers> {
        if self.caches_forever() {
            return self.powers_of_hwmon();
        }
        let AmdsmiCall { calls, g, handle } = self.call()?;
        let powers = match calls.power_info(g, handle) {
            // The powers may be there although the call failed.
            (_, powers) if powers.any() => powers,
            (Err(s), _) if s.is_hang() => return self.while_hung("amdsmi_get_power_info", s, || self.powers_of_file()),
            (Err(s), _) => return Err(self.reason(self.failure("amdsmi_get_power_info", s))),
            (Ok(()), none) => {
                return match self.reason(SourceError::NotSupported("libamd_smi reports none")) {
                    SourceError::NotSupported(_) => Ok(none),
                    error => Err(error),
                }
            }
        };
        let plausible = |mw: &u64| self.hwmon.check_power(*mw).is_none();
        let checked =
            Powers { instant_mw: powers.instant_mw.filter(plausible), average_mw: powers.average_mw.filter(plausible) };
        if checked.any() {
            return Ok(checked);
        }
        let why = powers.instant_mw.or(powers.average_mw).and_then(|mw| self.hwmon.check_power(mw));
        self.hwmon.powers().map_err(|_| implausible("amdsmi_get_power_info", why.unwrap_or(Implausible::NoPower)))
    }

    /// hwmon has the powers of this GPU. None is no failure.
    fn powers_of_hwmon(&self) -> Result<Powers> {
        self.hwmon.powers().or_else(|error| match error.kind() {
            Kind::NotSupported => Ok(Powers::default()),
            _ => Err(SourceError::Sysfs { file: POWERS, error }),
        })
    }

    /// The powers, and for how long their time has been stalled, if too long.
    pub fn powers(&self, staleness: &StalenessDetector) -> Result<(Powers, Option<u64>)> {
        let read = || -> Result<(Powers, Option<u64>)> {
            // Before them: where the read of gpu_metrics for the powers fails, the library repeats those of this time.
            let time_ns = self.sample_time_ns();
            // At once: calls of other threads may come before the next one.
            let older_ms = staleness.check(time_ns).map_err(|why| implausible(ENERGY_CALL, why))?;
            let (powers, stale_ms) = self.powers_since(time_ns, staleness)?;
            if self.is_hung() {
                // That time is from before the call that hangs.
                return self.sysfs.powers(staleness).or(Ok((powers, stale_ms)));
            }
            Ok((powers, stale_ms.or(older_ms)))
        };
        retry_if(read, |read| read.as_ref().is_ok_and(|(_, stale_ms)| stale_ms.is_some()))
    }

    /// Powers of `time_ns` or later. Without such a time they may be of any age, and where GPUs share a table they may be
    /// another one's: then those of this GPU's files are given, if they are there.
    fn powers_since(&self, time_ns: Option<u64>, staleness: &StalenessDetector) -> Result<(Powers, Option<u64>)> {
        let powers = self.current_powers()?;
        let is_sure = time_ns.is_some() && !self.context.generation.needs_lock;
        if is_sure || !powers.any() || self.caches_forever() {
            return Ok((powers, None));
        }
        match self.sysfs.powers(staleness) {
            Ok(own) => Ok(own),
            // Files that have no power at the moment: the library has that of another moment, or of another GPU.
            Err(error) if error.kind() != Kind::NotSupported || self.is_shared() => Err(error),
            Err(_) => Ok((powers, None)),
        }
    }

    /// The library may report another GPU's values, and this one's file shows its own.
    fn is_shared(&self) -> bool {
        self.context.generation.needs_lock && self.sysfs.is_there()
    }

    /// The driver's time of what the library reports now: a failed read of gpu_metrics repeats older values with SUCCESS.
    fn sample_time_ns(&self) -> Option<u64> {
        if self.caches_forever() {
            return None;
        }
        self.count().ok()?.driver_time_ns
    }

    /// Where libamd_smi has none, or 0 °C, hwmon may have one.
    pub fn temperature(&self) -> Result<Temperature> {
        const CALL: &str = "amdsmi_get_temp_metric";
        let AmdsmiCall { calls, g, handle } = self.call()?;
        let error = match calls.hotspot_c(g, handle) {
            Ok(c) => match i32::try_from(c).ok().filter(|c| *c != 0 && is_temperature(*c)) {
                Some(celsius) => return Ok(Temperature::hotspot(celsius)),
                None => implausible(CALL, Implausible::NoTemperature),
            },
            Err(s) if s.is_hang() => {
                let of_file = || self.sysfs.temperature(&StalenessDetector::default());
                return self.while_hung(CALL, s, of_file).map(|(temperature, _)| temperature);
            }
            Err(s) if s.kind() != Kind::NotSupported => return Err(self.failure(CALL, s)),
            Err(s) => self.failure(CALL, s),
        };
        self.hwmon.temperature().map_err(|_| self.reason(error))
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        let energy = self.energy(staleness).map_err(|e| e.kind());
        // The same count in one table with its powers, as `own_count` gives it.
        let of_file = energy.ok().filter(|_| self.is_shared()).and_then(|raw| {
            let own = self.sysfs.reading(staleness, false);
            Some(Reading { energy: Ok(as_reported(own.energy.ok()?, raw.resolution_uj)), ..own })
        });
        let reading = of_file.unwrap_or_else(|| self.paired(energy, staleness));
        Reading { temperature: if temperature { self.temperature().ok() } else { None }, ..reading }
    }

    /// A count with powers of its time, or without any.
    fn paired(&self, mut energy: std::result::Result<RawEnergy, Kind>, staleness: &StalenessDetector) -> Reading {
        let mut driver_ns = energy.map_or_else(|_| self.sample_time_ns(), |e| e.driver_time_ns);
        let mut checked = staleness.check(driver_ns);
        let mut powers = Err(Kind::UnexpectedData);
        for _ in 0..PAIRINGS {
            let read = self.powers_since(driver_ns, staleness).map_err(|e| e.kind());
            // The library may have read a newer table for them than for a time that is old.
            let is_old = driver_ns.is_some_and(|ns| boot_ns().saturating_sub(ns) > SAME_TABLE_NS);
            let newer = if is_old { self.count().ok() } else { None };
            match newer.filter(|e| e.driver_time_ns > driver_ns.map(|ns| ns + SAME_TABLE_NS)) {
                Some(count) => {
                    (energy, driver_ns) = (Ok(count), count.driver_time_ns);
                    checked = staleness.check(driver_ns);
                }
                None => {
                    powers = read;
                    break;
                }
            }
        }
        if checked.is_err() {
            driver_ns = None;
            powers = Err(Kind::UnexpectedData);
            energy = energy.and(Err(Kind::UnexpectedData));
        }
        let stale_ms = powers.ok().and_then(|(_, stale_ms)| stale_ms).or(checked.ok().flatten());
        Reading::new(energy, powers.map(|(powers, _)| powers), None, driver_ns, stale_ms)
    }

    pub fn power_limits(&self) -> Result<PowerLimits> {
        const CALL: &str = "amdsmi_get_power_cap_info";
        let AmdsmiCall { calls, g, handle } = self.call()?;
        let mut limits = match calls.power_caps(g, handle) {
            Ok(limits) => limits,
            Err(s) if s.is_hang() => return self.while_hung(CALL, s, || self.sysfs.power_limits()),
            Err(s) => return Err(self.failure(CALL, s)),
        };
        if g.cap_drops_digit {
            // The library loses the last digit from 1000 W on; hwmon has all of them.
            limits.current_uw = self.hwmon.power_cap_uw().or(limits.current_uw.filter(|_| !may_be_tenth(&limits)));
        }
        // It shows a lowest limit that it cannot read as 0, which many GPUs have.
        if limits.min_uw == Some(0) && self.hwmon.is_there() {
            limits.min_uw = self.hwmon.power_limit_uw(PowerLimit::Min).ok().flatten();
        }
        Ok(limits)
    }

    /// A limit that is missing may be one of 1000 W or more, which the library shows as a tenth of it.
    #[must_use]
    pub fn hides_high_limits(&self) -> bool {
        let limits = || self.call().ok().and_then(|call| call.calls.power_caps(call.g, call.handle).ok());
        self.context.generation.cap_drops_digit && limits().is_some_and(|limits| may_be_tenth(&limits))
    }
}
