/* Reads all that there is, over and over, with windows and a sampler beside it, or takes windows alone, so that what is between
 * their ends is not read; prints what was said with OK:
 * "KEY gpu value from to": a reading, and CLOCK_BOOTTIME (ns) before and after the call;
 * "window gpu energy_mj uncertainty_mj begin_ns end_ns flags method", and likewise "lap"; "sample gpu power_mw power_begin_ns power_end_ns";
 * "total energy_mj uncertainty_mj packages" of the windows, or laps, above it;
 * "between gpu energy_mj uncertainty_mj from to flags method" of times between samples;
 * "slope gpu counter_power_mw uncertainty_mw time_ns valid flags" of each sample;
 * "state gpu counter_state"; "refused KEY gpu status" for what failed.
 * argv: validation, rounds, seed, the longest window of a round in microseconds, and the period of the sampler that reads meanwhile,
 * in nanoseconds, or 0 for none. */
#include <inttypes.h>
#include <time.h>

#include "check.h"

enum { MOST = 64, SAMPLES = 4096 };

static zeus_amd_session_t *z;
static uint32_t gpus;

static uint64_t next(uint64_t *state)
{
    uint64_t v = *state += UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
    return v ^ v >> 31;
}

static void pause_us(uint64_t us)
{
    const struct timespec t = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
    nanosleep(&t, NULL);
}

static void print(const char *key, uint32_t gpu, zeus_amd_status_t s, int64_t value, uint64_t from)
{
    if (s == ZEUS_AMD_STATUS_OK)
        printf("%s %" PRIu32 " %" PRId64 " %" PRIu64 " %" PRIu64 "\n", key, gpu, value, from, zeus_amd_now_ns());
    else
        printf("refused %s %" PRIu32 " %d\n", key, gpu, (int)s);
}

static void single(uint32_t i)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    uint64_t v = 0, from = zeus_amd_now_ns();
    int32_t c = 0;
    zeus_amd_status_t s = zeus_amd_power_instant_mw(z, i, &v);
    print("power", i, s, (int64_t)v, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_power_average_mw(z, i, &v);
    print("power", i, s, (int64_t)v, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_energy_mj(z, i, &v);
    print("energy", i, s, (int64_t)v, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_temperature_c(z, i, &c);
    print("temperature", i, s, c, from);
    from = zeus_amd_now_ns();
    s = zeus_amd_energy_raw(z, i, &raw);
    if (s == ZEUS_AMD_STATUS_OK && raw.flags & ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT)
        s = ZEUS_AMD_STATUS_STALE;
    print("count", i, s, (int64_t)raw.accumulator, from);
}

static void all(void)
{
    zeus_amd_reading_t r[MOST] = {ZEUS_AMD_READING_INIT};
    uint32_t i, n = MOST;
    uint64_t from = zeus_amd_now_ns();
    CHECK_OK(zeus_amd_read_all(z, r, &n));
    for (i = 0; i < n; i++) {
        if (r[i].valid & ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT)
            print("power", i, ZEUS_AMD_STATUS_OK, (int64_t)r[i].power_instant_mw, from);
        if (r[i].valid & ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT)
            print("power", i, ZEUS_AMD_STATUS_OK, (int64_t)r[i].power_average_mw, from);
        if (r[i].valid & ZEUS_AMD_READING_VALID_ENERGY_BIT)
            print("energy", i, ZEUS_AMD_STATUS_OK, (int64_t)r[i].energy_mj, from);
        if (r[i].valid & ZEUS_AMD_READING_VALID_TEMPERATURE_BIT)
            print("temperature", i, ZEUS_AMD_STATUS_OK, r[i].temperature_c, from);
        if (r[i].valid & ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT && !(r[i].flags & ZEUS_AMD_READING_FLAG_STALE_BIT))
            print("count", i, ZEUS_AMD_STATUS_OK, (int64_t)r[i].accumulator, from);
    }
}

static void settings(uint32_t i)
{
    uint64_t v = 0, w = 0, from = zeus_amd_now_ns();
    uint32_t a = 0, b = 0;
    zeus_amd_status_t s = zeus_amd_power_limit_mw(z, i, &v);
    print("limit", i, s, (int64_t)v, from);
    s = zeus_amd_power_limit_range_mw(z, i, &v, &w);
    print("limit_min", i, s, (int64_t)v, from);
    print("limit_max", i, s, (int64_t)w, from);
    s = zeus_amd_graphics_clock_levels_mhz(z, i, &a, &b);
    print("level_min", i, s, a, from);
    print("level_max", i, s, b, from);
    s = zeus_amd_graphics_clock_range_mhz(z, i, &a, &b);
    print("range_min", i, s, a, from);
    print("range_max", i, s, b, from);
}

typedef zeus_amd_status_t (*reads)(zeus_amd_window_t *, zeus_amd_total_energy_t *, zeus_amd_gpu_energy_t *, uint32_t *);

static void energies(const char *key, reads of, zeus_amd_window_t *w)
{
    zeus_amd_gpu_energy_t e[MOST] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    uint32_t i, n = MOST;
    const zeus_amd_status_t s = of(w, &total, e, &n);
    for (i = 0; i < n; i++)
        if (e[i].status == ZEUS_AMD_STATUS_OK)
            printf("%s %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n", key, i,
                   e[i].energy_mj, e[i].uncertainty_mj, e[i].begin_ns, e[i].end_ns, e[i].flags, (uint32_t)e[i].method);
    if (s == ZEUS_AMD_STATUS_OK)
        printf("total %" PRIu64 " %" PRIu64 " %" PRIu32 "\n", total.energy_mj, total.uncertainty_mj, total.packages);
    else
        printf("refused total 0 %d\n", (int)s);
}

/* Energies between any two times of a sampler's. */
static void between(const zeus_amd_sampler_t *sampler, uint64_t *seed, uint64_t begin_ns, uint64_t end_ns)
{
    uint32_t i, n;
    for (i = 0; i < gpus; i++)
        for (n = 0; n < 16; n++) {
            zeus_amd_gpu_energy_t e = ZEUS_AMD_GPU_ENERGY_INIT;
            const uint64_t a = begin_ns + next(seed) % (end_ns - begin_ns), b = begin_ns + next(seed) % (end_ns - begin_ns);
            const uint64_t from = a < b ? a : b, to = a < b ? b : a;
            if (zeus_amd_sampler_energy_between(sampler, i, from, to, &e) == ZEUS_AMD_STATUS_OK)
                printf("between %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n", i,
                       e.energy_mj, e.uncertainty_mj, from, to, e.flags, (uint32_t)e.method);
        }
}

/* A part of a round, as often short as long. */
static void pause_for(uint64_t *seed, uint64_t most_us)
{
    pause_us(next(seed) % (1 + (most_us >> next(seed) % 8)));
}

int main(int argc, char **argv)
{
    static zeus_amd_sample_t samples[SAMPLES] = {ZEUS_AMD_SAMPLE_INIT};
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_window_t *whole, *part;
    uint32_t i, round, rounds, n = SAMPLES;
    uint64_t seed, lost, begin_ns, most_us;
    CHECK(argc == 6);
    options.validation = (uint32_t)atoi(argv[1]);
    rounds = (uint32_t)atoi(argv[2]);
    seed = strtoull(argv[3], NULL, 10);
    most_us = strtoull(argv[4], NULL, 10);
    how.period_ns = strtoull(argv[5], NULL, 10);
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK_OK(zeus_amd_gpu_count(z, &gpus));
    how.capacity = SAMPLES;
    if (how.period_ns > 0)
        CHECK_OK(zeus_amd_sampler_start(z, &how, &sampler));
    else
        pause_for(&seed, most_us);
    CHECK_OK(zeus_amd_window_begin(z, &whole));
    begin_ns = zeus_amd_now_ns();
    for (round = 0; round < rounds; round++) {
        CHECK_OK(zeus_amd_window_begin(z, &part));
        if (sampler) {
            for (i = 0; i < gpus; i++)
                single(i);
            all();
        }
        pause_for(&seed, most_us);
        energies("window", zeus_amd_window_end, part);
        if (!sampler && next(&seed) % 2)
            pause_for(&seed, most_us);
        energies("lap", zeus_amd_window_lap, whole);
    }
    for (i = 0; i < gpus; i++)
        settings(i);
    energies("window", zeus_amd_window_end, whole);
    if (sampler) {
        CHECK_OK(zeus_amd_sampler_stop(sampler));
        between(sampler, &seed, begin_ns, zeus_amd_now_ns());
        CHECK_OK(zeus_amd_sampler_drain(sampler, samples, &n, &lost));
        for (i = 0; i < n; i++) {
            const zeus_amd_sample_t *s = &samples[i];
            if (s->valid & ZEUS_AMD_SAMPLE_VALID_POWER_BIT)
                printf("sample %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", s->gpu, s->power_mw, s->power_begin_ns,
                       s->power_end_ns);
            printf("slope %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n", s->gpu, s->counter_power_mw,
                   s->counter_power_uncertainty_mw, s->time_ns, s->valid, s->flags);
        }
        zeus_amd_sampler_free(sampler);
    }
    for (i = 0; i < gpus; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        CHECK_OK(zeus_amd_gpu_info(z, i, &info));
        printf("state %" PRIu32 " %" PRIu32 "\n", i, info.counter_state);
    }
    zeus_amd_close(z);
    return 0;
}
