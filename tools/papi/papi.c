/* SPDX-License-Identifier: Apache-2.0 */
/* libzeus_amd_papi.so: software-defined events of PAPI, for the tools that read those: sde:::zeus_amd::energy_uj:device=N,
 * error_uj:device=N and power_mw:device=N. Preloaded into a program that uses PAPI. PAPI finds events only where its libsde is
 * global before PAPI_library_init: the program's own, or libsde.so.1, which this loads. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zeus_amd.h>

/* As PAPI's sde_lib.h has them since PAPI 7; the struct goes on. */
typedef struct sde_functions {
    void *(*init)(const char *library);
    int (*shutdown)(void *handle);
    int (*register_counter)(void *handle, const char *event, int mode, int type, void *counter);
    int (*register_counter_cb)(void *handle, const char *event, int mode, int type, long long (*read)(void *), void *own);
    int (*unregister_counter)(void *handle, const char *event);
    int (*describe_counter)(void *handle, const char *event, const char *description);
} sde_functions;
enum { LONG_LONG = 0, DELTA = 0x00, INSTANT = 0x10 };

/* A reading of all GPUs serves all events that are asked for within this time. */
#define SAME_NS 500000u

static zeus_amd_session_t *session;
static zeus_amd_window_t *window;
static zeus_amd_gpu_energy_t *gpus;
static uint32_t gpu_count;
static uint64_t read_ns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Of one GPU since the load of this library; -1: none. */
static long long energy(uint32_t gpu, int of_error)
{
    const zeus_amd_gpu_energy_t init = ZEUS_AMD_GPU_ENERGY_INIT;
    uint32_t count = gpu_count;
    long long uj = -1;
    pthread_mutex_lock(&lock);
    if (read_ns == 0 || zeus_amd_now_ns() - read_ns > SAME_NS) {
        gpus[0] = init;
        /* A GPU without an energy says so itself. */
        (void)!zeus_amd_window_read(window, NULL, gpus, &count);
        read_ns = zeus_amd_now_ns();
    }
    if (gpus[gpu].method != ZEUS_AMD_METHOD_NONE)
        uj = 1000 * (long long)(of_error ? gpus[gpu].uncertainty_mj : gpus[gpu].energy_mj);
    pthread_mutex_unlock(&lock);
    return uj;
}

static long long read_energy(void *gpu)
{
    return energy((uint32_t)(uintptr_t)gpu, 0);
}

static long long read_error(void *gpu)
{
    return energy((uint32_t)(uintptr_t)gpu, 1);
}

/* The power at this moment, or where the GPU has only an average that. */
static long long read_power(void *gpu)
{
    uint64_t mw = 0;
    const uint32_t index = (uint32_t)(uintptr_t)gpu;
    if (zeus_amd_power_instant_mw(session, index, &mw) != ZEUS_AMD_STATUS_OK &&
        zeus_amd_power_average_mw(session, index, &mw) != ZEUS_AMD_STATUS_OK)
        return -1;
    return (long long)mw;
}

static int open_session(void)
{
    if (session != NULL)
        return 1;
    if (zeus_amd_open(NULL, &session) != ZEUS_AMD_STATUS_OK)
        return 0;
    if (zeus_amd_gpu_count(session, &gpu_count) == ZEUS_AMD_STATUS_OK && gpu_count > 0 &&
        (gpus = calloc(gpu_count, sizeof *gpus)) != NULL && zeus_amd_window_begin(session, &window) == ZEUS_AMD_STATUS_OK)
        return 1;
    zeus_amd_close(session);
    session = NULL;
    return 0;
}

static void *publish(const sde_functions *sde)
{
    static const struct {
        const char *name, *description;
        int mode;
        long long (*read)(void *);
    } events[] = {
        {"energy_uj", "Energy of the package in microjoules since the start", DELTA, read_energy},
        {"error_uj", "Upper limit of the error of that energy, in microjoules", INSTANT, read_error},
        {"power_mw", "Power of the package in milliwatts", INSTANT, read_power},
    };
    void *handle;
    if (!open_session() || (handle = sde->init("zeus_amd")) == NULL)
        return NULL;
    for (uint32_t gpu = 0; gpu < gpu_count; gpu++)
        for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
            char name[64];
            /* Secondary dies and partitions have none of their own. */
            if (read_energy((void *)(uintptr_t)gpu) < 0)
                continue;
            snprintf(name, sizeof name, "%s:device=%u", events[i].name, gpu);
            sde->register_counter_cb(handle, name, events[i].mode, LONG_LONG, events[i].read, (void *)(uintptr_t)gpu);
            sde->describe_counter(handle, name, events[i].description);
        }
    return handle;
}

/* For papi_native_avail -sde, which has functions of its own. */
__attribute__((visibility("default"))) void *papi_sde_hook_list_events(sde_functions *sde);
__attribute__((visibility("default"))) void *papi_sde_hook_list_events(sde_functions *sde)
{
    return publish(sde);
}

/* Programs without PAPI that inherit the variable are left alone. */
__attribute__((constructor)) static void start(void)
{
    sde_functions sde = {0};
    if (dlsym(RTLD_DEFAULT, "PAPI_library_init") == NULL)
        return;
    if (dlsym(RTLD_DEFAULT, "papi_sde_init") == NULL && dlopen("libsde.so.1", RTLD_NOW | RTLD_GLOBAL) == NULL)
        return;
    *(void **)&sde.init = dlsym(RTLD_DEFAULT, "papi_sde_init");
    *(void **)&sde.register_counter_cb = dlsym(RTLD_DEFAULT, "papi_sde_register_counter_cb");
    *(void **)&sde.describe_counter = dlsym(RTLD_DEFAULT, "papi_sde_describe_counter");
    if (sde.init != NULL && sde.register_counter_cb != NULL && sde.describe_counter != NULL)
        publish(&sde);
}
