/* A libamd_smi (argv[1]) whose reads of GPU 3's table fail at times. GPU g draws 100 + 50 g watts, and its count is about
 * (g + 1) * 10^12. With "beside" (argv[2]) a window is open beside the direct calls, with "after" after them. Prints
 * "lied N given N refused N wrong N": counts that the library itself gave for another GPU, and what a session of it gave,
 * refused, and gave wrong, until there are enough of both. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"

enum { GPUS = 8, ROUNDS = 20, LIES = 20 };

static uint32_t (*energy_count)(void *, uint64_t *, float *, uint64_t *);
static void *handles[GPUS];
static unsigned lied, given, refused, wrong;

static void find_handles(const char *path)
{
    uint32_t (*init)(uint64_t), (*sockets_of)(uint32_t *, void **), (*gpus_of)(void *, uint32_t *, void **), n = GPUS;
    void *library = dlopen(path, RTLD_NOW), *sockets[GPUS];
    CHECK(library != NULL);
    *(void **)&init = dlsym(library, "amdsmi_init");
    *(void **)&sockets_of = dlsym(library, "amdsmi_get_socket_handles");
    *(void **)&gpus_of = dlsym(library, "amdsmi_get_processor_handles");
    *(void **)&energy_count = dlsym(library, "amdsmi_get_energy_count");
    CHECK(init(2) == 0 && sockets_of(&n, sockets) == 0 && n == GPUS);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t one = 1;
        CHECK(gpus_of(sockets[i], &one, &handles[i]) == 0 && one == 1);
    }
}

static uint32_t owner(uint64_t count)
{
    return (uint32_t)(count / 1000000000000) - 1;
}

static void note(zeus_amd_status_t s, int right)
{
    given += s == ZEUS_AMD_STATUS_OK;
    refused += s != ZEUS_AMD_STATUS_OK;
    wrong += s == ZEUS_AMD_STATUS_OK && !right;
}

static void call_directly(uint32_t gpu)
{
    uint64_t count = 0, time = 0;
    float unit = 0;
    /* One of five reads fails at least, each after one of another GPU. */
    for (int i = 0; i < 5; i++) {
        energy_count(handles[(gpu + 1) % GPUS], &count, &unit, &time);
        lied += energy_count(handles[gpu], &count, &unit, &time) == 0 && owner(count) != gpu;
    }
}

static void read_gpu(zeus_amd_session_t *z, uint32_t gpu)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    uint64_t mw = 0;
    zeus_amd_status_t s;
    s = zeus_amd_energy_raw(z, gpu, &raw);
    note(s, owner(raw.accumulator) == gpu);
    s = zeus_amd_power_instant_mw(z, gpu, &mw);
    note(s, mw == 100000 + 50000 * gpu);
}

static void read_all(zeus_amd_session_t *z)
{
    zeus_amd_reading_t r[GPUS] = {ZEUS_AMD_READING_INIT};
    uint32_t count = GPUS;
    CHECK_OK(zeus_amd_read_all(z, r, &count));
    for (uint32_t g = 0; g < count; g++) {
        if (r[g].valid & ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT)
            note(ZEUS_AMD_STATUS_OK, owner(r[g].accumulator) == g);
        if (r[g].valid & ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT)
            note(ZEUS_AMD_STATUS_OK, r[g].power_instant_mw == 100000 + 50000 * g);
    }
}

static void end_window(zeus_amd_window_t *window)
{
    zeus_amd_gpu_energy_t e[GPUS] = {ZEUS_AMD_GPU_ENERGY_INIT};
    uint32_t count = GPUS;
    CHECK_OK(zeus_amd_window_end(window, NULL, e, &count));
    for (uint32_t g = 0; g < count; g++) {
        double truth = (100 + 50 * g) * (double)(e[g].end_ns - e[g].begin_ns) * 1e-6;
        if (e[g].status == ZEUS_AMD_STATUS_OK)
            note(ZEUS_AMD_STATUS_OK, fabs((double)e[g].energy_mj - truth) <= (double)e[g].uncertainty_mj);
    }
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z;
    zeus_amd_window_t *window;
    const struct timespec pause = {0, 25000000};
    int is_beside = argc == 3 && strcmp(argv[2], "beside") == 0;
    CHECK(argc == 3);
    /* Without a check and a window there is no thread that would call the library beside this one. */
    z = open_quickly();
    find_handles(argv[1]);
    if (is_beside)
        CHECK_OK(zeus_amd_window_begin(z, &window));
    for (int round = 0; round < ROUNDS || lied < LIES; round++) {
        for (uint32_t gpu = 0; gpu < GPUS; gpu++) {
            call_directly(gpu);
            read_gpu(z, gpu);
        }
        read_all(z);
        nanosleep(&pause, NULL);
    }
    if (!is_beside) {
        CHECK_OK(zeus_amd_window_begin(z, &window));
        for (int round = 0; round < ROUNDS; round++) {
            read_all(z);
            nanosleep(&pause, NULL);
        }
    }
    end_window(window);
    printf("lied %u given %u refused %u wrong %u\n", lied, given, refused, wrong);
    zeus_amd_close(z);
    return 0;
}
