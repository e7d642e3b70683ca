/* Samples for a while and prints what came of it.
 * argv: validation, unit, period in us, capacity, milliseconds, milliseconds between two drains, room of a drain, how
 * many energies to ask for, seed.
 * Lines: "s gpu valid flags time_ns energy_uj power_mw counter_power_mw counter_power_uncertainty_mw" for each sample, "b gpu
 * status method flags energy_mj uncertainty_mj begin_ns end_ns" for each energy, "lost number". */
#include <inttypes.h>
#include <time.h>

#include "check.h"

enum { MOST = 1 << 16 };

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static uint64_t next(uint64_t *state)
{
    uint64_t v = *state += UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
    return v ^ v >> 31;
}

static uint64_t drain(zeus_amd_sampler_t *s, uint32_t room)
{
    static zeus_amd_sample_t some[MOST];
    uint32_t i, n = room;
    uint64_t lost = 0;
    some[0].struct_size = sizeof some[0];
    CHECK_OK(zeus_amd_sampler_drain(s, some, &n, &lost));
    for (i = 0; i < n; i++) {
        printf("s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", some[i].gpu,
               some[i].valid, some[i].flags, some[i].time_ns, some[i].energy_uj, some[i].power_mw, some[i].counter_power_mw,
               some[i].counter_power_uncertainty_mw);
    }
    printf("lost %" PRIu64 "\n", lost);
    return n;
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *s;
    zeus_amd_session_t *z;
    uint64_t begin, end, seed;
    uint32_t gpus, room;
    long pause;
    int i, asks;
    CHECK(argc == 10);
    options.validation = (uint32_t)atoi(argv[1]);
    options.energy_resolution = (uint32_t)atoi(argv[2]);
    how.period_ns = strtoull(argv[3], NULL, 10) * 1000;
    how.capacity = (uint32_t)strtoul(argv[4], NULL, 10);
    pause = atol(argv[6]);
    room = (uint32_t)strtoul(argv[7], NULL, 10);
    asks = atoi(argv[8]);
    seed = strtoull(argv[9], NULL, 10);
    CHECK(room <= MOST);
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK_OK(zeus_amd_gpu_count(z, &gpus));
    CHECK_OK(zeus_amd_sampler_start(z, &how, &s));
    begin = zeus_amd_now_ns();
    end = begin + strtoull(argv[5], NULL, 10) * 1000000;
    while (zeus_amd_now_ns() < end) {
        pause_ms(pause);
        drain(s, room);
    }
    CHECK_OK(zeus_amd_sampler_stop(s));
    end = zeus_amd_now_ns();
    for (i = 0; i < asks; i++) {
        zeus_amd_gpu_energy_t e = ZEUS_AMD_GPU_ENERGY_INIT;
        uint64_t from = begin + next(&seed) % (end - begin), to = from + 1 + next(&seed) % (end - from);
        uint32_t gpu = (uint32_t)(next(&seed) % gpus);
        zeus_amd_status_t status = zeus_amd_sampler_energy_between(s, gpu, from, to, &e);
        printf("b %" PRIu32 " %d %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", gpu,
               (int)status, e.method, e.flags, e.energy_mj, e.uncertainty_mj, from, to);
    }
    while (drain(s, room) > 0)
        continue;
    zeus_amd_sampler_free(s);
    zeus_amd_close(z);
    return 0;
}
