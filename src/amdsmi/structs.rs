//! The structs of amdsmi.h, one type for each layout that a release has used.
//!
//! libamd_smi writes its own layout, whatever the caller allocates. Each struct is therefore passed in a [`Padded`]: zeroed,
//! and followed by a margin that is larger than any growth so far.

use std::mem::MaybeUninit;

/// Plain data: every bit pattern, all zeroes included, is a value.
///
/// # Safety
/// Only for `repr(C)` structs of integers and arrays of integers.
pub unsafe trait Pod: Copy {}

/// An output struct followed by a margin for fields that this code does not know.
#[repr(C, align(16))]
pub struct Padded<T: Pod> {
    pub value: T,
    margin: [u8; 1024],
}

impl<T: Pod> Padded<T> {
    #[must_use]
    pub fn zeroed() -> Self {
        // SAFETY: `T: Pod`, and the margin is bytes.
        unsafe { MaybeUninit::zeroed().assume_init() }
    }

    pub fn as_mut_ptr(&mut self) -> *mut std::ffi::c_void {
        std::ptr::from_mut(self).cast()
    }
}

/// `amdsmi_power_info_t`, ROCm 6.0 to 6.3.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PowerInfoV1 {
    pub current_socket_power: u32,
    pub average_socket_power: u32,
    pub gfx_voltage: u32,
    pub soc_voltage: u32,
    pub mem_voltage: u32,
    pub power_limit: u32,
    pub reserved: [u32; 11],
}

/// `amdsmi_power_info_t`, ROCm 6.4. `socket_power` is never written.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PowerInfoV2 {
    pub socket_power: u64,
    pub current_socket_power: u32,
    pub average_socket_power: u32,
    pub gfx_voltage: u32,
    pub soc_voltage: u32,
    pub mem_voltage: u32,
    pub power_limit: u32,
    pub reserved: [u32; 2],
}

/// `amdsmi_power_info_t`, ROCm 7.0 and later (7.13 names `ubb_power` in what was padding).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PowerInfoV3 {
    pub socket_power: u64,
    pub current_socket_power: u32,
    pub average_socket_power: u32,
    pub gfx_voltage: u64,
    pub soc_voltage: u64,
    pub mem_voltage: u64,
    pub power_limit: u32,
    pub ubb_power: u32,
    pub reserved: [u64; 18],
}

/// `amdsmi_power_cap_info_t`: the same layout in every release, but not the same unit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PowerCapInfo {
    pub power_cap: u64,
    pub default_power_cap: u64,
    pub dpm_cap: u64,
    pub min_power_cap: u64,
    pub max_power_cap: u64,
    pub reserved: [u64; 3],
}

/// `amdsmi_clk_info_t`. Only the tail, which is not read, changed in ROCm 6.2.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ClkInfo {
    pub clk: u32,
    pub min_clk: u32,
    pub max_clk: u32,
    pub tail: [u32; 5],
}

/// The head of `amdsmi_asic_info_t` up to ROCm 6.1. Only the name is read.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AsicInfoV1 {
    pub market_name: [u8; 64],
    pub rest: [u8; 192],
}

/// The head of `amdsmi_asic_info_t` since ROCm 6.2 (448 to 904 bytes by release).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct AsicInfoV2 {
    pub market_name: [u8; 256],
    pub rest: [u8; 648],
}

/// `amdsmi_kfd_info_t`, since ROCm 6.3.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KfdInfo {
    pub kfd_id: u64,
    pub node_id: u32,
    pub current_partition_id: u32,
    pub reserved: [u32; 12],
}

/// `amdsmi_enumeration_info_t`, since ROCm 6.4. It has only grown at the end.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct EnumerationInfo {
    pub drm_render: u32,
    pub drm_card: u32,
    pub hsa_id: u32,
    pub hip_id: u32,
    pub hip_uuid: [u8; 256],
    pub tail: [u32; 2],
}

/// `amdsmi_version_t`. The first numbers are {year, major, minor, release} up to ROCm 6.4, {major, minor, release} later.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct VersionWords {
    pub words: [u32; 4],
    pub build: [u32; 2],
}

// SAFETY: all `repr(C)`, integers and arrays of integers.
unsafe impl Pod for PowerInfoV1 {}
unsafe impl Pod for PowerInfoV2 {}
unsafe impl Pod for PowerInfoV3 {}
unsafe impl Pod for PowerCapInfo {}
unsafe impl Pod for ClkInfo {}
unsafe impl Pod for AsicInfoV1 {}
unsafe impl Pod for AsicInfoV2 {}
unsafe impl Pod for KfdInfo {}
unsafe impl Pod for EnumerationInfo {}
unsafe impl Pod for VersionWords {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    fn facts() -> serde_json::Value {
        serde_json::from_str(include_str!("../../simulator/vendor-data/amdsmi-layouts.json")).unwrap()
    }

    /// The layouts `ids` have the fields at these offsets, and fit into the padded struct.
    fn assert_layout(name: &str, ids: &[&str], our_size: usize, offsets: &[(&str, usize)]) {
        let facts = facts();
        for id in ids {
            let layouts = facts["structs"][name]["layouts"].as_array().unwrap();
            let layout = layouts.iter().find(|l| l["id"] == *id).unwrap_or_else(|| panic!("{name} {id}"));
            let size = layout["size"].as_u64().unwrap() as usize;
            assert!(size <= our_size + 512, "{name} {id}: {size} bytes leave less than 512 of margin");
            for (field, offset) in offsets {
                let field = layout["fields"].as_array().unwrap().iter().find(|f| f["name"] == *field);
                let field = field.unwrap_or_else(|| panic!("{name} {id} lacks one of {offsets:?}"));
                assert_eq!(field["offset"].as_u64().unwrap() as usize, *offset, "{name} {id} {field}");
            }
        }
    }

    macro_rules! at {
        ($t:ty: $($f:ident),*) => { &[$((stringify!($f), offset_of!($t, $f))),*] };
    }

    #[test]
    fn power_info() {
        assert_eq!((size_of::<PowerInfoV1>(), size_of::<PowerInfoV2>(), size_of::<PowerInfoV3>()), (68, 40, 192));
        let v1 = at!(PowerInfoV1: current_socket_power, average_socket_power, gfx_voltage, power_limit, reserved);
        assert_layout("amdsmi_power_info_t", &["L1"], 68, v1);
        let v2 = at!(PowerInfoV2: socket_power, current_socket_power, average_socket_power, power_limit, reserved);
        assert_layout("amdsmi_power_info_t", &["L2"], 40, v2);
        let v3 = at!(PowerInfoV3: socket_power, current_socket_power, average_socket_power, mem_voltage, power_limit, reserved);
        assert_layout("amdsmi_power_info_t", &["L3", "L4"], 192, v3);
        assert_layout("amdsmi_power_info_t", &["L4"], 192, at!(PowerInfoV3: ubb_power));
    }

    #[test]
    fn the_others() {
        assert_eq!(size_of::<PowerCapInfo>(), 64);
        let caps = at!(PowerCapInfo: power_cap, default_power_cap, dpm_cap, min_power_cap, max_power_cap, reserved);
        assert_layout("amdsmi_power_cap_info_t", &["L1"], 64, caps);
        assert_eq!(size_of::<ClkInfo>(), 32);
        assert_layout("amdsmi_clk_info_t", &["L1", "L2"], 32, at!(ClkInfo: min_clk, max_clk));
        assert_layout("amdsmi_clk_info_t", &["L2"], 32, at!(ClkInfo: clk));
        assert_layout("amdsmi_asic_info_t", &["L1", "L2"], size_of::<AsicInfoV1>(), at!(AsicInfoV1: market_name));
        let v2 = ["L3", "L4", "L5", "L6", "L7", "L8", "L9"];
        assert_layout("amdsmi_asic_info_t", &v2, size_of::<AsicInfoV2>(), at!(AsicInfoV2: market_name));
        assert_eq!(size_of::<KfdInfo>(), 64);
        assert_layout("amdsmi_kfd_info_t", &["L1"], 64, at!(KfdInfo: kfd_id, node_id, current_partition_id));
        assert_eq!(size_of::<EnumerationInfo>(), 280);
        let e = at!(EnumerationInfo: drm_render, drm_card, hsa_id, hip_id, hip_uuid);
        assert_layout("amdsmi_enumeration_info_t", &["L1", "L2", "L3"], 280, e);
        assert_eq!(offset_of!(VersionWords, build), 16);
    }

    #[test]
    fn padded_structs_have_a_margin() {
        assert!(size_of::<Padded<ClkInfo>>() >= 1024);
        assert_eq!(offset_of!(Padded<ClkInfo>, value), 0);
    }
}
