//! The function table of one loaded libamd_smi: one safe method a call; nothing above sees a raw struct.

use super::releases::{CapUnit, Generation, NameLayout, PowerLayout};
use super::status::Status;
use super::structs::{
    AsicInfoV1, AsicInfoV2, ClkInfo, EnumerationInfo, KfdInfo, Padded, Pod, PowerCapInfo, PowerInfoV1, PowerInfoV2,
    PowerInfoV3, VersionWords,
};
use crate::gpu::{present_count, Bound, Clock, PowerLimits, Powers, RawEnergy};
use crate::platform::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::ffi::{c_char, c_void, CStr};

type Ptr = *mut c_void;

/// A processor handle: a pointer into the library, valid until somebody shuts the library down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessorHandle(Ptr);

// SAFETY: the library accepts a handle from any thread; it is never dereferenced here.
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

macro_rules! table {
    (required { $($req:ident: $req_sym:literal ($($req_arg:ty),*);)* }
     optional { $($opt:ident: $opt_sym:literal ($($opt_arg:ty),*);)* }) => {
        /// The functions of the library that are used here.
        struct SymbolTable {
            $($req: unsafe extern "C" fn($($req_arg),*) -> u32,)*
            $($opt: Option<unsafe extern "C" fn($($opt_arg),*) -> u32>,)*
        }

        impl SymbolTable {
            /// Looks them all up; the names of the missing ones without which nothing works, on failure.
            fn load(library: &libloading::os::unix::Library) -> Result<SymbolTable, String> {
                let mut missing = Vec::new();
                $(
                    // SAFETY: the type is the prototype that every header of AMD gives this name.
                    let $req = unsafe {
                        library.get::<unsafe extern "C" fn($($req_arg),*) -> u32>($req_sym.as_bytes())
                    };
                    if $req.is_err() {
                        missing.push($req_sym);
                    }
                )*
                match ($($req,)*) {
                    ($(Ok($req),)*) => Ok(SymbolTable {
                        $($req: *$req,)*
                        // SAFETY: as above.
                        $($opt: unsafe {
                            library.get::<unsafe extern "C" fn($($opt_arg),*) -> u32>($opt_sym.as_bytes())
                        }.ok().map(|s| *s),)*
                    }),
                    _ => Err(missing.join(", ")),
                }
            }
        }
    };
}

table! {
    required {
        init: "amdsmi_init" (u64);
        get_lib_version: "amdsmi_get_lib_version" (Ptr);
        get_socket_handles: "amdsmi_get_socket_handles" (*mut u32, *mut Ptr);
        get_processor_handles: "amdsmi_get_processor_handles" (Ptr, *mut u32, *mut Ptr);
        get_bdf_id: "amdsmi_get_gpu_bdf_id" (Ptr, *mut u64);
    }
    optional {
        shut_down: "amdsmi_shut_down" ();
        status_words: "amdsmi_status_code_to_string" (u32, *mut *const c_char);
        get_processor_type: "amdsmi_get_processor_type" (Ptr, *mut u32);
        get_asic_info: "amdsmi_get_gpu_asic_info" (Ptr, Ptr);
        get_kfd_info: "amdsmi_get_gpu_kfd_info" (Ptr, Ptr);
        get_enumeration_info: "amdsmi_get_gpu_enumeration_info" (Ptr, Ptr);
        get_power_info: "amdsmi_get_power_info" (Ptr, Ptr);
        get_power_cap_info: "amdsmi_get_power_cap_info" (Ptr, u32, Ptr);
        set_power_cap: "amdsmi_set_power_cap" (Ptr, u32, u64);
        get_energy_count: "amdsmi_get_energy_count" (Ptr, *mut u64, *mut f32, *mut u64);
        get_temp_metric: "amdsmi_get_temp_metric" (Ptr, u32, u32, *mut i64);
        get_clock_info: "amdsmi_get_clock_info" (Ptr, u32, Ptr);
        set_clk_limit: "amdsmi_set_gpu_clk_limit" (Ptr, u32, u32, u64);
        set_clk_range: "amdsmi_set_gpu_clk_range" (Ptr, u64, u64, u32);
        set_perf_level: "amdsmi_set_gpu_perf_level" (Ptr, u32);
    }
}

/// Never both in one process-wide order with anything else: held for the length of one call.
enum CallGuard<'a> {
    #[allow(dead_code)]
    Shared(RwLockReadGuard<'a, ()>),
    #[allow(dead_code)]
    Alone(RwLockWriteGuard<'a, ()>),
}

/// One loaded library's calls.
pub struct AmdsmiApi {
    table: SymbolTable,
    lock: RwLock<()>,
}

const INIT_AMD_GPUS: u64 = 2;
const PROCESSOR_AMD_GPU: u32 = 1;
const TEMPERATURE_HOTSPOT: u32 = 1;
const METRIC_CURRENT: u32 = 0;

impl AmdsmiApi {
    pub fn load(library: &libloading::os::unix::Library) -> Result<AmdsmiApi, String> {
        Ok(AmdsmiApi { table: SymbolTable::load(library)?, lock: RwLock::new(()) })
    }

    /// Below 26.4 one call at a time; from then on only init and shutdown are alone.
    #[inline]
    fn enter(&self, g: &Generation) -> CallGuard<'_> {
        if g.needs_lock {
            CallGuard::Alone(self.lock.write())
        } else {
            CallGuard::Shared(self.lock.read())
        }
    }

    pub fn init(&self) -> Result<(), Status> {
        let _alone = self.lock.write();
        // SAFETY: flag 2 is GPUs in every release; ALL_PROCESSORS changed its value.
        Status::check(unsafe { (self.table.init)(INIT_AMD_GPUS) })
    }

    pub fn shut_down(&self) -> Result<(), Status> {
        let _alone = self.lock.write();
        // SAFETY: no arguments.
        self.table.shut_down.map_or(Err(Status::NOT_SUPPORTED), |f| Status::check(unsafe { f() }))
    }

    pub fn version_words(&self) -> Result<[u32; 4], Status> {
        let _alone = self.lock.write();
        let mut v = Padded::<VersionWords>::zeroed();
        // SAFETY: room for more than any release writes.
        Status::check(unsafe { (self.table.get_lib_version)(v.as_mut_ptr()) })?;
        Ok(v.value.words)
    }

    /// The vendor's own words for a status, if it has any.
    pub fn status_message(&self, g: &Generation, s: Status) -> Option<String> {
        let f = self.table.status_words?;
        let _entry = self.enter(g);
        let mut text: *const c_char = std::ptr::null();
        // SAFETY: the library stores a pointer to a static string.
        let ok = unsafe { f(s.0, &mut text) } == Status::SUCCESS && !text.is_null();
        // SAFETY: as above; checked for NULL.
        ok.then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()).filter(|t| !t.is_empty())
    }

    /// All GPU handles, socket by socket, in the library's own order.
    pub fn gpu_handles(&self, g: &Generation) -> Result<Vec<ProcessorHandle>, Status> {
        let _entry = self.enter(g);
        let t = &self.table;
        // SAFETY (both): NULL asks for the count, then an array of that many.
        let sockets = list(|n, p| unsafe { (t.get_socket_handles)(n, p) })?;
        let mut gpus = Vec::new();
        for socket in sockets {
            for processor in list(|n, p| unsafe { (t.get_processor_handles)(socket, n, p) })? {
                let mut kind = PROCESSOR_AMD_GPU;
                if let Some(f) = t.get_processor_type {
                    // SAFETY: a handle just given, and a u32.
                    Status::check(unsafe { f(processor, &mut kind) })?;
                }
                if kind == PROCESSOR_AMD_GPU {
                    gpus.push(ProcessorHandle(processor));
                }
            }
        }
        Ok(gpus)
    }

    /// AMD's packed PCI address: function 0-2, device 3-7, bus 8-15, partition 28-31, domain from 32.
    pub fn bdf_id(&self, g: &Generation, h: ProcessorHandle) -> Result<u64, Status> {
        let _entry = self.enter(g);
        let mut id = 0_u64;
        // SAFETY: a handle of this library and a u64.
        Status::check(unsafe { (self.table.get_bdf_id)(h.0, &mut id) })?;
        Ok(id)
    }

    pub fn kfd_ids(&self, g: &Generation, h: ProcessorHandle) -> Result<KfdIds, Status> {
        let k: KfdInfo = self.fill(g, h, self.table.get_kfd_info)?;
        Ok(KfdIds { kfd_id: k.kfd_id, node_id: k.node_id, partition_id: k.current_partition_id })
    }

    pub fn hip_id(&self, g: &Generation, h: ProcessorHandle) -> Result<u32, Status> {
        let e: EnumerationInfo = self.fill(g, h, self.table.get_enumeration_info)?;
        Ok(e.hip_id)
    }

    /// The name is filled even where the call fails (26.4 without /dev/dri): status and content are judged apart.
    pub fn market_name(&self, g: &Generation, h: ProcessorHandle) -> (Result<(), Status>, Option<String>) {
        let f = self.table.get_asic_info;
        match g.name {
            NameLayout::V1 => {
                let (status, v) = self.call_keep_output::<AsicInfoV1>(g, h, f);
                (status, text(&v.market_name))
            }
            NameLayout::V2 => {
                let (status, v) = self.call_keep_output::<AsicInfoV2>(g, h, f);
                (status, text(&v.market_name))
            }
        }
    }

    /// The status is that of the last step, the power cap: the powers may be right although it failed.
    pub fn power_info(&self, g: &Generation, h: ProcessorHandle) -> (Result<(), Status>, Powers) {
        let f = self.table.get_power_info;
        let (status, current, average) = match g.power {
            PowerLayout::V1 => {
                let (s, v) = self.call_keep_output::<PowerInfoV1>(g, h, f);
                (s, v.current_socket_power, v.average_socket_power)
            }
            PowerLayout::V2 => {
                let (s, v) = self.call_keep_output::<PowerInfoV2>(g, h, f);
                (s, v.current_socket_power, v.average_socket_power)
            }
            PowerLayout::V3 => {
                let (s, v) = self.call_keep_output::<PowerInfoV3>(g, h, f);
                (s, v.current_socket_power, v.average_socket_power)
            }
        };
        let mw = |watts: u32| not_sentinel(watts).map(|w| u64::from(w) * 1000);
        let mut info = Powers { instant_mw: mw(current), average_mw: mw(average) };
        // A failed call that wrote nothing leaves both at the buffer's zero: no reading of 0 W.
        if status.is_err() && info == (Powers { instant_mw: Some(0), average_mw: Some(0) }) {
            info = Powers::default();
        }
        (status, info)
    }

    pub fn power_caps(&self, g: &Generation, h: ProcessorHandle) -> Result<PowerLimits, Status> {
        let f = self.table.get_power_cap_info.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        let mut v = Padded::<PowerCapInfo>::zeroed();
        // SAFETY: sensor 0 is PPT0 everywhere; room for more than any release writes.
        Status::check(unsafe { f(h.0, 0, v.as_mut_ptr()) })?;
        let uw = |raw: u64| {
            // Up to 6.1.1 the caps are in W, but the current one is in µW without access to /dev/dri.
            let watts = g.cap_unit == CapUnit::Watt && raw < 100_000;
            (raw != u64::MAX).then(|| if watts { raw * 1_000_000 } else { raw })
        };
        let some = |raw: u64| uw(raw).filter(|v| *v != 0);
        Ok(PowerLimits {
            current_uw: some(v.value.power_cap),
            default_uw: some(v.value.default_power_cap),
            min_uw: uw(v.value.min_power_cap),
            max_uw: some(v.value.max_power_cap),
        })
    }

    /// Microwatts in every release, whatever unit reading has.
    pub fn set_power_cap(&self, g: &Generation, h: ProcessorHandle, cap_uw: u64) -> Result<(), Status> {
        let f = self.table.set_power_cap.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        // SAFETY: a handle of this library; sensor 0 is PPT0 everywhere.
        Status::check(unsafe { f(h.0, 0, cap_uw) })
    }

    /// `None`: the driver has no energy counter for this GPU.
    #[inline]
    pub fn energy_count(&self, g: &Generation, h: ProcessorHandle) -> Result<Option<RawEnergy>, Status> {
        let f = self.table.get_energy_count.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        let (mut accumulator, mut resolution_uj, mut time_ns) = (0_u64, 0_f32, 0_u64);
        // SAFETY: a handle of this library and three scalars.
        let code = unsafe { f(h.0, &mut accumulator, &mut resolution_uj, &mut time_ns) };
        // 26.4 answers NOT_SUPPORTED and still writes the sentinel: not a failed read but a missing counter.
        if code == Status::NOT_SUPPORTED.0 && accumulator == u64::MAX {
            return Ok(None);
        }
        Status::check(code)?;
        Ok(present_count(accumulator).map(|accumulator| RawEnergy {
            accumulator,
            resolution_uj: f64::from(resolution_uj),
            driver_time_ns: (time_ns != 0 && time_ns != u64::MAX).then_some(time_ns),
            firmware_time_ns: None,
            stale_ms: None,
        }))
    }

    /// Whole degrees Celsius in every release, whatever its header says.
    pub fn hotspot_c(&self, g: &Generation, h: ProcessorHandle) -> Result<i64, Status> {
        let f = self.table.get_temp_metric.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        let mut celsius = 0_i64;
        // SAFETY: a handle of this library and an i64.
        Status::check(unsafe { f(h.0, TEMPERATURE_HOTSPOT, METRIC_CURRENT, &mut celsius) })?;
        Ok(celsius)
    }

    pub fn clocks(&self, g: &Generation, h: ProcessorHandle, clock: Clock) -> Result<Clocks, Status> {
        let f = self.table.get_clock_info.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        let mut v = Padded::<ClkInfo>::zeroed();
        // SAFETY: room for more than any release writes.
        Status::check(unsafe { f(h.0, clock as u32, v.as_mut_ptr()) })?;
        let v = v.value;
        Ok(Clocks {
            current_mhz: not_sentinel(v.clk),
            min_mhz: not_sentinel(v.min_clk),
            max_mhz: not_sentinel(v.max_clk),
        })
    }

    /// One bound of a clock at a time can be set: from ROCm 6.3 on, and the only way from 10.0 on.
    pub fn has_clk_limit(&self) -> bool {
        self.table.set_clk_limit.is_some()
    }

    /// Makes the performance level "manual" and commits this one bound.
    pub fn set_clk_limit(
        &self,
        g: &Generation,
        h: ProcessorHandle,
        clock: Clock,
        bound: Bound,
        mhz: u32,
    ) -> Result<(), Status> {
        let f = self.table.set_clk_limit.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        // SAFETY: a handle of this library; the numbers of clocks and bounds are the same in every release.
        Status::check(unsafe { f(h.0, clock as u32, bound as u32, mhz.into()) })
    }

    /// Makes the performance level "manual" and commits both bounds, the lower one written first.
    pub fn set_clk_range(
        &self,
        g: &Generation,
        h: ProcessorHandle,
        clock: Clock,
        min: u32,
        max: u32,
    ) -> Result<(), Status> {
        let f = self.table.set_clk_range.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        // SAFETY: a handle of this library.
        Status::check(unsafe { f(h.0, min.into(), max.into(), clock as u32) })
    }

    pub fn set_perf_level(&self, g: &Generation, h: ProcessorHandle, level: u32) -> Result<(), Status> {
        let f = self.table.set_perf_level.ok_or(Status::NOT_SUPPORTED)?;
        let _entry = self.enter(g);
        // SAFETY: a handle of this library; the levels have the same numbers in every release.
        Status::check(unsafe { f(h.0, level) })
    }

    fn fill<T: Pod>(
        &self,
        g: &Generation,
        h: ProcessorHandle,
        f: Option<unsafe extern "C" fn(Ptr, Ptr) -> u32>,
    ) -> Result<T, Status> {
        let (status, value) = self.call_keep_output(g, h, f);
        status.map(|()| value)
    }

    fn call_keep_output<T: Pod>(
        &self,
        g: &Generation,
        h: ProcessorHandle,
        f: Option<unsafe extern "C" fn(Ptr, Ptr) -> u32>,
    ) -> (Result<(), Status>, T) {
        let mut v = Padded::<T>::zeroed();
        let Some(f) = f else { return (Err(Status::NOT_SUPPORTED), v.value) };
        let _entry = self.enter(g);
        // SAFETY: a handle of this library; room for more than any release writes.
        let status = Status::check(unsafe { f(h.0, v.as_mut_ptr()) });
        (status, v.value)
    }
}

/// 0xFFFF (up to ROCm 10.0) and all-ones (from 26.4 on) are "not available"; no GPU draws 65535 W.
fn not_sentinel(raw: u32) -> Option<u32> {
    (raw != 0xFFFF && raw != u32::MAX).then_some(raw)
}

/// A name from a fixed array; `None` if it is empty.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]).trim().to_owned();
    (!text.is_empty() && text != "N/A").then_some(text)
}

/// AMD's way to give a list: count first, then the items. The count may shrink in between, never grow past the room.
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
