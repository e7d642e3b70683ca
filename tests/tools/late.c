/* To be preloaded: a machine that is busy. The thread that reads loses its processor for LATE_MS at places that change from one
 * reading to the next. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <zeus_amd.h>

static unsigned calls;

/* Before every so many calls. */
static void lose_processor(unsigned every)
{
    const long ms = strtol(getenv("LATE_MS"), NULL, 10);
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    if (calls++ % every == 0)
        nanosleep(&t, NULL);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

zeus_amd_status_t zeus_amd_window_begin(const zeus_amd_session_t *session, zeus_amd_window_t **window)
{
    REAL(zeus_amd_window_begin);
    lose_processor(1);
    return real(session, window);
}

zeus_amd_status_t zeus_amd_window_lap(zeus_amd_window_t *window, zeus_amd_total_energy_t *total, zeus_amd_gpu_energy_t *gpus, uint32_t *count)
{
    REAL(zeus_amd_window_lap);
    lose_processor(3);
    return real(window, total, gpus, count);
}

zeus_amd_status_t zeus_amd_window_read(const zeus_amd_window_t *window, zeus_amd_total_energy_t *total, zeus_amd_gpu_energy_t *gpus, uint32_t *count)
{
    REAL(zeus_amd_window_read);
    lose_processor(5);
    return real(window, total, gpus, count);
}

zeus_amd_status_t zeus_amd_window_end(zeus_amd_window_t *window, zeus_amd_total_energy_t *total, zeus_amd_gpu_energy_t *gpus, uint32_t *count)
{
    REAL(zeus_amd_window_end);
    lose_processor(1);
    return real(window, total, gpus, count);
}
