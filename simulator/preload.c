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
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

int zeus_amd_sim_open(int gpu, const char *name);
ssize_t zeus_amd_sim_read(int gpu, const char *name, void *buffer, size_t size, off64_t offset);
ssize_t zeus_amd_sim_write(int gpu, const char *name, const void *buffer, size_t size);
#define REAL SSIZE_MIN
#define SSIZE_MIN (-SSIZE_MAX - 1)

#define MOST 2048
static struct entry { unsigned long dev, ino; int error, gpu, commands; char name[64]; } list[MOST];
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
        e->commands = !strcmp(e->name, "pp_od_clk_voltage") || !strcmp(e->name, "power_dpm_force_performance_level") ||
                      !strcmp(e->name, "power1_cap");
        n++;
    }
    if (f) fclose(f);
    known = n;
    busy = 0;
}

#define NEXT(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static const struct entry *of_inode(unsigned long dev, unsigned long ino)
{
    for (int i = 0; i < known; i++)
        if (list[i].ino == ino && list[i].dev == dev) return &list[i];
    return NULL;
}

/* The entry of what a path leads to. */
static const struct entry *find(int at, const char *path)
{
    struct stat st;
    int saved = errno;
    if (busy || !known || !path || syscall(SYS_newfstatat, at, path, &st, 0)) {
        errno = saved;
        return NULL;
    }
    return of_inode(st.st_dev, st.st_ino);
}

/* The minor number of a render node, which is a plain empty file here; -1 for other files. */
static int render_minor(mode_t mode, off64_t size, unsigned long dev, unsigned long ino)
{
    const struct entry *e = busy || !S_ISREG(mode) || size ? NULL : of_inode(dev, ino);
    return e && !strncmp(e->name, "226:", 4) ? atoi(e->name + 4) : -1;
}

#define SHOW_NODE(st)                                                                         \
    do {                                                                                      \
        int minor_ = render_minor((st)->st_mode, (st)->st_size, (st)->st_dev, (st)->st_ino);  \
        if (minor_ >= 0) {                                                                    \
            (st)->st_mode = S_IFCHR | ((st)->st_mode & 07777);                                \
            (st)->st_rdev = makedev(226, minor_);                                             \
        }                                                                                     \
    } while (0)

/* By the kernel, whose struct is glibc's: before 2.33 glibc has no functions of these names to call, and programs call those below. */
#define SHOWN(call)                    \
    {                                  \
        int r = (int)(call);           \
        if (!r) SHOW_NODE(st);         \
        return r;                      \
    }
int stat(const char *path, struct stat *st) SHOWN(syscall(SYS_newfstatat, AT_FDCWD, path, st, 0))
int lstat(const char *path, struct stat *st) SHOWN(syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW))
int fstat(int fd, struct stat *st) SHOWN(syscall(SYS_fstat, fd, st))
int fstatat(int at, const char *path, struct stat *st, int flags) SHOWN(syscall(SYS_newfstatat, at, path, st, flags))
int stat64(const char *path, struct stat64 *st) SHOWN(syscall(SYS_newfstatat, AT_FDCWD, path, st, 0))
int lstat64(const char *path, struct stat64 *st) SHOWN(syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW))
int fstat64(int fd, struct stat64 *st) SHOWN(syscall(SYS_fstat, fd, st))
int fstatat64(int at, const char *path, struct stat64 *st, int flags) SHOWN(syscall(SYS_newfstatat, at, path, st, flags))

#define OLD(call) { (void)version; return call; }
int __xstat(int version, const char *path, struct stat *st) OLD(stat(path, st))
int __lxstat(int version, const char *path, struct stat *st) OLD(lstat(path, st))
int __fxstat(int version, int fd, struct stat *st) OLD(fstat(fd, st))
int __fxstatat(int version, int at, const char *path, struct stat *st, int flags) OLD(fstatat(at, path, st, flags))
int __xstat64(int version, const char *path, struct stat64 *st) OLD(stat64(path, st))
int __lxstat64(int version, const char *path, struct stat64 *st) OLD(lstat64(path, st))
int __fxstat64(int version, int fd, struct stat64 *st) OLD(fstat64(fd, st))
int __fxstatat64(int version, int at, const char *path, struct stat64 *st, int flags) OLD(fstatat64(at, path, st, flags))

int statx(int at, const char *path, int flags, unsigned int mask, struct statx *st)
{
    static __typeof__(&statx) real;
    if (!real) real = NEXT(statx);
    int r = real(at, path, flags, mask, st);
    int minor = r ? -1 : render_minor(st->stx_mode, st->stx_size, makedev(st->stx_dev_major, st->stx_dev_minor), st->stx_ino);
    if (minor >= 0) {
        st->stx_mode = S_IFCHR | (st->stx_mode & 07777);
        st->stx_rdev_major = 226;
        st->stx_rdev_minor = minor;
    }
    return r;
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

/* Nothing is truncated in sysfs: what such a file has is the driver's answer. */
static int plain(const struct entry *e, int flags) { return e && e->commands ? flags & ~O_TRUNC : flags; }

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
        return mark(real(path, plain(e, flags), mode), e); \
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
        return mark(real(at, path, plain(e, flags), mode), e); \
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

/* The entry that a descriptor was opened on, if it is still that file's. */
static const struct entry *entry_of(int fd)
{
    unsigned short n = fd < 0 || fd >= DESCRIPTORS || busy ? 0 : __atomic_load_n(&opened[fd], __ATOMIC_RELAXED);
    struct stat st;
    if (!n || fstat(fd, &st)) return NULL;
    const struct entry *e = &list[n - 1];
    return e->ino == st.st_ino && e->dev == st.st_dev ? e : NULL;
}

/* A copy is of the same file: a shell opens one descriptor and writes to another. */
static int copied(int from, int to)
{
    if (from >= 0 && from < DESCRIPTORS && to >= 0 && to < DESCRIPTORS)
        __atomic_store_n(&opened[to], __atomic_load_n(&opened[from], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    return to;
}

int dup(int fd)
{
    static __typeof__(&dup) real;
    if (!real) real = NEXT(dup);
    return copied(fd, real(fd));
}

int dup2(int fd, int to)
{
    static __typeof__(&dup2) real;
    if (!real) real = NEXT(dup2);
    return copied(fd, real(fd, to));
}

int dup3(int fd, int to, int flags)
{
    static __typeof__(&dup3) real;
    if (!real) real = NEXT(dup3);
    return copied(fd, real(fd, to, flags));
}

/* What a read at an offset gives, as read() returns it; REAL for other files. */
static ssize_t made(int fd, void *buffer, size_t size, off64_t offset)
{
    const struct entry *e = offset < 0 ? NULL : entry_of(fd);
    if (!e) return REAL;
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

/* What a write gives, as write() returns it; REAL for other files. */
static ssize_t taken(int fd, const void *buffer, size_t size)
{
    const struct entry *e = entry_of(fd);
    if (!e) return REAL;
    int saved = errno;
    busy = 1;
    ssize_t r = zeus_amd_sim_write(e->gpu, e->name, buffer, size);
    busy = 0;
    errno = saved;
    if (r < 0 && r != REAL) {
        errno = (int)-r;
        return -1;
    }
    return r;
}

ssize_t write(int fd, const void *buffer, size_t size)
{
    static __typeof__(&write) real;
    ssize_t r = taken(fd, buffer, size);
    if (r != REAL) return r;
    if (!real) real = NEXT(write);
    return real(fd, buffer, size);
}

#define PWRITE(name, type)                                             \
    ssize_t name(int fd, const void *buffer, size_t size, type offset) \
    {                                                                  \
        static __typeof__(&name) real;                                 \
        ssize_t r = taken(fd, buffer, size);                           \
        if (r != REAL) return r;                                       \
        if (!real) real = NEXT(name);                                  \
        return real(fd, buffer, size, offset);                         \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

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
