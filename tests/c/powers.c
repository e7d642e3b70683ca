/* Reads the power of GPU 0 (average, else instant) argv[1] times, argv[2] microseconds apart, then samples for a second.
 * Prints "read OK ZERO FAILED LOWEST HIGHEST", and "sampled SAMPLES WITH-POWER ZERO LOWEST HIGHEST", powers in mW. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "check.h"

enum { MOST = 1 << 14 };

static uint64_t lowest, highest;
static unsigned zero;

static void note(uint64_t mw)
{
    zero += mw == 0;
    lowest = mw < lowest ? mw : lowest;
    highest = mw > highest ? mw : highest;
}

static void pause_us(long us)
{
    const struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
    static zeus_amd_sample_t samples[MOST] = {ZEUS_AMD_SAMPLE_INIT};
    uint32_t count = MOST;
    unsigned ok = 0, failed = 0, with_power = 0;
    zeus_amd_session_t *z;
    zeus_amd_sampler_t *sampler;
    CHECK(argc == 3);
    CHECK_OK(zeus_amd_open(NULL, &z));
    lowest = UINT64_MAX;
    for (int i = 0; i < atoi(argv[1]); i++) {
        uint64_t mw = 0;
        zeus_amd_status_t s = zeus_amd_power_average_mw(z, 0, &mw);
        if (s == ZEUS_AMD_STATUS_NOT_SUPPORTED)
            s = zeus_amd_power_instant_mw(z, 0, &mw);
        ok += s == ZEUS_AMD_STATUS_OK;
        failed += s != ZEUS_AMD_STATUS_OK;
        if (s == ZEUS_AMD_STATUS_OK)
            note(mw);
        pause_us(atol(argv[2]));
    }
    printf("read %u %u %u %" PRIu64 " %" PRIu64 "\n", ok, zero, failed, lowest, highest);
    zero = 0;
    lowest = UINT64_MAX;
    highest = 0;
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    pause_us(1000000);
    CHECK_OK(zeus_amd_sampler_stop(sampler));
    CHECK_OK(zeus_amd_sampler_drain(sampler, samples, &count, NULL));
    for (uint32_t i = 0; i < count; i++) {
        if (samples[i].gpu == 0 && samples[i].valid & ZEUS_AMD_SAMPLE_VALID_POWER_BIT) {
            with_power++;
            note(samples[i].power_mw);
        }
    }
    printf("sampled %u %u %u %" PRIu64 " %" PRIu64 "\n", (unsigned)count, with_power, zero, lowest, highest);
    zeus_amd_sampler_free(sampler);
    zeus_amd_close(z);
    return 0;
}
