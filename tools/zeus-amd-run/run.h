/* zeus-amd-run: what its parts share. Each .c file is one of them; main.c says in which order they work. */
#ifndef ZEUS_AMD_RUN_H
#define ZEUS_AMD_RUN_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L /* included first everywhere */
#endif

#include <zeus_amd.h>

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

/* Exit statuses of its own, as env and timeout have them. */
enum { EXIT_NOT_ALL = 1, EXIT_USAGE = 2, EXIT_OWN_FAILURE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* --- place.c: host and rank, and names of files that have them. */

struct place {
    char host[256];
    long rank, ranks; /* of an MPI job; -1: not known */
};

void place_find(struct place *p);
const char *place_name(const struct place *p, const char *pattern); /* with %h, %r, %p and %% filled in; NULL: it cannot be, or errno */

/* --- options.c: what the command line asks for. */

/* Files as the options name them. Until the command runs nothing in them is touched. */
struct file {
    const char *name;
    FILE *f;
    FILE *end; /* where what is in f goes at the end; NULL: f is the file itself */
    int made;  /* it was not there before */
    int is_stdout;
};

enum { OUTPUT, JSON, CSV, TRACE, SVG, FILES };
enum check { CHECK_NOT, CHECK_GPUS, CHECK_TEXT, CHECK_JSON };

struct options {
    struct place place;
    struct file files[FILES];
    enum check check;
    const char *gpus; /* "0,2-3"; NULL: all */
    uint64_t period_us, every_ms;
    zeus_amd_backend_t backend;
    zeus_amd_energy_resolution_t resolution;
    int all, quiet, require, verbose;
    char **command;
};

int parse(int argc, char **argv, struct options *o); /* 0 or EXIT_USAGE, with the reason on standard error */

/* --- text.c: text of other programs, printed safely. */

void put_plain(FILE *f, const char *text, int columns); /* filled up to so many */
void put_lines(FILE *f, const char *text, const char *before); /* each line after the words before it; NULL: none */
void put_xml(FILE *f, const char *text, size_t most); /* no more than so many characters; 0: all */
char *join_command(char **command); /* as one would type it; freed by the caller */

/* --- child.c: the command. */

struct child {
    pid_t pid;
    int go, failed;      /* pipes: it waits for the first, and says on the other why it could not start */
    int over, status;    /* it has ended, and how: waitpid() */
    uint64_t begin_ns, end_ns;
    struct timespec begin_time;
};

int child_prepare(struct child *c, char **command);
int child_go(struct child *c); /* 0, or the errno of the exec */
void child_give_up(struct child *c);
void child_watch(struct child *c, int ms); /* passes signals on; returns after so long, or when it is over */
int child_exit_status(const struct child *c); /* as a shell has it */

/* --- power_series.c: power over time in bounded memory. */

enum { BUCKETS = 4096, CELLS = 4096 };

struct bucket {
    double mw_ns; /* power times time, and that time */
    double ns;
    float min_mw, max_mw;
};

/* Buckets of even width; when they are full, each two become one. */
struct series {
    uint64_t width_ns;
    size_t used;
    struct bucket buckets[BUCKETS];
};

/* Power of all GPUs together, as means over short cells, and the highest of them. */
struct sum {
    uint64_t first; /* the number of the first cell that may still grow */
    double mw_ns[CELLS], error_mw_ns[CELLS];
    double peak_mw, peak_error_mw; /* an error that is not known, as a sensor's, is infinite */
};

#define CELL_NS UINT64_C(1000000)

void bucket_join(struct bucket *into, const struct bucket *b);
void series_add(struct series *s, uint64_t from_ns, uint64_t to_ns, double mw); /* since the start */
void sum_add(struct sum *s, uint64_t from_ns, uint64_t to_ns, double mw, double error_mw);
void sum_done_until(struct sum *s, uint64_t ns);

/* --- measure.c: the GPUs. */

struct gpu {
    zeus_amd_gpu_info_t info;
    zeus_amd_gpu_energy_t used;
    int chosen;
    /* From the sampler. */
    uint64_t samples, first_ns, last_ns, first_uj, last_uj;
    int integrated, averaged, gaps;
    uint64_t power_ns, power_uj; /* time and energy of the last power */
    uint64_t traced_ns, traced_uj; /* where the next step of the trace begins */
    zeus_amd_sample_t held; /* the last sample, if the table has it not yet */
    uint64_t written_ns; /* the last one that it has */
    double peak_mw, peak_error_mw, last_mw;
    uint64_t steps, steps_ns; /* steps inside the run, and their time */
    struct series series;
    zeus_amd_limit_counts_t counts; /* of limits, at the begin */
    zeus_amd_limited_time_t limited;
    zeus_amd_status_t limited_status; /* OK: limited is set */
    uint64_t limit_mw; /* the power limit at the end; 0: not known */
};

/* What measures the node beside its GPUs. */
struct node {
    zeus_amd_node_window_t *window; /* NULL: nothing but the GPUs is measured */
    uint32_t count, readable; /* all domains; those that are no GPU and have an energy */
    zeus_amd_node_domain_info_t *domains;
    zeus_amd_node_energy_t *used;
    zeus_amd_node_total_t total;
    size_t explained; /* the length of the explanation before a window */
    char *opinion; /* what the board says of the GPUs' counters; NULL: nothing */
    char why[1024]; /* what may not be read, and what to do; empty: nothing */
    uint64_t written_ns; /* when rows were written to the CSV */
};

struct measure {
    zeus_amd_session_t *session;
    zeus_amd_session_info_t info;
    zeus_amd_window_t *window;
    zeus_amd_sampler_t *sampler;
    uint32_t count, chosen; /* GPUs of the session, and of these measured */
    struct gpu *gpus;
    struct node node;
    struct sum sum;
    zeus_amd_total_energy_t total; /* of the GPUs that are chosen */
    uint64_t origin_ns, end_ns, lost; /* the command's begin and end; UINT64_MAX while it runs */
    char none[1024];     /* why there is no energy; empty: there is */
    char no_curve[1024]; /* why there are no samples */
    FILE *csv, *trace;
    uint64_t every_ns; /* between two samples in them */
};

int measure_open(struct measure *m, const struct options *o); /* 0, or EXIT_USAGE: no such GPU */
void measure_begin(struct measure *m, const struct options *o);
void measure_drain(struct measure *m);
void measure_end(struct measure *m, const struct child *c);
void measure_close(struct measure *m);
double measure_joules_so_far(const struct measure *m);
double sampler_joules(const struct gpu *g);
extern const struct flag_word { uint32_t bit; const char *key, *words; } flag_words[];

void keep_error(char *to, size_t room, const char *what); /* the last one, in one line */

/* --- node.c: the node beside its GPUs, and what held those down. */

void node_find(struct measure *m);
zeus_amd_status_t node_begin(struct measure *m); /* begins the window of the GPUs, or of all */
void node_sample(struct measure *m);
void node_end(struct measure *m);
void node_opinion(struct measure *m, unsigned ms); /* from a window of its own */
void node_close(struct measure *m);
char *explained(const struct measure *m); /* how the list of GPUs was made; freed by the caller; NULL: unknown */
const char *domain_source(const zeus_amd_node_domain_info_t *d); /* as in JSON */

/* --- trace.c: every sample, as it comes. */

void csv_begin(FILE *f);
void csv_sample(struct measure *m, struct gpu *g, const zeus_amd_sample_t *s);
void csv_domain(FILE *f, uint64_t time_ns, const zeus_amd_node_domain_info_t *d, const zeus_amd_node_energy_t *e);
void trace_begin(FILE *f);
void trace_sample(struct measure *m, struct gpu *g, const zeus_amd_sample_t *s);
void samples_end(struct measure *m); /* those that are held back */
void trace_end(FILE *f, const struct measure *m, const struct child *c, const char *command);

/* --- report.c, json.c, svg.c, progress.c */

void which_gpus(FILE *f, const struct options *o, const struct measure *m);
void which_library(FILE *f, const struct measure *m);
void report(FILE *f, const struct options *o, const struct measure *m, const struct child *c);
void report_json(FILE *f, const struct options *o, const struct measure *m, const struct child *c);
void draw(FILE *f, const struct options *o, const struct measure *m, const struct child *c);
void live_show(const struct measure *m, const struct child *c);
void live_clear(void);

/* --- check.c: what works; 1 if all that is measured does. */

int check_text(FILE *f, const struct options *o, const struct measure *m);
int check_json(FILE *f, const struct options *o, const struct measure *m);

#endif
