//! Temperatures (facts, section 2).

use std::ffi::c_void;

use super::context::{gpu_call, Target};
use super::metrics;
use super::status::*;

#[no_mangle]
pub extern "C" fn amdsmi_get_temp_metric(
    processor: *mut c_void,
    sensor: u32,
    metric: u32,
    temperature: *mut i64,
) -> u32 {
    gpu_call("amdsmi_get_temp_metric", processor, format_args!("sensor={sensor} metric={metric}"), |t| {
        if temperature.is_null() {
            return INVAL;
        }
        match celsius(&t, sensor, metric) {
            Some(v) => {
                super::writer::store(temperature, v);
                SUCCESS
            }
            None => {
                // The library divides what it did not read as well.
                // SAFETY: the caller's i64.
                unsafe { temperature.write_unaligned(temperature.read_unaligned() / 1000) };
                NOT_SUPPORTED
            }
        }
    })
}

fn celsius(t: &Target, sensor: u32, metric: u32) -> Option<i64> {
    if metric != 0 || t.refuses() {
        return None;
    }
    let file = match sensor {
        0 => "temp1_input",
        1 => "temp2_input",
        2 => "temp3_input",
        3..=6 => return hbm(t, sensor - 3),
        7 => return metrics::read(t).ok()?.get("temperature_vrsoc").map(|v| v as i64),
        _ => return None,
    };
    let millidegrees: i64 = std::fs::read_to_string(t.hwmon(file)?).ok()?.trim().parse().ok()?;
    Some(millidegrees / 1000)
}

fn hbm(t: &Target, stack: u32) -> Option<i64> {
    let d = metrics::read(t).ok()?;
    let (_, values) = d.raw("temperature_hbm")?;
    values.get(stack as usize).filter(|v| **v != 0xFFFF).map(|v| *v as i64)
}
