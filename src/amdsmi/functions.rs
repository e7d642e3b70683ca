//! The functions of one loaded libamd_smi, with one safe method for each. Raw structs do not leave this module.

use super::call_lock::{CallGuard, CallLock, Refusal};
use super::handle::{Gpu, ProcessorHandle};
use super::process_wide::{self, ProcessWide};
use super::releases::{CapUnit, Generation, NameLayout, PowerLayout};
use super::status::Status;
use super::structs::{
    AsicInfoV1, AsicInfoV2, ClkInfo, EnumerationInfo, KfdInfo, Padded, Pod, PowerCapInfo, PowerInfoV1, PowerInfoV2,
    PowerInfoV3, VersionWords,
};
use super::symbols::{Ptr, StructFunction, SymbolTable};
use crate::gpu::{Bound, Clock, PowerLimits, Powers, RawEnergy};
use crate::platform::fork::spawn_signals_blocked;
use crate::platform::sentinel;
use crate::platform::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::ffi::CStr;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64};
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// The functions of one loaded library.
pub struct AmdsmiApi {
    table: SymbolTable,
    process: &'static ProcessWide,
    /// All GPUs that have ever been enumerated.
    gpus: Mutex<Vec<&'static Gpu>>,
    /// The time limit of a call.
    limit_ns: AtomicU64,
    /// Functions that have returned once.
    called: AtomicU32,
    /// Called when a function has returned for the first time: it may have made static objects, which are destroyed at
    /// process exit before what was registered earlier.
    on_first_return: AtomicPtr<()>,
}

/// Functions for `AmdsmiApi::called`.
#[derive(Clone, Copy)]
enum Function {
    Init,
    Version,
    Message,
    List,
    BdfId,
    KfdInfo,
    EnumerationInfo,
    AsicInfo,
    PowerInfo,
    PowerCaps,
    SetPowerCap,
    EnergyCount,
    Temperature,
    ClockInfo,
    SetClkLimit,
    SetClkRange,
    SetPerfLevel,
}

thread_local! {
    /// This thread may be abandoned inside a call.
    static IS_HELPER: Cell<bool> = const { Cell::new(false) };
}

const INIT_AMD_GPUS: u64 = 2;
const PROCESSOR_AMD_GPU: u32 = 1;
const TEMPERATURE_HOTSPOT: u32 = 1;
const METRIC_CURRENT: u32 = 0;
/// The power cap sensor PPT0, in every release.
const SENSOR_PPT0: u32 = 0;

impl AmdsmiApi {
    pub fn load(library: &libloading::os::unix::Library) -> Result<AmdsmiApi, String> {
        Ok(AmdsmiApi {
            table: SymbolTable::load(library)?,
            process: process_wide::get(),
            gpus: Mutex::default(),
            limit_ns: AtomicU64::new(u64::MAX),
            called: AtomicU32::new(0),
            on_first_return: AtomicPtr::new(std::ptr::null_mut()),
        })
    }

    /// The sessions of this process that use libamd_smi.
    pub fn users(&self) -> &AtomicU32 {
        &self.process.users
    }

    pub fn set_limit(&self, limit: Duration) {
        self.limit_ns.store(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    pub fn limit(&self) -> Duration {
        Duration::from_nanos(self.limit_ns.load(Relaxed))
    }

    /// Returns `true` the first time.
    pub fn set_on_first_return(&self, function: fn()) -> bool {
        self.on_first_return.swap(function as *mut (), AcqRel).is_null()
    }

    /// Waits for the calls under way, up to a limit each, and refuses all later ones.
    pub fn close(&self, limit: Duration) {
        self.process.lock.close(limit);
        for gpu in self.gpus.lock().iter() {
            gpu.lock.close(limit);
        }
    }

    /// Runs one call. The lock is that of the process, or the GPU's.
    #[inline]
    fn locked<T>(&self, lock: &CallLock, function: Function, call: impl FnOnce() -> T) -> Result<T, Status> {
        let guard = lock.acquire(self.limit()).map_err(refused)?;
        let result = call();
        self.returned(function);
        drop(guard);
        Ok(result)
    }

    #[inline]
    fn returned(&self, function: Function) {
        let bit = 1 << function as u32;
        if self.called.load(Relaxed) & bit == 0 && self.called.fetch_or(bit, AcqRel) & bit == 0 {
            let hook = self.on_first_return.load(Acquire);
            if !hook.is_null() {
                // SAFETY: set from such a function only.
                unsafe { std::mem::transmute::<*mut (), fn()>(hook)() };
            }
        }
    }

    /// Runs one call of a function that concerns no GPU.
    fn global<T>(&self, function: Function, call: impl FnOnce() -> T) -> Result<T, Status> {
        self.locked(&self.process.lock, function, call)
    }

    /// Runs init or shutdown: while no other call is under way.
    fn alone<T>(&self, call: impl FnOnce() -> T) -> Result<T, Status> {
        let gpus = self.gpus.lock().clone();
        self.global(Function::Init, || {
            let guards: Result<Vec<CallGuard>, _> = gpus.iter().map(|gpu| gpu.lock.acquire(self.limit())).collect();
            guards.map(|_guards| call()).map_err(refused)
        })?
    }

    /// Runs a call for one GPU, with a handle that is proved to be that GPU's before and after it.
    #[inline]
    fn on_gpu<T>(
        &self,
        generation: &Generation,
        ProcessorHandle(gpu): ProcessorHandle,
        function: Function,
        call: impl Fn(Ptr) -> T,
    ) -> Result<T, Status> {
        let lock = if generation.needs_lock { &self.process.lock } else { &gpu.lock };
        self.locked(lock, function, || {
            let pointer = ProcessorHandle(gpu).pointer();
            if self.is_of(pointer, gpu)? {
                let result = call(pointer);
                if self.is_of(pointer, gpu)? {
                    return Ok(result);
                }
            }
            self.on_gpu_again(gpu, call)
        })?
    }

    /// The same with handles that are fetched again, once.
    #[cold]
    fn on_gpu_again<T>(&self, gpu: &Gpu, call: impl Fn(Ptr) -> T) -> Result<T, Status> {
        let same: Vec<Ptr> = self.raw_handles()?.into_iter().filter(|p| self.raw_bdf_id(*p) == gpu.bdf_id).collect();
        let pointer = *same.get(gpu.rank).ok_or(Status::NOT_INIT)?;
        let result = call(pointer);
        gpu.pointer.store(pointer, Release);
        if self.is_of(pointer, gpu)? {
            Ok(result)
        } else {
            Err(Status::NOT_INIT)
        }
    }

    /// Whether a handle is that of a GPU now. Fails where the library is not initialised.
    #[inline]
    fn is_of(&self, pointer: Ptr, gpu: &Gpu) -> Result<bool, Status> {
        let expected = gpu.bdf_id?;
        match self.raw_bdf_id(pointer) {
            Err(Status::NOT_INIT) => Err(Status::NOT_INIT),
            id => Ok(id == Ok(expected)),
        }
    }

    #[inline]
    fn raw_bdf_id(&self, pointer: Ptr) -> Result<u64, Status> {
        let mut id = 0_u64;
        // SAFETY: a handle that this library gave, which it checks, and a u64.
        Status::check(unsafe { (self.table.get_bdf_id)(pointer, &mut id) })?;
        Ok(id)
    }

    /// Runs calls that may take longer than the time limit on a thread that is abandoned then.
    fn bounded<T: Send + 'static>(
        &'static self,
        calls: impl FnOnce() -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        if IS_HELPER.get() {
            return calls();
        }
        let deadline = Instant::now().checked_add(self.limit());
        let shared = Arc::new((Mutex::new(None), Condvar::new()));
        let thread_shared = shared.clone();
        let helper = spawn_signals_blocked("zeus_amd-amdsmi", 8 << 20, move || {
            mark_helper();
            let (result, condvar) = &*thread_shared;
            let done = calls();
            *result.lock() = Some(done);
            condvar.notify_all();
        });
        let helper = helper.map_err(|_| Status::NO_THREAD)?;
        let (result, condvar) = &*shared;
        let mut result = result.lock();
        while result.is_none() && deadline.map_or(true, |d| Instant::now() < d) {
            let until = deadline.unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            (result, _) = condvar.wait_until(result, until);
        }
        let done = result.take().ok_or(Status::HUNG)?;
        drop(result);
        // The thread is about to end.
        let _ = helper.join();
        done
    }

    pub fn init(&self) -> Result<(), Status> {
        // SAFETY: flag 2 is AMD GPUs in every release; AMDSMI_INIT_ALL_PROCESSORS changed its value.
        self.alone(|| Status::check(unsafe { (self.table.init)(INIT_AMD_GPUS) }))?
    }

    pub fn shut_down(&'static self) -> Result<(), Status> {
        let function = self.table.shut_down.ok_or(Status::NOT_SUPPORTED)?;
        // SAFETY: no arguments.
        self.bounded(move || self.alone(|| Status::check(unsafe { function() }))?)
    }

    pub fn version_words(&self) -> Result<[u32; 4], Status> {
        let mut version = Padded::<VersionWords>::zeroed();
        // SAFETY: larger than what any release writes.
        self.global(Function::Version, || {
            Status::check(unsafe { (self.table.get_lib_version)(version.as_mut_ptr()) })
        })??;
        Ok(version.value.words)
    }

    /// libamd_smi's message for a status, if it has one.
    pub fn status_message(&self, status: Status) -> Option<String> {
        let function = self.table.status_code_to_string?;
        let text = self.global(Function::Message, || {
            let mut text = std::ptr::null();
            // SAFETY: the library stores a pointer to a static string.
            let ok = unsafe { function(status.0, &mut text) } == Status::SUCCESS && !text.is_null();
            // SAFETY: as above; checked for NULL.
            ok.then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
        });
        text.ok()?.filter(|t| !t.is_empty())
    }

    /// All GPUs, socket by socket, in libamd_smi's order.
    pub fn gpu_handles(&self) -> Result<Vec<ProcessorHandle>, Status> {
        let seen: Vec<(Ptr, Result<u64, Status>)> = self.global(Function::List, || {
            let pointers = self.raw_handles()?;
            Ok(pointers.into_iter().map(|p| (p, self.raw_bdf_id(p))).collect())
        })??;
        self.returned(Function::BdfId);
        let mut gpus = self.gpus.lock();
        let mut handles: Vec<ProcessorHandle> = Vec::new();
        for (i, &(pointer, bdf_id)) in seen.iter().enumerate() {
            let rank = seen[..i].iter().filter(|s| s.1 == bdf_id).count();
            let known = gpus.iter().find(|g| g.bdf_id == bdf_id && g.rank == rank && bdf_id.is_ok());
            let gpu: &'static Gpu = match known {
                Some(known) => known,
                None => {
                    let lock = Default::default();
                    let new = Box::leak(Box::new(Gpu { bdf_id, rank, pointer: AtomicPtr::default(), lock }));
                    gpus.push(new);
                    new
                }
            };
            gpu.pointer.store(pointer, Release);
            handles.push(ProcessorHandle(gpu));
        }
        Ok(handles)
    }

    /// The handles of all GPUs now.
    fn raw_handles(&self) -> Result<Vec<Ptr>, Status> {
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
                    gpus.push(processor);
                }
            }
        }
        Ok(gpus)
    }

    /// The packed PCI address: function in bits 0-2, device 3-7, bus 8-15, partition 28-31, domain from 32.
    pub fn bdf_id(&self, handle: ProcessorHandle) -> Result<u64, Status> {
        handle.0.bdf_id
    }

    pub fn kfd_ids(&self, generation: &Generation, handle: ProcessorHandle) -> Result<KfdIds, Status> {
        let (status, info) = self.fill::<KfdInfo>(generation, handle, Function::KfdInfo, self.table.get_kfd_info);
        status?;
        Ok(KfdIds { kfd_id: info.kfd_id, node_id: info.node_id, partition_id: info.current_partition_id })
    }

    pub fn hip_id(&self, generation: &Generation, handle: ProcessorHandle) -> Result<u32, Status> {
        let function = self.table.get_enumeration_info;
        let (status, info) = self.fill::<EnumerationInfo>(generation, handle, Function::EnumerationInfo, function);
        status.map(|()| info.hip_id)
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
    pub fn power_info(&self, generation: &Generation, handle: ProcessorHandle) -> (Result<(), Status>, Powers) {
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

    pub fn power_caps(
        &'static self,
        generation: &'static Generation,
        handle: ProcessorHandle,
    ) -> Result<PowerLimits, Status> {
        let function = self.table.get_power_cap_info.ok_or(Status::NOT_SUPPORTED)?;
        let info = self.bounded(move || {
            self.on_gpu(generation, handle, Function::PowerCaps, |gpu| {
                let mut info = Padded::<PowerCapInfo>::zeroed();
                // SAFETY: larger than what any release writes.
                Status::check(unsafe { function(gpu, SENSOR_PPT0, info.as_mut_ptr()) }).map(|()| info.value)
            })?
        })?;
        let uw = |raw: u64| {
            // Up to ROCm 6.1.1 the caps are in W, except the current one in µW without access to /dev/dri.
            let watts = generation.cap_unit == CapUnit::Watt && raw < 100_000;
            (raw != u64::MAX).then(|| if watts { raw * 1_000_000 } else { raw })
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
        generation: &'static Generation,
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
    pub fn energy_count(&self, generation: &Generation, handle: ProcessorHandle) -> Result<Option<RawEnergy>, Status> {
        let function = self.table.get_energy_count.ok_or(Status::NOT_SUPPORTED)?;
        self.on_gpu(generation, handle, Function::EnergyCount, |gpu| {
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
    pub fn hotspot_c(&self, generation: &Generation, handle: ProcessorHandle) -> Result<i64, Status> {
        let function = self.table.get_temp_metric.ok_or(Status::NOT_SUPPORTED)?;
        self.on_gpu(generation, handle, Function::Temperature, |gpu| {
            let mut celsius = 0_i64;
            // SAFETY: a handle of this library and an i64.
            Status::check(unsafe { function(gpu, TEMPERATURE_HOTSPOT, METRIC_CURRENT, &mut celsius) })?;
            Ok(celsius)
        })?
    }

    pub fn clocks(
        &'static self,
        generation: &'static Generation,
        handle: ProcessorHandle,
        clock: Clock,
    ) -> Result<Clocks, Status> {
        let function = self.table.get_clock_info.ok_or(Status::NOT_SUPPORTED)?;
        let info = self.bounded(move || {
            self.on_gpu(generation, handle, Function::ClockInfo, |gpu| {
                let mut info = Padded::<ClkInfo>::zeroed();
                // SAFETY: larger than what any release writes.
                Status::check(unsafe { function(gpu, clock as u32, info.as_mut_ptr()) }).map(|()| info.value)
            })?
        })?;
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
        generation: &'static Generation,
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
        generation: &'static Generation,
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
        generation: &'static Generation,
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
        generation: &'static Generation,
        handle: ProcessorHandle,
        function: Function,
        call: impl Fn(Ptr) -> u32 + Send + 'static,
    ) -> Result<(), Status> {
        self.bounded(move || Status::check(self.on_gpu(generation, handle, function, call)?))
    }

    /// Calls a function that fills a struct. Returns the struct also if the call fails.
    fn fill<T: Pod>(
        &self,
        generation: &Generation,
        handle: ProcessorHandle,
        kind: Function,
        function: Option<StructFunction>,
    ) -> (Result<(), Status>, T) {
        let Some(function) = function else { return (Err(Status::NOT_SUPPORTED), Padded::zeroed().value) };
        let filled = self.on_gpu(generation, handle, kind, |gpu| {
            let mut output = Padded::<T>::zeroed();
            // SAFETY: a handle of this library; larger than what any release writes.
            (Status::check(unsafe { function(gpu, output.as_mut_ptr()) }), output.value)
        });
        filled.unwrap_or_else(|status| (Err(status), Padded::zeroed().value))
    }
}

/// Lets this thread make calls that may exceed the time limit: another one waits for it.
pub(super) fn mark_helper() {
    IS_HELPER.set(true);
}

fn refused(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Hung => Status::HUNG,
        Refusal::Exiting => Status::EXITING,
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
