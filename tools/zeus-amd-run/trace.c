/* Every sample, as it comes: a table, and a trace for Perfetto or chrome://tracing. */
#include "run.h"

#include "../json_text.h"

#include <inttypes.h>

static void column(FILE *f, uint32_t is_set, uint64_t value)
{
    fputc(',', f);
    if (is_set)
        fprintf(f, "%" PRIu64, value);
}

void csv_begin(FILE *f)
{
    fputs("time_ns,gpu,energy_uj,power_mw,counter_power_mw,valid,flags,domain\n", f);
}

static void csv_row(FILE *f, const zeus_amd_sample_t *s)
{
    fprintf(f, "%" PRIu64 ",%" PRIu32, s->time_ns, s->gpu);
    column(f, s->valid & ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT, s->energy_uj);
    column(f, s->valid & ZEUS_AMD_SAMPLE_VALID_POWER_BIT, s->power_mw);
    column(f, s->valid & ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT, s->counter_power_mw);
    fprintf(f, ",%" PRIu32 ",%" PRIu32 ",\n", s->valid, s->flags);
}

void csv_domain(FILE *f, uint64_t time_ns, const zeus_amd_node_domain_info_t *d, const zeus_amd_node_energy_t *e)
{
    fprintf(f, "%" PRIu64 ",", time_ns);
    column(f, e->valid & ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT, e->energy_uj);
    fprintf(f, ",,,%" PRIu32 ",%" PRIu32 ",", e->valid, e->flags);
    put_plain(f, d->name, 0);
    fputc('\n', f);
}

/* A reset or a gap is never left out. */
void csv_sample(struct measure *m, struct gpu *g, const zeus_amd_sample_t *s)
{
    uint32_t marks = ZEUS_AMD_SAMPLE_FLAG_RESET_BIT | ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT;
    if (m->csv == NULL)
        return;
    g->held = *s;
    if (g->written_ns != 0 && s->time_ns - g->written_ns < m->every_ns && !(s->flags & marks))
        return;
    csv_row(m->csv, s);
    g->written_ns = s->time_ns;
}

void trace_begin(FILE *f)
{
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n"
          "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"zeus-amd-run\"}}", f);
}

/* From this time on the GPU draws so many watts. Microseconds, as the format has it. */
static void trace_step(FILE *f, uint32_t gpu, uint64_t time_ns, double watts)
{
    fprintf(f, ",\n{\"ph\":\"C\",\"pid\":1,\"name\":\"GPU %" PRIu32 "\",\"ts\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"W\":%.6f}}",
            gpu, time_ns / 1000, time_ns % 1000, watts);
}

static void trace_until(FILE *f, uint32_t gpu, struct gpu *g, uint64_t time_ns, uint64_t energy_uj)
{
    trace_step(f, gpu, g->traced_ns, (double)(energy_uj - g->traced_uj) * 1e3 / (double)(time_ns - g->traced_ns));
    g->traced_ns = time_ns;
    g->traced_uj = energy_uj;
}

void trace_sample(struct measure *m, struct gpu *g, const zeus_amd_sample_t *s)
{
    if (m->trace == NULL)
        return;
    if (g->traced_ns == 0) {
        g->traced_ns = g->last_ns;
        g->traced_uj = g->last_uj;
    }
    if (s->time_ns - g->traced_ns >= m->every_ns)
        trace_until(m->trace, s->gpu, g, s->time_ns, s->energy_uj);
}

void samples_end(struct measure *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        struct gpu *g = &m->gpus[i];
        if (m->csv != NULL && g->held.time_ns > g->written_ns)
            csv_row(m->csv, &g->held);
        if (m->trace != NULL && g->traced_ns != 0 && g->last_ns > g->traced_ns)
            trace_until(m->trace, i, g, g->last_ns, g->last_uj);
    }
}

void trace_end(FILE *f, const struct measure *m, const struct child *c, const char *command)
{
    uint64_t ns = c->end_ns - c->begin_ns;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->gpus[i].samples > 0)
            trace_step(f, i, m->gpus[i].last_ns, 0); /* the last step ends */
    fputs(",\n{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":", f);
    json_string(f, command);
    fprintf(f, ",\"ts\":%" PRIu64 ".%03" PRIu64 ",\"dur\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"exit_status\":%d}}\n]}\n",
            c->begin_ns / 1000, c->begin_ns % 1000, ns / 1000, ns % 1000, child_exit_status(c));
}
