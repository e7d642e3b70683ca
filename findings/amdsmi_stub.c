/*
 * One GPU behind the C interface of AMD's libamd_smi 26.0 (ROCm 7.0), as far as the findings call it. It draws 100 W, all the
 * time, and its energy counter says so. STUB_AVERAGE_POWER: what stands for the average power (an absent value by default);
 * STUB_CURRENT_POWER: for the current one (100 by default). STUB_ENERGY_STATUS: what the energy counter's function returns.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUCCESS = 0, POWER_W = 100 };
typedef void *handle;
static int gpu;

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int amdsmi_init(uint64_t flags) { (void)flags; return SUCCESS; }
int amdsmi_shut_down(void) { return SUCCESS; }

static int one(uint32_t *count, handle *handles) {
    *count = 1;
    if (handles) handles[0] = &gpu;
    return SUCCESS;
}
int amdsmi_get_socket_handles(uint32_t *count, handle *sockets) { return one(count, sockets); }
int amdsmi_get_processor_handles(handle socket, uint32_t *count, handle *gpus) { (void)socket; return one(count, gpus); }
int amdsmi_get_processor_type(handle h, uint32_t *type) { (void)h; *type = 1; return SUCCESS; }

struct enumeration { uint32_t drm_render, drm_card, hsa_id, hip_id; char hip_uuid[256]; };
int amdsmi_get_gpu_enumeration_info(handle h, struct enumeration *info) {
    (void)h;
    *info = (struct enumeration){128, 0, 1, 0, "GPU-0"};
    return SUCCESS;
}

static uint32_t from_environment(const char *name, uint32_t otherwise) {
    const char *value = getenv(name);
    return value ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

struct power { uint64_t socket; uint32_t current, average; uint64_t gfx_mv, soc_mv, mem_mv; uint32_t limit; uint64_t reserved[18]; };
_Static_assert(sizeof(struct power) == 192, "ROCm 7.0");
int amdsmi_get_power_info(handle h, struct power *info) {
    (void)h;
    *info = (struct power){POWER_W, 0, 0, 750, 0xFFFF, 0xFFFF, 300000000, {0}};
    info->current = from_environment("STUB_CURRENT_POWER", POWER_W);
    info->average = from_environment("STUB_AVERAGE_POWER", 0xFFFF);
    return SUCCESS;
}

struct asic { char name[256]; uint32_t vendor; char vendor_name[256], rest[380]; };
_Static_assert(sizeof(struct asic) == 896, "ROCm 7.0");
int amdsmi_get_gpu_asic_info(handle h, struct asic *info) {
    (void)h;
    *info = (struct asic){.name = "AMD Instinct MI210", .vendor = 0x1002, .vendor_name = "AMD"};
    return SUCCESS;
}

int amdsmi_get_energy_count(handle h, uint64_t *count, float *resolution_uj, uint64_t *time_ns) {
    (void)h;
    int status = (int)from_environment("STUB_ENERGY_STATUS", SUCCESS);
    if (status != SUCCESS) return status;
    *resolution_uj = 15.3f;
    *time_ns = now_ns();
    *count = (uint64_t)((double)*time_ns * 1e-9 * POWER_W / 15.3e-6);
    return SUCCESS;
}

int amdsmi_get_gpu_device_uuid(handle h, uint32_t *length, char *uuid) {
    (void)h;
    strncpy(uuid, "00ff740f-0000-1000-8000-000000000000", *length);
    return SUCCESS;
}

struct vram { uint32_t total_mb, used_mb, reserved[2]; };
int amdsmi_get_gpu_vram_usage(handle h, struct vram *info) {
    (void)h;
    *info = (struct vram){65536, 1024, {0}};
    return SUCCESS;
}

/* amdsmi_gpu_metrics_t, in which nothing is there. */
struct metrics { uint8_t bytes[4544]; };
int amdsmi_get_gpu_metrics_info(handle h, struct metrics *info) {
    (void)h;
    memset(info, 0xFF, sizeof *info);
    return SUCCESS;
}

struct cap { uint64_t now_uw, default_uw, dpm, min_uw, max_uw, reserved[3]; };
int amdsmi_get_power_cap_info(handle h, uint32_t sensor, struct cap *info) {
    (void)h, (void)sensor;
    *info = (struct cap){300000000, 300000000, 0, 100000000, 300000000, {0}};
    return SUCCESS;
}

/* amdsmi_frequencies_t: has_deep_sleep (a byte), num_supported, current, 33 frequencies in Hz. */
struct clocks { uint8_t deep_sleep; uint32_t count, current; uint64_t hz[33]; };
int amdsmi_get_clk_freq(handle h, uint32_t type, struct clocks *info) {
    (void)h, (void)type;
    memset(info, 0, sizeof *info);
    info->count = 3;
    info->hz[0] = 500000000, info->hz[1] = 1000000000, info->hz[2] = 1700000000;
    return SUCCESS;
}
