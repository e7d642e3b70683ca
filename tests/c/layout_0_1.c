/* The ABI of release 0.1, frozen: numbers here never change. A later release adds a file of its own. */
#include <stddef.h>

#include "sizes_0_1.h"
#include "zeus_amd.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT(type, field, offset, bytes)                                         \
    _Static_assert(offsetof(type, field) == (offset), #type "." #field);       \
    _Static_assert(sizeof(((type *)0)->field) == (bytes), #type "." #field)
#define IS(name, value) _Static_assert((name) == (value), #name)

/* A later release may append: the head stays. */
#define AT_LEAST(type, bytes) _Static_assert(sizeof(type) >= (bytes), #type)

AT_LEAST(zeus_amd_options_t, OPTIONS_0_1);
AT(zeus_amd_options_t, struct_size, 0, 4);
AT(zeus_amd_options_t, flags, 4, 4);
AT(zeus_amd_options_t, backend, 8, 4);
AT(zeus_amd_options_t, validation, 12, 4);
AT(zeus_amd_options_t, energy_resolution, 16, 4);
AT(zeus_amd_options_t, init_timeout_ms, 20, 4);
AT(zeus_amd_options_t, amdsmi_path, 24, 8);
AT(zeus_amd_options_t, runtime_version, 32, 8);
AT(zeus_amd_options_t, rocr_visible_devices, 40, 8);
AT(zeus_amd_options_t, hip_visible_devices, 48, 8);
AT(zeus_amd_options_t, cuda_visible_devices, 56, 8);

AT_LEAST(zeus_amd_session_info_t, SESSION_INFO_0_1);
AT(zeus_amd_session_info_t, struct_size, 0, 4);
AT(zeus_amd_session_info_t, valid, 4, 4);
AT(zeus_amd_session_info_t, flags, 8, 4);
AT(zeus_amd_session_info_t, gpu_count, 12, 4);
AT(zeus_amd_session_info_t, backend, 16, 4);
AT(zeus_amd_session_info_t, energy_resolution, 20, 4);
AT(zeus_amd_session_info_t, amdsmi_version_0, 24, 4);
AT(zeus_amd_session_info_t, amdsmi_version_1, 28, 4);
AT(zeus_amd_session_info_t, amdsmi_version_2, 32, 4);
AT(zeus_amd_session_info_t, no_gpu_reason, 36, 4);
AT(zeus_amd_session_info_t, amdsmi_status, 40, 4);
AT(zeus_amd_session_info_t, reserved, 44, 4);
AT(zeus_amd_session_info_t, rocm, 48, 32);
AT(zeus_amd_session_info_t, amdsmi_path, 80, 512);

AT_LEAST(zeus_amd_gpu_info_t, GPU_INFO_0_1);
AT(zeus_amd_gpu_info_t, struct_size, 0, 4);
AT(zeus_amd_gpu_info_t, valid, 4, 4);
AT(zeus_amd_gpu_info_t, index, 8, 4);
AT(zeus_amd_gpu_info_t, unmasked_index, 12, 4);
AT(zeus_amd_gpu_info_t, amdsmi_index, 16, 4);
AT(zeus_amd_gpu_info_t, kfd_node, 20, 4);
AT(zeus_amd_gpu_info_t, partition, 24, 4);
AT(zeus_amd_gpu_info_t, die_role, 28, 4);
AT(zeus_amd_gpu_info_t, source, 32, 4);
AT(zeus_amd_gpu_info_t, counter_state, 36, 4);
AT(zeus_amd_gpu_info_t, flags, 40, 4);
AT(zeus_amd_gpu_info_t, device_id, 44, 4);
AT(zeus_amd_gpu_info_t, unique_id, 48, 8);
AT(zeus_amd_gpu_info_t, name, 56, 256);
AT(zeus_amd_gpu_info_t, pci_address, 312, 32);
AT(zeus_amd_gpu_info_t, uuid, 344, 64);
AT(zeus_amd_gpu_info_t, package, 408, 64);

AT_LEAST(zeus_amd_energy_raw_t, ENERGY_RAW_0_1);
AT(zeus_amd_energy_raw_t, struct_size, 0, 4);
AT(zeus_amd_energy_raw_t, valid, 4, 4);
AT(zeus_amd_energy_raw_t, flags, 8, 4);
AT(zeus_amd_energy_raw_t, reserved, 12, 4);
AT(zeus_amd_energy_raw_t, accumulator, 16, 8);
AT(zeus_amd_energy_raw_t, resolution_uj, 24, 8);
AT(zeus_amd_energy_raw_t, driver_time_ns, 32, 8);
AT(zeus_amd_energy_raw_t, firmware_time_ns, 40, 8);

AT_LEAST(zeus_amd_reading_t, READING_0_1);
AT(zeus_amd_reading_t, struct_size, 0, 4);
AT(zeus_amd_reading_t, gpu, 4, 4);
AT(zeus_amd_reading_t, valid, 8, 4);
AT(zeus_amd_reading_t, flags, 12, 4);
AT(zeus_amd_reading_t, status, 16, 4);
AT(zeus_amd_reading_t, counter_state, 20, 4);
AT(zeus_amd_reading_t, temperature_c, 24, 4);
AT(zeus_amd_reading_t, reserved, 28, 4);
AT(zeus_amd_reading_t, energy_mj, 32, 8);
AT(zeus_amd_reading_t, accumulator, 40, 8);
AT(zeus_amd_reading_t, resolution_uj, 48, 8);
AT(zeus_amd_reading_t, driver_time_ns, 56, 8);
AT(zeus_amd_reading_t, firmware_time_ns, 64, 8);
AT(zeus_amd_reading_t, power_instant_mw, 72, 8);
AT(zeus_amd_reading_t, power_average_mw, 80, 8);

AT_LEAST(zeus_amd_gpu_energy_t, GPU_ENERGY_0_1);
AT(zeus_amd_gpu_energy_t, struct_size, 0, 4);
AT(zeus_amd_gpu_energy_t, gpu, 4, 4);
AT(zeus_amd_gpu_energy_t, valid, 8, 4);
AT(zeus_amd_gpu_energy_t, flags, 12, 4);
AT(zeus_amd_gpu_energy_t, method, 16, 4);
AT(zeus_amd_gpu_energy_t, counter_state, 20, 4);
AT(zeus_amd_gpu_energy_t, status, 24, 4);
AT(zeus_amd_gpu_energy_t, reserved, 28, 4);
AT(zeus_amd_gpu_energy_t, energy_mj, 32, 8);
AT(zeus_amd_gpu_energy_t, uncertainty_mj, 40, 8);
AT(zeus_amd_gpu_energy_t, duration_ns, 48, 8);
AT(zeus_amd_gpu_energy_t, mean_power_mw, 56, 8);
AT(zeus_amd_gpu_energy_t, begin_ns, 64, 8);
AT(zeus_amd_gpu_energy_t, end_ns, 72, 8);
AT(zeus_amd_gpu_energy_t, resolution_uj, 80, 8);

AT_LEAST(zeus_amd_total_energy_t, TOTAL_ENERGY_0_1);
AT(zeus_amd_total_energy_t, struct_size, 0, 4);
AT(zeus_amd_total_energy_t, valid, 4, 4);
AT(zeus_amd_total_energy_t, flags, 8, 4);
AT(zeus_amd_total_energy_t, packages, 12, 4);
AT(zeus_amd_total_energy_t, missing, 16, 4);
AT(zeus_amd_total_energy_t, reserved, 20, 4);
AT(zeus_amd_total_energy_t, energy_mj, 24, 8);
AT(zeus_amd_total_energy_t, uncertainty_mj, 32, 8);
AT(zeus_amd_total_energy_t, duration_ns, 40, 8);
AT(zeus_amd_total_energy_t, mean_power_mw, 48, 8);

AT_LEAST(zeus_amd_sampler_options_t, SAMPLER_OPTIONS_0_1);
AT(zeus_amd_sampler_options_t, struct_size, 0, 4);
AT(zeus_amd_sampler_options_t, capacity, 4, 4);
AT(zeus_amd_sampler_options_t, period_ns, 8, 8);

AT_LEAST(zeus_amd_sample_t, SAMPLE_0_1);
AT(zeus_amd_sample_t, struct_size, 0, 4);
AT(zeus_amd_sample_t, gpu, 4, 4);
AT(zeus_amd_sample_t, valid, 8, 4);
AT(zeus_amd_sample_t, flags, 12, 4);
AT(zeus_amd_sample_t, time_ns, 16, 8);
AT(zeus_amd_sample_t, energy_uj, 24, 8);
AT(zeus_amd_sample_t, power_mw, 32, 8);
AT(zeus_amd_sample_t, counter_power_mw, 40, 8);
AT(zeus_amd_sample_t, counter_power_uncertainty_mw, 48, 8);
AT(zeus_amd_sample_t, power_begin_ns, 56, 8);
AT(zeus_amd_sample_t, power_end_ns, 64, 8);

AT(zeus_amd_guard_info_t, struct_size, 0, 4);
AT(zeus_amd_guard_info_t, gpu, 4, 4);
AT(zeus_amd_guard_info_t, valid, 8, 4);
AT(zeus_amd_guard_info_t, flags, 12, 4);
AT(zeus_amd_guard_info_t, power_limit_mw, 16, 8);
AT(zeus_amd_guard_info_t, graphics_min_mhz, 24, 4);
AT(zeus_amd_guard_info_t, graphics_max_mhz, 28, 4);
AT(zeus_amd_guard_info_t, memory_min_mhz, 32, 4);
AT(zeus_amd_guard_info_t, memory_max_mhz, 36, 4);

SIZE(zeus_amd_status_t, 4);
_Static_assert((zeus_amd_status_t)-1 < 0, "statuses are signed");
SIZE(zeus_amd_backend_t, 4);
SIZE(zeus_amd_validation_t, 4);
SIZE(zeus_amd_energy_resolution_t, 4);
SIZE(zeus_amd_counter_state_t, 4);
SIZE(zeus_amd_die_role_t, 4);
SIZE(zeus_amd_method_t, 4);
SIZE(zeus_amd_log_level_t, 4);
SIZE(zeus_amd_log_fn, sizeof(void *));

AT_LEAST(zeus_amd_limit_counts_t, LIMIT_COUNTS_0_1);
AT(zeus_amd_limit_counts_t, struct_size, 0, 4);
AT(zeus_amd_limit_counts_t, gpu, 4, 4);
AT(zeus_amd_limit_counts_t, valid, 8, 4);
AT(zeus_amd_limit_counts_t, flags, 12, 4);
AT(zeus_amd_limit_counts_t, driver_time_ns, 16, 8);
AT(zeus_amd_limit_counts_t, cycles, 24, 8);
AT(zeus_amd_limit_counts_t, prochot_cycles, 32, 8);
AT(zeus_amd_limit_counts_t, ppt_cycles, 40, 8);
AT(zeus_amd_limit_counts_t, socket_thermal_cycles, 48, 8);
AT(zeus_amd_limit_counts_t, vr_thermal_cycles, 56, 8);
AT(zeus_amd_limit_counts_t, hbm_thermal_cycles, 64, 8);

AT_LEAST(zeus_amd_limited_time_t, LIMITED_TIME_0_1);
AT(zeus_amd_limited_time_t, struct_size, 0, 4);
AT(zeus_amd_limited_time_t, gpu, 4, 4);
AT(zeus_amd_limited_time_t, valid, 8, 4);
AT(zeus_amd_limited_time_t, flags, 12, 4);
AT(zeus_amd_limited_time_t, duration_ns, 16, 8);
AT(zeus_amd_limited_time_t, cycles, 24, 8);
AT(zeus_amd_limited_time_t, prochot_cycles, 32, 8);
AT(zeus_amd_limited_time_t, ppt_cycles, 40, 8);
AT(zeus_amd_limited_time_t, socket_thermal_cycles, 48, 8);
AT(zeus_amd_limited_time_t, vr_thermal_cycles, 56, 8);
AT(zeus_amd_limited_time_t, hbm_thermal_cycles, 64, 8);

AT_LEAST(zeus_amd_node_domain_info_t, NODE_DOMAIN_INFO_0_1);
AT(zeus_amd_node_domain_info_t, struct_size, 0, 4);
AT(zeus_amd_node_domain_info_t, domain, 4, 4);
AT(zeus_amd_node_domain_info_t, valid, 8, 4);
AT(zeus_amd_node_domain_info_t, flags, 12, 4);
AT(zeus_amd_node_domain_info_t, kind, 16, 4);
AT(zeus_amd_node_domain_info_t, source, 20, 4);
AT(zeus_amd_node_domain_info_t, status, 24, 4);
AT(zeus_amd_node_domain_info_t, parent, 28, 4);
AT(zeus_amd_node_domain_info_t, gpu, 32, 4);
AT(zeus_amd_node_domain_info_t, reserved, 36, 4);
AT(zeus_amd_node_domain_info_t, refresh_ns, 40, 8);
AT(zeus_amd_node_domain_info_t, step_uj, 48, 8);
AT(zeus_amd_node_domain_info_t, max_power_mw, 56, 8);
AT(zeus_amd_node_domain_info_t, name, 64, 64);
AT(zeus_amd_node_domain_info_t, path, 128, 256);

AT_LEAST(zeus_amd_node_energy_t, NODE_ENERGY_0_1);
AT(zeus_amd_node_energy_t, struct_size, 0, 4);
AT(zeus_amd_node_energy_t, domain, 4, 4);
AT(zeus_amd_node_energy_t, valid, 8, 4);
AT(zeus_amd_node_energy_t, flags, 12, 4);
AT(zeus_amd_node_energy_t, method, 16, 4);
AT(zeus_amd_node_energy_t, status, 20, 4);
AT(zeus_amd_node_energy_t, energy_uj, 24, 8);
AT(zeus_amd_node_energy_t, uncertainty_uj, 32, 8);
AT(zeus_amd_node_energy_t, duration_ns, 40, 8);
AT(zeus_amd_node_energy_t, mean_power_mw, 48, 8);

AT_LEAST(zeus_amd_node_total_t, NODE_TOTAL_0_1);
AT(zeus_amd_node_total_t, struct_size, 0, 4);
AT(zeus_amd_node_total_t, valid, 4, 4);
AT(zeus_amd_node_total_t, flags, 8, 4);
AT(zeus_amd_node_total_t, scope, 12, 4);
AT(zeus_amd_node_total_t, domains, 16, 4);
AT(zeus_amd_node_total_t, missing, 20, 4);
AT(zeus_amd_node_total_t, energy_uj, 24, 8);
AT(zeus_amd_node_total_t, uncertainty_uj, 32, 8);
AT(zeus_amd_node_total_t, duration_ns, 40, 8);
AT(zeus_amd_node_total_t, mean_power_mw, 48, 8);

IS(ZEUS_AMD_STATUS_OK, 0);
IS(ZEUS_AMD_STATUS_INVALID_ARGUMENT, -1);
IS(ZEUS_AMD_STATUS_STRUCT_VERSION, -2);
IS(ZEUS_AMD_STATUS_NOT_FOUND, -3);
IS(ZEUS_AMD_STATUS_NOT_SUPPORTED, -4);
IS(ZEUS_AMD_STATUS_NO_PERMISSION, -5);
IS(ZEUS_AMD_STATUS_NOT_INITIALIZED, -6);
IS(ZEUS_AMD_STATUS_BUSY, -7);
IS(ZEUS_AMD_STATUS_TIMEOUT, -8);
IS(ZEUS_AMD_STATUS_NO_MEMORY, -9);
IS(ZEUS_AMD_STATUS_IO, -10);
IS(ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, -11);
IS(ZEUS_AMD_STATUS_LIBRARY_VERSION, -12);
IS(ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, -13);
IS(ZEUS_AMD_STATUS_DEVICE_LOST, -14);
IS(ZEUS_AMD_STATUS_BUFFER_TOO_SMALL, -16);
IS(ZEUS_AMD_STATUS_FORKED, -17);
IS(ZEUS_AMD_STATUS_HETEROGENEOUS, -18);
IS(ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE, -19);
IS(ZEUS_AMD_STATUS_LIBRARY_INVALID, -20);
IS(ZEUS_AMD_STATUS_LIBRARY_SYMBOLS, -21);
IS(ZEUS_AMD_STATUS_NO_DEVICE, -22);
IS(ZEUS_AMD_STATUS_OUT_OF_RANGE, -23);
IS(ZEUS_AMD_STATUS_STALE, -24);
IS(ZEUS_AMD_STATUS_UNEXPECTED_DATA, -25);
IS(ZEUS_AMD_STATUS_EMPTY_MASK, -26);
IS(ZEUS_AMD_STATUS_MASK_INVALID, -27);
IS(ZEUS_AMD_STATUS_NO_ACCESS, -28);
IS(ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED, -29);
IS(ZEUS_AMD_STATUS_NOT_APPLIED, -30);
IS(ZEUS_AMD_STATUS_NOT_READY, -31);
IS(ZEUS_AMD_STATUS_UNKNOWN, -98);
IS(ZEUS_AMD_STATUS_INTERNAL, -99);

IS(ZEUS_AMD_BACKEND_AUTO, 0);
IS(ZEUS_AMD_BACKEND_AMDSMI, 1);
IS(ZEUS_AMD_BACKEND_SYSFS, 2);
IS(ZEUS_AMD_VALIDATION_DEFAULT, 0);
IS(ZEUS_AMD_VALIDATION_FIXED, 1);
IS(ZEUS_AMD_VALIDATION_OFF, 2);
IS(ZEUS_AMD_VALIDATION_ADAPTIVE, 3);
IS(ZEUS_AMD_VALIDATION_BACKGROUND, 4);
IS(ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT, 0);
IS(ZEUS_AMD_ENERGY_RESOLUTION_REPORTED, 1);
IS(ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE, 2);
IS(ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, 0);
IS(ZEUS_AMD_COUNTER_STATE_TRUSTED, 1);
IS(ZEUS_AMD_COUNTER_STATE_STUCK, 2);
IS(ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE, 3);
IS(ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE, 4);
IS(ZEUS_AMD_COUNTER_STATE_UNSUPPORTED, 5);
IS(ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE, 6);
IS(ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION, 7);
IS(ZEUS_AMD_COUNTER_STATE_PENDING, 8);
IS(ZEUS_AMD_COUNTER_STATE_UNREADABLE, 9);
IS(ZEUS_AMD_DIE_SINGLE, 0);
IS(ZEUS_AMD_DIE_PRIMARY, 1);
IS(ZEUS_AMD_DIE_SECONDARY, 2);
IS(ZEUS_AMD_METHOD_NONE, 0);
IS(ZEUS_AMD_METHOD_COUNTER, 1);
IS(ZEUS_AMD_METHOD_INTEGRATED, 2);
IS(ZEUS_AMD_METHOD_ESTIMATED, 3);
IS(ZEUS_AMD_LOG_ERROR, 0);
IS(ZEUS_AMD_LOG_WARNING, 1);
IS(ZEUS_AMD_LOG_INFO, 2);
IS(ZEUS_AMD_LOG_DEBUG, 3);
IS(ZEUS_AMD_NODE_DOMAIN_NODE, 0);
IS(ZEUS_AMD_NODE_DOMAIN_CPU, 1);
IS(ZEUS_AMD_NODE_DOMAIN_MEMORY, 2);
IS(ZEUS_AMD_NODE_DOMAIN_ACCELERATOR, 3);
IS(ZEUS_AMD_NODE_DOMAIN_CPU_PACKAGE, 4);
IS(ZEUS_AMD_NODE_DOMAIN_CPU_CORES, 5);
IS(ZEUS_AMD_NODE_DOMAIN_UNCORE, 6);
IS(ZEUS_AMD_NODE_DOMAIN_DRAM, 7);
IS(ZEUS_AMD_NODE_DOMAIN_PLATFORM, 8);
IS(ZEUS_AMD_NODE_DOMAIN_GPU, 9);
IS(ZEUS_AMD_NODE_DOMAIN_OTHER, 10);
IS(ZEUS_AMD_NODE_SOURCE_PM_COUNTERS, 0);
IS(ZEUS_AMD_NODE_SOURCE_POWERCAP, 1);
IS(ZEUS_AMD_NODE_SOURCE_GPU, 2);
IS(ZEUS_AMD_NODE_SCOPE_NONE, 0);
IS(ZEUS_AMD_NODE_SCOPE_GPUS, 1);
IS(ZEUS_AMD_NODE_SCOPE_PARTS, 2);
IS(ZEUS_AMD_NODE_SCOPE_NODE, 3);

IS(ZEUS_AMD_LIMIT_COUNTS_VALID_DRIVER_TIME_BIT, 4);
IS(ZEUS_AMD_LIMIT_COUNTS_VALID_PROCHOT_BIT, 65536);
IS(ZEUS_AMD_LIMIT_COUNTS_VALID_PPT_BIT, 131072);
IS(ZEUS_AMD_LIMIT_COUNTS_VALID_SOCKET_THERMAL_BIT, 262144);
IS(ZEUS_AMD_LIMIT_COUNTS_VALID_VR_THERMAL_BIT, 524288);
IS(ZEUS_AMD_LIMIT_COUNTS_VALID_HBM_THERMAL_BIT, 1048576);
IS(ZEUS_AMD_LIMIT_COUNTS_FLAG_STALE_BIT, 16);
IS(ZEUS_AMD_LIMITED_TIME_VALID_DURATION_BIT, 2097152);
IS(ZEUS_AMD_LIMITED_TIME_VALID_PROCHOT_BIT, 65536);
IS(ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT, 131072);
IS(ZEUS_AMD_LIMITED_TIME_VALID_SOCKET_THERMAL_BIT, 262144);
IS(ZEUS_AMD_LIMITED_TIME_VALID_VR_THERMAL_BIT, 524288);
IS(ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT, 1048576);
IS(ZEUS_AMD_LIMITED_TIME_FLAG_RESET_BIT, 2);
IS(ZEUS_AMD_NODE_DOMAIN_INFO_VALID_PARENT_BIT, 1024);
IS(ZEUS_AMD_NODE_DOMAIN_INFO_VALID_GPU_BIT, 2048);
IS(ZEUS_AMD_NODE_DOMAIN_INFO_VALID_REFRESH_BIT, 4096);
IS(ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_WRAPS_BIT, 8192);
IS(ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT, 1);
IS(ZEUS_AMD_NODE_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT, 1);
IS(ZEUS_AMD_NODE_ENERGY_FLAG_RESET_BIT, 2);
IS(ZEUS_AMD_NODE_ENERGY_FLAG_STALE_BIT, 16);
IS(ZEUS_AMD_NODE_ENERGY_FLAG_SAMPLING_GAP_BIT, 32);
IS(ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT, 16384);
IS(ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT, 1);
IS(ZEUS_AMD_NODE_TOTAL_FLAG_HIGH_UNCERTAINTY_BIT, 1);
IS(ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT, 512);

IS(ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT, 1);
IS(ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT, 2);
IS(ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT, 4);
IS(ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT, 8);
IS(ZEUS_AMD_OPEN_WAKE_SUSPENDED_BIT, 16);
IS(ZEUS_AMD_GUARD_WATCHER_BIT, 1);
IS(ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT, 1);
IS(ZEUS_AMD_SESSION_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT, 1);
IS(ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT, 2);
IS(ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT, 1);
IS(ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT, 2);
IS(ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT, 4);
IS(ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT, 8);
IS(ZEUS_AMD_GPU_INFO_VALID_NAME_BIT, 16);
IS(ZEUS_AMD_GPU_INFO_VALID_DEVICE_ID_BIT, 32);
IS(ZEUS_AMD_GPU_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT, 1);
IS(ZEUS_AMD_GPU_INFO_FLAG_ORDER_UNCERTAIN_BIT, 2);
IS(ZEUS_AMD_ENERGY_RAW_VALID_ACCUMULATOR_BIT, 2);
IS(ZEUS_AMD_ENERGY_RAW_VALID_DRIVER_TIME_BIT, 4);
IS(ZEUS_AMD_ENERGY_RAW_VALID_FIRMWARE_TIME_BIT, 8);
IS(ZEUS_AMD_ENERGY_RAW_VALID_RESOLUTION_BIT, 512);
IS(ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT, 16);
IS(ZEUS_AMD_ENERGY_RAW_FLAG_FIRMWARE_RESOLUTION_BIT, 128);
IS(ZEUS_AMD_READING_VALID_ENERGY_BIT, 1);
IS(ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT, 2);
IS(ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT, 4);
IS(ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT, 8);
IS(ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT, 16);
IS(ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT, 32);
IS(ZEUS_AMD_READING_VALID_TEMPERATURE_BIT, 64);
IS(ZEUS_AMD_READING_VALID_RESOLUTION_BIT, 512);
IS(ZEUS_AMD_READING_FLAG_STALE_BIT, 16);
IS(ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT, 128);
IS(ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT, 1);
IS(ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT, 512);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT, 1);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT, 2);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT, 4);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT, 8);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT, 16);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT, 32);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT, 64);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT, 128);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT, 256);
IS(ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT, 2048);
IS(ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT, 1);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT, 1);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_RESET_BIT, 2);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_SHARED_PACKAGE_BIT, 4);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_COUNTER_REJECTED_BIT, 8);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_STALE_BIT, 16);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_SAMPLING_GAP_BIT, 32);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_AVERAGED_POWER_BIT, 64);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT, 128);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_DURATION_BIT, 256);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_POLLED_AGAIN_BIT, 2048);
IS(ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT, 512);
IS(ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT, 1);
IS(ZEUS_AMD_SAMPLE_VALID_POWER_BIT, 128);
IS(ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT, 256);
IS(ZEUS_AMD_SAMPLE_FLAG_RESET_BIT, 2);
IS(ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT, 32);
IS(ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT, 64);
IS(ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT, 128);
IS(ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT, 1024);
IS(ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT, 256);
IS(ZEUS_AMD_GUARD_INFO_VALID_POWER_LIMIT_BIT, 1);
IS(ZEUS_AMD_GUARD_INFO_VALID_GRAPHICS_CLOCKS_BIT, 2);
IS(ZEUS_AMD_GUARD_INFO_VALID_MEMORY_CLOCKS_BIT, 4);
IS(ZEUS_AMD_GUARD_INFO_FLAG_WATCHER_BIT, 1);
IS(ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT, 2);
IS(ZEUS_AMD_GUARD_INFO_FLAG_FOREIGN_GUARDS_BIT, 4);

/* Signatures: a pointer to each function, with the type that it had. */
static uint32_t (*const version)(void) = zeus_amd_version;
static const char *(*const version_string)(void) = zeus_amd_version_string;
static const char *(*const status_string)(int32_t) = zeus_amd_status_string;
static const char *(*const text_fns[])(uint32_t) = {zeus_amd_method_string, zeus_amd_counter_state_string};
static size_t (*const last_error)(char *, size_t) = zeus_amd_last_error;
static zeus_amd_status_t (*const set_log)(zeus_amd_log_fn, uint32_t, void *) = zeus_amd_set_log;
static zeus_amd_status_t (*const open_)(const zeus_amd_options_t *, zeus_amd_session_t **) = zeus_amd_open;
static void (*const close_)(zeus_amd_session_t *) = zeus_amd_close;
static zeus_amd_status_t (*const probe)(const zeus_amd_options_t *) = zeus_amd_probe;
static zeus_amd_status_t (*const session_info)(const zeus_amd_session_t *, zeus_amd_session_info_t *) =
    zeus_amd_session_info;
static zeus_amd_status_t (*const gpu_count)(const zeus_amd_session_t *, uint32_t *) = zeus_amd_gpu_count;
static zeus_amd_status_t (*const gpu_info)(const zeus_amd_session_t *, uint32_t, zeus_amd_gpu_info_t *) =
    zeus_amd_gpu_info;
typedef zeus_amd_status_t u64_fn(const zeus_amd_session_t *, uint32_t, uint64_t *);
typedef zeus_amd_status_t u32_fn(const zeus_amd_session_t *, uint32_t, uint32_t *);
typedef zeus_amd_status_t clocks_fn(const zeus_amd_session_t *, uint32_t, uint32_t *, uint32_t *);
static u64_fn *const u64_fns[] = {
    zeus_amd_power_instant_mw, zeus_amd_power_average_mw, zeus_amd_memory_power_average_mw,
    zeus_amd_energy_mj,        zeus_amd_power_limit_mw,   zeus_amd_power_limit_default_mw,
};
static u32_fn *const u32_fns[] = {
    zeus_amd_energy_counter_usable,
    zeus_amd_persistence_mode,
    zeus_amd_supports_nonblocking_setters,
};
static clocks_fn *const clocks_fns[] = {
    zeus_amd_memory_clock_levels_mhz,
    zeus_amd_graphics_clock_levels_mhz,
    zeus_amd_memory_clock_range_mhz,
    zeus_amd_graphics_clock_range_mhz,
};
static zeus_amd_status_t (*const lock_fns[])(const zeus_amd_session_t *, uint32_t, uint32_t, uint32_t) = {
    zeus_amd_lock_memory_clocks_mhz,
    zeus_amd_lock_graphics_clocks_mhz,
};
typedef zeus_amd_status_t reset_fn(const zeus_amd_session_t *, uint32_t);
static reset_fn *const reset_fns[] = {
    zeus_amd_reset_power_limit,
    zeus_amd_reset_memory_clocks,
    zeus_amd_reset_graphics_clocks,
    zeus_amd_reset_clocks,
};
static zeus_amd_status_t (*const energy_raw)(const zeus_amd_session_t *, uint32_t, zeus_amd_energy_raw_t *) =
    zeus_amd_energy_raw;
static zeus_amd_status_t (*const temperature)(const zeus_amd_session_t *, uint32_t, int32_t *) =
    zeus_amd_temperature_c;
static zeus_amd_status_t (*const find_fns[])(const zeus_amd_session_t *, const char *, uint32_t *) = {
    zeus_amd_find_by_pci,
    zeus_amd_find_by_uuid,
};
static zeus_amd_status_t (*const explain)(const zeus_amd_session_t *, char *, size_t, size_t *) = zeus_amd_explain;
static zeus_amd_status_t (*const set_limit)(const zeus_amd_session_t *, uint32_t, uint64_t) =
    zeus_amd_set_power_limit_mw;
static zeus_amd_status_t (*const set_mode)(const zeus_amd_session_t *, uint32_t, uint32_t) =
    zeus_amd_set_persistence_mode;
static zeus_amd_status_t (*const range)(const zeus_amd_session_t *, uint32_t, uint64_t *, uint64_t *) =
    zeus_amd_power_limit_range_mw;
static zeus_amd_status_t (*const guard_begin)(const zeus_amd_session_t *, uint32_t, zeus_amd_guard_t **) =
    zeus_amd_guard_begin;
static zeus_amd_status_t (*const guard_info)(const zeus_amd_guard_t *, uint32_t, zeus_amd_guard_info_t *) = zeus_amd_guard_info;
static zeus_amd_status_t (*const guard_end)(zeus_amd_guard_t *) = zeus_amd_guard_end;
static zeus_amd_status_t (*const window_begin)(const zeus_amd_session_t *, zeus_amd_window_t **) = zeus_amd_window_begin;
static zeus_amd_status_t (*const read_all)(const zeus_amd_session_t *, zeus_amd_reading_t *, uint32_t *) = zeus_amd_read_all;
static zeus_amd_status_t (*const window_read)(const zeus_amd_window_t *, zeus_amd_total_energy_t *,
                                              zeus_amd_gpu_energy_t *, uint32_t *) = zeus_amd_window_read;
static zeus_amd_status_t (*const window_end)(zeus_amd_window_t *, zeus_amd_total_energy_t *, zeus_amd_gpu_energy_t *,
                                             uint32_t *) = zeus_amd_window_end;
static zeus_amd_status_t (*const window_lap)(zeus_amd_window_t *, zeus_amd_total_energy_t *, zeus_amd_gpu_energy_t *,
                                             uint32_t *) = zeus_amd_window_lap;
static zeus_amd_status_t (*const window_restart)(zeus_amd_window_t *) = zeus_amd_window_restart;
static zeus_amd_status_t (*const sampler_start)(const zeus_amd_session_t *, const zeus_amd_sampler_options_t *,
                                                zeus_amd_sampler_t **) = zeus_amd_sampler_start;
static zeus_amd_status_t (*const sampler_stop)(zeus_amd_sampler_t *) = zeus_amd_sampler_stop;
static zeus_amd_status_t (*const sampler_drain)(zeus_amd_sampler_t *, zeus_amd_sample_t *, uint32_t *, uint64_t *) =
    zeus_amd_sampler_drain;
static zeus_amd_status_t (*const energy_between)(const zeus_amd_sampler_t *, uint32_t, uint64_t, uint64_t,
                                                 zeus_amd_gpu_energy_t *) = zeus_amd_sampler_energy_between;
static void (*const sampler_free)(zeus_amd_sampler_t *) = zeus_amd_sampler_free;
static uint64_t (*const now_ns)(void) = zeus_amd_now_ns;
static zeus_amd_status_t (*const limit_counts)(const zeus_amd_session_t *, uint32_t, zeus_amd_limit_counts_t *) =
    zeus_amd_limit_counts;
static zeus_amd_status_t (*const limited_time)(const zeus_amd_limit_counts_t *, const zeus_amd_limit_counts_t *,
                                               zeus_amd_limited_time_t *) = zeus_amd_limited_time;
static const char *(*const kind_string)(uint32_t) = zeus_amd_node_domain_kind_string;
static zeus_amd_status_t (*const domain_count)(const zeus_amd_session_t *, uint32_t *) = zeus_amd_node_domain_count;
static zeus_amd_status_t (*const domain_info)(const zeus_amd_session_t *, uint32_t, zeus_amd_node_domain_info_t *) =
    zeus_amd_node_domain_info;
static zeus_amd_status_t (*const node_fns[])(const zeus_amd_session_t *, uint32_t, uint64_t *, uint64_t *) = {
    zeus_amd_node_energy_uj, zeus_amd_node_power_mw};
static zeus_amd_status_t (*const node_begin)(const zeus_amd_session_t *, zeus_amd_node_window_t **) =
    zeus_amd_node_window_begin;
static zeus_amd_status_t (*const node_gpus)(const zeus_amd_node_window_t *, zeus_amd_window_t **) =
    zeus_amd_node_window_gpus;
static zeus_amd_status_t (*const node_read)(const zeus_amd_node_window_t *, zeus_amd_node_total_t *,
                                            zeus_amd_node_energy_t *, uint32_t *) = zeus_amd_node_window_read;
static zeus_amd_status_t (*const node_end)(zeus_amd_node_window_t *, zeus_amd_node_total_t *, zeus_amd_node_energy_t *,
                                           uint32_t *) = zeus_amd_node_window_end;

int main(void)
{
    return version && version_string && status_string && text_fns[0] && last_error && set_log && open_ && close_ && probe &&
                   session_info && gpu_count && gpu_info && u64_fns[0] && u32_fns[0] && clocks_fns[0] &&
                   energy_raw && read_all && temperature && range && find_fns[0] && explain && set_limit &&
                   reset_fns[0] && lock_fns[0] && set_mode && guard_begin && guard_info && guard_end &&
                   window_begin && window_read && window_lap && window_restart && window_end && sampler_start && sampler_stop && sampler_drain &&
                   energy_between && sampler_free && now_ns && limit_counts && limited_time && kind_string &&
                   domain_count && domain_info && node_fns[0] && node_begin && node_gpus && node_read && node_end
               ? 0
               : 1;
}
