/* Energy, time and power of a command on AMD GPUs.
 *
 *     zeus-amd-run [options] [--] command [arguments...]
 *
 * The command runs as it would without: same standard streams, signals, terminal and exit status. The report comes on
 * standard error when it has ended. See usage() for the options.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void usage(FILE *f)
{
    fputs("usage: zeus-amd-run [options] [--] command [arguments...]\n"
          "\n"
          "Runs a command and says what the AMD GPUs used until it ended: energy with its bound, time, mean and\n"
          "peak power of each and of all together. Measured are the GPUs that ROCR_, HIP_ and CUDA_VISIBLE_DEVICES\n"
          "show to the command, whatever program uses them.\n"
          "\n"
          "  --output FILE     the report goes there, not to standard error\n"
          "  --json FILE       the report for programs\n"
          "  --csv FILE        every sample: time_ns,gpu,energy_uj,power_mw,counter_power_mw,valid,flags\n"
          "  --trace FILE      every sample as a trace for Perfetto (ui.perfetto.dev): one track a GPU, area = energy\n"
          "  --svg FILE        a picture: power over time, one line a GPU\n"
          "  --gpus LIST       only these of the GPUs, such as 0,2-3\n"
          "  --all             all GPUs of the machine, whatever the environment shows\n"
          "  --period-us N     the time between two samples, at least 100; 0: as fast as the readings change, but with\n"
          "                    no more than a tenth of a processor (default)\n"
          "  --resolution NAME energy of a count of the energy counter: firmware (2^-16 J where the kernel states it),\n"
          "                    reported (as amd-smi), or default (which is firmware here)\n"
          "  --backend NAME    auto (default), amdsmi or sysfs\n"
          "  --require         without any energy to measure, do not run the command: 125\n"
          "  --quiet           no line on the terminal while the command runs\n"
          "  --help, --version\n"
          "\n"
          "Exit status: the command's, 128 + N if signal N ended it; 127: not found; 126: cannot be run; 125: a failure\n"
          "before it was run; 2: these options were not understood. Files are written only if the command was run.\n"
          "\n"
          "Signals are passed on to the command. One that is sent to the whole process group (kill %1, timeout) reaches it\n"
          "twice, from its sender and from here; those of the terminal reach it once. One that is ignored at the start\n"
          "(SIGHUP under nohup, SIGINT in the background of a script) stays ignored, by the command as well.\n", f);
}

/* Files as the options name them. Until the command runs nothing in them is touched. */
struct file {
    const char *name;
    FILE *f;
    int made; /* it was not there before */
};

enum { OUTPUT, JSON, CSV, TRACE, SVG, FILES };

static void complain(const char *name, const char *what)
{
    fputs("zeus-amd-run: ", stderr);
    put_plain(stderr, name, 0);
    fprintf(stderr, ": %s\n", what);
}

static int failed(const char *name, int error)
{
    complain(name, strerror(error));
    return -1;
}

static int create(struct file *to)
{
    int fd = open(to->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    to->made = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(to->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return failed(to->name, errno);
    to->f = fdopen(fd, "w");
    return to->f != NULL ? 0 : failed(to->name, errno);
}

static int create_all(struct file *files)
{
    int status = 0;
    for (int i = 0; i < FILES; i++)
        if (files[i].name != NULL)
            status |= create(&files[i]);
    return status;
}

/* The command runs: what was in them is over. A pipe or a device has nothing to cut off. */
static void begin_all(const struct file *files)
{
    for (int i = 0; i < FILES; i++)
        if (files[i].f != NULL && ftruncate(fileno(files[i].f), 0) != 0 && errno != EINVAL)
            failed(files[i].name, errno);
    if (files[CSV].f != NULL)
        csv_begin(files[CSV].f);
    if (files[TRACE].f != NULL)
        trace_begin(files[TRACE].f);
}

/* A part of a report may be taken for all of it. From a pipe or a device nothing can be taken back. */
static void finish(const struct file *to)
{
    struct stat now;
    int is_file = fstat(fileno(to->f), &now) == 0 && S_ISREG(now.st_mode);
    errno = 0;
    if ((ferror(to->f) | fclose(to->f)) == 0)
        return;
    failed(to->name, errno != 0 ? errno : EIO);
    if (is_file && (to->made ? unlink(to->name) : truncate(to->name, 0)) == 0)
        complain(to->name, to->made ? "removed, as it was not whole" : "emptied, as it was not whole");
}

static void finish_all(const struct file *files)
{
    for (int i = 0; i < FILES; i++)
        if (files[i].f != NULL)
            finish(&files[i]);
}

/* The command was not run: there is nothing to say of it. */
static void undo_all(const struct file *files)
{
    for (int i = 0; i < FILES; i++) {
        if (files[i].f != NULL)
            fclose(files[i].f);
        if (files[i].made)
            unlink(files[i].name);
    }
}

static int word_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

/* 0, or -1 if it was not understood. */
static int parse(int argc, char **argv, struct options *o, struct file *files)
{
    enum { GPUS = 256 + FILES, ALL, PERIOD, RESOLUTION, BACKEND, REQUIRE, QUIET, HELP, VERSION };
    static const struct option names[] = {
        {"output", required_argument, NULL, OUTPUT}, {"json", required_argument, NULL, JSON},
        {"csv", required_argument, NULL, CSV},       {"trace", required_argument, NULL, TRACE},
        {"svg", required_argument, NULL, SVG},       {"gpus", required_argument, NULL, GPUS},
        {"all", no_argument, NULL, ALL},             {"period-us", required_argument, NULL, PERIOD},
        {"resolution", required_argument, NULL, RESOLUTION},
        {"backend", required_argument, NULL, BACKEND},
        {"require", no_argument, NULL, REQUIRE},     {"quiet", no_argument, NULL, QUIET},
        {"help", no_argument, NULL, HELP},           {"version", no_argument, NULL, VERSION},
        {NULL, 0, NULL, 0},
    };
    static const char *const resolutions[] = {"default", "reported", "firmware", NULL};
    static const char *const backends[] = {"auto", "amdsmi", "sysfs", NULL};
    int option, n;
    char *end;
    while ((option = getopt_long(argc, argv, "+o:qh", names, NULL)) != -1) {
        switch (option) {
        case OUTPUT: case JSON: case CSV: case TRACE: case SVG:
            files[option].name = optarg;
            break;
        case 'o': files[OUTPUT].name = optarg; break;
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
        case RESOLUTION:
            if ((n = word_of(optarg, resolutions)) < 0)
                return -1;
            o->resolution = (zeus_amd_energy_resolution_t)n;
            break;
        case BACKEND:
            if ((n = word_of(optarg, backends)) < 0)
                return -1;
            o->backend = (zeus_amd_backend_t)n;
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

static void report_all(const struct options *o, const struct file *files, const struct measure *m, const struct child *c)
{
    char *command = join_command(o->command);
    report(files[OUTPUT].f != NULL ? files[OUTPUT].f : stderr, o, m, c);
    if (files[JSON].f != NULL)
        report_json(files[JSON].f, o, m, c);
    if (files[TRACE].f != NULL)
        trace_end(files[TRACE].f, m, c, command != NULL ? command : o->command[0]);
    if (files[SVG].f != NULL)
        draw(files[SVG].f, o, m, c);
    free(command);
    finish_all(files);
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

/* All up to the start of the command: 0 if that runs, else the exit status. */
static int start(const struct options *o, struct file *files, struct measure *m, struct child *c)
{
    int error, status = create_all(files) == 0 ? measure_open(m, o) : EXIT_OWN_FAILURE;
    if (status == 0) {
        measure_begin(m, o);
        if (o->require && m->none[0] != 0) {
            fputs("zeus-amd-run: ", stderr);
            put_plain(stderr, m->none, 0);
            fputc('\n', stderr);
            status = EXIT_OWN_FAILURE;
        }
    }
    if (status != 0) {
        child_give_up(c);
        return status;
    }
    error = child_go(c);
    if (error == 0)
        return 0;
    failed(o->command[0], error);
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int main(int argc, char **argv)
{
    static struct measure m;
    struct options o;
    struct file files[FILES];
    struct child c;
    int error, status;

    memset(&o, 0, sizeof o);
    memset(files, 0, sizeof files);
    if (parse(argc, argv, &o, files) != 0) {
        usage(stderr);
        return EXIT_USAGE;
    }
    error = child_prepare(&c, o.command);
    if (error != 0) {
        failed("no process for the command", error);
        return EXIT_OWN_FAILURE;
    }
    status = start(&o, files, &m, &c);
    if (status != 0) {
        undo_all(files);
    } else {
        begin_all(files);
        m.origin_ns = c.begin_ns;
        m.csv = files[CSV].f;
        m.trace = files[TRACE].f;
        watch(&m, &c, !o.quiet);
        measure_end(&m, &c);
        report_all(&o, files, &m, &c);
        status = child_exit_status(&c);
    }
    measure_close(&m);
    return status;
}
