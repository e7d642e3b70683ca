//! Partition modes and profiles (facts, section 9).

use std::ffi::{c_char, c_void};

use super::context::gpu_call;
use super::status::*;
use super::writer::{store, store_text, Out};

fn mode(function: &'static str, processor: *mut c_void, text: *mut c_char, len: u32, file: &'static str) -> u32 {
    gpu_call(function, processor, format_args!(""), |t| {
        if text.is_null() || len == 0 {
            return INVAL;
        }
        let Some(mode) = t.read(file) else { return NOT_SUPPORTED };
        let mode = mode.trim();
        store_text(text, len as usize, mode);
        if mode.len() < len as usize {
            SUCCESS
        } else {
            INSUFFICIENT_SIZE
        }
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_compute_partition(processor: *mut c_void, text: *mut c_char, len: u32) -> u32 {
    mode("amdsmi_get_gpu_compute_partition", processor, text, len, "current_compute_partition")
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_memory_partition(processor: *mut c_void, text: *mut c_char, len: u32) -> u32 {
    mode("amdsmi_get_gpu_memory_partition", processor, text, len, "current_memory_partition")
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_accelerator_partition_profile(
    processor: *mut c_void,
    profile: *mut c_void,
    id: *mut u32,
) -> u32 {
    gpu_call("amdsmi_get_gpu_accelerator_partition_profile", processor, format_args!(""), |t| {
        if profile.is_null() || id.is_null() {
            return INVAL;
        }
        store(id, t.processor.partition);
        // The profile files are not in the tree; older releases answer 2 then, with the id written.
        if !t.cx.release.modern() {
            return NOT_SUPPORTED;
        }
        let Some(mut out) = Out::new(t.cx, "amdsmi_accelerator_partition_profile_t", profile) else {
            return NOT_SUPPORTED;
        };
        let kinds = ["", "SPX", "DPX", "TPX", "QPX", "CPX"];
        let kind = kinds.iter().position(|k| *k == t.gpu.spec.compute_partition).unwrap_or(0);
        out.put("profile_type", kind as u64).put("num_partitions", t.gpu.spec.partitions.into());
        out.put("memory_caps", 1).put("profile_index", 0).put("num_resources", 0);
        out.done();
        SUCCESS
    })
}
