/* A launcher that adopts what its descendants leave: a child guards a power limit with a watcher, lowers it and is killed. */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static uint64_t limit_mw(void)
{
    zeus_amd_session_t *z = open_quickly();
    uint64_t mw = 0;
    CHECK_OK(zeus_amd_power_limit_mw(z, 0, &mw));
    zeus_amd_close(z);
    return mw;
}

static void guarded(void)
{
    zeus_amd_session_t *z = open_quickly();
    zeus_amd_guard_t *g;
    CHECK_OK(zeus_amd_guard_begin(z, ZEUS_AMD_GUARD_WATCHER_BIT, &g));
    CHECK_OK(zeus_amd_set_power_limit_mw(z, 0, 400000));
    raise(SIGKILL);
}

/* The name of a child that has ended. */
static void name_of(pid_t pid, char *name)
{
    char path[64];
    FILE *f;
    snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
    f = fopen(path, "r");
    CHECK(f != NULL && fscanf(f, "%31s", name) == 1);
    fclose(f);
}

int main(void)
{
    const uint64_t before = limit_mw();
    siginfo_t info;
    char name[32];
    pid_t child;
    int status;
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0);
    child = fork();
    CHECK(child >= 0);
    if (child == 0)
        guarded();
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) == 0 && info.si_pid != child);
    name_of(info.si_pid, name);
    CHECK(limit_mw() == before);
    CHECK(wait(&status) == info.si_pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(wait(&status) == -1);
    puts(name);
    return 0;
}
