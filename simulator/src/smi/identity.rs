//! Who a GPU is (facts, section 9).

use std::ffi::{c_char, c_void};

use super::context::{gpu_call, Target};
use super::status::*;
use super::writer::{store, store_text, Out};

/// KFD's numbers of a processor; all-ones when there is no KFD.
fn node(t: &Target) -> (u64, u32) {
    if t.cx.machine.spec.kfd {
        (t.processor.gpu_id.into(), t.processor.node)
    } else {
        (u64::MAX, u32::MAX)
    }
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_bdf_id(processor: *mut c_void, id: *mut u64) -> u32 {
    gpu_call("amdsmi_get_gpu_bdf_id", processor, format_args!(""), |t| {
        if id.is_null() {
            return INVAL;
        }
        let domain = u64::from(t.gpu.bdf.domain) << 32;
        store(
            id,
            if t.gpu.spec.partition_is_function {
                t.processor.bdf.location() | domain
            } else {
                t.gpu.bdf.location() | domain | u64::from(t.processor.partition) << 28
            },
        );
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_device_bdf(processor: *mut c_void, bdf: *mut u64) -> u32 {
    gpu_call("amdsmi_get_gpu_device_bdf", processor, format_args!(""), |t| {
        if bdf.is_null() {
            return INVAL;
        }
        if !t.has_drm() && !t.cx.release.modern() {
            // Never set by anybody: whatever the memory held before, with success.
            store(bdf, [0x2e_0000_0033, 0x5581_c0de_40b0][t.gpu.index % 2] + ((t.gpu.index as u64) << 8));
            return SUCCESS;
        }
        store(bdf, t.processor.bdf.as_union());
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_device_uuid(processor: *mut c_void, len: *mut u32, uuid: *mut c_char) -> u32 {
    gpu_call("amdsmi_get_gpu_device_uuid", processor, format_args!(""), |t| {
        // SAFETY: the caller's length, checked first.
        if len.is_null() || uuid.is_null() || unsafe { len.read_unaligned() } < 38 {
            return INVAL;
        }
        let s = t.gpu.unique_id;
        let second = if t.cx.release.uuid_has_ff() { 0xff } else { t.processor.partition };
        let text = if !t.has_drm() && t.cx.release.uuid_needs_drm() {
            "ffff0000-0000-1000-80ff-ffffffffffff".to_string()
        } else {
            let device = t.gpu.spec.device_id;
            format!(
                "{:02x}{second:02x}{device:04x}-0000-1000-80{:02x}-{:012x}",
                s >> 56,
                s >> 48 & 0xff,
                s & 0xffff_ffff_ffff
            )
        };
        store_text(uuid, 38, &text);
        SUCCESS
    })
}

/// 90402 is gfx942, 90010 is gfx90a: a hexadecimal digit each for minor and stepping. AMD's Python prints the number in
/// decimal in 6.3 and in hexadecimal from 6.4 on, so 6.3 holds 942 and later ones 0x942.
fn gfx_version(t: &Target) -> u64 {
    let kfd = t.gpu.spec.gfx_target;
    let text = format!("{}{:x}{:x}", kfd / 10_000, kfd / 100 % 100, kfd % 100);
    let decimal = if t.cx.release.version_needs_init() { text.parse().ok() } else { None };
    decimal.or_else(|| u64::from_str_radix(&text, 16).ok()).unwrap_or(0)
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_asic_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_asic_info", processor, format_args!(""), |t| {
        let Some(mut out) = Out::new(t.cx, "amdsmi_asic_info_t", info).filter(|_| !info.is_null()) else {
            return INVAL;
        };
        let s = &t.gpu.spec;
        out.text("market_name", &s.name);
        if t.cx.release.modern() && !t.has_drm() {
            out.done();
            return FILE_ERROR;
        }
        out.put("vendor_id", 0x1002).text("vendor_name", "Advanced Micro Devices Inc. [AMD/ATI]");
        out.put("subvendor_id", s.subvendor.into()).put("device_id", s.device_id.into()).put("rev_id", s.rev_id.into());
        out.text("asic_serial", &format!("{:016X}", t.gpu.unique_id));
        out.put("oam_id", s.oam_id.into()).put("xgmi_physical_id", s.oam_id.into());
        out.put("num_of_compute_units", s.compute_units.into()).put("target_graphics_version", gfx_version(&t));
        out.put("subsystem_id", s.subsystem_id.into()).put("flags", 0);
        out.put("physical_acc_id", s.oam_id.into())
            .put("chip_rev_id", s.rev_id.into())
            .put("external_rev_id", s.rev_id.into());
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_enumeration_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_enumeration_info", processor, format_args!(""), |t| {
        if info.is_null() {
            return INVAL;
        }
        let Some(mut out) = Out::new(t.cx, "amdsmi_enumeration_info_t", info) else { return NOT_SUPPORTED };
        let (_, node) = node(&t);
        // A difference, not a rank: gaps in the numbers stay.
        let smallest = if t.cx.machine.spec.kfd { t.cx.processors.iter().map(|p| p.node).min() } else { None };
        out.put("drm_render", t.processor.render.into()).put("drm_card", t.processor.card.into());
        out.put("hsa_id", node.into()).put("hip_id", node.wrapping_sub(smallest.unwrap_or(u32::MAX)).into());
        // First the board's serial, from 26.4 on what KFD says of the partition.
        let id = if t.cx.release.modern() { t.processor.unique_id } else { t.gpu.unique_id };
        out.text("hip_uuid", &format!("GPU-{id:016x}"));
        out.put("oam_id", t.gpu.spec.oam_id.into()).put("physical_acc_id", t.gpu.spec.oam_id.into());
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_kfd_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_kfd_info", processor, format_args!(""), |t| {
        if info.is_null() {
            return INVAL;
        }
        let Some(mut out) = Out::new(t.cx, "amdsmi_kfd_info_t", info) else { return NOT_SUPPORTED };
        let (gpu_id, node) = node(&t);
        out.put("kfd_id", gpu_id).put("node_id", node.into()).put("current_partition_id", t.processor.partition.into());
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_board_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_board_info", processor, format_args!(""), |t| {
        let Some(mut out) = Out::new(t.cx, "amdsmi_board_info_t", info).filter(|_| !info.is_null()) else {
            return NOT_SUPPORTED;
        };
        out.text("model_number", "102-G30211-0C")
            .text("product_serial", &format!("692{:09}", t.gpu.unique_id % 1_000_000_000));
        out.text("fru_id", "113-AMDG302110C03").text("product_name", &t.gpu.spec.name).text("manufacturer_name", "AMD");
        out.put("is_master", 0);
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_driver_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_driver_info", processor, format_args!(""), |t| {
        let Some(mut out) = Out::new(t.cx, "amdsmi_driver_info_t", info).filter(|_| !info.is_null()) else {
            return INVAL;
        };
        out.text("driver_version", &t.cx.machine.spec.driver_version)
            .text("driver_date", "20150101")
            .text("driver_name", "amdgpu");
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_vram_info(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_vram_info", processor, format_args!(""), |t| {
        let Some(mut out) = Out::new(t.cx, "amdsmi_vram_info_t", info).filter(|_| !info.is_null()) else {
            return INVAL;
        };
        // HBM, renumbered in 6.2; the vendor is a number up to 6.4 and a word from 7.0 on.
        let hbm = if out.width("vram_size_mb").is_some() { 6 } else { 4 };
        out.put("vram_type", hbm);
        if out.width("vram_vendor") == Some(1) {
            out.text("vram_vendor", "hynix");
        } else {
            out.put("vram_vendor", 6);
        }
        out.put("vram_size", t.gpu.spec.vram_mb).put("vram_size_mb", t.gpu.spec.vram_mb).put("vram_bit_width", 8192);
        out.put("vram_max_bandwidth", 5325);
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_vram_usage(processor: *mut c_void, info: *mut c_void) -> u32 {
    gpu_call("amdsmi_get_gpu_vram_usage", processor, format_args!(""), |t| {
        let Some(mut out) = Out::new(t.cx, "amdsmi_vram_usage_t", info).filter(|_| !info.is_null()) else {
            return NOT_SUPPORTED;
        };
        out.put("vram_total", t.gpu.spec.vram_mb).put("vram_used", 288);
        out.done();
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_memory_total(processor: *mut c_void, _kind: u32, total: *mut u64) -> u32 {
    gpu_call("amdsmi_get_gpu_memory_total", processor, format_args!("type={_kind}"), |t| {
        if total.is_null() {
            return INVAL;
        }
        store(total, t.gpu.spec.vram_mb << 20);
        SUCCESS
    })
}

#[no_mangle]
pub extern "C" fn amdsmi_get_gpu_virtualization_mode(processor: *mut c_void, mode: *mut u32) -> u32 {
    gpu_call("amdsmi_get_gpu_virtualization_mode", processor, format_args!(""), |t| {
        if mode.is_null() {
            return INVAL;
        }
        // Bare metal 1, guest 3.
        store(mode, if t.cx.machine.spec.guest { 3 } else { 1 });
        SUCCESS
    })
}
