/* Measures one line of the table of run.sh, both sides in turns in one run: file, amdsmi, all, open or sampler.
 * Prints "what|ours|limit|ratio|goal|met". */
#define _GNU_SOURCE
#include <zeus_amd.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 4000
#define MOST 64

static zeus_amd_session_t *z;
static uint32_t gpus;
static int files[MOST];

/* How often this process allocates: the library asks for memory here too. */
static unsigned long allocations;
extern void *__libc_malloc(size_t);
void *malloc(size_t size)
{
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
    return __libc_malloc(size);
}

/* When the library reads, for the period of its sampler. Both sides of a comparison come through here. */
static struct { int fd; double at; } reads[1 << 17];
static int noted, note;
ssize_t pread(int fd, void *to, size_t size, off_t offset)
{
    if (note && noted < (int)(sizeof reads / sizeof reads[0])) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        reads[noted].fd = fd;
        reads[noted++].at = (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
    }
    return syscall(SYS_pread64, fd, to, size, offset);
}

static void check(zeus_amd_status_t s, const char *what)
{
    char text[1024];
    if (s == ZEUS_AMD_STATUS_OK)
        return;
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "%s: %s\n", what, text);
    exit(1);
}

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int up(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double at(double *values, int n, double share)
{
    qsort(values, (size_t)n, sizeof *values, up);
    return values[(int)((n - 1) * share)];
}

static void say(const char *what, const char *ours, const char *limit, double ratio, const char *goal, int met)
{
    printf("%s|%s|%s|%.3f|%s|%s\n", what, ours, limit, ratio, goal, met ? "yes" : "no");
}

static uint32_t time_limit_ms;

static void open_session(uint32_t backend, uint32_t validation)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    options.init_timeout_ms = time_limit_ms;
    options.backend = backend;
    options.validation = validation;
    check(zeus_amd_open(&options, &z), "open");
    check(zeus_amd_gpu_count(z, &gpus), "count");
}

static void open_files(void)
{
    for (uint32_t i = 0; i < gpus; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        const char *root = getenv("ZEUS_AMD_ROOT");
        char path[512];
        check(zeus_amd_gpu_info(z, i, &info), "info");
        if (info.source != ZEUS_AMD_BACKEND_SYSFS)
            exit(3);
        snprintf(path, sizeof path, "%s/sys/bus/pci/devices/%s/gpu_metrics", root ? root : "", info.pci_address);
        if ((files[i] = open(path, O_RDONLY | O_CLOEXEC)) < 0)
            exit(3);
    }
}

/* The two sides: a batch of each. */
static void preads(int batch)
{
    static char page[4096];
    while (batch--)
        if (pread(files[0], page, sizeof page, 0) <= 0)
            exit(3);
}

static void energies(int batch)
{
    uint64_t mj;
    while (batch--)
        check(zeus_amd_energy_mj(z, 0, &mj), "energy");
}

static void all_preads(int batch)
{
    static char page[4096];
    while (batch--)
        for (uint32_t i = 0; i < gpus; i++)
            if (pread(files[i], page, sizeof page, 0) <= 0)
                exit(3);
}

static void read_all(int batch)
{
    static zeus_amd_reading_t readings[MOST] = {ZEUS_AMD_READING_INIT};
    while (batch--) {
        uint32_t count = MOST;
        check(zeus_amd_read_all(z, readings, &count), "read_all");
    }
}

typedef uint32_t (*energy_fn)(void *, uint64_t *, float *, uint64_t *);
static energy_fn raw;
static void *handle;

static void raw_calls(int batch)
{
    uint64_t count, time;
    float unit;
    while (batch--)
        if (raw(handle, &count, &unit, &time) != 0)
            exit(3);
}

/* Medians of the nanoseconds that one of a batch takes, the sides in turns. */
static void sides(void (*ours)(int), void (*limit)(int), int batch, double *a, double *b)
{
    static double of_ours[ROUNDS], of_limit[ROUNDS];
    for (int i = -100; i < ROUNDS; i++) {
        double t0 = now(CLOCK_MONOTONIC), t1, t2;
        ours(batch);
        t1 = now(CLOCK_MONOTONIC);
        limit(batch);
        t2 = now(CLOCK_MONOTONIC);
        if (i >= 0) {
            of_ours[i] = (t1 - t0) / batch;
            of_limit[i] = (t2 - t1) / batch;
        }
    }
    *a = at(of_ours, ROUNDS, 0.5);
    *b = at(of_limit, ROUNDS, 0.5);
}

/* argv: what kind of table it is, if that is worth saying. */
static void file(const char *kind)
{
    char what[64];
    double a, b;
    char ours[64], limit[64];
    open_session(ZEUS_AMD_BACKEND_SYSFS, ZEUS_AMD_VALIDATION_ADAPTIVE);
    open_files();
    sides(energies, preads, 16, &a, &b);
    snprintf(ours, sizeof ours, "%.0f ns", a);
    snprintf(limit, sizeof limit, "%.0f ns for a pread", b);
    snprintf(what, sizeof what, "one energy, by the file%s", kind);
    say(what, ours, limit, a / b, "<= 1.08", a <= 1.08 * b);
}

static void all(void)
{
    double a, b;
    char ours[64], limit[64];
    unsigned long before;
    open_session(ZEUS_AMD_BACKEND_SYSFS, ZEUS_AMD_VALIDATION_ADAPTIVE);
    open_files();
    read_all(1);
    before = allocations;
    read_all(1000);
    before = allocations - before;
    sides(read_all, all_preads, 4, &a, &b);
    snprintf(ours, sizeof ours, "%.0f ns, %lu allocations", a, before);
    snprintf(limit, sizeof limit, "%.0f ns for %u preads", b, (unsigned)gpus);
    say("all GPUs in one call", ours, limit, a / b, "<= 1.10, 0 allocations", a <= 1.1 * b && before == 0);
}

static void windows(int batch)
{
    zeus_amd_window_t *window;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    while (batch--) {
        check(zeus_amd_window_begin(z, &window), "begin");
        check(zeus_amd_window_end(window, &total, NULL, NULL), "end");
    }
}

static zeus_amd_window_t *reused;
static void restarts(int batch)
{
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    while (batch--) {
        check(zeus_amd_window_restart(reused), "restart");
        check(zeus_amd_window_read(reused, &total, NULL, NULL), "read");
    }
}

/* One of these costs two reads of each GPU. */
static void one_window(const char *what, void (*ours)(int), double goal, unsigned long most)
{
    double a, b;
    char text[64], said[64], limit[64], wanted[64];
    unsigned long before;
    ours(1);
    before = allocations;
    ours(1000);
    before = allocations - before;
    sides(ours, all_preads, 4, &a, &b);
    snprintf(text, sizeof text, "%s, %u GPUs", what, (unsigned)gpus);
    snprintf(said, sizeof said, "%.0f ns, %lu allocations", a, before / 1000);
    snprintf(limit, sizeof limit, "%.0f ns for %u preads", 2 * b, 2 * (unsigned)gpus);
    snprintf(wanted, sizeof wanted, "<= %.2f, %lu allocations", goal, most);
    say(text, said, limit, a / (2 * b), wanted, a <= goal * 2 * b && before <= most * 1000);
}

static void window(double goal)
{
    open_session(ZEUS_AMD_BACKEND_SYSFS, ZEUS_AMD_VALIDATION_ADAPTIVE);
    open_files();
    one_window("window begin and end", windows, goal, 1);
    check(zeus_amd_window_begin(z, &reused), "begin");
    one_window("window restart and read", restarts, goal, 0);
}

static void energy_raws(int batch)
{
    static zeus_amd_energy_raw_t energy = ZEUS_AMD_ENERGY_RAW_INIT;
    while (batch--)
        check(zeus_amd_energy_raw(z, 0, &energy), "energy_raw");
}

typedef uint32_t (*handles_fn)(void *, uint32_t *, void **);
typedef uint32_t (*sockets_fn)(uint32_t *, void **);

/* The first GPU of libamd_smi, as libamd_smi itself says. */
static void *first_handle(void *library)
{
    sockets_fn sockets;
    handles_fn handles;
    void *some[MOST], *socket[MOST];
    uint32_t count = MOST;
    *(void **)(&sockets) = dlsym(library, "amdsmi_get_socket_handles");
    *(void **)(&handles) = dlsym(library, "amdsmi_get_processor_handles");
    if (sockets(&count, socket) != 0 || count == 0)
        exit(3);
    count = MOST;
    if (handles(socket[0], &count, some) != 0 || count == 0)
        exit(3);
    return some[0];
}

/* argv: the library, which is loaded already. */
static void amdsmi(const char *path)
{
    double a, b;
    char ours[64], limit[64];
    void *library;
    time_limit_ms = UINT32_MAX;
    open_session(ZEUS_AMD_BACKEND_AMDSMI, ZEUS_AMD_VALIDATION_OFF);
    library = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    if (!library)
        exit(3);
    *(void **)(&raw) = dlsym(library, "amdsmi_get_energy_count");
    handle = first_handle(library);
    sides(energy_raws, raw_calls, 64, &a, &b);
    snprintf(ours, sizeof ours, "%.0f ns, +%.0f ns", a, a - b);
    snprintf(limit, sizeof limit, "%.0f ns for the raw call", b);
    say("one energy, by libamd_smi without a time limit", ours, limit, a / b, "<= +25 ns", a - b <= 25);
    zeus_amd_close(z);
    time_limit_ms = 0;
    open_session(ZEUS_AMD_BACKEND_AMDSMI, ZEUS_AMD_VALIDATION_OFF);
    sides(energy_raws, raw_calls, 64, &a, &b);
    /* AMD's call takes 280 to 569 microseconds. */
    snprintf(ours, sizeof ours, "%.1f us, +%.1f us", a * 1e-3, (a - b) * 1e-3);
    say("one energy, by libamd_smi with its time limit", ours, "280 us for AMD's raw call", 1 + (a - b) / 280e3, "<= 1.15",
        a - b <= 42e3);
}

/* argv: what Zeus's constructor took, in seconds. */
static void opening(const char *zeus, const char *whose)
{
    enum { TIMES = 15 };
    double took[TIMES], middle, theirs = strtod(zeus, NULL) * 1e9;
    char ours[64], limit[128];
    for (int i = 0; i < TIMES; i++) {
        double t0 = now(CLOCK_MONOTONIC);
        open_session(ZEUS_AMD_BACKEND_AUTO, ZEUS_AMD_VALIDATION_ADAPTIVE);
        took[i] = now(CLOCK_MONOTONIC) - t0;
        zeus_amd_close(z);
    }
    middle = at(took, TIMES, 0.5);
    snprintf(ours, sizeof ours, "%.1f ms", middle / 1e6);
    snprintf(limit, sizeof limit, "%.1f ms for %s", theirs / 1e6, whose);
    say("open, adaptive validation", ours, limit, middle / theirs, "<= 0.04", middle <= 0.04 * theirs);
}

/* So many ticks of a millisecond by themselves, each with the reads that a sampler cannot do without. */
static double bare(int ticks)
{
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (int i = 0; i < ticks; i++) {
        if ((next.tv_nsec += 1000000) >= 1000000000) {
            next.tv_nsec -= 1000000000;
            next.tv_sec++;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
        all_preads(1);
    }
    return now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

static double sampled(int ticks)
{
    zeus_amd_sampler_options_t options = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *sampler = NULL;
    double cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    struct timespec pause = {ticks / 1000, ticks % 1000 * 1000000L};
    options.period_ns = 1000000;
    check(zeus_amd_sampler_start(z, &options, &sampler), "sampler");
    nanosleep(&pause, NULL);
    check(zeus_amd_sampler_stop(sampler), "stop");
    zeus_amd_sampler_free(sampler);
    return now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
}

/* How far the times between two reads of one GPU are from a millisecond, at the 99th percentile. */
static double period(void)
{
    static double off[1 << 17];
    double last = 0;
    int n = 0;
    zeus_amd_sampler_options_t options = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *sampler = NULL;
    struct timespec pause = {3, 0};
    options.period_ns = 1000000;
    note = 1;
    check(zeus_amd_sampler_start(z, &options, &sampler), "sampler");
    nanosleep(&pause, NULL);
    check(zeus_amd_sampler_stop(sampler), "stop");
    zeus_amd_sampler_free(sampler);
    note = 0;
    for (int i = 0; i < noted; i++) {
        if (reads[i].fd != reads[0].fd)
            continue;
        if (last > 0)
            off[n++] = reads[i].at - last > 1e6 ? reads[i].at - last - 1e6 : 1e6 - (reads[i].at - last);
        last = reads[i].at;
    }
    return n > 1000 ? at(off, n, 0.99) / 1e6 : 1;
}

static void sampler(void)
{
    enum { TURNS = 5, TICKS = 1000 };
    double ours[TURNS], limit[TURNS], a, b, late;
    char said[64], bare_said[64];
    open_session(ZEUS_AMD_BACKEND_SYSFS, ZEUS_AMD_VALIDATION_ADAPTIVE);
    open_files();
    for (int i = 0; i < TURNS; i++) {
        ours[i] = sampled(TICKS);
        limit[i] = bare(TICKS);
    }
    a = at(ours, TURNS, 0.5) / TICKS;
    b = at(limit, TURNS, 0.5) / TICKS;
    snprintf(said, sizeof said, "%.1f us of CPU a tick", a / 1e3);
    snprintf(bare_said, sizeof bare_said, "%.1f us for the preads", b / 1e3);
    say("sampler, 1 kHz", said, bare_said, a / b, "<= 1.3", a <= 1.3 * b);
    late = period();
    snprintf(said, sizeof said, "%.1f %% off at p99", late * 1e2);
    say("sampler, its period", said, "1 ms", late, "<= 0.05", late <= 0.05);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "file") == 0)
        file(argc > 2 ? argv[2] : "");
    else if (strcmp(what, "all") == 0)
        all();
    else if (strcmp(what, "window") == 0 && argc > 2)
        window(strtod(argv[2], NULL));
    else if (strcmp(what, "amdsmi") == 0 && argc > 2)
        amdsmi(argv[2]);
    else if (strcmp(what, "open") == 0 && argc > 3)
        opening(argv[2], argv[3]);
    else if (strcmp(what, "sampler") == 0)
        sampler();
    else
        return 2;
    return 0;
}
