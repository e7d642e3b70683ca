/* SPDX-License-Identifier: Apache-2.0 */
/* From the first region to the report: at exit() or at the return of main, or, as far as it is known, at abort(). */
#define _GNU_SOURCE
#include "tool.h"

#include "../files.h"
#include "../report/report.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long an aborting process waits for its report. */
#define ABORT_MS 3000

const char *const report_library = "libzeus_amd_tools.so";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char *folder;
static volatile sig_atomic_t started;

/* Locks may be held, and the heap broken: so a copy of the process writes what is known, and is not waited for long. */
static void report_by_copy(void)
{
    static const char failed[] = "libzeus_amd_tools.so: no energy report: the program's heap is broken, or its lock is held\n";
    int status = -1;
    const struct timespec millisecond = {0, 1000000};
    const long parent = getpid(), child = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (child == 0) {
        const regions_result *result;
        report_process = parent;
        signal(SIGABRT, SIG_DFL);
        result = regions_known();
        if (result != NULL)
            report_output(result, folder, report_rank(), tool_fences, 1);
        _exit(0);
    }
    for (int i = 0; child > 0 && i < ABORT_MS && waitpid((pid_t)child, &status, WNOHANG | __WALL) == 0; i++) {
        nanosleep(&millisecond, NULL);
        if (i == ABORT_MS - 1)
            kill((pid_t)child, SIGKILL);
    }
    if (status != 0)
        (void)!write(2, failed, sizeof failed - 1);
}

static void aborts(int number)
{
    const int saved = errno;
    report_by_copy();
    signal(number, SIG_DFL);
    /* Where it was not abort() that sent it, nothing else would end the process. */
    raise(number);
    errno = saved;
}

/* A signal handler that calls exit() may have interrupted a reading. */
void tool_report(void)
{
    const regions_result *result;
    if (regions_is_inside()) {
        report_by_copy();
        regions_give_up();
        return;
    }
    result = regions_end();
    if (result != NULL)
        report_output(result, folder, report_rank(), tool_fences, 0);
    regions_close();
}

static void start(void)
{
    struct sigaction now, set;
    folder = getcwd(NULL, 0);
    if (report_is_traced())
        regions_trace();
    regions_start();
    /* After the session was opened, so that it is still there. */
    atexit(tool_report);
    /* What the program has set itself stays. */
    if (sigaction(SIGABRT, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL) {
        memset(&set, 0, sizeof set);
        set.sa_handler = aborts;
        set.sa_flags = (int)SA_RESETHAND;
        sigaction(SIGABRT, &set, NULL);
    }
    started = 1;
}

void tool_start(void)
{
    if (!started)
        pthread_once(&once, start);
}
