//! Clocks and performance levels (facts, section 6).

use std::ffi::c_void;

use super::context::{gpu_call, Target};
use super::metrics;
use super::power::may_set;
use super::status::*;
use super::writer::{store, Out};
use crate::tree::driver::Driver;
use crate::tree::od;

const GFX: u32 = 0;
const DF: u32 = 1;
const SOC: u32 = 3;
const MEM: u32 = 4;

/// The lines of a pp_dpm file: MHz, and which has the star.
fn levels(t: &Target, domain: u32) -> Option<(Vec<u32>, Option<usize>)> {
    let name = match domain {
        GFX => "pp_dpm_sclk",
        SOC => "pp_dpm_socclk",
        MEM => "pp_dpm_mclk",
        _ => return None,
    };
    let text = t.read(name)?;
    let mhz = |l: &str| l.split_whitespace().nth(1)?.trim_end_matches("Mhz").parse().ok();
    let all: Vec<u32> = text.lines().filter_map(mhz).collect();
    let star = text.lines().position(|l| l.ends_with('*'));
    (!all.is_empty()).then_some((all, star))
}

#[no_mangle]
pub extern "C" fn amdsmi_get_clock_info(processor: *mut c_void, domain: u32, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_clock_info", processor, format_args!("clk={domain}"), |t| clock_info(t, domain, info))
}

fn clock_info(t: Target, domain: u32, info: *mut c_void) -> u32 {
    if info.is_null() || domain > 9 {
        return INVAL;
    }
    let r = t.cx.release;
    if !r.modern() && !t.has_drm() {
        return NOT_SUPPORTED;
    }
    let Some(mut out) = Out::new(t.cx, "amdsmi_clk_info_t", info) else { return NOT_SUPPORTED };
    let d = match metrics::read(&t) {
        Ok(d) => d,
        Err(status) => return status,
    };
    let name = match domain {
        GFX => "current_gfxclk",
        MEM => "current_uclk",
        SOC => "current_socclk",
        6 => "current_vclk0",
        7 => "current_vclk1",
        8 => "current_dclk0",
        9 => "current_dclk1",
        _ => return NOT_SUPPORTED,
    };
    let na = r.clock_na();
    let now = d.get(name).unwrap_or(na);
    let (min, max) = match levels(&t, domain) {
        Some((mut all, star)) => {
            if let Some(star) = star.filter(|_| r.skips_starred_level() && all.len() > 1) {
                all.remove(star);
            }
            (all[0].into(), all[all.len() - 1].into())
        }
        None => (na, na),
    };
    // The first layout says cur_clk and sleep_clk; clk_locked is not written.
    out.put("cur_clk", now).put("clk", now).put("min_clk", min).put("max_clk", max);
    out.put("sleep_clk", 0).put("clk_deep_sleep", 0xFF);
    out.done();
    SUCCESS
}

#[no_mangle]
pub extern "C" fn amdsmi_get_clk_freq(processor: *mut c_void, domain: u32, frequencies: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_clk_freq", processor, format_args!("clk={domain}"), |t| {
        if frequencies.is_null() {
            return INVAL;
        }
        let Some((all, star)) = levels(&t, domain) else { return NOT_SUPPORTED };
        let Some(mut out) = Out::new(t.cx, "amdsmi_frequencies_t", frequencies) else { return NOT_SUPPORTED };
        out.put("has_deep_sleep", 0).put("num_supported", all.len() as u64).put("current", star.unwrap_or(0) as u64);
        for i in 0..out.count("frequency") {
            out.put_at("frequency", i, all.get(i).map_or(0, |mhz| u64::from(*mhz) * 1_000_000));
        }
        out.done();
        SUCCESS
    })
}

/// The letter of a domain in pp_od_clk_voltage.
fn letter(t: &Target, domain: u32) -> Result<&'static str, u32> {
    match domain {
        GFX => Ok("s"),
        MEM => Ok("m"),
        DF if t.cx.release.modern() => Ok("f"),
        _ => Err(INVAL),
    }
}

/// Level manual, then commands to pp_od_clk_voltage and their commit: the table shows the new bounds.
fn write_od(t: &Target, commands: &[String]) -> u32 {
    let driver = match set_level(t, "manual") {
        Ok(driver) => driver,
        Err(status) => return status,
    };
    if let Err(status) = writable(t, od::FILE) {
        return status;
    }
    let all = commands.iter().map(String::as_str).chain(["c"]);
    let done = all.map(|c| driver.command(c, false)).find(Result::is_err).unwrap_or(Ok(()));
    if done.is_ok() {
        t.cx.log(&format!("WRITE {} manual; {}; c", t.gpu.number, commands.join("; ")));
    }
    done.map_or_else(status_of, |()| SUCCESS)
}

fn status_of(errno: i32) -> u32 {
    if errno == libc::EINVAL {
        INVAL
    } else {
        NO_PERM
    }
}

/// Whether a planted fault lets the file be written.
fn writable(t: &Target, name: &str) -> Result<(), u32> {
    match t.cx.shown.write(&t.cx.state, t.gpu.index, name) {
        0 => Ok(()),
        errno => Err(status_of(errno)),
    }
}

/// Sets the level where the caller may, and goes on holding the driver's lock.
fn set_level(t: &Target, level: &str) -> Result<Driver<'static>, u32> {
    may_set(t)?;
    writable(t, od::LEVEL_FILE)?;
    let driver = Driver::lock(&t.cx.machine, &t.cx.root, t.gpu).ok_or(NO_PERM)?;
    driver.set_level(level).map_err(status_of)?;
    Ok(driver)
}

#[no_mangle]
pub extern "C" fn amdsmi_set_gpu_clk_limit(processor: *mut c_void, domain: u32, limit: u32, mhz: u64) -> u32 {
    gpu_call("amdsmi_set_gpu_clk_limit", processor, format_args!("clk={domain} limit={limit} mhz={mhz}"), |t| {
        // Arguments first, then permission; the range is the kernel's business.
        let letter = match letter(&t, domain) {
            Ok(l) if limit <= 1 => l,
            _ => return INVAL,
        };
        if t.cx.release.words[..2] >= [27, 1][..] && mhz > i32::MAX as u64 {
            return OUT_OF_BOUNDS;
        }
        let mhz = t.clamped("amdsmi_set_gpu_clk_limit", mhz);
        write_od(&t, &[format!("{letter} {limit} {mhz}")])
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_set_gpu_clk_range(processor: *mut c_void, min: u64, max: u64, domain: u32) -> u32 {
    gpu_call("amdsmi_set_gpu_clk_range", processor, format_args!("min={min} max={max} clk={domain}"), |t| {
        let letter = match letter(&t, domain) {
            Ok(l) if min < max => l,
            _ => return INVAL,
        };
        let max = t.clamped("amdsmi_set_gpu_clk_range", max);
        write_od(&t, &[format!("{letter} 0 {min}"), format!("{letter} 1 {max}")])
    })
}

/// By value of amdsmi_dev_perf_level_t, as the kernel spells them.
const LEVELS: [&str; 9] = [
    "auto",
    "low",
    "high",
    "manual",
    "profile_standard",
    "profile_peak",
    "profile_min_mclk",
    "profile_min_sclk",
    "perf_determinism",
];

#[no_mangle]
pub extern "C" fn amdsmi_set_gpu_perf_level(processor: *mut c_void, level: u32) -> u32 {
    gpu_call("amdsmi_set_gpu_perf_level", processor, format_args!("level={level}"), |t| {
        let Some(name) = LEVELS.get(level as usize) else { return INVAL };
        set_level(&t, name).map_or_else(|status| status, |_| SUCCESS)
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_perf_level(processor: *mut c_void, level: *mut u32) -> u32 {
    gpu_call("amdsmi_get_gpu_perf_level", processor, format_args!(""), |t| {
        if level.is_null() {
            return INVAL;
        }
        let text = t.read("power_dpm_force_performance_level").unwrap_or_default();
        store(level, LEVELS.iter().position(|l| *l == text.trim()).map_or(256, |i| i as u32));
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_od_volt_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_od_volt_info", processor, format_args!(""), |t| {
        if info.is_null() {
            return INVAL;
        }
        let text = t.read("pp_od_clk_voltage").unwrap_or_default();
        let (now, settable) = (od::Limits::parse(&text), od::settable(&text));
        let Some(mut out) = Out::new(t.cx, "amdsmi_od_volt_freq_data_t", info).filter(|_| !text.is_empty()) else {
            return NOT_SUPPORTED;
        };
        for (name, range) in [
            ("curr_sclk_range", now.gfx),
            ("curr_mclk_range", now.mem),
            ("sclk_freq_limits", settable.gfx),
            ("mclk_freq_limits", settable.mem),
        ] {
            let [low, high] = range.unwrap_or([0, 0]).map(|mhz| u64::from(mhz) * 1_000_000);
            out.put(&format!("{name}.lower_bound"), low).put(&format!("{name}.upper_bound"), high);
        }
        out.put("num_regions", 0);
        out.done();
        SUCCESS
    })
}
