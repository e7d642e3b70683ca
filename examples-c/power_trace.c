/* Power of each GPU over time, while a command runs.
 *
 *     power_trace [--seconds N] [--period-us N] [--csv FILE] [--trace FILE] [-- command arguments...]
 *
 * Samples all GPUs, every N microseconds or as fast as their readings change,
 * until the command ends (or for N seconds, 2 if nothing is said), then prints
 * the energy of each. FILE of --csv has a line for each sample. FILE of --trace
 * opens in Perfetto (ui.perfetto.dev) or chrome://tracing with one track of power
 * for each GPU: a step for each sample, so that its area is the energy. Ends with
 * the command's own exit status.
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

enum { ROOM = 4096 };

/* What is known of one GPU so far. */
struct track {
    int begun, integrated, gaps;
    uint64_t first_ns, last_ns, first_uj, last_uj;
};

struct output {
    FILE *csv, *trace;
    struct track *tracks;
    uint64_t lost;
};

static int failed(const char *what)
{
    char text[1024];
    zeus_amd_last_error(text, sizeof text);
    fprintf(stderr, "power_trace: %s: %s\n", what, text);
    return 1;
}

/* Opens a file that is wanted, and writes its beginning. */
static int create(FILE **f, const char *name, const char *beginning)
{
    if (name == NULL)
        return 0;
    *f = fopen(name, "w");
    if (*f == NULL) {
        fprintf(stderr, "power_trace: %s: %s\n", name, strerror(errno));
        return 1;
    }
    fputs(beginning, *f);
    return 0;
}

static int finish(FILE *f)
{
    if (f == NULL || (ferror(f) | fclose(f)) == 0)
        return 0;
    fprintf(stderr, "power_trace: writing: %s\n", strerror(errno));
    return 1;
}

/* A step begins: from this time on the GPU draws so many watts. Microseconds, as the format has it. */
static void step(FILE *trace, uint32_t gpu, uint64_t time_ns, double watts)
{
    fprintf(trace, ",\n{\"ph\":\"C\",\"pid\":1,\"name\":\"GPU %" PRIu32 "\",\"ts\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"W\":%.6f}}",
            gpu, time_ns / 1000, time_ns % 1000, watts);
}

static void put(struct output *o, const zeus_amd_sample_t *s)
{
    struct track *t = &o->tracks[s->gpu];
    if (o->csv != NULL) {
        fprintf(o->csv, "%" PRIu64 ",%" PRIu32 ",", s->time_ns, s->gpu);
        if (s->valid & ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT)
            fprintf(o->csv, "%" PRIu64, s->energy_uj);
        fputc(',', o->csv);
        if (s->valid & ZEUS_AMD_SAMPLE_VALID_POWER_BIT)
            fprintf(o->csv, "%" PRIu64, s->power_mw);
        fputc(',', o->csv);
        if (s->valid & ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT)
            fprintf(o->csv, "%" PRIu64, s->counter_power_mw);
        fprintf(o->csv, ",%" PRIu32 ",%" PRIu32 "\n", s->valid, s->flags);
    }
    if (!(s->valid & ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT))
        return;
    if (!t->begun) {
        t->begun = 1;
        t->first_ns = s->time_ns;
        t->first_uj = s->energy_uj;
    } else if (o->trace != NULL && s->time_ns > t->last_ns) {
        double uj = (double)(s->energy_uj - t->last_uj), ns = (double)(s->time_ns - t->last_ns);
        step(o->trace, s->gpu, t->last_ns, uj * 1e3 / ns);
    }
    t->last_ns = s->time_ns;
    t->last_uj = s->energy_uj;
    t->integrated |= (s->flags & ZEUS_AMD_SAMPLE_FLAG_INTEGRATED_BIT) != 0;
    t->gaps += (s->flags & ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT) != 0;
}

static int drain(zeus_amd_sampler_t *sampler, struct output *o)
{
    static zeus_amd_sample_t samples[ROOM];
    const zeus_amd_sample_t empty = ZEUS_AMD_SAMPLE_INIT;
    uint32_t count;
    do {
        uint64_t lost = 0;
        count = ROOM;
        samples[0] = empty;
        if (zeus_amd_sampler_drain(sampler, samples, &count, &lost) != ZEUS_AMD_STATUS_OK)
            return failed("zeus_amd_sampler_drain");
        o->lost += lost;
        for (uint32_t i = 0; i < count; i++)
            put(o, &samples[i]);
    } while (count == ROOM);
    return 0;
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static double now_s(void)
{
    return (double)zeus_amd_now_ns() * 1e-9;
}

/* Drains until the command ends, or the time is over; the exit status as a shell has it. */
static int watch(zeus_amd_sampler_t *sampler, struct output *o, char **command, double seconds)
{
    double end = now_s() + seconds;
    int status = 0, drained = 0;
    struct sigaction ignore, standard, old_int, old_quit, old_chld;
    pid_t child;

    if (command == NULL) {
        while (now_s() < end) {
            pause_ms(20);
            if (drain(sampler, o) != 0)
                return 1;
        }
        return 0;
    }
    /* Ctrl-C is for the command; this program still has to report. */
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGINT, &ignore, &old_int);
    sigaction(SIGQUIT, &ignore, &old_quit);
    /* Ignored, it would take the command's status away. */
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, &old_chld);
    fflush(NULL);
    child = fork();
    if (child < 0) {
        fprintf(stderr, "power_trace: fork: %s\n", strerror(errno));
        return 126;
    }
    if (child == 0) {
        sigaction(SIGINT, &old_int, NULL);
        sigaction(SIGQUIT, &old_quit, NULL);
        sigaction(SIGCHLD, &old_chld, NULL);
        execvp(command[0], command);
        fprintf(stderr, "power_trace: %s: %s\n", command[0], strerror(errno));
        _exit(127);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        pause_ms(20);
        if (drained == 0)
            drained = drain(sampler, o);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report(const struct output *o, uint32_t count)
{
    double all = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct track *t = &o->tracks[i];
        double joules = (double)(t->last_uj - t->first_uj) / 1e6;
        double seconds = (double)(t->last_ns - t->first_ns) / 1e9;
        if (!t->begun || seconds <= 0) {
            printf("GPU %" PRIu32 ": nothing of its own\n", i);
            continue;
        }
        all += joules;
        printf("GPU %" PRIu32 ": %.3f J in %.3f s (%.1f W), %s%s\n", i, joules, seconds, joules / seconds,
               t->integrated ? "by power" : "by its counter", t->gaps ? ", with gaps" : "");
    }
    printf("all: %.3f J\n", all);
    if (o->lost > 0)
        printf("%" PRIu64 " samples came too fast and were lost; energies are right all the same\n", o->lost);
}

/* Samples while the command runs, or for so long; the exit status. */
static int trace_power(zeus_amd_session_t *z, const zeus_amd_sampler_options_t *options, struct output *o, char **command, double seconds)
{
    zeus_amd_sampler_t *sampler = NULL;
    uint32_t count;
    int status;

    if (zeus_amd_gpu_count(z, &count) != ZEUS_AMD_STATUS_OK)
        return failed("zeus_amd_gpu_count");
    if (zeus_amd_sampler_start(z, options, &sampler) != ZEUS_AMD_STATUS_OK)
        return failed("zeus_amd_sampler_start");
    o->tracks = calloc(count + 1, sizeof *o->tracks);
    if (o->tracks == NULL) {
        fprintf(stderr, "power_trace: out of memory\n");
        status = 1;
    } else {
        status = watch(sampler, o, command, seconds);
        if (zeus_amd_sampler_stop(sampler) != ZEUS_AMD_STATUS_OK)
            status = failed("zeus_amd_sampler_stop");
        if (drain(sampler, o) != 0)
            status = 1;
        report(o, count);
    }
    /* The last step ends. */
    for (uint32_t i = 0; o->trace != NULL && o->tracks != NULL && i < count; i++)
        if (o->tracks[i].begun)
            step(o->trace, i, o->tracks[i].last_ns, 0.0);
    free(o->tracks);
    zeus_amd_sampler_free(sampler);
    return status;
}

static int usage(void)
{
    fprintf(stderr, "usage: power_trace [--seconds N] [--period-us N] [--csv FILE] [--trace FILE] [-- command arguments...]\n");
    return 2;
}

int main(int argc, char **argv)
{
    zeus_amd_sampler_options_t options = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    struct output o = {NULL, NULL, NULL, 0};
    const char *csv = NULL, *trace = NULL;
    char **command = NULL;
    zeus_amd_session_t *z;
    double seconds = 2;
    int status = 1, at;

    for (at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--") == 0) {
            command = argv + at + 1;
            break;
        }
        if (at + 1 == argc)
            return usage();
        if (strcmp(argv[at], "--seconds") == 0)
            seconds = strtod(argv[++at], NULL);
        else if (strcmp(argv[at], "--period-us") == 0)
            options.period_ns = strtoull(argv[++at], NULL, 10) * 1000;
        else if (strcmp(argv[at], "--csv") == 0)
            csv = argv[++at];
        else if (strcmp(argv[at], "--trace") == 0)
            trace = argv[++at];
        else
            return usage();
    }
    if (command != NULL && *command == NULL)
        return usage();

    if (zeus_amd_open(NULL, &z) != ZEUS_AMD_STATUS_OK)
        return failed("no session");
    if (create(&o.csv, csv, "time_ns,gpu,energy_uj,power_mw,counter_power_mw,valid,flags\n") == 0 &&
        create(&o.trace, trace,
               "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
               "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"AMD GPUs\"}}") == 0)
        status = trace_power(z, &options, &o, command, seconds);
    if (o.trace != NULL)
        fprintf(o.trace, "\n]}\n");
    if ((finish(o.csv) | finish(o.trace)) != 0)
        status = 1;
    zeus_amd_close(z);
    return status;
}
