/* What happens where something runs out. Prints a line for each attempt: "NUMBER STATUS CALLS TEXT"; NUMBER is that of
 * the call that failed, STATUS that of the operation.
 *
 *     resources nth OPERATION FUNCTION ERRNO FIRST LAST STEP WATTS ADDRESS...
 *         the NUMBERth call of FUNCTION fails (fail_calls.c), for FIRST to LAST; ends where there are fewer calls
 *     resources full FREE WATTS ADDRESS...      the session is opened with FREE descriptors left
 *     resources crowd COUNT WATTS ADDRESS...    COUNT times, while another thread fills and empties the table
 *
 * Each attempt has a process of its own. A session that opens has the GPUs at ADDRESS..., in this order, and each draws
 * WATTS; else a line "WRONG ..." says so. */
#define _GNU_SOURCE
#include <zeus_amd.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void (*fail_calls)(const char *, unsigned long, unsigned long, int);
static unsigned long (*failable_calls)(void);
static char **gpus;
static uint32_t count;
static double watts;
static zeus_amd_session_t *z;
/* How many calls could have failed. */
static unsigned long calls;

static void wrong(const char *what, long long is, long long expected)
{
    printf("WRONG %s: %lld, not %lld\n", what, is, expected);
}

static void no_calls_fail(void)
{
    if (fail_calls == NULL)
        return;
    if (failable_calls() > calls)
        calls = failable_calls();
    fail_calls("", 0, 0, 0);
}

/* What a GPU used against what it draws. */
static void check_energy(const zeus_amd_gpu_energy_t *e)
{
    double expected_mj = watts * (double)e->duration_ns * 1e-6;
    double off_mj = (double)e->energy_mj - expected_mj;
    if (e->status != ZEUS_AMD_STATUS_OK || !(e->valid & ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT))
        return;
    if (off_mj > (double)e->uncertainty_mj + 1 || -off_mj > (double)e->uncertainty_mj + 1)
        wrong("energy in mJ", (long long)e->energy_mj, (long long)expected_mj);
}

static int window(void)
{
    zeus_amd_gpu_energy_t energies[64] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_window_t *w;
    uint32_t room = 64;
    int status = zeus_amd_window_begin(z, &w);
    if (status != ZEUS_AMD_STATUS_OK)
        return status;
    usleep(20000);
    status = zeus_amd_window_end(w, NULL, energies, &room);
    for (uint32_t i = 0; status == ZEUS_AMD_STATUS_OK && i < room; i++)
        check_energy(&energies[i]);
    return status;
}

static int sampler(void)
{
    zeus_amd_gpu_energy_t energy = ZEUS_AMD_GPU_ENERGY_INIT;
    uint64_t begin, end;
    zeus_amd_sampler_t *s;
    int status = zeus_amd_sampler_start(z, NULL, &s);
    if (status != ZEUS_AMD_STATUS_OK)
        return status;
    usleep(10000);
    begin = zeus_amd_now_ns();
    usleep(20000);
    end = zeus_amd_now_ns();
    usleep(10000);
    status = zeus_amd_sampler_stop(s);
    for (uint32_t i = 0; status == ZEUS_AMD_STATUS_OK && i < count; i++)
        /* None where the sampler had no time to sample. */
        if (zeus_amd_sampler_energy_between(s, i, begin, end, &energy) == ZEUS_AMD_STATUS_OK)
            check_energy(&energy);
    zeus_amd_sampler_free(s);
    return status;
}

static int guard(void)
{
    zeus_amd_guard_t *g;
    int end, status = zeus_amd_guard_begin(z, ZEUS_AMD_GUARD_WATCHER_BIT, &g);
    if (status != ZEUS_AMD_STATUS_OK)
        return status;
    status = zeus_amd_set_power_limit_mw(z, 0, 400000);
    if (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_lock_graphics_clocks_mhz(z, count - 1, 600, 900);
    end = zeus_amd_guard_end(g);
    if (end != ZEUS_AMD_STATUS_OK) {
        /* It can be repeated. */
        status = end;
        no_calls_fail();
        end = zeus_amd_guard_end(g);
        if (end != ZEUS_AMD_STATUS_OK)
            wrong("the second end", end, ZEUS_AMD_STATUS_OK);
    }
    return status;
}

/* Allocations fail in calls that must not need any; none of these may fail. */
static int readings(void)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_reading_t all[64] = {ZEUS_AMD_READING_INIT};
    uint64_t value;
    int32_t c;
    uint32_t room = 64;
    int status = zeus_amd_read_all(z, all, &room);
    for (uint32_t i = 0; i < count && status == ZEUS_AMD_STATUS_OK; i++) {
        status = zeus_amd_energy_mj(z, i, &value);
        if (status == ZEUS_AMD_STATUS_OK)
            status = zeus_amd_energy_raw(z, i, &raw);
        if (status == ZEUS_AMD_STATUS_OK)
            status = zeus_amd_power_instant_mw(z, i, &value);
        if (status == ZEUS_AMD_STATUS_OK)
            status = zeus_amd_temperature_c(z, i, &c);
    }
    return status;
}

static int ends(void)
{
    zeus_amd_gpu_energy_t energies[64] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_sampler_t *s;
    zeus_amd_window_t *w;
    zeus_amd_guard_t *g;
    uint32_t room = 64;
    int status;
    fail_calls("", 0, 0, 0);
    if (zeus_amd_sampler_start(z, NULL, &s) || zeus_amd_window_begin(z, &w) ||
        zeus_amd_guard_begin(z, ZEUS_AMD_GUARD_WATCHER_BIT, &g) || zeus_amd_set_power_limit_mw(z, 0, 400000) ||
        zeus_amd_lock_graphics_clocks_mhz(z, count - 1, 600, 900))
        return 1;
    usleep(20000);
    fail_calls("malloc", 1, (unsigned long)-1, ENOMEM);
    status = zeus_amd_window_end(w, &total, energies, &room);
    if (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_sampler_stop(s);
    zeus_amd_sampler_free(s);
    if (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_guard_end(g);
    zeus_amd_close(z);
    z = NULL;
    for (uint32_t i = 0; status == ZEUS_AMD_STATUS_OK && i < room; i++)
        check_energy(&energies[i]);
    return status;
}

/* Opens a session and checks its GPUs. */
static int open_session(void)
{
    int status = zeus_amd_open(NULL, &z);
    uint32_t n = 0;
    no_calls_fail();
    if (status != ZEUS_AMD_STATUS_OK) {
        if (z != NULL)
            wrong("a session after a failure", 1, 0);
        return status;
    }
    if (zeus_amd_gpu_count(z, &n) != ZEUS_AMD_STATUS_OK || n != count)
        wrong("GPUs", n, count);
    for (uint32_t i = 0; i < n && i < count; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        if (zeus_amd_gpu_info(z, i, &info) != ZEUS_AMD_STATUS_OK || strcmp(info.pci_address, gpus[i]) != 0)
            printf("WRONG GPU %u: %s, not %s\n", i, info.pci_address, gpus[i]);
    }
    return status;
}

static const struct {
    const char *name;
    int (*run)(void);
} operations[] = {{"window", window}, {"sampler", sampler}, {"guard", guard}, {"readings", readings}, {"ends", ends}};

static int attempt(const char *operation, const char *function, unsigned long n, unsigned long last, int error)
{
    char text[1024] = "";
    int status, is_open = strcmp(operation, "open") == 0;
    if (is_open)
        fail_calls(function, n, last, error);
    status = open_session();
    for (size_t i = 0; !is_open && status == ZEUS_AMD_STATUS_OK && i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, operation) != 0)
            continue;
        fail_calls(function, n, last, error);
        status = operations[i].run();
        no_calls_fail();
    }
    if (status != ZEUS_AMD_STATUS_OK)
        zeus_amd_last_error(text, sizeof text);
    if (is_open && status == ZEUS_AMD_STATUS_OK)
        window();
    zeus_amd_close(z);
    printf("%lu %d %lu %s\n", n, status, calls, text);
    fflush(stdout);
    return calls < n;
}

static void nth(char **v)
{
    fail_calls = (void (*)(const char *, unsigned long, unsigned long, int))dlsym(RTLD_DEFAULT, "fail_calls");
    failable_calls = (unsigned long (*)(void))dlsym(RTLD_DEFAULT, "failable_calls");
    for (unsigned long n = strtoul(v[3], NULL, 10); n <= strtoul(v[4], NULL, 10); n += strtoul(v[5], NULL, 10)) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(attempt(v[0], v[1], n, strtoul(v[5], NULL, 10) == 0 ? (unsigned long)-1 : n, atoi(v[2])));
        if (waitpid(child, &status, 0) != child || WIFSIGNALED(status))
            printf("WRONG call %lu: signal %d\n", n, WTERMSIG(status));
        fflush(stdout);
        if ((WIFEXITED(status) && WEXITSTATUS(status) == 1) || strtoul(v[5], NULL, 10) == 0)
            return;
    }
}

static int fillers[1024], filled;

static void fill(void)
{
    while (filled < 1024 && (fillers[filled] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        filled++;
}

static void empty(int left)
{
    while (filled > left)
        close(fillers[--filled]);
}

static void *crowd(void *stop)
{
    while (!*(volatile int *)stop) {
        fill();
        empty(0);
    }
    return NULL;
}

static void say(int n, int status)
{
    char text[1024] = "";
    if (status != ZEUS_AMD_STATUS_OK)
        zeus_amd_last_error(text, sizeof text);
    else
        window();
    zeus_amd_close(z);
    printf("%d %d 0 %s\n", n, status, text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *mode = argv[1];
    char **rest = argv + (strcmp(mode, "nth") == 0 ? 8 : 3);
    struct rlimit few = {256, 256};
    watts = atof(rest[0]);
    gpus = rest + 1;
    count = (uint32_t)(argv + argc - gpus);
    if (strcmp(mode, "nth") == 0) {
        nth(argv + 2);
        return 0;
    }
    if (setrlimit(RLIMIT_NOFILE, &few) != 0)
        return 1;
    if (strcmp(mode, "full") == 0) {
        int status;
        fill();
        empty(filled - atoi(argv[2]));
        status = open_session();
        empty(0);
        say(atoi(argv[2]), status);
    }
    for (int n = 1; strcmp(mode, "crowd") == 0 && n <= atoi(argv[2]); n++) {
        static int stop;
        pthread_t thread;
        pid_t child = fork();
        if (child != 0) {
            if (waitpid(child, &stop, 0) != child || stop != 0)
                printf("WRONG attempt %d: wait status %d\n", n, stop);
            continue;
        }
        if (pthread_create(&thread, NULL, crowd, &stop) != 0)
            return 1;
        usleep((useconds_t)(n % 7) * 100);
        {
            int status = open_session();
            stop = 1;
            if (pthread_join(thread, NULL) != 0)
                return 1;
            say(n, status);
        }
        exit(0);
    }
    return 0;
}
