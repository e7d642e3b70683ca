/* What the command line asks for. */
#include "run.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void usage(FILE *f)
{
    fputs("usage: zeus-amd-run [options] [--] command [arguments...]\n"
          "       zeus-amd-run                      the GPUs, and what is measured of each\n"
          "       zeus-amd-run --check[=json]       what works, what does not, and what to do: for a bug report\n"
          "\n"
          "Runs a command and reports what the AMD GPUs used until it ended: energy with its uncertainty, time, mean and\n"
          "peak power of each and of all together. Measured are the GPUs that ROCR_, HIP_ and CUDA_VISIBLE_DEVICES\n"
          "show to the command, whatever program uses them.\n"
          "\n"
          "  --output FILE     the report goes there, not to standard error\n"
          "  --json FILE       the report for programs\n"
          "  --csv FILE        every sample: time_ns,gpu,energy_uj,power_mw,counter_power_mw,valid,flags,domain\n"
          "  --trace FILE      every sample as a trace for Perfetto (ui.perfetto.dev): one track a GPU, area = energy\n"
          "  --svg FILE        a picture: power over time, one line a GPU\n"
          "  --every-ms N      in --csv and --trace no more than one sample a GPU in so many milliseconds (default: all,\n"
          "                    which is up to 0.2 GB an hour and GPU)\n"
          "  --gpus LIST       only these of the GPUs, such as 0,2-3\n"
          "  --all             all GPUs of the machine, whatever the environment shows\n"
          "  --period-us N     the time between two samples, at least 100; 0: as fast as the readings change, but with\n"
          "                    no more than a tenth of a processor (default)\n"
          "  --resolution NAME energy of a count of the energy counter: firmware (2^-16 J where the kernel states it),\n"
          "                    reported (as amd-smi), or default (which is firmware here)\n"
          "  --backend NAME    auto (default), amdsmi or sysfs\n"
          "  --require         without any energy to measure, do not run the command: 125\n"
          "  --quiet           no line on the terminal while the command runs\n"
          "  --verbose         messages of the library on standard error\n"
          "  --help, --version\n"
          "\n"
          "In the name of a file %h is the host, %r the rank of an MPI job, %p the number of this process, %% a percent\n"
          "sign; - is standard output, after what the command wrote. Under mpirun or srun each rank writes a report; for\n"
          "one report of a job preload libzeus_amd_pmpi.so instead.\n"
          "\n"
          "Exit status: the command's, 128 + N if signal N ended it; 127: not found; 126: cannot be run; 125: a failure\n"
          "before it was run; 2: these options were not understood. With --check 1: something does not work; 125: its\n"
          "result cannot be written. Files are written only if the command was run.\n"
          "\n"
          "Signals are passed on to the command. One that is sent to the whole process group (kill %1, timeout) reaches it\n"
          "twice, from its sender and from here; those of the terminal reach it once. One that is ignored at the start\n"
          "(SIGHUP under nohup, SIGINT in the background of a script) stays ignored, by the command as well.\n", f);
}

static int refuse(const char *option, const char *value, const char *what)
{
    fprintf(stderr, "zeus-amd-run: --%s ", option);
    put_plain(stderr, value, 0);
    fprintf(stderr, ": %s; --help shows the options\n", what);
    return EXIT_USAGE;
}

static int word_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++)
        if (strcmp(word, words[i]) == 0)
            return i;
    return -1;
}

static int number_of(const char *text, uint64_t least, uint64_t most, uint64_t *to)
{
    char *end;
    errno = 0;
    *to = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && *to <= most && (*to == 0 || *to >= least) ? 0 : -1;
}

/* A pipe, a device or standard output takes what several write. */
static int is_for_all(const char *name)
{
    struct stat now;
    return strcmp(name, "-") == 0 || (stat(name, &now) == 0 && !S_ISREG(now.st_mode));
}

/* Each rank would write over the others' files. */
static int names(struct options *o, const char *const *keys)
{
    for (int i = 0; i < FILES; i++) {
        const char *pattern = o->files[i].name;
        if (pattern == NULL)
            continue;
        if (o->place.ranks > 1 && !is_for_all(pattern) && strstr(pattern, "%r") == NULL && strstr(pattern, "%p") == NULL)
            return refuse(keys[i], pattern, "each rank would write it; put %r into the name");
        o->files[i].name = place_name(&o->place, pattern);
        if (o->files[i].name == NULL)
            return refuse(keys[i], pattern, errno == ENOMEM ? strerror(errno) : "% is followed by h, r, p or %, and %r needs a rank");
    }
    return 0;
}

enum { GPUS = 256 + FILES, ALL, PERIOD, EVERY, RESOLUTION, BACKEND, REQUIRE, QUIET, VERBOSE, CHECK, HELP, VERSION };
static const struct option all[] = {
    {"output", required_argument, NULL, OUTPUT},   {"json", required_argument, NULL, JSON},
    {"csv", required_argument, NULL, CSV},         {"trace", required_argument, NULL, TRACE},
    {"svg", required_argument, NULL, SVG},         {"gpus", required_argument, NULL, GPUS},
    {"all", no_argument, NULL, ALL},               {"period-us", required_argument, NULL, PERIOD},
    {"every-ms", required_argument, NULL, EVERY},  {"resolution", required_argument, NULL, RESOLUTION},
    {"backend", required_argument, NULL, BACKEND}, {"require", no_argument, NULL, REQUIRE},
    {"quiet", no_argument, NULL, QUIET},           {"verbose", no_argument, NULL, VERBOSE},
    {"check", optional_argument, NULL, CHECK},     {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},       {NULL, 0, NULL, 0},
};

static int take(struct options *o, int option)
{
    static const char *const resolutions[] = {"default", "reported", "firmware", NULL};
    static const char *const backends[] = {"auto", "amdsmi", "sysfs", NULL};
    static const char *const checks[] = {"text", "json", NULL};
    int n;
    switch (option) {
    case OUTPUT: case JSON: case CSV: case TRACE: case SVG:
        o->files[option].name = optarg;
        return 0;
    case 'o': o->files[OUTPUT].name = optarg; return 0;
    case GPUS: o->gpus = optarg; return 0;
    case ALL: o->all = 1; return 0;
    case REQUIRE: o->require = 1; return 0;
    case QUIET: case 'q': o->quiet = 1; return 0;
    case VERBOSE: case 'v': o->verbose = 1; return 0;
    case PERIOD:
        return number_of(optarg, 100, 1000000000, &o->period_us) == 0 ? 0 : refuse("period-us", optarg, "a number from 100 to 1000000000, or 0");
    case EVERY:
        return number_of(optarg, 1, 3600000, &o->every_ms) == 0 ? 0 : refuse("every-ms", optarg, "a number from 1 to 3600000, or 0");
    case RESOLUTION:
        if ((n = word_of(optarg, resolutions)) < 0)
            return refuse("resolution", optarg, "firmware, reported or default");
        o->resolution = (zeus_amd_energy_resolution_t)n;
        return 0;
    case BACKEND:
        if ((n = word_of(optarg, backends)) < 0)
            return refuse("backend", optarg, "auto, amdsmi or sysfs");
        o->backend = (zeus_amd_backend_t)n;
        return 0;
    case CHECK:
        if ((n = optarg != NULL ? word_of(optarg, checks) : 0) < 0)
            return refuse("check", optarg, "text or json");
        o->check = n == 0 ? CHECK_TEXT : CHECK_JSON;
        return 0;
    case HELP: case 'h':
        usage(stdout);
        exit(0);
    case VERSION:
        printf("zeus-amd-run %s\n", zeus_amd_version_string());
        exit(0);
    default:
        return EXIT_USAGE; /* getopt has said why */
    }
}

/* A check has one result, and nothing runs. */
static int alone(const struct options *o, const char *const *keys)
{
    if (*o->command != NULL)
        return refuse("check", *o->command, "it runs no command");
    for (int i = 0; i < FILES; i++)
        if (i != OUTPUT && o->files[i].name != NULL)
            return refuse(keys[i], o->files[i].name, "of a command only; --check writes to standard output or --output");
    return 0;
}

int parse(int argc, char **argv, struct options *o)
{
    const char *keys[FILES];
    int option, status = 0;
    memset(o, 0, sizeof *o);
    place_find(&o->place);
    while (status == 0 && (option = getopt_long(argc, argv, "+o:qvh", all, NULL)) != -1)
        status = take(o, option);
    for (int i = 0; i < FILES; i++)
        keys[i] = all[i].name;
    o->command = argv + optind;
    if (status == 0 && o->check != CHECK_NOT)
        status = alone(o, keys);
    if (status == 0)
        status = names(o, keys);
    if (status != 0 || *o->command != NULL)
        return status;
    if (o->check == CHECK_NOT && argc > 1) {
        fputs("zeus-amd-run: no command; --help shows the options\n", stderr);
        return EXIT_USAGE;
    }
    if (o->check == CHECK_NOT)
        o->check = CHECK_GPUS;
    return 0;
}
