/* Energy, time and power of a command on AMD GPUs.
 *
 *     zeus-amd-run [options] [--] command [arguments...]
 *
 * The command runs as it would without: same standard streams, signals, terminal and exit status. The report comes on
 * standard error when it has ended. See usage() for the options.
 */
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static void usage(FILE *f)
{
    fputs("usage: zeus-amd-run [options] [--] command [arguments...]\n"
          "\n"
          "Runs a command and says what the AMD GPUs used until it ended: energy with its bound, time, mean and\n"
          "peak power of each and of all together. Measured are the GPUs that ROCR_, HIP_ and CUDA_VISIBLE_DEVICES\n"
          "show to the command, whoever uses them.\n"
          "\n"
          "  --output FILE     the report goes there, not to standard error\n"
          "  --json FILE       the report for programs\n"
          "  --csv FILE        every sample, as it comes: time_ns,gpu,energy_uj,power_mw,slope_mw,flags\n"
          "  --trace FILE      every sample as a trace for Perfetto (ui.perfetto.dev): one track a GPU, area = energy\n"
          "  --svg FILE        a picture: power over time, one line a GPU\n"
          "  --gpus LIST       only these of the GPUs, such as 0,2-3\n"
          "  --all             all GPUs of the machine, whatever the environment shows\n"
          "  --period-us N     the time between two samples, at least 100; 0: as fast as the readings change, but with\n"
          "                    no more than a tenth of a processor (default)\n"
          "  --unit UNIT       a count of the energy counter: reported (as amd-smi has it; default) or firmware (2^-16 J)\n"
          "  --backend NAME    auto (default), amdsmi or sysfs\n"
          "  --require         without any energy to measure, do not run the command: 125\n"
          "  --quiet           no line on the terminal while the command runs\n"
          "  --help, --version\n"
          "\n"
          "Exit status: the command's, 128 + N if signal N ended it; 127: not found; 126: cannot be run; 125: a failure\n"
          "before it was run; 2: these options were not understood.\n", f);
}

static int word_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

/* 0, or -1 if it was not understood. */
static int parse(int argc, char **argv, struct options *o)
{
    enum { OUTPUT = 256, JSON, CSV, TRACE, SVG, GPUS, ALL, PERIOD, UNIT, BACKEND, REQUIRE, QUIET, HELP, VERSION };
    static const struct option names[] = {
        {"output", required_argument, NULL, OUTPUT}, {"json", required_argument, NULL, JSON},
        {"csv", required_argument, NULL, CSV},       {"trace", required_argument, NULL, TRACE},
        {"svg", required_argument, NULL, SVG},       {"gpus", required_argument, NULL, GPUS},
        {"all", no_argument, NULL, ALL},             {"period-us", required_argument, NULL, PERIOD},
        {"unit", required_argument, NULL, UNIT},     {"backend", required_argument, NULL, BACKEND},
        {"require", no_argument, NULL, REQUIRE},     {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP},           {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    static const char *const units[] = {"reported", "firmware", NULL};
    static const char *const backends[] = {"auto", "amdsmi", "sysfs", NULL};
    int option, n;
    char *end;
    while ((option = getopt_long(argc, argv, "+o:qh", names, NULL)) != -1) {
        switch (option) {
        case OUTPUT: case 'o': o->output = optarg; break;
        case JSON: o->json = optarg; break;
        case CSV: o->csv = optarg; break;
        case TRACE: o->trace = optarg; break;
        case SVG: o->svg = optarg; break;
        case GPUS: o->gpus = optarg; break;
        case ALL: o->all = 1; break;
        case REQUIRE: o->require = 1; break;
        case QUIET: case 'q': o->quiet = 1; break;
        case PERIOD:
            errno = 0;
            o->period_us = strtoull(optarg, &end, 10);
            if (*optarg < '0' || *optarg > '9' || *end != 0 || errno != 0 || o->period_us > 1000000000 || (o->period_us != 0 && o->period_us < 100))
                return -1;
            break;
        case UNIT:
            if ((n = word_of(optarg, units)) < 0)
                return -1;
            o->unit = (uint32_t)n;
            break;
        case BACKEND:
            if ((n = word_of(optarg, backends)) < 0)
                return -1;
            o->backend = (uint32_t)n;
            break;
        case HELP: case 'h':
            usage(stdout);
            exit(0);
        case VERSION:
            printf("zeus-amd-run %s\n", zeus_amd_version_string());
            exit(0);
        default:
            return -1;
        }
    }
    o->command = argv + optind;
    return *o->command == NULL ? -1 : 0;
}

struct files {
    FILE *output, *json, *csv, *trace, *svg;
};

static int failed(const char *name, int error)
{
    fprintf(stderr, "zeus-amd-run: %s: %s\n", name, strerror(error));
    return -1;
}

static int create(const char *name, FILE **f)
{
    if (name != NULL && (*f = fopen(name, "w")) == NULL)
        return failed(name, errno);
    return 0;
}

static int create_all(const struct options *o, struct files *f)
{
    return create(o->output, &f->output) | create(o->json, &f->json) | create(o->csv, &f->csv) | create(o->trace, &f->trace) |
           create(o->svg, &f->svg);
}

static void finish(const char *name, FILE *f)
{
    if (f == NULL)
        return;
    errno = 0;
    if ((ferror(f) | fclose(f)) != 0)
        failed(name, errno != 0 ? errno : EIO);
}

static void report_all(const struct options *o, const struct files *f, const struct measure *m, const struct child *c)
{
    char *command = join_command(o->command);
    report(f->output != NULL ? f->output : stderr, o, m, c);
    if (f->json != NULL)
        report_json(f->json, o, m, c);
    if (f->trace != NULL)
        trace_end(f->trace, m, c, command != NULL ? command : o->command[0]);
    if (f->svg != NULL)
        draw(f->svg, o, m, c);
    free(command);
    finish(o->output, f->output);
    finish(o->json, f->json);
    finish(o->csv, f->csv);
    finish(o->trace, f->trace);
    finish(o->svg, f->svg);
}

/* Until the command is over. */
static void watch(struct measure *m, struct child *c, int live)
{
    enum { DRAIN_MS = 50, LIVE_EACH = 5 };
    for (unsigned round = 1; !c->over; round++) {
        child_watch(c, DRAIN_MS);
        if (c->over)
            break;
        measure_drain(m);
        if (live && round % LIVE_EACH == 0)
            live_show(m, c);
    }
    live_clear();
}

static int give_up(struct child *c, struct measure *m, int status)
{
    child_give_up(c);
    measure_close(m);
    return status;
}

int main(int argc, char **argv)
{
    static struct measure m;
    struct options o;
    struct files f = {NULL, NULL, NULL, NULL, NULL};
    struct child c;
    int error;

    memset(&o, 0, sizeof o);
    if (parse(argc, argv, &o) != 0) {
        usage(stderr);
        return EXIT_USAGE;
    }
    error = child_prepare(&c, o.command);
    if (error != 0) {
        failed("no process for the command", error);
        return EXIT_OWN_FAILURE;
    }
    if (create_all(&o, &f) != 0)
        return give_up(&c, &m, EXIT_OWN_FAILURE);
    if (measure_open(&m, &o) != 0)
        return give_up(&c, &m, EXIT_USAGE);
    if (f.csv != NULL)
        csv_begin(f.csv);
    if (f.trace != NULL)
        trace_begin(f.trace);
    m.csv = f.csv;
    m.trace = f.trace;
    measure_begin(&m, &o);
    if (o.require && m.none[0] != 0) {
        fprintf(stderr, "zeus-amd-run: %s\n", m.none);
        return give_up(&c, &m, EXIT_OWN_FAILURE);
    }
    error = child_go(&c);
    m.origin_ns = c.begin_ns;
    if (error != 0) {
        failed(o.command[0], error);
        measure_close(&m);
        return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    }
    watch(&m, &c, !o.quiet);
    measure_end(&m, &c);
    report_all(&o, &f, &m, &c);
    measure_close(&m);
    return child_exit_status(&c);
}
