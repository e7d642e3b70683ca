/* Preloaded: time that a program sleeps passes at once. CLOCK_BOOTTIME, by which the machine's files move, is ahead of the
 * kernel's by all sleeps so far; threads that wait for each other wait as ever. */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t ahead_ns;

int clock_gettime(clockid_t id, struct timespec *t)
{
    uint64_t ns;
    if (syscall(SYS_clock_gettime, id, t) != 0)
        return -1;
    if (id != CLOCK_BOOTTIME)
        return 0;
    ns = (uint64_t)t->tv_nsec + __atomic_load_n(&ahead_ns, __ATOMIC_SEQ_CST);
    t->tv_sec += (time_t)(ns / 1000000000);
    t->tv_nsec = (long)(ns % 1000000000);
    return 0;
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    __atomic_fetch_add(&ahead_ns, (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec, __ATOMIC_SEQ_CST);
    return 0;
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *time, struct timespec *left)
{
    if (flags != 0)
        return syscall(SYS_clock_nanosleep, id, flags, time, left) != 0 ? errno : 0;
    return nanosleep(time, left);
}
