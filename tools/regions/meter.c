/* SPDX-License-Identifier: Apache-2.0 */
/* When the counters are read, and what they say. They are read at edges of regions, as often as the budget allows; what was
 * used between two readings is a span. */
#define _GNU_SOURCE
#include "core.h"
#include "ticks.h"

#include <errno.h>
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

static zeus_amd_session_t *session;
static zeus_amd_window_t *window;
static zeus_amd_gpu_energy_t *read_gpus;
static core_span_gpu *span_gpus;
static uint64_t span_begin, span_begin_ns, span_number = 1;
/* Cost of the last readings, and what may still be spent, in ticks. */
static uint64_t last_cost, last_end, refresh;
static double credit;

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The next reading: when it has been earned. Of two readings the cheaper counts: one that was interrupted says nothing. */
static void plan(uint64_t begin, uint64_t end)
{
    const double part = core.budget / 100, cost = (double)least(end - begin, last_cost);
    double wait;
    last_cost = end - begin;
    credit += (double)(end - last_end) * part - cost;
    last_end = end;
    if (credit > SAVED * cost)
        credit = SAVED * cost;
    wait = credit >= cost ? 0 : part > 0 ? (cost - credit) / part : 1e18;
    atomic_store(&core_next_read, end + (wait > (double)refresh ? (uint64_t)wait : refresh));
}

/* One GPU, read again. What it lacks now it may have later: that is then of a longer time than the span. */
static void take(regions_gpu *gpu, const zeus_amd_gpu_energy_t *read, core_span_gpu *span)
{
    const int missed = gpu->missed;
    double uj, error_uj;
    *span = (core_span_gpu){0, gpu->error_uj, gpu->error_uj, gpu->drift_uj, gpu->drift_uj, gpu->max_w, gpu->measured, 1};
    gpu->missed = read->method == ZEUS_AMD_METHOD_NONE;
    gpu->energy.status = read->status;
    gpu->energy.counter_state = read->counter_state;
    if (gpu->missed)
        return;
    gpu->energy = *read;
    gpu->measured = span->measured = 1;
    span->vague = missed;
    uj = 1e3 * (double)read->energy_mj;
    error_uj = 1e3 * (double)read->uncertainty_mj;
    if (uj < gpu->uj) {
        /* An estimate was replaced by a lower count. */
        uj = gpu->uj;
        error_uj = error_uj > gpu->error_uj ? error_uj : gpu->error_uj;
    }
    span->uj = uj - gpu->uj;
    gpu->uj = uj;
    gpu->error_uj = span->error_end_uj = error_uj;
    if (gpu->least_error_uj == 0 || error_uj < gpu->least_error_uj)
        gpu->least_error_uj = error_uj;
}

/* The error of all that was counted since the begin grows in some cases (an unknown resolution, integrated power). A lap has
 * only what was added to it. */
static void measure_drift(void)
{
    const zeus_amd_gpu_energy_t init = ZEUS_AMD_GPU_ENERGY_INIT;
    static int drifts;
    uint32_t count = core.gpu_count;
    for (uint32_t i = 0; i < core.gpu_count; i++)
        drifts |= core.gpus[i].error_uj > 3 * core.gpus[i].least_error_uj;
    read_gpus[0] = init;
    if (!drifts || zeus_amd_window_lap(window, NULL, read_gpus, &count) != ZEUS_AMD_STATUS_OK)
        return;
    for (uint32_t i = 0; i < core.gpu_count; i++) {
        core.gpus[i].drift_uj += 1e3 * (double)read_gpus[i].uncertainty_mj;
        span_gpus[i].drift_end_uj = core.gpus[i].drift_uj;
    }
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

void core_span(int last)
{
    const zeus_amd_gpu_energy_t init = ZEUS_AMD_GPU_ENERGY_INIT;
    uint64_t begin_ns = 0;
    const uint64_t begin = both_clocks(&begin_ns);
    uint32_t count = core.gpu_count;
    if (window != NULL) {
        read_gpus[0] = init;
        /* A GPU without an energy says so itself. */
        if (last) {
            (void)!zeus_amd_window_end(window, NULL, read_gpus, &count);
            window = NULL;
        } else {
            (void)!zeus_amd_window_read(window, NULL, read_gpus, &count);
        }
        for (uint32_t i = 0; i < core.gpu_count; i++)
            take(&core.gpus[i], &read_gpus[i], &span_gpus[i]);
        if (!last)
            measure_drift();
    }
    core_account(span_begin, begin, (double)(begin_ns - span_begin_ns), ++span_number, span_gpus);
    span_begin = begin;
    span_begin_ns = begin_ns;
    core.end_ns = begin_ns;
    core.reads++;
    core.read_ns += zeus_amd_now_ns() - begin_ns;
    plan(begin, ticks_now());
}

void core_read(uint64_t now)
{
    const int saved = errno;
    pthread_mutex_lock(&core_lock);
    /* Another thread may have read meanwhile. */
    if (atomic_load(&core_held) == CORE_RUNS && now >= atomic_load(&core_next_read)) {
        core_hold();
        core_span(0);
        core_release(CORE_RUNS);
    }
    pthread_mutex_unlock(&core_lock);
    errno = saved;
}

static double budget(void)
{
    const char *text = getenv("ZEUS_AMD_TOOLS_BUDGET");
    char *end = NULL;
    const double percent = text != NULL ? strtod(text, &end) : 0;
    return text != NULL && end != text && *end == '\0' && percent >= 0 && percent <= 100 ? percent : BUDGET_PERCENT;
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
    read_gpus = calloc((size_t)core.gpu_count + 1, sizeof *read_gpus);
    span_gpus = calloc((size_t)core.gpu_count + 1, sizeof *span_gpus);
    if (core.gpus == NULL || read_gpus == NULL || span_gpus == NULL) {
        core.gpu_count = 0;
        return ZEUS_AMD_STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < core.gpu_count; i++) {
        uint64_t low_mw = 0, most_mw = 0;
        core.gpus[i].info = init;
        (void)!zeus_amd_gpu_info(session, i, &core.gpus[i].info);
        /* GPUs exceed their power limit for short times; the library reckons with as much. */
        if (zeus_amd_power_limit_range_mw(session, i, &low_mw, &most_mw) == ZEUS_AMD_STATUS_OK ||
            zeus_amd_power_limit_mw(session, i, &most_mw) == ZEUS_AMD_STATUS_OK)
            core.gpus[i].max_w = 1.25 * (double)most_mw / 1e3;
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
    const uint64_t begin_ns = zeus_amd_now_ns(), begin = ticks_now();
    uint64_t ns;
    core.budget = budget();
    core.status = zeus_amd_open(NULL, &session);
    if (core.status == ZEUS_AMD_STATUS_OK)
        core.status = list_gpus();
    last_cost = ticks_now();
    if (core.status == ZEUS_AMD_STATUS_OK)
        core.status = zeus_amd_window_begin(session, &window);
    last_cost = ticks_now() - last_cost;
    if (core.status != ZEUS_AMD_STATUS_OK && core.why[0] == '\0')
        zeus_amd_last_error(core.why, sizeof core.why);
    if (!make_root(&core.run, run_name) || !make_root(&core.ranges, ranges_name)) {
        core.gpu_count = 0;
        core.status = ZEUS_AMD_STATUS_NO_MEMORY;
    }
    core.run.count = 1;
    span_begin = last_end = both_clocks(&span_begin_ns);
    core.begin_ns = core.end_ns = span_begin_ns;
    core.open_ns = core.begin_ns - begin_ns;
    ns = core.open_ns > 0 ? core.open_ns : 1;
    refresh = (uint64_t)((double)(span_begin - begin) * REFRESH_NS / (double)ns);
    /* The first edges come right after this. */
    credit = FIRST * (double)last_cost;
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
    pthread_mutex_lock(&core_lock);
    if (atomic_load(&core_held) == CORE_RUNS) {
        core_hold();
        core_span(1);
        count_unfinished();
        core_release(CORE_ENDED);
        result = &core;
    } else {
        core_release(CORE_ENDED);
    }
    pthread_mutex_unlock(&core_lock);
    if (result != NULL) {
        zeus_amd_close(session);
        session = NULL;
    }
    return result;
}

const regions_result *regions_known(void)
{
    if (atomic_load(&core_held) == CORE_NOT_STARTED || atomic_load(&core_held) == CORE_ENDED)
        return NULL;
    count_unfinished();
    return &core;
}
