//! Power and power caps (facts, sections 3 and 5).

use std::ffi::c_void;
use std::os::unix::fs::MetadataExt;

use super::context::{gpu_call, Target};
use super::metrics;
use super::status::*;
use super::writer::{store, Out};

#[no_mangle]
pub extern "C" fn amdsmi_get_power_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_power_info", processor, format_args!(""), |t| power_info(t, info))
}

#[no_mangle]
pub extern "C" fn amdsmi_get_power_info_v2(processor: *mut c_void, sensor: u32, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_power_info_v2", processor, format_args!("sensor={sensor}"), |t| power_info(t, info))
}

fn power_info(t: Target, info: *mut c_void) -> u32 {
    if info.is_null() {
        return INVAL;
    }
    if t.refuses() {
        return NOT_SUPPORTED;
    }
    let r = t.cx.release;
    if r.name == "6.0.0" && !t.has_drm() {
        // What the real one does without access to the render node.
        // SAFETY: none; it is meant to end the process, and a raised signal would not where a handler returns.
        unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(0) };
    }
    let Some(mut out) = Out::new(t.cx, "amdsmi_power_info_t", info) else { return NOT_SUPPORTED };
    let metrics = metrics::read(&t);
    // What an APU's table has is not here.
    let value = |name: &str| metrics.as_ref().ok().filter(|d| d.revision.0 == 1).and_then(|d| d.get(name));
    let average = value("average_socket_power");
    let mut current = value("curr_socket_power");
    if r.words[0] == 23 {
        // 6.0 fills the current value with the average.
        current = current.or(average);
    }
    let (na32, na64) = (r.power_na32(), r.power_na64());
    if r.writes_socket_power() {
        out.put("socket_power", current.or(average).unwrap_or(na64));
    }
    out.put("current_socket_power", current.unwrap_or(na32));
    out.put("average_socket_power", average.unwrap_or(na32));
    for name in ["gfx_voltage", "soc_voltage", "mem_voltage"] {
        let key = match name {
            "gfx_voltage" => "voltage_gfx",
            "soc_voltage" => "voltage_soc",
            _ => "voltage_mem",
        };
        let na = if out.width(name) == Some(8) { na64 } else { na32 };
        out.put(name, value(key).unwrap_or(na));
    }
    if r.modern() {
        out.put("ubb_power", na32);
    }
    // The last step decides the status up to 25.x, whatever the powers are.
    let (limit, status) = match cap_file(&t) {
        _ if !r.modern() && !t.has_drm() => (None, NOT_SUPPORTED),
        None if !r.modern() => (None, API_FAILED),
        cap => (cap, if r.modern() && metrics.is_err() { NOT_SUPPORTED } else { SUCCESS }),
    };
    let limit = limit.map(|text| digits(&text, r.cap_digits()) / if r.caps_in_watts() { 1_000_000 } else { 1 });
    out.put("power_limit", limit.unwrap_or(na32));
    out.done();
    status
}

/// The text of power1_cap.
fn cap_file(t: &Target) -> Option<String> {
    std::fs::read_to_string(t.hwmon("power1_cap")?).ok()
}

/// A number from the first `n` characters: a buffer that is too short cuts a cap of 1000 W to a tenth.
fn digits(text: &str, n: usize) -> u64 {
    let text = text.trim();
    text.get(..text.len().min(n)).and_then(|d| d.parse().ok()).unwrap_or(0)
}

fn number(t: &Target, name: &str) -> Option<u64> {
    std::fs::read_to_string(t.hwmon(name)?).ok()?.trim().parse().ok()
}

#[no_mangle]
pub extern "C" fn amdsmi_get_power_cap_info(processor: *mut c_void, sensor: u32, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_power_cap_info", processor, format_args!("sensor={sensor}"), |t| cap_info(t, sensor, info))
}

fn cap_info(t: Target, sensor: u32, info: *mut c_void) -> u32 {
    if info.is_null() {
        return INVAL;
    }
    let r = t.cx.release;
    if t.refuses() {
        return NOT_SUPPORTED;
    }
    let Some(mut out) = Out::new(t.cx, "amdsmi_power_cap_info_t", info) else { return NOT_SUPPORTED };
    out.fill(0);
    if r.modern() && (sensor > 0 || cap_file(&t).is_none()) {
        out.done();
        return NOT_SUPPORTED;
    }
    let unit = if r.caps_in_watts() { 1_000_000 } else { 1 };
    let cap = cap_file(&t).unwrap_or_default();
    if t.has_drm() || r.modern() {
        out.put("power_cap", digits(&cap, r.cap_digits()) / unit);
        out.put("dpm_cap", t.gpu.spec.clocks.gfx.levels.last().copied().unwrap_or(0).into());
    } else {
        // Another path without the render node: whole, and in µW although the others are in W.
        out.put("power_cap", digits(&cap, 20));
    }
    if sensor == 0 {
        out.put("default_power_cap", number(&t, "power1_cap_default").unwrap_or(0) / unit);
    }
    out.put("min_power_cap", number(&t, "power1_cap_min").unwrap_or(0) / unit);
    out.put("max_power_cap", number(&t, "power1_cap_max").unwrap_or(0) / unit);
    out.done();
    SUCCESS
}

/// The checks of every setter, in their order.
pub fn may_set(t: &Target) -> Result<(), u32> {
    // Who keeps the machine is its root.
    let root = std::fs::metadata(&t.cx.root).map(|m| m.uid());
    // SAFETY: asks the kernel, no arguments.
    if t.cx.machine.spec.unprivileged || root.is_ok_and(|uid| uid != unsafe { libc::geteuid() }) {
        return Err(NO_PERM);
    }
    if t.cx.machine.spec.guest && t.cx.release.vm_refuses_setters() {
        return Err(NOT_SUPPORTED);
    }
    if t.refuses() {
        return Err(NOT_SUPPORTED);
    }
    Ok(())
}

#[no_mangle]
pub extern "C" fn amdsmi_set_power_cap(processor: *mut c_void, sensor: u32, cap: u64) -> u32 {
    gpu_call("amdsmi_set_power_cap", processor, format_args!("sensor={sensor} cap={cap}"), |t| {
        if let Err(status) = may_set(&t) {
            return status;
        }
        let Some(path) = t.hwmon("power1_cap").filter(|_| sensor == 0) else { return NOT_SUPPORTED };
        let range = number(&t, "power1_cap_min").unwrap_or(0)..=number(&t, "power1_cap_max").unwrap_or(u64::MAX);
        if !range.contains(&cap) {
            return INVAL;
        }
        match std::fs::write(path, format!("{}\n", t.clamped("amdsmi_set_power_cap", cap))) {
            Ok(()) => SUCCESS,
            Err(_) => NO_PERM,
        }
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_supported_power_cap(
    processor: *mut c_void,
    count: *mut u32,
    sensors: *mut u32,
    kinds: *mut u32,
) -> u32 {
    gpu_call("amdsmi_get_supported_power_cap", processor, format_args!(""), |t| {
        if count.is_null() || sensors.is_null() || kinds.is_null() {
            return INVAL;
        }
        let present = t.hwmon("power1_cap").is_some();
        store(count, present.into());
        if present {
            store(sensors, 0);
            store(kinds, 0);
        }
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_is_gpu_power_management_enabled(processor: *mut c_void, enabled: *mut bool) -> u32 {
    gpu_call("amdsmi_is_gpu_power_management_enabled", processor, format_args!(""), |_| {
        if enabled.is_null() {
            return INVAL;
        }
        store(enabled, true);
        SUCCESS
    })
}
