/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file zeus_amd.h
 *
 * Measures the power and energy of AMD GPUs and sets their power limits and
 * clocks: MI50 to MI355X, Radeon and APUs, with ROCm 6.0 and later, or without
 * ROCm through the kernel's sysfs alone.
 *
 *     zeus_amd_session_t *z;
 *     zeus_amd_window_t *w;
 *     zeus_amd_total_energy_t used = ZEUS_AMD_TOTAL_ENERGY_INIT;
 *     if (zeus_amd_open(NULL, &z) == ZEUS_AMD_STATUS_OK) {
 *         if (zeus_amd_window_begin(z, &w) == ZEUS_AMD_STATUS_OK) {
 *             work();
 *             if (zeus_amd_window_end(w, &used, NULL, NULL) == ZEUS_AMD_STATUS_OK)
 *                 printf("%.3f J +- %.3f J\n", (double)used.energy_mj / 1e3,
 *                        (double)used.uncertainty_mj / 1e3);
 *         }
 *         zeus_amd_close(z);
 *     }
 *
 * Conventions
 * - A call returns 0 (ZEUS_AMD_STATUS_OK) or a negative status. The message of
 *   a failure is in zeus_amd_last_error(). Results are written through
 *   pointers, and only on success unless the function says otherwise. A missing
 *   value is a status or a bit that is not set, never a special number.
 * - A GPU index is HIP's, the N of PyTorch's cuda:N.
 * - A package is what has one energy counter: one GPU, the two dies of an
 *   MI250X, or all partitions of an MI300. Power, energy and power limit belong
 *   to the package; clocks and temperature belong to the GPU.
 * - Units are in the names: _mw milliwatts, _mj millijoules, _uj microjoules,
 *   _mhz megahertz, _ns nanoseconds, _ms milliseconds, _c degrees Celsius.
 * - Times are CLOCK_BOOTTIME in nanoseconds: zero is the boot of the machine.
 *   firmware_time_ns is the exception: its zero is arbitrary. The zero of an
 *   energy counter is the load of the driver or the last reset of the GPU.
 * - Structs begin with struct_size: start from the ZEUS_AMD_..._INIT macro. A
 *   struct only grows at its end, so old programs run with new libraries and
 *   new programs with old ones.
 * - A struct that a call fills in has valid (which of its fields are set) and
 *   flags (what is true of them). Use the constants with the struct's name.
 *   Constants that end alike (..._FLAG_RESET_BIT) have the same value and meaning
 *   in all structs; a bit without its name has not.
 * - An array is a pointer to its first element and a count: the capacity on
 *   entry, the number of elements on return. struct_size of the first element
 *   is the size of each. With a count of 0 a call only returns the number. If
 *   the array is too small the call fails with ZEUS_AMD_STATUS_BUFFER_TOO_SMALL
 *   and returns the number.
 * - Any thread may call any function. No function is safe in a signal handler.
 *   Calls into a libamd_smi older than version 26.4 (ROCm 7.13) are serialised.
 * - No call is a cancellation point: a thread that is cancelled (pthread_cancel)
 *   in a call finishes it, and ends at the next cancellation point of its own. A
 *   thread with asynchronous cancelability must not call.
 * - After fork() a child opens its own session. Calls on an inherited handle
 *   return ZEUS_AMD_STATUS_FORKED.
 * - The library prints nothing, sets no signal handler, changes no environment
 *   variable. Objects are freed by its functions only, never by free().
 * - Without memory, calls that make an object (a session, window, sampler or
 *   guard) return ZEUS_AMD_STATUS_NO_MEMORY. The other calls use a reserve of
 *   1 MB of the library: readings need no memory, and calls that end or close
 *   something succeed. The process ends only in these cases:
 *   1. the reserve is used up;
 *   2. Rust or glibc has no memory (some hundred bytes) for a thread that the
 *      library starts;
 *   3. glibc has none for a thread that calls the library for the first time;
 *   4. libamd_smi ends it.
 * - Background threads (of samplers, windows and checks in the background) block
 *   all signals. They do not keep a program alive whose main thread has ended by
 *   pthread_exit(): they end within two seconds of its last thread (this needs
 *   /proc), and a signal ends the process as usual.
 * - C99 or later, C++11 or later.
 *
 * Statuses. Each function names one of these groups, and its own exceptions.
 * - Any call may return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (a
 *   pointer that must not be NULL is NULL), ZEUS_AMD_STATUS_FORKED or
 *   ZEUS_AMD_STATUS_INTERNAL.
 * - Any reading may return these, ZEUS_AMD_STATUS_NOT_FOUND (no such index, or
 *   libamd_smi does not list the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the
 *   message says why), ZEUS_AMD_STATUS_NOT_INITIALIZED (other code shut
 *   libamd_smi down), ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *   ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_NO_MEMORY, ZEUS_AMD_STATUS_IO,
 *   ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA or
 *   ZEUS_AMD_STATUS_UNKNOWN.
 * - Any change may return these, ZEUS_AMD_STATUS_OUT_OF_RANGE (the message
 *   names the range) or ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or
 *   changed the value; the message has the value that is in force).
 */

#ifndef ZEUS_AMD_H
#define ZEUS_AMD_H

/* Made by cbindgen from src/capi. Do not edit. */

#include <stddef.h>
#include <stdint.h>

/**
 * Makes a function visible outside the library. A parser for another language
 * may define this and ZEUS_AMD_MUST_CHECK as empty.
 */
#ifndef ZEUS_AMD_API
#if defined(__GNUC__) || defined(__clang__)
#define ZEUS_AMD_API __attribute__((visibility("default")))
#else
#define ZEUS_AMD_API
#endif
#endif
/** The return value must be checked. */
#ifndef ZEUS_AMD_MUST_CHECK
#if defined(__GNUC__) || defined(__clang__)
#define ZEUS_AMD_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ZEUS_AMD_MUST_CHECK
#endif
#endif

/** Version of this header as one number, to compare with zeus_amd_version(). */
#define ZEUS_AMD_VERSION_NUMBER                                                \
    (0u | (ZEUS_AMD_VERSION_MAJOR << 16) | (ZEUS_AMD_VERSION_MINOR << 8) |     \
     ZEUS_AMD_VERSION_PATCH)
/** Is this header at least of that version? For preprocessor conditions. */
#define ZEUS_AMD_VERSION_AT_LEAST(major, minor, patch)                         \
    (ZEUS_AMD_VERSION_MAJOR > (major) ||                                       \
     (ZEUS_AMD_VERSION_MAJOR == (major) &&                                     \
      (ZEUS_AMD_VERSION_MINOR > (minor) ||                                     \
       (ZEUS_AMD_VERSION_MINOR == (minor) &&                                   \
        ZEUS_AMD_VERSION_PATCH >= (patch)))))

/** Initialises a zeus_amd_options_t. */
#define ZEUS_AMD_OPTIONS_INIT                                                  \
    { sizeof(zeus_amd_options_t), 0u, ZEUS_AMD_BACKEND_AUTO,                   \
      ZEUS_AMD_VALIDATION_DEFAULT, ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT, 0u,     \
      NULL, NULL, NULL, NULL, NULL }
/** Initialises a zeus_amd_session_info_t. */
#define ZEUS_AMD_SESSION_INFO_INIT                                             \
    { sizeof(zeus_amd_session_info_t), 0u, 0u, 0u, ZEUS_AMD_BACKEND_AUTO,      \
      ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT, 0u, 0u, 0u, ZEUS_AMD_STATUS_OK,      \
      ZEUS_AMD_STATUS_OK, 0u, { 0 }, { 0 } }
/** Initialises a zeus_amd_gpu_info_t. */
#define ZEUS_AMD_GPU_INFO_INIT                                                 \
    { sizeof(zeus_amd_gpu_info_t), 0u, 0u, 0u, 0u, 0u, 0u,                     \
      ZEUS_AMD_DIE_SINGLE, ZEUS_AMD_BACKEND_AUTO,                              \
      ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, 0u, 0u, 0u, { 0 }, { 0 }, { 0 },     \
      { 0 } }
/** Initialises a zeus_amd_energy_raw_t. */
#define ZEUS_AMD_ENERGY_RAW_INIT                                               \
    { sizeof(zeus_amd_energy_raw_t), 0u, 0u, 0u, 0u, 0.0, 0u, 0u }
/** Initialises a zeus_amd_reading_t. */
#define ZEUS_AMD_READING_INIT                                                  \
    { sizeof(zeus_amd_reading_t), 0u, 0u, 0u, ZEUS_AMD_STATUS_OK,              \
      ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, 0, 0u, 0u, 0u, 0.0, 0u, 0u, 0u,      \
      0u }
/** Initialises a zeus_amd_gpu_energy_t. */
#define ZEUS_AMD_GPU_ENERGY_INIT                                               \
    { sizeof(zeus_amd_gpu_energy_t), 0u, 0u, 0u, ZEUS_AMD_METHOD_NONE,         \
      ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, ZEUS_AMD_STATUS_OK, 0u, 0u, 0u,      \
      0u, 0u, 0u, 0u, 0.0 }
/** Initialises a zeus_amd_total_energy_t. */
#define ZEUS_AMD_TOTAL_ENERGY_INIT                                             \
    { sizeof(zeus_amd_total_energy_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u      \
      }
/** Initialises a zeus_amd_sampler_options_t. */
#define ZEUS_AMD_SAMPLER_OPTIONS_INIT                                          \
    { sizeof(zeus_amd_sampler_options_t), 0u, 0u }
/** Initialises a zeus_amd_sample_t. */
#define ZEUS_AMD_SAMPLE_INIT                                                   \
    { sizeof(zeus_amd_sample_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u }
/** Initialises a zeus_amd_guard_info_t. */
#define ZEUS_AMD_GUARD_INFO_INIT                                               \
    { sizeof(zeus_amd_guard_info_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u }
/** Initialises a zeus_amd_limit_counts_t. */
#define ZEUS_AMD_LIMIT_COUNTS_INIT                                             \
    { sizeof(zeus_amd_limit_counts_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u }
/** Initialises a zeus_amd_limited_time_t. */
#define ZEUS_AMD_LIMITED_TIME_INIT                                             \
    { sizeof(zeus_amd_limited_time_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u }
/** Initialises a zeus_amd_node_domain_info_t. */
#define ZEUS_AMD_NODE_DOMAIN_INFO_INIT                                         \
    { sizeof(zeus_amd_node_domain_info_t), 0u, 0u, 0u,                         \
      ZEUS_AMD_NODE_DOMAIN_NODE, ZEUS_AMD_NODE_SOURCE_PM_COUNTERS,             \
      ZEUS_AMD_STATUS_OK, 0u, 0u, 0u, 0u, 0u, 0u, { 0 }, { 0 } }
/** Initialises a zeus_amd_node_energy_t. */
#define ZEUS_AMD_NODE_ENERGY_INIT                                              \
    { sizeof(zeus_amd_node_energy_t), 0u, 0u, 0u, ZEUS_AMD_METHOD_NONE,        \
      ZEUS_AMD_STATUS_OK, 0u, 0u, 0u, 0u }
/** Initialises a zeus_amd_node_total_t. */
#define ZEUS_AMD_NODE_TOTAL_INIT                                               \
    { sizeof(zeus_amd_node_total_t), 0u, 0u, ZEUS_AMD_NODE_SCOPE_NONE, 0u, 0u, \
      0u, 0u, 0u, 0u, 0u, 0u }


/**
 * Major version of this header.
 */
#define ZEUS_AMD_VERSION_MAJOR 0

/**
 * Minor version of this header.
 */
#define ZEUS_AMD_VERSION_MINOR 1

/**
 * Patch version of this header.
 */
#define ZEUS_AMD_VERSION_PATCH 0

/**
 * A watchdog process restores the settings if this process terminates.
 */
#define ZEUS_AMD_GUARD_WATCHER_BIT 1

/**
 * Fail to open if the GPUs are not all of one model.
 */
#define ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT 1

/**
 * Shut libamd_smi down when the last session that uses it closes. Other code in
 * the process that uses it (PyTorch, profilers) then loses it too: before ROCm
 * 7.0.2 libamd_smi does not count its users. Without this bit libamd_smi stays
 * initialised.
 */
#define ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT 2

/**
 * A mask that is set and empty fails zeus_amd_open(), as in Zeus, instead of
 * opening a session without GPUs.
 */
#define ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT 4

/**
 * Take the masks from the fields ..._visible_devices of the options (NULL: not
 * set) instead of the environment: for the GPUs of another process.
 */
#define ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT 8

/**
 * A reading resumes a runtime-suspended GPU; for some seconds after that, values
 * may be refused. Without this bit the GPU is left alone, and its readings and
 * settings return ZEUS_AMD_STATUS_BUSY.
 */
#define ZEUS_AMD_OPEN_WAKE_SUSPENDED_BIT 16

/**
 * amdsmi_version_0 to _2, rocm and amdsmi_path are set: libamd_smi is loaded.
 */
#define ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT 1

/**
 * There is no KFD topology: the order is libamd_smi's enumeration.
 */
#define ZEUS_AMD_SESSION_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT 1

/**
 * HIP's order is not certain: there is no KFD topology or enumeration (the GPUs
 * are in PCI order), or HIP may leave out GPUs that are there, which depends on
 * the ROCm release: gfx8 and older, GPUs that are newer than the release, or all
 * with HSA_OVERRIDE_GFX_VERSION. Only the option runtime_version
 * makes that certain: a Python wheel has a ROCm of its own, which may be of
 * another release than the libamd_smi that is found.
 */
#define ZEUS_AMD_SESSION_INFO_FLAG_ORDER_UNCERTAIN_BIT 2

/**
 * unmasked_index is set.
 */
#define ZEUS_AMD_GPU_INFO_VALID_UNMASKED_INDEX_BIT 1

/**
 * amdsmi_index is set.
 */
#define ZEUS_AMD_GPU_INFO_VALID_AMDSMI_INDEX_BIT 2

/**
 * kfd_node is set.
 */
#define ZEUS_AMD_GPU_INFO_VALID_KFD_NODE_BIT 4

/**
 * unique_id and uuid are set.
 */
#define ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT 8

/**
 * name is set.
 */
#define ZEUS_AMD_GPU_INFO_VALID_NAME_BIT 16

/**
 * device_id is set.
 */
#define ZEUS_AMD_GPU_INFO_VALID_DEVICE_ID_BIT 32

/**
 * There is no KFD topology: the order is libamd_smi's enumeration.
 */
#define ZEUS_AMD_GPU_INFO_FLAG_ORDER_FROM_ENUMERATION_BIT 1

/**
 * HIP's order is not certain: there is no KFD topology or enumeration (the GPUs
 * are in PCI order), or HIP may leave out GPUs that are there, which depends on
 * the ROCm release: gfx8 and older, GPUs that are newer than the release, or all
 * with HSA_OVERRIDE_GFX_VERSION. Only the option runtime_version
 * makes that certain: a Python wheel has a ROCm of its own, which may be of
 * another release than the libamd_smi that is found.
 */
#define ZEUS_AMD_GPU_INFO_FLAG_ORDER_UNCERTAIN_BIT 2

/**
 * accumulator is set.
 */
#define ZEUS_AMD_ENERGY_RAW_VALID_ACCUMULATOR_BIT 2

/**
 * driver_time_ns is set.
 */
#define ZEUS_AMD_ENERGY_RAW_VALID_DRIVER_TIME_BIT 4

/**
 * firmware_time_ns is set.
 */
#define ZEUS_AMD_ENERGY_RAW_VALID_FIRMWARE_TIME_BIT 8

/**
 * resolution_uj is set.
 */
#define ZEUS_AMD_ENERGY_RAW_VALID_RESOLUTION_BIT 512

/**
 * The driver's timestamp has stalled: this is an old reading.
 */
#define ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT 16

/**
 * Counts are converted with 2^-16 J, as the kernel states, not with the
 * resolution that libamd_smi reports.
 */
#define ZEUS_AMD_ENERGY_RAW_FLAG_FIRMWARE_RESOLUTION_BIT 128

/**
 * energy_mj is set.
 */
#define ZEUS_AMD_READING_VALID_ENERGY_BIT 1

/**
 * accumulator is set.
 */
#define ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT 2

/**
 * driver_time_ns is set.
 */
#define ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT 4

/**
 * firmware_time_ns is set.
 */
#define ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT 8

/**
 * power_instant_mw is set.
 */
#define ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT 16

/**
 * power_average_mw is set.
 */
#define ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT 32

/**
 * temperature_c is set.
 */
#define ZEUS_AMD_READING_VALID_TEMPERATURE_BIT 64

/**
 * resolution_uj is set.
 */
#define ZEUS_AMD_READING_VALID_RESOLUTION_BIT 512

/**
 * The driver's timestamp has stalled: the accumulator is an old one, and the
 * other values are left out.
 */
#define ZEUS_AMD_READING_FLAG_STALE_BIT 16

/**
 * Counts are converted with 2^-16 J, as the kernel states, not with the
 * resolution that libamd_smi reports.
 */
#define ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT 128

/**
 * temperature_c is of the edge sensor: the GPU, as an APU, has no hotspot sensor.
 */
#define ZEUS_AMD_READING_FLAG_EDGE_TEMPERATURE_BIT 256

/**
 * energy_mj, uncertainty_mj, duration_ns, mean_power_mw, begin_ns and end_ns
 * are set.
 */
#define ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT 1

/**
 * resolution_uj is set: the counter was used.
 */
#define ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT 512

/**
 * The uncertainty is more than a tenth of the energy: the time was too short.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT 1

/**
 * The counter was reset in between. The energy across the reset is derived from
 * the power, and the uncertainty covers it.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_RESET_BIT 2

/**
 * The package has more than one GPU (dies, partitions), in the session or not.
 * This is the energy of all of them.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_SHARED_PACKAGE_BIT 4

/**
 * The counter failed its check in between and is not used any more.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_COUNTER_REJECTED_BIT 8

/**
 * The driver repeats an old reading at the end, or cannot give one (the GPU is
 * runtime-suspended, in reset or gone).
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_STALE_BIT 16

/**
 * No sample for more than 250 ms; the uncertainty covers the gap.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_SAMPLING_GAP_BIT 32

/**
 * From a power that the firmware averages over seconds (MI200 and earlier).
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_AVERAGED_POWER_BIT 64

/**
 * Counts are converted with 2^-16 J, as the kernel states, not with the
 * resolution that libamd_smi reports.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT 128

/**
 * duration_ns is by the firmware's clock, whose times belong to the counts.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_DURATION_BIT 256

/**
 * The counter was in doubt after the final reading, and was polled again until
 * it advanced or was rejected.
 */
#define ZEUS_AMD_GPU_ENERGY_FLAG_POLLED_AGAIN_BIT 2048

/**
 * energy_mj, uncertainty_mj and mean_power_mw are set: at least one package has
 * an energy.
 */
#define ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT 1

/**
 * The uncertainty is more than a tenth of the energy: the time was too short.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT 1

/**
 * The counter was reset in between. The energy across the reset is derived from
 * the power, and the uncertainty covers it.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_RESET_BIT 2

/**
 * The package has more than one GPU (dies, partitions), in the session or not.
 * This is the energy of all of them.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_SHARED_PACKAGE_BIT 4

/**
 * The counter failed its check in between and is not used any more.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_COUNTER_REJECTED_BIT 8

/**
 * The driver repeats an old reading at the end, or cannot give one (the GPU is
 * runtime-suspended, in reset or gone).
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_STALE_BIT 16

/**
 * No sample for more than 250 ms; the uncertainty covers the gap.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_SAMPLING_GAP_BIT 32

/**
 * From a power that the firmware averages over seconds (MI200 and earlier).
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_AVERAGED_POWER_BIT 64

/**
 * Counts are converted with 2^-16 J, as the kernel states, not with the
 * resolution that libamd_smi reports.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT 128

/**
 * duration_ns is by the firmware's clock, whose times belong to the counts.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_DURATION_BIT 256

/**
 * A counter was in doubt after the final reading, and was polled again until it
 * advanced or was rejected.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_POLLED_AGAIN_BIT 2048

/**
 * The energy of at least one package is missing.
 */
#define ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT 512

/**
 * energy_uj is set.
 */
#define ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT 1

/**
 * power_mw is set.
 */
#define ZEUS_AMD_SAMPLE_VALID_POWER_BIT 128

/**
 * counter_power_mw is set.
 */
#define ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT 256

/**
 * The counter was reset since the sample before.
 */
#define ZEUS_AMD_SAMPLE_FLAG_RESET_BIT 2

/**
 * More than 250 ms passed since the sample before, or twice the period where that is
 * longer and the energy is of the counter.
 */
#define ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT 32

/**
 * power_mw is a power that the firmware averages over seconds.
 */
#define ZEUS_AMD_SAMPLE_FLAG_AVERAGED_POWER_BIT 64

/**
 * Counts are converted with 2^-16 J, as the kernel states, not with the
 * resolution that libamd_smi reports.
 */
#define ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT 128

/**
 * The energy since the sample before is integrated power, not the counter's.
 */
#define ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT 1024

/**
 * power_limit_mw is set: the limit was changed through the guard.
 */
#define ZEUS_AMD_GUARD_INFO_VALID_POWER_LIMIT_BIT 1

/**
 * graphics_min_mhz and graphics_max_mhz are set: as for the power limit.
 */
#define ZEUS_AMD_GUARD_INFO_VALID_GRAPHICS_CLOCKS_BIT 2

/**
 * memory_min_mhz and memory_max_mhz are set: as for the power limit.
 */
#define ZEUS_AMD_GUARD_INFO_VALID_MEMORY_CLOCKS_BIT 4

/**
 * A watchdog process runs that restores the settings if this process terminates.
 */
#define ZEUS_AMD_GUARD_INFO_FLAG_WATCHER_BIT 1

/**
 * The guards of this user's other processes know of the changes.
 */
#define ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT 2

/**
 * There are guards of another user or of another PID namespace, which do not
 * know of the changes.
 */
#define ZEUS_AMD_GUARD_INFO_FLAG_FOREIGN_GUARDS_BIT 4

/**
 * driver_time_ns is set.
 */
#define ZEUS_AMD_LIMIT_COUNTS_VALID_DRIVER_TIME_BIT 4

/**
 * prochot_cycles is set.
 */
#define ZEUS_AMD_LIMIT_COUNTS_VALID_PROCHOT_BIT 65536

/**
 * ppt_cycles is set.
 */
#define ZEUS_AMD_LIMIT_COUNTS_VALID_PPT_BIT 131072

/**
 * socket_thermal_cycles is set.
 */
#define ZEUS_AMD_LIMIT_COUNTS_VALID_SOCKET_THERMAL_BIT 262144

/**
 * vr_thermal_cycles is set.
 */
#define ZEUS_AMD_LIMIT_COUNTS_VALID_VR_THERMAL_BIT 524288

/**
 * hbm_thermal_cycles is set.
 */
#define ZEUS_AMD_LIMIT_COUNTS_VALID_HBM_THERMAL_BIT 1048576

/**
 * The driver's timestamp has stalled: this is an old reading.
 */
#define ZEUS_AMD_LIMIT_COUNTS_FLAG_STALE_BIT 16

/**
 * duration_ns is set.
 */
#define ZEUS_AMD_LIMITED_TIME_VALID_DURATION_BIT 2097152

/**
 * prochot_cycles is set.
 */
#define ZEUS_AMD_LIMITED_TIME_VALID_PROCHOT_BIT 65536

/**
 * ppt_cycles is set.
 */
#define ZEUS_AMD_LIMITED_TIME_VALID_PPT_BIT 131072

/**
 * socket_thermal_cycles is set.
 */
#define ZEUS_AMD_LIMITED_TIME_VALID_SOCKET_THERMAL_BIT 262144

/**
 * vr_thermal_cycles is set.
 */
#define ZEUS_AMD_LIMITED_TIME_VALID_VR_THERMAL_BIT 524288

/**
 * hbm_thermal_cycles is set.
 */
#define ZEUS_AMD_LIMITED_TIME_VALID_HBM_THERMAL_BIT 1048576

/**
 * The counters were reset in between: the counts are those since the reset.
 */
#define ZEUS_AMD_LIMITED_TIME_FLAG_RESET_BIT 2

/**
 * parent is set: the energy of that domain includes this one's.
 */
#define ZEUS_AMD_NODE_DOMAIN_INFO_VALID_PARENT_BIT 1024

/**
 * gpu is set.
 */
#define ZEUS_AMD_NODE_DOMAIN_INFO_VALID_GPU_BIT 2048

/**
 * refresh_ns is set.
 */
#define ZEUS_AMD_NODE_DOMAIN_INFO_VALID_REFRESH_BIT 4096

/**
 * The counter wraps around: a background thread of the session reads it from
 * the first energy or window of the node on.
 */
#define ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_WRAPS_BIT 8192

/**
 * energy_uj, uncertainty_uj, duration_ns and mean_power_mw are set.
 */
#define ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT 1

/**
 * The uncertainty is more than a tenth of the energy: the time was too short.
 */
#define ZEUS_AMD_NODE_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT 1

/**
 * The counter was reset in between. The energy across the reset is derived from
 * the power, and the uncertainty covers it.
 */
#define ZEUS_AMD_NODE_ENERGY_FLAG_RESET_BIT 2

/**
 * The source was not updated for more than a second: the value is an old one.
 */
#define ZEUS_AMD_NODE_ENERGY_FLAG_STALE_BIT 16

/**
 * No sample for so long that the counter may have wrapped around unseen, or of a
 * GPU for more than 250 ms; the uncertainty covers the gap.
 */
#define ZEUS_AMD_NODE_ENERGY_FLAG_SAMPLING_GAP_BIT 32

/**
 * It is in the total.
 */
#define ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT 16384

/**
 * energy_uj, uncertainty_uj and mean_power_mw are set: at least one domain has
 * an energy.
 */
#define ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT 1

/**
 * The uncertainty is more than a tenth of the energy: the time was too short.
 */
#define ZEUS_AMD_NODE_TOTAL_FLAG_HIGH_UNCERTAINTY_BIT 1

/**
 * The energy of at least one package is missing.
 */
#define ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT 512

/**
 * The result of a call. 0 is success, failures are negative, positive values
 * are reserved. Treat an unknown negative value as a failure. Numbers are never
 * reused (-15 is not used). The message of the last failure is in
 * zeus_amd_last_error().
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_status_t : int32_t
#else
enum
#endif
{
    /**
     * Success.
     */
    ZEUS_AMD_STATUS_OK = 0,
    /**
     * A pointer is NULL, a flag or value is unknown, or the driver refused a
     * value.
     */
    ZEUS_AMD_STATUS_INVALID_ARGUMENT = -1,
    /**
     * struct_size was not set or is too small, or a field that this library
     * does not know is set.
     */
    ZEUS_AMD_STATUS_STRUCT_VERSION = -2,
    /**
     * There is no such GPU, or libamd_smi does not list it.
     */
    ZEUS_AMD_STATUS_NOT_FOUND = -3,
    /**
     * This GPU, driver or libamd_smi has no such value; the message says why.
     */
    ZEUS_AMD_STATUS_NOT_SUPPORTED = -4,
    /**
     * The kernel or libamd_smi refused for lack of permission.
     */
    ZEUS_AMD_STATUS_NO_PERMISSION = -5,
    /**
     * libamd_smi failed to initialise, or other code of the process shut it
     * down.
     */
    ZEUS_AMD_STATUS_NOT_INITIALIZED = -6,
    /**
     * A transient state (busy, suspended, in reset); try again.
     */
    ZEUS_AMD_STATUS_BUSY = -7,
    /**
     * Time limit exceeded; amdsmi_init may hang.
     */
    ZEUS_AMD_STATUS_TIMEOUT = -8,
    /**
     * Out of memory, file descriptors or threads.
     */
    ZEUS_AMD_STATUS_NO_MEMORY = -9,
    /**
     * Reading or writing failed.
     */
    ZEUS_AMD_STATUS_IO = -10,
    /**
     * There is no libamd_smi in the search path.
     */
    ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND = -11,
    /**
     * A libamd_smi of a version whose struct layouts are not known.
     */
    ZEUS_AMD_STATUS_LIBRARY_VERSION = -12,
    /**
     * The amdgpu driver is not loaded.
     */
    ZEUS_AMD_STATUS_DRIVER_NOT_LOADED = -13,
    /**
     * The GPU disappeared or was reset.
     */
    ZEUS_AMD_STATUS_DEVICE_LOST = -14,
    /**
     * The array is too small; the count receives the capacity that is needed.
     */
    ZEUS_AMD_STATUS_BUFFER_TOO_SMALL = -16,
    /**
     * The handle belongs to the parent process, which called fork().
     */
    ZEUS_AMD_STATUS_FORKED = -17,
    /**
     * The GPUs are of different models, and ENSURE_HOMOGENEOUS was set.
     */
    ZEUS_AMD_STATUS_HETEROGENEOUS = -18,
    /**
     * The kernel and libamd_smi disagree about which GPU is which.
     */
    ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE = -19,
    /**
     * A file that cannot be loaded as libamd_smi.
     */
    ZEUS_AMD_STATUS_LIBRARY_INVALID = -20,
    /**
     * A library without the functions that libamd_smi must have.
     */
    ZEUS_AMD_STATUS_LIBRARY_SYMBOLS = -21,
    /**
     * The driver is loaded, but there is no card.
     */
    ZEUS_AMD_STATUS_NO_DEVICE = -22,
    /**
     * A value is outside the range that the message names.
     */
    ZEUS_AMD_STATUS_OUT_OF_RANGE = -23,
    /**
     * The driver's timestamp has stalled: the value is an old one.
     */
    ZEUS_AMD_STATUS_STALE = -24,
    /**
     * The driver's data have an unknown form or size.
     */
    ZEUS_AMD_STATUS_UNEXPECTED_DATA = -25,
    /**
     * A mask is set and empty: of zeus_amd_open() if EMPTY_MASK_IS_ERROR was
     * set, as no_gpu_reason, and for the total of a window.
     */
    ZEUS_AMD_STATUS_EMPTY_MASK = -26,
    /**
     * Only as no_gpu_reason of zeus_amd_session_info_t, and for the total of a
     * window: the first entry of a mask is invalid, so no GPU is visible.
     */
    ZEUS_AMD_STATUS_MASK_INVALID = -27,
    /**
     * Only as no_gpu_reason, and for the total of a window: a device file
     * cannot be opened, and the runtime gives up.
     */
    ZEUS_AMD_STATUS_NO_ACCESS = -28,
    /**
     * Only as no_gpu_reason, and for the total of a window: the runtime fails
     * to start in this environment or on this machine.
     */
    ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED = -29,
    /**
     * The driver accepted a setting, but did not apply it or changed the value.
     */
    ZEUS_AMD_STATUS_NOT_APPLIED = -30,
    /**
     * The energy counter is still being checked; try again.
     */
    ZEUS_AMD_STATUS_NOT_READY = -31,
    /**
     * libamd_smi failed with a status that has no equivalent here.
     */
    ZEUS_AMD_STATUS_UNKNOWN = -98,
    /**
     * A defect of this library. The GPU, or the settings, of the call are not used
     * by this session again; its other GPUs are.
     */
    ZEUS_AMD_STATUS_INTERNAL = -99,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_status_t zeus_amd_status_t;
#else
typedef int32_t zeus_amd_status_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where readings come from.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_backend_t : uint32_t
#else
enum
#endif
{
    /**
     * The variable ZEUS_AMD_BACKEND (auto, amdsmi or sysfs). If it is not set:
     * gpu_metrics of the kernel for power, energy and temperature where it
     * agrees with libamd_smi (measured about 1000 times as fast), else
     * libamd_smi. Without a usable libamd_smi, sysfs alone.
     */
    ZEUS_AMD_BACKEND_AUTO = 0,
    /**
     * libamd_smi; without a usable one the session does not open.
     */
    ZEUS_AMD_BACKEND_AMDSMI = 1,
    /**
     * The kernel's sysfs alone; libamd_smi is not loaded.
     */
    ZEUS_AMD_BACKEND_SYSFS = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_backend_t zeus_amd_backend_t;
#else
typedef uint32_t zeus_amd_backend_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How the energy counters are checked when a session is opened.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_validation_t : uint32_t
#else
enum
#endif
{
    /**
     * ADAPTIVE.
     */
    ZEUS_AMD_VALIDATION_DEFAULT = 0,
    /**
     * Compares energy and power over half a second, all GPUs at the same time:
     * the rule of Zeus.
     */
    ZEUS_AMD_VALIDATION_FIXED = 1,
    /**
     * No check.
     */
    ZEUS_AMD_VALIDATION_OFF = 2,
    /**
     * Until each counter has advanced through enough refreshes, which takes
     * some tens of milliseconds; half a second for a counter that misbehaves,
     * and up to four seconds while no power shows what it should count: an
     * averaged one still follows a change of the load, or the program waits for
     * a processor. A GPU that is runtime-suspended or in reset stays
     * ZEUS_AMD_COUNTER_STATE_PENDING and is checked when it resumes.
     */
    ZEUS_AMD_VALIDATION_ADAPTIVE = 3,
    /**
     * As ADAPTIVE, but zeus_amd_open() does not wait. Until the check is done
     * the state is ZEUS_AMD_COUNTER_STATE_PENDING, and zeus_amd_energy_mj()
     * returns ZEUS_AMD_STATUS_NOT_READY.
     */
    ZEUS_AMD_VALIDATION_BACKGROUND = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_validation_t zeus_amd_validation_t;
#else
typedef uint32_t zeus_amd_validation_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much energy one count of the accumulator stands for. libamd_smi reports
 * 15.3 uJ for every GPU. The kernel states 2^-16 J (15.2588 uJ, 0.27 % less) for
 * MI200 and later: smu13_driver_if_aldebaran.h, smu_v13_0_6_ppt.c and
 * smu_v15_0_8_ppt.c in
 * https://github.com/torvalds/linux/tree/master/drivers/gpu/drm/amd/pm/swsmu
 * The field resolution_uj and the flag FIRMWARE_RESOLUTION of each result show
 * which was used.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_energy_resolution_t : uint32_t
#else
enum
#endif
{
    /**
     * Windows and samplers use 2^-16 J where the kernel states it. The readings
     * zeus_amd_energy_mj(), zeus_amd_energy_raw() and zeus_amd_read_all() use
     * what libamd_smi reports, so that they equal the numbers of amd-smi and
     * Zeus.
     */
    ZEUS_AMD_ENERGY_RESOLUTION_DEFAULT = 0,
    /**
     * Everything uses what libamd_smi reports. The uncertainty covers the 0.27
     * %.
     */
    ZEUS_AMD_ENERGY_RESOLUTION_REPORTED = 1,
    /**
     * Everything uses 2^-16 J where the kernel states it.
     */
    ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_energy_resolution_t zeus_amd_energy_resolution_t;
#else
typedef uint32_t zeus_amd_energy_resolution_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which die of its package a GPU is.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_die_role_t : uint32_t
#else
enum
#endif
{
    /**
     * The package has one die.
     */
    ZEUS_AMD_DIE_SINGLE = 0,
    /**
     * Of two dies the one that reports power and energy for both.
     */
    ZEUS_AMD_DIE_PRIMARY = 1,
    /**
     * Of two dies the one that reports no power and energy.
     */
    ZEUS_AMD_DIE_SECONDARY = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_die_role_t zeus_amd_die_role_t;
#else
typedef uint32_t zeus_amd_die_role_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The result of the check of an energy counter.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_counter_state_t : uint32_t
#else
enum
#endif
{
    /**
     * Not checked; energies are reported all the same.
     */
    ZEUS_AMD_COUNTER_STATE_NOT_CHECKED = 0,
    /**
     * It agrees with the power.
     */
    ZEUS_AMD_COUNTER_STATE_TRUSTED = 1,
    /**
     * It does not advance although power is drawn.
     */
    ZEUS_AMD_COUNTER_STATE_STUCK = 2,
    /**
     * It advances less than 0.1 or more than 10 times as fast as the power, or
     * repeatedly by more than the GPU can draw.
     */
    ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE = 3,
    /**
     * The GPU reports no power to compare with.
     */
    ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE = 4,
    /**
     * The GPU has no counter.
     */
    ZEUS_AMD_COUNTER_STATE_UNSUPPORTED = 5,
    /**
     * The secondary die of a package: the primary die counts for both.
     */
    ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE = 6,
    /**
     * Not the first partition of a package, which counts for all partitions.
     */
    ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION = 7,
    /**
     * The check is not done yet (ZEUS_AMD_VALIDATION_BACKGROUND), or the GPU is
     * runtime-suspended or in reset and is checked when it resumes.
     */
    ZEUS_AMD_COUNTER_STATE_PENDING = 8,
    /**
     * It could not be read so far, for another reason than that there is none:
     * zeus_amd_energy_raw() returns which one. It is checked again in the
     * background, about once a second.
     */
    ZEUS_AMD_COUNTER_STATE_UNREADABLE = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_counter_state_t zeus_amd_counter_state_t;
#else
typedef uint32_t zeus_amd_counter_state_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How an energy was obtained.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_method_t : uint32_t
#else
enum
#endif
{
    /**
     * There is no energy; the status says why.
     */
    ZEUS_AMD_METHOD_NONE = 0,
    /**
     * The difference of the energy counter.
     */
    ZEUS_AMD_METHOD_COUNTER = 1,
    /**
     * Integrated from sampled power: the counter is not usable.
     */
    ZEUS_AMD_METHOD_INTEGRATED = 2,
    /**
     * Mean of the power at both ends times the duration: the time is too short
     * for the counter, or there were no samples.
     */
    ZEUS_AMD_METHOD_ESTIMATED = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_method_t zeus_amd_method_t;
#else
typedef uint32_t zeus_amd_method_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a domain of the node is.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_node_domain_kind_t : uint32_t
#else
enum
#endif
{
    /**
     * The whole node: processors, memory, accelerators, network, losses.
     */
    ZEUS_AMD_NODE_DOMAIN_NODE = 0,
    /**
     * All processors, by the board.
     */
    ZEUS_AMD_NODE_DOMAIN_CPU = 1,
    /**
     * All memory, by the board.
     */
    ZEUS_AMD_NODE_DOMAIN_MEMORY = 2,
    /**
     * A GPU's package, by the board. Their order is the board's, not HIP's.
     */
    ZEUS_AMD_NODE_DOMAIN_ACCELERATOR = 3,
    /**
     * A processor's package, by its own register.
     */
    ZEUS_AMD_NODE_DOMAIN_CPU_PACKAGE = 4,
    /**
     * The cores of a processor's package; none of AMD's, whose register is that
     * of one core.
     */
    ZEUS_AMD_NODE_DOMAIN_CPU_CORES = 5,
    /**
     * What a processor's package has beside its cores.
     */
    ZEUS_AMD_NODE_DOMAIN_UNCORE = 6,
    /**
     * The memory of a processor, beside its package.
     */
    ZEUS_AMD_NODE_DOMAIN_DRAM = 7,
    /**
     * The platform, by a processor's register (psys): what it covers is the
     * vendor's choice, so it is in no total.
     */
    ZEUS_AMD_NODE_DOMAIN_PLATFORM = 8,
    /**
     * The package of a GPU of the session.
     */
    ZEUS_AMD_NODE_DOMAIN_GPU = 9,
    /**
     * Another zone of powercap.
     */
    ZEUS_AMD_NODE_DOMAIN_OTHER = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_node_domain_kind_t zeus_amd_node_domain_kind_t;
#else
typedef uint32_t zeus_amd_node_domain_kind_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Where a domain is read.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_node_source_t : uint32_t
#else
enum
#endif
{
    /**
     * /sys/cray/pm_counters of HPE Cray EX, in whole joules and watts, about ten
     * times a second:
     * https://cray-hpe.github.io/docs-csm/en-15/operations/power_management/user_access_to_compute_node_power_data/
     */
    ZEUS_AMD_NODE_SOURCE_PM_COUNTERS = 0,
    /**
     * /sys/class/powercap/intel-rapl:*, of AMD's processors too:
     * https://docs.kernel.org/power/powercap/powercap.html
     */
    ZEUS_AMD_NODE_SOURCE_POWERCAP = 1,
    /**
     * As the GPU of the session.
     */
    ZEUS_AMD_NODE_SOURCE_GPU = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_node_source_t zeus_amd_node_source_t;
#else
typedef uint32_t zeus_amd_node_source_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How much of the node a total covers.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_node_scope_t : uint32_t
#else
enum
#endif
{
    /**
     * Nothing has an energy.
     */
    ZEUS_AMD_NODE_SCOPE_NONE = 0,
    /**
     * The packages of the GPUs alone. That of an MI300A or another APU has its
     * processor too.
     */
    ZEUS_AMD_NODE_SCOPE_GPUS = 1,
    /**
     * Those parts that are measured: packages of GPUs, processors, memory. Not
     * network, fans and losses.
     */
    ZEUS_AMD_NODE_SCOPE_PARTS = 2,
    /**
     * The whole node, by one sensor.
     */
    ZEUS_AMD_NODE_SCOPE_NODE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_node_scope_t zeus_amd_node_scope_t;
#else
typedef uint32_t zeus_amd_node_scope_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The importance of a message.
 */
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
enum zeus_amd_log_level_t : uint32_t
#else
enum
#endif
{
    /**
     * Something failed.
     */
    ZEUS_AMD_LOG_ERROR = 0,
    /**
     * Something is wrong; the library goes on.
     */
    ZEUS_AMD_LOG_WARNING = 1,
    /**
     * A decision of the library, and its reason.
     */
    ZEUS_AMD_LOG_INFO = 2,
    /**
     * All messages.
     */
    ZEUS_AMD_LOG_DEBUG = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_log_level_t zeus_amd_log_level_t;
#else
typedef uint32_t zeus_amd_log_level_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Settings to restore, from zeus_amd_guard_begin() to zeus_amd_guard_end().
 */
typedef struct zeus_amd_guard_t zeus_amd_guard_t;

/**
 * A window over the node, from zeus_amd_node_window_begin() to
 * zeus_amd_node_window_end().
 */
typedef struct zeus_amd_node_window_t zeus_amd_node_window_t;

/**
 * A sampler, from zeus_amd_sampler_start() to zeus_amd_sampler_free().
 */
typedef struct zeus_amd_sampler_t zeus_amd_sampler_t;

/**
 * An open session, from zeus_amd_open() to zeus_amd_close().
 */
typedef struct zeus_amd_session_t zeus_amd_session_t;

/**
 * A window, from zeus_amd_window_begin() to zeus_amd_window_end().
 */
typedef struct zeus_amd_window_t zeus_amd_window_t;

/**
 * A log callback: receives a zeus_amd_log_level_t, a message that is valid
 * during the call, and the pointer that was passed to zeus_amd_set_log().
 */
typedef void (*zeus_amd_log_fn)(uint32_t level, const char *text, void *user);

/**
 * How to open a session. Start from ZEUS_AMD_OPTIONS_INIT; zero is the default
 * of every field.
 */
typedef struct zeus_amd_options_t {
    /**
     * sizeof(zeus_amd_options_t); ZEUS_AMD_OPTIONS_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_OPEN_..._BIT flags.
     */
    uint32_t flags;
    /**
     * Where readings come from.
     */
    zeus_amd_backend_t backend;
    /**
     * How the energy counters are checked.
     */
    zeus_amd_validation_t validation;
    /**
     * How much energy one count stands for.
     */
    zeus_amd_energy_resolution_t energy_resolution;
    /**
     * Limit in milliseconds for amdsmi_init, for the enumeration of the GPUs by
     * libamd_smi, and for each later call of it in this process; 0: 10 seconds.
     * A call that exceeds it is left to a thread of this library. While it has
     * not returned, readings come from the kernel's files, and what these lack,
     * and setters, return ZEUS_AMD_STATUS_TIMEOUT at once. The hand-over to the
     * thread takes some 10 microseconds of the 150 to 600 that AMD's calls take.
     * UINT32_MAX: no limit; calls are made on the caller's thread.
     */
    uint32_t init_timeout_ms;
    /**
     * A libamd_smi.so, or a folder that holds one (itself or in lib/). NULL:
     * the variables ZEUS_AMD_AMDSMI, AMDSMI_LIB_OVERRIDE, AMDSMI_LIB_DIR,
     * ROCM_PATH and ROCM_HOME, the Python environment VIRTUAL_ENV, /opt/rocm,
     * its core and newest core-*, the newest /opt/rocm-*, and the dynamic
     * loader.
     */
    const char *amdsmi_path;
    /**
     * The ROCm release of the application, such as "6.4.1". The rules for masks
     * differ between releases, and so does what happens beside a GPU older than
     * gfx9 (https://github.com/ROCm/rocm-systems/issues/8801). NULL: the
     * release of libamd_smi if it is loaded and its version belongs to one
     * release only (26.1 does not), else of the file .info/version of the ROCm
     * that is found, else the rules of the newest release.
     */
    const char *runtime_version;
    /**
     * With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: ROCR_VISIBLE_DEVICES; NULL: not
     * set.
     */
    const char *rocr_visible_devices;
    /**
     * With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: HIP_VISIBLE_DEVICES; NULL: not
     * set.
     */
    const char *hip_visible_devices;
    /**
     * With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: CUDA_VISIBLE_DEVICES; NULL: not
     * set.
     */
    const char *cuda_visible_devices;
} zeus_amd_options_t;

/**
 * About an open session. Start from ZEUS_AMD_SESSION_INFO_INIT.
 */
typedef struct zeus_amd_session_info_t {
    /**
     * sizeof(zeus_amd_session_info_t); ZEUS_AMD_SESSION_INFO_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_SESSION_INFO_VALID_..._BIT: which fields are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_SESSION_INFO_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * How many GPUs there are; their indices are 0 to this minus 1.
     */
    uint32_t gpu_count;
    /**
     * ZEUS_AMD_BACKEND_AMDSMI if libamd_smi is used, else
     * ZEUS_AMD_BACKEND_SYSFS.
     */
    zeus_amd_backend_t backend;
    /**
     * As it was chosen in the options.
     */
    zeus_amd_energy_resolution_t energy_resolution;
    /**
     * The first three version words of libamd_smi.
     */
    uint32_t amdsmi_version_0;
    /**
     * See amdsmi_version_0.
     */
    uint32_t amdsmi_version_1;
    /**
     * See amdsmi_version_0.
     */
    uint32_t amdsmi_version_2;
    /**
     * ZEUS_AMD_STATUS_OK if there is a GPU, else why there is none:
     * ZEUS_AMD_STATUS_NO_DEVICE, ZEUS_AMD_STATUS_EMPTY_MASK,
     * ZEUS_AMD_STATUS_MASK_INVALID, ZEUS_AMD_STATUS_NO_ACCESS or
     * ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED. zeus_amd_explain() has the message.
     */
    zeus_amd_status_t no_gpu_reason;
    /**
     * Why ZEUS_AMD_BACKEND_AUTO goes on without libamd_smi; ZEUS_AMD_STATUS_OK
     * if it is loaded or was not asked for.
     */
    zeus_amd_status_t amdsmi_status;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * The ROCm releases that this version of libamd_smi belongs to.
     */
    char rocm[32];
    /**
     * The file libamd_smi was loaded from, cut to fit.
     */
    char amdsmi_path[512];
} zeus_amd_session_info_t;

/**
 * Which GPU an index is. Start from ZEUS_AMD_GPU_INFO_INIT.
 */
typedef struct zeus_amd_gpu_info_t {
    /**
     * sizeof(zeus_amd_gpu_info_t); ZEUS_AMD_GPU_INFO_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_GPU_INFO_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * Its index.
     */
    uint32_t index;
    /**
     * Its HIP index if no GPU were masked.
     */
    uint32_t unmasked_index;
    /**
     * Its index in libamd_smi and in the amd-smi tool.
     */
    uint32_t amdsmi_index;
    /**
     * Its node in /sys/class/kfd/kfd/topology/nodes.
     */
    uint32_t kfd_node;
    /**
     * Its partition number in the package; 0 without partitions.
     */
    uint32_t partition;
    /**
     * Which die of its package it is.
     */
    zeus_amd_die_role_t die_role;
    /**
     * Where its readings come from.
     */
    zeus_amd_backend_t source;
    /**
     * The result of the check of its energy counter.
     */
    zeus_amd_counter_state_t counter_state;
    /**
     * ZEUS_AMD_GPU_INFO_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * The PCI device id, such as 0x74a1.
     */
    uint32_t device_id;
    /**
     * The KFD unique_id.
     */
    uint64_t unique_id;
    /**
     * The market name.
     */
    char name[256];
    /**
     * domain:bus:device.function in lower-case hex, such as 0000:c1:00.0
     */
    char pci_address[32];
    /**
     * "GPU-" and 16 hex digits, as in ROCm's variables.
     */
    char uuid[64];
    /**
     * The same text for all GPUs of this machine that share one energy counter.
     */
    char package[64];
} zeus_amd_gpu_info_t;

/**
 * One reading of an energy accumulator. Start from ZEUS_AMD_ENERGY_RAW_INIT.
 */
typedef struct zeus_amd_energy_raw_t {
    /**
     * sizeof(zeus_amd_energy_raw_t); ZEUS_AMD_ENERGY_RAW_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_ENERGY_RAW_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_ENERGY_RAW_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Counts since the counter's zero (driver load or reset).
     */
    uint64_t accumulator;
    /**
     * Microjoules per count.
     */
    double resolution_uj;
    /**
     * CLOCK_BOOTTIME in nanoseconds when the driver read the counter.
     */
    uint64_t driver_time_ns;
    /**
     * The firmware's clock at the counter's value, in nanoseconds; its zero is
     * not defined.
     */
    uint64_t firmware_time_ns;
} zeus_amd_energy_raw_t;

/**
 * One reading of all values of a GPU. Start the first of an array from
 * ZEUS_AMD_READING_INIT.
 */
typedef struct zeus_amd_reading_t {
    /**
     * sizeof(zeus_amd_reading_t); ZEUS_AMD_READING_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * ZEUS_AMD_READING_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_READING_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * ZEUS_AMD_STATUS_OK, or why there is no energy: what zeus_amd_energy_mj()
     * returns.
     */
    zeus_amd_status_t status;
    /**
     * The state of its energy counter.
     */
    zeus_amd_counter_state_t counter_state;
    /**
     * As zeus_amd_temperature_c(), in degrees Celsius.
     */
    int32_t temperature_c;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * As zeus_amd_energy_mj(), in millijoules: where the counter has 32 bits, it
     * wraps around.
     */
    uint64_t energy_mj;
    /**
     * Counts since the counter's zero, whatever the state of the counter.
     */
    uint64_t accumulator;
    /**
     * Microjoules per count.
     */
    double resolution_uj;
    /**
     * CLOCK_BOOTTIME in nanoseconds when the driver read the accumulator. A power
     * of hwmon, or of libamd_smi, may be newer.
     */
    uint64_t driver_time_ns;
    /**
     * The firmware's clock at the accumulator's value, in nanoseconds; its zero
     * is not defined.
     */
    uint64_t firmware_time_ns;
    /**
     * As zeus_amd_power_instant_mw(), in milliwatts.
     */
    uint64_t power_instant_mw;
    /**
     * As zeus_amd_power_average_mw(), in milliwatts.
     */
    uint64_t power_average_mw;
} zeus_amd_reading_t;

/**
 * The energy of all packages over a time, each counted once. Start from
 * ZEUS_AMD_TOTAL_ENERGY_INIT.
 */
typedef struct zeus_amd_total_energy_t {
    /**
     * sizeof(zeus_amd_total_energy_t); ZEUS_AMD_TOTAL_ENERGY_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_TOTAL_ENERGY_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_TOTAL_ENERGY_FLAG_..._BIT: each flag that any of the GPUs has.
     */
    uint32_t flags;
    /**
     * The number of packages in the sum.
     */
    uint32_t packages;
    /**
     * The number of packages without an energy, which are not in the sum:
     * ZEUS_AMD_TOTAL_ENERGY_FLAG_INCOMPLETE_BIT.
     */
    uint32_t missing;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * The sum of the energies, in millijoules.
     */
    uint64_t energy_mj;
    /**
     * The sum of the uncertainties, in millijoules.
     */
    uint64_t uncertainty_mj;
    /**
     * From the return of zeus_amd_window_begin() to the call that ends or reads
     * the window, in nanoseconds; always set.
     */
    uint64_t duration_ns;
    /**
     * The sum of the mean powers, in milliwatts.
     */
    uint64_t mean_power_mw;
} zeus_amd_total_energy_t;

/**
 * The energy of one GPU over a time. Start from ZEUS_AMD_GPU_ENERGY_INIT.
 */
typedef struct zeus_amd_gpu_energy_t {
    /**
     * sizeof(zeus_amd_gpu_energy_t); ZEUS_AMD_GPU_ENERGY_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * ZEUS_AMD_GPU_ENERGY_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_GPU_ENERGY_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * How the energy was obtained.
     */
    zeus_amd_method_t method;
    /**
     * The state of its energy counter at the end.
     */
    zeus_amd_counter_state_t counter_state;
    /**
     * ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy.
     */
    zeus_amd_status_t status;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Energy of the package in millijoules, from begin_ns to end_ns.
     */
    uint64_t energy_mj;
    /**
     * Upper limit of the error of the energy, in millijoules: for the time from
     * begin_ns to end_ns, and for the time between the calls as well. With
     * ZEUS_AMD_METHOD_INTEGRATED as far as the samples show.
     */
    uint64_t uncertainty_mj;
    /**
     * The time that the energy belongs to, in nanoseconds.
     */
    uint64_t duration_ns;
    /**
     * Energy over duration, in milliwatts.
     */
    uint64_t mean_power_mw;
    /**
     * CLOCK_BOOTTIME of the first reading in nanoseconds: the driver's time of
     * the counter, a few milliseconds before the call.
     */
    uint64_t begin_ns;
    /**
     * The same for the last reading.
     */
    uint64_t end_ns;
    /**
     * Microjoules per count.
     */
    double resolution_uj;
} zeus_amd_gpu_energy_t;

/**
 * How to sample. Start from ZEUS_AMD_SAMPLER_OPTIONS_INIT; zero is the default
 * of every field.
 */
typedef struct zeus_amd_sampler_options_t {
    /**
     * sizeof(zeus_amd_sampler_options_t); ZEUS_AMD_SAMPLER_OPTIONS_INIT sets
     * it.
     */
    uint32_t struct_size;
    /**
     * How many samples are kept, of all GPUs together; 0: 65536. New samples
     * overwrite the oldest.
     */
    uint32_t capacity;
    /**
     * The time between two samples of a GPU in nanoseconds, at least 100000; 0:
     * as fast as its readings change, with at most a tenth of a processor.
     */
    uint64_t period_ns;
} zeus_amd_sampler_options_t;

/**
 * One sample of one GPU. Start the first of an array from ZEUS_AMD_SAMPLE_INIT.
 */
typedef struct zeus_amd_sample_t {
    /**
     * sizeof(zeus_amd_sample_t); ZEUS_AMD_SAMPLE_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * ZEUS_AMD_SAMPLE_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_SAMPLE_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * CLOCK_BOOTTIME of the reading in nanoseconds: the driver's time, or where
     * there is none the time of the call.
     */
    uint64_t time_ns;
    /**
     * Energy since the sampler's first sample of the GPU, in microjoules.
     */
    uint64_t energy_uj;
    /**
     * Power by the GPU's power sensor, in milliwatts: what the driver reported
     * between power_begin_ns and power_end_ns.
     */
    uint64_t power_mw;
    /**
     * Mean power by the energy counter since the last sample that has one, or
     * since a later one with ZEUS_AMD_SAMPLE_FLAG_RESET_BIT or
     * ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT, in milliwatts, to a tenth: it is set
     * where the time since then is long enough. It follows the load without
     * delay where the sensor averages.
     */
    uint64_t counter_power_mw;
    /**
     * Upper limit of the error of counter_power_mw, in milliwatts, for the time
     * between the two counts, which the firmware takes up to a refresh before
     * time_ns.
     */
    uint64_t counter_power_uncertainty_mw;
    /**
     * CLOCK_BOOTTIME in nanoseconds, not before which the driver reported
     * power_mw: time_ns, or where the driver states no time the begin of the
     * read.
     */
    uint64_t power_begin_ns;
    /**
     * Not after which it did: time_ns where power and time are read at once, else
     * the end of the read. Through libamd_smi, and from hwmon, a power may be
     * newer than time_ns.
     */
    uint64_t power_end_ns;
} zeus_amd_sample_t;

/**
 * The firmware's counters of limits. Start from ZEUS_AMD_LIMIT_COUNTS_INIT.
 */
typedef struct zeus_amd_limit_counts_t {
    /**
     * sizeof(zeus_amd_limit_counts_t); ZEUS_AMD_LIMIT_COUNTS_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * ZEUS_AMD_LIMIT_COUNTS_VALID_..._BIT: which of the fields below are set;
     * cycles always is.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_LIMIT_COUNTS_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * CLOCK_BOOTTIME in nanoseconds when the driver read the counters.
     */
    uint64_t driver_time_ns;
    /**
     * Cycles of the firmware, about one a millisecond. All counts begin at the
     * last reset of the GPU, and wrap around at 2^32.
     */
    uint64_t cycles;
    /**
     * Cycles in which PROCHOT was asserted.
     */
    uint64_t prochot_cycles;
    /**
     * Cycles in which the power limit of the package (PPT) held.
     */
    uint64_t ppt_cycles;
    /**
     * Cycles in which the temperature of the socket held the clocks down.
     */
    uint64_t socket_thermal_cycles;
    /**
     * The same for the temperature of the voltage regulators.
     */
    uint64_t vr_thermal_cycles;
    /**
     * The same for the temperature of the memory (HBM).
     */
    uint64_t hbm_thermal_cycles;
} zeus_amd_limit_counts_t;

/**
 * Cycles between two readings of the counters of limits. A limit held for the
 * share ppt_cycles / cycles of the time. Start from
 * ZEUS_AMD_LIMITED_TIME_INIT.
 */
typedef struct zeus_amd_limited_time_t {
    /**
     * sizeof(zeus_amd_limited_time_t); ZEUS_AMD_LIMITED_TIME_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * ZEUS_AMD_LIMITED_TIME_VALID_..._BIT: which of the fields below are set;
     * cycles always is.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_LIMITED_TIME_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * The time between the readings by the driver's clock, in nanoseconds.
     */
    uint64_t duration_ns;
    /**
     * Cycles of the firmware in this time.
     */
    uint64_t cycles;
    /**
     * See zeus_amd_limit_counts_t.
     */
    uint64_t prochot_cycles;
    /**
     * See zeus_amd_limit_counts_t.
     */
    uint64_t ppt_cycles;
    /**
     * See zeus_amd_limit_counts_t.
     */
    uint64_t socket_thermal_cycles;
    /**
     * See zeus_amd_limit_counts_t.
     */
    uint64_t vr_thermal_cycles;
    /**
     * See zeus_amd_limit_counts_t.
     */
    uint64_t hbm_thermal_cycles;
} zeus_amd_limited_time_t;

/**
 * What a domain of the node is. Start from ZEUS_AMD_NODE_DOMAIN_INFO_INIT.
 */
typedef struct zeus_amd_node_domain_info_t {
    /**
     * sizeof(zeus_amd_node_domain_info_t); ZEUS_AMD_NODE_DOMAIN_INFO_INIT sets
     * it.
     */
    uint32_t struct_size;
    /**
     * Its index.
     */
    uint32_t domain;
    /**
     * ZEUS_AMD_NODE_DOMAIN_INFO_VALID_..._BIT: which of the fields below are
     * set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_NODE_DOMAIN_INFO_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * What it is.
     */
    zeus_amd_node_domain_kind_t kind;
    /**
     * Where it is read.
     */
    zeus_amd_node_source_t source;
    /**
     * ZEUS_AMD_STATUS_OK, or why its energy cannot be read now, such as
     * ZEUS_AMD_STATUS_NO_PERMISSION.
     */
    zeus_amd_status_t status;
    /**
     * The domain that includes it.
     */
    uint32_t parent;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * The time between two updates of its values, in nanoseconds.
     */
    uint64_t refresh_ns;
    /**
     * Its energy is a multiple of this, in microjoules, or close to one.
     */
    uint64_t step_uj;
    /**
     * The highest power that its uncertainty is derived from, in milliwatts: its
     * limit, and no less than such a part may draw.
     */
    uint64_t max_power_mw;
    /**
     * "node", "cpu", "memory", "accel2", "package-0", "package-0 core", "gpu3".
     */
    char name[64];
    /**
     * The file of its energy, cut to fit.
     */
    char path[256];
} zeus_amd_node_domain_info_t;

/**
 * The energy of the node over a time, nothing counted twice. Start from
 * ZEUS_AMD_NODE_TOTAL_INIT.
 */
typedef struct zeus_amd_node_total_t {
    /**
     * sizeof(zeus_amd_node_total_t); ZEUS_AMD_NODE_TOTAL_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_NODE_TOTAL_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_NODE_TOTAL_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * How much of the node it covers.
     */
    zeus_amd_node_scope_t scope;
    /**
     * The number of domains in the sum.
     */
    uint32_t domains;
    /**
     * The number of domains without an energy that belong to the sum:
     * ZEUS_AMD_NODE_TOTAL_FLAG_INCOMPLETE_BIT.
     */
    uint32_t missing;
    /**
     * The sum of the energies, in microjoules.
     */
    uint64_t energy_uj;
    /**
     * The sum of the uncertainties, in microjoules.
     */
    uint64_t uncertainty_uj;
    /**
     * From the return of zeus_amd_node_window_begin() to the call that ends or
     * reads the window, in nanoseconds; always set.
     */
    uint64_t duration_ns;
    /**
     * The sum of the mean powers, in milliwatts.
     */
    uint64_t mean_power_mw;
    /**
     * Of energy_uj what is not of packages of GPUs, in microjoules; always set:
     * with ZEUS_AMD_NODE_SCOPE_PARTS that of processors and memory, to be added to
     * energies of the packages; with ZEUS_AMD_NODE_SCOPE_NODE all of it, packages
     * included; else 0.
     */
    uint64_t beside_uj;
    /**
     * The uncertainty of beside_uj.
     */
    uint64_t beside_uncertainty_uj;
} zeus_amd_node_total_t;

/**
 * The energy of a domain over a time. Start from ZEUS_AMD_NODE_ENERGY_INIT.
 */
typedef struct zeus_amd_node_energy_t {
    /**
     * sizeof(zeus_amd_node_energy_t); ZEUS_AMD_NODE_ENERGY_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the domain.
     */
    uint32_t domain;
    /**
     * ZEUS_AMD_NODE_ENERGY_VALID_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_NODE_ENERGY_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * How the energy was obtained.
     */
    zeus_amd_method_t method;
    /**
     * ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy.
     */
    zeus_amd_status_t status;
    /**
     * Energy in microjoules, in the time between two updates of the source,
     * duration_ns.
     */
    uint64_t energy_uj;
    /**
     * Upper limit of the error of the energy, in microjoules, for the time
     * between the calls as well, as far as max_power_mw holds. Of pm_counters a
     * value is taken to be no older than three updates, 300 ms. The error of the
     * sensors themselves is not in it.
     */
    uint64_t uncertainty_uj;
    /**
     * The time that the energy belongs to, in nanoseconds.
     */
    uint64_t duration_ns;
    /**
     * Energy over duration, in milliwatts.
     */
    uint64_t mean_power_mw;
} zeus_amd_node_energy_t;

/**
 * What a guard restores on one GPU. Start from ZEUS_AMD_GUARD_INFO_INIT.
 */
typedef struct zeus_amd_guard_info_t {
    /**
     * sizeof(zeus_amd_guard_info_t); ZEUS_AMD_GUARD_INFO_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * The index of the GPU.
     */
    uint32_t gpu;
    /**
     * ZEUS_AMD_GUARD_INFO_VALID_..._BIT: which settings are restored.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_GUARD_INFO_FLAG_..._BIT.
     */
    uint32_t flags;
    /**
     * The power limit to restore, in milliwatts.
     */
    uint64_t power_limit_mw;
    /**
     * The bounds of the graphics clock to restore, in MHz.
     */
    uint32_t graphics_min_mhz;
    /**
     * See graphics_min_mhz.
     */
    uint32_t graphics_max_mhz;
    /**
     * The bounds of the memory clock to restore, in MHz.
     */
    uint32_t memory_min_mhz;
    /**
     * See memory_min_mhz.
     */
    uint32_t memory_max_mhz;
} zeus_amd_guard_info_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs: major << 16 | minor << 8 | patch.
 * Compare it with ZEUS_AMD_VERSION_NUMBER, the version of the header.
 *
 * @return The version number.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API uint32_t zeus_amd_version(void);

/**
 * The version of the library that runs, as text, such as "0.1.0".
 *
 * @return A static string; never NULL, nothing to free.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API const char *zeus_amd_version_string(void);

/**
 * A short English text for a status, for any number.
 *
 * @param[in] status A zeus_amd_status_t, or any other number.
 * @return A static string, such as "not found"; never NULL, nothing to free.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API const char *zeus_amd_status_string(int32_t status);

/**
 * The message of this thread's last failure: what failed, on which GPU, the
 * status and text of libamd_smi or the kernel, and what to do about it. A later
 * success does not clear it. The message is cut to fit and always
 * NUL-terminated.
 *
 * @param[out] text   Receives the message; may be NULL if length is 0.
 * @param[in]  length Bytes at text.
 * @return The length of the whole message without its NUL; 0 before any
 *         failure.
 * @threadsafety Any thread; each has its own message.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API size_t zeus_amd_last_error(char *text, size_t length);

/**
 * Sets the log callback of the process. Without one there are no messages: the
 * library never prints. What libamd_smi prints while a session is opened goes to
 * the log; before Linux 5.9, and where a sandbox forbids seccomp filters, it
 * reaches standard error. The callback is called on the thread that logs, which
 * may be a background thread (a sampler, a check), with no lock of this library
 * held. It may call this library, and must not unwind or end its thread. Calls
 * that end a background thread wait for it: do not make them with a lock held
 * that the callback takes. A cancellation (pthread_cancel) in the callback takes
 * effect after the call that logs; background threads cannot be cancelled. A new
 * callback replaces the former one.
 *
 * @param[in] callback Receives messages; NULL: none.
 * @param[in] level    The least important zeus_amd_log_level_t to receive.
 * @param[in] user     Passed to the callback; may be NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (no such level;
 *         the former callback stays), ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; the former callback may still run on another thread
 *               when this returns.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_set_log(zeus_amd_log_fn callback,
                                   uint32_t level,
                                   void *user);

/**
 * Opens a session: loads libamd_smi, lists the GPUs in HIP's order (the order
 * of PyTorch's cuda:N) and checks their energy counters. The check takes some
 * tens of milliseconds; for a counter that misbehaves half a second, rarely up
 * to four. See zeus_amd_validation_t. A GPU that fails the check does not fail
 * the call: see counter_state of zeus_amd_gpu_info(). If HIP shows no GPU, the
 * session has none: see no_gpu_reason of zeus_amd_session_info().
 *
 * The environment is read here and in zeus_amd_probe() only.
 * ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES and CUDA_VISIBLE_DEVICES have the
 * effect that they have on HIP; with an HSA_OVERRIDE_GFX_VERSION that it cannot
 * parse there is no GPU. Variables that choose a libamd_smi (see amdsmi_path of
 * zeus_amd_options_t), ZEUS_AMD_ROOT and ZEUS_AMD_BACKEND are ignored in a
 * program with raised privileges (setuid). libamd_smi is initialised once per
 * process and stays loaded. If it cannot be used (missing, of an unknown
 * version, hung), the session uses the kernel's sysfs alone, unless
 * ZEUS_AMD_BACKEND_AMDSMI was asked for; amdsmi_status of
 * zeus_amd_session_info() and zeus_amd_explain() say why.
 *
 * @param[in]  options How to open, struct_size set by the caller
 *                     (ZEUS_AMD_OPTIONS_INIT); NULL: the defaults.
 * @param[out] session Receives the session, or NULL on failure; not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown
 *         flags or values in options, or ZEUS_AMD_BACKEND is not auto, amdsmi
 *         or sysfs), ZEUS_AMD_STATUS_STRUCT_VERSION,
 *         ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, ZEUS_AMD_STATUS_NO_DEVICE,
 *         ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE, ZEUS_AMD_STATUS_HETEROGENEOUS,
 *         ZEUS_AMD_STATUS_EMPTY_MASK (both only if asked for),
 *         ZEUS_AMD_STATUS_NO_MEMORY or ZEUS_AMD_STATUS_BUSY (a thread cannot be
 *         started). Only with ZEUS_AMD_BACKEND_AMDSMI:
 *         ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, ZEUS_AMD_STATUS_LIBRARY_INVALID,
 *         ZEUS_AMD_STATUS_LIBRARY_SYMBOLS, ZEUS_AMD_STATUS_LIBRARY_VERSION,
 *         ZEUS_AMD_STATUS_TIMEOUT (init_timeout_ms), or another one by which
 *         amdsmi_init failed.
 * @threadsafety Any thread.
 * @forksafety  A child may open its own session. If the parent has used
 *              libamd_smi, the child's session uses sysfs, because locks of
 *              libamd_smi may be held for ever in the child, unless
 *              ZEUS_AMD_BACKEND_AMDSMI was asked for.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_open(const struct zeus_amd_options_t *options,
                                struct zeus_amd_session_t **session);

/**
 * Closes a session. No call may be running on it, and none may follow.
 * libamd_smi stays loaded and initialised unless
 * ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT was set. Samplers stop and keep their
 * samples; windows stay open. Guards that are still open end: their settings
 * are restored, and afterwards they may only be passed to zeus_amd_guard_end(),
 * which frees them.
 *
 * @param[in] session A session; NULL does nothing.
 * @threadsafety Any thread, but not while another thread uses the session.
 * @forksafety  In a child: does nothing.
 * @since 0.1
 */
ZEUS_AMD_API void zeus_amd_close(struct zeus_amd_session_t *session);

/**
 * Can a session be opened? Checks for a GPU and, if ZEUS_AMD_BACKEND_AMDSMI is
 * asked for, for a libamd_smi that is a shared library of this machine. Loads
 * nothing and initialises nothing. A library that only the dynamic loader can
 * find is not checked.
 *
 * @param[in] options As for zeus_amd_open(), struct_size set by the caller; may
 *                    be NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INTERNAL, or what zeus_amd_open()
 *         would return: ZEUS_AMD_STATUS_DRIVER_NOT_LOADED,
 *         ZEUS_AMD_STATUS_NO_DEVICE, ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND,
 *         ZEUS_AMD_STATUS_LIBRARY_INVALID, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 *         ZEUS_AMD_STATUS_STRUCT_VERSION.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_probe(const struct zeus_amd_options_t *options);

/**
 * About the session: the number of GPUs, the version of libamd_smi, the
 * resolution.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] info    struct_size set by the caller
 *                     (ZEUS_AMD_SESSION_INFO_INIT); written only on success;
 *                     not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_STRUCT_VERSION.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_session_info(const struct zeus_amd_session_t *session,
                                        struct zeus_amd_session_info_t *info);

/**
 * The number of GPUs of the session. Their indices are 0 to this minus 1, the
 * numbers that HIP and PyTorch (cuda:N) give them.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] count   Written only on success; not NULL.
 * @return A status of any call.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_gpu_count(const struct zeus_amd_session_t *session,
                                     uint32_t *count);

/**
 * A short English text for a counter state, for any number.
 *
 * @param[in] counter_state A zeus_amd_counter_state_t, or any other number.
 * @return A static string, such as "trusted"; never NULL, nothing to free.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API const char *zeus_amd_counter_state_string(uint32_t counter_state);

/**
 * Which GPU an index is, and the state of its energy counter.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] info    struct_size set by the caller (ZEUS_AMD_GPU_INFO_INIT);
 *                     written only on success; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
 *         ZEUS_AMD_STATUS_NOT_FOUND.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_gpu_info(const struct zeus_amd_session_t *session,
                                    uint32_t gpu,
                                    struct zeus_amd_gpu_info_t *info);

/**
 * The GPU of this session at a PCI address.
 *
 * @param[in]  session     An open session; not NULL.
 * @param[in]  pci_address As hipDeviceGetPCIBusId() prints it (0000:c1:00.0),
 *                         in any case; domain and function may be omitted; not
 *                         NULL.
 * @param[out] gpu         Receives its index; written only on success; not
 *                         NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (not a PCI
 *         address), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not
 *         visible) or ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (several GPUs match).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_find_by_pci(const struct zeus_amd_session_t *session,
                                       const char *pci_address,
                                       uint32_t *gpu);

/**
 * The GPU of this session with a UUID.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  uuid    "GPU-" and 16 hex digits as in ROCm's variables, the
 *                     digits alone as hipDeviceGetUuid() returns them, or the
 *                     form of amd-smi with dashes; in any case; not NULL.
 * @param[out] gpu     Receives its index; written only on success; not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (not a
 *         UUID), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not visible)
 *         or ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (partitions that share the UUID).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_find_by_uuid(const struct zeus_amd_session_t *session,
                                        const char *uuid,
                                        uint32_t *gpu);

/**
 * How environment and topology led to this list of GPUs: what the kernel lists,
 * what each mask kept and at which entry it ended, and which GPU each index is.
 * After a window of the node (zeus_amd_node_window_begin()) where pm_counters
 * measure the same packages: how far their energy and the counters' are apart,
 * over the longest window, and the gain of each counter over the last minute of
 * open windows. Of MI200 and later, while a sampler runs: a counter that the
 * GPU's own power contradicts. The text is for people; its wording may change.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] text    Receives the text, cut to fit, always NUL-terminated; may
 *                     be NULL if length is 0.
 * @param[in]  length  Bytes at text.
 * @param[out] needed  Receives the length of the whole text without its NUL;
 *                     may be NULL.
 * @return A status of any call.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_explain(const struct zeus_amd_session_t *session,
                                   char *text,
                                   size_t length,
                                   size_t *needed);

/**
 * The power that the package draws now, in milliwatts. MI300 and later, MI50 and
 * some APUs report it. Others do not: see zeus_amd_power_average_mw(). The two
 * dies of an MI250X have one power, which the primary die reports for both.
 * Resolution: 1 W. Of an APU it is up to 0.75 W too low where it comes from
 * hwmon, as amdgpu_pm.c of the kernel prints 256ths of a watt as milliwatts.
 *
 * @param[in]  session  An open session; not NULL.
 * @param[in]  gpu      An index below zeus_amd_gpu_count().
 * @param[out] power_mw Written only on success; not NULL.
 * @return A status of any reading, or ZEUS_AMD_STATUS_STALE.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_instant_mw(const struct zeus_amd_session_t *session,
                                            uint32_t gpu,
                                            uint64_t *power_mw);

/**
 * The power that the package draws, averaged by the firmware (over seconds on
 * MI200), in milliwatts. MI100, MI200 and Radeon report it, MI300 and later do
 * not. Resolution: as of zeus_amd_power_instant_mw().
 *
 * @param[in]  session  An open session; not NULL.
 * @param[in]  gpu      An index below zeus_amd_gpu_count().
 * @param[out] power_mw Written only on success; not NULL.
 * @return A status of any reading, or ZEUS_AMD_STATUS_STALE.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_average_mw(const struct zeus_amd_session_t *session,
                                            uint32_t gpu,
                                            uint64_t *power_mw);

/**
 * Energy of the package in millijoules since the zero of its counter (driver
 * load or reset): floor(accumulator * resolution), the number of Zeus. Only
 * from a counter whose state is ZEUS_AMD_COUNTER_STATE_TRUSTED or
 * ZEUS_AMD_COUNTER_STATE_NOT_CHECKED. The difference of two readings is an
 * energy; one reading alone is not. Some counters (MI100, Radeon GPUs) have 32
 * bits: the value falls to 0 behind 2^32 counts (65.5 kJ, about 65.7 kJ with
 * the reported resolution, four minutes at 275 W), and a difference over that
 * is too small, or below 0. A reset sets it to 0, too. Windows correct both.
 *
 * @param[in]  session   An open session; not NULL.
 * @param[in]  gpu       An index below zeus_amd_gpu_count().
 * @param[out] energy_mj Written only on success; not NULL.
 * @return A status of any reading, ZEUS_AMD_STATUS_STALE, or
 *         ZEUS_AMD_STATUS_NOT_READY (the counter is still being checked).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_energy_mj(const struct zeus_amd_session_t *session,
                                     uint32_t gpu,
                                     uint64_t *energy_mj);

/**
 * Does zeus_amd_energy_mj() have a counter to read? 1 if the state of the
 * counter is ZEUS_AMD_COUNTER_STATE_TRUSTED or
 * ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, else 0, also while it is being checked.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] usable  Written only on success; not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_NOT_FOUND.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_energy_counter_usable(const struct zeus_amd_session_t *session,
                                                 uint32_t gpu,
                                                 uint32_t *usable);

/**
 * The energy accumulator of the package, whatever the state of the counter:
 * counts of resolution_uj microjoules each since its zero (driver load or
 * reset), with the times of the reading. An old value is flagged
 * (ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT) and is no failure.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] energy  struct_size set by the caller (ZEUS_AMD_ENERGY_RAW_INIT);
 *                     written only on success; not NULL.
 * @return A status of any reading, or ZEUS_AMD_STATUS_STRUCT_VERSION.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_energy_raw(const struct zeus_amd_session_t *session,
                                      uint32_t gpu,
                                      struct zeus_amd_energy_raw_t *energy);

/**
 * Temperature of the hottest spot (junction), in whole degrees Celsius. Of a GPU
 * without that sensor, as APUs, it is the edge sensor's: zeus_amd_read_all()
 * flags that.
 *
 * @param[in]  session       An open session; not NULL.
 * @param[in]  gpu           An index below zeus_amd_gpu_count().
 * @param[out] temperature_c Written only on success; not NULL.
 * @return A status of any reading, or ZEUS_AMD_STATUS_STALE.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_temperature_c(const struct zeus_amd_session_t *session,
                                         uint32_t gpu,
                                         int32_t *temperature_c);

/**
 * Energy, power and temperature of all GPUs. This is the cheapest way to read
 * many values: where readings come from gpu_metrics, each GPU is read once, its
 * values belong to one moment, and nothing is allocated. A GPU without an energy
 * is no failure: see its status. A secondary die has a temperature only.
 *
 * @param[in]     session  An open session; not NULL.
 * @param[out]    readings One element for each GPU, in the order of indices.
 *                         struct_size of the first (ZEUS_AMD_READING_INIT) is
 *                         the size of each. May be NULL if *count is 0.
 * @param[in,out] count    Capacity of readings; receives the number of GPUs.
 *                         Not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
 *         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_read_all(const struct zeus_amd_session_t *session,
                                    struct zeus_amd_reading_t *readings,
                                    uint32_t *count);

/**
 * The power limit (cap) in force, in milliwatts, rounded down. A package has
 * one limit.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] limit_mw Written only on success; not NULL.
 * @return A status of any reading.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_limit_mw(const struct zeus_amd_session_t *session,
                                          uint32_t gpu,
                                          uint64_t *limit_mw);

/**
 * The vendor's default power limit, in milliwatts, rounded down.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] limit_mw Written only on success; not NULL.
 * @return A status of any reading.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_limit_default_mw(const struct zeus_amd_session_t *session,
                                                  uint32_t gpu,
                                                  uint64_t *limit_mw);

/**
 * The lowest and the highest power limit that can be set, in milliwatts,
 * rounded down. On some GPUs the lowest is 0.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mw  Written only on success; not NULL.
 * @param[out] max_mw  Written only on success; not NULL.
 * @return A status of any reading.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_limit_range_mw(const struct zeus_amd_session_t *session,
                                                uint32_t gpu,
                                                uint64_t *min_mw,
                                                uint64_t *max_mw);

/**
 * Sets the power limit (cap) of the package, in milliwatts. Does nothing if
 * that limit is in force. Checks the range first, and reads the limit back
 * afterwards. Returns when the driver has applied it. Needs root, or write
 * access to power1_cap of the GPU.
 *
 * The driver takes whole watts: of 450.5 W it sets 450 W, which the log says as a
 * warning.
 *
 * Drivers of many GPUs report a range from 0. There the lowest limit is a tenth
 * of the default one (and 1 W at least): GPUs draw more than that when idle, so
 * less is a mistake, such as 300 where 300 W was meant. Without a default one
 * it is a tenth of the highest, or of the one in force; where the driver has
 * no highest one, it is 1500 W.
 *
 * @param[in] session  An open session; not NULL.
 * @param[in] gpu      An index below zeus_amd_gpu_count().
 * @param[in] limit_mw Within zeus_amd_power_limit_range_mw(); not 0.
 * @return A status of any change, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 mW).
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_set_power_limit_mw(const struct zeus_amd_session_t *session,
                                              uint32_t gpu,
                                              uint64_t limit_mw);

/**
 * Sets the power limit of the package to the vendor's default. Does nothing if
 * that is in force. Needs root, or write access to power1_cap of the GPU.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return A status of any change.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_power_limit(const struct zeus_amd_session_t *session,
                                             uint32_t gpu);

/**
 * The lowest and the highest level of the memory clock, in MHz, as the driver
 * lists them (pp_dpm_*), or libamd_smi where that cannot be read. Of some GPUs
 * the lowest is a sleep level.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mhz Written only on success; not NULL.
 * @param[out] max_mhz Written only on success; not NULL.
 * @return A status of any reading.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_memory_clock_levels_mhz(const struct zeus_amd_session_t *session,
                                                   uint32_t gpu,
                                                   uint32_t *min_mhz,
                                                   uint32_t *max_mhz);

/**
 * The lowest and the highest level of the graphics clock, in MHz, as the driver
 * lists them (pp_dpm_*), or libamd_smi where that cannot be read. Of some GPUs
 * the lowest is a sleep level.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mhz Written only on success; not NULL.
 * @param[out] max_mhz Written only on success; not NULL.
 * @return A status of any reading.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_graphics_clock_levels_mhz(const struct zeus_amd_session_t *session,
                                                     uint32_t gpu,
                                                     uint32_t *min_mhz,
                                                     uint32_t *max_mhz);

/**
 * The range in which the memory clock can be locked, in MHz: OD_RANGE of
 * pp_od_clk_voltage (https://docs.kernel.org/gpu/amdgpu/thermal.html). It may
 * differ from zeus_amd_memory_clock_levels_mhz().
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mhz Written only on success; not NULL.
 * @param[out] max_mhz Written only on success; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND, or
 *         ZEUS_AMD_STATUS_NOT_SUPPORTED (another partition has the clocks, or
 *         the driver shows no range).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_memory_clock_range_mhz(const struct zeus_amd_session_t *session,
                                                  uint32_t gpu,
                                                  uint32_t *min_mhz,
                                                  uint32_t *max_mhz);

/**
 * The range in which the graphics clock can be locked, in MHz: OD_RANGE of
 * pp_od_clk_voltage (https://docs.kernel.org/gpu/amdgpu/thermal.html). It may
 * differ from zeus_amd_graphics_clock_levels_mhz().
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mhz Written only on success; not NULL.
 * @param[out] max_mhz Written only on success; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND, or
 *         ZEUS_AMD_STATUS_NOT_SUPPORTED (another partition has the clocks, or
 *         the driver shows no range).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_graphics_clock_range_mhz(const struct zeus_amd_session_t *session,
                                                    uint32_t gpu,
                                                    uint32_t *min_mhz,
                                                    uint32_t *max_mhz);

/**
 * Locks the memory clock between two bounds, in MHz; equal bounds lock it to one
 * value, or where the driver (before 2026-04) or libamd_smi (before ROCm 6.3)
 * refuses that, to the narrowest range that it takes, with a warning in the log.
 * Does nothing if those bounds are in force. Checks the range first where the
 * driver shows one, and reads the bounds back afterwards. The performance level
 * becomes "manual". If a step fails, the former bounds and level are restored.
 * Each die of a package has clocks of its own. Needs root, or write access to
 * the files of the GPU in sysfs.
 *
 * While a guard is open, ZEUS_AMD_STATUS_NOT_SUPPORTED where the driver would
 * not take the present bounds back: of RDNA2 the lower one of the memory clock.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @param[in] min_mhz The lower bound; not 0, not above max_mhz.
 * @param[in] max_mhz The upper bound; not 0.
 * @return A status of any change, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 MHz,
 *         or min_mhz above max_mhz).
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_lock_memory_clocks_mhz(const struct zeus_amd_session_t *session,
                                                  uint32_t gpu,
                                                  uint32_t min_mhz,
                                                  uint32_t max_mhz);

/**
 * Locks the graphics clock between two bounds, in MHz; equal bounds lock it to
 * one value, or where the driver (before 2026-04) or libamd_smi (before ROCm
 * 6.3) refuses that, to the narrowest range that it takes, with a warning in the
 * log. Does nothing if those bounds are in force. Checks the range first where
 * the driver shows one, and reads the bounds back afterwards. The performance
 * level becomes "manual". If a step fails, the former bounds and level are
 * restored. Each die of a package has clocks of its own. Needs root, or write
 * access to the files of the GPU in sysfs.
 *
 * While a guard is open, ZEUS_AMD_STATUS_NOT_SUPPORTED where the driver would
 * not take the present bounds back: of RDNA2 the lower one of the memory clock.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @param[in] min_mhz The lower bound; not 0, not above max_mhz.
 * @param[in] max_mhz The upper bound; not 0.
 * @return A status of any change, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 MHz,
 *         or min_mhz above max_mhz).
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_lock_graphics_clocks_mhz(const struct zeus_amd_session_t *session,
                                                    uint32_t gpu,
                                                    uint32_t min_mhz,
                                                    uint32_t max_mhz);

/**
 * Unlocks the memory clock. The driver can only unlock all clocks together, by
 * the performance level "auto". A lock of the graphics clock that this session
 * made is set again afterwards. Does nothing if the level is "auto". Needs
 * root, or write access to the files of the GPU in sysfs.
 *
 * Drivers of Radeon keep the bounds in force past that level; there they become
 * those before the lock or, where this session has not seen them, as wide as the
 * levels of the clock. What the driver does not take (of RDNA2 a lower bound of
 * the memory) is ZEUS_AMD_STATUS_NOT_APPLIED; all else is unlocked.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return A status of any change.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_memory_clocks(const struct zeus_amd_session_t *session,
                                               uint32_t gpu);

/**
 * Unlocks the graphics clock. The driver can only unlock all clocks together,
 * by the performance level "auto". A lock of the memory clock that this session
 * made is set again afterwards. Does nothing if the level is "auto". Needs
 * root, or write access to the files of the GPU in sysfs.
 *
 * Drivers of Radeon keep the bounds in force past that level; there they become
 * those before the lock or, where this session has not seen them, as wide as the
 * levels of the clock. What the driver does not take (of RDNA2 a lower bound of
 * the memory) is ZEUS_AMD_STATUS_NOT_APPLIED; all else is unlocked.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return A status of any change.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_graphics_clocks(const struct zeus_amd_session_t *session,
                                                 uint32_t gpu);

/**
 * Unlocks all clocks: sets the performance level "auto". Does nothing if that
 * is the level. Needs root, or write access to the files of the GPU in sysfs.
 *
 * Drivers of Radeon keep the bounds in force past that level; there they become
 * those before the lock or, where this session has not seen them, as wide as the
 * levels of the clock. What the driver does not take (of RDNA2 a lower bound of
 * the memory) is ZEUS_AMD_STATUS_NOT_APPLIED; all else is unlocked.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return A status of any change.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_clocks(const struct zeus_amd_session_t *session,
                                        uint32_t gpu);

/**
 * Power of the memory alone, in milliwatts. No AMD GPU reports it: always
 * ZEUS_AMD_STATUS_NOT_SUPPORTED. Zeus has this function for other vendors.
 *
 * @param[in]  session  An open session; not NULL.
 * @param[in]  gpu      An index below zeus_amd_gpu_count().
 * @param[out] power_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_NOT_SUPPORTED, a failure of any call, or
 *         ZEUS_AMD_STATUS_NOT_FOUND.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_memory_power_average_mw(const struct zeus_amd_session_t *session,
                                                   uint32_t gpu,
                                                   uint64_t *power_mw);

/**
 * Persistence mode. AMD GPUs have none: always ZEUS_AMD_STATUS_NOT_SUPPORTED.
 * Zeus has this function for other vendors.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] enabled Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_NOT_SUPPORTED, a failure of any call, or
 *         ZEUS_AMD_STATUS_NOT_FOUND.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_persistence_mode(const struct zeus_amd_session_t *session,
                                            uint32_t gpu,
                                            uint32_t *enabled);

/**
 * Sets the persistence mode. AMD GPUs have none: always
 * ZEUS_AMD_STATUS_NOT_SUPPORTED. Zeus has this function for other vendors.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @param[in] enabled 0 or 1.
 * @return ZEUS_AMD_STATUS_NOT_SUPPORTED, a failure of any call,
 *         ZEUS_AMD_STATUS_INVALID_ARGUMENT (neither 0 nor 1), or
 *         ZEUS_AMD_STATUS_NOT_FOUND.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_set_persistence_mode(const struct zeus_amd_session_t *session,
                                                uint32_t gpu,
                                                uint32_t enabled);

/**
 * Do setters return before the driver has applied the setting? Always 0 on AMD
 * GPUs.
 *
 * @param[in]  session   An open session; not NULL.
 * @param[in]  gpu       An index below zeus_amd_gpu_count().
 * @param[out] supported Written only on success; not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_NOT_FOUND.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_supports_nonblocking_setters(const struct zeus_amd_session_t *session,
                                                        uint32_t gpu,
                                                        uint32_t *supported);

/**
 * A short English text for a method, for any number.
 *
 * @param[in] method A zeus_amd_method_t, or any other number.
 * @return A static string, such as "counter"; never NULL, nothing to free.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API const char *zeus_amd_method_string(uint32_t method);

/**
 * Begins a window over all GPUs of the session: zeus_amd_window_end() returns
 * the energy from here to there. Any number of windows may be open at once, on
 * any threads, and they may overlap.
 *
 * Each GPU is read once. After a pause without a reading, in which a stopped
 * counter could have missed 20 J, it is read again, a millisecond apart, until
 * its counter advances: a refresh, or 0.02 s of a counter that stands. What
 * was missed before could else come within the window, and be in its
 * uncertainty.
 *
 * Where the counter is not usable, or may wrap around more than once (32 bits),
 * the background thread of the session samples it until the end. A session that
 * needs one has it from zeus_amd_open() on, or from the first window that needs
 * it. Otherwise a window starts no thread, and makes no system call but its
 * reads and that wait. A window may outlive its session, but the thread ends
 * with the session. A GPU that cannot be read is no failure: see its status.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] window  Receives the window, or NULL on failure; not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_BUSY or
 *         ZEUS_AMD_STATUS_NO_MEMORY (a thread cannot be started).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_window_begin(const struct zeus_amd_session_t *session,
                                        struct zeus_amd_window_t **window);

/**
 * The energy since the start of the window, which stays open.
 *
 * An energy belongs to the time between two readings of the counter, begin_ns
 * to end_ns by the driver's clock, which are a few milliseconds before the
 * calls. The uncertainty holds for the time between the calls as well. Energy
 * that is counted between the end of one window and the start of the next
 * belongs to neither: for parts that add up, take zeus_amd_window_lap(). In a
 * window that is too short for the counter the energy is estimated from the
 * power. The GPUs of a package (dies, partitions) have one energy, at the first
 * of them.
 *
 * Windows keep checking the counters. In a window of 250 ms or more, a counter
 * that was idle for 120 ms is polled again after the final reading until it
 * advances, usually for a few milliseconds. One that does not advance within
 * 400 ms is rejected, and its energy comes from the power.
 *
 * @param[in]     window A window; not NULL.
 * @param[out]    total  The sum over packages, struct_size set by the caller
 *                       (ZEUS_AMD_TOTAL_ENERGY_INIT); may be NULL.
 * @param[out]    gpus   One element for each GPU, in the order of indices.
 *                       struct_size of the first (ZEUS_AMD_GPU_ENERGY_INIT) is
 *                       the size of each. May be NULL.
 * @param[in,out] count  Capacity of gpus; receives the number of GPUs. May be
 *                       NULL if gpus is.
 * @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
 *         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL. A GPU without an energy is no
 *         failure: see its status. A total without any is one: the status of
 *         the first GPU, such as ZEUS_AMD_STATUS_NOT_SUPPORTED, or without GPUs
 *         the session's no_gpu_reason. total (without an energy) and gpus are
 *         written all the same.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_window_read(const struct zeus_amd_window_t *window,
                                       struct zeus_amd_total_energy_t *total,
                                       struct zeus_amd_gpu_energy_t *gpus,
                                       uint32_t *count);

/**
 * The energy since the last lap of this window, or since its begin where there
 * was none, and begins a new lap. The window stays open, and its other calls are
 * as without laps.
 *
 * The energy and its uncertainty belong to the time between two readings of each
 * counter, duration_ns, not to the time between the calls. So laps add up: the
 * energy of laps that follow each other is that of the time from the first
 * reading to the last. With a firmware clock (FIRMWARE_DURATION) a lap has no
 * error at its edges, and may be as short as a refresh of the counter. Its
 * uncertainty covers a counter that has stopped since the reading before its last
 * one, by the power: later readings rule that out, or show it in the next lap. A lap
 * without a new reading has 0 J in 0 ns, and the next lap has its energy.
 * begin_ns and end_ns are by the driver's clock, which may be a refresh later.
 *
 * With NULL for total, gpus and count it only begins a new lap. If an argument is
 * refused, the lap goes on.
 *
 * @param[in]     window A window; not NULL.
 * @param[out]    total  As for zeus_amd_window_read(); may be NULL.
 * @param[out]    gpus   As for zeus_amd_window_read(); may be NULL.
 * @param[in,out] count  As for zeus_amd_window_read(); may be NULL if gpus is.
 * @return As zeus_amd_window_read().
 * @threadsafety Any thread; laps of one window wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_window_lap(struct zeus_amd_window_t *window,
                                      struct zeus_amd_total_energy_t *total,
                                      struct zeus_amd_gpu_energy_t *gpus,
                                      uint32_t *count);

/**
 * Restarts a window, as if it had been ended and begun: its energy is that from
 * here on. Nothing is allocated, so it suits a code that measures each of its
 * iterations. Its laps restart as well.
 *
 * @param[in] window A window; not NULL.
 * @return A status of any call. ZEUS_AMD_STATUS_BUSY or
 *         ZEUS_AMD_STATUS_NO_MEMORY (a thread cannot be started): the window
 *         has restarted, but is not sampled in between.
 * @threadsafety Any thread, but not while another thread uses the window.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_window_restart(struct zeus_amd_window_t *window);

/**
 * Ends a window: returns what zeus_amd_window_read() returns, and frees the
 * window. With NULL for total, gpus and count it only frees the window.
 *
 * If an argument is refused (ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 * ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL), the window
 * stays open. Otherwise it has ended, whatever the status.
 *
 * @param[in]     window A window; not NULL.
 * @param[out]    total  As for zeus_amd_window_read(); may be NULL.
 * @param[out]    gpus   As for zeus_amd_window_read(); may be NULL.
 * @param[in,out] count  As for zeus_amd_window_read(); may be NULL if gpus is.
 * @return As zeus_amd_window_read().
 * @threadsafety Any thread, but not while another thread uses the window.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is freed.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_window_end(struct zeus_amd_window_t *window,
                                      struct zeus_amd_total_energy_t *total,
                                      struct zeus_amd_gpu_energy_t *gpus,
                                      uint32_t *count);

/**
 * Starts to sample all GPUs of the session: power, energy, and the power that
 * follows from the energy counter. One background thread serves all samplers
 * and windows of a session. Repeated readings are dropped. The samples are kept
 * in a ring buffer, in which new ones overwrite the oldest; nothing is
 * allocated while the sampler runs.
 *
 * All signals are blocked in the thread. It ends with the last sampler, or once
 * windows have needed it with the session, or before the process exits.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  options How to sample, struct_size set by the caller
 *                     (ZEUS_AMD_SAMPLER_OPTIONS_INIT); NULL: the defaults.
 * @param[out] sampler Receives the sampler, or NULL on failure; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_INVALID_ARGUMENT (a value of
 *         options), ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_NO_MEMORY
 *         or ZEUS_AMD_STATUS_BUSY (a thread cannot be started).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_sampler_start(const struct zeus_amd_session_t *session,
                                         const struct zeus_amd_sampler_options_t *options,
                                         struct zeus_amd_sampler_t **sampler);

/**
 * Takes a last sample of each GPU and stops. The samples stay until
 * zeus_amd_sampler_free(). Stopping again does nothing.
 *
 * @param[in] sampler A sampler; not NULL.
 * @return A status of any call.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_sampler_stop(struct zeus_amd_sampler_t *sampler);

/**
 * Moves the oldest samples out of the ring buffer. The samples of all GPUs are
 * mixed; those of one GPU are in the order of their times. The energies of
 * zeus_amd_sampler_energy_between() do not depend on what was drained.
 *
 * @param[in]     sampler A sampler, running or stopped; not NULL.
 * @param[out]    samples *count elements; struct_size of the first
 *                        (ZEUS_AMD_SAMPLE_INIT) is the size of each. May be
 *                        NULL if *count is 0.
 * @param[in,out] count   Capacity of samples; receives how many were written.
 *                        With 0: receives how many wait to be drained, and
 *                        lost 0. Not NULL.
 * @param[out]    lost    Receives how many samples were overwritten before they
 *                        were drained, since the last drain. May be NULL: the
 *                        next drain then includes them.
 * @return A status of any call, or ZEUS_AMD_STATUS_STRUCT_VERSION.
 * @threadsafety Any thread; drains of one sampler wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_sampler_drain(struct zeus_amd_sampler_t *sampler,
                                         struct zeus_amd_sample_t *samples,
                                         uint32_t *count,
                                         uint64_t *lost);

/**
 * The energy of a GPU between two times, from the samples that are still in the
 * ring buffer, drained or not. Between two samples the power is taken as
 * constant; the uncertainty covers that. See zeus_amd_now_ns() for the clock.
 *
 * @param[in]  sampler A sampler, running or stopped; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[in]  from_ns CLOCK_BOOTTIME in nanoseconds, not before the first
 *                     sample.
 * @param[in]  to_ns   Later than from_ns, and not after the last sample.
 * @param[out] energy  struct_size set by the caller (ZEUS_AMD_GPU_ENERGY_INIT);
 *                     written only on success; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_INVALID_ARGUMENT (from_ns is
 *         not before to_ns), ZEUS_AMD_STATUS_STRUCT_VERSION,
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or there are no samples for
 *         all of that time), or ZEUS_AMD_STATUS_NOT_SUPPORTED (another GPU of
 *         the package has the energy).
 * @threadsafety Any thread; calls on one sampler wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_sampler_energy_between(const struct zeus_amd_sampler_t *sampler,
                                                  uint32_t gpu,
                                                  uint64_t from_ns,
                                                  uint64_t to_ns,
                                                  struct zeus_amd_gpu_energy_t *energy);

/**
 * Stops a sampler and frees it with its samples.
 *
 * @param[in] sampler A sampler; NULL does nothing.
 * @threadsafety Any thread, but not while another thread uses the sampler.
 * @forksafety  In a child: does nothing.
 * @since 0.1
 */
ZEUS_AMD_API void zeus_amd_sampler_free(struct zeus_amd_sampler_t *sampler);

/**
 * CLOCK_BOOTTIME in nanoseconds: the clock of samples, windows and the driver's
 * timestamps. Its zero is the boot of the machine.
 *
 * @return The time now.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API uint64_t zeus_amd_now_ns(void);

/**
 * The firmware's counters of the time in which a limit held the clocks of a
 * package down: its power limit, temperatures, PROCHOT. Read them at the start
 * and at the end of a time, and pass both to zeus_amd_limited_time(). MI300 and
 * later count them (gpu_metrics 1.6 and later):
 * https://github.com/torvalds/linux/blob/master/drivers/gpu/drm/amd/include/kgd_pp_interface.h
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] counts  struct_size set by the caller
 *                     (ZEUS_AMD_LIMIT_COUNTS_INIT); written only on success;
 *                     not NULL.
 * @return A status of any reading, or ZEUS_AMD_STATUS_STRUCT_VERSION.
 *         ZEUS_AMD_STATUS_NOT_SUPPORTED: the GPU does not count them, or is read
 *         through libamd_smi (ZEUS_AMD_BACKEND_AMDSMI).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_limit_counts(const struct zeus_amd_session_t *session,
                                        uint32_t gpu,
                                        struct zeus_amd_limit_counts_t *counts);

/**
 * What was counted between two readings of the counters of limits, exactly: a
 * wraparound in between is corrected (they wrap around after 49 days). After a
 * reset of the GPU in between, the counts are those since the reset.
 *
 * @param[in]  begin   From zeus_amd_limit_counts(); not NULL.
 * @param[in]  end     From a later call for the same GPU; not NULL.
 * @param[out] limited struct_size set by the caller
 *                     (ZEUS_AMD_LIMITED_TIME_INIT); written only on success;
 *                     not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (a pointer is
 *         NULL, or the readings are of two GPUs),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION, or ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_limited_time(const struct zeus_amd_limit_counts_t *begin,
                                        const struct zeus_amd_limit_counts_t *end,
                                        struct zeus_amd_limited_time_t *limited);

/**
 * A short English text for a kind of domain, for any number.
 *
 * @param[in] kind A zeus_amd_node_domain_kind_t, or any other number.
 * @return A static string, such as "node" or "processor package"; never NULL,
 *         nothing to free.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API const char *zeus_amd_node_domain_kind_string(uint32_t kind);

/**
 * The number of domains of this node whose energy is measured: the node, its
 * processors, its memory, its accelerators, and each package of a GPU of the
 * session. Their indices are 0 to this minus 1, and stay for the session. The
 * first call that names the node searches for them; a session without such a
 * call reads none of their files.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] count   Written only on success; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_NO_MEMORY (no descriptor), or
 *         ZEUS_AMD_STATUS_IO (a folder cannot be listed).
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_domain_count(const struct zeus_amd_session_t *session,
                                             uint32_t *count);

/**
 * What a domain of the node is, and whether its energy can be read now.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  domain  An index below zeus_amd_node_domain_count().
 * @param[out] info    struct_size set by the caller
 *                     (ZEUS_AMD_NODE_DOMAIN_INFO_INIT); written only on
 *                     success; not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND,
 *         ZEUS_AMD_STATUS_STRUCT_VERSION, or as zeus_amd_node_domain_count().
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_domain_info(const struct zeus_amd_session_t *session,
                                            uint32_t domain,
                                            struct zeus_amd_node_domain_info_t *info);

/**
 * Energy of a domain in microjoules since the zero of its counter: a start of
 * the controller (pm_counters), or of the machine (powercap). Wraparounds that
 * happen after the first reading of this session are corrected. The difference
 * of two readings is an energy; one reading alone is not.
 *
 * @param[in]  session        An open session; not NULL.
 * @param[in]  domain         An index below zeus_amd_node_domain_count(), not of
 *                            a GPU, which has zeus_amd_energy_mj().
 * @param[out] energy_uj      Written only on success; not NULL.
 * @param[out] uncertainty_uj What may be missing because the count is up to
 *                            some updates old, in microjoules; may be NULL.
 * @return A status of any reading, or as zeus_amd_node_domain_count().
 *         ZEUS_AMD_STATUS_NO_PERMISSION: powercap is root's alone since Linux
 *         5.10. ZEUS_AMD_STATUS_NOT_SUPPORTED: also for a domain of a GPU.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_energy_uj(const struct zeus_amd_session_t *session,
                                          uint32_t domain,
                                          uint64_t *energy_uj,
                                          uint64_t *uncertainty_uj);

/**
 * Power of a domain, in milliwatts: what the controller shows (pm_counters), or
 * the mean over the next 50 ms, for which the call waits (powercap).
 *
 * @param[in]  session        An open session; not NULL.
 * @param[in]  domain         An index below zeus_amd_node_domain_count(), not of
 *                            a GPU, which has zeus_amd_power_instant_mw().
 * @param[out] power_mw       Written only on success; not NULL.
 * @param[out] uncertainty_mw Upper limit of the error in milliwatts: rounding,
 *                            and of powercap what the edges of the time may
 *                            add; may be NULL.
 * @return As zeus_amd_node_energy_uj().
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_power_mw(const struct zeus_amd_session_t *session,
                                         uint32_t domain,
                                         uint64_t *power_mw,
                                         uint64_t *uncertainty_mw);

/**
 * Begins a window over all domains of the node and all GPUs of the session, with
 * one begin for both. It contains a window of the GPUs: see
 * zeus_amd_node_window_gpus().
 *
 * The files of the node are read here and at the end, which takes some hundred
 * microseconds more than a window of GPUs alone. Where a counter wraps around
 * (powercap), a background thread of the session reads it in between, about
 * every 16 seconds. Where pm_counters measure the packages of the session,
 * another one samples both until the window ends, 40 times a second, for
 * zeus_amd_explain(). A window may outlive its session, but the threads end with
 * the session.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] window  Receives the window, or NULL on failure; not NULL.
 * @return As zeus_amd_window_begin(), or as zeus_amd_node_domain_count().
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_window_begin(const struct zeus_amd_session_t *session,
                                             struct zeus_amd_node_window_t **window);

/**
 * The window of the GPUs in a window of the node, for zeus_amd_window_read() and
 * zeus_amd_window_lap() alone: each GPU as these show it. It begins when the
 * node's window begins, and is freed with it.
 *
 * @param[in]  window A window of the node; not NULL.
 * @param[out] gpus   Receives the window of the GPUs; not NULL.
 * @return A status of any call.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_window_gpus(const struct zeus_amd_node_window_t *window,
                                            struct zeus_amd_window_t **gpus);

/**
 * The energy of the node, and of each domain, since the start of the window,
 * which stays open.
 *
 * The total is the node's own where a sensor measures all of it; else the sum of
 * what is measured, nothing twice: the GPUs' packages (or the board's
 * accelerators), the processors (the board's, or their packages), the memory.
 * The processor of an MI300A is in the package of its GPU.
 *
 * @param[in]     window  A window of the node; not NULL.
 * @param[out]    total   struct_size set by the caller
 *                        (ZEUS_AMD_NODE_TOTAL_INIT); may be NULL.
 * @param[out]    domains One element for each domain, in the order of indices.
 *                        struct_size of the first (ZEUS_AMD_NODE_ENERGY_INIT)
 *                        is the size of each. May be NULL.
 * @param[in,out] count   Capacity of domains; receives the number of domains.
 *                        May be NULL if domains is.
 * @return A status of any call, ZEUS_AMD_STATUS_STRUCT_VERSION, or
 *         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL. A domain without an energy is no
 *         failure: see its status. A total without any is one: the status of
 *         the first domain, such as ZEUS_AMD_STATUS_NOT_SUPPORTED.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_window_read(const struct zeus_amd_node_window_t *window,
                                            struct zeus_amd_node_total_t *total,
                                            struct zeus_amd_node_energy_t *domains,
                                            uint32_t *count);

/**
 * Ends a window of the node: returns what zeus_amd_node_window_read() returns,
 * and frees the window and that of the GPUs in it. With NULL for total, domains
 * and count it only frees them.
 *
 * If an argument is refused (ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 * ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL), the window
 * stays open. Otherwise it has ended, whatever the status.
 *
 * @param[in]     window  A window of the node; not NULL.
 * @param[out]    total   As for zeus_amd_node_window_read(); may be NULL.
 * @param[out]    domains As for zeus_amd_node_window_read(); may be NULL.
 * @param[in,out] count   As for zeus_amd_node_window_read(); may be NULL if
 *                        domains is.
 * @return As zeus_amd_node_window_read().
 * @threadsafety Any thread, but not while another thread uses the window.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is freed.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_node_window_end(struct zeus_amd_node_window_t *window,
                                           struct zeus_amd_node_total_t *total,
                                           struct zeus_amd_node_energy_t *domains,
                                           uint32_t *count);

/**
 * From now on, settings that are changed through this session are restored by
 * zeus_amd_guard_end(), or by zeus_amd_close() for guards that are still open:
 * power limits, clock bounds and performance levels. Settings that are not
 * changed through the session stay as they are. Where the value in force cannot
 * be read, to be restored, a change fails and changes nothing.
 *
 * Guards can be nested: a change belongs to the innermost one, whose end
 * restores what was in force before. The end of an outer one ends the inner ones
 * as well.
 *
 * Guards of several processes work together: what was in force before the first
 * change is kept once for all guards of a user on a node, in a file in /dev/shm
 * (/tmp if that is full or read-only) that exists while there are changes. The
 * end of a guard brings back what the last change of the remaining guards set,
 * and the end of the last one what was in force before all of them. Where there
 * can be no such file (the message is in the log, and
 * ZEUS_AMD_GUARD_INFO_FLAG_SHARED_BIT is not set), and for guards of other users
 * and of containers with their own /dev/shm or PID namespace, a guard restores
 * what was in force when it changed a setting.
 *
 * With ZEUS_AMD_GUARD_WATCHER_BIT a watchdog process restores the settings
 * within a second if this process terminates without an end, by exit(), abort()
 * or SIGKILL. Without it the next begin or end of a guard of the same user does,
 * unless another program has changed the setting in the meantime. The watchdog
 * is forked by this call, which costs about one fork(). It writes to sysfs,
 * holds no descriptor of the program, is in a session of its own, and exits with
 * the guard. The program receives no SIGCHLD for it, and wait() does not report
 * it; only waiting with __WALL or __WCLONE does, which the program should not
 * do. When the program has died, the watchdog is a child of its nearest ancestor
 * that is a subreaper (PR_SET_CHILD_SUBREAPER: a launcher, a shell's supervisor,
 * the init of a container), which gets SIGCHLD and from wait() an unknown child
 * with exit status 0, once the settings are restored; its name is
 * zeus_amd-guard. If the watchdog is killed too (the end of a container or
 * cgroup), the settings stay until the next guard of this user on the node, if
 * the file of them is still there. A core dump of the program delays the
 * restoration. As with any fork(), memory that is registered for RDMA needs
 * MADV_DONTFORK. One watchdog serves all guards of a session.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  flags   0 or ZEUS_AMD_GUARD_WATCHER_BIT.
 * @param[out] guard   Receives the guard, or NULL on failure; not NULL.
 * @return A status of any call, or ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown
 *         flags), ZEUS_AMD_STATUS_NO_MEMORY (also: no free descriptor),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the watchdog), ZEUS_AMD_STATUS_IO, or
 *         ZEUS_AMD_STATUS_BUSY (another process holds the file).
 * @threadsafety Any thread; guards and changes of one session wait for each
 *              other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_guard_begin(const struct zeus_amd_session_t *session,
                                       uint32_t flags,
                                       struct zeus_amd_guard_t **guard);

/**
 * What this guard restores on one GPU. Of a guard that has ended with an outer
 * one nothing is set.
 *
 * @param[in]     guard A guard; not NULL.
 * @param[in]     gpu   An index below zeus_amd_gpu_count().
 * @param[in,out] info  From ZEUS_AMD_GUARD_INFO_INIT; written only on success;
 *                      not NULL.
 * @return A status of any call, ZEUS_AMD_STATUS_NOT_FOUND (no such index), or
 *         ZEUS_AMD_STATUS_STRUCT_VERSION.
 * @threadsafety Any thread; guards and changes of one session wait for each
 *              other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_guard_info(const struct zeus_amd_guard_t *guard,
                                      uint32_t gpu,
                                      struct zeus_amd_guard_info_t *info);

/**
 * Restores what was changed through the guard, on all GPUs even if one fails,
 * and frees the guard if everything is restored. Guards that were begun after
 * this one and are still open end with it. For a guard that has already ended,
 * with an outer one or with its session, this only frees it.
 *
 * After a failure the guard is open still: it may be ended again, and its watchdog
 * process still restores the settings if this process terminates.
 *
 * @param[in] guard A guard; NULL does nothing.
 * @return A status of any change: that of the first setting that is not as it
 *         was. Sysfs comes first where its files may be written, whatever the
 *         backend; what fails is tried the other way as well.
 *         ZEUS_AMD_STATUS_BUSY also if another process holds the guards' file.
 * @threadsafety Any thread; guards and changes of one session wait for each
 *              other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is restored or
 *              freed.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_guard_end(struct zeus_amd_guard_t *guard);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ZEUS_AMD_H */
