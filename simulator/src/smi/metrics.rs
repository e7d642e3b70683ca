//! Reading gpu_metrics the way each release does it, with its caches, its sharing and its mistakes (facts, sections 3 and 8).

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use super::context::{gpu_call, lock, Context, Target};
use super::status::*;
use super::writer::{store, Out};
use crate::metrics::Decoded;
use crate::preload_state::METRICS;
use crate::release::Sharing;

/// What the library remembers of one GPU.
#[derive(Default)]
struct Device {
    /// Revision of the table that was last read well: which shared object this GPU looks at.
    revision: Option<(u8, u8)>,
    own: Option<Arc<Decoded>>,
    cached: Option<(Instant, Arc<Decoded>)>,
    /// When the file was last read well.
    good: Option<Instant>,
}

/// The object that all GPUs with one table version share: filled by one call, copied by another.
#[derive(Default)]
struct Shared {
    object: Mutex<Option<Arc<Decoded>>>,
    inside: AtomicUsize,
}

#[derive(Default)]
struct Tables {
    devices: Mutex<HashMap<usize, Arc<Mutex<Device>>>>,
    shared: Mutex<HashMap<(u8, u8), Arc<Shared>>>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(Tables::default)
}

fn shared(revision: (u8, u8)) -> Arc<Shared> {
    lock(&tables().shared).entry(revision).or_default().clone()
}

/// How long a table is used again; the environment is looked at once.
fn cache_time(cx: &Context) -> Duration {
    static MS: OnceLock<u64> = OnceLock::new();
    let ms = MS.get_or_init(|| {
        let asked = std::env::var("AMDSMI_GPU_METRICS_CACHE_MS").ok().and_then(|v| v.parse().ok());
        // Releases without a cache do not know the variable.
        if cx.release.cache_ms == 0 {
            0
        } else {
            asked.unwrap_or(cx.release.cache_ms)
        }
    });
    Duration::from_millis(*ms)
}

enum File {
    Good(Decoded),
    Missing,
    /// There, but of a version that the release does not know, or broken, or not to be read.
    Unknown,
}

/// The table as it is now. One that somebody has put in the place of the machine's own is read as it stands.
fn file(t: &Target) -> File {
    let path = t.dir().join(METRICS);
    let mut page = [0; 4096];
    let bytes = if t.cx.originals.has(&path) {
        t.cx.shown.touch(&t.cx.state, t.gpu.index, METRICS, true);
        if t.cx.shown.open(&t.cx.state, t.gpu.index, METRICS) != 0 {
            return File::Missing;
        }
        match t.cx.shown.read(&t.cx.state, t.gpu.index, METRICS, &mut page) {
            Some(Ok(n)) => page[..n].to_vec(),
            Some(Err(_)) => return File::Unknown,
            None => return File::Missing,
        }
    } else {
        match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(_) => return File::Missing,
        }
    };
    match Decoded::parse(&bytes) {
        Some(d) if t.cx.release.reads_metrics(d.revision) => File::Good(d),
        _ => File::Unknown,
    }
}

/// The values that a call of this release works with; they need not be this GPU's, nor new.
pub fn read(t: &Target) -> Result<Arc<Decoded>, u32> {
    let device = lock(&tables().devices).entry(t.gpu.index).or_default().clone();
    // The library's own lock is per device, which is why it does not help.
    let mut device = lock(&device);
    if let Some((at, d)) = &device.cached {
        if at.elapsed() < cache_time(t.cx) {
            return Ok(d.clone());
        }
    }
    let got = match t.cx.release.sharing {
        Sharing::Frozen => frozen(t, &mut device),
        Sharing::Shared | Sharing::Crash => through_shared(t, &mut device),
        Sharing::Own => own(t, &mut device),
    };
    if let Ok(d) = &got {
        device.cached = Some((Instant::now(), d.clone()));
    }
    got
}

fn frozen(t: &Target, device: &mut Device) -> Result<Arc<Decoded>, u32> {
    if device.revision.is_none() {
        let File::Good(d) = file(t) else { return Err(UNEXPECTED_DATA) };
        device.revision = Some(d.revision);
        let slot = shared(d.revision);
        *lock(&slot.object) = Some(Arc::new(d));
    }
    current(device)
}

/// What the shared object of the GPU's table version holds at the moment.
fn current(device: &Device) -> Result<Arc<Decoded>, u32> {
    let revision = device.revision.ok_or(UNEXPECTED_DATA)?;
    let object = lock(&shared(revision).object).clone();
    object.ok_or(UNEXPECTED_DATA)
}

fn through_shared(t: &Target, device: &mut Device) -> Result<Arc<Decoded>, u32> {
    // The result of the read is not looked at: after a failure the old object is copied, with success.
    if let File::Good(d) = file(t) {
        device.good = Some(Instant::now());
        let slot = shared(d.revision);
        device.revision = Some(d.revision);
        let others = slot.inside.fetch_add(1, Ordering::SeqCst);
        if others > 0 && t.cx.release.sharing == Sharing::Crash {
            // Two threads in one object's containers: the real one corrupts its heap.
            std::process::abort();
        }
        *lock(&slot.object) = Some(Arc::new(d));
        // The real one formats every value to text here, which is when the other thread comes in.
        std::thread::sleep(Duration::from_micros(80));
        let got = current(device);
        slot.inside.fetch_sub(1, Ordering::SeqCst);
        return got;
    }
    let too_old = |limit| device.good.is_some_and(|good| good.elapsed() > limit);
    if t.cx.release.repeats_for().is_some_and(too_old) {
        return Err(UNEXPECTED_DATA);
    }
    current(device)
}

fn own(t: &Target, device: &mut Device) -> Result<Arc<Decoded>, u32> {
    match file(t) {
        File::Good(d) => device.own = Some(Arc::new(d)),
        File::Missing if t.cx.release.modern() => return Err(NOT_SUPPORTED),
        File::Missing | File::Unknown => {}
    }
    device.own.clone().ok_or(if t.cx.release.modern() { NOT_SUPPORTED } else { UNEXPECTED_DATA })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_energy_count(
    processor: *mut c_void,
    count: *mut u64,
    resolution: *mut f32,
    timestamp: *mut u64,
) -> u32 {
    gpu_call("amdsmi_get_energy_count", processor, format_args!(""), |t| {
        super::lifecycle::noise(t.cx);
        if count.is_null() || timestamp.is_null() {
            return INVAL;
        }
        if t.refuses() {
            return NOT_SUPPORTED;
        }
        let d = match read(&t) {
            Ok(d) => d,
            Err(status) => return status,
        };
        let energy = d.get("energy_accumulator");
        store(count, energy.unwrap_or(u64::MAX));
        if energy.is_none() && t.cx.release.modern() {
            return NOT_SUPPORTED;
        }
        store(resolution, 15.3);
        store(timestamp, d.get("system_clock_counter").unwrap_or(u64::MAX));
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_metrics_header_info(processor: *mut c_void, header: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_metrics_header_info", processor, format_args!(""), |t| {
        if header.is_null() {
            return INVAL;
        }
        let d = match read(&t) {
            Ok(d) => d,
            Err(status) => return status,
        };
        let Some(mut out) = Out::new(t.cx, "amd_metrics_table_header_t", header) else { return NOT_SUPPORTED };
        out.put("structure_size", d.size.into());
        out.put("format_revision", d.revision.0.into()).put("content_revision", d.revision.1.into());
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_metrics_info(processor: *mut c_void, metrics: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_metrics_info", processor, format_args!(""), |t| {
        if metrics.is_null() {
            return INVAL;
        }
        let d = match read(&t) {
            Ok(d) => d,
            Err(status) => return status,
        };
        let Some(mut out) = Out::new(t.cx, "amdsmi_gpu_metrics_t", metrics) else { return NOT_SUPPORTED };
        copy_table(&t, &d, &mut out);
        out.done();
        SUCCESS
    })
}

/// The kernel's table in the library's own struct: by name, all-ones where the table has no such value.
fn copy_table(t: &Target, d: &Decoded, out: &mut Out) {
    out.fill(0xFF);
    out.put("common_header.structure_size", d.size.into());
    out.put("common_header.format_revision", d.revision.0.into());
    out.put("common_header.content_revision", d.revision.1.into());
    // What an APU's table has goes into a struct of its own.
    let members = if d.revision.0 == 1 { out.members() } else { Vec::new() };
    for member in members {
        let source = match member.as_str() {
            "current_socket_power" => "curr_socket_power",
            "current_gfxclks" | "current_socclks" | "current_vclk0s" | "current_dclk0s" => member.trim_end_matches('s'),
            "vram_max_bandwidth" => "mem_max_bandwidth",
            m => m,
        };
        let Some((element, values)) = d.raw(source) else { continue };
        let ones = u64::MAX >> (64 - 8 * element);
        for (i, v) in values.iter().take(out.count(&member)).enumerate() {
            // A wider member says "not available" in its own width.
            let wide = out.width(&member).is_some_and(|w| w > element) && *v == ones;
            out.put_at(&member, i, if wide { u64::MAX } else { *v });
        }
    }
    if t.cx.release.sharing == Sharing::Frozen && d.get("curr_socket_power").is_none() {
        out.put("current_socket_power", d.get("average_socket_power").unwrap_or(0xFFFF));
    }
    // A pointer into the library from 26.4 on.
    if out.width("apu_metrics").is_some() {
        static APU: [u64; 64] = [u64::MAX; 64];
        out.put("apu_metrics", APU.as_ptr() as u64);
    }
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_activity(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_activity", processor, format_args!(""), |t| {
        if info.is_null() {
            return INVAL;
        }
        let d = match read(&t) {
            Ok(d) => d,
            Err(status) => return status,
        };
        let Some(mut out) = Out::new(t.cx, "amdsmi_engine_usage_t", info) else { return NOT_SUPPORTED };
        let or_na = |name: &str| d.get(name).unwrap_or(0xFFFF);
        out.put("gfx_activity", or_na("average_gfx_activity"));
        out.put("umc_activity", or_na("average_umc_activity"));
        out.put("mm_activity", or_na("average_mm_activity"));
        out.done();
        SUCCESS
    })
}
