//! The public types.

use super::boundary::VersionedStruct;
use std::ffi::c_char;

/// An open session. Made by zeus_amd_open(), ended by zeus_amd_close().
pub struct zeus_amd_session_t {
    _opaque: [u8; 0],
}

/// Settings that will be put back. Made by zeus_amd_guard_begin(), ended by
/// zeus_amd_guard_end().
pub struct zeus_amd_guard_t {
    _opaque: [u8; 0],
}

/// A measuring window. Made by zeus_amd_window_begin(), ended by
/// zeus_amd_window_end().
pub struct zeus_amd_window_t {
    _opaque: [u8; 0],
}

/// A sampler. Made by zeus_amd_sampler_start(), freed by zeus_amd_sampler_free().
pub struct zeus_amd_sampler_t {
    _opaque: [u8; 0],
}

/// A small process watches over the guard, and puts the settings back when this
/// one dies, however it does.
pub const ZEUS_AMD_GUARD_WATCHER_BIT: u32 = 1;

/// Refuse to open if the GPUs are not all of one model.
pub const ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT: u32 = 1;
/// Shut libamd_smi down when the last session that uses it closes. Other users
/// of libamd_smi in the process (PyTorch, profilers) lose it then too, with
/// releases before ROCm 7.0.2 whatever they do. Without this bit it stays.
pub const ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT: u32 = 2;

/// A mask that is set and empty fails zeus_amd_open(), as Zeus has it, instead
/// of making a session without GPUs.
pub const ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT: u32 = 4;
/// Take the masks from the fields ..._visible_devices of the options (NULL: not
/// set), not from the environment: for the GPUs of another process.
pub const ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: u32 = 8;
/// ROCm 5.4 and earlier: an empty HIP_ or CUDA_VISIBLE_DEVICES counts as not
/// set.
pub const ZEUS_AMD_OPEN_EMPTY_MASK_IS_UNSET_BIT: u32 = 16;
/// ROCm 6.1 and earlier: HIP_VISIBLE_DEVICES takes no UUIDs.
pub const ZEUS_AMD_OPEN_NO_UUID_IN_MASK_BIT: u32 = 32;
/// ROCr of 2026 and later: GPUs older than gfx9 are skipped, where it used to
/// fail to start.
pub const ZEUS_AMD_OPEN_OLD_GPUS_ARE_SKIPPED_BIT: u32 = 64;

/// Where readings come from.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_backend_t {
    /// The variable ZEUS_AMD_BACKEND (auto, amdsmi or sysfs), or else the
    /// library's choice: for readings of power, energy and temperature the
    /// kernel's file where it agrees with libamd_smi, which costs a thousandth
    /// of the time, else libamd_smi. Without a usable libamd_smi the kernel's
    /// files alone.
    ZEUS_AMD_BACKEND_AUTO = 0,
    /// AMD's libamd_smi; without one the session does not open.
    ZEUS_AMD_BACKEND_AMDSMI = 1,
    /// The kernel's files alone; libamd_smi is not even loaded.
    ZEUS_AMD_BACKEND_SYSFS = 2,
}

/// How energy counters are checked while a session is opened.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_validation_t {
    /// The library's choice: ADAPTIVE.
    ZEUS_AMD_VALIDATION_DEFAULT = 0,
    /// Half a second, all GPUs at once: energy counted against power drawn, the
    /// rule of Zeus.
    ZEUS_AMD_VALIDATION_FIXED = 1,
    /// Not at all: every counter is taken at its word.
    ZEUS_AMD_VALIDATION_OFF = 2,
    /// Until each counter has moved through enough refreshes to be sure, which
    /// takes some tens of milliseconds; half a second for one that is not as it
    /// should be, and up to four seconds while a power that the firmware
    /// averages still follows a change of the load. A GPU that sleeps or is in
    /// reset stays ZEUS_AMD_COUNTER_STATE_PENDING and is checked when it is awake.
    ZEUS_AMD_VALIDATION_ADAPTIVE = 3,
    /// As ADAPTIVE, but zeus_amd_open() does not wait for it: until it is done
    /// the counter state is ZEUS_AMD_COUNTER_STATE_PENDING and zeus_amd_energy_mj() returns
    /// ZEUS_AMD_STATUS_NOT_READY.
    ZEUS_AMD_VALIDATION_BACKGROUND = 4,
}

/// What one count of the energy accumulator is taken to be.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_energy_resolution_t {
    /// What libamd_smi reports (15.3 uJ): the numbers of amd-smi and Zeus.
    ZEUS_AMD_ENERGY_RESOLUTION_REPORTED = 0,
    /// What the firmware counts: 2^-16 J (15.2588 uJ), 0.27 % less.
    ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE = 1,
}

/// What the check of an energy counter came to.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_counter_state_t {
    /// It was not checked; energies are given all the same.
    ZEUS_AMD_COUNTER_STATE_NOT_CHECKED = 0,
    /// It moves as the power says it should.
    ZEUS_AMD_COUNTER_STATE_TRUSTED = 1,
    /// It does not move although power is drawn.
    ZEUS_AMD_COUNTER_STATE_STUCK = 2,
    /// It moves less than 0.1 or more than 10 times as fast as the power says.
    ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE = 3,
    /// The GPU reports no power to compare it with.
    ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE = 4,
    /// There is no counter.
    ZEUS_AMD_COUNTER_STATE_UNSUPPORTED = 5,
    /// The second die of a package: the first one counts for both.
    ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE = 6,
    /// Not the first partition of a package, which counts for all.
    ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION = 7,
    /// It is still being checked (ZEUS_AMD_VALIDATION_BACKGROUND), or the GPU
    /// sleeps or is in reset, and is checked when it is awake.
    ZEUS_AMD_COUNTER_STATE_PENDING = 8,
}

/// Which die of its package a GPU is.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_die_role_t {
    /// The package is this one GPU.
    ZEUS_AMD_DIE_SINGLE = 0,
    /// Of two dies the one that reports power and energy of both.
    ZEUS_AMD_DIE_PRIMARY = 1,
    /// Of two dies the one that reports nothing of its own.
    ZEUS_AMD_DIE_SECONDARY = 2,
}

/// How to open a session. Start from ZEUS_AMD_OPTIONS_INIT; zero is the default
/// of every field.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_options_t {
    /// sizeof(zeus_amd_options_t); ZEUS_AMD_OPTIONS_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_OPEN_..._BIT flags.
    pub flags: u32,
    /// A zeus_amd_backend_t.
    pub backend: u32,
    /// A zeus_amd_validation_t.
    pub validation: u32,
    /// A zeus_amd_energy_resolution_t.
    pub energy_resolution: u32,
    /// How long amdsmi_init may take, and then libamd_smi's list of the GPUs, in
    /// milliseconds each; 0: 10 seconds.
    pub init_timeout_ms: u32,
    /// A libamd_smi.so, or a folder that holds one (itself or in lib/); NULL: look
    /// at the variables ZEUS_AMD_AMDSMI, AMDSMI_LIB_DIR, ROCM_PATH, then in
    /// /opt/rocm, the newest /opt/rocm-*, and ask the dynamic loader.
    pub amdsmi_path: *const c_char,
    /// With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: ROCR_VISIBLE_DEVICES; NULL: not set.
    pub rocr_visible_devices: *const c_char,
    /// With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: HIP_VISIBLE_DEVICES; NULL: not set.
    pub hip_visible_devices: *const c_char,
    /// With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: CUDA_VISIBLE_DEVICES; NULL: not set.
    pub cuda_visible_devices: *const c_char,
}

/// About an open session. Start from ZEUS_AMD_SESSION_INFO_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_session_info_t {
    /// sizeof(zeus_amd_session_info_t); ZEUS_AMD_SESSION_INFO_INIT sets it.
    pub struct_size: u32,
    /// How many GPUs there are; their indices are 0 to this minus 1.
    pub gpu_count: u32,
    /// A zeus_amd_backend_t.
    pub backend: u32,
    /// A zeus_amd_energy_resolution_t.
    pub energy_resolution: u32,
    /// The first three version words of libamd_smi.
    pub amdsmi_version_0: u32,
    /// See amdsmi_version_0.
    pub amdsmi_version_1: u32,
    /// See amdsmi_version_0.
    pub amdsmi_version_2: u32,
    /// Why there is no GPU, as a zeus_amd_status_t; 0 if there is one:
    /// ZEUS_AMD_STATUS_NO_DEVICE, ZEUS_AMD_STATUS_EMPTY_MASK,
    /// ZEUS_AMD_STATUS_MASK_INVALID, ZEUS_AMD_STATUS_NO_ACCESS,
    /// ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED. zeus_amd_explain() has the words.
    pub no_gpu_reason: i32,
    /// The ROCm releases that this version of libamd_smi belongs to.
    pub rocm: [c_char; 32],
    /// The file libamd_smi was loaded from, cut to fit.
    pub amdsmi_path: [c_char; 512],
}

/// unmasked_index is set.
pub const ZEUS_AMD_GPU_INFO_UNMASKED_INDEX_BIT: u32 = 1;
/// amdsmi_index is set.
pub const ZEUS_AMD_GPU_INFO_AMDSMI_INDEX_BIT: u32 = 2;
/// kfd_node is set.
pub const ZEUS_AMD_GPU_INFO_KFD_NODE_BIT: u32 = 4;
/// unique_id and uuid are set.
pub const ZEUS_AMD_GPU_INFO_UNIQUE_ID_BIT: u32 = 8;
/// name is set.
pub const ZEUS_AMD_GPU_INFO_NAME_BIT: u32 = 16;
/// device_id is set.
pub const ZEUS_AMD_GPU_INFO_DEVICE_ID_BIT: u32 = 32;

/// There is no KFD topology: the order is libamd_smi's enumeration.
pub const ZEUS_AMD_GPU_FLAG_ORDER_FROM_ENUMERATION_BIT: u32 = 1;
/// HIP's order is not certain: nothing tells it (the GPUs are in PCI order), or
/// there are GPUs of kinds that the runtimes may drop.
pub const ZEUS_AMD_GPU_FLAG_ORDER_UNCERTAIN_BIT: u32 = 2;

/// Which GPU an index is. Start from ZEUS_AMD_GPU_INFO_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_gpu_info_t {
    /// sizeof(zeus_amd_gpu_info_t); ZEUS_AMD_GPU_INFO_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_GPU_INFO_..._BIT: which of the fields below are set.
    pub valid: u32,
    /// The index that was asked for.
    pub index: u32,
    /// HIP's index if no variable masked any GPU.
    pub unmasked_index: u32,
    /// Its place among the GPUs of libamd_smi and of the amd-smi tool.
    pub amdsmi_index: u32,
    /// Its node in /sys/class/kfd/kfd/topology/nodes.
    pub kfd_node: u32,
    /// Its number among the partitions of its package; 0 if there are none.
    pub partition: u32,
    /// A zeus_amd_die_role_t.
    pub die_role: u32,
    /// A zeus_amd_backend_t: where its readings come from.
    pub source: u32,
    /// A zeus_amd_counter_state_t: is its energy counter to be trusted?
    pub counter_state: u32,
    /// ZEUS_AMD_GPU_FLAG_..._BIT flags.
    pub flags: u32,
    /// The PCI device id, such as 0x74a1.
    pub device_id: u32,
    /// The KFD unique_id.
    pub unique_id: u64,
    /// The market name.
    pub name: [c_char; 256],
    /// domain:bus:device.function in lower-case hex, such as 0000:c1:00.0
    pub pci_address: [c_char; 32],
    /// "GPU-" and 16 hex digits, as ROCm's variables have it.
    pub uuid: [c_char; 64],
    /// Equal for all GPUs of this machine that share one energy counter.
    pub package: [c_char; 64],
}

/// The driver's time has stood still: this is an old reading.
pub const ZEUS_AMD_ENERGY_STALE_BIT: u32 = 1;
/// driver_time_ns is set.
pub const ZEUS_AMD_ENERGY_DRIVER_TIME_BIT: u32 = 2;
/// firmware_time_ns is set.
pub const ZEUS_AMD_ENERGY_FIRMWARE_TIME_BIT: u32 = 4;

/// One reading of an energy accumulator. Start from ZEUS_AMD_ENERGY_RAW_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_energy_raw_t {
    /// sizeof(zeus_amd_energy_raw_t); ZEUS_AMD_ENERGY_RAW_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_ENERGY_..._BIT flags.
    pub flags: u32,
    /// Counts since the counter's own zero (driver load or reset).
    pub accumulator: u64,
    /// Microjoules a count, in the unit that the session was opened with.
    pub resolution_uj: f64,
    /// CLOCK_BOOTTIME in nanoseconds when the driver read the counter.
    pub driver_time_ns: u64,
    /// The firmware's own clock at the counter's value, in nanoseconds.
    pub firmware_time_ns: u64,
}

/// energy_mj is set.
pub const ZEUS_AMD_READING_ENERGY_BIT: u32 = 1;
/// accumulator and resolution_uj are set.
pub const ZEUS_AMD_READING_ACCUMULATOR_BIT: u32 = 2;
/// driver_time_ns is set.
pub const ZEUS_AMD_READING_DRIVER_TIME_BIT: u32 = 4;
/// firmware_time_ns is set.
pub const ZEUS_AMD_READING_FIRMWARE_TIME_BIT: u32 = 8;
/// power_instant_mw is set.
pub const ZEUS_AMD_READING_POWER_INSTANT_BIT: u32 = 16;
/// power_average_mw is set.
pub const ZEUS_AMD_READING_POWER_AVERAGE_BIT: u32 = 32;
/// temperature_c is set.
pub const ZEUS_AMD_READING_TEMPERATURE_BIT: u32 = 64;
/// The driver's time has stood still: the accumulator is an old one, and the
/// other values are left out.
pub const ZEUS_AMD_READING_STALE_BIT: u32 = 128;

/// All that one GPU says at one time. Start the first of an array from
/// ZEUS_AMD_READING_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_reading_t {
    /// sizeof(zeus_amd_reading_t); ZEUS_AMD_READING_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_READING_..._BIT flags: which of the fields below are set.
    pub valid: u32,
    /// ZEUS_AMD_STATUS_OK, or why there is no energy.
    pub status: i32,
    /// As zeus_amd_energy_mj().
    pub energy_mj: u64,
    /// Counts since the counter's own zero, trusted or not.
    pub accumulator: u64,
    /// Microjoules a count, in the unit that the session was opened with.
    pub resolution_uj: f64,
    /// CLOCK_BOOTTIME in nanoseconds when the driver read the values.
    pub driver_time_ns: u64,
    /// The firmware's own clock at the accumulator's value, in nanoseconds.
    pub firmware_time_ns: u64,
    /// As zeus_amd_power_instant_mw().
    pub power_instant_mw: u64,
    /// As zeus_amd_power_average_mw().
    pub power_average_mw: u64,
    /// As zeus_amd_temperature_c().
    pub temperature_c: i32,
    /// Zero.
    pub reserved: u32,
}

/// How an energy was found.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum zeus_amd_method_t {
    /// There is no energy; the status says why.
    ZEUS_AMD_METHOD_NONE = 0,
    /// The difference of the energy counter.
    ZEUS_AMD_METHOD_COUNTER = 1,
    /// Power, sampled and added up: the counter cannot be trusted.
    ZEUS_AMD_METHOD_INTEGRATED = 2,
    /// Power at both ends times the duration: the window is too short for the
    /// counter, or nobody sampled.
    ZEUS_AMD_METHOD_ESTIMATED = 3,
}

/// The bound is more than a tenth of the energy: too short a time to say more.
pub const ZEUS_AMD_ENERGY_FLAG_SHORT_BIT: u32 = 1;
/// The counter was reset in between; the energy over the reset is from the power,
/// and the bound covers it.
pub const ZEUS_AMD_ENERGY_FLAG_RESET_BIT: u32 = 2;
/// The package has more than one GPU (dies, partitions), in the session or not,
/// and this is the energy of all of them.
pub const ZEUS_AMD_ENERGY_FLAG_SHARED_PACKAGE_BIT: u32 = 4;
/// The counter was found wrong in between, and is not used any more.
pub const ZEUS_AMD_ENERGY_FLAG_DISTRUSTED_BIT: u32 = 8;
/// The driver repeats an old reading at the end, or cannot give one (the GPU is
/// asleep, in reset or gone).
pub const ZEUS_AMD_ENERGY_FLAG_STALE_BIT: u32 = 16;
/// Nobody could look for more than a quarter of a second, so the integral has a
/// gap; the bound covers it.
pub const ZEUS_AMD_ENERGY_FLAG_GAP_BIT: u32 = 32;
/// From a power that the firmware averages over seconds (MI200 and earlier).
pub const ZEUS_AMD_ENERGY_FLAG_AVERAGED_POWER_BIT: u32 = 64;
/// Counts are taken as 2^-16 J, not as the unit that is reported.
pub const ZEUS_AMD_ENERGY_FLAG_FIRMWARE_UNIT_BIT: u32 = 128;
/// The duration is by the firmware's clock, whose times belong to the counts.
pub const ZEUS_AMD_ENERGY_FLAG_FIRMWARE_TIME_BIT: u32 = 256;
/// Of a total: at least one package has no energy.
pub const ZEUS_AMD_ENERGY_FLAG_INCOMPLETE_BIT: u32 = 512;

/// What one GPU used in a time. Start from ZEUS_AMD_GPU_ENERGY_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_gpu_energy_t {
    /// sizeof(zeus_amd_gpu_energy_t); ZEUS_AMD_GPU_ENERGY_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_ENERGY_FLAG_..._BIT flags.
    pub flags: u32,
    /// A zeus_amd_method_t.
    pub method: u32,
    /// A zeus_amd_counter_state_t: of its energy counter, at the end.
    pub counter_state: u32,
    /// ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy.
    pub status: i32,
    /// Energy of the package in millijoules, from begin_ns to end_ns.
    pub energy_mj: u64,
    /// The energy is no further off than this, in millijoules: between begin_ns
    /// and end_ns, and also between the calls, whose times are others. With
    /// ZEUS_AMD_METHOD_INTEGRATED as far as the samples show.
    pub uncertainty_mj: u64,
    /// The time that the energy belongs to, in nanoseconds.
    pub duration_ns: u64,
    /// Energy over duration, in milliwatts.
    pub mean_power_mw: u64,
    /// CLOCK_BOOTTIME of the first reading: the driver's time of the counter, a
    /// few milliseconds before the call.
    pub begin_ns: u64,
    /// The same of the last reading.
    pub end_ns: u64,
    /// Microjoules a count, as it was used; 0 if no counter was.
    pub resolution_uj: f64,
}

/// What all packages used in a time, each counted once. Start from
/// ZEUS_AMD_TOTAL_ENERGY_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_total_energy_t {
    /// sizeof(zeus_amd_total_energy_t); ZEUS_AMD_TOTAL_ENERGY_INIT sets it.
    pub struct_size: u32,
    /// ZEUS_AMD_ENERGY_FLAG_..._BIT flags that any of the GPUs has.
    pub flags: u32,
    /// How many packages the sum is of.
    pub packages: u32,
    /// How many packages of the session have no energy and are not in the sum:
    /// ZEUS_AMD_ENERGY_FLAG_INCOMPLETE_BIT.
    pub missing: u32,
    /// The sum, in millijoules.
    pub energy_mj: u64,
    /// The sum of the bounds, in millijoules.
    pub uncertainty_mj: u64,
    /// From the return of the begin to the call of the end, in nanoseconds.
    pub duration_ns: u64,
    /// The sum of the mean powers, in milliwatts.
    pub mean_power_mw: u64,
}

/// How to sample. Start from ZEUS_AMD_SAMPLER_OPTIONS_INIT; zero is the default of
/// every field.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_sampler_options_t {
    /// sizeof(zeus_amd_sampler_options_t); ZEUS_AMD_SAMPLER_OPTIONS_INIT sets it.
    pub struct_size: u32,
    /// How many samples are kept, of all GPUs together; 0: 65536. The oldest go
    /// first.
    pub capacity: u32,
    /// The time between two samples of a GPU, in nanoseconds, at least 100000; 0:
    /// as fast as its readings change, but no more than a tenth of a processor.
    pub period_ns: u64,
}

/// energy_uj is set.
pub const ZEUS_AMD_SAMPLE_ENERGY_BIT: u32 = 1;
/// power_mw is set.
pub const ZEUS_AMD_SAMPLE_POWER_BIT: u32 = 2;
/// counter_power_mw is set.
pub const ZEUS_AMD_SAMPLE_COUNTER_POWER_BIT: u32 = 4;
/// The energy since the sample before is from the power, not from the counter.
pub const ZEUS_AMD_SAMPLE_INTEGRATED_BIT: u32 = 8;
/// The counter was reset since the sample before.
pub const ZEUS_AMD_SAMPLE_RESET_BIT: u32 = 16;
/// More than a quarter of a second went by since the sample before.
pub const ZEUS_AMD_SAMPLE_GAP_BIT: u32 = 32;
/// power_mw is one that the firmware averages over seconds.
pub const ZEUS_AMD_SAMPLE_AVERAGED_POWER_BIT: u32 = 64;

/// One GPU at one time. Start the first of an array from ZEUS_AMD_SAMPLE_INIT.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct zeus_amd_sample_t {
    /// sizeof(zeus_amd_sample_t); ZEUS_AMD_SAMPLE_INIT sets it.
    pub struct_size: u32,
    /// The index of the GPU.
    pub gpu: u32,
    /// ZEUS_AMD_SAMPLE_..._BIT flags: what is set, and how it came about.
    pub flags: u32,
    /// Zero.
    pub reserved: u32,
    /// CLOCK_BOOTTIME of the reading in nanoseconds: the driver's, or where it
    /// gives none when it was read.
    pub time_ns: u64,
    /// Energy since the sampler's first sample of the GPU, in microjoules.
    pub energy_uj: u64,
    /// What the GPU's power sensor says, in milliwatts.
    pub power_mw: u64,
    /// What the energy counter says of the time since the sample before, in
    /// milliwatts: it follows the load at once where the sensor averages.
    pub counter_power_mw: u64,
}

macro_rules! sized {
    ($($t:ty, $init:literal, $first:literal;)*) => { $(
        // SAFETY: repr(C), begins with struct_size, integers, floats and pointers that are only used after a check.
        unsafe impl VersionedStruct for $t {
            const NAME: &'static str = stringify!($t);
            const INIT: &'static str = $init;
            const FIRST_SIZE: usize = $first;
        }
        const _: () = assert!(size_of::<$t>() >= $first);
    )* };
}

use std::mem::size_of;

// The sizes of the first release. They never change.
sized! {
    zeus_amd_options_t, "ZEUS_AMD_OPTIONS_INIT", 56;
    zeus_amd_session_info_t, "ZEUS_AMD_SESSION_INFO_INIT", 576;
    zeus_amd_gpu_info_t, "ZEUS_AMD_GPU_INFO_INIT", 472;
    zeus_amd_energy_raw_t, "ZEUS_AMD_ENERGY_RAW_INIT", 40;
    zeus_amd_reading_t, "ZEUS_AMD_READING_INIT", 80;
    zeus_amd_gpu_energy_t, "ZEUS_AMD_GPU_ENERGY_INIT", 80;
    zeus_amd_total_energy_t, "ZEUS_AMD_TOTAL_ENERGY_INIT", 48;
    zeus_amd_sampler_options_t, "ZEUS_AMD_SAMPLER_OPTIONS_INIT", 16;
    zeus_amd_sample_t, "ZEUS_AMD_SAMPLE_INIT", 48;
}
