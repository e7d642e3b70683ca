/* A libamd_smi that passes everything on to the one it is linked with, but for a lie. LIE says which:
 * "accumulator N", "unit F", "time N" (added or set, of amdsmi_get_energy_count), "none" (that call is not supported),
 * "power N OFFSET" (the value of 32 or 64 bits there is N times as much), "late N OFFSET" (N powers of 20 times as much,
 * 10 ms late), "energy" (amdsmi_get_energy_count has one where the real one has none), "other" (another GPU's energy and power), "buses A B" (the PCI addresses of the GPUs on these buses are exchanged). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Of a libdrm_amdgpu (tests/c/libdrm_amdgpu.c), if it is linked with one. */
__attribute__((weak)) int amdgpu_device_initialize(void);

typedef uint32_t (*init_fn)(uint64_t);
typedef uint32_t (*energy_fn)(void *, uint64_t *, float *, uint64_t *);
typedef uint32_t (*power_fn)(void *, void *);
typedef uint32_t (*bdf_fn)(void *, uint64_t *);

/* The handle that was seen before this one, or this one. */
static void *other(void *handle)
{
    static void *seen[2];
    if (handle != seen[1]) {
        seen[0] = seen[1];
        seen[1] = handle;
    }
    return seen[0] ? seen[0] : handle;
}

static int lies(const char *format, void *a, void *b)
{
    const char *lie = getenv("LIE");
    return lie ? sscanf(lie, format, a, b) : 0;
}

static int is(const char *lie)
{
    return getenv("LIE") && strcmp(getenv("LIE"), lie) == 0;
}

uint32_t amdsmi_init(uint64_t flags)
{
    init_fn real = (init_fn)dlsym(RTLD_NEXT, "amdsmi_init");
    if (amdgpu_device_initialize)
        amdgpu_device_initialize();
    return real(flags);
}

uint32_t amdsmi_get_energy_count(void *handle, uint64_t *count, float *unit, uint64_t *time)
{
    energy_fn real = (energy_fn)dlsym(RTLD_NEXT, "amdsmi_get_energy_count");
    long long more = 0;
    float other_unit = 0;
    uint32_t status = real(is("other") ? other(handle) : handle, count, unit, time);
    if (is("none"))
        return 2;
    if (is("energy") && status != 0) {
        struct timespec now;
        clock_gettime(CLOCK_BOOTTIME, &now);
        *time = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        *count = 1000000000 + *time / 100000;
        *unit = 15.3f;
        status = 0;
    }
    if (lies("accumulator %lld", &more, NULL) == 1)
        *count += (uint64_t)more;
    if (lies("time %lld", &more, NULL) == 1)
        *time += (uint64_t)more;
    if (lies("unit %f", &other_unit, NULL) == 1)
        *unit = other_unit;
    return status;
}

uint32_t amdsmi_get_power_info(void *handle, void *info)
{
    power_fn real = (power_fn)dlsym(RTLD_NEXT, "amdsmi_get_power_info");
    unsigned times = 1, offset = 0;
    uint32_t status = real(is("other") ? other(handle) : handle, info), value;
    static unsigned late;
    if (lies("late %u %u", &times, &offset) == 2) {
        times = late++ < times ? 20 : 1;
        usleep(times > 1 ? 10000 : 0);
        memcpy(&value, (char *)info + offset, sizeof value);
        value *= times;
        memcpy((char *)info + offset, &value, sizeof value);
    }
    if (lies("power %u %u", &times, &offset) == 2) {
        memcpy(&value, (char *)info + offset, sizeof value);
        value *= times;
        memcpy((char *)info + offset, &value, sizeof value);
    }
    return status;
}

uint32_t amdsmi_get_gpu_bdf_id(void *handle, uint64_t *id)
{
    bdf_fn real = (bdf_fn)dlsym(RTLD_NEXT, "amdsmi_get_gpu_bdf_id");
    unsigned a, b;
    static int listed;
    uint32_t status = real(handle, id);
    /* When the GPUs are listed, too. */
    if (amdgpu_device_initialize && !listed++)
        amdgpu_device_initialize();
    if (lies("buses %u %u", &a, &b) == 2 && ((*id >> 8 & 0xFF) == a || (*id >> 8 & 0xFF) == b))
        *id ^= (uint64_t)(a ^ b) << 8;
    return status;
}
