/* Preloaded: the program is killed when libzeus_amd opens a file named DIES_AT for writing, for the DIES_AFTERth time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void die_at(const char *path, int flags, void *caller)
{
    static int opened;
    const char *name = strrchr(path, '/');
    Dl_info by;
    if (name && strcmp(name + 1, getenv("DIES_AT")) == 0 && (flags & O_ACCMODE) != O_RDONLY && dladdr(caller, &by)
        && strstr(by.dli_fname, "libzeus_amd.so") && ++opened == atoi(getenv("DIES_AFTER")))
        raise(SIGKILL);
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...)                                         \
    {                                                                                  \
        va_list arguments;                                                             \
        va_start(arguments, flags);                                                    \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;   \
        va_end(arguments);                                                             \
        die_at(path, flags, __builtin_return_address(0));                                                           \
        return ((__typeof__(&name))dlsym(RTLD_NEXT, #name))(path, flags, mode);        \
    }
OPEN(open)
OPEN(open64)
