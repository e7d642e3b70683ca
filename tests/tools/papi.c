/* A program of PAPI that adds events by name, as its users do: "BEFORE BEGIN END AFTER ENERGY_UJ ERROR_UJ
 * POWER_MW" of device 0, with times around the start and the stop in ns. */
#define _GNU_SOURCE
#include <papi.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(void)
{
    static const char *const names[] = {"sde:::zeus_amd::energy_uj:device=0", "sde:::zeus_amd::error_uj:device=0",
                                        "sde:::zeus_amd::power_mw:device=0"};
    long long values[3], times[4];
    int events = PAPI_NULL;
    if (PAPI_library_init(PAPI_VER_CURRENT) != PAPI_VER_CURRENT || PAPI_create_eventset(&events) != PAPI_OK)
        return 2;
    for (int i = 0; i < 3; i++)
        if (PAPI_add_named_event(events, names[i]) != PAPI_OK)
            return 3;
    times[0] = now();
    if (PAPI_start(events) != PAPI_OK)
        return 4;
    times[1] = now();
    usleep(300000);
    times[2] = now();
    if (PAPI_stop(events, values) != PAPI_OK)
        return 5;
    times[3] = now();
    printf("%lld %lld %lld %lld %lld %lld %lld\n", times[0], times[1], times[2], times[3], values[0], values[1], values[2]);
    return 0;
}
