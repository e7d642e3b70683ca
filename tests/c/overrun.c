/* The library of another release writes longer structs. Values stay right, buffers had the room and were zeroed. */
#include "fake.h"
#include "readers.h"

int main(void)
{
    volatile int *dirty = fake("fake_dirty");
    int round;
    for (round = 0; round < 50; round++) {
        zeus_amd_session_t *z = open_quickly();
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        uint32_t max = 0, min = 0;
        read_fake(z, 0);
        read_fake(z, 1);
        CHECK_OK(zeus_amd_memory_clock_levels_mhz(z, 1, &min, &max));
        CHECK(max == 1301 && min == 500);
        CHECK_OK(zeus_amd_gpu_info(z, 1, &info));
        CHECK(strcmp(info.name, "AMD Instinct Fake 0") == 0 && strcmp(info.pci_address, "0000:02:00.0") == 0);
        zeus_amd_close(z);
    }
    CHECK(*dirty == 0);
    return 0;
}
