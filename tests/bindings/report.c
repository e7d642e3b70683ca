/* What the library says of a machine whose power does not change, one thing a line; the other languages print the same.
 * Counters and times run on, so of energies only what stands still is here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zeus_amd.h>

static void must(zeus_amd_status_t status)
{
    if (status != ZEUS_AMD_STATUS_OK) {
        char text[2048];
        (void)zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "%s\n", text);
        exit(1);
    }
}

static void line(const char *name, uint32_t gpu, zeus_amd_status_t status, const char *values)
{
    char text[2048];
    (void)zeus_amd_last_error(text, sizeof text);
    printf("%s %u %d %s\n", name, gpu, (int)status, status == 0 ? values : text);
}

#define ONE(type, format, name)                                                                                        \
    do {                                                                                                               \
        type value = 0;                                                                                                \
        zeus_amd_status_t status = zeus_amd_##name(z, gpu, &value);                                                    \
        char values[64];                                                                                               \
        snprintf(values, sizeof values, "%" format, value);                                                            \
        line(#name, gpu, status, values);                                                                              \
    } while (0)

#define TWO(type, format, name)                                                                                        \
    do {                                                                                                               \
        type one = 0, two = 0;                                                                                         \
        zeus_amd_status_t status = zeus_amd_##name(z, gpu, &one, &two);                                                \
        char values[64];                                                                                               \
        snprintf(values, sizeof values, "%" format " %" format, one, two);                                             \
        line(#name, gpu, status, values);                                                                              \
    } while (0)

static void readings(zeus_amd_session_t *z, uint32_t gpu)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_status_t status;
    char values[64];

    ONE(uint64_t, PRIu64, power_instant_mw);
    ONE(uint64_t, PRIu64, power_average_mw);
    ONE(uint64_t, PRIu64, memory_power_average_mw);
    ONE(uint32_t, "u", energy_counter_usable);
    ONE(int32_t, "d", temperature_c);
    ONE(uint64_t, PRIu64, power_limit_mw);
    ONE(uint64_t, PRIu64, power_limit_default_mw);
    TWO(uint64_t, PRIu64, power_limit_range_mw);
    TWO(uint32_t, "u", memory_clock_levels_mhz);
    TWO(uint32_t, "u", graphics_clock_levels_mhz);
    TWO(uint32_t, "u", memory_clock_range_mhz);
    TWO(uint32_t, "u", graphics_clock_range_mhz);
    ONE(uint32_t, "u", persistence_mode);
    ONE(uint32_t, "u", supports_nonblocking_setters);
    status = zeus_amd_energy_raw(z, gpu, &raw);
    snprintf(values, sizeof values, "%.6f", raw.resolution_uj);
    line("energy_raw", gpu, status, values);
}

int main(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_info_t session = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_session_t *z;
    static char text[65536];
    uint32_t gpu, found;

    options.energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE;
    options.validation = ZEUS_AMD_VALIDATION_FIXED;
    options.flags = ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT;
    options.hip_visible_devices = "1,0";
    must(zeus_amd_probe(&options));
    must(zeus_amd_open(&options, &z));
    must(zeus_amd_session_info(z, &session));
    printf("version %u %s\n", zeus_amd_version(), zeus_amd_version_string());
    printf("status_string %s\n", zeus_amd_status_string(ZEUS_AMD_STATUS_FORKED));
    printf("method_string %s\n", zeus_amd_method_string(ZEUS_AMD_METHOD_INTEGRATED));
    printf("counter_state_string %s\n", zeus_amd_counter_state_string(ZEUS_AMD_COUNTER_STATE_STUCK));
    printf("session_info %u %u %u %u %u %u %u %u %d %d %s %s\n", session.valid, session.flags, session.gpu_count,
           session.backend, session.energy_resolution, session.amdsmi_version_0, session.amdsmi_version_1,
           session.amdsmi_version_2, session.no_gpu_reason, session.amdsmi_status, session.rocm, session.amdsmi_path);
    for (gpu = 0; gpu < session.gpu_count; gpu++) {
        zeus_amd_gpu_info_t i = ZEUS_AMD_GPU_INFO_INIT;
        must(zeus_amd_gpu_info(z, gpu, &i));
        printf("gpu_info %u %u %u %u %u %u %u %u %u %u %u %016lx %s %s %s %s\n", i.valid, i.index, i.unmasked_index,
               i.amdsmi_index, i.kfd_node, i.partition, i.die_role, i.source, i.counter_state, i.flags, i.device_id,
               (unsigned long)i.unique_id, i.name, i.pci_address, i.uuid, i.package);
        must(zeus_amd_find_by_pci(z, i.pci_address, &found));
        printf("find_by_pci %u\n", found);
        must(zeus_amd_find_by_uuid(z, i.uuid, &found));
        printf("find_by_uuid %u\n", found);
    }
    must(zeus_amd_explain(z, text, sizeof text, NULL));
    printf("explain %s\n", text);
    /* One too many: each call fails, and says why. */
    for (gpu = 0; gpu <= session.gpu_count; gpu++)
        readings(z, gpu);
    zeus_amd_close(z);
    return 0;
}
