//! The functions of one loaded libamd_smi, with one safe method for each. Raw structs do not leave this module.

use super::releases::{CapUnit, Generation, NameLayout, PowerLayout};
use super::status::Status;
use super::structs::{
    AsicInfoV1, AsicInfoV2, ClkInfo, EnumerationInfo, KfdInfo, Padded, Pod, PowerCapInfo, PowerInfoV1, PowerInfoV2,
    PowerInfoV3, VersionWords,
};
use super::symbols::{Ptr, StructFunction, SymbolTable};
use crate::gpu::{Bound, Clock, PowerLimits, Powers, RawEnergy};
use crate::platform::sentinel;
use crate::platform::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::ffi::CStr;

/// A processor handle: a pointer into the library, valid until the library is shut down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorHandle(Ptr);

// SAFETY: the library accepts a handle from any thread; the pointer is never dereferenced here.
unsafe impl Send for ProcessorHandle {}
unsafe impl Sync for ProcessorHandle {}

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

/// Leaf lock: held for one call.
enum CallGuard<'a> {
    #[allow(dead_code)]
    Shared(RwLockReadGuard<'a, ()>),
    #[allow(dead_code)]
    Exclusive(RwLockWriteGuard<'a, ()>),
}

/// The functions of one loaded library.
pub struct AmdsmiApi {
    table: SymbolTable,
    lock: RwLock<()>,
}

const INIT_AMD_GPUS: u64 = 2;
const PROCESSOR_AMD_GPU: u32 = 1;
const TEMPERATURE_HOTSPOT: u32 = 1;
const METRIC_CURRENT: u32 = 0;
/// The power cap sensor PPT0, in every release.
const SENSOR_PPT0: u32 = 0;

impl AmdsmiApi {
    pub fn load(library: &libloading::os::unix::Library) -> Result<AmdsmiApi, String> {
        Ok(AmdsmiApi { table: SymbolTable::load(library)?, lock: RwLock::new(()) })
    }

    /// Before version 26.4 one call at a time; later only init and shutdown are exclusive.
    #[inline]
    fn enter(&self, generation: &Generation) -> CallGuard<'_> {
        if generation.needs_lock {
            CallGuard::Exclusive(self.lock.write())
        } else {
            CallGuard::Shared(self.lock.read())
        }
    }

    pub fn init(&self) -> Result<(), Status> {
        let _exclusive = self.lock.write();
        // SAFETY: flag 2 is AMD GPUs in every release; AMDSMI_INIT_ALL_PROCESSORS changed its value.
        Status::check(unsafe { (self.table.init)(INIT_AMD_GPUS) })
    }

    pub fn shut_down(&self) -> Result<(), Status> {
        let _exclusive = self.lock.write();
        // SAFETY: no arguments.
        self.table.shut_down.map_or(Err(Status::NOT_SUPPORTED), |function| Status::check(unsafe { function() }))
    }

    pub fn version_words(&self) -> Result<[u32; 4], Status> {
        let _exclusive = self.lock.write();
        let mut version = Padded::<VersionWords>::zeroed();
        // SAFETY: larger than what any release writes.
        Status::check(unsafe { (self.table.get_lib_version)(version.as_mut_ptr()) })?;
        Ok(version.value.words)
    }

    /// libamd_smi's message for a status, if it has one.
    pub fn status_message(&self, generation: &Generation, status: Status) -> Option<String> {
        let function = self.table.status_code_to_string?;
        let _guard = self.enter(generation);
        let mut text = std::ptr::null();
        // SAFETY: the library stores a pointer to a static string.
        let ok = unsafe { function(status.0, &mut text) } == Status::SUCCESS && !text.is_null();
        // SAFETY: as above; checked for NULL.
        ok.then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()).filter(|t| !t.is_empty())
    }

    /// All GPU handles, socket by socket, in libamd_smi's order.
    pub fn gpu_handles(&self, generation: &Generation) -> Result<Vec<ProcessorHandle>, Status> {
        let _guard = self.enter(generation);
        let table = &self.table;
        // SAFETY (both): NULL asks for the count, then an array of that size.
        let sockets = list(|count, items| unsafe { (table.get_socket_handles)(count, items) })?;
        let mut gpus = Vec::new();
        for socket in sockets {
            for processor in list(|count, items| unsafe { (table.get_processor_handles)(socket, count, items) })? {
                let mut kind = PROCESSOR_AMD_GPU;
                if let Some(function) = table.get_processor_type {
                    // SAFETY: a handle from above, and a u32.
                    Status::check(unsafe { function(processor, &mut kind) })?;
                }
                if kind == PROCESSOR_AMD_GPU {
                    gpus.push(ProcessorHandle(processor));
                }
            }
        }
        Ok(gpus)
    }

    /// The packed PCI address: function in bits 0-2, device 3-7, bus 8-15, partition 28-31, domain from 32.
    pub fn bdf_id(&self, generation: &Generation, handle: ProcessorHandle) -> Result<u64, Status> {
        let _guard = self.enter(generation);
        let mut id = 0_u64;
        // SAFETY: a handle of this library and a u64.
        Status::check(unsafe { (self.table.get_bdf_id)(handle.0, &mut id) })?;
        Ok(id)
    }

    pub fn kfd_ids(&self, generation: &Generation, handle: ProcessorHandle) -> Result<KfdIds, Status> {
        let info: KfdInfo = self.call(generation, handle, self.table.get_kfd_info)?;
        Ok(KfdIds { kfd_id: info.kfd_id, node_id: info.node_id, partition_id: info.current_partition_id })
    }

    pub fn hip_id(&self, generation: &Generation, handle: ProcessorHandle) -> Result<u32, Status> {
        let info: EnumerationInfo = self.call(generation, handle, self.table.get_enumeration_info)?;
        Ok(info.hip_id)
    }

    /// The product name. It may be valid although the call fails (26.4 without /dev/dri).
    pub fn market_name(
        &self,
        generation: &Generation,
        handle: ProcessorHandle,
    ) -> (Result<(), Status>, Option<String>) {
        let function = self.table.get_asic_info;
        match generation.name {
            NameLayout::V1 => {
                let (status, info) = self.call_keep_output::<AsicInfoV1>(generation, handle, function);
                (status, text(&info.market_name))
            }
            NameLayout::V2 => {
                let (status, info) = self.call_keep_output::<AsicInfoV2>(generation, handle, function);
                (status, text(&info.market_name))
            }
        }
    }

    /// The powers. They may be valid although the call fails: its status is that of its last step, the power cap
    /// (`amdsmi_get_power_info` in amd_smi.cc).
    pub fn power_info(&self, generation: &Generation, handle: ProcessorHandle) -> (Result<(), Status>, Powers) {
        let function = self.table.get_power_info;
        let (status, current, average) = match generation.power {
            PowerLayout::V1 => {
                let (status, info) = self.call_keep_output::<PowerInfoV1>(generation, handle, function);
                (status, info.current_socket_power, info.average_socket_power)
            }
            PowerLayout::V2 => {
                let (status, info) = self.call_keep_output::<PowerInfoV2>(generation, handle, function);
                (status, info.current_socket_power, info.average_socket_power)
            }
            PowerLayout::V3 => {
                let (status, info) = self.call_keep_output::<PowerInfoV3>(generation, handle, function);
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

    pub fn power_caps(&self, generation: &Generation, handle: ProcessorHandle) -> Result<PowerLimits, Status> {
        let function = self.table.get_power_cap_info.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        let mut info = Padded::<PowerCapInfo>::zeroed();
        // SAFETY: larger than what any release writes.
        Status::check(unsafe { function(handle.0, SENSOR_PPT0, info.as_mut_ptr()) })?;
        let uw = |raw: u64| {
            // Up to ROCm 6.1.1 the caps are in W, except the current one in µW without access to /dev/dri.
            let watts = generation.cap_unit == CapUnit::Watt && raw < 100_000;
            (raw != u64::MAX).then(|| if watts { raw * 1_000_000 } else { raw })
        };
        let some = |raw: u64| uw(raw).filter(|v| *v != 0);
        Ok(PowerLimits {
            current_uw: some(info.value.power_cap),
            default_uw: some(info.value.default_power_cap),
            min_uw: uw(info.value.min_power_cap),
            max_uw: some(info.value.max_power_cap),
        })
    }

    /// Sets the power cap. The unit is the microwatt in every release, also in those that report watts.
    pub fn set_power_cap(&self, generation: &Generation, handle: ProcessorHandle, cap_uw: u64) -> Result<(), Status> {
        let function = self.table.set_power_cap.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        // SAFETY: a handle of this library and scalars.
        Status::check(unsafe { function(handle.0, SENSOR_PPT0, cap_uw) })
    }

    /// `None`: the driver has no energy counter for this GPU.
    #[inline]
    pub fn energy_count(&self, generation: &Generation, handle: ProcessorHandle) -> Result<Option<RawEnergy>, Status> {
        let function = self.table.get_energy_count.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        let (mut accumulator, mut resolution_uj, mut time_ns) = (0_u64, 0_f32, 0_u64);
        // SAFETY: a handle of this library and three scalars.
        let code = unsafe { function(handle.0, &mut accumulator, &mut resolution_uj, &mut time_ns) };
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
    }

    /// The hotspot temperature in whole degrees Celsius, although amdsmi.h documents millidegrees
    /// (`amdsmi_get_temp_metric` in amd_smi.cc divides by 1000).
    pub fn hotspot_c(&self, generation: &Generation, handle: ProcessorHandle) -> Result<i64, Status> {
        let function = self.table.get_temp_metric.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        let mut celsius = 0_i64;
        // SAFETY: a handle of this library and an i64.
        Status::check(unsafe { function(handle.0, TEMPERATURE_HOTSPOT, METRIC_CURRENT, &mut celsius) })?;
        Ok(celsius)
    }

    pub fn clocks(&self, generation: &Generation, handle: ProcessorHandle, clock: Clock) -> Result<Clocks, Status> {
        let function = self.table.get_clock_info.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        let mut info = Padded::<ClkInfo>::zeroed();
        // SAFETY: larger than what any release writes.
        Status::check(unsafe { function(handle.0, clock as u32, info.as_mut_ptr()) })?;
        Ok(Clocks {
            current_mhz: sentinel::amdsmi_u32(info.value.clk),
            min_mhz: sentinel::amdsmi_u32(info.value.min_clk),
            max_mhz: sentinel::amdsmi_u32(info.value.max_clk),
        })
    }

    /// Limits of a clock can be set one at a time: since ROCm 6.3; since 10.0 only this way.
    pub fn has_clk_limit(&self) -> bool {
        self.table.set_clk_limit.is_some()
    }

    /// Sets the performance level to "manual" and commits one limit.
    pub fn set_clk_limit(
        &self,
        generation: &Generation,
        handle: ProcessorHandle,
        clock: Clock,
        bound: Bound,
        mhz: u32,
    ) -> Result<(), Status> {
        let function = self.table.set_clk_limit.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        // SAFETY: a handle of this library; the numbers of clocks and limits are the same in every release.
        Status::check(unsafe { function(handle.0, clock as u32, bound as u32, mhz.into()) })
    }

    /// Sets the performance level to "manual" and commits both limits, the lower one first.
    pub fn set_clk_range(
        &self,
        generation: &Generation,
        handle: ProcessorHandle,
        clock: Clock,
        min_mhz: u32,
        max_mhz: u32,
    ) -> Result<(), Status> {
        let function = self.table.set_clk_range.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        // SAFETY: a handle of this library.
        Status::check(unsafe { function(handle.0, min_mhz.into(), max_mhz.into(), clock as u32) })
    }

    pub fn set_perf_level(&self, generation: &Generation, handle: ProcessorHandle, level: u32) -> Result<(), Status> {
        let function = self.table.set_perf_level.ok_or(Status::NOT_SUPPORTED)?;
        let _guard = self.enter(generation);
        // SAFETY: a handle of this library; the numbers of levels are the same in every release.
        Status::check(unsafe { function(handle.0, level) })
    }

    fn call<T: Pod>(
        &self,
        generation: &Generation,
        handle: ProcessorHandle,
        function: Option<StructFunction>,
    ) -> Result<T, Status> {
        let (status, value) = self.call_keep_output(generation, handle, function);
        status.map(|()| value)
    }

    /// Calls a function that fills a struct. Returns the struct also if the call fails.
    fn call_keep_output<T: Pod>(
        &self,
        generation: &Generation,
        handle: ProcessorHandle,
        function: Option<StructFunction>,
    ) -> (Result<(), Status>, T) {
        let mut output = Padded::<T>::zeroed();
        let Some(function) = function else { return (Err(Status::NOT_SUPPORTED), output.value) };
        let _guard = self.enter(generation);
        // SAFETY: a handle of this library; larger than what any release writes.
        let status = Status::check(unsafe { function(handle.0, output.as_mut_ptr()) });
        (status, output.value)
    }
}

/// The text in a fixed-size array; `None` if it is empty.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]).trim().to_owned();
    (!text.is_empty() && text != "N/A").then_some(text)
}

/// Calls a list function of libamd_smi twice: for the count, then for the items. The second call may return fewer items.
fn list(mut call: impl FnMut(*mut u32, *mut Ptr) -> u32) -> Result<Vec<Ptr>, Status> {
    let mut count = 0_u32;
    Status::check(call(&mut count, std::ptr::null_mut()))?;
    let mut items = vec![std::ptr::null_mut(); count as usize];
    if count > 0 {
        Status::check(call(&mut count, items.as_mut_ptr()))?;
        items.truncate(count as usize);
    }
    items.retain(|p| !p.is_null());
    Ok(items)
}
