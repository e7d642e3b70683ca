/* Preloaded: a kernel without pidfd_open (before 5.3) and close_range (before 5.9); with REFUSE_CLONE in the environment a
 * sandbox that allows no process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>

long syscall(long number, ...)
{
    static long (*real)(long, ...);
    long a[6];
    va_list arguments;

    if (number == SYS_pidfd_open || number == SYS_close_range) {
        errno = ENOSYS;
        return -1;
    }
    if (number == SYS_clone && getenv("REFUSE_CLONE") != NULL) {
        errno = EPERM;
        return -1;
    }
    if (real == NULL)
        real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
