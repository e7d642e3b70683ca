//! What every call needs: the machine, the release, the caller's handle; and what can go wrong before the call begins.

use std::collections::HashMap;
use std::ffi::{c_char, c_void, CStr};
use std::io::Write;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::handles;
use super::status::*;
use crate::clock::State;
use crate::machine::{Fault, Gpu, Machine, Processor};
use crate::preload_state::{Originals, Shown};
use crate::release::Release;

/// The functions that are simulated; all others of a release answer NOT_SUPPORTED.
pub const FUNCTIONS: &[&str] = &[
    "amdsmi_init",
    "amdsmi_shut_down",
    "amdsmi_get_lib_version",
    "amdsmi_status_code_to_string",
    "amdsmi_get_socket_handles",
    "amdsmi_get_socket_info",
    "amdsmi_get_processor_handles",
    "amdsmi_get_processor_handles_by_type",
    "amdsmi_get_processor_type",
    "amdsmi_get_processor_handle_from_bdf",
    "amdsmi_get_gpu_bdf_id",
    "amdsmi_get_gpu_device_bdf",
    "amdsmi_get_gpu_device_uuid",
    "amdsmi_get_gpu_asic_info",
    "amdsmi_get_gpu_enumeration_info",
    "amdsmi_get_gpu_kfd_info",
    "amdsmi_get_gpu_id",
    "amdsmi_get_gpu_board_info",
    "amdsmi_get_gpu_driver_info",
    "amdsmi_get_gpu_vram_info",
    "amdsmi_get_gpu_vram_usage",
    "amdsmi_get_gpu_memory_total",
    "amdsmi_get_gpu_virtualization_mode",
    "amdsmi_get_power_info",
    "amdsmi_get_power_info_v2",
    "amdsmi_get_power_cap_info",
    "amdsmi_set_power_cap",
    "amdsmi_get_supported_power_cap",
    "amdsmi_is_gpu_power_management_enabled",
    "amdsmi_get_energy_count",
    "amdsmi_get_temp_metric",
    "amdsmi_get_clock_info",
    "amdsmi_get_clk_freq",
    "amdsmi_set_gpu_clk_limit",
    "amdsmi_set_gpu_clk_range",
    "amdsmi_set_gpu_perf_level",
    "amdsmi_get_gpu_perf_level",
    "amdsmi_get_gpu_od_volt_info",
    "amdsmi_get_gpu_metrics_info",
    "amdsmi_get_gpu_metrics_header_info",
    "amdsmi_get_gpu_activity",
    "amdsmi_get_gpu_compute_partition",
    "amdsmi_get_gpu_memory_partition",
    "amdsmi_get_gpu_accelerator_partition_profile",
];

/// Functions whose every call is logged; the others only with `log_reads`.
fn changes_something(function: &str) -> bool {
    function.starts_with("amdsmi_set_") || matches!(function, "amdsmi_init" | "amdsmi_shut_down")
}

pub struct Context {
    pub release: &'static Release,
    pub machine: Machine,
    pub root: PathBuf,
    pub state: State,
    pub shown: Shown,
    pub originals: Originals,
    /// Processors in handle order.
    pub processors: Vec<Processor>,
    /// Calls so far of a function on a GPU, for faults that begin or end at a certain one.
    calls: Mutex<HashMap<(String, usize), u64>>,
}

static RELEASE: OnceLock<String> = OnceLock::new();

/// Called once by each linked library: which release it stands for.
#[no_mangle]
pub extern "C" fn zeus_amd_sim_set_release(name: *const c_char) {
    // SAFETY: a string literal of the generated file.
    let _ = RELEASE.set(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned());
}

/// The machine that ZEUS_AMD_SIM points at. Without one there is no driver.
pub fn context() -> Option<&'static Context> {
    static CONTEXT: OnceLock<Option<Context>> = OnceLock::new();
    CONTEXT.get_or_init(load).as_ref()
}

fn load() -> Option<Context> {
    let root = PathBuf::from(std::env::var_os("ZEUS_AMD_SIM")?);
    let release = Release::find(RELEASE.get()?)?;
    let machine = Machine::from_json(&std::fs::read_to_string(root.join("machine.json")).ok()?).ok()?;
    let state = State::open(&root).ok()?;
    let processors = machine.in_smi_order().into_iter().cloned().collect();
    let (shown, originals) = (Shown::new(&machine), Originals::load(&root));
    Some(Context { release, machine, root, state, shown, originals, processors, calls: Mutex::default() })
}

/// A lock that a panic elsewhere does not close.
pub fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    pub fn log(&self, line: &str) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(self.root.join("calls.log"));
        // SAFETY: gettid has no arguments. glibc has a function for it since 2.30 only.
        let tid = unsafe { libc::syscall(libc::SYS_gettid) };
        let text = format!("{} {} {tid} {line}\n", crate::clock::boottime_ns(), std::process::id());
        // One write: lines of several processes stay whole.
        let _ = file.and_then(|mut f| f.write_all(text.as_bytes()));
    }

    /// What a planted fault answers to this call, if it does.
    fn fault(&self, faults: &std::collections::BTreeMap<String, Fault>, function: &str, gpu: usize) -> Option<u32> {
        let f = faults.get(function)?.detail();
        let n = {
            let mut calls = lock(&self.calls);
            let n = calls.entry((function.to_string(), gpu)).or_insert(0);
            *n += 1;
            *n - 1
        };
        if n < f.after || (f.first > 0 && n >= f.after + f.first) {
            return None;
        }
        if let Some(line) = &f.stderr {
            eprintln!("{line}");
        }
        if f.hang {
            loop {
                std::thread::park();
            }
        }
        std::thread::sleep(Duration::from_millis(f.delay_ms));
        let start = Instant::now();
        while start.elapsed() < Duration::from_micros(f.delay_us) {
            std::hint::spin_loop();
        }
        (f.status != SUCCESS || f.ignore).then_some(f.status)
    }
}

/// Runs a call that concerns no GPU.
pub fn call(function: &'static str, args: std::fmt::Arguments<'_>, body: impl FnOnce(&'static Context) -> u32) -> u32 {
    catch_unwind(AssertUnwindSafe(|| {
        let Some(cx) = context() else {
            return if function == "amdsmi_init" { DRIVER_NOT_LOADED } else { NOT_INIT };
        };
        count(cx, function);
        let status = cx.fault(&cx.machine.spec.fault, function, usize::MAX).unwrap_or_else(|| body(cx));
        log_call(cx, function, "-", args, status);
        status
    }))
    .unwrap_or(INTERNAL_EXCEPTION)
}

fn count(cx: &Context, function: &str) {
    cx.state.count(FUNCTIONS.iter().position(|f| *f == function).unwrap_or(255));
}

fn log_call(cx: &Context, function: &str, gpu: &str, args: std::fmt::Arguments<'_>, status: u32) {
    if cx.machine.spec.log_reads || changes_something(function) {
        cx.log(&format!("{function} {gpu} {args} -> {status}"));
    }
}

/// One processor, as a call sees it.
#[derive(Clone, Copy)]
pub struct Target {
    pub cx: &'static Context,
    pub processor: &'static Processor,
    pub gpu: &'static Gpu,
}

impl Target {
    /// The render node can be opened, so libdrm works.
    pub fn has_drm(&self) -> bool {
        self.cx.machine.spec.dri == crate::machine::Dri::Ok && self.gpu.renders()
    }

    /// A partition other than the first, in a release that knows the difference.
    pub fn refuses(&self) -> bool {
        self.processor.partition > 0 && self.cx.release.secondary_partition_refuses()
    }

    /// The value that a setter takes when it is asked for this one.
    pub fn clamped(&self, function: &str, value: u64) -> u64 {
        let most = self.gpu.spec.fault.get(function).and_then(|f| f.detail().clamp);
        most.map_or(value, |most| value.min(most))
    }

    pub fn dir(&self) -> PathBuf {
        crate::tree::pci_dir(&self.cx.root, self.gpu)
    }

    /// A file of the PCI device.
    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.dir().join(name)).ok()
    }

    /// A file of its hwmon directory.
    pub fn hwmon(&self, name: &str) -> Option<PathBuf> {
        let first = std::fs::read_dir(self.dir().join("hwmon")).ok()?.flatten().next()?;
        let path = first.path().join(name);
        path.exists().then_some(path)
    }
}

/// Runs a call on a processor handle: NOT_INIT, bad handles, faults, then the call itself.
pub fn gpu_call(
    function: &'static str,
    handle: *mut c_void,
    args: std::fmt::Arguments<'_>,
    body: impl FnOnce(Target) -> u32,
) -> u32 {
    catch_unwind(AssertUnwindSafe(|| {
        let Some(cx) = context() else { return NOT_INIT };
        count(cx, function);
        let index = match handles::processor(cx, handle) {
            Ok(i) => i,
            Err(status) => return status,
        };
        let processor = &cx.processors[index];
        let gpu = cx.machine.gpu_of(processor);
        let status = cx.fault(&gpu.spec.fault, function, index).unwrap_or_else(|| body(Target { cx, processor, gpu }));
        let name = if gpu.spec.partitions > 1 {
            format!("{}.{}", gpu.number, processor.partition)
        } else {
            gpu.number.to_string()
        };
        log_call(cx, function, &name, args, status);
        status
    }))
    .unwrap_or(INTERNAL_EXCEPTION)
}
