/*
 * A panic in the library as it is installed, without a hook for it: the clock fails, which Rust's standard library takes
 * for impossible. The call says INTERNAL, nothing is printed, and the next session is as good as ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <zeus_amd.h>

static int broken, asked;

/* Stands before libc's, in the library too. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (broken && clock == CLOCK_MONOTONIC) {
        asked = 1;
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

int main(void)
{
    char text[1024];
    zeus_amd_session_t *session = NULL;
    uint32_t count = 0;
    int32_t status;
    broken = 1;
    status = zeus_amd_open(NULL, &session);
    broken = 0;
    if (!asked) {
        puts("the library does not ask the clock that was broken: break something else");
        return 1;
    }
    zeus_amd_last_error(text, sizeof text);
    if (status != ZEUS_AMD_STATUS_INTERNAL || session != NULL || !strstr(text, "Invalid argument")) {
        printf("status %d: %s\n", (int)status, text);
        return 1;
    }
    if (zeus_amd_open(NULL, &session) != ZEUS_AMD_STATUS_OK ||
        zeus_amd_gpu_count(session, &count) != ZEUS_AMD_STATUS_OK || count == 0) {
        zeus_amd_last_error(text, sizeof text);
        printf("after it: %s\n", text);
        return 1;
    }
    zeus_amd_close(session);
    return 0;
}
