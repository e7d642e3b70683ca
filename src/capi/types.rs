//! The public types.

use super::status::zeus_amd_status_t;
use super::structs::{InputStruct, VersionedStruct};
use std::ffi::c_char;
use std::mem::{size_of, MaybeUninit};

/// An open session, from zeus_amd_open() to zeus_amd_close().
pub struct zeus_amd_session_t {
    _opaque: [u8; 0],
}

/// Settings to restore, from zeus_amd_guard_begin() to zeus_amd_guard_end().
pub struct zeus_amd_guard_t {
    _opaque: [u8; 0],
}

/// A window, from zeus_amd_window_begin() to zeus_amd_window_end().
pub struct zeus_amd_window_t {
    _opaque: [u8; 0],
}

/// A sampler, from zeus_amd_sampler_start() to zeus_amd_sampler_free().
pub struct zeus_amd_sampler_t {
    _opaque: [u8; 0],
}

/// A watchdog process restores the settings if this process terminates.
pub const ZEUS_AMD_GUARD_WATCHER_BIT: u32 = 1;

/// Fail to open if the GPUs are not all of one model.
pub const ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT: u32 = 1;
/// Shut libamd_smi down when the last session that uses it closes. Other code in
/// the process that uses it (PyTorch, profilers) then loses it too: before ROCm
/// 7.0.2 libamd_smi does not count its users. Without this bit libamd_smi stays
/// initialised.
pub const ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT: u32 = 2;

/// A mask that is set and empty fails zeus_amd_open(), as in Zeus, instead of
/// opening a session without GPUs.
pub const ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT: u32 = 4;
/// Take the masks from the fields ..._visible_devices of the options (NULL: not
/// set) instead of the environment: for the GPUs of another process.
pub const ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: u32 = 8;
/// A reading resumes a runtime-suspended GPU; for some seconds after that, values
/// may be refused. Without this bit the GPU is left alone, and its readings and
/// settings return ZEUS_AMD_STATUS_BUSY.
pub const ZEUS_AMD_OPEN_WAKE_SUSPENDED_BIT: u32 = 16;

/// Where readings come from.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_backend_t {
    /// The variable ZEUS_AMD_BACKEND (auto, amdsmi or sysfs). If it is not set:
    /// gpu_metrics of the kernel for power, energy and temperature where it
    /// agrees with libamd_smi (measured about 1000 times as fast), else
    /// libamd_smi. Without a usable libamd_smi, sysfs alone.
    ZEUS_AMD_BACKEND_AUTO = 0,
    /// libamd_smi; without a usable one the session does not open.
    ZEUS_AMD_BACKEND_AMDSMI = 1,
    /// The kernel's sysfs alone; libamd_smi is not loaded.
    ZEUS_AMD_BACKEND_SYSFS = 2,
}

/// How the energy counters are checked when a session is opened.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_validation_t {
    /// ADAPTIVE.
    ZEUS_AMD_VALIDATION_DEFAULT = 0,
    /// Compares energy and power over half a second, all GPUs at the same time:
    /// the rule of Zeus.
    ZEUS_AMD_VALIDATION_FIXED = 1,
    /// No check.
    ZEUS_AMD_VALIDATION_OFF = 2,
    /// Until each counter has advanced through enough refreshes, which takes
    /// some tens of milliseconds; half a second for a counter that misbehaves,
    /// and up to four seconds while no power shows what it should count: an
    /// averaged one still follows a change of the load, or the program waits for
    /// a processor. A GPU that is runtime-suspended or in reset stays
    /// ZEUS_AMD_COUNTER_STATE_PENDING and is checked when it resumes.
    ZEUS_AMD_VALIDATION_ADAPTIVE = 3,
    /// As ADAPTIVE, but zeus_amd_open() does not wait. Until the check is done
    /// the state is ZEUS_AMD_COUNTER_STATE_PENDING, and zeus_amd_energy_mj()
    /// returns ZEUS_AMD_STATUS_NOT_READY.
    ZEUS_AMD_VALIDATION_BACKGROUND = 4,
}

/// How much energy one count of the accumulator stands for. libamd_smi reports
/// 15.3 uJ for every GPU. The kernel states 2^-16 J (15.2588 uJ, 0.27 % less) for
/// MI200 and later: smu13_driver_if_aldebaran.h, smu_v13_0_6_ppt.c and
/// smu_v15_0_8_ppt.c in
/// https://github.com/torvalds/linux/tree/master/drivers/gpu/drm/amd/pm/swsmu
/// The field resolution_uj and the flag FIRMWARE_RESOLUTION of each result show
/// which was used.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_energy_resolution_t {
    /// Windows and samplers use 2^-16 J where the kernel states it. The readings
    /// zeus_amd_energy_mj(), zeus_amd_energy_raw() and zeus_amd_read_all() use
    /// what libamd_smi reports, so that they equal the numbers of amd-smi and
    /// Zeus.
    ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT = 0,
    /// Everything uses what libamd_smi reports. The uncertainty covers the 0.27
    /// %.
    ZEUS_AMD_ENERGY_RESOLUTION_REPORTED = 1,
    /// Everything uses 2^-16 J where the kernel states it.
    ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE = 2,
}

/// The result of the check of an energy counter.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_counter_state_t {
    /// Not checked; energies are reported all the same.
    ZEUS_AMD_COUNTER_STATE_NOT_CHECKED = 0,
    /// It agrees with the power.
    ZEUS_AMD_COUNTER_STATE_TRUSTED = 1,
    /// It does not advance although power is drawn.
    ZEUS_AMD_COUNTER_STATE_STUCK = 2,
    /// It advances less than 0.1 or more than 10 times as fast as the power, or
    /// repeatedly by more than the GPU can draw.
    ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE = 3,
    /// The GPU reports no power to compare with.
    ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE = 4,
    /// The GPU has no counter.
    ZEUS_AMD_COUNTER_STATE_UNSUPPORTED = 5,
    /// The secondary die of a package: the primary die counts for both.
    ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE = 6,
    /// Not the first partition of a package, which counts for all partitions.
    ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION = 7,
    /// The check is not done yet (ZEUS_AMD_VALIDATION_BACKGROUND), or the GPU is
    /// runtime-suspended or in reset and is checked when it resumes.
    ZEUS_AMD_COUNTER_STATE_PENDING = 8,
    /// It could not be read so far, for another reason than that there is none:
    /// zeus_amd_energy_raw() returns which one. It is checked again in the
    /// background, about once a second.
    ZEUS_AMD_COUNTER_STATE_UNREADABLE = 9,
}

/// Which die of its package a GPU is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_die_role_t {
    /// The package has one die.
    ZEUS_AMD_DIE_SINGLE = 0,
    /// Of two dies the one that reports power and energy for both.
    ZEUS_AMD_DIE_PRIMARY = 1,
    /// Of two dies the one that reports no power and energy.
    ZEUS_AMD_DIE_SECONDARY = 2,
}

/// How to open a session. Start from ZEUS_AMD_OPTIONS_INIT; zero is the default
/// of every field.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct zeus_amd_options_t {
    /// sizeof(zeus_amd_options_t); ZEUS_AMD_OPTIONS_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_OPEN_..._BIT flags.
    pub flags: u32,
    /// Where readings come from.
    pub backend: MaybeUninit<zeus_amd_backend_t>,
    /// How the energy counters are checked.
    pub validation: MaybeUninit<zeus_amd_validation_t>,
    /// How much energy one count stands for.
    pub energy_resolution: MaybeUninit<zeus_amd_energy_resolution_t>,
    /// Limit in milliseconds for amdsmi_init, for the enumeration of the GPUs by
    /// libamd_smi, and for each later call of it in this process; 0: 10 seconds.
    /// A call that exceeds it is left to a thread of this library. While it has
    /// not returned, readings come from the kernel's files, and what these lack,
    /// and setters, return ZEUS_AMD_STATUS_TIMEOUT at once. The hand-over to the
    /// thread takes some 10 microseconds of the 150 to 600 that AMD's calls take.
    /// UINT32_MAX: no limit; calls are made on the caller's thread.
    pub init_timeout_ms: u32,
    /// A libamd_smi.so, or a folder that holds one (itself or in lib/). NULL:
    /// the variables ZEUS_AMD_AMDSMI, AMDSMI_LIB_OVERRIDE, AMDSMI_LIB_DIR,
    /// ROCM_PATH and ROCM_HOME, the Python environment VIRTUAL_ENV, /opt/rocm,
    /// its core and newest core-*, the newest /opt/rocm-*, and the dynamic
    /// loader.
    pub amdsmi_path: *const c_char,
    /// The ROCm release of the application, such as "6.4.1". The rules for masks
    /// differ between releases, and so does what happens beside a GPU older than
    /// gfx9 (https://github.com/ROCm/rocm-systems/issues/8801). NULL: the
    /// release of libamd_smi if it is loaded and its version belongs to one
    /// release only (26.1 does not), else of the file .info/version of the ROCm
    /// that is found, else the rules of the newest release.
    pub runtime_version: *const c_char,
    /// With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: ROCR_VISIBLE_DEVICES; NULL: not
    /// set.
    pub rocr_visible_devices: *const c_char,
    /// With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: HIP_VISIBLE_DEVICES; NULL: not
    /// set.
    pub hip_visible_devices: *const c_char,
    /// With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: CUDA_VISIBLE_DEVICES; NULL: not
    /// set.
    pub cuda_visible_devices: *const c_char,
}

/// amdsmi_version_0 to _2, rocm and amdsmi_path are set: libamd_smi is loaded.
pub const ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT: u32 = 1;
/// There is no KFD topology: the order is libamd_smi's enumeration.
pub const ZEUS_AMD_SESSION_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT: u32 = 1;
/// HIP's order is not certain: there is no KFD topology or enumeration (the GPUs
/// are in PCI order), or HIP may leave out GPUs that are there, which depends on
/// the ROCm release: gfx8 and older, GPUs that are newer than the release, or all
/// with HSA_OVERRIDE_GFX_VERSION. Only the option runtime_version
/// makes that certain: a Python wheel has a ROCm of its own, which may be of
/// another release than the libamd_smi that is found.
pub const ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT: u32 = 2;

/// About an open session. Start from ZEUS_AMD_SESSION_INFO_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_session_info_t {
    /// sizeof(zeus_amd_session_info_t); ZEUS_AMD_SESSION_INFO_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_SESSION_INFO_VALID_..._BIT: which fields are set.
    pub valid: u32,
    /// ZEUS_AMD_SESSION_INFO_FLAG_..._BIT.
    pub flags: u32,
    /// How many GPUs there are; their indices are 0 to this minus 1.
    pub gpu_count: u32,
    /// ZEUS_AMD_BACKEND_AMDSMI if libamd_smi is used, else
    /// ZEUS_AMD_BACKEND_SYSFS.
    pub backend: zeus_amd_backend_t,
    /// As it was chosen in the options.
    pub energy_resolution: zeus_amd_energy_resolution_t,
    /// The first three version words of libamd_smi.
    pub amdsmi_version_0: u32,
    /// See amdsmi_version_0.
    pub amdsmi_version_1: u32,
    /// See amdsmi_version_0.
    pub amdsmi_version_2: u32,
    /// ZEUS_AMD_STATUS_OK if there is a GPU, else why there is none:
    /// ZEUS_AMD_STATUS_NO_DEVICE, ZEUS_AMD_STATUS_EMPTY_MASK,
    /// ZEUS_AMD_STATUS_MASK_INVALID, ZEUS_AMD_STATUS_NO_ACCESS or
    /// ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED. zeus_amd_explain() has the message.
    pub no_gpu_reason: zeus_amd_status_t,
    /// Why ZEUS_AMD_BACKEND_AUTO goes on without libamd_smi; ZEUS_AMD_STATUS_OK
    /// if it is loaded or was not asked for.
    pub amdsmi_status: zeus_amd_status_t,
    /// Zero.
    pub reserved: u32,
    /// The ROCm releases that this version of libamd_smi belongs to.
    pub rocm: [c_char; 32],
    /// The file libamd_smi was loaded from, cut to fit.
    pub amdsmi_path: [c_char; 512],
}

/// unmasked_index is set.
pub const ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT: u32 = 1;
/// amdsmi_index is set.
pub const ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT: u32 = 2;
/// kfd_node is set.
pub const ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT: u32 = 4;
/// unique_id and uuid are set.
pub const ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT: u32 = 8;
/// name is set.
pub const ZEUS_AMD_GPU_INFO_VALID_NAME_BIT: u32 = 16;
/// device_id is set.
pub const ZEUS_AMD_GPU_INFO_VALID_DEVICE_ID_BIT: u32 = 32;
/// There is no KFD topology: the order is libamd_smi's enumeration.
pub const ZEUS_AMD_GPU_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT: u32 = 1;
/// HIP's order is not certain: there is no KFD topology or enumeration (the GPUs
/// are in PCI order), or HIP may leave out GPUs that are there, which depends on
/// the ROCm release: gfx8 and older, GPUs that are newer than the release, or all
/// with HSA_OVERRIDE_GFX_VERSION. Only the option runtime_version
/// makes that certain: a Python wheel has a ROCm of its own, which may be of
/// another release than the libamd_smi that is found.
pub const ZEUS_AMD_GPU_INFO_FLAG_ORDER_UNCERTAIN_BIT: u32 = 2;

/// Which GPU an index is. Start from ZEUS_AMD_GPU_INFO_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_gpu_info_t {
    /// sizeof(zeus_amd_gpu_info_t); ZEUS_AMD_GPU_INFO_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_GPU_INFO_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// Its index.
    pub index: u32,
    /// Its HIP index if no GPU were masked.
    pub unmasked_index: u32,
    /// Its index in libamd_smi and in the amd-smi tool.
    pub amdsmi_index: u32,
    /// Its node in /sys/class/kfd/kfd/topology/nodes.
    pub kfd_node: u32,
    /// Its partition number in the package; 0 without partitions.
    pub partition: u32,
    /// Which die of its package it is.
    pub die_role: zeus_amd_die_role_t,
    /// Where its readings come from.
    pub source: zeus_amd_backend_t,
    /// The result of the check of its energy counter.
    pub counter_state: zeus_amd_counter_state_t,
    /// ZEUS_AMD_GPU_INFO_FLAG_..._BIT.
    pub flags: u32,
    /// The PCI device id, such as 0x74a1.
    pub device_id: u32,
    /// The KFD unique_id.
    pub unique_id: u64,
    /// The market name.
    pub name: [c_char; 256],
    /// domain:bus:device.function in lower-case hex, such as 0000:c1:00.0
    pub pci_address: [c_char; 32],
    /// "GPU-" and 16 hex digits, as in ROCm's variables.
    pub uuid: [c_char; 64],
    /// The same text for all GPUs of this machine that share one energy counter.
    pub package: [c_char; 64],
}

/// accumulator is set.
pub const ZEUS_AMD_ENERGY_RAW_VALID_ACCUMULATOR_BIT: u32 = 2;
/// driver_time_ns is set.
pub const ZEUS_AMD_ENERGY_RAW_VALID_DRIVER_TIME_BIT: u32 = 4;
/// firmware_time_ns is set.
pub const ZEUS_AMD_ENERGY_RAW_VALID_FIRMWARE_TIME_BIT: u32 = 8;
/// resolution_uj is set.
pub const ZEUS_AMD_ENERGY_RAW_VALID_RESOLUTION_BIT: u32 = 512;
/// The driver's timestamp has stalled: this is an old reading.
pub const ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT: u32 = 16;
/// Counts are converted with 2^-16 J, as the kernel states, not with the
/// resolution that libamd_smi reports.
pub const ZEUS_AMD_ENERGY_RAW_FLAG_FIRMWARE_RESOLUTION_BIT: u32 = 128;

/// One reading of an energy accumulator. Start from ZEUS_AMD_ENERGY_RAW_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_energy_raw_t {
    /// sizeof(zeus_amd_energy_raw_t); ZEUS_AMD_ENERGY_RAW_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_ENERGY_RAW_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_ENERGY_RAW_FLAG_..._BIT.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// Counts since the counter's zero (driver load or reset).
    pub accumulator: u64,
    /// Microjoules per count.
    pub resolution_uj: f64,
    /// CLOCK_BOOTTIME in nanoseconds when the driver read the counter.
    pub driver_time_ns: u64,
    /// The firmware's clock at the counter's value, in nanoseconds; its zero is
    /// not defined.
    pub firmware_time_ns: u64,
}

/// energy_mj is set.
pub const ZEUS_AMD_READING_VALID_ENERGY_BIT: u32 = 1;
/// accumulator is set.
pub const ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT: u32 = 2;
/// driver_time_ns is set.
pub const ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT: u32 = 4;
/// firmware_time_ns is set.
pub const ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT: u32 = 8;
/// power_instant_mw is set.
pub const ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT: u32 = 16;
/// power_average_mw is set.
pub const ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT: u32 = 32;
/// temperature_c is set.
pub const ZEUS_AMD_READING_VALID_TEMPERATURE_BIT: u32 = 64;
/// resolution_uj is set.
pub const ZEUS_AMD_READING_VALID_RESOLUTION_BIT: u32 = 512;
/// The driver's timestamp has stalled: the accumulator is an old one, and the
/// other values are left out.
pub const ZEUS_AMD_READING_FLAG_STALE_BIT: u32 = 16;
/// Counts are converted with 2^-16 J, as the kernel states, not with the
/// resolution that libamd_smi reports.
pub const ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT: u32 = 128;
/// temperature_c is of the edge sensor: the GPU, as an APU, has no hotspot sensor.
pub const ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT: u32 = 256;

/// One reading of all values of a GPU. Start the first of an array from
/// ZEUS_AMD_READING_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_reading_t {
    /// sizeof(zeus_amd_reading_t); ZEUS_AMD_READING_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_READING_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_READING_FLAG_..._BIT.
    pub flags: u32,
    /// ZEUS_AMD_STATUS_OK, or why there is no energy: what zeus_amd_energy_mj()
    /// returns.
    pub status: zeus_amd_status_t,
    /// The state of its energy counter.
    pub counter_state: zeus_amd_counter_state_t,
    /// As zeus_amd_temperature_c(), in degrees Celsius.
    pub temperature_c: i32,
    /// Zero.
    pub reserved: u32,
    /// As zeus_amd_energy_mj(), in millijoules: where the counter has 32 bits, it
    /// wraps around.
    pub energy_mj: u64,
    /// Counts since the counter's zero, whatever the state of the counter.
    pub accumulator: u64,
    /// Microjoules per count.
    pub resolution_uj: f64,
    /// CLOCK_BOOTTIME in nanoseconds when the driver read the accumulator. A power
    /// of hwmon, or of libamd_smi, may be newer.
    pub driver_time_ns: u64,
    /// The firmware's clock at the accumulator's value, in nanoseconds; its zero
    /// is not defined.
    pub firmware_time_ns: u64,
    /// As zeus_amd_power_instant_mw(), in milliwatts.
    pub power_instant_mw: u64,
    /// As zeus_amd_power_average_mw(), in milliwatts.
    pub power_average_mw: u64,
}

/// How an energy was obtained.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_method_t {
    /// There is no energy; the status says why.
    ZEUS_AMD_METHOD_NONE = 0,
    /// The difference of the energy counter.
    ZEUS_AMD_METHOD_COUNTER = 1,
    /// Integrated from sampled power: the counter is not usable.
    ZEUS_AMD_METHOD_INTEGRATED = 2,
    /// Mean of the power at both ends times the duration: the time is too short
    /// for the counter, or there were no samples.
    ZEUS_AMD_METHOD_ESTIMATED = 3,
}

/// energy_mj, uncertainty_mj, duration_ns, mean_power_mw, begin_ns and end_ns
/// are set.
pub const ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT: u32 = 1;
/// resolution_uj is set: the counter was used.
pub const ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT: u32 = 512;
/// The uncertainty is more than a tenth of the energy: the time was too short.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT: u32 = 1;
/// The counter was reset in between. The energy across the reset is derived from
/// the power, and the uncertainty covers it.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT: u32 = 2;
/// The package has more than one GPU (dies, partitions), in the session or not.
/// This is the energy of all of them.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT: u32 = 4;
/// The counter failed its check in between and is not used any more.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT: u32 = 8;
/// The driver repeats an old reading at the end, or cannot give one (the GPU is
/// runtime-suspended, in reset or gone).
pub const ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT: u32 = 16;
/// No sample for more than 250 ms; the uncertainty covers the gap.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT: u32 = 32;
/// From a power that the firmware averages over seconds (MI200 and earlier).
pub const ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT: u32 = 64;
/// Counts are converted with 2^-16 J, as the kernel states, not with the
/// resolution that libamd_smi reports.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT: u32 = 128;
/// duration_ns is by the firmware's clock, whose times belong to the counts.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT: u32 = 256;
/// The counter was in doubt after the final reading, and was polled again until
/// it advanced or was rejected.
pub const ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT: u32 = 2048;

/// The energy of one GPU over a time. Start from ZEUS_AMD_GPU_ENERGY_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_gpu_energy_t {
    /// sizeof(zeus_amd_gpu_energy_t); ZEUS_AMD_GPU_ENERGY_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_GPU_ENERGY_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_GPU_ENERGY_FLAG_..._BIT.
    pub flags: u32,
    /// How the energy was obtained.
    pub method: zeus_amd_method_t,
    /// The state of its energy counter at the end.
    pub counter_state: zeus_amd_counter_state_t,
    /// ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy.
    pub status: zeus_amd_status_t,
    /// Zero.
    pub reserved: u32,
    /// Energy of the package in millijoules, from begin_ns to end_ns.
    pub energy_mj: u64,
    /// Upper limit of the error of the energy, in millijoules: for the time from
    /// begin_ns to end_ns, and for the time between the calls as well. With
    /// ZEUS_AMD_METHOD_INTEGRATED as far as the samples show.
    pub uncertainty_mj: u64,
    /// The time that the energy belongs to, in nanoseconds.
    pub duration_ns: u64,
    /// Energy over duration, in milliwatts.
    pub mean_power_mw: u64,
    /// CLOCK_BOOTTIME of the first reading in nanoseconds: the driver's time of
    /// the counter, a few milliseconds before the call.
    pub begin_ns: u64,
    /// The same for the last reading.
    pub end_ns: u64,
    /// Microjoules per count.
    pub resolution_uj: f64,
}

/// energy_mj, uncertainty_mj and mean_power_mw are set: at least one package has
/// an energy.
pub const ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT: u32 = 1;
/// The uncertainty is more than a tenth of the energy: the time was too short.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT: u32 = 1;
/// The counter was reset in between. The energy across the reset is derived from
/// the power, and the uncertainty covers it.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_RESET_BIT: u32 = 2;
/// The package has more than one GPU (dies, partitions), in the session or not.
/// This is the energy of all of them.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_SHARED_PACKAGE_BIT: u32 = 4;
/// The counter failed its check in between and is not used any more.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_COUNTER_REJECTED_BIT: u32 = 8;
/// The driver repeats an old reading at the end, or cannot give one (the GPU is
/// runtime-suspended, in reset or gone).
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_STALE_BIT: u32 = 16;
/// No sample for more than 250 ms; the uncertainty covers the gap.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_SAMPLING_GAP_BIT: u32 = 32;
/// From a power that the firmware averages over seconds (MI200 and earlier).
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_AVERAGED_POWER_BIT: u32 = 64;
/// Counts are converted with 2^-16 J, as the kernel states, not with the
/// resolution that libamd_smi reports.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT: u32 = 128;
/// duration_ns is by the firmware's clock, whose times belong to the counts.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_DURATION_BIT: u32 = 256;
/// A counter was in doubt after the final reading, and was polled again until it
/// advanced or was rejected.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_POLLED_AGAIN_BIT: u32 = 2048;
/// The energy of at least one package is missing.
pub const ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT: u32 = 512;

/// The energy of all packages over a time, each counted once. Start from
/// ZEUS_AMD_TOTAL_ENERGY_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_total_energy_t {
    /// sizeof(zeus_amd_total_energy_t); ZEUS_AMD_TOTAL_ENERGY_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_TOTAL_ENERGY_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_TOTAL_ENERGY_FLAG_..._BIT: each flag that any of the GPUs has.
    pub flags: u32,
    /// The number of packages in the sum.
    pub packages: u32,
    /// The number of packages without an energy, which are not in the sum:
    /// ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT.
    pub missing: u32,
    /// Zero.
    pub reserved: u32,
    /// The sum of the energies, in millijoules.
    pub energy_mj: u64,
    /// The sum of the uncertainties, in millijoules.
    pub uncertainty_mj: u64,
    /// From the return of zeus_amd_window_begin() to the call that ends or reads
    /// the window, in nanoseconds; always set.
    pub duration_ns: u64,
    /// The sum of the mean powers, in milliwatts.
    pub mean_power_mw: u64,
}

/// How to sample. Start from ZEUS_AMD_SAMPLER_OPTIONS_INIT; zero is the default
/// of every field.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_sampler_options_t {
    /// sizeof(zeus_amd_sampler_options_t); ZEUS_AMD_SAMPLER_OPTIONS_INIT sets
    /// it.
    pub struct_size: u32,
    /// How many samples are kept, of all GPUs together; 0: 65536. New samples
    /// overwrite the oldest.
    pub capacity: u32,
    /// The time between two samples of a GPU in nanoseconds, at least 100000; 0:
    /// as fast as its readings change, with at most a tenth of a processor.
    pub period_ns: u64,
}

/// energy_uj is set.
pub const ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT: u32 = 1;
/// power_mw is set.
pub const ZEUS_AMD_SAMPLE_VALID_POWER_BIT: u32 = 128;
/// counter_power_mw is set.
pub const ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT: u32 = 256;
/// The counter was reset since the sample before.
pub const ZEUS_AMD_SAMPLE_FLAG_RESET_BIT: u32 = 2;
/// More than 250 ms passed since the sample before, or twice the period where that is
/// longer and the energy is of the counter.
pub const ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT: u32 = 32;
/// power_mw is a power that the firmware averages over seconds.
pub const ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT: u32 = 64;
/// Counts are converted with 2^-16 J, as the kernel states, not with the
/// resolution that libamd_smi reports.
pub const ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT: u32 = 128;
/// The energy since the sample before is integrated power, not the counter's.
pub const ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT: u32 = 1024;

/// One sample of one GPU. Start the first of an array from ZEUS_AMD_SAMPLE_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_sample_t {
    /// sizeof(zeus_amd_sample_t); ZEUS_AMD_SAMPLE_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_SAMPLE_VALID_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_SAMPLE_FLAG_..._BIT.
    pub flags: u32,
    /// CLOCK_BOOTTIME of the reading in nanoseconds: the driver's time, or where
    /// there is none the time of the call.
    pub time_ns: u64,
    /// Energy since the sampler's first sample of the GPU, in microjoules.
    pub energy_uj: u64,
    /// Power by the GPU's power sensor, in milliwatts: what the driver reported
    /// between power_begin_ns and power_end_ns.
    pub power_mw: u64,
    /// Mean power by the energy counter since the last sample that has one, or
    /// since a later one with ZEUS_AMD_SAMPLE_FLAG_RESET_BIT or
    /// ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT, in milliwatts, to a tenth: it is set
    /// where the time since then is long enough. It follows the load without
    /// delay where the sensor averages.
    pub counter_power_mw: u64,
    /// Upper limit of the error of counter_power_mw, in milliwatts, for the time
    /// between the two counts, which the firmware takes up to a refresh before
    /// time_ns.
    pub counter_power_uncertainty_mw: u64,
    /// CLOCK_BOOTTIME in nanoseconds, not before which the driver reported
    /// power_mw: time_ns, or where the driver states no time the begin of the
    /// read.
    pub power_begin_ns: u64,
    /// Not after which it did: time_ns where power and time are read at once, else
    /// the end of the read. Through libamd_smi, and from hwmon, a power may be
    /// newer than time_ns.
    pub power_end_ns: u64,
}

/// power_limit_mw is set: the limit was changed through the guard.
pub const ZEUS_AMD_GUARD_INFO_VALID_POWER_LIMIT_BIT: u32 = 1;
/// graphics_min_mhz and graphics_max_mhz are set: as for the power limit.
pub const ZEUS_AMD_GUARD_INFO_VALID_GRAPHICS_CLOCKS_BIT: u32 = 2;
/// memory_min_mhz and memory_max_mhz are set: as for the power limit.
pub const ZEUS_AMD_GUARD_INFO_VALID_MEMORY_CLOCKS_BIT: u32 = 4;
/// A watchdog process runs that restores the settings if this process terminates.
pub const ZEUS_AMD_GUARD_INFO_FLAG_WATCHER_BIT: u32 = 1;
/// The guards of this user's other processes know of the changes.
pub const ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT: u32 = 2;
/// There are guards of another user or of another PID namespace, which do not
/// know of the changes.
pub const ZEUS_AMD_GUARD_INFO_FLAG_FOREIGN_GUARDS_BIT: u32 = 4;

/// What a guard restores on one GPU. Start from ZEUS_AMD_GUARD_INFO_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_guard_info_t {
    /// sizeof(zeus_amd_guard_info_t); ZEUS_AMD_GUARD_INFO_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_GUARD_INFO_VALID_..._BIT: which settings are restored.
    pub valid: u32,
    /// ZEUS_AMD_GUARD_INFO_FLAG_..._BIT.
    pub flags: u32,
    /// The power limit to restore, in milliwatts.
    pub power_limit_mw: u64,
    /// The bounds of the graphics clock to restore, in MHz.
    pub graphics_min_mhz: u32,
    /// See graphics_min_mhz.
    pub graphics_max_mhz: u32,
    /// The bounds of the memory clock to restore, in MHz.
    pub memory_min_mhz: u32,
    /// See memory_min_mhz.
    pub memory_max_mhz: u32,
}

macro_rules! sized {
    ($($t:ty, $init:literal, $first:literal;)*) => { $(
        // SAFETY: repr(C), begins with struct_size; integers, floats, texts, pointers that are only used after a check,
        // and enums that have a 0.
        unsafe impl VersionedStruct for $t {
            const NAME: &'static str = stringify!($t);
            const INIT: &'static str = $init;
            const FIRST_SIZE: usize = $first;
        }
        const _: () = assert!(size_of::<$t>() >= $first);
    )* };
}

// The sizes of the first release. They never change.
sized! {
    zeus_amd_options_t, "ZEUS_AMD_OPTIONS_INIT", 64;
    zeus_amd_session_info_t, "ZEUS_AMD_SESSION_INFO_INIT", 592;
    zeus_amd_gpu_info_t, "ZEUS_AMD_GPU_INFO_INIT", 472;
    zeus_amd_energy_raw_t, "ZEUS_AMD_ENERGY_RAW_INIT", 48;
    zeus_amd_reading_t, "ZEUS_AMD_READING_INIT", 88;
    zeus_amd_gpu_energy_t, "ZEUS_AMD_GPU_ENERGY_INIT", 88;
    zeus_amd_total_energy_t, "ZEUS_AMD_TOTAL_ENERGY_INIT", 56;
    zeus_amd_sampler_options_t, "ZEUS_AMD_SAMPLER_OPTIONS_INIT", 16;
    zeus_amd_sample_t, "ZEUS_AMD_SAMPLE_INIT", 48;
    zeus_amd_guard_info_t, "ZEUS_AMD_GUARD_INFO_INIT", 40;
}

// SAFETY: integers, pointers, and enums behind MaybeUninit: all bit patterns are values.
unsafe impl InputStruct for zeus_amd_options_t {}
// SAFETY: integers.
unsafe impl InputStruct for zeus_amd_sampler_options_t {}
