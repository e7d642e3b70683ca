/* All functions that read something of one GPU, by the form of their results. */
#ifndef ZEUS_AMD_TESTS_READERS_H
#define ZEUS_AMD_TESTS_READERS_H

#include "check.h"

typedef zeus_amd_status_t (*read_u64)(const zeus_amd_session_t *, uint32_t, uint64_t *);
typedef zeus_amd_status_t (*read_u32)(const zeus_amd_session_t *, uint32_t, uint32_t *);
typedef zeus_amd_status_t (*read_i32)(const zeus_amd_session_t *, uint32_t, int32_t *);
typedef zeus_amd_status_t (*read_range)(const zeus_amd_session_t *, uint32_t, uint64_t *,
                                        uint64_t *);
typedef zeus_amd_status_t (*read_pair)(const zeus_amd_session_t *, uint32_t, uint32_t *,
                                       uint32_t *);

/* Made from zeus_amd.h by ZEUS_AMD_BLESS=1 cargo test header:: (numbers of one GPU) */
static const read_u64 READ_U64[] = {
    zeus_amd_power_instant_mw, zeus_amd_power_average_mw, zeus_amd_energy_mj,
    zeus_amd_power_limit_mw, zeus_amd_power_limit_default_mw, zeus_amd_memory_power_average_mw,
};
static const read_u32 READ_U32[] = {
    zeus_amd_energy_counter_usable, zeus_amd_persistence_mode, zeus_amd_supports_nonblocking_setters,
};
static const read_i32 READ_I32[] = {
    zeus_amd_temperature_c,
};
static const read_range READ_RANGE[] = {
    zeus_amd_power_limit_range_mw,
};
static const read_pair READ_PAIR[] = {
    zeus_amd_memory_clock_levels_mhz, zeus_amd_graphics_clock_levels_mhz,
    zeus_amd_memory_clock_range_mhz, zeus_amd_graphics_clock_range_mhz,
};
/* End of what is made */

/* As CHECK_OK. A thread that waits for a processor for 250 ms has an old value, which it is told: then once more. */
#define CHECK_FRESH(call)                                                      \
    do {                                                                       \
        zeus_amd_status_t read_ = (call);                                      \
        for (int more_ = 9; read_ == ZEUS_AMD_STATUS_STALE && more_ > 0; more_--) \
            read_ = (call);                                                    \
        CHECK_OK(read_);                                                       \
    } while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every function that takes a session, with sound arguments, answers `expected` and writes nothing. */
static inline void all_refuse(const zeus_amd_session_t *z, zeus_amd_status_t expected)
{
    const uint64_t mark64 = UINT64_C(0x5A5A5A5A5A5A5A5A);
    const uint32_t mark32 = 0x5A5A5A5Au;
    zeus_amd_session_info_t session = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_gpu_info_t gpu = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_reading_t reading = ZEUS_AMD_READING_INIT;
    uint64_t a = mark64, b = mark64;
    uint32_t c = mark32, d = mark32;
    int32_t t = -1234;
    zeus_amd_guard_t *guard = NULL;
    zeus_amd_window_t *window = NULL;
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_limit_counts_t limits = ZEUS_AMD_LIMIT_COUNTS_INIT;
    zeus_amd_node_domain_info_t domain = ZEUS_AMD_NODE_DOMAIN_INFO_INIT;
    zeus_amd_node_window_t *node = NULL;
    size_t i, needed = 77;
    char text[8] = "before";

    for (i = 0; i < COUNT(READ_U64); i++) {
        CHECK_IS(READ_U64[i](z, 0, &a), expected);
        CHECK(a == mark64);
    }
    for (i = 0; i < COUNT(READ_U32); i++) {
        CHECK_IS(READ_U32[i](z, 0, &c), expected);
        CHECK(c == mark32);
    }
    for (i = 0; i < COUNT(READ_I32); i++) {
        CHECK_IS(READ_I32[i](z, 0, &t), expected);
        CHECK(t == -1234);
    }
    for (i = 0; i < COUNT(READ_RANGE); i++) {
        CHECK_IS(READ_RANGE[i](z, 0, &a, &b), expected);
        CHECK(a == mark64 && b == mark64);
    }
    for (i = 0; i < COUNT(READ_PAIR); i++) {
        CHECK_IS(READ_PAIR[i](z, 0, &c, &d), expected);
        CHECK(c == mark32 && d == mark32);
    }
    CHECK_IS(zeus_amd_gpu_count(z, &c), expected);
    CHECK(c == mark32);
    CHECK_IS(zeus_amd_session_info(z, &session), expected);
    CHECK(session.gpu_count == 0 && session.amdsmi_path[0] == 0);
    CHECK_IS(zeus_amd_gpu_info(z, 0, &gpu), expected);
    CHECK(gpu.valid == 0 && gpu.pci_address[0] == 0);
    CHECK_IS(zeus_amd_energy_raw(z, 0, &raw), expected);
    CHECK_IS(zeus_amd_read_all(z, &reading, &c), expected);
    CHECK(c == mark32 && reading.valid == 0);
    CHECK(raw.accumulator == 0 && raw.flags == 0);
    CHECK_IS(zeus_amd_find_by_pci(z, "0000:01:00.0", &c), expected);
    CHECK_IS(zeus_amd_find_by_uuid(z, "GPU-0123456789abcdef", &c), expected);
    CHECK(c == mark32);
    CHECK_IS(zeus_amd_explain(z, text, sizeof text, &needed), expected);
    CHECK(strcmp(text, "before") == 0 && needed == 77);
    CHECK_IS(zeus_amd_set_power_limit_mw(z, 0, 700000), expected);
    CHECK_IS(zeus_amd_reset_power_limit(z, 0), expected);
    CHECK_IS(zeus_amd_set_persistence_mode(z, 0, 1), expected);
    CHECK_IS(zeus_amd_lock_memory_clocks_mhz(z, 0, 900, 1300), expected);
    CHECK_IS(zeus_amd_lock_graphics_clocks_mhz(z, 0, 500, 2100), expected);
    CHECK_IS(zeus_amd_reset_memory_clocks(z, 0), expected);
    CHECK_IS(zeus_amd_reset_graphics_clocks(z, 0), expected);
    CHECK_IS(zeus_amd_reset_clocks(z, 0), expected);
    CHECK_IS(zeus_amd_guard_begin(z, 0, &guard), expected);
    CHECK(guard == NULL);
    CHECK_IS(zeus_amd_window_begin(z, &window), expected);
    CHECK_IS(zeus_amd_sampler_start(z, NULL, &sampler), expected);
    CHECK(window == NULL && sampler == NULL);
    CHECK_IS(zeus_amd_limit_counts(z, 0, &limits), expected);
    CHECK_IS(zeus_amd_node_domain_count(z, &c), expected);
    CHECK_IS(zeus_amd_node_domain_info(z, 0, &domain), expected);
    CHECK_IS(zeus_amd_node_energy_uj(z, 0, &a, &b), expected);
    CHECK_IS(zeus_amd_node_power_mw(z, 0, &a, &b), expected);
    CHECK_IS(zeus_amd_node_window_begin(z, &node), expected);
    CHECK(limits.cycles == 0 && c == mark32 && domain.name[0] == 0 && a == mark64 && b == mark64 && node == NULL);
}

/* Reads what the fake library's GPU `gpu` has and compares. */
static inline void read_fake(const zeus_amd_session_t *z, uint32_t gpu)
{
    uint64_t mw = 0, low = 1, high = 0;
    uint32_t max = 0, min = 0;
    int32_t t = 0;
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    CHECK_FRESH(zeus_amd_power_instant_mw(z, gpu, &mw));
    CHECK(mw == 1000u * (100u + gpu));
    CHECK_OK(zeus_amd_temperature_c(z, gpu, &t));
    CHECK(t == 40 + (int32_t)gpu);
    CHECK_OK(zeus_amd_power_limit_mw(z, gpu, &mw));
    CHECK(mw == 1000u * (700u + gpu));
    CHECK_OK(zeus_amd_power_limit_range_mw(z, gpu, &low, &high));
    CHECK(low == 0 && high == 750000u);
    CHECK_OK(zeus_amd_graphics_clock_levels_mhz(z, gpu, &min, &max));
    CHECK(max == 2100u + gpu && min == 500u);
    CHECK_OK(zeus_amd_energy_raw(z, gpu, &raw));
    CHECK(raw.accumulator != 0);
    CHECK_IS(zeus_amd_power_average_mw(z, gpu, &mw), ZEUS_AMD_STATUS_NOT_SUPPORTED);
}

#endif
