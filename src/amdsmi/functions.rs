//! The functions of one loaded libamd_smi, with one safe method for each. Raw structs do not leave this module.

use super::api::{AmdsmiApi, Function};
use super::handle::ProcessorHandle;
use super::releases::{CapUnit, Generation, NameLayout, PowerLayout};
use super::status::Status;
use super::structs::{
    AsicInfoV1, AsicInfoV2, ClkInfo, EnumerationInfo, KfdInfo, Padded, Pod, PowerCapInfo, PowerInfoV1, PowerInfoV2,
    PowerInfoV3, VersionWords,
};
use super::symbols::{Ptr, StructFunction};
use crate::gpu::{Bound, Clock, PowerLimits, Powers, RawEnergy};
use crate::platform::sentinel;
use std::ffi::CStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    pub current_mhz: Option<u32>,
    pub min_mhz: Option<u32>,
    pub max_mhz: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KfdIds {
    pub kfd_id: u64,
    pub node_id: u32,
    pub partition_id: u32,
}

const INIT_AMD_GPUS: u64 = 2;
const TEMPERATURE_HOTSPOT: u32 = 1;
const METRIC_CURRENT: u32 = 0;
/// The power cap sensor PPT0, in every release.
const SENSOR_PPT0: u32 = 0;

impl AmdsmiApi {
    pub fn init(&'static self) -> Result<(), Status> {
        // SAFETY: flag 2 is AMD GPUs in every release; AMDSMI_INIT_ALL_PROCESSORS changed its value.
        self.alone(|| Status::check(unsafe { (self.table.init)(INIT_AMD_GPUS) }))?
    }

    pub fn shut_down(&'static self) -> Result<(), Status> {
        let function = self.table.shut_down.ok_or(Status::NOT_SUPPORTED)?;
        // SAFETY: no arguments.
        self.alone(move || Status::check(unsafe { function() }))?
    }

    pub fn version_words(&'static self) -> Result<[u32; 4], Status> {
        self.global(Function::Version, || {
            let mut version = Padded::<VersionWords>::zeroed();
            // SAFETY: larger than what any release writes.
            Status::check(unsafe { (self.table.get_lib_version)(version.as_mut_ptr()) })?;
            Ok(version.value.words)
        })?
    }

    /// libamd_smi's message for a status, if it has one.
    pub fn status_message(&'static self, status: Status) -> Option<String> {
        let function = self.table.status_code_to_string?;
        let text = self.global(Function::Message, move || {
            let mut text = std::ptr::null();
            // SAFETY: the library stores a pointer to a static string.
            let ok = unsafe { function(status.0, &mut text) } == Status::SUCCESS && !text.is_null();
            // SAFETY: as above; checked for NULL.
            ok.then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
        });
        text.ok()?.filter(|t| !t.is_empty())
    }

    /// The packed PCI address: function in bits 0-2, device 3-7, bus 8-15, partition 28-31, domain from 32.
    pub fn bdf_id(&self, handle: ProcessorHandle) -> Result<u64, Status> {
        handle.0.bdf_id
    }

    pub fn kfd_ids(&'static self, generation: &Generation, handle: ProcessorHandle) -> Result<KfdIds, Status> {
        let (status, info) = self.fill::<KfdInfo>(generation, handle, Function::KfdInfo, self.table.get_kfd_info);
        status?;
        Ok(KfdIds { kfd_id: info.kfd_id, node_id: info.node_id, partition_id: info.current_partition_id })
    }

    pub fn hip_id(&'static self, generation: &Generation, handle: ProcessorHandle) -> Result<u32, Status> {
        let function = self.table.get_enumeration_info;
        let (status, info) = self.fill::<EnumerationInfo>(generation, handle, Function::EnumerationInfo, function);
        status.map(|()| info.hip_id)
    }

    /// The product name. It may be valid although the call fails (26.4 without /dev/dri).
    pub fn market_name(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
    ) -> (Result<(), Status>, Option<String>) {
        let function = self.table.get_asic_info;
        match generation.name {
            NameLayout::V1 => {
                let (status, info) = self.fill::<AsicInfoV1>(generation, handle, Function::AsicInfo, function);
                (status, text(&info.market_name))
            }
            NameLayout::V2 => {
                let (status, info) = self.fill::<AsicInfoV2>(generation, handle, Function::AsicInfo, function);
                (status, text(&info.market_name))
            }
        }
    }

    /// The powers. They may be valid although the call fails: its status is that of its last step, the power cap
    /// (`amdsmi_get_power_info` in amd_smi.cc).
    pub fn power_info(&'static self, generation: &Generation, handle: ProcessorHandle) -> (Result<(), Status>, Powers) {
        let function = self.table.get_power_info;
        let (status, current, average) = match generation.power {
            PowerLayout::V1 => {
                let (status, info) = self.fill::<PowerInfoV1>(generation, handle, Function::PowerInfo, function);
                (status, info.current_socket_power, info.average_socket_power)
            }
            PowerLayout::V2 => {
                let (status, info) = self.fill::<PowerInfoV2>(generation, handle, Function::PowerInfo, function);
                (status, info.current_socket_power, info.average_socket_power)
            }
            PowerLayout::V3 => {
                let (status, info) = self.fill::<PowerInfoV3>(generation, handle, Function::PowerInfo, function);
                (status, info.current_socket_power, info.average_socket_power)
            }
        };
        let mw = |watts: u32| sentinel::amdsmi_u32(watts).map(|w| u64::from(w) * 1000);
        let mut info = Powers { instant_mw: mw(current), average_mw: mw(average) };
        // A failed call that wrote nothing leaves both at the buffer's zero: no reading of 0 W.
        if status.is_err() && info == (Powers { instant_mw: Some(0), average_mw: Some(0) }) {
            info = Powers::default();
        }
        (status, info)
    }

    pub fn power_caps(&'static self, generation: &Generation, handle: ProcessorHandle) -> Result<PowerLimits, Status> {
        let function = self.table.get_power_cap_info.ok_or(Status::NOT_SUPPORTED)?;
        let info = self.on_gpu(generation, handle, Function::PowerCaps, move |gpu| {
            let mut info = Padded::<PowerCapInfo>::zeroed();
            // SAFETY: larger than what any release writes.
            Status::check(unsafe { function(gpu, SENSOR_PPT0, info.as_mut_ptr()) }).map(|()| info.value)
        })??;
        let uw = |raw: u64| {
            // Up to ROCm 6.1.1 the caps are in W, except the current one in µW without access to /dev/dri.
            let watts = generation.cap_unit == CapUnit::Watt && raw < 100_000;
            (raw != u64::MAX).then(|| if watts { raw.saturating_mul(1_000_000) } else { raw })
        };
        let some = |raw: u64| uw(raw).filter(|v| *v != 0);
        Ok(PowerLimits {
            current_uw: some(info.power_cap),
            default_uw: some(info.default_power_cap),
            min_uw: uw(info.min_power_cap),
            max_uw: some(info.max_power_cap),
        })
    }

    /// Sets the power cap. The unit is the microwatt in every release, also in those that report watts.
    pub fn set_power_cap(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        cap_uw: u64,
    ) -> Result<(), Status> {
        let function = self.table.set_power_cap.ok_or(Status::NOT_SUPPORTED)?;
        // SAFETY: a handle of this library and scalars.
        let set = move |gpu: Ptr| unsafe { function(gpu, SENSOR_PPT0, cap_uw) };
        self.set(generation, handle, Function::SetPowerCap, set)
    }

    /// `None`: the driver has no energy counter for this GPU.
    #[inline]
    pub fn energy_count(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
    ) -> Result<Option<RawEnergy>, Status> {
        let function = self.table.get_energy_count.ok_or(Status::NOT_SUPPORTED)?;
        self.on_gpu(generation, handle, Function::EnergyCount, move |gpu| {
            let (mut accumulator, mut resolution_uj, mut time_ns) = (0_u64, 0_f32, 0_u64);
            // SAFETY: a handle of this library and three scalars.
            let code = unsafe { function(gpu, &mut accumulator, &mut resolution_uj, &mut time_ns) };
            // 26.4 returns NOT_SUPPORTED and writes the sentinel: the counter is missing, the read did not fail.
            if code == Status::NOT_SUPPORTED.0 && accumulator == u64::MAX {
                return Ok(None);
            }
            Status::check(code)?;
            Ok(sentinel::energy_count(accumulator).map(|accumulator| RawEnergy {
                accumulator,
                resolution_uj: f64::from(resolution_uj),
                driver_time_ns: sentinel::time(time_ns),
                firmware_time_ns: None,
                stale_ms: None,
            }))
        })?
    }

    /// The hotspot temperature in whole degrees Celsius, although amdsmi.h documents millidegrees
    /// (`amdsmi_get_temp_metric` in amd_smi.cc divides by 1000).
    pub fn hotspot_c(&'static self, generation: &Generation, handle: ProcessorHandle) -> Result<i64, Status> {
        let function = self.table.get_temp_metric.ok_or(Status::NOT_SUPPORTED)?;
        self.on_gpu(generation, handle, Function::Temperature, move |gpu| {
            let mut celsius = 0_i64;
            // SAFETY: a handle of this library and an i64.
            Status::check(unsafe { function(gpu, TEMPERATURE_HOTSPOT, METRIC_CURRENT, &mut celsius) })?;
            Ok(celsius)
        })?
    }

    pub fn clocks(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        clock: Clock,
    ) -> Result<Clocks, Status> {
        let function = self.table.get_clock_info.ok_or(Status::NOT_SUPPORTED)?;
        let info = self.on_gpu(generation, handle, Function::ClockInfo, move |gpu| {
            let mut info = Padded::<ClkInfo>::zeroed();
            // SAFETY: larger than what any release writes.
            Status::check(unsafe { function(gpu, clock as u32, info.as_mut_ptr()) }).map(|()| info.value)
        })??;
        Ok(Clocks {
            current_mhz: sentinel::amdsmi_u32(info.clk),
            min_mhz: sentinel::amdsmi_u32(info.min_clk),
            max_mhz: sentinel::amdsmi_u32(info.max_clk),
        })
    }

    /// Limits of a clock can be set one at a time: since ROCm 6.3; since 10.0 only this way.
    pub fn has_clk_limit(&self) -> bool {
        self.table.set_clk_limit.is_some()
    }

    /// Sets the performance level to "manual" and commits one limit.
    pub fn set_clk_limit(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        clock: Clock,
        bound: Bound,
        mhz: u32,
    ) -> Result<(), Status> {
        let function = self.table.set_clk_limit.ok_or(Status::NOT_SUPPORTED)?;
        // SAFETY: a handle of this library; the numbers of clocks and limits are the same in every release.
        let set = move |gpu: Ptr| unsafe { function(gpu, clock as u32, bound as u32, mhz.into()) };
        self.set(generation, handle, Function::SetClkLimit, set)
    }

    /// Sets the performance level to "manual" and commits both limits, the lower one first.
    pub fn set_clk_range(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        clock: Clock,
        min_mhz: u32,
        max_mhz: u32,
    ) -> Result<(), Status> {
        let function = self.table.set_clk_range.ok_or(Status::NOT_SUPPORTED)?;
        // SAFETY: a handle of this library.
        let set = move |gpu: Ptr| unsafe { function(gpu, min_mhz.into(), max_mhz.into(), clock as u32) };
        self.set(generation, handle, Function::SetClkRange, set)
    }

    pub fn set_perf_level(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        level: u32,
    ) -> Result<(), Status> {
        let function = self.table.set_perf_level.ok_or(Status::NOT_SUPPORTED)?;
        // SAFETY: a handle of this library; the numbers of levels are the same in every release.
        let set = move |gpu: Ptr| unsafe { function(gpu, level) };
        self.set(generation, handle, Function::SetPerfLevel, set)
    }

    /// Runs a setter.
    fn set(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        function: Function,
        call: impl Fn(Ptr) -> u32 + Send + 'static,
    ) -> Result<(), Status> {
        Status::check(self.on_gpu(generation, handle, function, call)?)
    }

    /// Calls a function that fills a struct. Returns the struct also if the call fails.
    fn fill<T: Pod + Send + 'static>(
        &'static self,
        generation: &Generation,
        handle: ProcessorHandle,
        kind: Function,
        function: Option<StructFunction>,
    ) -> (Result<(), Status>, T) {
        let Some(function) = function else { return (Err(Status::NOT_SUPPORTED), Padded::zeroed().value) };
        let filled = self.on_gpu(generation, handle, kind, move |gpu| {
            let mut output = Padded::<T>::zeroed();
            // SAFETY: a handle of this library; larger than what any release writes.
            (Status::check(unsafe { function(gpu, output.as_mut_ptr()) }), output.value)
        });
        filled.unwrap_or_else(|status| (Err(status), Padded::zeroed().value))
    }
}

/// The text in a fixed-size array; `None` if it is empty.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]).trim().to_owned();
    (!text.is_empty() && text != "N/A").then_some(text)
}
