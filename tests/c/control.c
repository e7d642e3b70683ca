/* Changes settings: "control OPERATION GPU VALUE..." any number of times; prints "OPERATION S TEXT" for each. */
#include <zeus_amd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Warnings, with "warn" as the first argument. */
static void warn(uint32_t level, const char *text, void *user)
{
    (void)user;
    printf("warning %d %s\n", (int)level, text);
}

/* "500:2100" */
static uint32_t first(const char *text) { return (uint32_t)strtoul(text, NULL, 10); }
static uint32_t second(const char *text) { return (uint32_t)strtoul(strchr(text, ':') + 1, NULL, 10); }

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;

    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (zeus_amd_open(&options, &z) != ZEUS_AMD_STATUS_OK)
        return 1;
    if (argc > 1 && strcmp(argv[1], "warn") == 0) {
        if (zeus_amd_set_log(warn, ZEUS_AMD_LOG_WARNING, NULL) != ZEUS_AMD_STATUS_OK)
            return 1;
        argv++;
        argc--;
    }
    for (int i = 1; i + 2 < argc; i += 3) {
        const char *op = argv[i];
        uint32_t gpu = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        uint64_t value = strtoull(argv[i + 2], NULL, 10), now = 0;
        zeus_amd_status_t s = ZEUS_AMD_STATUS_UNKNOWN;
        uint32_t low = 0, high = 0;
        char text[1024] = "";

        if (strcmp(op, "limit") == 0)
            s = zeus_amd_set_power_limit_mw(z, gpu, value);
        else if (strcmp(op, "reset_limit") == 0)
            s = zeus_amd_reset_power_limit(z, gpu);
        else if (strcmp(op, "gfx") == 0)
            s = zeus_amd_lock_graphics_clocks_mhz(z, gpu, first(argv[i + 2]), second(argv[i + 2]));
        else if (strcmp(op, "mem") == 0)
            s = zeus_amd_lock_memory_clocks_mhz(z, gpu, first(argv[i + 2]), second(argv[i + 2]));
        else if (strcmp(op, "reset_gfx") == 0)
            s = zeus_amd_reset_graphics_clocks(z, gpu);
        else if (strcmp(op, "reset_mem") == 0)
            s = zeus_amd_reset_memory_clocks(z, gpu);
        else if (strcmp(op, "reset_clocks") == 0)
            s = zeus_amd_reset_clocks(z, gpu);
        else if (strcmp(op, "gfx_range") == 0 && (s = zeus_amd_graphics_clock_range_mhz(z, gpu, &low, &high)) == 0)
            snprintf(text, sizeof text, "%u:%u", low, high);
        else if (strcmp(op, "mem_range") == 0 && (s = zeus_amd_memory_clock_range_mhz(z, gpu, &low, &high)) == 0)
            snprintf(text, sizeof text, "%u:%u", low, high);
        else if (strcmp(op, "persistence") == 0)
            s = zeus_amd_set_persistence_mode(z, gpu, (uint32_t)value);
        else if (strcmp(op, "read_limit") == 0 && (s = zeus_amd_power_limit_mw(z, gpu, &now)) == ZEUS_AMD_STATUS_OK)
            snprintf(text, sizeof text, "%llu", (unsigned long long)now);
        if (s != ZEUS_AMD_STATUS_OK)
            zeus_amd_last_error(text, sizeof text);
        printf("%s %d %s\n", op, (int)s, text);
    }
    zeus_amd_close(z);
    return 0;
}
