/* SPDX-License-Identifier: Apache-2.0 */
/* When the counters are read, and what they say. They are read at edges of regions, as often as the budget allows; what was
 * used between two readings is a span. */
#define _GNU_SOURCE
#include "../rank.h"
#include "core.h"
#include "ticks.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The share of the time that readings may take, unless ZEUS_AMD_TOOLS_BUDGET says otherwise, in percent. */
#define BUDGET_PERCENT 1.0
/* Counters refresh about once in this time: readings that are closer say nothing new. */
#define REFRESH_NS 1000000u
/* Readings that may be saved up, for edges that come together after a long time without any. */
#define SAVED 32
#define FIRST 4
#define COSTS 8
/* The highest power limit of all packages (MI355X). GPUs exceed their limit for short times; the library reckons with as much. */
#define MOST_LIMIT_MW 1400000u
#define HEADROOM 1.25

static zeus_amd_session_t *session;
static zeus_amd_window_t *window;
static zeus_amd_gpu_energy_t *read_gpus;
static core_span_gpu *span_gpus;
static uint64_t span_begin, span_begin_ns, span_number = 1;
/* Cost of the last readings, and what may still be spent, in ticks. */
static uint64_t costs[COSTS], last_end, refresh;
static double credit;

/* What this thread has cost, in ticks. On a busy machine a reading takes much longer, waiting for the processor. */
static uint64_t own_ticks(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)((double)refresh / REFRESH_NS * ((double)t.tv_sec * 1e9 + (double)t.tv_nsec));
}

/* The cheapest of the last readings: others had interrupts within. */
static uint64_t cost_of_reading(uint64_t cost)
{
    uint64_t least = UINT64_MAX;
    costs[core.reads % COSTS] = cost;
    for (int i = 0; i < COSTS; i++)
        least = costs[i] > 0 && costs[i] < least ? costs[i] : least;
    return least;
}

/* The next reading: when it has been saved up, and at the latest when it is a small enough part of the time since the last. */
static void plan(uint64_t spent, uint64_t end)
{
    const double part = core.budget / 100, cost = (double)cost_of_reading(spent);
    double wait = part > 0 ? cost / part : 1e18;
    credit += (double)(end - last_end) * part - cost;
    credit = credit > SAVED * cost ? SAVED * cost : credit > -cost ? credit : -cost;
    last_end = end;
    if (credit >= cost)
        wait = 0;
    else if (part > 0 && (cost - credit) / part < wait)
        wait = (cost - credit) / part;
    atomic_store(&core_next_read, end + (wait > (double)refresh ? (uint64_t)wait : refresh));
}

static uint64_t after(uint64_t ns, uint64_t other)
{
    return ns > other ? ns - other : 0;
}

/* How far the reading is from its edge. The library knows its own edges, which come after those of here: by much where this
 * thread lost its processor in between. What it says of the counts since the start has in it how old a count may be, and that the
 * counter may have stopped since: the smallest such age holds for all readings, give or take a refresh, once the counter has
 * advanced afterwards. */
static void at_edge(regions_gpu *gpu, const zeus_amd_gpu_energy_t *read, const zeus_amd_gpu_energy_t *lap, uint64_t boundary_ns)
{
    const int counted = read->method == ZEUS_AMD_METHOD_COUNTER, goes_on = lap->method == ZEUS_AMD_METHOD_COUNTER;
    const double uj_per_ns = gpu->max_w / 1e3;
    const uint64_t early_ns = after(boundary_ns, counted ? read->end_ns : lap->end_ns), begin_ns = after(core.begin_ns, read->begin_ns);
    const double age_uj = 1e3 * (double)read->uncertainty_mj - uj_per_ns * (double)(early_ns > begin_ns ? early_ns : begin_ns);
    gpu->error.late_uj = uj_per_ns * (double)after(read->end_ns, boundary_ns);
    gpu->error.lag_uj = goes_on ? uj_per_ns * (double)(early_ns + REFRESH_NS) : INFINITY;
    if (counted && goes_on && age_uj < gpu->age_uj)
        gpu->age_uj = age_uj > 0 ? age_uj : 0;
}

/* One GPU, read again: since the start, and since the last reading, which has only what was added to the error. What it lacks
 * now it may have later: that is then of a longer time than the span. */
static void take(regions_gpu *gpu, const zeus_amd_gpu_energy_t *read, const zeus_amd_gpu_energy_t *lap, uint64_t boundary_ns,
                 core_span_gpu *span)
{
    const int missed = gpu->missed, first = !gpu->measured;
    const double before_uj = gpu->uj, read_uj = 1e3 * (double)read->energy_mj;
    const double begin_late_uj = gpu->max_w / 1e3 * (double)after(read->begin_ns, core.begin_ns);
    double uj = read_uj, total_uj = 1e3 * (double)read->uncertainty_mj;
    *span = (core_span_gpu){0, gpu->max_w, gpu->error, gpu->error, gpu->measured, 1};
    gpu->missed = read->method == ZEUS_AMD_METHOD_NONE || lap->method == ZEUS_AMD_METHOD_NONE;
    gpu->energy.status = read->status;
    gpu->energy.counter_state = read->counter_state;
    if (gpu->missed)
        return;
    gpu->energy = *read;
    gpu->measured = span->measured = 1;
    span->vague = missed;
    at_edge(gpu, read, lap, boundary_ns);
    total_uj += gpu->error.late_uj > begin_late_uj ? gpu->error.late_uj : begin_late_uj;
    if (read->method == ZEUS_AMD_METHOD_ESTIMATED && lap->method != ZEUS_AMD_METHOD_ESTIMATED) {
        /* Soon after the start. What is counted goes on. */
        uj = before_uj + 1e3 * (double)lap->energy_mj;
        total_uj += fabs(uj - read_uj);
    }
    /* An estimate may be replaced by a lower count. */
    gpu->uj = uj > before_uj ? uj : before_uj;
    span->uj = gpu->uj - before_uj;
    gpu->error.total_uj = uj < before_uj && gpu->error.total_uj > total_uj ? gpu->error.total_uj : total_uj;
    gpu->error.drift_uj += 1e3 * (double)lap->uncertainty_mj;
    gpu->error.goes_on = lap->method != ZEUS_AMD_METHOD_ESTIMATED;
    if (lap->energy_mj > 0)
        gpu->confirmed = span_number;
    span->end = gpu->error;
    if (first)
        span->begin = (regions_reading){gpu->error.total_uj, gpu->error.lag_uj, begin_late_uj, 0, gpu->error.goes_on};
}

/* Both clocks at one moment: of some tries the shortest, as others were interrupted. */
static uint64_t both_clocks(uint64_t *ns)
{
    uint64_t best = UINT64_MAX, at = 0;
    for (int i = 0; i < 3; i++) {
        const uint64_t before = ticks_now(), now_ns = zeus_amd_now_ns(), took = ticks_now() - before;
        if (took < best) {
            best = took;
            at = before + took / 2;
            *ns = now_ns;
        }
    }
    return at;
}

/* From the begin to both clocks. */
static void time_a_tick(uint64_t ticks, uint64_t ns)
{
    core.ns_per_tick = (double)(ns - core.begin_ns) / (double)(ticks - core.begin_ticks);
}

void core_span(int last)
{
    const zeus_amd_gpu_energy_t init = ZEUS_AMD_GPU_ENERGY_INIT;
    uint64_t begin_ns = 0;
    const uint64_t began = own_ticks(), begin = both_clocks(&begin_ns);
    uint32_t count = core.gpu_count;
    if (window != NULL) {
        zeus_amd_gpu_energy_t *const laps = read_gpus + core.gpu_count + 1;
        laps[0] = read_gpus[0] = init;
        /* A GPU without an energy says so itself. */
        (void)!zeus_amd_window_lap(window, NULL, laps, &count);
        count = core.gpu_count;
        if (last) {
            core.end_status = zeus_amd_window_end(window, NULL, read_gpus, &count);
            window = NULL;
        } else {
            (void)!zeus_amd_window_read(window, NULL, read_gpus, &count);
        }
        for (uint32_t i = 0; i < core.gpu_count; i++)
            take(&core.gpus[i], &read_gpus[i], &laps[i], begin_ns, &span_gpus[i]);
    }
    core_account(span_begin, begin, (double)(begin_ns - span_begin_ns), ++span_number, span_gpus);
    span_begin = begin;
    span_begin_ns = begin_ns;
    core.end_ns = begin_ns;
    time_a_tick(begin, begin_ns);
    core.reads++;
    core.read_ns += zeus_amd_now_ns() - begin_ns;
    plan(own_ticks() - began, ticks_now());
}

void core_read(uint64_t now)
{
    const int saved = errno;
    /* Another thread reads, or does what is as short. */
    if (!core_try_lock())
        return;
    if (atomic_load(&core_held) == CORE_RUNS && now >= atomic_load(&core_next_read)) {
        core_hold();
        core_span(0);
        core_release(CORE_RUNS);
    }
    core_unlock();
    errno = saved;
}

static double budget(void)
{
    const char *text = getenv("ZEUS_AMD_TOOLS_BUDGET");
    char *end = NULL;
    double percent = BUDGET_PERCENT;
    /* With a point, whatever the program's language. */
    const locale_t plain = text != NULL && text[0] != '\0' ? newlocale(LC_ALL_MASK, "C", (locale_t)0) : (locale_t)0;
    if (plain == (locale_t)0)
        return percent;
    percent = strtod_l(text, &end, plain);
    freelocale(plain);
    if (end != text && *end == '\0' && percent >= 0 && percent <= 100)
        return percent;
    if (report_is_first())
        fprintf(stderr, "zeus_amd: ZEUS_AMD_TOOLS_BUDGET: %s is no number from 0 to 100, so it is %g\n", text, BUDGET_PERCENT);
    return BUDGET_PERCENT;
}

/* Why the session has no GPU. */
static int32_t no_gpu(void)
{
    zeus_amd_session_info_t info = ZEUS_AMD_SESSION_INFO_INIT;
    int32_t status = zeus_amd_session_info(session, &info);
    if (status == ZEUS_AMD_STATUS_OK)
        status = info.no_gpu_reason;
    snprintf(core.why, sizeof core.why, "%s", zeus_amd_status_string(status));
    return status;
}

/* Which GPUs there are. A package that is not measured itself is no GPU that lacks an energy. */
static int32_t list_gpus(void)
{
    const zeus_amd_gpu_info_t init = ZEUS_AMD_GPU_INFO_INIT;
    int32_t status = zeus_amd_gpu_count(session, &core.gpu_count);
    if (status != ZEUS_AMD_STATUS_OK)
        return status;
    if (core.gpu_count == 0)
        return no_gpu();
    core.gpus = calloc((size_t)core.gpu_count + 1, sizeof *core.gpus);
    /* Since the start, and since the last reading. */
    read_gpus = calloc(2 * ((size_t)core.gpu_count + 1), sizeof *read_gpus);
    span_gpus = calloc((size_t)core.gpu_count + 1, sizeof *span_gpus);
    if (core.gpus == NULL || read_gpus == NULL || span_gpus == NULL) {
        core.gpu_count = 0;
        return ZEUS_AMD_STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < core.gpu_count; i++) {
        uint64_t low_mw = 0, most_mw = 0;
        core.gpus[i].info = init;
        core.gpus[i].age_uj = INFINITY;
        (void)!zeus_amd_gpu_info(session, i, &core.gpus[i].info);
        /* A partition may not say. */
        if (zeus_amd_power_limit_range_mw(session, i, &low_mw, &most_mw) != ZEUS_AMD_STATUS_OK &&
            zeus_amd_power_limit_mw(session, i, &most_mw) != ZEUS_AMD_STATUS_OK)
            most_mw = MOST_LIMIT_MW;
        core.gpus[i].max_w = HEADROOM * (double)most_mw / 1e3;
    }
    return ZEUS_AMD_STATUS_OK;
}

static int make_root(regions_region *root, char *name)
{
    root->name = name;
    root->inclusive = calloc((size_t)core.gpu_count * 2 + 1, sizeof *root->inclusive);
    root->exclusive = root->inclusive + core.gpu_count;
    return root->inclusive != NULL;
}

void core_open(void)
{
    static char run_name[] = "run", ranges_name[] = "ranges";
    uint64_t begin_ns = 0, opened_ns = 0, opened;
    const uint64_t begin = both_clocks(&begin_ns);
    core.budget = budget();
    core.status = zeus_amd_open(NULL, &session);
    if (core.status == ZEUS_AMD_STATUS_OK)
        core.status = list_gpus();
    opened = both_clocks(&opened_ns);
    refresh = (uint64_t)((double)(opened - begin) * REFRESH_NS / (double)(opened_ns > begin_ns ? opened_ns - begin_ns : 1));
    if (core.status == ZEUS_AMD_STATUS_OK)
        core_node_begin(session);
    /* Before the library's begin, as each edge is before its reading. */
    span_begin = last_end = both_clocks(&span_begin_ns);
    costs[0] = own_ticks();
    if (core.status == ZEUS_AMD_STATUS_OK)
        core.status = zeus_amd_window_begin(session, &window);
    costs[0] = own_ticks() - costs[0];
    if (core.status != ZEUS_AMD_STATUS_OK && core.why[0] == '\0')
        zeus_amd_last_error(core.why, sizeof core.why);
    if (!make_root(&core.run, run_name) || !make_root(&core.ranges, ranges_name)) {
        core.gpu_count = 0;
        core.status = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    core.run.count = 1;
    core.begin_ticks = span_begin;
    core.begin_ns = core.end_ns = span_begin_ns;
    core.session = session;
    if (core.traced)
        core_trace_begin(session);
    core.open_ns = core.begin_ns - begin_ns;
    /* The first edges come right after this. */
    credit = FIRST * (double)costs[0];
    atomic_store(&core_next_read, span_begin);
}

/* Regions that are still open end here. */
static void count_unfinished(void)
{
    for (core_thread *t = core_threads; t != NULL; t = t->next)
        for (const core_local *at = t->current; at != &t->root; at = at->parent)
            core.unfinished++;
    for (const regions_region *range = core.ranges.child; range != NULL; range = range->sibling)
        core.unfinished += range->open;
}

const regions_result *regions_end(void)
{
    const regions_result *result = NULL;
    if (!core_lock())
        return NULL;
    if (atomic_load(&core_held) == CORE_RUNS) {
        core_often_stop();
        core_hold();
        core_span(1);
        core_node_end(session);
        count_unfinished();
        if (core.traced)
            core_trace_end(span_begin);
        core_release(CORE_ENDED);
        result = &core;
    } else {
        core_release(CORE_ENDED);
    }
    core_unlock();
    return result;
}

void regions_give_up(void)
{
    core_often_stop();
    atomic_store(&core_held, CORE_ENDED);
}

void regions_close(void)
{
    zeus_amd_sampler_free(core.sampler);
    core.sampler = NULL;
    zeus_amd_close(session);
    session = NULL;
    core.session = NULL;
}

const regions_result *regions_known(void)
{
    if (atomic_load(&core_held) == CORE_NOT_STARTED || atomic_load(&core_held) == CORE_ENDED)
        return NULL;
    count_unfinished();
    if (core.traced) {
        /* After the last reading, of which there may be none. */
        uint64_t now_ns = 0;
        const uint64_t now = both_clocks(&now_ns);
        time_a_tick(now, now_ns);
        core_trace_end(now);
    }
    return &core;
}
