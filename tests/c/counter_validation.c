/* Opens sessions, one after another, and prints "open VALIDATION us begin_ns" for each, then for each GPU
 * "gpu VALIDATION at_once energy_status counter state energy_status supported": the first two as soon as it is open, the
 * others when no check is pending any more.
 * argv: a CLOCK_BOOTTIME in ns to wait for, how often, then validations, which take turns. */
#include <inttypes.h>
#include <time.h>

#include "check.h"

enum { MOST = 64 };

static void pause_ms(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void all(zeus_amd_session_t *z, uint32_t n, uint32_t *verdicts, zeus_amd_status_t *energies)
{
    uint32_t i;
    for (i = 0; i < n; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        uint64_t mj;
        CHECK_OK(zeus_amd_gpu_info(z, i, &info));
        verdicts[i] = info.counter_state;
        energies[i] = zeus_amd_energy_mj(z, i, &mj);
    }
}

static void once(uint32_t validation)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z;
    uint32_t first[MOST], last[MOST], n, i, supported, pending = 1;
    zeus_amd_status_t early[MOST], late[MOST];
    uint64_t begin = zeus_amd_now_ns();
    options.validation = validation;
    CHECK_OK(zeus_amd_open(&options, &z));
    printf("open %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", validation, (zeus_amd_now_ns() - begin) / 1000, begin);
    CHECK_OK(zeus_amd_gpu_count(z, &n));
    CHECK(n <= MOST);
    all(z, n, first, early);
    for (; pending; pause_ms(pending ? 5 : 0)) {
        all(z, n, last, late);
        for (pending = i = 0; i < n; i++)
            pending |= last[i] == ZEUS_AMD_COUNTER_STATE_PENDING;
    }
    for (i = 0; i < n; i++) {
        CHECK_OK(zeus_amd_energy_counter_usable(z, i, &supported));
        printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %d %" PRIu32 " %d %" PRIu32 "\n", i, validation, first[i],
               (int)early[i], last[i], (int)late[i], supported);
    }
    zeus_amd_close(z);
}

int main(int argc, char **argv)
{
    uint64_t at, now;
    int i, k, times;
    CHECK(argc > 3);
    at = strtoull(argv[1], NULL, 10);
    times = atoi(argv[2]);
    while ((now = zeus_amd_now_ns()) < at)
        pause_ms((long)((at - now) / 1000000 / 2));
    for (i = 0; i < times; i++)
        for (k = 3; k < argc; k++)
            once((uint32_t)atoi(argv[k]));
    return 0;
}
