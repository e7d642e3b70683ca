/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file zeus_amd.h
 *
 * Measure and control the power and energy of AMD GPUs. Every number is right,
 * or the call says why there is none.
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
 * - A call returns 0 (ZEUS_AMD_STATUS_OK) or a negative status; the words are in
 *   zeus_amd_last_error(). Results are written through pointers, and only on
 *   success. A value that does not exist is a status, never a special number.
 * - A GPU index is HIP's, what PyTorch calls cuda:N.
 * - Units are in names: _mw milliwatts, _mj millijoules, _mhz, _ns, _ms, _c
 *   degrees Celsius, _uj microjoules.
 * - Structs begin with struct_size: start from the ZEUS_AMD_..._INIT macro. They
 *   grow at the end only, so that old programs run with new libraries and new
 *   programs with old ones.
 * - Every function may be called from any thread. None is safe in a signal
 *   handler. After fork() a child opens a session of its own; calls on one it
 *   inherited return ZEUS_AMD_STATUS_FORKED.
 * - Nothing is printed, no signal handler is set, no environment variable
 *   changed, and memory of this library is only freed by this library.
 * - C99 or later, C++11 or later.
 */

#ifndef ZEUS_AMD_H
#define ZEUS_AMD_H

/* Made by cbindgen from src/capi. Do not edit. */

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
/** Visibility of the functions. */
#define ZEUS_AMD_API __attribute__((visibility("default")))
/** A result that must be looked at. */
#define ZEUS_AMD_MUST_CHECK __attribute__((warn_unused_result))
#else
#define ZEUS_AMD_API
#define ZEUS_AMD_MUST_CHECK
#endif

/** Version of this header as one number, to compare with zeus_amd_version(). */
#define ZEUS_AMD_VERSION_NUMBER                                                \
    (0u | (ZEUS_AMD_VERSION_MAJOR << 16) | (ZEUS_AMD_VERSION_MINOR << 8) |     \
     ZEUS_AMD_VERSION_PATCH)
/** Is this header at least of that version? For #if. */
#define ZEUS_AMD_VERSION_AT_LEAST(major, minor, patch)                         \
    (ZEUS_AMD_VERSION_MAJOR > (major) ||                                       \
     (ZEUS_AMD_VERSION_MAJOR == (major) &&                                     \
      (ZEUS_AMD_VERSION_MINOR > (minor) ||                                     \
       (ZEUS_AMD_VERSION_MINOR == (minor) &&                                   \
        ZEUS_AMD_VERSION_PATCH >= (patch)))))

/** Initialises a zeus_amd_options_t. */
#define ZEUS_AMD_OPTIONS_INIT                                                  \
    { sizeof(zeus_amd_options_t), 0u, 0u, 0u, 0u, 0u, NULL, NULL, NULL, NULL }
/** Initialises a zeus_amd_session_info_t. */
#define ZEUS_AMD_SESSION_INFO_INIT                                             \
    { sizeof(zeus_amd_session_info_t), 0u, 0u, 0u, 0u, 0u, 0u, 0,    \
      { 0 }, { 0 } }
/** Initialises a zeus_amd_gpu_info_t. */
#define ZEUS_AMD_GPU_INFO_INIT                                                 \
    { sizeof(zeus_amd_gpu_info_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u,   \
      0u, 0u, 0u, 0u, { 0 }, { 0 }, { 0 }, { 0 } }
/** Initialises a zeus_amd_energy_raw_t. */
#define ZEUS_AMD_ENERGY_RAW_INIT                                               \
    { sizeof(zeus_amd_energy_raw_t), 0u, 0u, 0.0, 0u, 0u }
/** Initialises a zeus_amd_reading_t. */
#define ZEUS_AMD_READING_INIT                                                  \
    { sizeof(zeus_amd_reading_t), 0u, 0u, 0, 0u, 0u, 0.0, 0u, 0u, 0u, 0u, 0, 0u }
/** Initialises a zeus_amd_gpu_energy_t. */
#define ZEUS_AMD_GPU_ENERGY_INIT                                               \
    { sizeof(zeus_amd_gpu_energy_t), 0u, 0u, 0u, 0u, 0, 0u, 0u, 0u, 0u, 0u,    \
      0u, 0.0 }
/** Initialises a zeus_amd_total_energy_t. */
#define ZEUS_AMD_TOTAL_ENERGY_INIT                                             \
    { sizeof(zeus_amd_total_energy_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u }
/** Initialises a zeus_amd_sampler_options_t. */
#define ZEUS_AMD_SAMPLER_OPTIONS_INIT                                          \
    { sizeof(zeus_amd_sampler_options_t), 0u, 0u }
/** Initialises a zeus_amd_sample_t. */
#define ZEUS_AMD_SAMPLE_INIT                                                   \
    { sizeof(zeus_amd_sample_t), 0u, 0u, 0u, 0u, 0u, 0u, 0u }


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
 * A small process watches over the guard, and puts the settings back when this
 * one dies, however it does.
 */
#define ZEUS_AMD_GUARD_WATCHER_BIT 1

/**
 * Refuse to open if the GPUs are not all of one model.
 */
#define ZEUS_AMD_OPEN_ENSURE_HOMOGENEOUS_BIT 1

/**
 * Shut libamd_smi down when the last session that uses it closes. Other users
 * of libamd_smi in the process (PyTorch, profilers) lose it then too, with
 * releases before ROCm 7.0.2 whatever they do. Without this bit it stays.
 */
#define ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT 2

/**
 * A mask that is set and empty fails zeus_amd_open(), as Zeus has it, instead
 * of making a session without GPUs.
 */
#define ZEUS_AMD_OPEN_EMPTY_MASK_IS_ERROR_BIT 4

/**
 * Take the masks from the fields ..._visible_devices of the options (NULL: not
 * set), not from the environment: for the GPUs of another process.
 */
#define ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT 8

/**
 * ROCm 5.4 and earlier: an empty HIP_ or CUDA_VISIBLE_DEVICES counts as not
 * set.
 */
#define ZEUS_AMD_OPEN_EMPTY_MASK_IS_UNSET_BIT 16

/**
 * ROCm 6.1 and earlier: HIP_VISIBLE_DEVICES takes no UUIDs.
 */
#define ZEUS_AMD_OPEN_NO_UUID_IN_MASK_BIT 32

/**
 * ROCr of 2026 and later: GPUs older than gfx9 are skipped, where it used to
 * fail to start.
 */
#define ZEUS_AMD_OPEN_OLD_GPUS_ARE_SKIPPED_BIT 64

/**
 * unmasked_index is set.
 */
#define ZEUS_AMD_GPU_INFO_UNMASKED_INDEX_BIT 1

/**
 * amdsmi_index is set.
 */
#define ZEUS_AMD_GPU_INFO_AMDSMI_INDEX_BIT 2

/**
 * kfd_node is set.
 */
#define ZEUS_AMD_GPU_INFO_KFD_NODE_BIT 4

/**
 * unique_id and uuid are set.
 */
#define ZEUS_AMD_GPU_INFO_UNIQUE_ID_BIT 8

/**
 * name is set.
 */
#define ZEUS_AMD_GPU_INFO_NAME_BIT 16

/**
 * device_id is set.
 */
#define ZEUS_AMD_GPU_INFO_DEVICE_ID_BIT 32

/**
 * There is no KFD topology: the order is libamd_smi's enumeration.
 */
#define ZEUS_AMD_GPU_FLAG_ORDER_FROM_ENUMERATION_BIT 1

/**
 * HIP's order is not certain: nothing tells it (the GPUs are in PCI order), or
 * there are GPUs of kinds that the runtimes may drop.
 */
#define ZEUS_AMD_GPU_FLAG_ORDER_UNCERTAIN_BIT 2

/**
 * The driver's time has stood still: this is an old reading.
 */
#define ZEUS_AMD_ENERGY_STALE_BIT 1

/**
 * driver_time_ns is set.
 */
#define ZEUS_AMD_ENERGY_DRIVER_TIME_BIT 2

/**
 * firmware_time_ns is set.
 */
#define ZEUS_AMD_ENERGY_FIRMWARE_TIME_BIT 4

/**
 * energy_mj is set.
 */
#define ZEUS_AMD_READING_ENERGY_BIT 1

/**
 * accumulator and resolution_uj are set.
 */
#define ZEUS_AMD_READING_ACCUMULATOR_BIT 2

/**
 * driver_time_ns is set.
 */
#define ZEUS_AMD_READING_DRIVER_TIME_BIT 4

/**
 * firmware_time_ns is set.
 */
#define ZEUS_AMD_READING_FIRMWARE_TIME_BIT 8

/**
 * power_instant_mw is set.
 */
#define ZEUS_AMD_READING_POWER_INSTANT_BIT 16

/**
 * power_average_mw is set.
 */
#define ZEUS_AMD_READING_POWER_AVERAGE_BIT 32

/**
 * temperature_c is set.
 */
#define ZEUS_AMD_READING_TEMPERATURE_BIT 64

/**
 * The driver's time has stood still: the accumulator is an old one, and the
 * other values are left out.
 */
#define ZEUS_AMD_READING_STALE_BIT 128

/**
 * The bound is more than a tenth of the energy: too short a time to say more.
 */
#define ZEUS_AMD_ENERGY_FLAG_SHORT_BIT 1

/**
 * The counter was reset in between; the energy over the reset is from the power,
 * and the bound covers it.
 */
#define ZEUS_AMD_ENERGY_FLAG_RESET_BIT 2

/**
 * The package has more than one GPU (dies, partitions), in the session or not,
 * and this is the energy of all of them.
 */
#define ZEUS_AMD_ENERGY_FLAG_SHARED_PACKAGE_BIT 4

/**
 * The counter was found wrong in between, and is not used any more.
 */
#define ZEUS_AMD_ENERGY_FLAG_DISTRUSTED_BIT 8

/**
 * The driver repeats an old reading at the end, or cannot give one (the GPU is
 * asleep, in reset or gone).
 */
#define ZEUS_AMD_ENERGY_FLAG_STALE_BIT 16

/**
 * Nobody could look for more than a quarter of a second, so the integral has a
 * gap; the bound covers it.
 */
#define ZEUS_AMD_ENERGY_FLAG_GAP_BIT 32

/**
 * From a power that the firmware averages over seconds (MI200 and earlier).
 */
#define ZEUS_AMD_ENERGY_FLAG_AVERAGED_POWER_BIT 64

/**
 * Counts are taken as 2^-16 J, not as the unit that is reported.
 */
#define ZEUS_AMD_ENERGY_FLAG_FIRMWARE_UNIT_BIT 128

/**
 * The duration is by the firmware's clock, whose times belong to the counts.
 */
#define ZEUS_AMD_ENERGY_FLAG_FIRMWARE_TIME_BIT 256

/**
 * Of a total: at least one package has no energy.
 */
#define ZEUS_AMD_ENERGY_FLAG_INCOMPLETE_BIT 512

/**
 * energy_uj is set.
 */
#define ZEUS_AMD_SAMPLE_ENERGY_BIT 1

/**
 * power_mw is set.
 */
#define ZEUS_AMD_SAMPLE_POWER_BIT 2

/**
 * counter_power_mw is set.
 */
#define ZEUS_AMD_SAMPLE_COUNTER_POWER_BIT 4

/**
 * The energy since the sample before is from the power, not from the counter.
 */
#define ZEUS_AMD_SAMPLE_INTEGRATED_BIT 8

/**
 * The counter was reset since the sample before.
 */
#define ZEUS_AMD_SAMPLE_RESET_BIT 16

/**
 * More than a quarter of a second went by since the sample before.
 */
#define ZEUS_AMD_SAMPLE_GAP_BIT 32

/**
 * power_mw is one that the firmware averages over seconds.
 */
#define ZEUS_AMD_SAMPLE_AVERAGED_POWER_BIT 64

/**
 * What a call came to. 0 is success, failures are negative; positive values are
 * reserved. Treat an unknown negative value as a failure. Numbers are never
 * reused. The words for the last failure are in zeus_amd_last_error().
 */
enum zeus_amd_status_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Success.
     */
    ZEUS_AMD_STATUS_OK = 0,
    /**
     * A NULL pointer, an unknown flag or value, or the driver refused a value.
     */
    ZEUS_AMD_STATUS_INVALID_ARGUMENT = -1,
    /**
     * struct_size was not set, is too small, or a newer field is set.
     */
    ZEUS_AMD_STATUS_STRUCT_VERSION = -2,
    /**
     * No such GPU, or the library does not list it.
     */
    ZEUS_AMD_STATUS_NOT_FOUND = -3,
    /**
     * This GPU, driver or libamd_smi has no such value; the text says why.
     */
    ZEUS_AMD_STATUS_NOT_SUPPORTED = -4,
    /**
     * The kernel or libamd_smi refused for lack of rights.
     */
    ZEUS_AMD_STATUS_NO_PERMISSION = -5,
    /**
     * libamd_smi failed to initialise, or was shut down by somebody else.
     */
    ZEUS_AMD_STATUS_NOT_INITIALIZED = -6,
    /**
     * A passing state (busy, suspended, in reset); try again.
     */
    ZEUS_AMD_STATUS_BUSY = -7,
    /**
     * It took too long; amdsmi_init may hang.
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
     * There is no libamd_smi where it was looked for.
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
     * The GPU vanished or was reset.
     */
    ZEUS_AMD_STATUS_DEVICE_LOST = -14,
    /**
     * The energy counter was reset in between. Reserved: no function returns it;
     * ZEUS_AMD_ENERGY_FLAG_RESET_BIT tells.
     */
    ZEUS_AMD_STATUS_COUNTER_RESET = -15,
    /**
     * The array is too small; the count says how much room is needed.
     */
    ZEUS_AMD_STATUS_BUFFER_TOO_SMALL = -16,
    /**
     * The session was opened by the parent process, before fork().
     */
    ZEUS_AMD_STATUS_FORKED = -17,
    /**
     * The GPUs are of different models, and that was not to be.
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
     * A value outside the range that the text names.
     */
    ZEUS_AMD_STATUS_OUT_OF_RANGE = -23,
    /**
     * The driver's own time stands still: the value is an old one.
     */
    ZEUS_AMD_STATUS_STALE = -24,
    /**
     * The driver's data have a form or size that nobody expects.
     */
    ZEUS_AMD_STATUS_UNEXPECTED_DATA = -25,
    /**
     * A mask is set and empty, and the options ask for an error then.
     */
    ZEUS_AMD_STATUS_EMPTY_MASK = -26,
    /**
     * Only as zeus_amd_session_info_t.no_gpu_reason: the first token of a mask
     * ends the list.
     */
    ZEUS_AMD_STATUS_MASK_INVALID = -27,
    /**
     * Only as no_gpu_reason: a device file is refused, and the runtime gives up.
     */
    ZEUS_AMD_STATUS_NO_ACCESS = -28,
    /**
     * Only as no_gpu_reason: the runtime would not start with this environment.
     */
    ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED = -29,
    /**
     * The driver took a setting without a word, but did not apply it.
     */
    ZEUS_AMD_STATUS_NOT_APPLIED = -30,
    /**
     * The energy counter is still being checked; ask again.
     */
    ZEUS_AMD_STATUS_NOT_READY = -31,
    /**
     * libamd_smi failed with a status of no clearer meaning.
     */
    ZEUS_AMD_STATUS_UNKNOWN = -98,
    /**
     * A defect of this library; nothing of the host was harmed.
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
enum zeus_amd_backend_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The variable ZEUS_AMD_BACKEND (auto, amdsmi or sysfs), or else the
     * library's choice: for readings of power, energy and temperature the
     * kernel's file where it agrees with libamd_smi, which costs a thousandth
     * of the time, else libamd_smi. Without a usable libamd_smi the kernel's
     * files alone.
     */
    ZEUS_AMD_BACKEND_AUTO = 0,
    /**
     * AMD's libamd_smi; without one the session does not open.
     */
    ZEUS_AMD_BACKEND_AMDSMI = 1,
    /**
     * The kernel's files alone; libamd_smi is not even loaded.
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
 * How energy counters are checked while a session is opened.
 */
enum zeus_amd_validation_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The library's choice: ADAPTIVE.
     */
    ZEUS_AMD_VALIDATION_DEFAULT = 0,
    /**
     * Half a second, all GPUs at once: energy counted against power drawn, the
     * rule of Zeus.
     */
    ZEUS_AMD_VALIDATION_FIXED = 1,
    /**
     * Not at all: every counter is taken at its word.
     */
    ZEUS_AMD_VALIDATION_OFF = 2,
    /**
     * Until each counter has moved through enough refreshes to be sure, which
     * takes some tens of milliseconds; half a second for one that is not as it
     * should be, and up to four seconds while a power that the firmware
     * averages still follows a change of the load. A GPU that sleeps or is in
     * reset stays ZEUS_AMD_COUNTER_STATE_PENDING and is checked when it is awake.
     */
    ZEUS_AMD_VALIDATION_ADAPTIVE = 3,
    /**
     * As ADAPTIVE, but zeus_amd_open() does not wait for it: until it is done
     * the counter state is ZEUS_AMD_COUNTER_STATE_PENDING and zeus_amd_energy_mj() returns
     * ZEUS_AMD_STATUS_NOT_READY.
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
 * What one count of the energy accumulator is taken to be.
 */
enum zeus_amd_energy_resolution_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * What libamd_smi reports (15.3 uJ): the numbers of amd-smi and Zeus.
     */
    ZEUS_AMD_ENERGY_RESOLUTION_REPORTED = 0,
    /**
     * What the firmware counts: 2^-16 J (15.2588 uJ), 0.27 % less.
     */
    ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE = 1,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_energy_resolution_t zeus_amd_energy_resolution_t;
#else
typedef uint32_t zeus_amd_energy_resolution_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the check of an energy counter came to.
 */
enum zeus_amd_counter_state_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It was not checked; energies are given all the same.
     */
    ZEUS_AMD_COUNTER_STATE_NOT_CHECKED = 0,
    /**
     * It moves as the power says it should.
     */
    ZEUS_AMD_COUNTER_STATE_TRUSTED = 1,
    /**
     * It does not move although power is drawn.
     */
    ZEUS_AMD_COUNTER_STATE_STUCK = 2,
    /**
     * It moves less than 0.1 or more than 10 times as fast as the power says.
     */
    ZEUS_AMD_COUNTER_STATE_IMPLAUSIBLE = 3,
    /**
     * The GPU reports no power to compare it with.
     */
    ZEUS_AMD_COUNTER_STATE_NO_POWER_TO_COMPARE = 4,
    /**
     * There is no counter.
     */
    ZEUS_AMD_COUNTER_STATE_UNSUPPORTED = 5,
    /**
     * The second die of a package: the first one counts for both.
     */
    ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE = 6,
    /**
     * Not the first partition of a package, which counts for all.
     */
    ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION = 7,
    /**
     * It is still being checked (ZEUS_AMD_VALIDATION_BACKGROUND), or the GPU
     * sleeps or is in reset, and is checked when it is awake.
     */
    ZEUS_AMD_COUNTER_STATE_PENDING = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum zeus_amd_counter_state_t zeus_amd_counter_state_t;
#else
typedef uint32_t zeus_amd_counter_state_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which die of its package a GPU is.
 */
enum zeus_amd_die_role_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The package is this one GPU.
     */
    ZEUS_AMD_DIE_SINGLE = 0,
    /**
     * Of two dies the one that reports power and energy of both.
     */
    ZEUS_AMD_DIE_PRIMARY = 1,
    /**
     * Of two dies the one that reports nothing of its own.
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
 * How an energy was found.
 */
enum zeus_amd_method_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
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
     * Power, sampled and added up: the counter cannot be trusted.
     */
    ZEUS_AMD_METHOD_INTEGRATED = 2,
    /**
     * Power at both ends times the duration: the window is too short for the
     * counter, or nobody sampled.
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
 * How important a message is.
 */
enum zeus_amd_log_level_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something failed.
     */
    ZEUS_AMD_LOG_ERROR = 0,
    /**
     * Something is not as it should be; the library goes on.
     */
    ZEUS_AMD_LOG_WARNING = 1,
    /**
     * What the library decided, and why.
     */
    ZEUS_AMD_LOG_INFO = 2,
    /**
     * Everything.
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
 * Settings that will be put back. Made by zeus_amd_guard_begin(), ended by
 * zeus_amd_guard_end().
 */
typedef struct zeus_amd_guard_t zeus_amd_guard_t;

/**
 * A sampler. Made by zeus_amd_sampler_start(), freed by zeus_amd_sampler_free().
 */
typedef struct zeus_amd_sampler_t zeus_amd_sampler_t;

/**
 * An open session. Made by zeus_amd_open(), ended by zeus_amd_close().
 */
typedef struct zeus_amd_session_t zeus_amd_session_t;

/**
 * A measuring window. Made by zeus_amd_window_begin(), ended by
 * zeus_amd_window_end().
 */
typedef struct zeus_amd_window_t zeus_amd_window_t;

/**
 * Receives messages: a zeus_amd_log_level_t, text that is valid during the call,
 * and the pointer that was given with the callback.
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
     * A zeus_amd_backend_t.
     */
    uint32_t backend;
    /**
     * A zeus_amd_validation_t.
     */
    uint32_t validation;
    /**
     * A zeus_amd_energy_resolution_t.
     */
    uint32_t energy_resolution;
    /**
     * How long amdsmi_init may take, and then libamd_smi's list of the GPUs, in
     * milliseconds each; 0: 10 seconds.
     */
    uint32_t init_timeout_ms;
    /**
     * A libamd_smi.so, or a folder that holds one (itself or in lib/); NULL: look
     * at the variables ZEUS_AMD_AMDSMI, AMDSMI_LIB_DIR, ROCM_PATH, then in
     * /opt/rocm, the newest /opt/rocm-*, and ask the dynamic loader.
     */
    const char *amdsmi_path;
    /**
     * With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: ROCR_VISIBLE_DEVICES; NULL: not set.
     */
    const char *rocr_visible_devices;
    /**
     * With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: HIP_VISIBLE_DEVICES; NULL: not set.
     */
    const char *hip_visible_devices;
    /**
     * With ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT: CUDA_VISIBLE_DEVICES; NULL: not set.
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
     * How many GPUs there are; their indices are 0 to this minus 1.
     */
    uint32_t gpu_count;
    /**
     * A zeus_amd_backend_t.
     */
    uint32_t backend;
    /**
     * A zeus_amd_energy_resolution_t.
     */
    uint32_t energy_resolution;
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
     * Why there is no GPU, as a zeus_amd_status_t; 0 if there is one:
     * ZEUS_AMD_STATUS_NO_DEVICE, ZEUS_AMD_STATUS_EMPTY_MASK,
     * ZEUS_AMD_STATUS_MASK_INVALID, ZEUS_AMD_STATUS_NO_ACCESS,
     * ZEUS_AMD_STATUS_RUNTIME_INIT_FAILED. zeus_amd_explain() has the words.
     */
    int32_t no_gpu_reason;
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
     * ZEUS_AMD_GPU_INFO_..._BIT: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * The index that was asked for.
     */
    uint32_t index;
    /**
     * HIP's index if no variable masked any GPU.
     */
    uint32_t unmasked_index;
    /**
     * Its place among the GPUs of libamd_smi and of the amd-smi tool.
     */
    uint32_t amdsmi_index;
    /**
     * Its node in /sys/class/kfd/kfd/topology/nodes.
     */
    uint32_t kfd_node;
    /**
     * Its number among the partitions of its package; 0 if there are none.
     */
    uint32_t partition;
    /**
     * A zeus_amd_die_role_t.
     */
    uint32_t die_role;
    /**
     * A zeus_amd_backend_t: where its readings come from.
     */
    uint32_t source;
    /**
     * A zeus_amd_counter_state_t: is its energy counter to be trusted?
     */
    uint32_t counter_state;
    /**
     * ZEUS_AMD_GPU_FLAG_..._BIT flags.
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
     * "GPU-" and 16 hex digits, as ROCm's variables have it.
     */
    char uuid[64];
    /**
     * Equal for all GPUs of this machine that share one energy counter.
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
     * ZEUS_AMD_ENERGY_..._BIT flags.
     */
    uint32_t flags;
    /**
     * Counts since the counter's own zero (driver load or reset).
     */
    uint64_t accumulator;
    /**
     * Microjoules a count, in the unit that the session was opened with.
     */
    double resolution_uj;
    /**
     * CLOCK_BOOTTIME in nanoseconds when the driver read the counter.
     */
    uint64_t driver_time_ns;
    /**
     * The firmware's own clock at the counter's value, in nanoseconds.
     */
    uint64_t firmware_time_ns;
} zeus_amd_energy_raw_t;

/**
 * All that one GPU says at one time. Start the first of an array from
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
     * ZEUS_AMD_READING_..._BIT flags: which of the fields below are set.
     */
    uint32_t valid;
    /**
     * ZEUS_AMD_STATUS_OK, or why there is no energy.
     */
    int32_t status;
    /**
     * As zeus_amd_energy_mj().
     */
    uint64_t energy_mj;
    /**
     * Counts since the counter's own zero, trusted or not.
     */
    uint64_t accumulator;
    /**
     * Microjoules a count, in the unit that the session was opened with.
     */
    double resolution_uj;
    /**
     * CLOCK_BOOTTIME in nanoseconds when the driver read the values.
     */
    uint64_t driver_time_ns;
    /**
     * The firmware's own clock at the accumulator's value, in nanoseconds.
     */
    uint64_t firmware_time_ns;
    /**
     * As zeus_amd_power_instant_mw().
     */
    uint64_t power_instant_mw;
    /**
     * As zeus_amd_power_average_mw().
     */
    uint64_t power_average_mw;
    /**
     * As zeus_amd_temperature_c().
     */
    int32_t temperature_c;
    /**
     * Zero.
     */
    uint32_t reserved;
} zeus_amd_reading_t;

/**
 * What all packages used in a time, each counted once. Start from
 * ZEUS_AMD_TOTAL_ENERGY_INIT.
 */
typedef struct zeus_amd_total_energy_t {
    /**
     * sizeof(zeus_amd_total_energy_t); ZEUS_AMD_TOTAL_ENERGY_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * ZEUS_AMD_ENERGY_FLAG_..._BIT flags that any of the GPUs has.
     */
    uint32_t flags;
    /**
     * How many packages the sum is of.
     */
    uint32_t packages;
    /**
     * How many packages of the session have no energy and are not in the sum:
     * ZEUS_AMD_ENERGY_FLAG_INCOMPLETE_BIT.
     */
    uint32_t missing;
    /**
     * The sum, in millijoules.
     */
    uint64_t energy_mj;
    /**
     * The sum of the bounds, in millijoules.
     */
    uint64_t uncertainty_mj;
    /**
     * From the return of the begin to the call of the end, in nanoseconds.
     */
    uint64_t duration_ns;
    /**
     * The sum of the mean powers, in milliwatts.
     */
    uint64_t mean_power_mw;
} zeus_amd_total_energy_t;

/**
 * What one GPU used in a time. Start from ZEUS_AMD_GPU_ENERGY_INIT.
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
     * ZEUS_AMD_ENERGY_FLAG_..._BIT flags.
     */
    uint32_t flags;
    /**
     * A zeus_amd_method_t.
     */
    uint32_t method;
    /**
     * A zeus_amd_counter_state_t: of its energy counter, at the end.
     */
    uint32_t counter_state;
    /**
     * ZEUS_AMD_STATUS_OK, or with ZEUS_AMD_METHOD_NONE why there is no energy.
     */
    int32_t status;
    /**
     * Energy of the package in millijoules, from begin_ns to end_ns.
     */
    uint64_t energy_mj;
    /**
     * The energy is no further off than this, in millijoules: between begin_ns
     * and end_ns, and also between the calls, whose times are others. With
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
     * CLOCK_BOOTTIME of the first reading: the driver's time of the counter, a
     * few milliseconds before the call.
     */
    uint64_t begin_ns;
    /**
     * The same of the last reading.
     */
    uint64_t end_ns;
    /**
     * Microjoules a count, as it was used; 0 if no counter was.
     */
    double resolution_uj;
} zeus_amd_gpu_energy_t;

/**
 * How to sample. Start from ZEUS_AMD_SAMPLER_OPTIONS_INIT; zero is the default of
 * every field.
 */
typedef struct zeus_amd_sampler_options_t {
    /**
     * sizeof(zeus_amd_sampler_options_t); ZEUS_AMD_SAMPLER_OPTIONS_INIT sets it.
     */
    uint32_t struct_size;
    /**
     * How many samples are kept, of all GPUs together; 0: 65536. The oldest go
     * first.
     */
    uint32_t capacity;
    /**
     * The time between two samples of a GPU, in nanoseconds, at least 100000; 0:
     * as fast as its readings change, but no more than a tenth of a processor.
     */
    uint64_t period_ns;
} zeus_amd_sampler_options_t;

/**
 * One GPU at one time. Start the first of an array from ZEUS_AMD_SAMPLE_INIT.
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
     * ZEUS_AMD_SAMPLE_..._BIT flags: what is set, and how it came about.
     */
    uint32_t flags;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * CLOCK_BOOTTIME of the reading in nanoseconds: the driver's, or where it
     * gives none when it was read.
     */
    uint64_t time_ns;
    /**
     * Energy since the sampler's first sample of the GPU, in microjoules.
     */
    uint64_t energy_uj;
    /**
     * What the GPU's power sensor says, in milliwatts.
     */
    uint64_t power_mw;
    /**
     * What the energy counter says of the time since the sample before, in
     * milliwatts: it follows the load at once where the sensor averages.
     */
    uint64_t counter_power_mw;
} zeus_amd_sample_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs, as ZEUS_AMD_VERSION_NUMBER has that of
 * the header: major << 16 | minor << 8 | patch.
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
 * A few English words for a status, for any number at all.
 *
 * @param[in] status  Any number.
 * @return A static string; never NULL, nothing to free.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API const char *zeus_amd_status_string(int32_t status);

/**
 * The text of this thread's last failure: what happened, on which GPU, the
 * vendor's code and words, and what to do. A later success does not clear it.
 * The text is cut to fit and always ends in NUL.
 *
 * @param[out] text  Receives the text; may be NULL if length is 0.
 * @param[in] length Bytes at text.
 * @return The length of the whole text without its NUL (0: no failure yet).
 * @threadsafety Any thread; each has its own text.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API size_t zeus_amd_last_error(char *text, size_t length);

/**
 * Where messages go. Without a callback they go nowhere: this library never
 * prints. The callback is called from the thread of the call that has something
 * to say, or from a background thread (a sampler, a check), with no lock of this
 * library held; it may call this library, and must not unwind. Calls that end a
 * background thread wait for it: make none with a lock held that the callback
 * takes. There is one callback a process; a new one replaces it.
 *
 * @param[in] callback Receives messages; NULL: nobody does.
 * @param[in] level    The least important zeus_amd_log_level_t that is wanted.
 * @param[in] user     Handed to the callback as it is; may be NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (no such level; the
 *         callback from before stays), ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; the old callback may still run in another one when
 *               this returns.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_set_log(zeus_amd_log_fn callback,
                                   uint32_t level,
                                   void *user);

/**
 * Opens a session: finds and loads libamd_smi, lists the GPUs in HIP's order
 * (the order of PyTorch's cuda:N) and checks their energy counters, which takes
 * some tens of milliseconds, or half a second (seldom up to four) if one is not
 * as it should be; the options choose another way. A GPU that fails a check does
 * not fail the others: ask zeus_amd_gpu_info() for its counter state. No GPU at all
 * that libamd_smi lists is a session with zero GPUs.
 *
 * The environment is read here and nowhere else. The masks
 * (ROCR_VISIBLE_DEVICES, HIP_VISIBLE_DEVICES, CUDA_VISIBLE_DEVICES) count as they
 * do for HIP; what chooses a library, a tree of files or a backend
 * (ZEUS_AMD_AMDSMI, AMDSMI_LIB_DIR, ROCM_PATH, ZEUS_AMD_ROOT, ZEUS_AMD_BACKEND)
 * does not in a program with raised privileges. libamd_smi is initialised once a
 * process and stays. Where none can be used (there is none, its version is not
 * known, it hangs) the kernel's files serve everything, unless
 * ZEUS_AMD_BACKEND_AMDSMI insists; zeus_amd_explain() says why.
 *
 * @param[in]  options How to open; NULL: the defaults.
 * @param[out] session Receives the session, or NULL on failure; not NULL.
 * @return ZEUS_AMD_STATUS_OK, or
 *         ZEUS_AMD_STATUS_INVALID_ARGUMENT (session is NULL, unknown flags or
 *         values in options, or ZEUS_AMD_BACKEND has none of its values),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION (options->struct_size),
 *         ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, ZEUS_AMD_STATUS_NO_DEVICE,
 *         and only with ZEUS_AMD_BACKEND_AMDSMI:
 *         ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, ZEUS_AMD_STATUS_LIBRARY_INVALID,
 *         ZEUS_AMD_STATUS_LIBRARY_SYMBOLS, ZEUS_AMD_STATUS_LIBRARY_VERSION,
 *         ZEUS_AMD_STATUS_TIMEOUT (amdsmi_init does not return, or
 *         what is asked of libamd_smi after it);
 *         ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (kernel and libamd_smi disagree),
 *         ZEUS_AMD_STATUS_HETEROGENEOUS, ZEUS_AMD_STATUS_EMPTY_MASK (only if
 *         asked for), ZEUS_AMD_STATUS_NO_MEMORY, ZEUS_AMD_STATUS_BUSY (no thread
 *         can be started), ZEUS_AMD_STATUS_INTERNAL, or another one (as
 *         amdsmi_init failed).
 * @threadsafety Any thread.
 * @forksafety  A child may open its own session. If its parent had used
 *              libamd_smi, the child does without (its locks may be held for
 *              ever there), unless ZEUS_AMD_BACKEND_AMDSMI insists.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_open(const struct zeus_amd_options_t *options,
                                struct zeus_amd_session_t **session);

/**
 * Ends a session. No call may be running on it, and none may follow. libamd_smi
 * stays loaded and initialised unless ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT asked
 * otherwise. Samplers stop, and keep their samples; windows stay open. Guards that
 * are still open end: their settings come back, and only zeus_amd_guard_end(),
 * which frees them, may be called with them afterwards.
 *
 * @param[in] session A session, or NULL, which does nothing.
 * @threadsafety Any thread, but not while the session is in use elsewhere.
 * @forksafety  In a child: leaves everything as it is.
 * @return Nothing.
 * @since 0.1
 */
ZEUS_AMD_API
void zeus_amd_close(struct zeus_amd_session_t *session);

/**
 * Could a session be opened? Looks for a card, and where the options or
 * ZEUS_AMD_BACKEND insist on libamd_smi, for that and whether it is a shared
 * library of this machine; loads and initialises nothing. Where nothing is named
 * or installed, the dynamic loader may still know one: that shows only in
 * zeus_amd_open().
 *
 * @param[in] options As for zeus_amd_open(); may be NULL.
 * @return ZEUS_AMD_STATUS_OK, or the reason why not:
 *         ZEUS_AMD_STATUS_DRIVER_NOT_LOADED, ZEUS_AMD_STATUS_NO_DEVICE,
 *         ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND, ZEUS_AMD_STATUS_LIBRARY_INVALID,
 *         ZEUS_AMD_STATUS_INVALID_ARGUMENT (unknown flags or values in options,
 *         or ZEUS_AMD_BACKEND has none of its values),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION (options->struct_size),
 *         ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_probe(const struct zeus_amd_options_t *options);

/**
 * About the session: how many GPUs, which libamd_smi, which unit.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] info    struct_size set by the caller (ZEUS_AMD_SESSION_INFO_INIT);
 *                     written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 *         ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_FORKED,
 *         ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_session_info(const struct zeus_amd_session_t *session,
                                        struct zeus_amd_session_info_t *info);

/**
 * How many GPUs the session has. Their indices are 0 to this minus 1, the
 * numbers that HIP and PyTorch (cuda:N) give them.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] count   Receives the number; written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_gpu_count(const struct zeus_amd_session_t *session,
                                     uint32_t *count);

/**
 * Which GPU an index is, and whether its energy counter is to be trusted.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] info    struct_size set by the caller (ZEUS_AMD_GPU_INFO_INIT);
 *                     written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 *         ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_NOT_FOUND (no such
 *         index), ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * @param[in]  pci_address What hipDeviceGetPCIBusId() prints (0000:c1:00.0), in
 *                         any case; the domain and the function may be missing.
 * @param[out] gpu         Receives its index; written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or not a
 *         PCI address), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not
 *         visible), ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (more than one fits),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * @param[in]  uuid    "GPU-" and 16 hex digits as ROCm's variables have it, the
 *                     digits alone as hipDeviceGetUuid() gives them, or amd-smi's
 *                     form with dashes; in any case.
 * @param[out] gpu     Receives its index; written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or not a
 *         UUID), ZEUS_AMD_STATUS_NOT_FOUND (no such GPU, or it is not visible),
 *         ZEUS_AMD_STATUS_AMBIGUOUS_DEVICE (partitions that share one),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * How environment and topology led to this list of GPUs, or to none: what the
 * kernel lists, what each mask kept and at which token it ended, and which GPU
 * each index is. For people; the wording may change.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] text    Receives the text, cut to fit, always ending in NUL; may be
 *                     NULL if length is 0.
 * @param[in]  length  Bytes at text.
 * @param[out] needed  Receives the length of the whole text without its NUL; may
 *                     be NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Power that the package draws now, in milliwatts. MI300 and later report it,
 * MI200 and earlier do not: there it is ZEUS_AMD_STATUS_NOT_SUPPORTED and
 * zeus_amd_power_average_mw() has the value. Two dies of a package (MI250X)
 * have one power, which the first one reports for both.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] power_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_instant_mw(const struct zeus_amd_session_t *session,
                                            uint32_t gpu,
                                            uint64_t *power_mw);

/**
 * Power that the package draws, averaged by the firmware (over seconds on
 * MI200), in milliwatts. MI200 and earlier report it, MI300 and later do not.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] power_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_average_mw(const struct zeus_amd_session_t *session,
                                            uint32_t gpu,
                                            uint64_t *power_mw);

/**
 * Power of the memory alone, in milliwatts. No AMD GPU reports it: always
 * ZEUS_AMD_STATUS_NOT_SUPPORTED. It is here because Zeus has it for others.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] power_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_NOT_SUPPORTED,
 *         ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
 *         ZEUS_AMD_STATUS_INTERNAL.
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
 * Energy of the package in millijoules since its counter's own zero (driver load
 * or reset): floor(accumulator * unit), as Zeus has it. Only from a counter
 * that is trusted, or was not checked: see zeus_amd_gpu_info(). Differences of
 * two readings mean something, one reading does not.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] energy_mj Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_NOT_READY (the counter is still being checked, as
 *         ZEUS_AMD_VALIDATION_BACKGROUND has it, or as the GPU slept),
 *         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_energy_mj(const struct zeus_amd_session_t *session,
                                     uint32_t gpu,
                                     uint64_t *energy_mj);

/**
 * Does zeus_amd_energy_mj() have a counter to read? 1 if its counter state is
 * ZEUS_AMD_COUNTER_STATE_TRUSTED or ZEUS_AMD_COUNTER_STATE_NOT_CHECKED, else 0, also while it
 * is still being checked.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] supported Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
 *         ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_energy_counter_usable(const struct zeus_amd_session_t *session,
                                                 uint32_t gpu,
                                                 uint32_t *supported);

/**
 * The energy accumulator of the package as it stands, trusted or not: counts of
 * resolution_uj microjoules each since the counter's own zero (driver load or reset),
 * with the times of the reading. An old value is flagged
 * (ZEUS_AMD_ENERGY_STALE_BIT), not refused.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] energy struct_size set by the caller
 *                     (ZEUS_AMD_ENERGY_RAW_INIT); written only on success; not
 *                     NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION (energy->struct_size),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_energy_raw(const struct zeus_amd_session_t *session,
                                      uint32_t gpu,
                                      struct zeus_amd_energy_raw_t *energy);

/**
 * Temperature of the hottest spot (junction), in whole degrees Celsius.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] temperature_c Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_STALE (the driver repeats an old value),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_temperature_c(const struct zeus_amd_session_t *session,
                                         uint32_t gpu,
                                         int32_t *temperature_c);

/**
 * Energy, power and temperature of all GPUs, with one look at each package: the
 * cheapest way to read many values at once. Where the readings come from the
 * kernel's file, values of one GPU are of one moment, and nothing is allocated.
 *
 * @param[in]     session  An open session; not NULL.
 * @param[out]    readings One for each GPU, in the order of indices; struct_size
 *                         of the first one says how large each is
 *                         (ZEUS_AMD_READING_INIT). May be NULL if *count is 0.
 * @param[in,out] count    Room in readings; receives how many GPUs there are. Not
 *                         NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION (readings[0].struct_size),
 *         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL (count says what is needed; not if
 *         it was 0, which asks), ZEUS_AMD_STATUS_FORKED,
 *         ZEUS_AMD_STATUS_INTERNAL. A GPU without an energy fails nothing: see
 *         its status, which is what zeus_amd_energy_mj() would return.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_read_all(const struct zeus_amd_session_t *session,
                                    struct zeus_amd_reading_t *readings,
                                    uint32_t *count);

/**
 * The power limit (cap) in force, in milliwatts, rounded down. One limit a
 * package.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] limit_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_limit_mw(const struct zeus_amd_session_t *session,
                                          uint32_t gpu,
                                          uint64_t *limit_mw);

/**
 * The power limit that the vendor set, in milliwatts, rounded down.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] limit_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_power_limit_default_mw(const struct zeus_amd_session_t *session,
                                                  uint32_t gpu,
                                                  uint64_t *limit_mw);

/**
 * The lowest and the highest power limit that can be set, in milliwatts, rounded
 * down. The lowest is 0 on some GPUs.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mw Written only on success; not NULL.
 * @param[out] max_mw Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
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
 * The highest and the lowest memory clock, in MHz, as libamd_smi lists them
 * (some releases list a sleep level as the lowest).
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] max_mhz Written only on success; not NULL.
 * @param[out] min_mhz Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_memory_clocks_mhz(const struct zeus_amd_session_t *session,
                                             uint32_t gpu,
                                             uint32_t *max_mhz,
                                             uint32_t *min_mhz);

/**
 * The highest and the lowest graphics clock, in MHz, as libamd_smi lists them
 * (some releases list a sleep level as the lowest).
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] max_mhz Written only on success; not NULL.
 * @param[out] min_mhz Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (the text says why),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_NO_PERMISSION, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_graphics_clocks_mhz(const struct zeus_amd_session_t *session,
                                               uint32_t gpu,
                                               uint32_t *max_mhz,
                                               uint32_t *min_mhz);

/**
 * Persistence mode. AMD GPUs have none: always ZEUS_AMD_STATUS_NOT_SUPPORTED. It
 * is here because Zeus has it for others.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] enabled Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_NOT_SUPPORTED,
 *         ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
 *         ZEUS_AMD_STATUS_INTERNAL.
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
 * Can settings be changed without waiting for the driver? Always 0 on AMD GPUs.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] supported Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index), ZEUS_AMD_STATUS_FORKED,
 *         ZEUS_AMD_STATUS_INTERNAL.
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
 * Sets the power limit (cap) of the package, in milliwatts. Nothing is called
 * if that limit is in force already. The range is checked first, and the limit
 * is read back afterwards. Returns when the driver is done. Needs root.
 *
 * @param[in] session  An open session; not NULL.
 * @param[in] gpu      An index below zeus_amd_gpu_count().
 * @param[in] limit_mw Within zeus_amd_power_limit_range_mw(); not 0.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or 0 mW),
 *         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second die or partition:
 *         the text names the GPU that has the limit; or there is none),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it; what is
 *         in force now is in the text),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Sets the power limit of the package back to the vendor's default. Nothing is
 * called if that is in force already. Needs root.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second die or partition:
 *         the text names the GPU that has the limit; or there is none),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it; what is
 *         in force now is in the text),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_power_limit(const struct zeus_amd_session_t *session,
                                             uint32_t gpu);

/**
 * Persistence mode. AMD GPUs have none: always ZEUS_AMD_STATUS_NOT_SUPPORTED. It
 * is here because Zeus has it for others.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @param[in] enabled 0 or 1.
 * @return ZEUS_AMD_STATUS_NOT_SUPPORTED, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL,
 *         or neither 0 nor 1), ZEUS_AMD_STATUS_NOT_FOUND (no such index),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Locks the memory clock between two bounds, in MHz; equal ones lock it to a
 * single value. Nothing is called if those bounds are in force already. The
 * range is checked first where the driver shows one, and the bounds are read
 * back afterwards. The performance level becomes "manual". If a step fails, the
 * bounds and the level from before are put back. Each die of a package has
 * clocks of its own. Needs root.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @param[in] min_mhz The lower bound; not 0, not above max_mhz.
 * @param[in] max_mhz The upper bound; not 0.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, 0 MHz, or
 *         min_mhz above max_mhz),
 *         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
 *         names the GPU that has the clocks; or equal bounds with a libamd_smi
 *         before ROCm 6.3),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Locks the graphics clock between two bounds, in MHz; equal ones lock it to a
 * single value. Nothing is called if those bounds are in force already. The
 * range is checked first where the driver shows one, and the bounds are read
 * back afterwards. The performance level becomes "manual". If a step fails, the
 * bounds and the level from before are put back. Each die of a package has
 * clocks of its own. Needs root.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @param[in] min_mhz The lower bound; not 0, not above max_mhz.
 * @param[in] max_mhz The upper bound; not 0.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, 0 MHz, or
 *         min_mhz above max_mhz),
 *         ZEUS_AMD_STATUS_OUT_OF_RANGE (the text names the range),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
 *         names the GPU that has the clocks; or equal bounds with a libamd_smi
 *         before ROCm 6.3),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Unlocks the memory clock. The hardware can only unlock all clocks at once,
 * by the performance level "auto": that is done, then a lock of the graphics
 * clock is set again, if this session made one. Nothing is called if the level
 * is automatic already. Needs root.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
 *         names the GPU that has the clocks),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_memory_clocks(const struct zeus_amd_session_t *session,
                                               uint32_t gpu);

/**
 * Unlocks the graphics clock. The hardware can only unlock all clocks at once,
 * by the performance level "auto": that is done, then a lock of the memory
 * clock is set again, if this session made one. Nothing is called if the level
 * is automatic already. Needs root.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
 *         names the GPU that has the clocks),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_graphics_clocks(const struct zeus_amd_session_t *session,
                                                 uint32_t gpu);

/**
 * Unlocks all clocks: sets the performance level to automatic. Nothing is
 * called if it is automatic already. Needs root.
 *
 * @param[in] session An open session; not NULL.
 * @param[in] gpu     An index below zeus_amd_gpu_count().
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index, or libamd_smi does not list
 *         the GPU), ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text
 *         names the GPU that has the clocks),
 *         ZEUS_AMD_STATUS_NO_PERMISSION (the text says who was asked for what),
 *         ZEUS_AMD_STATUS_NOT_APPLIED (the driver ignored or cut it),
 *         ZEUS_AMD_STATUS_NOT_INITIALIZED (somebody shut libamd_smi down),
 *         ZEUS_AMD_STATUS_BUSY, ZEUS_AMD_STATUS_TIMEOUT, ZEUS_AMD_STATUS_IO,
 *         ZEUS_AMD_STATUS_DEVICE_LOST, ZEUS_AMD_STATUS_UNEXPECTED_DATA,
 *         ZEUS_AMD_STATUS_UNKNOWN or another (as libamd_smi failed),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; changes of one GPU wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_reset_clocks(const struct zeus_amd_session_t *session,
                                        uint32_t gpu);

/**
 * The range in which the memory clock can be locked, in MHz. This is what the
 * driver accepts (OD_RANGE of its file pp_od_clk_voltage), not the levels that
 * zeus_amd_memory_clocks_mhz() lists.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mhz Written only on success; not NULL.
 * @param[out] max_mhz Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index),
 *         ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text names the
 *         GPU that has the clocks; or the driver shows no range),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * The range in which the graphics clock can be locked, in MHz. This is what the
 * driver accepts (OD_RANGE of its file pp_od_clk_voltage), not the levels that
 * zeus_amd_graphics_clocks_mhz() lists.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[out] min_mhz Written only on success; not NULL.
 * @param[out] max_mhz Written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_NOT_FOUND (no such index),
 *         ZEUS_AMD_STATUS_NOT_SUPPORTED (a second partition: the text names the
 *         GPU that has the clocks; or the driver shows no range),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Begins a measuring window over all GPUs of the session: zeus_amd_window_end()
 * says what they used until then. Any number of windows may be open at once, on
 * any threads, and they may overlap.
 *
 * The begin looks once at every GPU. Where a counter cannot be trusted, or may
 * come round more than once (32 bits), a background thread looks on until the
 * end. A window may outlive its session; but the background thread ends with
 * the session.
 *
 * @param[in]  session An open session; not NULL.
 * @param[out] window  Receives the window, or NULL on failure; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_BUSY or ZEUS_AMD_STATUS_NO_MEMORY (no thread can be
 *         started), ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL. A GPU that
 *         cannot be read is none: its result says so.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_window_begin(const struct zeus_amd_session_t *session,
                                        struct zeus_amd_window_t **window);

/**
 * What was used since the begin of the window, which stays open.
 *
 * The energy belongs to the time between two readings of the counter, begin_ns
 * to end_ns by the driver's clock, which are a few milliseconds before the
 * calls. If the counter moves between the end of one window and the begin of the
 * next, that belongs to neither: for parts that add up, take differences of
 * readings of one window. The bound holds for the time between the calls as
 * well. A window that is too short for
 * the counter is estimated from the power. Two dies or several partitions of a
 * package have one energy, at the first of them.
 *
 * Windows keep checking. In one of a quarter of a second or more, a counter that
 * nobody has seen move for a tenth of a second is looked at, after the reading
 * that counts, until it does: one refresh, a few milliseconds as a rule. One that
 * does not is given up after 0.4 s; its energy then comes from the power.
 *
 * @param[in]     window A window; not NULL.
 * @param[out]    total  The sum over packages, struct_size set by the caller
 *                       (ZEUS_AMD_TOTAL_ENERGY_INIT); may be NULL.
 * @param[out]    gpus   One for each GPU, in the order of indices; struct_size of
 *                       the first one says how large each is
 *                       (ZEUS_AMD_GPU_ENERGY_INIT). May be NULL.
 * @param[in,out] count  Room in gpus; receives how many GPUs there are. May be
 *                       NULL if gpus is.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION (a struct_size),
 *         ZEUS_AMD_STATUS_BUFFER_TOO_SMALL (count says what is needed; not if
 *         it was 0, which asks),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL. A GPU without an
 *         energy fails nothing: see its status.
 * @threadsafety Any thread; calls into a libamd_smi before 26.4 wait for each
 *               other.
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
 * Ends a window: what zeus_amd_window_read() says at that time, and the window is
 * freed. With NULL for total, gpus and count it is only freed.
 *
 * If an argument is refused (ZEUS_AMD_STATUS_INVALID_ARGUMENT,
 * ZEUS_AMD_STATUS_STRUCT_VERSION, ZEUS_AMD_STATUS_BUFFER_TOO_SMALL) nothing has
 * happened and the window is still open.
 *
 * @param[in]     window A window; not NULL.
 * @param[out]    total  As for zeus_amd_window_read(); may be NULL.
 * @param[out]    gpus   As for zeus_amd_window_read(); may be NULL.
 * @param[in,out] count  As for zeus_amd_window_read(); may be NULL if gpus is.
 * @return As zeus_amd_window_read().
 * @threadsafety Any thread, but not while the window is in use elsewhere.
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
 * Starts to sample all GPUs of the session, on one background thread for all
 * samplers and windows of the session: power, energy, and the power that the
 * counter shows (its slope). Repeated readings are dropped. The samples are kept
 * in a ring, where the oldest go first; nothing is allocated while it runs.
 *
 * The thread has all signals blocked. It ends when nobody needs it any more, with
 * the session, and before the process does.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  options How to sample; NULL: the defaults.
 * @param[out] sampler Receives the sampler, or NULL on failure; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or a value
 *         of options), ZEUS_AMD_STATUS_STRUCT_VERSION (options->struct_size),
 *         ZEUS_AMD_STATUS_NO_MEMORY, ZEUS_AMD_STATUS_BUSY (no thread can be
 *         started), ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * Takes a last sample of each GPU and stops. What has been sampled stays until
 * zeus_amd_sampler_free(). Stopping again does nothing.
 *
 * @param[in] sampler A sampler; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_sampler_stop(struct zeus_amd_sampler_t *sampler);

/**
 * Moves the oldest samples out of the ring, all GPUs mixed, those of one GPU in
 * the order of their times. Energies of zeus_amd_sampler_energy_between() do not
 * depend on what has been drained.
 *
 * @param[in]     sampler A sampler, running or stopped; not NULL.
 * @param[out]    samples Room for count samples; struct_size of the first one
 *                        says how large each is (ZEUS_AMD_SAMPLE_INIT). May be
 *                        NULL if count is 0.
 * @param[in,out] count   Room in samples; receives how many were written. With 0:
 *                        how many wait.
 * @param[out]    lost    Receives how many samples were overwritten before they
 *                        could be drained, since the last drain; may be NULL,
 *                        which leaves it to the next drain to say.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL),
 *         ZEUS_AMD_STATUS_STRUCT_VERSION (samples[0].struct_size),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * ring, drained or not: between two samples the power is taken as even, and the
 * bound covers that. See zeus_amd_now_ns() for the clock.
 *
 * @param[in]  sampler A sampler, running or stopped; not NULL.
 * @param[in]  gpu     An index below zeus_amd_gpu_count().
 * @param[in]  from_ns CLOCK_BOOTTIME in nanoseconds, not before the first sample.
 * @param[in]  to_ns   Later than from_ns, and not after the last sample.
 * @param[out] energy  struct_size set by the caller (ZEUS_AMD_GPU_ENERGY_INIT);
 *                     written only on success; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or the times
 *         are not in order), ZEUS_AMD_STATUS_STRUCT_VERSION
 *         (energy->struct_size), ZEUS_AMD_STATUS_NOT_FOUND (no such index, or
 *         the ring has no samples for all of that time),
 *         ZEUS_AMD_STATUS_NOT_SUPPORTED (the energy is with another GPU of the
 *         package), ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
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
 * @param[in] sampler A sampler, or NULL, which does nothing.
 * @threadsafety Any thread, but not while the sampler is in use elsewhere.
 * @forksafety  In a child: leaves everything as it is.
 * @return Nothing.
 * @since 0.1
 */
ZEUS_AMD_API void zeus_amd_sampler_free(struct zeus_amd_sampler_t *sampler);

/**
 * CLOCK_BOOTTIME in nanoseconds: the clock of samples, windows and the driver's
 * readings. Its zero is the start of the machine.
 *
 * @return The time now.
 * @threadsafety Any thread.
 * @forksafety  Works in a child.
 * @since 0.1
 */
ZEUS_AMD_API uint64_t zeus_amd_now_ns(void);

/**
 * Remembers the settings of all GPUs of the session: power limits, bounds of
 * clocks, performance levels. zeus_amd_guard_end() puts back what differs then,
 * and zeus_amd_close() does it for the guards that are still open. Settings of
 * others that came meanwhile are lost: the last value wins.
 *
 * Guards can be nested: the end of an inner one brings back what was at its
 * begin. Ending an outer one ends the inner ones with it.
 *
 * With ZEUS_AMD_GUARD_WATCHER_BIT the settings come back as well if the process
 * dies without an end, by exit(), abort() or SIGKILL, within a second: a small
 * process that this call starts (it costs about a fork) writes them to the
 * kernel's files. It holds no descriptor of the program, is in a session of its
 * own, and ends with the guard. The program gets no SIGCHLD for it, and wait()
 * does not see it; only waiting with __WALL or __WCLONE does, which a program
 * should not do. What kills the watcher too (the end of a container or cgroup)
 * leaves the settings as they are; a large core dump is waited for. As with any
 * fork, memory registered for RDMA wants MADV_DONTFORK. If an outer guard of the session has a
 * watcher, an inner one starts none: that one serves for both.
 *
 * @param[in]  session An open session; not NULL.
 * @param[in]  flags   0 or ZEUS_AMD_GUARD_WATCHER_BIT.
 * @param[out] begun   Receives the guard, or NULL on failure; not NULL.
 * @return ZEUS_AMD_STATUS_OK, ZEUS_AMD_STATUS_INVALID_ARGUMENT (NULL, or unknown
 *         flags), ZEUS_AMD_STATUS_IO, ZEUS_AMD_STATUS_BUSY,
 *         ZEUS_AMD_STATUS_NO_MEMORY (no watcher could be started), or another
 *         (as libamd_smi failed: a setting that cannot be read is not guarded in
 *         silence),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; guards of one session wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_guard_begin(const struct zeus_amd_session_t *session,
                                       uint32_t flags,
                                       struct zeus_amd_guard_t **start);

/**
 * Puts back what differs from the begin of the guard, on all GPUs even if one
 * fails, and frees the guard, whatever the status. Guards that were begun after
 * this one and are still open end with it; for one that has ended so, or with
 * its session, this only frees it.
 *
 * @param[in] begun A guard, or NULL, which does nothing.
 * @return ZEUS_AMD_STATUS_OK, or the first failure of a setting, as that of
 *         zeus_amd_set_power_limit_mw() or zeus_amd_lock_graphics_clocks_mhz()
 *         (the kernel's files have then been tried as well),
 *         ZEUS_AMD_STATUS_FORKED, ZEUS_AMD_STATUS_INTERNAL.
 * @threadsafety Any thread; guards of one session wait for each other.
 * @forksafety  In a child: ZEUS_AMD_STATUS_FORKED, and nothing is changed or
 *              freed.
 * @since 0.1
 */
ZEUS_AMD_API
ZEUS_AMD_MUST_CHECK
zeus_amd_status_t zeus_amd_guard_end(struct zeus_amd_guard_t *start);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ZEUS_AMD_H */
