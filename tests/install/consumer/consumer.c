/* What a user's program does; C and C++. It is given the GPUs' constant power in milliwatts, the truth of its machine. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <zeus_amd.h>

static int failed(const char *what)
{
    char text[512];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "%s: %s\n", what, text);
    return 1;
}

int main(int argc, char **argv)
{
    const uint64_t truth_mw = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    zeus_amd_session_t *session;
    uint32_t count, i;
    if (zeus_amd_version() != ZEUS_AMD_VERSION_NUMBER) {
        fprintf(stderr, "the header is of another version than the library\n");
        return 1;
    }
    if (zeus_amd_open(NULL, &session) != ZEUS_AMD_STATUS_OK)
        return failed("open");
    if (zeus_amd_gpu_count(session, &count) != ZEUS_AMD_STATUS_OK || count == 0)
        return failed("count");
    for (i = 0; i < count; i++) {
        struct timespec pause = {0, 150000000};
        uint64_t mw;
        uint64_t before, after;
        if (zeus_amd_power_average_mw(session, i, &mw) != ZEUS_AMD_STATUS_OK)
            return failed("power");
        if (mw != truth_mw) {
            fprintf(stderr, "GPU %u shows %llu mW and draws %llu\n", i, (unsigned long long)mw, (unsigned long long)truth_mw);
            return 1;
        }
        if (zeus_amd_energy_mj(session, i, &before) != ZEUS_AMD_STATUS_OK)
            return failed("energy");
        nanosleep(&pause, NULL);
        if (zeus_amd_energy_mj(session, i, &after) != ZEUS_AMD_STATUS_OK)
            return failed("energy");
        /* At least two thirds of the pause: the counter's refresh lies in between. */
        if (after < before + truth_mw / 10) {
            fprintf(stderr, "only %llu mJ\n", (unsigned long long)(after - before));
            return 1;
        }
    }
    zeus_amd_close(session);
    printf("%u GPU(s), right\n", count);
    return 0;
}
