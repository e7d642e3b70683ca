/* SPDX-License-Identifier: Apache-2.0 */
/* Regions and ranges over time with the power of each GPU above them, for https://ui.perfetto.dev or chrome://tracing. */
#define _GNU_SOURCE
#include "report.h"

#include "../json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define BATCH 1024u

/* Microseconds, as the format has it. Edges are rounded, not lengths: what is within another region ends within it. */
static void microseconds(FILE *to, const char *name, uint64_t ns)
{
    fprintf(to, ",\"%s\":%" PRIu64 ".%03u", name, ns / 1000, (unsigned)(ns % 1000));
}

static void step(FILE *to, uint32_t gpu, uint64_t time_ns, double watts)
{
    fprintf(to, ",\n{\"ph\":\"C\",\"pid\":1,\"tid\":1,\"cat\":\"power\",\"name\":\"GPU %" PRIu32 "\"", gpu);
    microseconds(to, "ts", time_ns);
    fprintf(to, ",\"args\":{\"W\":%.3f}}", watts);
}

/* Where the counter says the power, it is that of the time since the sample before. */
static void sample(FILE *to, const zeus_amd_sample_t *s, uint64_t *since_ns)
{
    if (s->valid & ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT)
        step(to, s->gpu, since_ns[s->gpu], (double)s->counter_power_mw / 1e3);
    else if (!(s->valid & ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT) && s->valid & ZEUS_AMD_SAMPLE_VALID_POWER_BIT)
        step(to, s->gpu, s->time_ns, (double)s->power_mw / 1e3);
    if (since_ns[s->gpu] == 0 || s->valid & ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT)
        since_ns[s->gpu] = s->time_ns;
}

static uint64_t power(FILE *to, const regions_result *r)
{
    const zeus_amd_sample_t init = ZEUS_AMD_SAMPLE_INIT;
    zeus_amd_sample_t *samples = calloc(BATCH, sizeof *samples);
    uint64_t *since_ns = calloc((size_t)r->gpu_count + 1, sizeof *since_ns), lost = 0, all_lost = 0;
    uint32_t count = BATCH;
    while (samples != NULL && since_ns != NULL && r->sampler != NULL && count > 0) {
        samples[0] = init;
        count = BATCH;
        if (zeus_amd_sampler_drain(r->sampler, samples, &count, &lost) != ZEUS_AMD_STATUS_OK)
            break;
        all_lost += lost;
        for (uint32_t i = 0; i < count; i++)
            if (samples[i].gpu < r->gpu_count)
                sample(to, &samples[i], since_ns);
    }
    for (uint32_t i = 0; since_ns != NULL && i < r->gpu_count; i++)
        if (since_ns[i] > 0)
            step(to, i, since_ns[i], 0); /* the last step ends */
    free(samples);
    free(since_ns);
    return all_lost;
}

static uint64_t time_ns(const regions_result *r, uint64_t ticks)
{
    return r->begin_ns + (uint64_t)llround((double)(int64_t)(ticks - r->begin_ticks) * r->ns_per_tick);
}

/* Ranges overlap, so each is a track of its own name. */
static void event(FILE *to, const regions_result *r, const regions_event *e, uint64_t thread, uint64_t number)
{
    const int is_range = e->region->parent == &r->ranges;
    fprintf(to, ",\n{\"ph\":\"%s\",\"pid\":1,\"tid\":%" PRIu64 ",\"cat\":\"%s\",\"name\":", is_range ? "b" : "X", thread,
            regions_kind_name(e->region->kind));
    json_string(to, e->region->shown);
    microseconds(to, "ts", time_ns(r, e->begin));
    if (!is_range) {
        microseconds(to, "dur", time_ns(r, e->end) - time_ns(r, e->begin));
        fputc('}', to);
        return;
    }
    fprintf(to, ",\"id\":%" PRIu64 "},\n{\"ph\":\"e\",\"pid\":1,\"tid\":%" PRIu64 ",\"id\":%" PRIu64 ",\"cat\":\"%s\",\"name\":", number,
            thread, number, regions_kind_name(e->region->kind));
    json_string(to, e->region->shown);
    microseconds(to, "ts", time_ns(r, e->end));
    fputc('}', to);
}

void report_trace(FILE *to, const void *data)
{
    const report *p = data;
    const regions_result *r = p->result;
    /* 0 is the idle thread for those who read it. */
    uint64_t thread = 1, lost;
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"ts\":0,\"cat\":\"__metadata\",\"name\":\"process_name\",\"args\":{\"name\":", to);
    json_string(to, p->program);
    fputs("}}", to);
    lost = power(to, r);
    for (const regions_events *of = r->events; of != NULL; of = of->next, thread++)
        for (uint32_t i = 0; i < of->count; i++)
            event(to, r, &of->all[i], thread, i + 1);
    fprintf(to, "\n],\"otherData\":{\"left_out_visits\":%" PRIu64 ",\"lost_samples\":%" PRIu64 ",\"aborted\":%s}}\n", r->untraced, lost,
            p->aborted ? "true" : "false");
}
