//! init, shut_down, version, status names, and the walk over sockets and processors.

use std::ffi::{c_char, c_void, CString};
use std::sync::OnceLock;
use std::time::Duration;

use super::context::{call, gpu_call, lock, Context};
use super::handles::{self, LIFE};
use super::status::*;
use super::writer::{store, store_text, Out};
use crate::machine::{Access, DrmClass, Gpu};

const CPUS: u64 = 1;
const GPUS: u64 = 2;

#[no_mangle]
pub extern "C" fn amdsmi_init(flags: u64) -> u32 {
    call("amdsmi_init", format_args!("flags={flags:#x}"), |cx| init(cx, flags))
}

fn init(cx: &'static Context, flags: u64) -> u32 {
    let spec = &cx.machine.spec;
    let mut life = lock(&LIFE);
    if life.count > 0 {
        life.count += u32::from(cx.release.counts_init());
        return SUCCESS;
    }
    std::thread::sleep(Duration::from_millis(spec.init.delay_ms));
    noise(cx);
    if let Some(line) = &spec.init.stderr {
        eprintln!("{line}");
    }
    // The loop over 2^32 cards of 6.2.0 to 6.3.3, or a planted hang. (The real one burns a core.)
    let no_cards = spec.drm == DrmClass::Empty && spec.amdgpu;
    while spec.init.hang || (no_cards && cx.release.hangs_without_cards()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    if spec.init.status != SUCCESS {
        return spec.init.status;
    }
    if !spec.amdgpu {
        return DRIVER_NOT_LOADED;
    }
    if spec.drm == DrmClass::None {
        eprintln!("Failed to open drm root directory /sys/class/drm");
        if cx.release.needs_drm_class() {
            return NOT_INIT;
        }
    }
    let masked = |g: &Gpu| g.spec.access == Access::Masked;
    if cx.release.aborts_on_masked_node() && cx.machine.gpus().iter().any(masked) {
        eprintln!("simulated libamd_smi: a render node is no DRM device");
        std::process::abort();
    }
    // Before 6.1 "all processors" is 0.
    let gpus = flags & GPUS != 0 || (flags == 0 && cx.release.words[0] == 23);
    if flags & CPUS != 0 {
        println!("ESMI Not initialized, drivers not found");
    }
    life.begin(cx, gpus && spec.drm == DrmClass::Cards);
    life.count = 1;
    SUCCESS
}

/// Output that nobody asked for.
pub fn noise(cx: &Context) {
    use std::io::Write;
    if cx.machine.spec.stdout_noise {
        println!("simulated libamd_smi: a line on stdout");
        let _ = std::io::stdout().flush();
    }
    if cx.machine.spec.stderr_noise {
        eprintln!("AMDSmiLibraryLoader: Fail to load the symbol simulated");
    }
}

#[no_mangle]
pub extern "C" fn amdsmi_shut_down() -> u32 {
    call("amdsmi_shut_down", format_args!(""), |_| {
        let mut life = lock(&LIFE);
        life.count = life.count.saturating_sub(1);
        SUCCESS
    })
}

fn ready() -> Result<(), u32> {
    if lock(&LIFE).count == 0 {
        Err(NOT_INIT)
    } else {
        Ok(())
    }
}

#[no_mangle]
pub extern "C" fn amdsmi_get_lib_version(version: *mut c_void) -> u32 {
    static BUILD: OnceLock<CString> = OnceLock::new();
    call("amdsmi_get_lib_version", format_args!(""), |cx| {
        if cx.release.version_needs_init() && ready().is_err() {
            return NOT_INIT;
        }
        let Some(mut out) = Out::new(cx, "amdsmi_version_t", version).filter(|_| !version.is_null()) else {
            return INVAL;
        };
        let words = cx.machine.spec.version.unwrap_or(cx.release.words);
        if cx.release.words[0] >= 26 {
            out.put("major", words[0].into()).put("minor", words[1].into()).put("release", words[2].into());
        } else {
            let [year, major, minor, release] = words.map(u64::from);
            out.put("year", year).put("major", major).put("minor", minor).put("release", release);
        }
        let build = BUILD.get_or_init(|| CString::new(cx.release.build).unwrap_or_default());
        out.put("build", build.as_ptr() as u64);
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_status_code_to_string(status: u32, text: *mut *const c_char) -> u32 {
    if text.is_null() {
        return INVAL;
    }
    static NAMES: std::sync::Mutex<Vec<(u32, &'static CString)>> = std::sync::Mutex::new(Vec::new());
    let mut names = lock(&NAMES);
    let known = names.iter().find(|n| n.0 == status).map(|n| n.1);
    let name = known.unwrap_or_else(|| {
        let text = crate::facts::status_name(status).unwrap_or("An unknown error occurred");
        let leaked: &'static CString = Box::leak(Box::new(CString::new(text).unwrap_or_default()));
        names.push((status, leaked));
        leaked
    });
    store(text, name.as_ptr());
    SUCCESS
}

/// The two-call pattern: count with a null array, then the array.
fn fill(all: &[usize], count: *mut u32, array: *mut *mut c_void) -> u32 {
    if count.is_null() {
        return INVAL;
    }
    if array.is_null() {
        store(count, all.len() as u32);
        return SUCCESS;
    }
    // SAFETY: the caller's own count, checked above.
    let room = unsafe { count.read_unaligned() } as usize;
    for (i, h) in all.iter().take(room).enumerate() {
        // SAFETY: the caller says the array has `room` places.
        unsafe { array.add(i).write_unaligned(*h as *mut c_void) };
    }
    store(count, all.len().min(room) as u32);
    SUCCESS
}

#[no_mangle]
pub extern "C" fn amdsmi_get_socket_handles(count: *mut u32, sockets: *mut *mut c_void) -> u32 {
    call("amdsmi_get_socket_handles", format_args!(""), |_| match ready() {
        Ok(()) => fill(lock(&LIFE).sockets(), count, sockets),
        Err(e) => e,
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_socket_info(socket: *mut c_void, len: usize, name: *mut c_char) -> u32 {
    call("amdsmi_get_socket_info", format_args!(""), |cx| match handles::socket(socket) {
        Ok(_) if name.is_null() => INVAL,
        Ok(i) => {
            store_text(name, len, &handles::sockets(cx).0[i]);
            SUCCESS
        }
        Err(e) => e,
    })
}

fn on_socket(cx: &Context, socket: *mut c_void) -> Result<Vec<usize>, u32> {
    let wanted = handles::socket(socket)?;
    let (_, of) = handles::sockets(cx);
    let life = lock(&LIFE);
    Ok(life.processors().iter().zip(of).filter(|(_, s)| *s == wanted).map(|(h, _)| *h).collect())
}

#[no_mangle]
pub extern "C" fn amdsmi_get_processor_handles(
    socket: *mut c_void,
    count: *mut u32,
    processors: *mut *mut c_void,
) -> u32 {
    call("amdsmi_get_processor_handles", format_args!(""), |cx| match on_socket(cx, socket) {
        Ok(all) => fill(&all, count, processors),
        Err(e) => e,
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_processor_handles_by_type(
    socket: *mut c_void,
    kind: u32,
    processors: *mut *mut c_void,
    count: *mut u32,
) -> u32 {
    call("amdsmi_get_processor_handles_by_type", format_args!("type={kind}"), |cx| match on_socket(cx, socket) {
        // There are GPUs only.
        Ok(all) => fill(if kind == 1 { &all } else { &[] }, count, processors),
        Err(e) => e,
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_processor_type(processor: *mut c_void, kind: *mut u32) -> u32 {
    gpu_call("amdsmi_get_processor_type", processor, format_args!(""), |_| {
        store(kind, 1);
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_processor_handle_from_bdf(bdf: u64, processor: *mut *mut c_void) -> u32 {
    call("amdsmi_get_processor_handle_from_bdf", format_args!("bdf={bdf:#x}"), |cx| {
        if let Err(e) = ready() {
            return e;
        }
        let found = cx.processors.iter().position(|p| p.bdf.as_union() == bdf);
        match found.and_then(|i| lock(&LIFE).processors().get(i).copied()) {
            _ if processor.is_null() => INVAL,
            Some(h) => {
                store(processor, h as *mut c_void);
                SUCCESS
            }
            None => API_FAILED,
        }
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_id(processor: *mut c_void, id: *mut u16) -> u32 {
    gpu_call("amdsmi_get_gpu_id", processor, format_args!(""), |t| {
        store(id, t.gpu.spec.device_id as u16);
        if !id.is_null() {
            SUCCESS
        } else {
            INVAL
        }
    })
}
