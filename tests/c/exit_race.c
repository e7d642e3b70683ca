/* The process ends by return from main while something of the library still runs. argv[1]: "sampler", a "second" one on
 * another libamd_smi (argv[2]), a "window" whose counter needs a sampler, a check in the "background"; or a thread of the program's "own", which nobody can stop: it
 * shows that the fake library does end a program that calls it too late. */
#include <pthread.h>
#include <unistd.h>

#include "check.h"

static zeus_amd_session_t *z;

static void *keep_reading(void *unused)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    (void)unused;
    for (;;) {
        CHECK_OK(zeus_amd_energy_raw(z, 0, &raw));
        usleep(1000);
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
    } else if (strcmp(argv[1], "own") == 0) {
        CHECK(pthread_create(&thread, NULL, keep_reading, NULL) == 0);
        usleep(20000);
    }
    return 7;
}
