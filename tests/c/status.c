/* Opens a session and prints the status of everything: "probe S", "open S", "error TEXT", then a line "GPU KEY S TEXT"
 * for each reading. Arguments: path of libamd_smi ("-": none), time limit in ms, "validate" or "-", milliseconds to wait
 * before the readings. */
#include <zeus_amd.h>

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void say(uint32_t gpu, const char *key, zeus_amd_status_t s)
{
    char text[1024] = "";
    if (s != ZEUS_AMD_STATUS_OK)
        zeus_amd_last_error(text, sizeof text);
    printf("%" PRIu32 " %s %d %s\n", gpu, key, (int)s, text);
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = (zeus_amd_session_t *)&options;
    uint32_t count = 0, a = 0, b = 0;
    uint64_t v = 0;
    int32_t c = 0;
    int again;
    char text[1024] = "";
    zeus_amd_status_t s;

    setlocale(LC_ALL, "");
    if (argc > 1 && strcmp(argv[1], "-") != 0)
        options.amdsmi_path = argv[1];
    if (argc > 2)
        options.init_timeout_ms = (uint32_t)atoi(argv[2]);
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (argc > 3 && strcmp(argv[3], "validate") == 0)
        options.validation = ZEUS_AMD_VALIDATION_FIXED;

    s = zeus_amd_probe(&options);
    printf("probe %d\n", (int)s);
    s = zeus_amd_open(&options, &z);
    printf("open %d\n", (int)s);
    if (s != ZEUS_AMD_STATUS_OK) {
        zeus_amd_last_error(text, sizeof text);
        printf("error %s\n", text);
        /* A process that could not open is a healthy process: it can try again. */
        for (again = argc > 3 && strcmp(argv[3], "often") == 0 ? 1000 : 1; again > 0; again--)
            if (z != NULL || zeus_amd_open(&options, &z) != s)
                printf("unhealthy\n");
        return 0;
    }
    if (zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
        return 1;
    if (argc > 4) {
        const long ms = atol(argv[4]);
        const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
    printf("count %" PRIu32 "\n", count);
    /* One past the end as well: the index out of range. */
    for (uint32_t i = 0; i <= count; i++) {
        zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        say(i, "info", zeus_amd_gpu_info(z, i, &info));
        say(i, info.name, 0);
        printf("%" PRIu32 " counter_state %" PRIu32 "\n", i, info.counter_state);
        say(i, "instant", zeus_amd_power_instant_mw(z, i, &v));
        say(i, "average", zeus_amd_power_average_mw(z, i, &v));
        say(i, "energy", zeus_amd_energy_mj(z, i, &v));
        say(i, "raw", zeus_amd_energy_raw(z, i, &raw));
        say(i, "temperature", zeus_amd_temperature_c(z, i, &c));
        say(i, "limit", zeus_amd_power_limit_mw(z, i, &v));
        say(i, "clocks", zeus_amd_graphics_clock_levels_mhz(z, i, &a, &b));
    }
    zeus_amd_close(z);
    return 0;
}
