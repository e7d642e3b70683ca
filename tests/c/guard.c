/* Does what its arguments say, in order, on one session; prints a line for each step that answers something.
 * The last guard begun is "the" guard. */
#define _GNU_SOURCE
#include "process.h"

#include <zeus_amd.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static zeus_amd_session_t *z;
static zeus_amd_guard_t *guards[8];
static int open_guards;
static volatile sig_atomic_t told;
static int fillers[4096], filled;

static void on_child(int signal)
{
    (void)signal;
    told++;
}

static void said(const char *step, int status)
{
    char text[1024] = "";
    if (status != 0)
        zeus_amd_last_error(text, sizeof text);
    printf("%s %d %s\n", step, status, text);
    fflush(stdout);
}

static void log_line(uint32_t level, const char *text, void *user)
{
    (void)user;
    printf("log %u %s\n", level, text);
}

static void *spin(void *stop)
{
    while (!*(volatile int *)stop)
        free(malloc(100));
    return NULL;
}

/* Until a thread of libamd_smi's initialisation has ended it holds a descriptor. */
static void settle(void)
{
    while (entries("/proc/self/task") > 3)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static const char *next(char ***at) { return *++*at; }

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    static int stop;

    (void)argc;
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (zeus_amd_open(&options, &z) != ZEUS_AMD_STATUS_OK)
        return 1;
    for (char **at = argv + 1; *at != NULL; at++) {
        const char *step = *at;
        if (strcmp(step, "begin") == 0 || strcmp(step, "watch") == 0) {
            uint32_t flags = step[0] == 'w' ? ZEUS_AMD_GUARD_WATCHER_BIT : 0;
            int status = zeus_amd_guard_begin(z, flags, &guards[open_guards]);
            if (status != 0 || guards[open_guards] == NULL)
                said(step, status);
            open_guards++;
        } else if (strcmp(step, "flags") == 0) {
            said(step, zeus_amd_guard_begin(z, 6, &guards[7]));
        } else if (strcmp(step, "end") == 0) {
            int status = zeus_amd_guard_end(guards[open_guards - 1]);
            said(step, status);
            /* After a failure it is open still. */
            open_guards -= status == 0;
        } else if (strcmp(step, "info") == 0) {
            zeus_amd_guard_info_t i = ZEUS_AMD_GUARD_INFO_INIT;
            int status = zeus_amd_guard_info(guards[open_guards - 1], (uint32_t)atoi(next(&at)), &i);
            if (status != 0)
                said(step, status);
            else
                printf("info gpu %u valid %u flags %u: %llu mW, %u to %u, %u to %u MHz\n", i.gpu, i.valid, i.flags,
                       (unsigned long long)i.power_limit_mw, i.graphics_min_mhz, i.graphics_max_mhz, i.memory_min_mhz,
                       i.memory_max_mhz);
            fflush(stdout);
        } else if (strcmp(step, "log") == 0) {
            (void)!zeus_amd_set_log(log_line, ZEUS_AMD_LOG_WARNING, NULL);
        } else if (strcmp(step, "limit_fds") == 0) {
            struct rlimit few = {256, 256};
            if (setrlimit(RLIMIT_NOFILE, &few) != 0)
                return 1;
        } else if (strcmp(step, "fill_fds") == 0) {
            settle();
            while (filled < 4096 && (fillers[filled] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
                filled++;
        } else if (strcmp(step, "settle") == 0) {
            settle();
        } else if (strcmp(step, "free_fds") == 0) {
            while (filled > 0)
                close(fillers[--filled]);
        } else if (strcmp(step, "reset_limit") == 0) {
            int status = zeus_amd_reset_power_limit(z, (uint32_t)atoi(next(&at)));
            if (status != 0)
                said(step, status);
        } else if (strcmp(step, "reset_gfx") == 0) {
            int status = zeus_amd_reset_graphics_clocks(z, (uint32_t)atoi(next(&at)));
            if (status != 0)
                said(step, status);
        } else if (strcmp(step, "end_first") == 0) {
            said(step, zeus_amd_guard_end(guards[0]));
            guards[0] = NULL;
        } else if (strcmp(step, "close_fd") == 0) {
            close(atoi(next(&at)));
        } else if (strcmp(step, "write_fd") == 0) {
            if (write(atoi(next(&at)), "noise\n", 6) == 6)
                printf("write_fd somebody has it\n");
        } else if (strcmp(step, "remove") == 0) {
            if (unlink(next(&at)) != 0)
                return 1;
        } else if (strcmp(step, "limit") == 0) {
            uint32_t gpu = (uint32_t)atoi(next(&at));
            int status = zeus_amd_set_power_limit_mw(z, gpu, strtoull(next(&at), NULL, 10));
            if (status != 0)
                said(step, status);
        } else if (strcmp(step, "gfx") == 0 || strcmp(step, "mem") == 0) {
            uint32_t gpu = (uint32_t)atoi(next(&at));
            uint32_t low = (uint32_t)atoi(next(&at)), high = (uint32_t)atoi(next(&at));
            int status = step[0] == 'g' ? zeus_amd_lock_graphics_clocks_mhz(z, gpu, low, high)
                                        : zeus_amd_lock_memory_clocks_mhz(z, gpu, low, high);
            if (status != 0)
                said(step, status);
        } else if (strcmp(step, "say") == 0) {
            printf("%s\n", next(&at));
            fflush(stdout);
        } else if (strcmp(step, "await") == 0) {
            char byte;
            if (read(0, &byte, 1) < 0)
                return 1;
        } else if (strcmp(step, "sleep_ms") == 0) {
            usleep((useconds_t)atoi(next(&at)) * 1000);
        } else if (strcmp(step, "close") == 0) {
            zeus_amd_close(z);
            z = NULL;
        } else if (strcmp(step, "abort") == 0) {
            abort();
        } else if (strcmp(step, "exit") == 0) {
            exit(0);
        } else if (strcmp(step, "return") == 0) {
            return 0;
        } else if (strcmp(step, "kill") == 0) {
            kill(getpid(), SIGKILL);
        } else if (strcmp(step, "exec") == 0) {
            execlp("sleep", "sleep", "60", (char *)NULL);
        } else if (strcmp(step, "fork_exec") == 0 || strcmp(step, "fork") == 0) {
            pid_t child = fork();
            if (child == 0) {
                if (strcmp(step, "fork_exec") == 0)
                    execlp("sleep", "sleep", "60", (char *)NULL);
                /* The parent's guard is not the child's to end. */
                int status = zeus_amd_guard_end(guards[open_guards - 1]);
                zeus_amd_close(z);
                sleep(status == ZEUS_AMD_STATUS_FORKED ? 60 : 0);
                _exit(0);
            }
        } else if (strcmp(step, "threads") == 0) {
            pthread_t thread;
            for (int i = 0; i < 3; i++)
                if (pthread_create(&thread, NULL, spin, &stop) != 0)
                    return 1;
        } else if (strcmp(step, "memory") == 0) {
            /* 256 MB in use, below which is the place for what is mapped next, as one with it. */
            size_t size = (size_t)256 << 20, page = (size_t)sysconf(_SC_PAGESIZE);
            char *big = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *fill;
            memset(big, 1, size);
            do
                fill = mmap(NULL, 16 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            while (fill > big);
            munmap(fill, 16 * page);
        } else if (strcmp(step, "heap") == 0) {
            /* The same in pieces. */
            for (size_t i = 0; i < (size_t)256 << 4; i++)
                memset(malloc((size_t)1 << 16), 1, (size_t)1 << 16);
        } else if (strcmp(step, "on_sigchld") == 0) {
            struct sigaction action;
            memset(&action, 0, sizeof action);
            action.sa_handler = on_child;
            sigaction(SIGCHLD, &action, NULL);
        } else if (strcmp(step, "ignore_sigchld") == 0) {
            signal(SIGCHLD, SIG_IGN);
        } else if (strcmp(step, "sigchlds") == 0) {
            printf("sigchlds %d\n", (int)told);
        } else if (strcmp(step, "wait_any") == 0) {
            int code = waitpid(-1, NULL, WNOHANG);
            printf("wait_any %s\n", code < 0 && errno == ECHILD ? "ECHILD" : "something");
        } else if (strcmp(step, "descriptors") == 0) {
            printf("descriptors %d\n", entries("/proc/self/fd"));
        } else if (strcmp(step, "pid") == 0) {
            printf("pid %d\n", (int)getpid());
            fflush(stdout);
        } else {
            fprintf(stderr, "no step %s\n", step);
            return 2;
        }
    }
    zeus_amd_close(z);
    return 0;
}
