/* gpu_metrics of one GPU whose time, count and clock are nonsense: no call fails for that, and the other GPUs are read.
 * Arguments: the file, the GPU's PCI address, and the number of GPUs. */
#include "check.h"

#include <fcntl.h>
#include <unistd.h>

/* gpu_metrics 1.3: where energy_accumulator, system_clock_counter and firmware_timestamp are. */
enum { COUNT_AT = 24, DRIVER_TIME_AT = 32, FIRMWARE_TIME_AT = 96 };

int main(int argc, char **argv)
{
    static const uint64_t values[] = {1000, UINT64_C(1) << 63, 0, UINT64_MAX, 1, UINT64_C(1) << 62, UINT64_MAX - 1};
    const size_t n = sizeof values / sizeof *values;
    int file = argc > 3 ? open(argv[1], O_RDWR) : -1;
    uint32_t gpus = (uint32_t)(argc > 3 ? atoi(argv[3]) : 0), own = 0;
    unsigned char table[4096];
    ssize_t size = pread(file, table, sizeof table, 0);
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z;

    CHECK(size > FIRMWARE_TIME_AT + 8);
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    options.backend = ZEUS_AMD_BACKEND_SYSFS;
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK_OK(zeus_amd_find_by_pci(z, argv[2], &own));
    for (size_t i = 0; i < n * n * n * 2; i++) {
        const uint64_t time = values[i % n], count = values[i / n % n], firmware = values[i / n / n % n];
        zeus_amd_gpu_energy_t energies[64] = {ZEUS_AMD_GPU_ENERGY_INIT};
        zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
        zeus_amd_window_t *window;
        uint32_t room = 64;
        memcpy(table + COUNT_AT, &count, sizeof count);
        memcpy(table + DRIVER_TIME_AT, &time, sizeof time);
        memcpy(table + FIRMWARE_TIME_AT, &firmware, sizeof firmware);
        CHECK(pwrite(file, table, (size_t)size, 0) == size);
        CHECK_OK(zeus_amd_window_begin(z, &window));
        memcpy(table + DRIVER_TIME_AT, &values[(i + 1) % n], sizeof time);
        CHECK(pwrite(file, table, (size_t)size, 0) == size);
        CHECK_OK(zeus_amd_window_end(window, i % 2 ? &total : NULL, energies, &room));
        CHECK(room == gpus);
        for (uint32_t gpu = 0; gpu < gpus; gpu++) {
            zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
            CHECK(energies[gpu].status != ZEUS_AMD_STATUS_INTERNAL);
            if (gpu != own)
                CHECK_OK(zeus_amd_energy_raw(z, gpu, &raw));
        }
    }
    zeus_amd_close(z);
    return 0;
}
