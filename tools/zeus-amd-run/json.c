/* The report for programs. */
#include "run.h"

#include "../json_text.h"
#include "../node.h"

#include <inttypes.h>
#include <math.h>
#include <sys/wait.h>

static void text(FILE *f, const char *name, const char *value)
{
    fprintf(f, "\"%s\": ", name);
    json_string(f, value);
    fputs(", ", f);
}

/* Thousandths of the unit, or null. */
static void milli(FILE *f, const char *name, int is_known, uint64_t value)
{
    if (is_known)
        fprintf(f, "\"%s\": %" PRIu64 ".%03" PRIu64 ", ", name, value / 1000, value % 1000);
    else
        fprintf(f, "\"%s\": null, ", name);
}

static void number(FILE *f, const char *name, int is_known, double value)
{
    if (is_known)
        fprintf(f, "\"%s\": %.9g, ", name, value);
    else
        fprintf(f, "\"%s\": null, ", name);
}

static void flags(FILE *f, uint32_t flags)
{
    const char *comma = "";
    fputs("\"flags\": [", f);
    for (const struct flag_word *w = flag_words; w->bit != 0; w++) {
        if (flags & w->bit) {
            fprintf(f, "%s\"%s\"", comma, w->key);
            comma = ", ";
        }
    }
    fputc(']', f);
}

/* Cycles of the firmware at each limit, or null. */
static void limited(FILE *f, const struct gpu *g)
{
    const zeus_amd_limited_time_t *l = &g->limited;
    if (g->limited_status != ZEUS_AMD_STATUS_OK) {
        fputs("\"limited\": null, ", f);
        return;
    }
    fputs("\"limited\": {", f);
    limit_members(f, l);
    fputs(", ", f);
    milli(f, "power_limit_w", g->limit_mw > 0, g->limit_mw);
    number(f, "duration_s", (l->valid & ZEUS_AMD_LIMITED_TIME_VALID_DURATION_BIT) != 0, (double)l->duration_ns / 1e9);
    fprintf(f, "\"begin_ns\": %" PRIu64 ", ", g->counts.driver_time_ns);
    flags(f, l->flags);
    fputs("},\n     ", f);
}

static void gpu(FILE *f, uint32_t i, const struct gpu *g)
{
    const zeus_amd_gpu_energy_t *u = &g->used;
    int known = u->method != ZEUS_AMD_METHOD_NONE, sampled = g->steps > 0;
    fprintf(f, "{\"gpu\": %" PRIu32 ", ", i);
    text(f, "name", g->info.name);
    text(f, "pci_address", g->info.pci_address);
    text(f, "uuid", g->info.uuid);
    text(f, "package", g->info.package);
    fputs("\n     ", f);
    milli(f, "energy_j", known, u->energy_mj);
    milli(f, "uncertainty_j", known, u->uncertainty_mj);
    number(f, "duration_s", known, (double)u->duration_ns / 1e9);
    milli(f, "mean_power_w", known, u->mean_power_mw);
    text(f, "method", zeus_amd_method_string(u->method));
    text(f, "counter", zeus_amd_counter_state_string(u->counter_state));
    text(f, "status", zeus_amd_status_string(u->status));
    number(f, "resolution_uj", (u->valid & ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT) != 0, u->resolution_uj);
    fprintf(f, "\"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 ", ", u->begin_ns, u->end_ns);
    fputs("\n     ", f);
    number(f, "peak_power_w", sampled, g->peak_mw / 1e3);
    number(f, "peak_uncertainty_w", sampled && isfinite(g->peak_error_mw), g->peak_error_mw / 1e3);
    number(f, "peak_interval_s", sampled, sampled ? (double)g->steps_ns / (double)g->steps / 1e9 : 0);
    fprintf(f, "\"peak_from\": %s, \"samples\": %" PRIu64 ", ",
            !sampled ? "null" : !g->integrated ? "\"counter\"" : g->averaged ? "\"averaged sensor\"" : "\"sensor\"", g->samples);
    if (g->samples > 0)
        fprintf(f, "\"sampler_energy_j\": %.6f, \"sampler_begin_ns\": %" PRIu64 ", \"sampler_end_ns\": %" PRIu64 ", ", sampler_joules(g),
                g->first_ns, g->last_ns);
    else
        fputs("\"sampler_energy_j\": null, ", f);
    limited(f, g);
    flags(f, u->flags);
    fputc('}', f);
}

/* Of the widest scope that is measured. */
static void run(FILE *f, const struct measure *m)
{
    const zeus_amd_node_total_t *t = &m->node.total;
    int has_window = t->struct_size != 0, gpus = m->total.packages > 0;
    int known = has_window ? (t->valid & ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT) != 0 : gpus;
    fprintf(f, ",\n  \"run\": {\"scope\": \"%s\", ", scope_key(has_window ? t->scope : gpus ? ZEUS_AMD_NODE_SCOPE_GPUS : ZEUS_AMD_NODE_SCOPE_NONE));
    number(f, "energy_j", known, has_window ? (double)t->energy_uj / 1e6 : (double)m->total.energy_mj / 1e3);
    number(f, "uncertainty_j", known, has_window ? (double)t->uncertainty_uj / 1e6 : (double)m->total.uncertainty_mj / 1e3);
    milli(f, "mean_power_w", known, has_window ? t->mean_power_mw : m->total.mean_power_mw);
    fprintf(f, "\"missing\": %" PRIu32 "},\n  \"node\": [", has_window ? t->missing : m->total.missing);
}

static void domain(FILE *f, const zeus_amd_node_domain_info_t *d, const zeus_amd_node_energy_t *e)
{
    int known = (e->valid & ZEUS_AMD_NODE_ENERGY_VALID_ENERGY_BIT) != 0;
    fputc('{', f);
    text(f, "name", d->name);
    text(f, "kind", zeus_amd_node_domain_kind_string(d->kind));
    text(f, "source", domain_source(d));
    text(f, "status", zeus_amd_status_string(e->status));
    text(f, "method", zeus_amd_method_string(e->method));
    number(f, "energy_j", known, (double)e->energy_uj / 1e6);
    number(f, "uncertainty_j", known, (double)e->uncertainty_uj / 1e6);
    number(f, "duration_s", known, (double)e->duration_ns / 1e9);
    milli(f, "mean_power_w", known, e->mean_power_mw);
    fprintf(f, "\"in_run\": %s, ", e->flags & ZEUS_AMD_NODE_ENERGY_FLAG_IN_TOTAL_BIT ? "true" : "false");
    flags(f, e->flags);
    fputc('}', f);
}

static void string_or_null(FILE *f, const char *s)
{
    if (s != NULL)
        json_string(f, s);
    else
        fputs("null", f);
}

static void node(FILE *f, const struct measure *m)
{
    const struct node *n = &m->node;
    const char *comma = "\n    ";
    for (uint32_t i = 0; n->total.struct_size != 0 && i < n->count; i++) {
        if (n->domains[i].source == ZEUS_AMD_NODE_SOURCE_GPU)
            continue;
        fputs(comma, f);
        domain(f, &n->domains[i], &n->used[i]);
        comma = ",\n    ";
    }
    fputs("],\n  \"node_finding\": ", f);
    string_or_null(f, n->why[0] != 0 ? n->why : NULL);
    fputs(",\n  \"second_opinion\": ", f);
    string_or_null(f, n->opinion);
}

static void command(FILE *f, char **words)
{
    fputs("  \"command\": [", f);
    for (char **w = words; *w != NULL; w++) {
        fputs(w == words ? "" : ", ", f);
        json_string(f, *w);
    }
    fputs("],\n", f);
}

static void total(FILE *f, const struct measure *m)
{
    const zeus_amd_total_energy_t *t = &m->total;
    fputc('{', f);
    milli(f, "energy_j", t->packages > 0, t->energy_mj);
    milli(f, "uncertainty_j", t->packages > 0, t->uncertainty_mj);
    number(f, "duration_s", 1, (double)t->duration_ns / 1e9);
    milli(f, "mean_power_w", t->packages > 0, t->mean_power_mw);
    number(f, "peak_power_w", m->sum.peak_mw > 0, m->sum.peak_mw / 1e3);
    number(f, "peak_uncertainty_w", m->sum.peak_mw > 0 && isfinite(m->sum.peak_error_mw), m->sum.peak_error_mw / 1e3);
    number(f, "peak_interval_s", 1, (double)CELL_NS / 1e9);
    fprintf(f, "\"packages\": %" PRIu32 ", \"missing_packages\": %" PRIu32 ", ", t->packages, t->missing);
    flags(f, t->flags);
    fputc('}', f);
}

void report_json(FILE *f, const struct options *o, const struct measure *m, const struct child *c)
{
    static const char *const backends[] = {"auto", "amdsmi", "sysfs"};
    static const char *const resolutions[] = {"default", "reported", "firmware"};
    int known = m->none[0] == 0;
    const char *comma = "\n    ";
    char when[32] = "";
    struct tm utc;
    if (gmtime_r(&c->begin_time.tv_sec, &utc) != NULL)
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    fprintf(f, "{\n  \"zeus_amd_version\": \"%s\",\n", zeus_amd_version_string());
    fputs("  ", f);
    text(f, "host", o->place.host);
    if (o->place.rank >= 0)
        fprintf(f, "\"rank\": %ld,\n", o->place.rank);
    else
        fputs("\"rank\": null,\n", f);
    command(f, o->command);
    fprintf(f, "  \"start\": \"%s.%03ldZ\", \"exit_status\": %d, \"signal\": ", when, c->begin_time.tv_nsec / 1000000, child_exit_status(c));
    if (WIFSIGNALED(c->status))
        fprintf(f, "%d", WTERMSIG(c->status));
    else
        fputs("null", f);
    fprintf(f, ",\n  \"duration_s\": %.9f, \"begin_boottime_ns\": %" PRIu64 ", \"end_boottime_ns\": %" PRIu64 ",\n",
            (double)(c->end_ns - c->begin_ns) / 1e9, c->begin_ns, c->end_ns);
    fputs("  \"no_energy\": ", f);
    if (known)
        fputs("null", f);
    else
        json_string(f, m->none);
    fprintf(f, ",\n  \"backend\": \"%s\", ", m->info.backend < 3 ? backends[m->info.backend] : "unknown");
    text(f, "rocm", m->info.rocm);
    text(f, "amdsmi_path", m->info.amdsmi_path);
    text(f, "amdsmi_status", zeus_amd_status_string(m->info.amdsmi_status));
    fprintf(f, "\"energy_resolution\": \"%s\", \"lost_samples\": %" PRIu64 ",\n  \"gpus\": [",
            m->info.energy_resolution < 3 ? resolutions[m->info.energy_resolution] : "unknown", m->lost);
    for (uint32_t i = 0; known && i < m->count; i++) {
        if (m->gpus[i].chosen) {
            fputs(comma, f);
            gpu(f, i, &m->gpus[i]);
            comma = ",\n    ";
        }
    }
    fputs("],\n  \"total\": ", f);
    if (!known) {
        fputs("null,\n  \"run\": null,\n  \"node\": [],\n  \"node_finding\": null,\n  \"second_opinion\": null\n}\n", f);
        return;
    }
    total(f, m);
    run(f, m);
    node(f, m);
    fputs("\n}\n", f);
}
