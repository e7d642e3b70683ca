/* Preloaded into the programs of a machine. The files of $ZEUS_AMD_SIM/preload.list answer as the kernel's do: moving ones
 * are made at each read, whole; some may not be opened (device cgroups, missing rights), which root and a plain directory
 * tree cannot show by themselves. What they say comes from src/preload.rs. */
#define _GNU_SOURCE
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int zeus_amd_sim_open(int gpu, const char *name);
ssize_t zeus_amd_sim_read(int gpu, const char *name, void *buffer, size_t size, off64_t offset);
#define REAL SSIZE_MIN
#define SSIZE_MIN (-SSIZE_MAX - 1)

#define MOST 1024
static struct entry { unsigned long dev, ino; int error, gpu; char name[64]; } list[MOST];
static int known;
/* Which entry + 1 a descriptor was opened on; looked at again at each read, for it may be another file by then. */
#define DESCRIPTORS 65536
static unsigned short opened[DESCRIPTORS];
/* Inside our own code, files are as they are. */
static __thread int busy;

__attribute__((constructor)) static void load(void)
{
    const char *dir = getenv("ZEUS_AMD_SIM");
    char path[PATH_MAX];
    if (!dir) return;
    busy = 1;
    snprintf(path, sizeof path, "%s/preload.list", dir);
    FILE *f = fopen(path, "r");
    int n = 0;
    while (f && n < MOST) {
        struct entry *e = &list[n];
        if (fscanf(f, "%lu %lu %d %d %63s", &e->dev, &e->ino, &e->error, &e->gpu, e->name) != 5) break;
        n++;
    }
    if (f) fclose(f);
    known = n;
    busy = 0;
}

/* The entry of what a path leads to. */
static const struct entry *find(int at, const char *path)
{
    struct stat st;
    int saved = errno;
    if (busy || !known || !path || fstatat(at, path, &st, 0)) {
        errno = saved;
        return NULL;
    }
    for (int i = 0; i < known; i++)
        if (list[i].ino == st.st_ino && list[i].dev == st.st_dev) return &list[i];
    return NULL;
}

/* Sets errno and returns true where opening fails. */
static int refused(const struct entry *e)
{
    int error = e ? e->error : 0;
    if (e && !error && e->gpu >= 0) {
        int saved = errno;
        busy = 1;
        error = zeus_amd_sim_open(e->gpu, e->name);
        busy = 0;
        errno = saved;
    }
    if (error) errno = error;
    return error != 0;
}

static int mark(int fd, const struct entry *e)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        __atomic_store_n(&opened[fd], e && e->gpu >= 0 ? (unsigned short)(e - list + 1) : 0, __ATOMIC_RELAXED);
    return fd;
}

#define NEXT(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define MODE(flags)                                   \
    mode_t mode = 0;                                  \
    if ((flags) & (O_CREAT | O_TMPFILE)) {            \
        va_list ap;                                   \
        va_start(ap, flags);                          \
        mode = va_arg(ap, mode_t);                    \
        va_end(ap);                                   \
    }

#define OPEN(name)                                    \
    int name(const char *path, int flags, ...)        \
    {                                                 \
        static __typeof__(&name) real;                \
        MODE(flags)                                   \
        const struct entry *e = find(AT_FDCWD, path); \
        if (refused(e)) return -1;                    \
        if (!real) real = NEXT(name);                 \
        return mark(real(path, flags, mode), e);      \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                  \
    int name(int at, const char *path, int flags, ...) \
    {                                                 \
        static __typeof__(&name) real;                \
        MODE(flags)                                   \
        const struct entry *e = find(at, path);       \
        if (refused(e)) return -1;                    \
        if (!real) real = NEXT(name);                 \
        return mark(real(at, path, flags, mode), e);  \
    }
OPENAT(openat)
OPENAT(openat64)

/* C's own streams read past us; those of C++ do not. */
#define FOPEN(name)                                   \
    FILE *name(const char *path, const char *how)     \
    {                                                 \
        static __typeof__(&name) real;                \
        const struct entry *e = find(AT_FDCWD, path); \
        if (refused(e)) return NULL;                  \
        if (!real) real = NEXT(name);                 \
        FILE *f = real(path, how);                    \
        if (f) mark(fileno(f), e);                    \
        return f;                                     \
    }
FOPEN(fopen)
FOPEN(fopen64)

int access(const char *path, int how)
{
    static __typeof__(&access) real;
    if (how != F_OK && refused(find(AT_FDCWD, path))) return -1;
    if (!real) real = NEXT(access);
    return real(path, how);
}

int faccessat(int at, const char *path, int how, int flags)
{
    static __typeof__(&faccessat) real;
    if (how != F_OK && refused(find(at, path))) return -1;
    if (!real) real = NEXT(faccessat);
    return real(at, path, how, flags);
}

/* What a read at an offset gives, as read() returns it; REAL for other files. */
static ssize_t made(int fd, void *buffer, size_t size, off64_t offset)
{
    unsigned short n = fd < 0 || fd >= DESCRIPTORS || busy ? 0 : __atomic_load_n(&opened[fd], __ATOMIC_RELAXED);
    struct stat st;
    if (!n || offset < 0 || fstat(fd, &st)) return REAL;
    const struct entry *e = &list[n - 1];
    if (e->ino != st.st_ino || e->dev != st.st_dev) return REAL;
    int saved = errno;
    busy = 1;
    ssize_t r = zeus_amd_sim_read(e->gpu, e->name, buffer, size, offset);
    busy = 0;
    errno = saved;
    if (r < 0 && r != REAL) {
        errno = (int)-r;
        return -1;
    }
    return r;
}

ssize_t read(int fd, void *buffer, size_t size)
{
    static __typeof__(&read) real;
    if (fd >= 0 && fd < DESCRIPTORS && opened[fd]) {
        off64_t offset = lseek64(fd, 0, SEEK_CUR);
        ssize_t r = made(fd, buffer, size, offset);
        if (r > 0) lseek64(fd, offset + r, SEEK_SET);
        if (r != REAL) return r;
    }
    if (!real) real = NEXT(read);
    return real(fd, buffer, size);
}

#define PREAD(name, type)                                              \
    ssize_t name(int fd, void *buffer, size_t size, type offset)       \
    {                                                                  \
        static __typeof__(&name) real;                                 \
        ssize_t r = made(fd, buffer, size, offset);                    \
        if (r != REAL) return r;                                       \
        if (!real) real = NEXT(name);                                  \
        return real(fd, buffer, size, offset);                         \
    }
PREAD(pread, off_t)
PREAD(pread64, off64_t)

/* What the compiler makes of them with _FORTIFY_SOURCE. */
ssize_t __read_chk(int fd, void *buffer, size_t size, size_t room)
{
    if (size > room) abort();
    return read(fd, buffer, size);
}

ssize_t __pread_chk(int fd, void *buffer, size_t size, off_t offset, size_t room)
{
    if (size > room) abort();
    return pread(fd, buffer, size, offset);
}

ssize_t __pread64_chk(int fd, void *buffer, size_t size, off64_t offset, size_t room)
{
    if (size > room) abort();
    return pread64(fd, buffer, size, offset);
}

int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }
int __openat_2(int at, const char *path, int flags) { return openat(at, path, flags); }
int __openat64_2(int at, const char *path, int flags) { return openat64(at, path, flags); }
