/* Two sessions of one machine, one with the backend of ZEUS_AMD_BACKEND and one by sysfs: what each says, one right after the
 * other. Lines: "gpu SESSION index pci_address package kfd_node unmasked_index die_role source counter_state";
 * "KEY SESSION gpu status value from to", with CLOCK_BOOTTIME before and after the call;
 * "window SESSION gpu status energy_mj begin_ns end_ns uncertainty_mj". SESSION is 0 or 1 (sysfs).
 * argv: rounds. */
#include <inttypes.h>
#include <time.h>

#include "check.h"

enum { MOST = 64 };

static zeus_amd_session_t *both[2];
static uint32_t gpus;

static void identity(int session, uint32_t i)
{
    zeus_amd_gpu_info_t g = ZEUS_AMD_GPU_INFO_INIT;
    CHECK_OK(zeus_amd_gpu_info(both[session], i, &g));
    printf("gpu %d %" PRIu32 " %s %s %" PRIu32 " %" PRIu32 " %d %d %d\n", session, i, g.pci_address, g.package, g.kfd_node,
           g.unmasked_index, (int)g.die_role, (int)g.source, (int)g.counter_state);
}

static void print(const char *key, int session, uint32_t gpu, zeus_amd_status_t s, int64_t value, uint64_t from)
{
    printf("%s %d %" PRIu32 " %d %" PRId64 " %" PRIu64 " %" PRIu64 "\n", key, session, gpu, (int)s, value, from,
           zeus_amd_now_ns());
}

static const struct {
    const char *min, *max;
    zeus_amd_status_t (*read)(const zeus_amd_session_t *, uint32_t, uint32_t *, uint32_t *);
} clocks[] = {
    {"level_min", "level_max", zeus_amd_graphics_clock_levels_mhz},
    {"range_min", "range_max", zeus_amd_graphics_clock_range_mhz},
    {"memory_level_min", "memory_level_max", zeus_amd_memory_clock_levels_mhz},
    {"memory_range_min", "memory_range_max", zeus_amd_memory_clock_range_mhz},
};

static void readings(int session, uint32_t i)
{
    zeus_amd_session_t *z = both[session];
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_limit_counts_t counts = ZEUS_AMD_LIMIT_COUNTS_INIT;
    uint64_t v = 0, w = 0, from = zeus_amd_now_ns();
    uint32_t a = 0, b = 0;
    size_t k;
    int32_t c = 0;
    zeus_amd_status_t s = zeus_amd_power_instant_mw(z, i, &v);
    print("power_instant", session, i, s, (int64_t)v, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_power_average_mw(z, i, &v);
    print("power_average", session, i, s, (int64_t)v, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_energy_mj(z, i, &v);
    print("energy", session, i, s, (int64_t)v, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_energy_raw(z, i, &raw);
    print("count", session, i, s, (int64_t)raw.accumulator, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_temperature_c(z, i, &c);
    print("temperature", session, i, s, c, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_power_limit_mw(z, i, &v);
    print("limit", session, i, s, (int64_t)v, from);
    s = zeus_amd_power_limit_range_mw(z, i, &v, &w);
    print("limit_min", session, i, s, (int64_t)v, from);
    print("limit_max", session, i, s, (int64_t)w, from);
    s = zeus_amd_power_limit_default_mw(z, i, &v);
    print("limit_default", session, i, s, (int64_t)v, from);
    s = zeus_amd_limit_counts(z, i, &counts);
    print("cycles", session, i, s, (int64_t)counts.cycles, from);
    for (k = 0; k < sizeof clocks / sizeof *clocks; k++) {
        s = clocks[k].read(z, i, &a, &b);
        print(clocks[k].min, session, i, s, a, from);
        print(clocks[k].max, session, i, s, b, from);
    }
}

int main(int argc, char **argv)
{
    const struct timespec pause = {0, 40000000};
    zeus_amd_options_t options[2] = {ZEUS_AMD_OPTIONS_INIT, ZEUS_AMD_OPTIONS_INIT};
    zeus_amd_window_t *windows[2];
    int session, round, rounds;
    uint32_t i;
    CHECK(argc == 2);
    rounds = atoi(argv[1]);
    options[1].backend = ZEUS_AMD_BACKEND_SYSFS;
    for (session = 0; session < 2; session++) {
        CHECK_OK(zeus_amd_open(&options[session], &both[session]));
        CHECK_OK(zeus_amd_gpu_count(both[session], &i));
        CHECK(session == 0 || i == gpus);
        gpus = i;
    }
    for (session = 0; session < 2; session++)
        CHECK_OK(zeus_amd_window_begin(both[session], &windows[session]));
    for (round = 0; round < rounds; round++) {
        /* Each is the first in every other round. */
        for (i = 0; i < gpus; i++) {
            readings(round % 2, i);
            readings(1 - round % 2, i);
        }
        nanosleep(&pause, NULL);
    }
    for (session = 0; session < 2; session++) {
        zeus_amd_gpu_energy_t e[MOST] = {ZEUS_AMD_GPU_ENERGY_INIT};
        uint32_t n = MOST;
        zeus_amd_status_t s = zeus_amd_window_end(windows[session], NULL, e, &n);
        CHECK(s == ZEUS_AMD_STATUS_OK && n == gpus);
        for (i = 0; i < gpus; i++)
            printf("window %d %" PRIu32 " %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", session, i, (int)e[i].status,
                   e[i].energy_mj, e[i].begin_ns, e[i].end_ns, e[i].uncertainty_mj);
    }
    for (i = 0; i < gpus; i++)
        for (session = 0; session < 2; session++)
            identity(session, i);
    for (session = 0; session < 2; session++)
        zeus_amd_close(both[session]);
    return 0;
}
