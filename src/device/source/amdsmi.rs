//! One GPU as libamd_smi has it.

use crate::amdsmi::releases::Generation;
use crate::amdsmi::status::Status;
use crate::amdsmi::{AmdsmiApi, Clock, Library, PowerCaps, ProcessorHandle};
use crate::device::{clocks, Device, Powers, RawEnergy};
use crate::error::{Error, Result};

/// What every device of a session shares.
#[derive(Clone, Copy)]
pub struct AmdsmiContext {
    pub library: &'static Library,
    pub generation: &'static Generation,
    /// The library's initialisation that the handles belong to.
    pub epoch: u32,
}

pub(in crate::device) struct AmdsmiSource {
    source: AmdsmiContext,
    handle: Option<ProcessorHandle>,
}

/// Why libamd_smi gave no count. Small: a reading is not moved about for what it might have been instead.
#[derive(Clone, Copy)]
pub(in crate::device) enum EnergyUnavailable {
    CannotAsk,
    Frozen,
    Failed(Status),
    Absent,
}

/// What a call takes.
pub(in crate::device) struct AmdsmiCall {
    pub calls: &'static AmdsmiApi,
    pub g: &'static Generation,
    pub handle: ProcessorHandle,
}

impl AmdsmiSource {
    pub fn new(source: AmdsmiContext, handle: Option<ProcessorHandle>) -> Self {
        AmdsmiSource { source, handle }
    }

    pub fn market_name(&self) -> Option<String> {
        self.source.library.calls.market_name(self.source.generation, self.handle?).1
    }

    /// Its metrics are those of the first reading, and may be another GPU's (ROCm 6.0).
    pub fn caches_forever(&self) -> bool {
        self.source.generation.metrics_cached_forever
    }

    /// What it says may be what it said earlier.
    pub fn may_return_stale(&self) -> bool {
        self.source.generation.repeats_stale
    }

    /// The driver's time of what the library would say now, where it may repeat old values with SUCCESS.
    pub fn sample_time_ns(&self) -> Option<u64> {
        let g = self.source.generation;
        let count = self
            .handle
            .filter(|_| self.may_return_stale() && !g.metrics_cached_forever)
            .map(|h| self.source.library.calls.energy_count(g, h));
        count?.ok()?.time_ns
    }
}

impl Device {
    #[inline(always)]
    pub(in crate::device) fn ask(&self, amdsmi: &AmdsmiSource) -> Result<AmdsmiCall> {
        let AmdsmiContext { library, generation, epoch } = amdsmi.source;
        match amdsmi.handle {
            Some(handle) if epoch == library.epoch() => Ok(AmdsmiCall { calls: &library.calls, g: generation, handle }),
            _ => Err(self.cannot_ask(amdsmi)),
        }
    }

    #[cold]
    fn cannot_ask(&self, amdsmi: &AmdsmiSource) -> Error {
        if amdsmi.handle.is_none() {
            return Error::NotFound(format!("{}: HIP sees this GPU, but libamd_smi does not list it", self.label()));
        }
        let by = "libamd_smi, shut down and initialised anew by somebody else,";
        amdsmi.source.library.device_failure(Status::NOT_INIT, by, self.label())
    }

    #[cold]
    pub(in crate::device) fn failure(&self, amdsmi: &AmdsmiSource, status: Status, call: &'static str) -> Error {
        amdsmi.source.library.device_failure(status, call, self.label())
    }

    pub(in crate::device) fn vendor_powers(&self, amdsmi: &AmdsmiSource) -> Result<Powers> {
        if amdsmi.caches_forever() {
            // Its library reads the metrics once a process and mixes up GPUs; the kernel's own file does not.
            return self.only_hwmon_powers();
        }
        let AmdsmiCall { calls, g, handle } = self.ask(amdsmi)?;
        let (status, info) = calls.power_info(g, handle);
        let mw = |watts: Option<u32>| watts.map(|w| u64::from(w) * 1000);
        match (mw(info.current_w), mw(info.average_w), status) {
            // The powers may be there although the call failed.
            (None, None, Err(s)) => Err(self.failure(amdsmi, s, "amdsmi_get_power_info")),
            (instant_mw, average_mw, _) => Ok(Powers { instant_mw, average_mw, driver_ns: None }),
        }
    }

    pub(in crate::device) fn vendor_energy(&self, amdsmi: &AmdsmiSource, what: &'static str) -> Result<RawEnergy> {
        self.read_count(amdsmi).map_err(|n| self.energy_error(amdsmi, what, n))
    }

    /// The count, and whether it is an old one: then a second look tells whether it was not this thread that stood still.
    #[inline(always)]
    pub(in crate::device) fn read_count_checked(
        &self,
        amdsmi: &AmdsmiSource,
    ) -> std::result::Result<RawEnergy, EnergyUnavailable> {
        let mut raw = self.read_count(amdsmi)?;
        raw.stale_ms = self.stale_for_ms(raw.driver_time_ns);
        if raw.stale_ms.is_some() {
            raw = self.retry_count(amdsmi)?;
            raw.stale_ms = self.stale_for_ms(raw.driver_time_ns);
        }
        Ok(raw)
    }

    #[cold]
    #[inline(never)]
    fn retry_count(&self, amdsmi: &AmdsmiSource) -> std::result::Result<RawEnergy, EnergyUnavailable> {
        self.read_count(amdsmi)
    }

    #[inline(always)]
    fn read_count(&self, amdsmi: &AmdsmiSource) -> std::result::Result<RawEnergy, EnergyUnavailable> {
        let AmdsmiContext { library, generation, epoch } = amdsmi.source;
        let handle = amdsmi.handle.filter(|_| epoch == library.epoch()).ok_or(EnergyUnavailable::CannotAsk)?;
        if amdsmi.caches_forever() {
            return Err(EnergyUnavailable::Frozen);
        }
        let count = library.calls.energy_count(generation, handle).map_err(EnergyUnavailable::Failed)?;
        Ok(RawEnergy {
            accumulator: count.accumulator.ok_or(EnergyUnavailable::Absent)?,
            resolution_uj: f64::from(count.resolution_uj),
            driver_time_ns: count.time_ns,
            firmware_time_ns: None,
            stale_ms: None,
        })
    }

    #[cold]
    pub(in crate::device) fn energy_error(
        &self,
        amdsmi: &AmdsmiSource,
        what: &'static str,
        n: EnergyUnavailable,
    ) -> Error {
        match n {
            EnergyUnavailable::CannotAsk if !amdsmi.caches_forever() => self.cannot_ask(amdsmi),
            EnergyUnavailable::CannotAsk | EnergyUnavailable::Frozen => self.not_supported(
                what,
                "the libamd_smi of ROCm 6.0 reads the counter once a process and mixes up GPUs; use one of ROCm 6.1 or later, or the backend ZEUS_AMD_BACKEND_SYSFS",
            ),
            EnergyUnavailable::Failed(status) => self.failure(amdsmi, status, "amdsmi_get_energy_count"),
            EnergyUnavailable::Absent => self.not_supported(what, "the driver has no energy counter for it"),
        }
    }

    pub(in crate::device) fn vendor_hotspot_c(&self, amdsmi: &AmdsmiSource) -> Result<i64> {
        let AmdsmiCall { calls, g, handle } = self.ask(amdsmi)?;
        calls.hotspot_c(g, handle).map_err(|s| self.failure(amdsmi, s, "amdsmi_get_temp_metric"))
    }

    pub(in crate::device) fn vendor_clocks_mhz(&self, amdsmi: &AmdsmiSource, clock: Clock) -> Result<(u32, u32)> {
        let AmdsmiCall { calls, g, handle } = self.ask(amdsmi)?;
        let clocks = calls.clocks(g, handle, clock);
        let clocks = clocks.map_err(|s| self.failure(amdsmi, s, "amdsmi_get_clock_info"))?;
        match (clocks.max_mhz, clocks.min_mhz) {
            (Some(max), Some(min)) => Ok((max, min)),
            _ => Err(self.not_supported(clocks::domain_name(clock), "the driver does not report its range")),
        }
    }

    pub(in crate::device) fn vendor_caps(&self, amdsmi: &AmdsmiSource) -> Result<PowerCaps> {
        let AmdsmiCall { calls, g, handle } = self.ask(amdsmi)?;
        let caps = calls.power_caps(g, handle);
        let mut caps = caps.map_err(|s| self.failure(amdsmi, s, "amdsmi_get_power_cap_info"))?;
        if g.cap_drops_digit {
            // The library loses the last digit from 1000 W on; the kernel's file tells.
            let told = self.hwmon.power_cap_uw();
            let may_be_tenth = caps.max_uw.is_some_and(|max| max >= 1_000_000_000);
            caps.current_uw = told.or(if may_be_tenth { None } else { caps.current_uw });
        }
        Ok(caps)
    }
}
