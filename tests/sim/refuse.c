/* Preloaded into programs of machines where some files may not be opened: device cgroups (EPERM) and missing rights (EACCES),
 * which root and a plain directory tree cannot show by themselves. $ZEUS_AMD_SIM/refused has a line "ERRNO PATH" for each. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 256
static struct { int error; char path[PATH_MAX]; } list[MOST];
static int known = -1;
static __thread int busy;

static void load(void) {
    const char *dir = getenv("ZEUS_AMD_SIM");
    char name[PATH_MAX];
    FILE *(*real)(const char *, const char *) = (FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen");
    known = 0;
    if (!dir || !real) return;
    snprintf(name, sizeof name, "%s/refused", dir);
    FILE *f = real(name, "r");
    if (!f) return;
    while (known < MOST && fscanf(f, "%d %4095[^\n]", &list[known].error, list[known].path) == 2) known++;
    fclose(f);
}

/* The error that opening this path gives, or 0. Links are resolved: /sys/class/... and /sys/devices/... are one file. */
static int refused(int at, const char *path) {
    char full[PATH_MAX], base[64];
    int error = 0, saved = errno;
    if (busy || !path) return 0;
    busy = 1;
    if (known < 0) load();
    if (known > 0) {
        if (path[0] != '/' && at != AT_FDCWD) {
            char dir[PATH_MAX];
            snprintf(base, sizeof base, "/proc/self/fd/%d", at);
            ssize_t n = readlink(base, dir, sizeof dir - 1);
            dir[n > 0 ? n : 0] = 0;
            if (snprintf(full, sizeof full, "%s/%s", dir, path) >= (int)sizeof full) full[0] = 0;
        } else {
            snprintf(full, sizeof full, "%s", path);
        }
        char *real = realpath(full, NULL);
        for (int i = 0; real && i < known && !error; i++)
            if (strcmp(real, list[i].path) == 0) error = list[i].error;
        free(real);
    }
    busy = 0;
    errno = error ? error : saved;
    return error;
}

#define MODE(flags)                                   \
    mode_t mode = 0;                                  \
    if ((flags) & (O_CREAT | O_TMPFILE)) {            \
        va_list ap;                                   \
        va_start(ap, flags);                          \
        mode = va_arg(ap, mode_t);                    \
        va_end(ap);                                   \
    }

#define OPEN(name)                                                            \
    int name(const char *path, int flags, ...) {                              \
        static int (*real)(const char *, int, ...);                           \
        MODE(flags)                                                           \
        if (refused(AT_FDCWD, path)) return -1;                               \
        if (!real) real = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        return real(path, flags, mode);                                       \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                          \
    int name(int at, const char *path, int flags, ...) {                      \
        static int (*real)(int, const char *, int, ...);                      \
        MODE(flags)                                                           \
        if (refused(at, path)) return -1;                                     \
        if (!real) real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name); \
        return real(at, path, flags, mode);                                   \
    }
OPENAT(openat)
OPENAT(openat64)

#define FOPEN(name)                                                           \
    FILE *name(const char *path, const char *how) {                           \
        static FILE *(*real)(const char *, const char *);                     \
        if (refused(AT_FDCWD, path)) return NULL;                             \
        if (!real) real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, #name); \
        return real(path, how);                                               \
    }
FOPEN(fopen)
FOPEN(fopen64)

int access(const char *path, int how) {
    static int (*real)(const char *, int);
    if (how != F_OK && refused(AT_FDCWD, path)) return -1;
    if (!real) real = (int (*)(const char *, int))dlsym(RTLD_NEXT, "access");
    return real(path, how);
}

int faccessat(int at, const char *path, int how, int flags) {
    static int (*real)(int, const char *, int, int);
    if (how != F_OK && refused(at, path)) return -1;
    if (!real) real = (int (*)(int, const char *, int, int))dlsym(RTLD_NEXT, "faccessat");
    return real(at, path, how, flags);
}
