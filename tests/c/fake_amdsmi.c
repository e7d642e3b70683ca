/* A small libamd_smi that misbehaves on request. It has the calls, layouts and version words of ROCm 7.0, two GPUs at
 * 0000:01:00.0 and 0000:02:00.0, and values that tell the GPUs apart. It is no model of AMD's library: that is
 * simulator. Variables are read once, when it is loaded; the globals below may be changed by a test at any time. */

#define _GNU_SOURCE
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* FAKE_LOG: a file that gets a line an event. */
static const char *log_file;
/* Its version: from 26.4 on calls for two GPUs may run at the same time. */
#ifndef FAKE_MINOR
#define FAKE_MINOR 0
#endif
/* FAKE_INIT_SLEEP: amdsmi_init takes so many seconds. */
static unsigned init_sleep;
/* FAKE_OVERRUN: each struct is written so many bytes longer than it is. */
static size_t overrun;

/* FAKE_DIES: what the library needs is destroyed at exit, as C++ statics are, and takes its time; a call after that ends
 * the program. FAKE_FORKS: so many readings of energy, then one forks a process, and waits for it. */
static unsigned dies, forks;
/* FAKE_SLOW, "init" or "list": that call returns a while after the file that FAKE_EXIT names is there. */
static const char *slow, *exit_file;

/* amdsmi_get_temp_metric does not return while this is set; fake_inside says that it waits. */
volatile int fake_block, fake_inside;
/* How often the library was initialised and shut down, and how many buffers came without room or not zeroed. */
volatile int fake_inits, fake_shutdowns, fake_dirty;

static void event(const char *what)
{
    FILE *f = log_file ? fopen(log_file, "a") : NULL;
    if (f) {
        fprintf(f, "%s\n", what);
        fclose(f);
    }
}

static unsigned number(const char *name)
{
    const char *text = getenv(name);
    return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void loaded(void)
{
    log_file = getenv("FAKE_LOG");
    init_sleep = number("FAKE_INIT_SLEEP");
    overrun = number("FAKE_OVERRUN");
    dies = number("FAKE_DIES");
    forks = number("FAKE_FORKS");
    slow = getenv("FAKE_SLOW");
    exit_file = getenv("FAKE_EXIT");
    event("loaded");
}

static volatile int dead;

static void destroy(void)
{
    dead = 1;
    usleep(slow ? 500000 : 30000);
}

/* As a static of a function: made when that is first called, so destroyed before what was there earlier. */
static void need_statics(void)
{
    static volatile int made;
    if (dead) {
        event("too late");
        abort();
    }
    if (dies && !made) {
        made = 1;
        atexit(destroy);
    }
}

/* Needs its statics from its begin to its end. */
static void take_a_while(const char *call)
{
    need_statics();
    if (slow && strcmp(slow, call) == 0) {
        event("slow");
        while (access(exit_file, F_OK) != 0)
            usleep(1000);
        usleep(100000);
        need_statics();
    }
}

static void fork_now_and_then(void)
{
    static volatile unsigned calls;
    if (forks && ++calls % forks == 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
        event("forked");
    }
}

static int gpus[2];

static unsigned which(void *handle)
{
    return (unsigned)((int *)handle - gpus);
}

/* A caller of ours gives every struct zeroed, with a KiB in all at the least. */
static void receive(void *to, size_t size)
{
    const unsigned char *bytes = to;
    size_t i, all = size + (overrun ? overrun : 64);
    for (i = 0; i < all; i++) {
        if (bytes[i] != 0) {
            fake_dirty++;
            break;
        }
    }
    if (overrun)
        memset((char *)to + size, 0xA5, overrun);
}

uint32_t amdsmi_init(uint64_t flags)
{
    (void)flags;
    event("init");
    if (slow)
        take_a_while("init");
    sleep(init_sleep);
    fake_inits++;
    return 0;
}

uint32_t amdsmi_shut_down(void)
{
    event("shut_down");
    fake_shutdowns++;
    return 0;
}

uint32_t amdsmi_get_lib_version(void *version)
{
    static const uint32_t words[4] = {26, FAKE_MINOR, 2, 0};
    receive(version, 24);
    memcpy(version, words, sizeof words);
    return 0;
}

uint32_t amdsmi_status_code_to_string(uint32_t code, const char **text)
{
    (void)code;
    *text = "FAKE WORDS";
    return 0;
}

uint32_t amdsmi_get_socket_handles(uint32_t *count, void **sockets)
{
    if (slow)
        take_a_while("list");
    if (sockets && *count >= 1)
        sockets[0] = gpus;
    *count = 1;
    return 0;
}

uint32_t amdsmi_get_processor_handles(void *socket, uint32_t *count, void **handles)
{
    (void)socket;
    if (handles && *count >= 2) {
        handles[0] = &gpus[0];
        handles[1] = &gpus[1];
    }
    *count = 2;
    return 0;
}

uint32_t amdsmi_get_processor_type(void *handle, uint32_t *type)
{
    (void)handle;
    *type = 1;
    return 0;
}

uint32_t amdsmi_get_gpu_bdf_id(void *handle, uint64_t *bdf)
{
    *bdf = (uint64_t)(which(handle) + 1) << 8;
    return 0;
}

uint32_t amdsmi_get_gpu_asic_info(void *handle, void *info)
{
    receive(info, 904);
    sprintf(info, "AMD Instinct Fake %u", which(handle) / 2);
    return 0;
}

uint32_t amdsmi_get_gpu_enumeration_info(void *handle, void *info)
{
    receive(info, 280);
    ((uint32_t *)info)[3] = which(handle);
    return 0;
}

uint32_t amdsmi_get_power_info(void *handle, void *info)
{
    need_statics();
    receive(info, 192);
    ((uint32_t *)info)[2] = 100 + which(handle);
    ((uint32_t *)info)[3] = 0xFFFF;
    return 0;
}

uint32_t amdsmi_get_power_cap_info(void *handle, uint32_t sensor, void *info)
{
    uint64_t *caps = info;
    (void)sensor;
    receive(info, 64);
    caps[0] = (uint64_t)(700 + which(handle)) * 1000000;
    caps[1] = 750000000;
    caps[3] = 0;
    caps[4] = 750000000;
    return 0;
}

uint32_t amdsmi_get_energy_count(void *handle, uint64_t *count, float *unit, uint64_t *time_ns)
{
    struct timespec now;
    need_statics();
    fork_now_and_then();
    clock_gettime(CLOCK_BOOTTIME, &now);
    *time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    *unit = 15.3f;
    *count = (uint64_t)((double)*time_ns * 1e-9 * (100 + which(handle)) / 15.3e-6);
    return 0;
}

uint32_t amdsmi_get_temp_metric(void *handle, uint32_t sensor, uint32_t metric, int64_t *celsius)
{
    (void)sensor;
    (void)metric;
    while (fake_block) {
        fake_inside = 1;
        usleep(1000);
    }
    fake_inside = 0;
    *celsius = 40 + (int64_t)which(handle);
    return 0;
}

uint32_t amdsmi_get_clock_info(void *handle, uint32_t domain, void *info)
{
    uint32_t *clocks = info;
    receive(info, 32);
    clocks[0] = 1000;
    clocks[1] = 500;
    clocks[2] = (domain == 0 ? 2100 : 1300) + which(handle);
    return 0;
}
