/* The command: started so that it finds everything as this program did, and watched to its end.
 *
 * It is forked before anything is opened, any thread started or AMD's library loaded, so it inherits nothing of these;
 * it waits for a word on a pipe and becomes the command. Signals are blocked here and taken one by one, so that no
 * handler and no disposition changes (but for SIGCHLD, which may be ignored); the child unblocks them again. What is
 * ignored from the start (SIGHUP by nohup, SIGINT by a shell's &) is left ignored, and the command inherits that.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Taken here, with the real-time signals: what is sent to end, warn, stop or continue a job. Those of a terminal
 * reach the command as well, the others are passed on. SIGPIPE and SIGXFSZ only must not end this program: the report's
 * reader may be gone, and its file too large. */
static const int taken[] = {SIGINT,  SIGQUIT, SIGTERM,   SIGHUP,  SIGUSR1, SIGUSR2, SIGABRT, SIGXCPU, SIGPWR,
                            SIGALRM, SIGPROF, SIGVTALRM, SIGPOLL, SIGTSTP, SIGCONT, SIGCHLD, SIGPIPE, SIGXFSZ};

static sigset_t set, old_mask;
static struct sigaction old_chld;

/* A blocked signal is kept even where it is ignored, so that one is not taken. SIGCONT continues all the same. */
static void take(int signal)
{
    struct sigaction now;
    if (sigaction(signal, NULL, &now) == 0 && (now.sa_handler != SIG_IGN || signal == SIGCHLD || signal == SIGCONT))
        sigaddset(&set, signal);
}

static int close_on_exec_pipe(int ends[2])
{
    if (pipe(ends) != 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        /* Not in the place of a standard stream that is closed: the command would write into it. */
        int high = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        if (high < 0)
            return -1;
        close(ends[i]);
        ends[i] = high;
    }
    return 0;
}

static void become(char **command, int go, int failed)
{
    char word;
    ssize_t n;
    int error;
    sigaction(SIGCHLD, &old_chld, NULL);
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    do
        n = read(go, &word, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1) {
        execvp(command[0], command);
        error = errno;
        while (write(failed, &error, sizeof error) < 0 && errno == EINTR)
            ;
    }
    _exit(EXIT_NOT_FOUND);
}

int child_prepare(struct child *c, char **command)
{
    int go[2], failed[2];
    struct sigaction standard;
    memset(c, 0, sizeof *c);
    if (close_on_exec_pipe(go) != 0 || close_on_exec_pipe(failed) != 0)
        return errno;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        take(taken[i]);
    for (int i = SIGRTMIN; i <= SIGRTMAX; i++)
        take(i);
    sigprocmask(SIG_BLOCK, &set, &old_mask);
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, &old_chld); /* ignored, it would take the exit status away */
    c->pid = fork();
    if (c->pid < 0)
        return errno;
    if (c->pid == 0) {
        close(go[1]);
        close(failed[0]);
        become(command, go[0], failed[1]);
    }
    close(go[0]);
    close(failed[1]);
    c->go = go[1];
    c->failed = failed[0];
    return 0;
}

/* The command has stopped: so does this program, that a shell which knows no other sees it. Not where no shell is there to
 * continue it (the system leaves out such a stop, but for SIGSTOP), nor if it was just continued. */
static void stop_too(int signal)
{
    sigset_t one, before;
    sigpending(&before);
    if (sigismember(&before, SIGCONT))
        return;
    if (signal == SIGSTOP)
        signal = SIGTSTP;
    sigemptyset(&one);
    sigaddset(&one, signal);
    raise(signal);
    sigprocmask(SIG_UNBLOCK, &one, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void reap(struct child *c, int how)
{
    pid_t pid;
    int status;
    do
        pid = waitpid(c->pid, &status, how);
    while (pid < 0 && errno == EINTR);
    if (pid != c->pid)
        return;
    if (WIFSTOPPED(status)) {
        stop_too(WSTOPSIG(status));
        return;
    }
    c->end_ns = zeus_amd_now_ns();
    c->status = status;
    c->over = 1;
}

int child_go(struct child *c)
{
    int error = 0;
    ssize_t n;
    clock_gettime(CLOCK_REALTIME, &c->begin_time);
    c->begin_ns = zeus_amd_now_ns();
    n = write(c->go, "", 1); /* fails if a signal has ended it already, which the wait below finds out */
    close(c->go);
    if (n == 1) {
        /* Ctrl-Z may have stopped it while it waited: who only reads would wait for ever. */
        struct pollfd answer = {c->failed, POLLIN, 0};
        enum { LOOK_MS = 20 };
        while (!c->over && poll(&answer, 1, LOOK_MS) != 1)
            reap(c, WNOHANG | WUNTRACED);
        do
            n = read(c->failed, &error, sizeof error);
        while (n < 0 && errno == EINTR);
    }
    close(c->failed);
    if (error != 0)
        reap(c, 0);
    return error;
}

void child_give_up(struct child *c)
{
    close(c->go);
    close(c->failed);
    /* It has run nothing yet, and would not notice the closed pipe where Ctrl-Z has stopped it. */
    kill(c->pid, SIGKILL);
    reap(c, 0);
}

/* What a terminal sends, or the command itself, has reached the command already. An alarm is of this process alone: it
 * was set before it became this program. */
static int is_news(const struct child *c, int signal, const siginfo_t *from)
{
    return signal == SIGALRM || (from->si_code <= 0 && from->si_pid != c->pid);
}

void child_watch(struct child *c, int ms)
{
    uint64_t end = zeus_amd_now_ns() + (uint64_t)ms * 1000000;
    reap(c, WNOHANG | WUNTRACED);
    while (!c->over) {
        uint64_t now = zeus_amd_now_ns(), left = now < end ? end - now : 0;
        struct timespec time = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        siginfo_t from;
        int signal = sigtimedwait(&set, &from, &time);
        if (signal < 0 && errno == EAGAIN)
            return;
        if (signal < 0)
            continue;
        if (signal == SIGCHLD)
            reap(c, WNOHANG | WUNTRACED);
        else if (signal != SIGPIPE && signal != SIGXFSZ && is_news(c, signal, &from))
            kill(c->pid, signal);
    }
}

int child_exit_status(const struct child *c)
{
    return WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status) : WEXITSTATUS(c->status);
}
