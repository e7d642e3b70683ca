//! One GPU as libamd_smi has it.

use super::error::{SourceError, NO_COUNTER};
use super::sysfs::POWERS;
use crate::amdsmi::releases::Generation;
use crate::amdsmi::status::Status;
use crate::amdsmi::{AmdsmiApi, Library, ProcessorHandle};
use crate::device::snapshot::Reading;
use crate::device::staleness::{retry_if, StalenessDetector};
use crate::error::Kind;
use crate::gpu::{is_temperature, PowerLimits, Powers, RawEnergy, Temperature};
use crate::sysfs::hwmon::Hwmon;
use crate::sysfs::{Implausible, SysfsError};
use std::sync::Arc;

type Result<T> = std::result::Result<T, SourceError>;

pub const ENERGY_CALL: &str = "amdsmi_get_energy_count";

fn may_be_tenth(limits: &PowerLimits) -> bool {
    limits.max_uw.is_some_and(|max| max >= 1_000_000_000)
}

fn implausible(call: &'static str, why: Implausible) -> SourceError {
    SourceError::Sysfs { file: call, error: SysfsError::Implausible(why) }
}

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
    /// To check what libamd_smi reports, and for what some releases get wrong.
    hwmon: Arc<Hwmon>,
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
    pub fn new(context: AmdsmiContext, handle: Option<ProcessorHandle>, hwmon: Arc<Hwmon>) -> Self {
        AmdsmiSource { context, handle, hwmon }
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

    /// The count, not checked for staleness.
    #[inline(always)]
    pub fn count(&self) -> Result<RawEnergy> {
        if self.caches_forever() {
            return Err(SourceError::NotSupported("the libamd_smi of ROCm 6.0 reads the counter once a process and mixes up GPUs; use one of ROCm 6.1 or later, or the backend ZEUS_AMD_BACKEND_SYSFS"));
        }
        let AmdsmiCall { calls, g, handle } = self.call()?;
        match calls.energy_count(g, handle) {
            Ok(Some(raw)) => Ok(raw),
            Ok(None) => Err(NO_COUNTER),
            Err(s) => Err(self.failure(ENERGY_CALL, s)),
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

    /// None is no failure.
    fn current_powers(&self) -> Result<Powers> {
        // hwmon has the powers of this GPU.
        let of_hwmon = || self.hwmon.powers().map_err(|error| SourceError::Sysfs { file: POWERS, error });
        if self.caches_forever() {
            return of_hwmon().or_else(|e| if e.kind() == Kind::NotSupported { Ok(Powers::default()) } else { Err(e) });
        }
        let AmdsmiCall { calls, g, handle } = self.call()?;
        let powers = match calls.power_info(g, handle) {
            // The powers may be there although the call failed.
            (_, powers) if powers.any() => powers,
            (Err(s), _) => return Err(self.failure("amdsmi_get_power_info", s)),
            (Ok(()), none) => return Ok(none),
        };
        let plausible = |mw: &u64| self.hwmon.check_power(*mw).is_none();
        let checked =
            Powers { instant_mw: powers.instant_mw.filter(plausible), average_mw: powers.average_mw.filter(plausible) };
        if checked.any() {
            return Ok(checked);
        }
        let why = powers.instant_mw.or(powers.average_mw).and_then(|mw| self.hwmon.check_power(mw));
        of_hwmon().map_err(|_| implausible("amdsmi_get_power_info", why.unwrap_or(Implausible::NoPower)))
    }

    /// The powers, and for how long their time has been stalled, if too long.
    pub fn powers(&self, staleness: &StalenessDetector) -> Result<(Powers, Option<u64>)> {
        let read = || {
            let powers = self.current_powers()?;
            let time_ns = if powers.any() { self.sample_time_ns() } else { None };
            let stale_ms = staleness.check(time_ns).map_err(|why| implausible(ENERGY_CALL, why))?;
            Ok((powers, stale_ms))
        };
        retry_if(read, |read| read.as_ref().is_ok_and(|(_, stale_ms)| stale_ms.is_some()))
    }

    /// The driver's time of what the library reports now: a failed read of gpu_metrics repeats older values with SUCCESS.
    fn sample_time_ns(&self) -> Option<u64> {
        if self.caches_forever() {
            return None;
        }
        let g = self.context.generation;
        self.context.library.calls.energy_count(g, self.handle?).ok()??.driver_time_ns
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
            Err(s) if s.kind() != Kind::NotSupported => return Err(self.failure(CALL, s)),
            Err(s) => self.failure(CALL, s),
        };
        self.hwmon.temperature().map_err(|_| error)
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        let energy = self.energy(staleness).map_err(|e| e.kind());
        let mut powers = self.current_powers().map_err(|e| e.kind());
        let mut stale_ms = energy.ok().and_then(|e| e.stale_ms);
        let mut driver_ns = energy.ok().and_then(|e| e.driver_time_ns);
        if energy.is_err() && powers.is_ok_and(Powers::any) {
            driver_ns = self.sample_time_ns();
            match staleness.check(driver_ns) {
                Ok(age_ms) => stale_ms = age_ms,
                Err(_) => powers = Err(Kind::UnexpectedData),
            }
        }
        let temperature = if temperature { self.temperature().ok() } else { None };
        Reading::new(energy, powers, temperature, driver_ns, stale_ms)
    }

    pub fn power_limits(&self) -> Result<PowerLimits> {
        let AmdsmiCall { calls, g, handle } = self.call()?;
        let mut limits = calls.power_caps(g, handle).map_err(|s| self.failure("amdsmi_get_power_cap_info", s))?;
        if g.cap_drops_digit {
            // The library loses the last digit from 1000 W on; hwmon has all of them.
            limits.current_uw = self.hwmon.power_cap_uw().or(limits.current_uw.filter(|_| !may_be_tenth(&limits)));
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
