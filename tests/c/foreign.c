/* Other code of the process shuts libamd_smi down, initialises it and polls it at random, while sessions are opened, read,
 * measured, capped, locked and guarded. argv: libamd_smi, rounds, seed, and "reads" or "sets" for the other code to take
 * its time, and for temperatures to be read, or settings to be made, and nothing else. Prints "rounds R ok N refused N wrong N".
 * Right is: GPU g at the PCI bus of its index draws 100 + 10 g watts, its counter began at (g + 1) MJ, and no setting changes
 * but the one that is made, unless the error says that another GPU's may have been changed. */
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
static const char *only;
static unsigned long ok, refused, wrong;
static char cap_file[GPUS][256], clock_file[GPUS][256];

/* The settings of a GPU, as the driver shows them. */
struct settings {
    unsigned long cap_mw;
    char clocks[256];
};

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void *meddle(void *seed)
{
    uint64_t state = *(uint64_t *)seed;
    while (!done) {
        switch (only ? 2 : next(&state) % 4) {
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
        usleep(next(&state) % (only ? 20000 : 500));
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

static struct settings settings_of(unsigned gpu)
{
    struct settings now = {0, ""};
    FILE *f = fopen(clock_file[gpu], "r");
    now.cap_mw = cap_mw(gpu);
    if (f && fread(now.clocks, 1, sizeof now.clocks - 1, f) == 0)
        now.clocks[0] = 0;
    if (f)
        fclose(f);
    return now;
}

static int is_as(unsigned gpu, const struct settings *was)
{
    const struct settings now = settings_of(gpu);
    return now.cap_mw == was->cap_mw && strcmp(now.clocks, was->clocks) == 0;
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

/* The files of settings in the order of the session's GPUs, by their PCI addresses. */
static void find_files(const zeus_amd_session_t *z)
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
        snprintf(clock_file[g], sizeof clock_file[g], "%.150s/sys/bus/pci/devices/%.20s/pp_od_clk_voltage",
                 getenv("ZEUS_AMD_ROOT"), info.pci_address);
    }
}

static void read_temperature(zeus_amd_session_t *z, unsigned g)
{
    int32_t celsius = 0;
    if (answered(zeus_amd_temperature_c(z, g, &celsius)))
        check(celsius == 40 + (int32_t)g, "temperature", g, (unsigned long)celsius);
}

static void read_gpu(zeus_amd_session_t *z, unsigned g, unsigned long expected_cap)
{
    uint64_t value = 0;
    if (answered(zeus_amd_power_instant_mw(z, g, &value)))
        check(value == 100000 + 10000 * g, "power", g, value);
    if (answered(zeus_amd_energy_mj(z, g, &value)))
        check(value / 1000000000 == g + 1, "energy", g, value);
    read_temperature(z, g);
    if (answered(zeus_amd_power_limit_mw(z, g, &value)))
        check(value == expected_cap, "limit", g, value);
}

/* Energies of all GPUs, in a window with a reading inside. */
static void measure(zeus_amd_session_t *z, unsigned g, unsigned long expected_cap)
{
    zeus_amd_window_t *window = NULL;
    zeus_amd_gpu_energy_t e[GPUS] = {ZEUS_AMD_GPU_ENERGY_INIT};
    uint32_t count = GPUS;
    if (!answered(zeus_amd_window_begin(z, &window)))
        return;
    read_gpu(z, g, expected_cap);
    if (!answered(zeus_amd_window_end(window, NULL, e, &count)))
        return;
    for (unsigned i = 0; i < GPUS; i++) {
        const double truth = (100.0 + 10.0 * i) * (double)(e[i].end_ns - e[i].begin_ns) * 1e-6;
        const double off = (double)e[i].energy_mj - truth;
        if (e[i].status == ZEUS_AMD_STATUS_OK)
            check((off < 0 ? -off : off) <= (double)e[i].uncertainty_mj + 1.0, "window", i, e[i].energy_mj);
    }
}

/* Whether the last error is that a setting of another GPU may have been changed: libamd_smi was initialised again in the call. */
static int says_another_gpu(void)
{
    char text[1024] = "";
    zeus_amd_last_error(text, sizeof text);
    return strstr(text, "another GPU") != NULL;
}

/* One setting of one GPU, now and then under a guard. */
static void set(zeus_amd_session_t *z, unsigned g, uint64_t *state, struct settings expected[])
{
    zeus_amd_guard_t *guard = NULL;
    const uint64_t wanted = 400000 + 1000 * (next(state) % 300);
    const uint32_t low = 500 + next(state) % 500;
    const int guarded = next(state) % 2 && answered(zeus_amd_guard_begin(z, 0, &guard)), caps = next(state) % 2;
    const int is_set = answered(caps ? zeus_amd_set_power_limit_mw(z, g, wanted)
                                     : zeus_amd_lock_graphics_clocks_mhz(z, g, low, low + 500));
    int may_be_other = !is_set && says_another_gpu();
    const struct settings now = settings_of(g);
    char bounds[64];
    snprintf(bounds, sizeof bounds, "0: %uMhz\n1: %uMhz", (unsigned)low, (unsigned)low + 500);
    /* A refusal may come after the setting was made. */
    if (caps)
        check(now.cap_mw == wanted || (!is_set && now.cap_mw == expected[g].cap_mw), "cap", g, now.cap_mw);
    else
        check(strstr(now.clocks, bounds) != NULL || !is_set, "clocks", g, low);
    if (guarded) {
        /* An end that is refused leaves the guard open, and the end of the session would restore the settings later. */
        while (!answered(zeus_amd_guard_end(guard))) {
            may_be_other |= says_another_gpu();
            usleep(200);
        }
        check(is_as(g, &expected[g]), "restored settings", g, cap_mw(g));
    }
    expected[g] = settings_of(g);
    for (unsigned other = 0; other < GPUS; other++) {
        check(may_be_other || is_as(other, &expected[other]), "other settings", other, cap_mw(other));
        expected[other] = settings_of(other);
    }
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    uint64_t state, seed;
    struct settings expected[GPUS];
    long rounds;
    pthread_t thread;
    void *library = argc >= 4 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library)
        return 2;
    *(void **)(&init) = dlsym(library, "amdsmi_init");
    *(void **)(&shut_down) = dlsym(library, "amdsmi_shut_down");
    *(void **)(&sockets) = dlsym(library, "amdsmi_get_socket_handles");
    *(void **)(&processors) = dlsym(library, "amdsmi_get_processor_handles");
    *(void **)(&power_info) = dlsym(library, "amdsmi_get_power_info");
    rounds = atol(argv[2]);
    only = argc > 4 ? argv[4] : NULL;
    state = seed = strtoull(argv[3], NULL, 10);
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (zeus_amd_open(&options, &z) != ZEUS_AMD_STATUS_OK)
        return 3;
    find_files(z);
    for (unsigned g = 0; g < GPUS; g++)
        expected[g] = settings_of(g);
    seed ^= 0x9E3779B97F4A7C15u;
    if (pthread_create(&thread, NULL, meddle, &seed) != 0)
        return 5;
    for (long r = 0; r < rounds; r++) {
        unsigned g = next(&state) % GPUS;
        if (only) {
            if (strcmp(only, "reads") == 0)
                read_temperature(z, g);
            else
                set(z, g, &state, expected);
            continue;
        }
        usleep(next(&state) % 1000);
        if (next(&state) % 16 == 0) {
            zeus_amd_session_t *opened = NULL;
            if (answered(zeus_amd_open(&options, &opened))) {
                zeus_amd_close(z);
                z = opened;
            }
        }
        if (next(&state) % 4 == 0)
            measure(z, g, expected[g].cap_mw);
        else
            read_gpu(z, g, expected[g].cap_mw);
        if (next(&state) % 4 == 0)
            set(z, g, &state, expected);
    }
    done = 1;
    pthread_join(thread, NULL);
    printf("rounds %ld ok %lu refused %lu wrong %lu\n", rounds, ok, refused, wrong);
    return wrong != 0;
}
