//! One GPU as libamd_smi has it.

use super::error::{SourceError, NO_COUNTER};
use crate::amdsmi::releases::Generation;
use crate::amdsmi::status::Status;
use crate::amdsmi::{AmdsmiApi, Library, ProcessorHandle};
use crate::device::snapshot::Reading;
use crate::device::staleness::{retry_if_stale, StalenessDetector};
use crate::error::Kind;
use crate::gpu::{PowerLimits, Powers, RawEnergy};
use crate::sysfs::hwmon::Hwmon;
use std::sync::Arc;

type Result<T> = std::result::Result<T, SourceError>;

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
    /// For what some releases get wrong.
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

    /// The level of a clock that is in force is missing from its levels.
    #[must_use]
    pub fn skips_current_level(&self) -> bool {
        self.context.generation.skips_current_level
    }

    /// Fails where libamd_smi does not list the GPU.
    #[inline(always)]
    pub fn call(&self) -> Result<AmdsmiCall> {
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
            Err(s) => Err(self.failure("amdsmi_get_energy_count", s)),
        }
    }

    #[inline(always)]
    pub fn energy(&self, staleness: &StalenessDetector) -> Result<RawEnergy> {
        let mut raw = self.count()?;
        raw.stale_ms = staleness.stale_for_ms(raw.driver_time_ns);
        if raw.stale_ms.is_some() {
            raw = self.retry_count()?;
            raw.stale_ms = staleness.stale_for_ms(raw.driver_time_ns);
        }
        Ok(raw)
    }

    /// This thread may have been suspended between the first read and the clock.
    #[cold]
    #[inline(never)]
    fn retry_count(&self) -> Result<RawEnergy> {
        self.count()
    }

    pub fn current_powers(&self) -> Result<Powers> {
        if self.caches_forever() {
            // hwmon has the powers of this GPU; that there are none is no failure.
            return match self.hwmon.powers() {
                Err(error) if error.kind() != Kind::NotSupported => {
                    Err(SourceError::Sysfs { file: super::sysfs::POWERS, error })
                }
                powers => Ok(powers.unwrap_or_default()),
            };
        }
        let AmdsmiCall { calls, g, handle } = self.call()?;
        match calls.power_info(g, handle) {
            // The powers may be there although the call failed.
            (_, powers) if powers.any() => Ok(powers),
            (Err(s), _) => Err(self.failure("amdsmi_get_power_info", s)),
            (Ok(()), none) => Ok(none),
        }
    }

    /// The powers, and for how long their time has been stalled, if too long.
    pub fn powers(&self, staleness: &StalenessDetector) -> Result<(Powers, Option<u64>)> {
        let read = || {
            let powers = self.current_powers()?;
            let time_ns = if powers.any() { self.sample_time_ns() } else { None };
            Ok((powers, staleness.stale_for_ms(time_ns)))
        };
        retry_if_stale(read, |(_, stale_ms)| stale_ms.is_some())
    }

    /// The driver's time of what the library reports now: a failed read of gpu_metrics repeats older values with SUCCESS.
    fn sample_time_ns(&self) -> Option<u64> {
        if self.caches_forever() {
            return None;
        }
        let g = self.context.generation;
        self.context.library.calls.energy_count(g, self.handle?).ok()??.driver_time_ns
    }

    pub fn hotspot_c(&self) -> Result<i64> {
        let AmdsmiCall { calls, g, handle } = self.call()?;
        calls.hotspot_c(g, handle).map_err(|s| self.failure("amdsmi_get_temp_metric", s))
    }

    pub fn reading(&self, staleness: &StalenessDetector, temperature: bool) -> Reading {
        let energy = self.energy(staleness).map_err(|e| e.kind());
        let powers = self.current_powers();
        let power_unsupported = !powers.as_ref().is_err_and(|e| e.kind() != Kind::NotSupported);
        let powers = powers.unwrap_or_default();
        let mut stale_ms = energy.ok().and_then(|e| e.stale_ms);
        let mut driver_ns = energy.ok().and_then(|e| e.driver_time_ns);
        if energy.is_err() && powers.any() {
            driver_ns = self.sample_time_ns();
            stale_ms = staleness.stale_for_ms(driver_ns);
        }
        let hotspot_c = if temperature { self.hotspot_c().ok().and_then(|c| c.try_into().ok()) } else { None };
        Reading::new(energy, powers, power_unsupported, hotspot_c, driver_ns, stale_ms)
    }

    pub fn power_limits(&self) -> Result<PowerLimits> {
        let AmdsmiCall { calls, g, handle } = self.call()?;
        let mut limits = calls.power_caps(g, handle).map_err(|s| self.failure("amdsmi_get_power_cap_info", s))?;
        if g.cap_drops_digit {
            // The library loses the last digit from 1000 W on; hwmon has all of them.
            let may_be_tenth = limits.max_uw.is_some_and(|max| max >= 1_000_000_000);
            limits.current_uw = self.hwmon.power_cap_uw().or(if may_be_tenth { None } else { limits.current_uw });
        }
        Ok(limits)
    }
}
