/* Energy of each GPU while a command runs.
 *
 *     energy_report [--seconds N] [-- command arguments...]
 *
 * Prints the GPUs, runs the command (or waits N seconds, 2 by default), and prints
 * the energy, the mean power and the time of each GPU and of all. The exit status
 * is the command's. Ctrl-C ends the command or the wait, and the report still
 * comes; where SIGINT is ignored at the start, as under nohup or in the background
 * of a script, it stays ignored.
 */
#define _POSIX_C_SOURCE 200809L

#include <zeus_amd.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void complain(const char *what)
{
    char text[1024];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "energy_report: %s: %s\n", what, text);
}

/* A number with its unit, or "-" where there is none. */
static void cell(char *to, size_t room, zeus_amd_status_t status, double value, const char *unit)
{
    if (status == ZEUS_AMD_STATUS_OK)
        snprintf(to, room, "%.0f %s", value, unit);
    else
        snprintf(to, room, "-");
}

static void print_table(zeus_amd_session_t *z, uint32_t count)
{
    printf("%3s  %-28s  %-12s  %8s  %-19s  %8s  %6s\n", "GPU", "name", "PCI address", "power",
           "counter", "limit", "temp");
    for (uint32_t i = 0; i < count; i++) {
        zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
        uint64_t power = 0, limit = 0;
        int32_t temperature = 0;
        char power_text[32], limit_text[32], temperature_text[32];
        zeus_amd_status_t status;

        if (zeus_amd_gpu_info(z, i, &info) != ZEUS_AMD_STATUS_OK) {
            complain("zeus_amd_gpu_info");
            continue;
        }
        /* MI300 and later report the power of this moment, earlier GPUs an average. */
        status = zeus_amd_power_instant_mw(z, i, &power);
        if (status != ZEUS_AMD_STATUS_OK)
            status = zeus_amd_power_average_mw(z, i, &power);
        cell(power_text, sizeof power_text, status, (double)power / 1e3, "W");
        status = zeus_amd_power_limit_mw(z, i, &limit);
        cell(limit_text, sizeof limit_text, status, (double)limit / 1e3, "W");
        status = zeus_amd_temperature_c(z, i, &temperature);
        cell(temperature_text, sizeof temperature_text, status, temperature, "C");
        printf("%3" PRIu32 "  %-28.28s  %-12s  %8s  %-19s  %8s  %6s\n", i, info.name, info.pci_address,
               power_text, zeus_amd_counter_state_string(info.counter_state), limit_text, temperature_text);
    }
}

/* Runs the command; its exit status as a shell has it. */
static int run(char **command)
{
    int status = 0;
    struct sigaction ignore, standard, old_int, old_quit, old_chld;
    pid_t child;

    /* Ctrl-C is for the command; this program still has to report. */
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignore, &old_int);
    sigaction(SIGQUIT, &ignore, &old_quit);
    /* Ignored, it would take the command's status away. */
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, &old_chld);
    fflush(stdout);
    child = fork();
    if (child < 0) {
        fprintf(stderr, "energy_report: fork: %s\n", strerror(errno));
        return 126;
    }
    if (child == 0) {
        sigaction(SIGINT, &old_int, NULL);
        sigaction(SIGQUIT, &old_quit, NULL);
        sigaction(SIGCHLD, &old_chld, NULL);
        execvp(command[0], command);
        fprintf(stderr, "energy_report: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGQUIT, &old_quit, NULL);
    sigaction(SIGCHLD, &old_chld, NULL);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    interrupted = signal;
}

/* Waits, or until Ctrl-C, unless that is ignored: then there is a report as well. */
static int wait_s(double seconds)
{
    struct sigaction stop, old;
    struct timespec t;

    memset(&stop, 0, sizeof stop);
    stop.sa_handler = on_interrupt;
    sigaction(SIGINT, NULL, &old);
    if (old.sa_handler != SIG_IGN)
        sigaction(SIGINT, &stop, NULL);
    fflush(stdout);
    t.tv_sec = (time_t)seconds;
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    while (!interrupted && nanosleep(&t, &t) != 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &old, NULL);
    return interrupted ? 128 + interrupted : 0;
}

/* How the energy was obtained, or why there is none. */
static const char *how(const zeus_amd_gpu_energy_t *g)
{
    if (g->method != ZEUS_AMD_METHOD_NONE)
        return zeus_amd_method_string(g->method);
    switch (g->counter_state) {
    case ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE: return "counted with the primary die of its package";
    case ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION: return "counted with the first partition of its package";
    default: return zeus_amd_status_string(g->status);
    }
}

static void print_energies(const zeus_amd_gpu_energy_t *gpus, uint32_t count, const zeus_amd_total_energy_t *all)
{
    printf("\n%3s  %14s  %12s  %12s  %10s  %s\n", "GPU", "energy", "+-", "mean power", "time", "method");
    for (uint32_t i = 0; i < count; i++) {
        const zeus_amd_gpu_energy_t *g = &gpus[i];
        if (g->method == ZEUS_AMD_METHOD_NONE)
            printf("%3" PRIu32 "  %14s  %s\n", i, "-", how(g));
        else
            printf("%3" PRIu32 "  %12.3f J  %10.3f J  %10.1f W  %8.3f s  %s\n", i, (double)g->energy_mj / 1e3,
                   (double)g->uncertainty_mj / 1e3, (double)g->mean_power_mw / 1e3, (double)g->duration_ns / 1e9, how(g));
    }
    if (all->packages > 0)
        printf("all  %12.3f J  %10.3f J  %10.1f W  %8.3f s  (%" PRIu32 " package%s)\n", (double)all->energy_mj / 1e3,
               (double)all->uncertainty_mj / 1e3, (double)all->mean_power_mw / 1e3, (double)all->duration_ns / 1e9,
               all->packages, all->packages == 1 ? "" : "s");
    else
        printf("all  %14s  %12s  %12s  %8.3f s  (no energy is known)\n", "-", "-", "-", (double)all->duration_ns / 1e9);
    if (all->packages > 0 && all->missing > 0)
        printf("     without %" PRIu32 " package%s whose energy is not known\n", all->missing,
               all->missing == 1 ? "" : "s");
}

/* No GPU: why not. */
static void explain(zeus_amd_session_t *z)
{
    char text[4096] = "";
    if (zeus_amd_explain(z, text, sizeof text, NULL) == ZEUS_AMD_STATUS_OK)
        printf("%s", text);
}

/* A window around the command, or the wait; the exit status. */
static int measure(zeus_amd_session_t *z, uint32_t count, char **command, double seconds)
{
    zeus_amd_window_t *window = NULL;
    zeus_amd_total_energy_t all = ZEUS_AMD_TOTAL_ENERGY_INIT;
    const zeus_amd_gpu_energy_t empty = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_gpu_energy_t *gpus = calloc(count, sizeof *gpus);
    int status = 1;

    if (gpus == NULL) {
        fprintf(stderr, "energy_report: out of memory\n");
        return 1;
    }
    gpus[0] = empty;
    if (zeus_amd_window_begin(z, &window) != ZEUS_AMD_STATUS_OK) {
        complain("zeus_amd_window_begin");
    } else {
        status = command != NULL ? run(command) : wait_s(seconds);
        /* Where no GPU has an energy the total is refused, and the rest is written all the same. */
        if (zeus_amd_window_end(window, &all, gpus, &count) == ZEUS_AMD_STATUS_OK ||
            (all.packages == 0 && all.duration_ns > 0)) {
            print_energies(gpus, count, &all);
        } else {
            complain("zeus_amd_window_end");
            status = 1;
        }
    }
    free(gpus);
    return status;
}

/* All there is to say of a session; the exit status. */
static int report(zeus_amd_session_t *z, char **command, double seconds)
{
    zeus_amd_session_info_t about = ZEUS_AMD_SESSION_INFO_INIT;

    if (zeus_amd_session_info(z, &about) != ZEUS_AMD_STATUS_OK) {
        complain("zeus_amd_session_info");
        return 1;
    }
    if (!(about.valid & ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT))
        printf("zeus_amd %s, without libamd_smi, %" PRIu32 " GPU%s\n\n", zeus_amd_version_string(), about.gpu_count,
               about.gpu_count == 1 ? "" : "s");
    else
        printf("zeus_amd %s, libamd_smi %" PRIu32 ".%" PRIu32 ".%" PRIu32 " (ROCm %s), %" PRIu32 " GPU%s\n\n",
               zeus_amd_version_string(), about.amdsmi_version_0, about.amdsmi_version_1, about.amdsmi_version_2,
               about.rocm, about.gpu_count, about.gpu_count == 1 ? "" : "s");
    if (about.gpu_count == 0) {
        explain(z);
        return command != NULL ? run(command) : 1;
    }
    print_table(z, about.gpu_count);
    return measure(z, about.gpu_count, command, seconds);
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z = NULL;
    char **command = NULL;
    double wanted = 2;
    int status;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0 && i + 1 < argc) {
            command = argv + i + 1;
            break;
        }
        if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc) {
            char *end = NULL;
            wanted = strtod(argv[++i], &end);
            if (end != argv[i] && *end == '\0' && wanted > 0 && wanted < 1e6)
                continue;
        }
        fprintf(stderr, "usage: %s [--seconds N] [-- command arguments...]\n", argv[0]);
        return 2;
    }

    if (zeus_amd_open(NULL, &z) != ZEUS_AMD_STATUS_OK) {
        complain("zeus_amd_open");
        return 1;
    }
    status = report(z, command, wanted);
    zeus_amd_close(z);
    z = NULL;
    return status;
}
