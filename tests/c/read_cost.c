/* Counts what readings do: preads, opens, other reads, and memory that is asked for. Arguments: how many files one call
 * for all GPUs is to read. Then: what a thread does that stands still between a reading and its clock. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
    unsigned long preads, opens, reads, memory;
} counted, before;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t n) { counted.memory++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { counted.memory++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { counted.memory++; return __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { counted.memory++; return __libc_memalign(a, n); }
int posix_memalign(void **to, size_t a, size_t n) { counted.memory++; *to = __libc_memalign(a, n); return *to == NULL; }

/* Reading is refused; or this thread stands still for a while after it has read once more. */
static int refused, stands;
static const struct timespec standing = {0, 400000000};

static ssize_t pread_counted(int fd, void *to, size_t n, off_t at)
{
    ssize_t got = syscall(SYS_pread64, fd, to, n, at);
    counted.preads++;
    if (refused) {
        errno = EBUSY;
        return -1;
    }
    if (stands) {
        stands = 0;
        nanosleep(&standing, NULL);
    }
    return got;
}
ssize_t pread(int fd, void *to, size_t n, off_t at) { return pread_counted(fd, to, n, at); }
ssize_t pread64(int fd, void *to, size_t n, off64_t at) { return pread_counted(fd, to, n, at); }
ssize_t read(int fd, void *to, size_t n) { counted.reads++; return syscall(SYS_read, fd, to, n); }

static int open_counted(int at, const char *path, int flags, va_list more)
{
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
    counted.opens++;
    return (int)syscall(SYS_openat, at, path, flags, mode);
}
#define OPEN(name)                                             \
    int name(const char *path, int flags, ...)                 \
    {                                                          \
        va_list more;                                          \
        int fd;                                                \
        va_start(more, flags);                                 \
        fd = open_counted(AT_FDCWD, path, flags, more);        \
        va_end(more);                                          \
        return fd;                                             \
    }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                           \
    int name(int at, const char *path, int flags, ...)         \
    {                                                          \
        va_list more;                                          \
        int fd;                                                \
        va_start(more, flags);                                 \
        fd = open_counted(at, path, flags, more);              \
        va_end(more);                                          \
        return fd;                                             \
    }
OPENAT(openat)
OPENAT(openat64)

enum { TIMES = 500, TRIES = 50 };

static zeus_amd_session_t *z;
static zeus_amd_reading_t readings[64] = {ZEUS_AMD_READING_INIT};

static zeus_amd_status_t energy(void)
{
    uint64_t v;
    return zeus_amd_energy_mj(z, 0, &v);
}

static zeus_amd_status_t raw_energy(void)
{
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    zeus_amd_status_t s = zeus_amd_energy_raw(z, 0, &raw);
    return raw.flags & ZEUS_AMD_ENERGY_RAW_FLAG_STALE_BIT ? ZEUS_AMD_STATUS_STALE : s;
}

static zeus_amd_status_t power(void)
{
    uint64_t v;
    return zeus_amd_power_instant_mw(z, 0, &v);
}

static zeus_amd_status_t temperature(void)
{
    int32_t c;
    return zeus_amd_temperature_c(z, 0, &c);
}

static zeus_amd_status_t all(void)
{
    uint32_t count = 64;
    CHECK_OK(zeus_amd_read_all(z, readings, &count));
    return readings[0].flags & ZEUS_AMD_READING_FLAG_STALE_BIT ? ZEUS_AMD_STATUS_STALE : readings[0].status;
}

static int succeeds(zeus_amd_status_t (*reading)(void), int times)
{
    while (times > 0 && reading() == ZEUS_AMD_STATUS_OK)
        times--;
    return times == 0;
}

static int is_usable(void)
{
    zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
    uint32_t count = 0, i;
    if (z == NULL || zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
        return 0;
    for (i = 0; i < count; i++)
        if (zeus_amd_gpu_info(z, i, &info) != ZEUS_AMD_STATUS_OK || info.source != ZEUS_AMD_BACKEND_SYSFS)
            return 0;
    return energy() == ZEUS_AMD_STATUS_OK;
}

/* On a busy machine a look at both ways may take too long to be one, and a counter whose file nobody refreshes is taken for one
 * that stands; then the next session looks again. */
static void start(void)
{
    int i;
    for (i = 0; i < TRIES && (i == 0 || !is_usable()); i++) {
        zeus_amd_close(z);
        CHECK_OK(zeus_amd_open(NULL, &z));
    }
    CHECK(is_usable());
}

/* The files are those of another process: while that gets no processor, nobody refreshes them, and a table that is old is read
 * twice or refused. Then this is tried again. */
static void costs(const char *what, zeus_amd_status_t (*reading)(void), unsigned long preads)
{
    unsigned long p = 0, o, r, m;
    int i, tries = refused ? 1 : TRIES;
    for (i = 0; i < tries && p != preads; i++) {
        if (i > 0)
            start();
        before = counted;
        p = succeeds(reading, TIMES) ? counted.preads - before.preads : 0;
    }
    o = counted.opens - before.opens, r = counted.reads - before.reads, m = counted.memory - before.memory;
    if (p != preads || o != 0 || r != 0 || m != 0) {
        fprintf(stderr, "%s: %lu preads (not %lu), %lu opens, %lu reads, %lu times memory\n", what, p, preads, o, r, m);
        exit(1);
    }
}

static zeus_amd_status_t all_refused(void)
{
    (void)all();
    CHECK_IS(readings[0].status, ZEUS_AMD_STATUS_BUSY);
    return ZEUS_AMD_STATUS_OK;
}

/* A thread that does not get to run for a while after it has read is no reason to call the value an old one. */
static void may_stand(zeus_amd_status_t (*reading)(void))
{
    int is_new = 0;
    for (int i = 0; i < TRIES && !is_new; i++) {
        if (i > 0)
            start();
        stands = 1;
        is_new = reading() == ZEUS_AMD_STATUS_OK;
    }
    CHECK(is_new);
}

int main(int argc, char **argv)
{
    unsigned long files = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long refused_files = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int has_power;

    start();
    /* What is counted is seen at all: an open session has read files and taken memory. */
    CHECK(counted.preads > 0 && counted.opens > 0 && counted.reads > 0 && counted.memory > 0);

    has_power = power() != ZEUS_AMD_STATUS_NOT_SUPPORTED;
    costs("energy", energy, TIMES);
    costs("raw energy", raw_energy, TIMES);
    if (has_power)
        costs("power", power, TIMES);
    costs("temperature", temperature, TIMES);
    costs("all", all, TIMES * files);
    /* GPUs that cannot be read cost a second look, and no more. */
    refused = 1;
    costs("all, refused", all_refused, TIMES * refused_files);
    refused = 0;

    /* What the driver's clock is like has been seen before. */
    (void)energy();
    nanosleep(&standing, NULL);
    (void)energy();
    may_stand(energy);
    may_stand(raw_energy);
    may_stand(temperature);
    if (has_power)
        may_stand(power);
    may_stand(all);
    zeus_amd_close(z);
    return 0;
}
