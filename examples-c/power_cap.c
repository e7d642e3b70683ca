/* What a lower power limit costs and saves: runs a command under several.
 *
 *     power_cap [--caps W,W,... | --steps N] [--gpu I]... [--csv FILE] -- command arguments...
 *
 * Sets each limit on the chosen GPUs (all that have one), runs the command and
 * prints time, energy with its uncertainty and energy x delay. Without --caps it
 * takes N (5) limits, from 40 % of the highest to the highest. The limits from
 * before come back at the end, after Ctrl-C, and even if this program is killed.
 * A signal that is ignored at the start (SIGHUP under nohup, SIGINT in the
 * background of a script) stays ignored, by the command as well. Needs root.
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

#define MOST_CAPS 64
#define MOST_GPUS 256

struct options {
    double caps_w[MOST_CAPS];
    int caps;
    int steps;
    uint32_t gpus[MOST_GPUS];
    uint32_t gpu_count;
    const char *csv;
    char **command;
    /* The first of the results: with it things are said that need no saying twice. */
    const struct result *first;
};

struct result {
    /* How long the command took; the energy, by how much it may be off, and the mean power of the time of each energy. */
    double cap_w, seconds, joules, uncertainty, watts;
    /* Does joules hold? */
    int counted;
    int status;
};

static int complain(const char *what)
{
    char text[1024];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "power_cap: %s: %s\n", what, text);
    return 1;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* "300,400,500" */
static int parse_caps(const char *text, struct options *o)
{
    for (;;) {
        char *end = NULL;
        double watts = strtod(text, &end);
        if (end == text || !(watts > 0 && watts < 1e6) || o->caps == MOST_CAPS)
            return 0;
        o->caps_w[o->caps++] = watts;
        if (*end == '\0')
            return 1;
        if (*end != ',')
            return 0;
        text = end + 1;
    }
}

static int parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--") == 0 && i + 1 < argc) {
            o->command = argv + i + 1;
            return 1;
        }
        if (i + 1 == argc)
            return 0;
        if (strcmp(argv[i], "--caps") == 0) {
            if (!parse_caps(argv[++i], o))
                return 0;
        } else if (strcmp(argv[i], "--steps") == 0) {
            long steps = strtol(argv[++i], &end, 10);
            if (*end != '\0' || steps < 1 || steps > MOST_CAPS)
                return 0;
            o->steps = (int)steps;
        } else if (strcmp(argv[i], "--gpu") == 0) {
            unsigned long gpu = strtoul(argv[++i], &end, 10);
            if (*end != '\0' || end == argv[i] || gpu > UINT32_MAX || o->gpu_count == MOST_GPUS)
                return 0;
            /* Named twice it would be counted twice. */
            for (uint32_t g = 0; g < o->gpu_count; g++)
                if (o->gpus[g] == gpu)
                    return 0;
            o->gpus[o->gpu_count++] = (uint32_t)gpu;
        } else if (strcmp(argv[i], "--csv") == 0) {
            o->csv = argv[++i];
        } else {
            return 0;
        }
    }
    return 0;
}

/* All GPUs that have a power limit of their own; a secondary die (GCD) has none. */
static int choose_gpus(zeus_amd_session_t *z, struct options *o)
{
    uint32_t count = 0;
    if (zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
        return complain("zeus_amd_gpu_count");
    for (uint32_t i = 0; i < count && o->gpu_count < MOST_GPUS; i++) {
        uint64_t limit = 0;
        if (zeus_amd_power_limit_mw(z, i, &limit) == ZEUS_AMD_STATUS_OK)
            o->gpus[o->gpu_count++] = i;
    }
    if (o->gpu_count == 0) {
        char text[4096] = "";
        fprintf(stderr, "power_cap: none of the %" PRIu32 " GPUs has a power limit\n", count);
        if (count == 0 && zeus_amd_explain(z, text, sizeof text, NULL) == ZEUS_AMD_STATUS_OK)
            fprintf(stderr, "%s", text);
        return 1;
    }
    return 0;
}

/* Limits that all chosen GPUs can have, in equal steps. */
static int choose_caps(zeus_amd_session_t *z, struct options *o)
{
    uint64_t low = 0, high = UINT64_MAX;
    for (uint32_t i = 0; i < o->gpu_count; i++) {
        uint64_t min = 0, max = 0;
        if (zeus_amd_power_limit_range_mw(z, o->gpus[i], &min, &max) != ZEUS_AMD_STATUS_OK)
            return complain("zeus_amd_power_limit_range_mw");
        low = min > low ? min : low;
        high = max < high ? max : high;
    }
    if (low < high / 10 * 4)
        low = high / 10 * 4;
    if (low > high)
        low = high;
    for (int i = 0; i < o->steps; i++) {
        double part = o->steps > 1 ? (double)i / (double)(o->steps - 1) : 1;
        /* Whole watts; never above the range. */
        o->caps_w[o->caps++] = (double)(uint64_t)(((double)low + part * (double)(high - low)) / 1e3);
    }
    return 0;
}

/* Better now than in the middle of the sweep. */
static int check_caps(zeus_amd_session_t *z, const struct options *o)
{
    for (uint32_t i = 0; i < o->gpu_count; i++) {
        uint64_t min = 0, max = 0;
        if (zeus_amd_power_limit_range_mw(z, o->gpus[i], &min, &max) != ZEUS_AMD_STATUS_OK)
            return complain("zeus_amd_power_limit_range_mw");
        for (int c = 0; c < o->caps; c++)
            if (o->caps_w[c] * 1e3 < (double)min || o->caps_w[c] * 1e3 > (double)max) {
                fprintf(stderr, "power_cap: GPU %" PRIu32 ": %g W is not within its range, %g to %g W\n", o->gpus[i],
                        o->caps_w[c], (double)min / 1e3, (double)max / 1e3);
                return 1;
            }
    }
    return 0;
}

/* Ends the window, and adds up the energies of the chosen GPUs: 0, or the exit status to end with. Without one of them the
 * sum is none; why is said with the first result. */
static int add_up(zeus_amd_window_t *window, const struct options *o, struct result *r)
{
    zeus_amd_total_energy_t all = ZEUS_AMD_TOTAL_ENERGY_INIT;
    const zeus_amd_gpu_energy_t empty = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_gpu_energy_t gpus[MOST_GPUS];
    uint32_t count = MOST_GPUS;

    gpus[0] = empty;
    /* Where no GPU has an energy the total is refused, and the rest is written all the same. */
    if (zeus_amd_window_end(window, &all, gpus, &count) != ZEUS_AMD_STATUS_OK &&
        !(all.packages == 0 && all.duration_ns > 0))
        return complain("zeus_amd_window_end");
    r->counted = 1;
    for (uint32_t i = 0; i < o->gpu_count; i++) {
        const zeus_amd_gpu_energy_t *g = gpus + o->gpus[i];
        if (g->method == ZEUS_AMD_METHOD_NONE || g->status != ZEUS_AMD_STATUS_OK) {
            if (r == o->first)
                fprintf(stderr, "power_cap: the energy of GPU %" PRIu32 " is not known (%s); only time is measured\n",
                        o->gpus[i], zeus_amd_status_string(g->status));
            r->counted = 0;
            return 0;
        }
        r->joules += (double)g->energy_mj * 1e-3;
        r->uncertainty += (double)g->uncertainty_mj * 1e-3;
        r->watts += (double)g->mean_power_mw * 1e-3;
    }
    return 0;
}

/* Runs the command; its status as waitpid() has it, or -1. */
static int run(char **command)
{
    int status = 0;
    struct sigaction ignore, standard, old_int, old_quit, old_chld;
    pid_t child;

    /* Ctrl-C ends the command; this program then puts the limits back. */
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
    if (child == 0) {
        sigaction(SIGINT, &old_int, NULL);
        sigaction(SIGQUIT, &old_quit, NULL);
        sigaction(SIGCHLD, &old_chld, NULL);
        execvp(command[0], command);
        fprintf(stderr, "power_cap: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    if (child < 0) {
        fprintf(stderr, "power_cap: fork: %s\n", strerror(errno));
        status = -1;
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGQUIT, &old_quit, NULL);
    sigaction(SIGCHLD, &old_chld, NULL);
    return status;
}

/* One limit: 0 to go on, else the exit status to end with. */
static int measure(zeus_amd_session_t *z, const struct options *o, struct result *r)
{
    zeus_amd_window_t *window = NULL;
    uint64_t limit_mw;
    double start;
    int failed;

    for (uint32_t i = 0; i < o->gpu_count; i++)
        if (zeus_amd_set_power_limit_mw(z, o->gpus[i], (uint64_t)(r->cap_w * 1e3)) != ZEUS_AMD_STATUS_OK)
            return complain("zeus_amd_set_power_limit_mw");
    /* The driver takes whole watts. */
    if (zeus_amd_power_limit_mw(z, o->gpus[0], &limit_mw) == ZEUS_AMD_STATUS_OK)
        r->cap_w = (double)limit_mw / 1e3;
    if (zeus_amd_window_begin(z, &window) != ZEUS_AMD_STATUS_OK)
        return complain("zeus_amd_window_begin");
    start = now_s();
    r->status = run(o->command);
    r->seconds = now_s() - start;
    failed = add_up(window, o, r);
    if (failed)
        return failed;
    if (r->status == -1 || (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 127))
        return 127;
    /* Interrupted: the person wants out. */
    if (WIFSIGNALED(r->status) && (WTERMSIG(r->status) == SIGINT || WTERMSIG(r->status) == SIGQUIT))
        return 128 + WTERMSIG(r->status);
    if (WIFEXITED(r->status) && (WEXITSTATUS(r->status) == 128 + SIGINT || WEXITSTATUS(r->status) == 128 + SIGQUIT))
        return WEXITSTATUS(r->status);
    return 0;
}

static void print_table(const struct result *results, int count)
{
    int least = -1, best = -1;

    for (int i = 0; i < count; i++) {
        const struct result *r = results + i;
        if (!r->counted || r->status != 0)
            continue;
        if (least < 0 || r->joules < results[least].joules)
            least = i;
        if (best < 0 || r->joules * r->seconds < results[best].joules * results[best].seconds)
            best = i;
    }
    printf("\n%8s  %10s  %14s  %12s  %10s  %16s\n", "limit", "time", "energy", "+-", "mean power", "energy x delay");
    for (int i = 0; i < count; i++) {
        const struct result *r = results + i;
        const char *note = r->status != 0 ? "  the command failed" : "";
        printf("%6.0f W  %8.3f s  ", r->cap_w, r->seconds);
        if (r->counted)
            printf("%12.3f J  %10.3f J  %8.1f W  %14.3f Js", r->joules, r->uncertainty, r->watts, r->joules * r->seconds);
        else
            printf("%14s  %12s  %10s  %16s", "-", "-", "-", "-");
        printf("%s%s%s\n", note, i == least ? "  least energy" : "", i == best ? "  best energy x delay" : "");
    }
}

static int write_csv(const char *name, const struct result *results, int count)
{
    FILE *file = fopen(name, "w");

    if (file == NULL) {
        fprintf(stderr, "power_cap: %s: %s\n", name, strerror(errno));
        return 1;
    }
    fprintf(file, "limit_w,time_s,energy_j,uncertainty_j,mean_w,energy_delay_js,status\n");
    for (int i = 0; i < count; i++) {
        const struct result *r = results + i;
        int code = WIFSIGNALED(r->status) ? 128 + WTERMSIG(r->status) : WEXITSTATUS(r->status);
        fprintf(file, "%g,%.6f,", r->cap_w, r->seconds);
        if (r->counted)
            fprintf(file, "%.6f,%.6f,%.3f,%.6f,", r->joules, r->uncertainty, r->watts, r->joules * r->seconds);
        else
            fprintf(file, ",,,,");
        fprintf(file, "%d\n", code);
    }
    if (fclose(file) != 0) {
        fprintf(stderr, "power_cap: %s: %s\n", name, strerror(errno));
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    struct result results[MOST_CAPS];
    zeus_amd_session_t *z = NULL;
    zeus_amd_guard_t *guard = NULL;
    int status = 0, done = 0;

    memset(&o, 0, sizeof o);
    memset(results, 0, sizeof results);
    o.steps = 5;
    o.first = results;
    if (!parse(argc, argv, &o)) {
        fprintf(stderr, "usage: %s [--caps W,W,... | --steps N] [--gpu I]... [--csv FILE] -- command arguments...\n",
                argv[0]);
        return 2;
    }
    if (zeus_amd_open(NULL, &z) != ZEUS_AMD_STATUS_OK)
        return complain("zeus_amd_open");
    if (o.gpu_count == 0)
        status = choose_gpus(z, &o);
    if (status == 0 && o.caps == 0)
        status = choose_caps(z, &o);
    if (status == 0)
        status = check_caps(z, &o);
    /* From here on the limits come back, whatever happens. */
    if (status == 0 && zeus_amd_guard_begin(z, ZEUS_AMD_GUARD_WATCHER_BIT, &guard) != ZEUS_AMD_STATUS_OK)
        status = complain("zeus_amd_guard_begin");
    for (int i = 0; i < o.caps && status == 0; i++) {
        results[i].cap_w = o.caps_w[i];
        status = measure(z, &o, results + i);
        if (status == 0)
            done = i + 1;
    }
    if (zeus_amd_guard_end(guard) != ZEUS_AMD_STATUS_OK)
        status = complain("the limits could not be restored");
    zeus_amd_close(z);
    z = NULL;
    if (done > 0)
        print_table(results, done);
    if (o.csv != NULL && done > 0 && write_csv(o.csv, results, done) != 0)
        status = 1;
    for (int i = 0; i < done && status == 0; i++)
        if (results[i].status != 0)
            status = 1;
    return status;
}
