/* Prints every reading of every GPU, one a line: "gpu key status value". Opens, says "ready", and reads when a line
 * comes on standard input, so that the machine's clock can be stopped in between. */
#include <zeus_amd.h>

#include <inttypes.h>
#include <stdio.h>

static void u64(uint32_t gpu, const char *key, zeus_amd_status_t status, uint64_t value)
{
    printf("%" PRIu32 " %s %d %" PRIu64 "\n", gpu, key, (int)status, status == 0 ? value : 0);
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    uint32_t count = 0;
    char text[1024];

    (void)argv;
    if (argc > 1)
        options.energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE;
    if (zeus_amd_open(&options, &z) != ZEUS_AMD_STATUS_OK) {
        zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    if (getchar() == EOF)
        return 2;
    if (zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
        return 3;
    for (uint32_t i = 0; i < count; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
        uint64_t v = 0, w = 0;
        uint32_t a = 0, b = 0;
        int32_t c = 0;
        zeus_amd_status_t s = zeus_amd_gpu_info(z, i, &info);

        u64(i, "valid", s, info.valid);
        u64(i, "amdsmi_index", s, info.amdsmi_index);
        u64(i, "kfd_node", s, info.kfd_node);
        u64(i, "unique_id", s, info.unique_id);
        u64(i, "device_id", s, info.device_id);
        u64(i, "die_role", s, info.die_role);
        u64(i, "counter_state", s, info.counter_state);
        u64(i, "source", s, info.source);
        printf("%" PRIu32 " name 0 %s\n", i, info.name);
        printf("%" PRIu32 " pci 0 %s\n", i, info.pci_address);
        printf("%" PRIu32 " package 0 %s\n", i, info.package);
        s = zeus_amd_power_instant_mw(z, i, &v);
        u64(i, "instant", s, v);
        s = zeus_amd_power_average_mw(z, i, &v);
        u64(i, "average", s, v);
        s = zeus_amd_memory_power_average_mw(z, i, &v);
        u64(i, "memory_power", s, v);
        s = zeus_amd_energy_counter_usable(z, i, &a);
        u64(i, "energy_counter_usable", s, a);
        s = zeus_amd_energy_mj(z, i, &v);
        u64(i, "energy", s, v);
        s = zeus_amd_energy_raw(z, i, &raw);
        u64(i, "accumulator", s, raw.accumulator);
        u64(i, "driver_time", s, raw.driver_time_ns);
        u64(i, "firmware_time", s, raw.firmware_time_ns);
        u64(i, "energy_valid", s, raw.valid);
        u64(i, "energy_flags", s, raw.flags);
        printf("%" PRIu32 " resolution_uj %d %.17g\n", i, (int)s, raw.resolution_uj);
        s = zeus_amd_temperature_c(z, i, &c);
        u64(i, "temperature", s, (uint64_t)c);
        s = zeus_amd_power_limit_mw(z, i, &v);
        u64(i, "limit", s, v);
        s = zeus_amd_power_limit_default_mw(z, i, &v);
        u64(i, "limit_default", s, v);
        s = zeus_amd_power_limit_range_mw(z, i, &v, &w);
        u64(i, "limit_min", s, v);
        u64(i, "limit_max", s, w);
        s = zeus_amd_memory_clock_levels_mhz(z, i, &a, &b);
        u64(i, "memory_min", s, a);
        u64(i, "memory_max", s, b);
        s = zeus_amd_graphics_clock_levels_mhz(z, i, &a, &b);
        u64(i, "graphics_min", s, a);
        u64(i, "graphics_max", s, b);
        s = zeus_amd_memory_clock_range_mhz(z, i, &a, &b);
        u64(i, "memory_range_min", s, a);
        u64(i, "memory_range_max", s, b);
        s = zeus_amd_graphics_clock_range_mhz(z, i, &a, &b);
        u64(i, "graphics_range_min", s, a);
        u64(i, "graphics_range_max", s, b);
        s = zeus_amd_persistence_mode(z, i, &a);
        u64(i, "persistence", s, a);
        s = zeus_amd_supports_nonblocking_setters(z, i, &a);
        u64(i, "nonblocking", s, a);
    }
    zeus_amd_close(z);
    return 0;
}
