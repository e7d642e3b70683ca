/* What every getter of one GPU says: "KEY status value | text of the failure". argv: GPU, "idle": only that. With "busy" all else
 * that reads or sets beside them: a window, a lap, a sampler, a guard with settings, and explain. */
#include <inttypes.h>
#include <time.h>

#include "check.h"

static zeus_amd_session_t *z;

static void print(const char *key, zeus_amd_status_t s, int64_t value)
{
    char text[1024] = "";
    if (s != ZEUS_AMD_STATUS_OK)
        zeus_amd_last_error(text, sizeof text);
    printf("%s %d %" PRId64 " | %s\n", key, (int)s, s == ZEUS_AMD_STATUS_OK ? value : 0, text);
}

static void readings(uint32_t i)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_limit_counts_t counts = ZEUS_AMD_LIMIT_COUNTS_INIT;
    uint64_t v = 0;
    int32_t c = 0, n;
    zeus_amd_status_t s = zeus_amd_power_instant_mw(z, i, &v);
    print("instant", s, (int64_t)v);
    s = zeus_amd_power_average_mw(z, i, &v);
    print("average", s, (int64_t)v);
    s = zeus_amd_memory_power_average_mw(z, i, &v);
    print("memory_power", s, (int64_t)v);
    s = zeus_amd_energy_mj(z, i, &v);
    print("energy", s, 1);
    s = zeus_amd_energy_raw(z, i, &raw);
    print("count", s, 1);
    s = zeus_amd_temperature_c(z, i, &c);
    print("temperature", s, c);
    s = zeus_amd_limit_counts(z, i, &counts);
    for (n = 0; n < 4 && s == ZEUS_AMD_STATUS_OK && counts.cycles > 0; n++)
        s = zeus_amd_limit_counts(z, i, &counts);
    print("limit_counts", s, counts.cycles > 0);
}

static void settings(uint32_t i)
{
    uint64_t v = 0, w = 0;
    uint32_t a = 0, b = 0;
    zeus_amd_status_t s = zeus_amd_power_limit_mw(z, i, &v);
    print("limit", s, (int64_t)v);
    s = zeus_amd_power_limit_default_mw(z, i, &v);
    print("limit_default", s, (int64_t)v);
    s = zeus_amd_power_limit_range_mw(z, i, &v, &w);
    print("limit_range", s, (int64_t)(v + w));
    s = zeus_amd_graphics_clock_levels_mhz(z, i, &a, &b);
    print("graphics_levels", s, a * INT64_C(100000) + b);
    s = zeus_amd_memory_clock_levels_mhz(z, i, &a, &b);
    print("memory_levels", s, a * INT64_C(100000) + b);
    s = zeus_amd_graphics_clock_range_mhz(z, i, &a, &b);
    print("graphics_range", s, a * INT64_C(100000) + b);
    s = zeus_amd_memory_clock_range_mhz(z, i, &a, &b);
    print("memory_range", s, a * INT64_C(100000) + b);
}

static void setters(uint32_t i)
{
    zeus_amd_guard_t *guard = NULL;
    zeus_amd_status_t s = zeus_amd_guard_begin(z, 0, &guard);
    print("guard_begin", s, 0);
    s = zeus_amd_set_power_limit_mw(z, i, 290000);
    print("set_limit", s, 0);
    s = zeus_amd_reset_power_limit(z, i);
    print("reset_limit", s, 0);
    s = zeus_amd_lock_graphics_clocks_mhz(z, i, 600, 900);
    print("lock_graphics", s, 0);
    s = zeus_amd_lock_memory_clocks_mhz(z, i, 700, 800);
    print("lock_memory", s, 0);
    s = zeus_amd_reset_clocks(z, i);
    print("reset_clocks", s, 0);
    if (guard != NULL) {
        s = zeus_amd_guard_end(guard);
        print("guard_end", s, 0);
    }
}

/* All that reads GPUs as a whole. */
static void beside(uint32_t i)
{
    static char text[65536];
    const struct timespec pause = {0, 50000000};
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_window_t *window = NULL;
    zeus_amd_gpu_energy_t e[64] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    const uint64_t from = zeus_amd_now_ns();
    uint32_t n = 64;
    how.capacity = 1024;
    CHECK_OK(zeus_amd_sampler_start(z, &how, &sampler));
    CHECK_OK(zeus_amd_window_begin(z, &window));
    nanosleep(&pause, NULL);
    (void)!zeus_amd_window_lap(window, &total, e, &n);
    n = 64;
    (void)!zeus_amd_window_end(window, &total, e, &n);
    CHECK(i < n);
    printf("window %d %" PRIu64 " |\n", (int)e[i].status, e[i].energy_mj);
    CHECK_OK(zeus_amd_sampler_stop(sampler));
    print("between", zeus_amd_sampler_energy_between(sampler, i, from, from + 30000000, e), 0);
    zeus_amd_sampler_free(sampler);
    CHECK_OK(zeus_amd_explain(z, text, sizeof text, NULL));
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    uint32_t gpu;
    CHECK(argc == 3);
    gpu = (uint32_t)atoi(argv[1]);
    (void)!zeus_amd_probe(&options);
    CHECK_OK(zeus_amd_open(&options, &z));
    readings(gpu);
    settings(gpu);
    if (strcmp(argv[2], "busy") == 0) {
        beside(gpu);
        setters(gpu);
    }
    zeus_amd_close(z);
    return 0;
}
