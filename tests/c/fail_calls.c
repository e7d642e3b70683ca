/* Preloaded: lets calls of one function fail, those that libzeus_amd itself makes. The program chooses which with
 * fail_calls() and asks with failable_calls() how many there were. Calls of the program, of libc and of libamd_smi are
 * not counted and do not fail. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);

static const char *function = "";
static unsigned long first, last;
static int error;
static atomic_ulong calls;
static uintptr_t from, to;

static int find(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size, (void)data;
    for (int i = 0; strstr(info->dlpi_name, "libzeus_amd.so") != NULL && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X)) {
            from = info->dlpi_addr + part->p_vaddr;
            to = from + part->p_memsz;
        }
    }
    return 0;
}

/* From now on the calls of this function with these numbers, counted from 1, fail with this errno; none with "". */
void fail_calls(const char *of, unsigned long first_failing, unsigned long last_failing, int with)
{
    function = "";
    dl_iterate_phdr(find, NULL);
    calls = 0;
    first = first_failing, last = last_failing, error = with;
    function = of;
}

unsigned long failable_calls(void) { return calls; }

static int fails(const char *name, void *caller)
{
    unsigned long n;
    if (strcmp(function, name) != 0 || (uintptr_t)caller < from || (uintptr_t)caller >= to)
        return 0;
    n = atomic_fetch_add(&calls, 1) + 1;
    if (n < first || n > last)
        return 0;
    errno = error;
    return 1;
}

#define FAILS(name) fails(name, __builtin_return_address(0))
#define NEXT(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        va_list arguments;                                                             \
        va_start(arguments, flags);                                                    \
        mode_t mode = mode_of(flags, arguments);                                       \
        va_end(arguments);                                                             \
        return FAILS("open") ? -1 : (NEXT(name))(path, flags, mode);                   \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                   \
    int name(int at, const char *path, int flags, ...)                                 \
    {                                                                                  \
        va_list arguments;                                                             \
        va_start(arguments, flags);                                                    \
        mode_t mode = mode_of(flags, arguments);                                       \
        va_end(arguments);                                                             \
        return FAILS("openat") ? -1 : (NEXT(name))(at, path, flags, mode);             \
    }
OPENAT(openat)
OPENAT(openat64)

DIR *opendir(const char *path) { return FAILS("opendir") ? NULL : (NEXT(opendir))(path); }
struct dirent *readdir(DIR *folder) { return FAILS("readdir") ? NULL : (NEXT(readdir))(folder); }
struct dirent64 *readdir64(DIR *folder) { return FAILS("readdir") ? NULL : (NEXT(readdir64))(folder); }

int access(const char *path, int mode) { return FAILS("access") ? -1 : (NEXT(access))(path, mode); }
int faccessat(int at, const char *path, int mode, int flags)
{
    return FAILS("access") ? -1 : (NEXT(faccessat))(at, path, mode, flags);
}

int stat(const char *path, struct stat *st) { return FAILS("stat") ? -1 : (NEXT(stat))(path, st); }
int stat64(const char *path, struct stat64 *st) { return FAILS("stat") ? -1 : (NEXT(stat64))(path, st); }
int lstat64(const char *path, struct stat64 *st) { return FAILS("stat") ? -1 : (NEXT(lstat64))(path, st); }
int fstat(int fd, struct stat *st) { return FAILS("stat") ? -1 : (NEXT(fstat))(fd, st); }
int fstat64(int fd, struct stat64 *st) { return FAILS("stat") ? -1 : (NEXT(fstat64))(fd, st); }
int statx(int at, const char *path, int flags, unsigned mask, struct statx *st)
{
    return FAILS("stat") ? -1 : (NEXT(statx))(at, path, flags, mask, st);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return FAILS("mmap") ? MAP_FAILED : (NEXT(mmap))(at, size, protection, flags, fd, offset);
}
void *mmap64(void *at, size_t size, int protection, int flags, int fd, off64_t offset)
{
    return FAILS("mmap") ? MAP_FAILED : (NEXT(mmap64))(at, size, protection, flags, fd, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*run)(void *), void *with)
{
    return FAILS("pthread_create") ? error : (NEXT(pthread_create))(thread, how, run, with);
}

void *malloc(size_t size) { return FAILS("malloc") ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return FAILS("malloc") ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return FAILS("malloc") ? NULL : __libc_realloc(old, size); }
int posix_memalign(void **block, size_t align, size_t size)
{
    if (FAILS("malloc"))
        return ENOMEM;
    *block = __libc_memalign(align, size);
    return *block == NULL ? ENOMEM : 0;
}

/* The guards make their system calls so. */
long syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    if ((number == SYS_openat && FAILS("openat")) || (number == SYS_fstat && FAILS("stat")))
        return -1;
    return (NEXT(syscall))(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
