/* The process ends by return from main while something of the library still runs. argv[1]: "sampler", a "second" one on
 * another libamd_smi (argv[2]), a "window" whose counter needs a sampler, a check in the "background"; a thread of the
 * program's "own" that reads, or that is in the first "open" (until the fake library is slow, and then so many milliseconds,
 * argv[2]); or a "raw" one that calls libamd_smi itself, which shows that the fake library does end a program that calls it
 * too late. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake.h"

static zeus_amd_session_t *z;

static void *keep_reading(void *unused)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    (void)unused;
    for (;;) {
        zeus_amd_status_t s = zeus_amd_energy_raw(z, 0, &raw);
        CHECK(s == ZEUS_AMD_STATUS_OK || s == ZEUS_AMD_STATUS_NOT_INITIALIZED);
    }
    return NULL;
}

static void *first_open(void *unused)
{
    (void)unused;
    zeus_amd_status_t s = zeus_amd_open(NULL, &z);
    CHECK(s == ZEUS_AMD_STATUS_OK || s == ZEUS_AMD_STATUS_NOT_INITIALIZED);
    return NULL;
}

static int exit_while_opening(unsigned wait_ms)
{
    pthread_t thread;
    FILE *sign;
    CHECK(pthread_create(&thread, NULL, first_open, NULL) == 0);
    while (!fake_has_noted("slow\n"))
        usleep(1000);
    usleep(wait_ms * 1000);
    sign = fopen(getenv("FAKE_EXIT"), "w");
    CHECK(sign != NULL && fclose(sign) == 0);
    return 7;
}

static void *keep_calling(void *unused)
{
    void *library = dlopen(getenv("ZEUS_AMD_AMDSMI"), RTLD_NOW), *gpu;
    uint32_t (*sockets)(uint32_t *, void **), (*count)(void *, uint64_t *, float *, uint64_t *), one = 1;
    (void)unused;
    CHECK(library != NULL);
    *(void **)(&sockets) = dlsym(library, "amdsmi_get_socket_handles");
    *(void **)(&count) = dlsym(library, "amdsmi_get_energy_count");
    CHECK(sockets(&one, &gpu) == 0);
    for (;;) {
        uint64_t accumulator, time_ns;
        float unit;
        count(gpu, &accumulator, &unit, &time_ns);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_window_t *window = NULL;
    pthread_t thread;
    CHECK(argc >= 2);
    if (strcmp(argv[1], "open") == 0)
        return exit_while_opening((unsigned)atoi(argv[2]));
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (strcmp(argv[1], "background") == 0 || strcmp(argv[1], "window") == 0)
        options.validation = ZEUS_AMD_VALIDATION_BACKGROUND;
    CHECK_OK(zeus_amd_open(&options, &z));
    how.period_ns = 200000;
    if (strcmp(argv[1], "sampler") == 0 || strcmp(argv[1], "second") == 0) {
        CHECK_OK(zeus_amd_sampler_start(z, &how, &sampler));
        usleep(20000);
        if (argc > 2) {
            options.amdsmi_path = argv[2];
            CHECK_OK(zeus_amd_open(&options, &z));
            CHECK_OK(zeus_amd_sampler_start(z, &how, &sampler));
            usleep(20000);
        }
    } else if (strcmp(argv[1], "window") == 0) {
        CHECK_OK(zeus_amd_window_begin(z, &window));
        usleep(5000);
    } else if (strcmp(argv[1], "own") == 0 || strcmp(argv[1], "raw") == 0) {
        void *(*body)(void *) = strcmp(argv[1], "own") == 0 ? keep_reading : keep_calling;
        for (int i = 0; i < 4; i++)
            CHECK(pthread_create(&thread, NULL, body, NULL) == 0);
        usleep(20000);
    }
    return 7;
}
