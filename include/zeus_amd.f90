! SPDX-License-Identifier: Apache-2.0
!
! zeus_amd.h for Fortran 2018: measures and controls power and energy of AMD GPUs.
!
!     use zeus_amd
!     type(zeus_amd_session_t) :: z
!     type(zeus_amd_window_t) :: w
!     type(zeus_amd_total_energy_t) :: used
!     if (zeus_amd_open(z) /= ZEUS_AMD_STATUS_OK) stop "no session"
!     if (zeus_amd_window_begin(z, w) /= ZEUS_AMD_STATUS_OK) print *, zeus_amd_last_error()
!     call work()
!     if (zeus_amd_window_end(w, used) == ZEUS_AMD_STATUS_OK) print *, real(used%energy_mj) / 1e3, " J"
!     call zeus_amd_close(z)
!
! Names, units and meanings are those of zeus_amd.h, which documents each. The differences:
! - GPUs are numbered from 0, as in HIP and C.
! - Texts are character(len=*) in (trailing blanks are ignored) and allocatable out. zeus_amd_text(info%name) converts a
!   text of a struct.
! - Arguments that may be NULL in C are optional, and come last; the session comes first in zeus_amd_open().
! - Structs need no INIT macro. A handle is null after it was closed.
! - Fortran has no unsigned integers; only unique_id may exceed the signed range (print it with z16.16).
!
! Compile this file with your own, and link with -lzeus_amd.
module zeus_amd
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_f_pointer, c_funloc, c_funptr, c_int32_t, &
    c_int64_t, c_loc, c_null_char, c_null_funptr, c_null_ptr, c_ptr, c_size_t
  implicit none
  private
  public :: zeus_amd_close, zeus_amd_counter_state_string, zeus_amd_energy_raw, zeus_amd_explain, &
    zeus_amd_find_by_pci, zeus_amd_find_by_uuid, zeus_amd_gpu_count, zeus_amd_gpu_info, &
    zeus_amd_guard_begin, zeus_amd_guard_end, zeus_amd_guard_info, zeus_amd_last_error, &
    zeus_amd_lock_graphics_clocks_mhz, zeus_amd_lock_memory_clocks_mhz, zeus_amd_log_fn, &
    zeus_amd_method_string, zeus_amd_now_ns, zeus_amd_open, zeus_amd_probe, zeus_amd_read_all, &
    zeus_amd_reset_clocks, zeus_amd_reset_graphics_clocks, zeus_amd_reset_memory_clocks, &
    zeus_amd_reset_power_limit, zeus_amd_sampler_drain, zeus_amd_sampler_energy_between, &
    zeus_amd_sampler_free, zeus_amd_sampler_start, zeus_amd_sampler_stop, zeus_amd_session_info, &
    zeus_amd_set_log, zeus_amd_set_persistence_mode, zeus_amd_set_power_limit_mw, &
    zeus_amd_status_string, zeus_amd_text, zeus_amd_version, zeus_amd_version_string, &
    zeus_amd_window_begin, zeus_amd_window_end, zeus_amd_window_lap, zeus_amd_window_read, &
    zeus_amd_window_restart, zeus_amd_limit_counts, zeus_amd_limited_time, zeus_amd_node_domain_count, &
    zeus_amd_node_domain_info, zeus_amd_node_domain_kind_string, zeus_amd_node_energy_uj, &
    zeus_amd_node_power_mw, zeus_amd_node_window_begin, zeus_amd_node_window_end, &
    zeus_amd_node_window_gpus, zeus_amd_node_window_read

  ! The version of this file.
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VERSION_MAJOR = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VERSION_MINOR = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VERSION_PATCH = 0

  ! zeus_amd_status_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_OK = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_INVALID_ARGUMENT = -1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_STRUCT_VERSION = -2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NOT_FOUND = -3
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NOT_SUPPORTED = -4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NO_PERMISSION = -5
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NOT_INITIALIZED = -6
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_BUSY = -7
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_TIMEOUT = -8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NO_MEMORY = -9
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_IO = -10
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND = -11
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_LIBRARY_VERSION = -12
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_DRIVER_NOT_LOADED = -13
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_DEVICE_LOST = -14
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_BUFFER_TOO_SMALL = -16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_FORKED = -17
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_HETEROGENEOUS = -18
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE = -19
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_LIBRARY_INVALID = -20
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_LIBRARY_SYMBOLS = -21
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NO_DEVICE = -22
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_OUT_OF_RANGE = -23
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_STALE = -24
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_UNEXPECTED_DATA = -25
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_EMPTY_MASK = -26
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_MASK_INVALID = -27
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NO_ACCESS = -28
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED = -29
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NOT_APPLIED = -30
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_NOT_READY = -31
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_UNKNOWN = -98
  integer(c_int32_t), parameter, public :: ZEUS_AMD_STATUS_INTERNAL = -99

  ! zeus_amd_backend_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_BACKEND_AUTO = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_BACKEND_AMDSMI = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_BACKEND_SYSFS = 2

  ! zeus_amd_validation_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VALIDATION_DEFAULT = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VALIDATION_FIXED = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VALIDATION_OFF = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VALIDATION_ADAPTIVE = 3
  integer(c_int32_t), parameter, public :: ZEUS_AMD_VALIDATION_BACKGROUND = 4

  ! zeus_amd_energy_resolution_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RESOLUTION_REPORTED = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE = 2

  ! zeus_amd_counter_state_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_NOT_CHECKED = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_TRUSTED = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_STUCK = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE = 3
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_UNSUPPORTED = 5
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE = 6
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION = 7
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_PENDING = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_COUNTER_STATE_UNREADABLE = 9

  ! zeus_amd_die_role_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_DIE_SINGLE = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_DIE_PRIMARY = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_DIE_SECONDARY = 2

  ! zeus_amd_method_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_METHOD_NONE = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_METHOD_COUNTER = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_METHOD_INTEGRATED = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_METHOD_ESTIMATED = 3

  ! zeus_amd_log_level_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LOG_ERROR = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LOG_WARNING = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LOG_INFO = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LOG_DEBUG = 3

  ! zeus_amd_node_domain_kind_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_NODE = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_CPU = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_MEMORY = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_ACCELERATOR = 3
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_CPU_PACKAGE = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_CPU_CORES = 5
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_UNCORE = 6
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_DRAM = 7
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_PLATFORM = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_GPU = 9
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_OTHER = 10

  ! zeus_amd_node_source_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SOURCE_PM_COUNTERS = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SOURCE_POWERCAP = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SOURCE_GPU = 2

  ! zeus_amd_node_scope_t
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SCOPE_NONE = 0
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SCOPE_GPUS = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SCOPE_PARTS = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_SCOPE_NODE = 3

  ! zeus_amd_options_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_OPEN_WAKE_SUSPENDED_BIT = 16

  ! zeus_amd_session_info_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT = 1

  ! zeus_amd_session_info_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SESSION_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT = 2

  ! zeus_amd_gpu_info_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_VALID_NAME_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_VALID_DEVICE_ID_BIT = 32

  ! zeus_amd_gpu_info_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_INFO_FLAG_ORDER_UNCERTAIN_BIT = 2

  ! zeus_amd_energy_raw_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RAW_VALID_ACCUMULATOR_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RAW_VALID_DRIVER_TIME_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RAW_VALID_FIRMWARE_TIME_BIT = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RAW_VALID_RESOLUTION_BIT = 512

  ! zeus_amd_energy_raw_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_ENERGY_RAW_FLAG_FIRMWARE_RESOLUTION_BIT = 128

  ! zeus_amd_reading_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_ENERGY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT = 32
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_TEMPERATURE_BIT = 64
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_VALID_RESOLUTION_BIT = 512

  ! zeus_amd_reading_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_FLAG_STALE_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT = 128
  integer(c_int32_t), parameter, public :: ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT = 256

  ! zeus_amd_gpu_energy_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT = 512

  ! zeus_amd_gpu_energy_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT = 32
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT = 64
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT = 128
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT = 256
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT = 2048

  ! zeus_amd_total_energy_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT = 1

  ! zeus_amd_total_energy_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_RESET_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_SHARED_PACKAGE_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_COUNTER_REJECTED_BIT = 8
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_STALE_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_SAMPLING_GAP_BIT = 32
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_AVERAGED_POWER_BIT = 64
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT = 128
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_DURATION_BIT = 256
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_POLLED_AGAIN_BIT = 2048
  integer(c_int32_t), parameter, public :: ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT = 512

  ! zeus_amd_sample_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_VALID_POWER_BIT = 128
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT = 256

  ! zeus_amd_sample_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_FLAG_RESET_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT = 32
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT = 64
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT = 128
  integer(c_int32_t), parameter, public :: ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT = 1024

  ! zeus_amd_guard_begin()
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_WATCHER_BIT = 1

  ! zeus_amd_guard_info_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_INFO_VALID_POWER_LIMIT_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_INFO_VALID_GRAPHICS_CLOCKS_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_INFO_VALID_MEMORY_CLOCKS_BIT = 4

  ! zeus_amd_guard_info_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_INFO_FLAG_WATCHER_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_GUARD_INFO_FLAG_FOREIGN_GUARDS_BIT = 4

  ! zeus_amd_limit_counts_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_VALID_DRIVER_TIME_BIT = 4
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_VALID_PROCHOT_BIT = 65536
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_VALID_PPT_BIT = 131072
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_VALID_SOCKET_THERMAL_BIT = 262144
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_VALID_VR_THERMAL_BIT = 524288
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_VALID_HBM_THERMAL_BIT = 1048576

  ! zeus_amd_limit_counts_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMIT_COUNTS_FLAG_STALE_BIT = 16

  ! zeus_amd_limited_time_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_VALID_DURATION_BIT = 2097152
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_VALID_PROCHOT_BIT = 65536
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT = 131072
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_VALID_SOCKET_THERMAL_BIT = 262144
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_VALID_VR_THERMAL_BIT = 524288
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT = 1048576

  ! zeus_amd_limited_time_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_LIMITED_TIME_FLAG_RESET_BIT = 2

  ! zeus_amd_node_domain_info_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_INFO_VALID_PARENT_BIT = 1024
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_INFO_VALID_GPU_BIT = 2048
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_INFO_VALID_REFRESH_BIT = 4096

  ! zeus_amd_node_domain_info_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_WRAPS_BIT = 8192

  ! zeus_amd_node_total_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT = 1

  ! zeus_amd_node_total_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_TOTAL_FLAG_HIGH_UNCERTAINTY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT = 512

  ! zeus_amd_node_energy_t%valid
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT = 1

  ! zeus_amd_node_energy_t%flags
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT = 1
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_ENERGY_FLAG_RESET_BIT = 2
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_ENERGY_FLAG_STALE_BIT = 16
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_ENERGY_FLAG_SAMPLING_GAP_BIT = 32
  integer(c_int32_t), parameter, public :: ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT = 16384

  type, bind(c), public :: zeus_amd_options_t
    integer(c_int32_t) :: struct_size = 64
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: backend = 0
    integer(c_int32_t) :: validation = 0
    integer(c_int32_t) :: energy_resolution = 0
    integer(c_int32_t) :: init_timeout_ms = 0
    type(c_ptr) :: amdsmi_path = c_null_ptr
    type(c_ptr) :: runtime_version = c_null_ptr
    type(c_ptr) :: rocr_visible_devices = c_null_ptr
    type(c_ptr) :: hip_visible_devices = c_null_ptr
    type(c_ptr) :: cuda_visible_devices = c_null_ptr
  end type zeus_amd_options_t

  type, bind(c), public :: zeus_amd_session_info_t
    integer(c_int32_t) :: struct_size = 592
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: gpu_count = 0
    integer(c_int32_t) :: backend = 0
    integer(c_int32_t) :: energy_resolution = 0
    integer(c_int32_t) :: amdsmi_version_0 = 0
    integer(c_int32_t) :: amdsmi_version_1 = 0
    integer(c_int32_t) :: amdsmi_version_2 = 0
    integer(c_int32_t) :: no_gpu_reason = 0
    integer(c_int32_t) :: amdsmi_status = 0
    integer(c_int32_t) :: reserved = 0
    character(kind=c_char) :: rocm(32) = c_null_char
    character(kind=c_char) :: amdsmi_path(512) = c_null_char
  end type zeus_amd_session_info_t

  type, bind(c), public :: zeus_amd_gpu_info_t
    integer(c_int32_t) :: struct_size = 472
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: index = 0
    integer(c_int32_t) :: unmasked_index = 0
    integer(c_int32_t) :: amdsmi_index = 0
    integer(c_int32_t) :: kfd_node = 0
    integer(c_int32_t) :: partition = 0
    integer(c_int32_t) :: die_role = 0
    integer(c_int32_t) :: source = 0
    integer(c_int32_t) :: counter_state = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: device_id = 0
    integer(c_int64_t) :: unique_id = 0_c_int64_t
    character(kind=c_char) :: name(256) = c_null_char
    character(kind=c_char) :: pci_address(32) = c_null_char
    character(kind=c_char) :: uuid(64) = c_null_char
    character(kind=c_char) :: package(64) = c_null_char
  end type zeus_amd_gpu_info_t

  type, bind(c), public :: zeus_amd_energy_raw_t
    integer(c_int32_t) :: struct_size = 48
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: accumulator = 0_c_int64_t
    real(c_double) :: resolution_uj = 0.0_c_double
    integer(c_int64_t) :: driver_time_ns = 0_c_int64_t
    integer(c_int64_t) :: firmware_time_ns = 0_c_int64_t
  end type zeus_amd_energy_raw_t

  type, bind(c), public :: zeus_amd_reading_t
    integer(c_int32_t) :: struct_size = 88
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: status = 0
    integer(c_int32_t) :: counter_state = 0
    integer(c_int32_t) :: temperature_c = 0
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: energy_mj = 0_c_int64_t
    integer(c_int64_t) :: accumulator = 0_c_int64_t
    real(c_double) :: resolution_uj = 0.0_c_double
    integer(c_int64_t) :: driver_time_ns = 0_c_int64_t
    integer(c_int64_t) :: firmware_time_ns = 0_c_int64_t
    integer(c_int64_t) :: power_instant_mw = 0_c_int64_t
    integer(c_int64_t) :: power_average_mw = 0_c_int64_t
  end type zeus_amd_reading_t

  type, bind(c), public :: zeus_amd_total_energy_t
    integer(c_int32_t) :: struct_size = 56
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: packages = 0
    integer(c_int32_t) :: missing = 0
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: energy_mj = 0_c_int64_t
    integer(c_int64_t) :: uncertainty_mj = 0_c_int64_t
    integer(c_int64_t) :: duration_ns = 0_c_int64_t
    integer(c_int64_t) :: mean_power_mw = 0_c_int64_t
  end type zeus_amd_total_energy_t

  type, bind(c), public :: zeus_amd_gpu_energy_t
    integer(c_int32_t) :: struct_size = 88
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: method = 0
    integer(c_int32_t) :: counter_state = 0
    integer(c_int32_t) :: status = 0
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: energy_mj = 0_c_int64_t
    integer(c_int64_t) :: uncertainty_mj = 0_c_int64_t
    integer(c_int64_t) :: duration_ns = 0_c_int64_t
    integer(c_int64_t) :: mean_power_mw = 0_c_int64_t
    integer(c_int64_t) :: begin_ns = 0_c_int64_t
    integer(c_int64_t) :: end_ns = 0_c_int64_t
    real(c_double) :: resolution_uj = 0.0_c_double
  end type zeus_amd_gpu_energy_t

  type, bind(c), public :: zeus_amd_sampler_options_t
    integer(c_int32_t) :: struct_size = 16
    integer(c_int32_t) :: capacity = 0
    integer(c_int64_t) :: period_ns = 0_c_int64_t
  end type zeus_amd_sampler_options_t

  type, bind(c), public :: zeus_amd_sample_t
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: time_ns = 0_c_int64_t
    integer(c_int64_t) :: energy_uj = 0_c_int64_t
    integer(c_int64_t) :: power_mw = 0_c_int64_t
    integer(c_int64_t) :: counter_power_mw = 0_c_int64_t
    integer(c_int64_t) :: counter_power_uncertainty_mw = 0_c_int64_t
    integer(c_int64_t) :: power_begin_ns = 0_c_int64_t
    integer(c_int64_t) :: power_end_ns = 0_c_int64_t
  end type zeus_amd_sample_t

  type, bind(c), public :: zeus_amd_guard_info_t
    integer(c_int32_t) :: struct_size = 40
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: power_limit_mw = 0_c_int64_t
    integer(c_int32_t) :: graphics_min_mhz = 0
    integer(c_int32_t) :: graphics_max_mhz = 0
    integer(c_int32_t) :: memory_min_mhz = 0
    integer(c_int32_t) :: memory_max_mhz = 0
  end type zeus_amd_guard_info_t

  type, bind(c), public :: zeus_amd_limit_counts_t
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: driver_time_ns = 0_c_int64_t
    integer(c_int64_t) :: cycles = 0_c_int64_t
    integer(c_int64_t) :: prochot_cycles = 0_c_int64_t
    integer(c_int64_t) :: ppt_cycles = 0_c_int64_t
    integer(c_int64_t) :: socket_thermal_cycles = 0_c_int64_t
    integer(c_int64_t) :: vr_thermal_cycles = 0_c_int64_t
    integer(c_int64_t) :: hbm_thermal_cycles = 0_c_int64_t
  end type zeus_amd_limit_counts_t

  type, bind(c), public :: zeus_amd_limited_time_t
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int64_t) :: duration_ns = 0_c_int64_t
    integer(c_int64_t) :: cycles = 0_c_int64_t
    integer(c_int64_t) :: prochot_cycles = 0_c_int64_t
    integer(c_int64_t) :: ppt_cycles = 0_c_int64_t
    integer(c_int64_t) :: socket_thermal_cycles = 0_c_int64_t
    integer(c_int64_t) :: vr_thermal_cycles = 0_c_int64_t
    integer(c_int64_t) :: hbm_thermal_cycles = 0_c_int64_t
  end type zeus_amd_limited_time_t

  type, bind(c), public :: zeus_amd_node_domain_info_t
    integer(c_int32_t) :: struct_size = 384
    integer(c_int32_t) :: domain = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: kind = 0
    integer(c_int32_t) :: source = 0
    integer(c_int32_t) :: status = 0
    integer(c_int32_t) :: parent = 0
    integer(c_int32_t) :: gpu = 0
    integer(c_int32_t) :: reserved = 0
    integer(c_int64_t) :: refresh_ns = 0_c_int64_t
    integer(c_int64_t) :: step_uj = 0_c_int64_t
    integer(c_int64_t) :: max_power_mw = 0_c_int64_t
    character(kind=c_char) :: name(64) = c_null_char
    character(kind=c_char) :: path(256) = c_null_char
  end type zeus_amd_node_domain_info_t

  type, bind(c), public :: zeus_amd_node_total_t
    integer(c_int32_t) :: struct_size = 72
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: scope = 0
    integer(c_int32_t) :: domains = 0
    integer(c_int32_t) :: missing = 0
    integer(c_int64_t) :: energy_uj = 0_c_int64_t
    integer(c_int64_t) :: uncertainty_uj = 0_c_int64_t
    integer(c_int64_t) :: duration_ns = 0_c_int64_t
    integer(c_int64_t) :: mean_power_mw = 0_c_int64_t
    integer(c_int64_t) :: beside_uj = 0_c_int64_t
    integer(c_int64_t) :: beside_uncertainty_uj = 0_c_int64_t
  end type zeus_amd_node_total_t

  type, bind(c), public :: zeus_amd_node_energy_t
    integer(c_int32_t) :: struct_size = 56
    integer(c_int32_t) :: domain = 0
    integer(c_int32_t) :: valid = 0
    integer(c_int32_t) :: flags = 0
    integer(c_int32_t) :: method = 0
    integer(c_int32_t) :: status = 0
    integer(c_int64_t) :: energy_uj = 0_c_int64_t
    integer(c_int64_t) :: uncertainty_uj = 0_c_int64_t
    integer(c_int64_t) :: duration_ns = 0_c_int64_t
    integer(c_int64_t) :: mean_power_mw = 0_c_int64_t
  end type zeus_amd_node_energy_t

  ! Handles: pointers in C.
  type, bind(c), public :: zeus_amd_session_t ! An open session: zeus_amd_open() to zeus_amd_close().
    type(c_ptr) :: handle = c_null_ptr
  end type zeus_amd_session_t

  type, bind(c), public :: zeus_amd_window_t ! zeus_amd_window_begin() to zeus_amd_window_end().
    type(c_ptr) :: handle = c_null_ptr
  end type zeus_amd_window_t

  type, bind(c), public :: zeus_amd_node_window_t ! zeus_amd_node_window_begin() to zeus_amd_node_window_end().
    type(c_ptr) :: handle = c_null_ptr
  end type zeus_amd_node_window_t

  type, bind(c), public :: zeus_amd_sampler_t ! zeus_amd_sampler_start() to zeus_amd_sampler_free().
    type(c_ptr) :: handle = c_null_ptr
  end type zeus_amd_sampler_t

  type, bind(c), public :: zeus_amd_guard_t ! zeus_amd_guard_begin() to zeus_amd_guard_end().
    type(c_ptr) :: handle = c_null_ptr
  end type zeus_amd_guard_t

  abstract interface
    ! Receives messages: a ZEUS_AMD_LOG_..., and the text.
    subroutine zeus_amd_log_fn(level, text)
      import
      integer(c_int32_t), intent(in) :: level
      character(len=*), intent(in) :: text
    end subroutine zeus_amd_log_fn
  end interface

  interface
    function zeus_amd_version() bind(c) result(version)
      import
      integer(c_int32_t) :: version
    end function zeus_amd_version

    function c_version_string() bind(c, name="zeus_amd_version_string") result(text)
      import
      type(c_ptr) :: text
    end function c_version_string

    function c_status_string(status) bind(c, name="zeus_amd_status_string") result(text)
      import
      integer(c_int32_t), value :: status
      type(c_ptr) :: text
    end function c_status_string

    function c_method_string(method) bind(c, name="zeus_amd_method_string") result(text)
      import
      integer(c_int32_t), value :: method
      type(c_ptr) :: text
    end function c_method_string

    function c_node_domain_kind_string(kind) bind(c, name="zeus_amd_node_domain_kind_string") result(text)
      import
      integer(c_int32_t), value :: kind
      type(c_ptr) :: text
    end function c_node_domain_kind_string

    function c_counter_state_string(counter_state) bind(c, name="zeus_amd_counter_state_string") result(text)
      import
      integer(c_int32_t), value :: counter_state
      type(c_ptr) :: text
    end function c_counter_state_string

    function c_last_error(text, length) bind(c, name="zeus_amd_last_error") result(needed)
      import
      character(kind=c_char), intent(out) :: text(*)
      integer(c_size_t), value :: length
      integer(c_size_t) :: needed
    end function c_last_error

    function c_set_log(callback, level, user) bind(c, name="zeus_amd_set_log") result(status)
      import
      type(c_funptr), value :: callback
      integer(c_int32_t), value :: level
      type(c_ptr), value :: user
      integer(c_int32_t) :: status
    end function c_set_log

    function c_open(options, session) bind(c, name="zeus_amd_open") result(status)
      import
      type(zeus_amd_options_t), intent(in), optional :: options
      type(zeus_amd_session_t), intent(out) :: session
      integer(c_int32_t) :: status
    end function c_open

    subroutine c_close(session) bind(c, name="zeus_amd_close")
      import
      type(zeus_amd_session_t), value :: session
    end subroutine c_close

    function c_probe(options) bind(c, name="zeus_amd_probe") result(status)
      import
      type(zeus_amd_options_t), intent(in), optional :: options
      integer(c_int32_t) :: status
    end function c_probe

    function zeus_amd_session_info(session, info) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      type(zeus_amd_session_info_t), intent(inout) :: info
      integer(c_int32_t) :: status
    end function zeus_amd_session_info

    function zeus_amd_gpu_count(session, count) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), intent(out) :: count
      integer(c_int32_t) :: status
    end function zeus_amd_gpu_count

    function zeus_amd_gpu_info(session, gpu, info) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      type(zeus_amd_gpu_info_t), intent(inout) :: info
      integer(c_int32_t) :: status
    end function zeus_amd_gpu_info

    function c_find_by_pci(session, pci_address, gpu) bind(c, name="zeus_amd_find_by_pci") result(status)
      import
      type(zeus_amd_session_t), value :: session
      character(kind=c_char), intent(in) :: pci_address(*)
      integer(c_int32_t), intent(out) :: gpu
      integer(c_int32_t) :: status
    end function c_find_by_pci

    function c_find_by_uuid(session, uuid, gpu) bind(c, name="zeus_amd_find_by_uuid") result(status)
      import
      type(zeus_amd_session_t), value :: session
      character(kind=c_char), intent(in) :: uuid(*)
      integer(c_int32_t), intent(out) :: gpu
      integer(c_int32_t) :: status
    end function c_find_by_uuid

    function c_explain(session, text, length, needed) bind(c, name="zeus_amd_explain") result(status)
      import
      type(zeus_amd_session_t), value :: session
      character(kind=c_char), intent(out) :: text(*)
      integer(c_size_t), value :: length
      integer(c_size_t), intent(out) :: needed
      integer(c_int32_t) :: status
    end function c_explain

    function zeus_amd_energy_raw(session, gpu, energy) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      type(zeus_amd_energy_raw_t), intent(inout) :: energy
      integer(c_int32_t) :: status
    end function zeus_amd_energy_raw

    function c_read_all(session, readings, count) bind(c, name="zeus_amd_read_all") result(status)
      import
      type(zeus_amd_session_t), value :: session
      type(zeus_amd_reading_t), intent(inout) :: readings(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function c_read_all

    function zeus_amd_set_power_limit_mw(session, gpu, limit_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), value :: limit_mw
      integer(c_int32_t) :: status
    end function zeus_amd_set_power_limit_mw

    function zeus_amd_reset_power_limit(session, gpu) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t) :: status
    end function zeus_amd_reset_power_limit

    function zeus_amd_set_persistence_mode(session, gpu, enabled) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), value :: enabled
      integer(c_int32_t) :: status
    end function zeus_amd_set_persistence_mode

    function zeus_amd_lock_memory_clocks_mhz(session, gpu, min_mhz, max_mhz) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), value :: min_mhz
      integer(c_int32_t), value :: max_mhz
      integer(c_int32_t) :: status
    end function zeus_amd_lock_memory_clocks_mhz

    function zeus_amd_lock_graphics_clocks_mhz(session, gpu, min_mhz, max_mhz) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), value :: min_mhz
      integer(c_int32_t), value :: max_mhz
      integer(c_int32_t) :: status
    end function zeus_amd_lock_graphics_clocks_mhz

    function zeus_amd_reset_memory_clocks(session, gpu) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t) :: status
    end function zeus_amd_reset_memory_clocks

    function zeus_amd_reset_graphics_clocks(session, gpu) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t) :: status
    end function zeus_amd_reset_graphics_clocks

    function zeus_amd_reset_clocks(session, gpu) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t) :: status
    end function zeus_amd_reset_clocks

    function zeus_amd_window_begin(session, window) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      type(zeus_amd_window_t), intent(out) :: window
      integer(c_int32_t) :: status
    end function zeus_amd_window_begin

    function zeus_amd_window_restart(window) bind(c) result(status)
      import
      type(zeus_amd_window_t), value :: window
      integer(c_int32_t) :: status
    end function zeus_amd_window_restart

    function c_window_read(window, total, gpus, count) bind(c, name="zeus_amd_window_read") result(status)
      import
      type(zeus_amd_window_t), value :: window
      type(zeus_amd_total_energy_t), intent(inout), optional :: total
      type(zeus_amd_gpu_energy_t), intent(inout), optional :: gpus(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function c_window_read

    function c_window_lap(window, total, gpus, count) bind(c, name="zeus_amd_window_lap") result(status)
      import
      type(zeus_amd_window_t), value :: window
      type(zeus_amd_total_energy_t), intent(inout), optional :: total
      type(zeus_amd_gpu_energy_t), intent(inout), optional :: gpus(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function c_window_lap

    function c_window_end(window, total, gpus, count) bind(c, name="zeus_amd_window_end") result(status)
      import
      type(zeus_amd_window_t), value :: window
      type(zeus_amd_total_energy_t), intent(inout), optional :: total
      type(zeus_amd_gpu_energy_t), intent(inout), optional :: gpus(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function c_window_end

    function zeus_amd_limit_counts(session, gpu, counts) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      type(zeus_amd_limit_counts_t), intent(inout) :: counts
      integer(c_int32_t) :: status
    end function zeus_amd_limit_counts

    function zeus_amd_limited_time(begin, end, limited) bind(c) result(status)
      import
      type(zeus_amd_limit_counts_t), intent(in) :: begin
      type(zeus_amd_limit_counts_t), intent(in) :: end
      type(zeus_amd_limited_time_t), intent(inout) :: limited
      integer(c_int32_t) :: status
    end function zeus_amd_limited_time

    function zeus_amd_node_domain_count(session, count) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), intent(out) :: count
      integer(c_int32_t) :: status
    end function zeus_amd_node_domain_count

    function zeus_amd_node_domain_info(session, domain, info) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: domain
      type(zeus_amd_node_domain_info_t), intent(inout) :: info
      integer(c_int32_t) :: status
    end function zeus_amd_node_domain_info

    function zeus_amd_node_energy_uj(session, domain, energy_uj, uncertainty_uj) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: domain
      integer(c_int64_t), intent(out) :: energy_uj
      integer(c_int64_t), intent(out), optional :: uncertainty_uj
      integer(c_int32_t) :: status
    end function zeus_amd_node_energy_uj

    function zeus_amd_node_power_mw(session, domain, power_mw, uncertainty_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: domain
      integer(c_int64_t), intent(out) :: power_mw
      integer(c_int64_t), intent(out), optional :: uncertainty_mw
      integer(c_int32_t) :: status
    end function zeus_amd_node_power_mw

    function zeus_amd_node_window_begin(session, window) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      type(zeus_amd_node_window_t), intent(out) :: window
      integer(c_int32_t) :: status
    end function zeus_amd_node_window_begin

    function zeus_amd_node_window_gpus(window, gpus) bind(c) result(status)
      import
      type(zeus_amd_node_window_t), value :: window
      type(zeus_amd_window_t), intent(out) :: gpus
      integer(c_int32_t) :: status
    end function zeus_amd_node_window_gpus

    function c_node_window_read(window, total, domains, count) bind(c, name="zeus_amd_node_window_read") result(status)
      import
      type(zeus_amd_node_window_t), value :: window
      type(zeus_amd_node_total_t), intent(inout), optional :: total
      type(zeus_amd_node_energy_t), intent(inout), optional :: domains(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function c_node_window_read

    function c_node_window_end(window, total, domains, count) bind(c, name="zeus_amd_node_window_end") result(status)
      import
      type(zeus_amd_node_window_t), value :: window
      type(zeus_amd_node_total_t), intent(inout), optional :: total
      type(zeus_amd_node_energy_t), intent(inout), optional :: domains(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int32_t) :: status
    end function c_node_window_end

    function c_sampler_start(session, options, sampler) bind(c, name="zeus_amd_sampler_start") result(status)
      import
      type(zeus_amd_session_t), value :: session
      type(zeus_amd_sampler_options_t), intent(in), optional :: options
      type(zeus_amd_sampler_t), intent(out) :: sampler
      integer(c_int32_t) :: status
    end function c_sampler_start

    function zeus_amd_sampler_stop(sampler) bind(c) result(status)
      import
      type(zeus_amd_sampler_t), value :: sampler
      integer(c_int32_t) :: status
    end function zeus_amd_sampler_stop

    function c_sampler_drain(sampler, samples, count, lost) bind(c, name="zeus_amd_sampler_drain") result(status)
      import
      type(zeus_amd_sampler_t), value :: sampler
      type(zeus_amd_sample_t), intent(inout) :: samples(*)
      integer(c_int32_t), intent(inout) :: count
      integer(c_int64_t), intent(out), optional :: lost
      integer(c_int32_t) :: status
    end function c_sampler_drain

    function zeus_amd_sampler_energy_between(sampler, gpu, from_ns, to_ns, energy) bind(c) result(status)
      import
      type(zeus_amd_sampler_t), value :: sampler
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), value :: from_ns
      integer(c_int64_t), value :: to_ns
      type(zeus_amd_gpu_energy_t), intent(inout) :: energy
      integer(c_int32_t) :: status
    end function zeus_amd_sampler_energy_between

    subroutine c_sampler_free(sampler) bind(c, name="zeus_amd_sampler_free")
      import
      type(zeus_amd_sampler_t), value :: sampler
    end subroutine c_sampler_free

    function zeus_amd_now_ns() bind(c) result(now)
      import
      integer(c_int64_t) :: now
    end function zeus_amd_now_ns

    function zeus_amd_guard_begin(session, flags, guard) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: flags
      type(zeus_amd_guard_t), intent(out) :: guard
      integer(c_int32_t) :: status
    end function zeus_amd_guard_begin

    function zeus_amd_guard_info(guard, gpu, info) bind(c) result(status)
      import
      type(zeus_amd_guard_t), value :: guard
      integer(c_int32_t), value :: gpu
      type(zeus_amd_guard_info_t), intent(inout) :: info
      integer(c_int32_t) :: status
    end function zeus_amd_guard_info

    function c_guard_end(guard) bind(c, name="zeus_amd_guard_end") result(status)
      import
      type(zeus_amd_guard_t), value :: guard
      integer(c_int32_t) :: status
    end function c_guard_end

    function c_strlen(text) bind(c, name="strlen") result(length)
      import
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function c_strlen
  end interface

  ! Made from zeus_amd.h by ZEUS_AMD_BLESS=1 cargo test header:: (numbers of one GPU)
  public :: &
    zeus_amd_power_instant_mw, zeus_amd_power_average_mw, zeus_amd_energy_mj, &
    zeus_amd_energy_counter_usable, zeus_amd_temperature_c, zeus_amd_power_limit_mw, &
    zeus_amd_power_limit_default_mw, zeus_amd_power_limit_range_mw, zeus_amd_memory_clock_levels_mhz, &
    zeus_amd_graphics_clock_levels_mhz, zeus_amd_memory_clock_range_mhz, &
    zeus_amd_graphics_clock_range_mhz, zeus_amd_memory_power_average_mw, zeus_amd_persistence_mode, &
    zeus_amd_supports_nonblocking_setters

  interface
    function zeus_amd_power_instant_mw(session, gpu, power_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: power_mw
      integer(c_int32_t) :: status
    end function zeus_amd_power_instant_mw

    function zeus_amd_power_average_mw(session, gpu, power_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: power_mw
      integer(c_int32_t) :: status
    end function zeus_amd_power_average_mw

    function zeus_amd_energy_mj(session, gpu, energy_mj) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: energy_mj
      integer(c_int32_t) :: status
    end function zeus_amd_energy_mj

    function zeus_amd_energy_counter_usable(session, gpu, usable) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: usable
      integer(c_int32_t) :: status
    end function zeus_amd_energy_counter_usable

    function zeus_amd_temperature_c(session, gpu, temperature_c) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: temperature_c
      integer(c_int32_t) :: status
    end function zeus_amd_temperature_c

    function zeus_amd_power_limit_mw(session, gpu, limit_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: limit_mw
      integer(c_int32_t) :: status
    end function zeus_amd_power_limit_mw

    function zeus_amd_power_limit_default_mw(session, gpu, limit_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: limit_mw
      integer(c_int32_t) :: status
    end function zeus_amd_power_limit_default_mw

    function zeus_amd_power_limit_range_mw(session, gpu, min_mw, max_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: min_mw
      integer(c_int64_t), intent(out) :: max_mw
      integer(c_int32_t) :: status
    end function zeus_amd_power_limit_range_mw

    function zeus_amd_memory_clock_levels_mhz(session, gpu, min_mhz, max_mhz) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: min_mhz
      integer(c_int32_t), intent(out) :: max_mhz
      integer(c_int32_t) :: status
    end function zeus_amd_memory_clock_levels_mhz

    function zeus_amd_graphics_clock_levels_mhz(session, gpu, min_mhz, max_mhz) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: min_mhz
      integer(c_int32_t), intent(out) :: max_mhz
      integer(c_int32_t) :: status
    end function zeus_amd_graphics_clock_levels_mhz

    function zeus_amd_memory_clock_range_mhz(session, gpu, min_mhz, max_mhz) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: min_mhz
      integer(c_int32_t), intent(out) :: max_mhz
      integer(c_int32_t) :: status
    end function zeus_amd_memory_clock_range_mhz

    function zeus_amd_graphics_clock_range_mhz(session, gpu, min_mhz, max_mhz) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: min_mhz
      integer(c_int32_t), intent(out) :: max_mhz
      integer(c_int32_t) :: status
    end function zeus_amd_graphics_clock_range_mhz

    function zeus_amd_memory_power_average_mw(session, gpu, power_mw) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int64_t), intent(out) :: power_mw
      integer(c_int32_t) :: status
    end function zeus_amd_memory_power_average_mw

    function zeus_amd_persistence_mode(session, gpu, enabled) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: enabled
      integer(c_int32_t) :: status
    end function zeus_amd_persistence_mode

    function zeus_amd_supports_nonblocking_setters(session, gpu, supported) bind(c) result(status)
      import
      type(zeus_amd_session_t), value :: session
      integer(c_int32_t), value :: gpu
      integer(c_int32_t), intent(out) :: supported
      integer(c_int32_t) :: status
    end function zeus_amd_supports_nonblocking_setters
  end interface
  ! End of what is made

  procedure(zeus_amd_log_fn), pointer, save :: to_log => null()

contains

  ! The options may be left out, and texts be given beside them. If any of the masks is given, even an empty one, the
  ! masks of the environment are not used.
  function zeus_amd_open(session, options, amdsmi_path, rocr_visible_devices, hip_visible_devices, &
    cuda_visible_devices, runtime_version) result(status)
    type(zeus_amd_session_t), intent(out) :: session
    type(zeus_amd_options_t), intent(in), optional :: options
    character(len=*), intent(in), optional :: amdsmi_path, rocr_visible_devices, hip_visible_devices, &
      cuda_visible_devices, runtime_version
    integer(c_int32_t) :: status
    type(zeus_amd_options_t) :: all
    character(kind=c_char), allocatable, target :: path(:), rocr(:), hip(:), cuda(:), version(:)

    if (present(options)) all = options
    call put(amdsmi_path, path, all%amdsmi_path)
    call put(runtime_version, version, all%runtime_version)
    call put_mask(rocr_visible_devices, rocr, all%rocr_visible_devices, all%flags)
    call put_mask(hip_visible_devices, hip, all%hip_visible_devices, all%flags)
    call put_mask(cuda_visible_devices, cuda, all%cuda_visible_devices, all%flags)
    status = c_open(all, session)
  end function zeus_amd_open

  ! A null session does nothing.
  subroutine zeus_amd_close(session)
    type(zeus_amd_session_t), intent(inout) :: session
    call c_close(session)
    session = zeus_amd_session_t()
  end subroutine zeus_amd_close

  function zeus_amd_probe(options, amdsmi_path) result(status)
    type(zeus_amd_options_t), intent(in), optional :: options
    character(len=*), intent(in), optional :: amdsmi_path
    integer(c_int32_t) :: status
    type(zeus_amd_options_t) :: all
    character(kind=c_char), allocatable, target :: path(:)

    if (present(options)) all = options
    call put(amdsmi_path, path, all%amdsmi_path)
    status = c_probe(all)
  end function zeus_amd_probe

  function zeus_amd_last_error() result(text)
    character(len=:), allocatable :: text
    character(kind=c_char), allocatable :: chars(:)
    character(kind=c_char) :: none(1)

    allocate(chars(c_last_error(none, 0_c_size_t) + 1))
    if (c_last_error(chars, size(chars, kind=c_size_t)) == 0) chars(1) = c_null_char
    text = zeus_amd_text(chars)
  end function zeus_amd_last_error

  function zeus_amd_version_string() result(text)
    character(len=:), allocatable :: text
    text = from_c(c_version_string())
  end function zeus_amd_version_string

  function zeus_amd_status_string(status) result(text)
    integer(c_int32_t), intent(in) :: status
    character(len=:), allocatable :: text
    text = from_c(c_status_string(status))
  end function zeus_amd_status_string

  function zeus_amd_method_string(method) result(text)
    integer(c_int32_t), intent(in) :: method
    character(len=:), allocatable :: text
    text = from_c(c_method_string(method))
  end function zeus_amd_method_string

  function zeus_amd_node_domain_kind_string(kind) result(text)
    integer(c_int32_t), intent(in) :: kind
    character(len=:), allocatable :: text
    text = from_c(c_node_domain_kind_string(kind))
  end function zeus_amd_node_domain_kind_string

  function zeus_amd_counter_state_string(counter_state) result(text)
    integer(c_int32_t), intent(in) :: counter_state
    character(len=:), allocatable :: text
    text = from_c(c_counter_state_string(counter_state))
  end function zeus_amd_counter_state_string

  ! Messages of that level and more important ones go to the callback, from any thread. Without a callback there are none.
  function zeus_amd_set_log(level, callback) result(status)
    integer(c_int32_t), intent(in) :: level
    procedure(zeus_amd_log_fn), optional :: callback
    integer(c_int32_t) :: status

    if (present(callback)) then
      status = c_set_log(c_funloc(message), level, c_null_ptr)
      if (status == ZEUS_AMD_STATUS_OK) to_log => callback
    else
      status = c_set_log(c_null_funptr, level, c_null_ptr)
    end if
  end function zeus_amd_set_log

  subroutine message(level, text, user) bind(c, name="")
    integer(c_int32_t), value :: level
    type(c_ptr), value :: text, user
    ! user is null, as it was passed above.
    if (associated(to_log) .and. .not. c_associated(user)) call to_log(level, from_c(text))
  end subroutine message

  function zeus_amd_find_by_pci(session, pci_address, gpu) result(status)
    type(zeus_amd_session_t), intent(in) :: session
    character(len=*), intent(in) :: pci_address
    integer(c_int32_t), intent(out) :: gpu
    integer(c_int32_t) :: status
    status = c_find_by_pci(session, to_c(pci_address), gpu)
  end function zeus_amd_find_by_pci

  function zeus_amd_find_by_uuid(session, uuid, gpu) result(status)
    type(zeus_amd_session_t), intent(in) :: session
    character(len=*), intent(in) :: uuid
    integer(c_int32_t), intent(out) :: gpu
    integer(c_int32_t) :: status
    status = c_find_by_uuid(session, to_c(uuid), gpu)
  end function zeus_amd_find_by_uuid

  ! The text is allocated whatever the status, and empty on failure.
  function zeus_amd_explain(session, text) result(status)
    type(zeus_amd_session_t), intent(in) :: session
    character(len=:), allocatable, intent(out) :: text
    integer(c_int32_t) :: status
    character(kind=c_char), allocatable :: chars(:)
    integer(c_size_t) :: needed

    allocate(chars(1))
    chars = c_null_char
    status = c_explain(session, chars, 0_c_size_t, needed)
    if (status == ZEUS_AMD_STATUS_OK) then
      deallocate(chars)
      allocate(chars(needed + 1))
      status = c_explain(session, chars, size(chars, kind=c_size_t), needed)
    end if
    text = zeus_amd_text(chars)
  end function zeus_amd_explain

  ! readings has an element for each GPU of the session; count receives the number of GPUs.
  function zeus_amd_read_all(session, readings, count) result(status)
    type(zeus_amd_session_t), intent(in) :: session
    type(zeus_amd_reading_t), intent(inout), contiguous :: readings(:)
    integer(c_int32_t), intent(out) :: count
    integer(c_int32_t) :: status

    count = size(readings, kind=c_int32_t)
    status = c_read_all(session, readings, count)
  end function zeus_amd_read_all

  ! gpus has an element for each GPU of the session; count receives the number of GPUs.
  function zeus_amd_window_read(window, total, gpus, count) result(status)
    type(zeus_amd_window_t), intent(in) :: window
    type(zeus_amd_total_energy_t), intent(inout), optional :: total
    type(zeus_amd_gpu_energy_t), intent(inout), contiguous, optional :: gpus(:)
    integer(c_int32_t), intent(out), optional :: count
    integer(c_int32_t) :: status, n

    n = 0
    if (present(gpus)) then
      n = size(gpus, kind=c_int32_t)
      status = c_window_read(window, total, gpus, n)
    else
      status = c_window_read(window, total, count=n)
    end if
    if (present(count)) count = n
  end function zeus_amd_window_read

  ! As zeus_amd_window_read(), since the last lap or the begin.
  function zeus_amd_window_lap(window, total, gpus, count) result(status)
    type(zeus_amd_window_t), intent(in) :: window
    type(zeus_amd_total_energy_t), intent(inout), optional :: total
    type(zeus_amd_gpu_energy_t), intent(inout), contiguous, optional :: gpus(:)
    integer(c_int32_t), intent(out), optional :: count
    integer(c_int32_t) :: status, n

    n = 0
    if (present(gpus)) then
      n = size(gpus, kind=c_int32_t)
      status = c_window_lap(window, total, gpus, n)
    else
      status = c_window_lap(window, total, count=n)
    end if
    if (present(count)) count = n
  end function zeus_amd_window_lap

  ! As zeus_amd_window_read(). A call that refuses its arguments has not ended the window.
  function zeus_amd_window_end(window, total, gpus, count) result(status)
    type(zeus_amd_window_t), intent(inout) :: window
    type(zeus_amd_total_energy_t), intent(inout), optional :: total
    type(zeus_amd_gpu_energy_t), intent(inout), contiguous, optional :: gpus(:)
    integer(c_int32_t), intent(out), optional :: count
    integer(c_int32_t) :: status, n

    n = 0
    if (present(gpus)) then
      n = size(gpus, kind=c_int32_t)
      status = c_window_end(window, total, gpus, n)
    else
      status = c_window_end(window, total, count=n)
    end if
    if (present(count)) count = n
    select case (status)
    case (ZEUS_AMD_STATUS_INVALID_ARGUMENT, ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL)
    case default
      window = zeus_amd_window_t()
    end select
  end function zeus_amd_window_end

  ! domains has an element for each domain of the node; count receives their number.
  function zeus_amd_node_window_read(window, total, domains, count) result(status)
    type(zeus_amd_node_window_t), intent(in) :: window
    type(zeus_amd_node_total_t), intent(inout), optional :: total
    type(zeus_amd_node_energy_t), intent(inout), contiguous, optional :: domains(:)
    integer(c_int32_t), intent(out), optional :: count
    integer(c_int32_t) :: status, n

    n = 0
    if (present(domains)) then
      n = size(domains, kind=c_int32_t)
      status = c_node_window_read(window, total, domains, n)
    else
      status = c_node_window_read(window, total, count=n)
    end if
    if (present(count)) count = n
  end function zeus_amd_node_window_read

  ! As zeus_amd_node_window_read(). A call that refuses its arguments has not ended the window.
  function zeus_amd_node_window_end(window, total, domains, count) result(status)
    type(zeus_amd_node_window_t), intent(inout) :: window
    type(zeus_amd_node_total_t), intent(inout), optional :: total
    type(zeus_amd_node_energy_t), intent(inout), contiguous, optional :: domains(:)
    integer(c_int32_t), intent(out), optional :: count
    integer(c_int32_t) :: status, n

    n = 0
    if (present(domains)) then
      n = size(domains, kind=c_int32_t)
      status = c_node_window_end(window, total, domains, n)
    else
      status = c_node_window_end(window, total, count=n)
    end if
    if (present(count)) count = n
    select case (status)
    case (ZEUS_AMD_STATUS_INVALID_ARGUMENT, ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL)
    case default
      window = zeus_amd_node_window_t()
    end select
  end function zeus_amd_node_window_end

  function zeus_amd_sampler_start(session, sampler, options) result(status)
    type(zeus_amd_session_t), intent(in) :: session
    type(zeus_amd_sampler_t), intent(out) :: sampler
    type(zeus_amd_sampler_options_t), intent(in), optional :: options
    integer(c_int32_t) :: status
    status = c_sampler_start(session, options, sampler)
  end function zeus_amd_sampler_start

  ! The oldest samples, as many as fit; count receives how many. With an empty array: how many wait to be drained.
  function zeus_amd_sampler_drain(sampler, samples, count, lost) result(status)
    type(zeus_amd_sampler_t), intent(in) :: sampler
    type(zeus_amd_sample_t), intent(inout), contiguous :: samples(:)
    integer(c_int32_t), intent(out) :: count
    integer(c_int64_t), intent(out), optional :: lost
    integer(c_int32_t) :: status

    count = size(samples, kind=c_int32_t)
    status = c_sampler_drain(sampler, samples, count, lost)
  end function zeus_amd_sampler_drain

  ! A null sampler does nothing.
  subroutine zeus_amd_sampler_free(sampler)
    type(zeus_amd_sampler_t), intent(inout) :: sampler
    call c_sampler_free(sampler)
    sampler = zeus_amd_sampler_t()
  end subroutine zeus_amd_sampler_free

  ! After a failure the guard is open still.
  function zeus_amd_guard_end(guard) result(status)
    type(zeus_amd_guard_t), intent(inout) :: guard
    integer(c_int32_t) :: status
    status = c_guard_end(guard)
    if (status == ZEUS_AMD_STATUS_OK) guard = zeus_amd_guard_t()
  end function zeus_amd_guard_end

  ! Text of a struct, up to its NUL.
  pure function zeus_amd_text(chars) result(text)
    character(kind=c_char), intent(in) :: chars(:)
    character(len=:), allocatable :: text
    integer :: length, i

    length = 0
    do while (length < size(chars))
      if (chars(length + 1) == c_null_char) exit
      length = length + 1
    end do
    allocate(character(len=length) :: text)
    do i = 1, length
      text(i:i) = chars(i)
    end do
  end function zeus_amd_text

  function from_c(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: chars(:)
    call c_f_pointer(pointer, chars, [c_strlen(pointer)])
    text = zeus_amd_text(chars)
  end function from_c

  pure function to_c(text) result(chars)
    character(len=*), intent(in) :: text
    character(kind=c_char) :: chars(len_trim(text) + 1)
    integer :: i
    do i = 1, len_trim(text)
      chars(i) = text(i:i)
    end do
    chars(len_trim(text) + 1) = c_null_char
  end function to_c

  ! A pointer to the text, if there is one.
  subroutine put(text, chars, pointer)
    character(len=*), intent(in), optional :: text
    character(kind=c_char), allocatable, target, intent(out) :: chars(:)
    type(c_ptr), intent(inout) :: pointer
    if (.not. present(text)) return
    allocate (chars, source=to_c(text))
    pointer = c_loc(chars)
  end subroutine put

  subroutine put_mask(text, chars, pointer, flags)
    character(len=*), intent(in), optional :: text
    character(kind=c_char), allocatable, target, intent(out) :: chars(:)
    type(c_ptr), intent(inout) :: pointer
    integer(c_int32_t), intent(inout) :: flags
    call put(text, chars, pointer)
    if (present(text)) flags = ior(flags, ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT)
  end subroutine put_mask
end module zeus_amd
