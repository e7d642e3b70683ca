/* Other code of the process shuts libamd_smi down, initialises it and polls it at random, while sessions are opened, read,
 * capped and guarded. argv: libamd_smi, rounds, seed. Prints "rounds R ok N refused N wrong N". Right is: GPU g at the PCI
 * bus of its index draws 100 + 10 g watts, and no cap changes but the one that is set. */
#define _DEFAULT_SOURCE
#include <zeus_amd.h>

#include <dlfcn.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GPUS = 8 };
static uint32_t (*init)(uint64_t), (*shut_down)(void), (*sockets)(uint32_t *, void **);
static uint32_t (*processors)(void *, uint32_t *, void **), (*power_info)(void *, void *);
static volatile int done;
static unsigned long ok, refused, wrong;
static char cap_file[GPUS][256];

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void *meddle(void *seed)
{
    uint64_t state = *(uint64_t *)seed;
    while (!done) {
        switch (next(&state) % 4) {
        case 0:
            shut_down();
            break;
        case 1:
            init(2);
            break;
        case 2:
            shut_down();
            init(2);
            break;
        default: {
            void *socket[64], *gpu[8];
            uint64_t info[160];
            uint32_t count = 64, one = 8;
            if (sockets(&count, socket) == 0 && count > 0 && processors(socket[next(&state) % count], &one, gpu) == 0 &&
                one > 0)
                power_info(gpu[0], info);
        }
        }
        usleep(next(&state) % 500);
    }
    return NULL;
}

static unsigned long cap_mw(unsigned gpu)
{
    FILE *f = fopen(cap_file[gpu], "r");
    unsigned long uw = 0;
    if (!f || fscanf(f, "%lu", &uw) != 1)
        uw = 0;
    if (f)
        fclose(f);
    return uw / 1000;
}

static int answered(zeus_amd_status_t s)
{
    ok += s == ZEUS_AMD_STATUS_OK;
    refused += s != ZEUS_AMD_STATUS_OK;
    if (s != ZEUS_AMD_STATUS_OK && getenv("FOREIGN_VERBOSE")) {
        char text[512];
        zeus_amd_last_error(text, sizeof text);
        fprintf(stderr, "refused %d %s\n", (int)s, text);
    }
    return s == ZEUS_AMD_STATUS_OK;
}

static void check(int right, const char *what, unsigned gpu, unsigned long value)
{
    if (!right) {
        wrong++;
        fprintf(stderr, "wrong %s of GPU %u: %lu\n", what, gpu, value);
    }
}

/* The cap files in the order of the session's GPUs, by their PCI addresses. */
static void find_caps(const zeus_amd_session_t *z)
{
    for (unsigned g = 0; g < GPUS; g++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        char pattern[256];
        glob_t found;
        if (zeus_amd_gpu_info(z, g, &info) != ZEUS_AMD_STATUS_OK)
            exit(3);
        snprintf(pattern, sizeof pattern, "%s/sys/bus/pci/devices/%s/hwmon/hwmon*/power1_cap", getenv("ZEUS_AMD_ROOT"),
                 info.pci_address);
        if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc != 1)
            exit(4);
        snprintf(cap_file[g], sizeof cap_file[g], "%.255s", found.gl_pathv[0]);
        globfree(&found);
    }
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    uint64_t state, seed;
    unsigned long expected[GPUS];
    long rounds;
    pthread_t thread;
    void *library = argc == 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library)
        return 2;
    *(void **)(&init) = dlsym(library, "amdsmi_init");
    *(void **)(&shut_down) = dlsym(library, "amdsmi_shut_down");
    *(void **)(&sockets) = dlsym(library, "amdsmi_get_socket_handles");
    *(void **)(&processors) = dlsym(library, "amdsmi_get_processor_handles");
    *(void **)(&power_info) = dlsym(library, "amdsmi_get_power_info");
    rounds = atol(argv[2]);
    state = seed = strtoull(argv[3], NULL, 10);
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (zeus_amd_open(&options, &z) != ZEUS_AMD_STATUS_OK)
        return 3;
    find_caps(z);
    for (unsigned g = 0; g < GPUS; g++)
        expected[g] = cap_mw(g);
    seed ^= 0x9E3779B97F4A7C15u;
    if (pthread_create(&thread, NULL, meddle, &seed) != 0)
        return 5;
    for (long r = 0; r < rounds; r++) {
        unsigned g = next(&state) % GPUS;
        uint64_t mw = 0;
        int32_t celsius = 0;
        usleep(next(&state) % 1000);
        if (next(&state) % 16 == 0) {
            zeus_amd_session_t *opened = NULL;
            if (answered(zeus_amd_open(&options, &opened))) {
                zeus_amd_close(z);
                z = opened;
            }
        }
        if (answered(zeus_amd_power_instant_mw(z, g, &mw)))
            check(mw == 100000 + 10000 * g, "power", g, mw);
        if (answered(zeus_amd_temperature_c(z, g, &celsius)))
            check(celsius == 40 + (int32_t)g, "temperature", g, (unsigned long)celsius);
        if (answered(zeus_amd_power_limit_mw(z, g, &mw)))
            check(mw == expected[g], "limit", g, mw);
        if (next(&state) % 4 == 0) {
            zeus_amd_guard_t *guard = NULL;
            uint64_t wanted = 400000 + 1000 * (next(&state) % 300);
            int guarded = next(&state) % 2 && answered(zeus_amd_guard_begin(z, 0, &guard));
            int set = answered(zeus_amd_set_power_limit_mw(z, g, wanted));
            unsigned long now = cap_mw(g);
            /* A refusal may come after the setting was made. */
            check(set ? now == wanted : now == wanted || now == expected[g], "cap", g, now);
            if (guarded && answered(zeus_amd_guard_end(guard)))
                check(cap_mw(g) == expected[g], "restored cap", g, cap_mw(g));
            expected[g] = cap_mw(g);
            for (unsigned other = 0; other < GPUS; other++)
                check(cap_mw(other) == expected[other], "other cap", other, cap_mw(other));
        }
    }
    done = 1;
    pthread_join(thread, NULL);
    printf("rounds %ld ok %lu refused %lu wrong %lu\n", rounds, ok, refused, wrong);
    return wrong != 0;
}
