/* The report for people. */
#include "run.h"

#include "../node.h"
#include "../numbers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void sums(FILE *f, int is_known, uint64_t energy_mj, uint64_t uncertainty_mj, uint64_t mean_mw)
{
    text_number(f, is_known, 12, 3, (double)energy_mj / 1e3);
    text_number(f, is_known, 8, 3, (double)uncertainty_mj / 1e3);
    text_number(f, is_known, 9, 1, (double)mean_mw / 1e3);
}

static void notes(FILE *f, uint32_t flags)
{
    for (const struct flag_word *w = flag_words; w->bit != 0; w++)
        if (flags & w->bit && w->words[0] != 0)
            fprintf(f, ", %s", w->words);
}

void which_gpus(FILE *f, const struct options *o, const struct measure *m)
{
    static const char *const names[] = {"ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"};
    const char *mark = " (";
    fprintf(f, "%" PRIu32 " GPU%s", m->chosen, m->chosen == 1 ? " " : "s ");
    if (o->gpus != NULL)
        fprintf(f, "(%s) of the %" PRIu32 " ", o->gpus, m->count);
    fputs(o->all ? "of this machine, whatever the environment shows" : "that the environment shows", f);
    for (size_t i = 0; !o->all && i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL) {
            fprintf(f, "%s%s=", mark, names[i]);
            put_plain(f, value, 0);
            mark = ", ";
        }
    }
    fputs(strcmp(mark, ", ") == 0 ? ")\n" : "\n", f);
}

void which_library(FILE *f, const struct measure *m)
{
    const zeus_amd_session_info_t *i = &m->info;
    if (i->amdsmi_status != ZEUS_AMD_STATUS_OK)
        fprintf(f, "libamd_smi is not used (%s): readings are the kernel's, from sysfs\n", zeus_amd_status_string(i->amdsmi_status));
}

static void row(FILE *f, uint32_t i, const struct gpu *g, int width)
{
    const zeus_amd_gpu_energy_t *u = &g->used;
    int known = u->method != ZEUS_AMD_METHOD_NONE;
    fprintf(f, "%5" PRIu32 "  ", i);
    put_plain(f, g->info.name, width);
    fprintf(f, "  %-12s", g->info.pci_address);
    sums(f, known, u->energy_mj, u->uncertainty_mj, u->mean_power_mw);
    text_number(f, g->steps > 0, 9, 1, g->peak_mw / 1e3);
    if (known)
        fprintf(f, "  %s", zeus_amd_method_string(u->method));
    else if (u->counter_state == ZEUS_AMD_COUNTER_STATE_SECONDARY_DIE || u->counter_state == ZEUS_AMD_COUNTER_STATE_SECONDARY_PARTITION)
        fprintf(f, "  in the first GPU of its package (%s)", zeus_amd_counter_state_string(u->counter_state));
    else
        fprintf(f, "  none: %s (counter: %s)", zeus_amd_status_string(u->status), zeus_amd_counter_state_string(u->counter_state));
    if (known)
        notes(f, u->flags);
    fputc('\n', f);
}

static void table(FILE *f, const struct measure *m)
{
    const zeus_amd_total_energy_t *t = &m->total;
    int width = 4, sampled = 0, by_sensor = 0, averaged = 0;
    double steps = 0, steps_ns = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        int length = (int)strlen(m->gpus[i].info.name);
        width = m->gpus[i].chosen && length > width ? length : width;
    }
    fprintf(f, "%5s  %-*s  %-12s %12s %8s %9s %9s  %s\n", "GPU", width, "name", "PCI", "energy J", "+- J", "mean W", "peak W", "how");
    for (uint32_t i = 0; i < m->count; i++) {
        const struct gpu *g = &m->gpus[i];
        if (!g->chosen)
            continue;
        row(f, i, g, width);
        steps += (double)g->steps;
        steps_ns += (double)g->steps_ns;
        sampled |= g->steps > 0;
        by_sensor |= g->integrated;
        averaged |= g->integrated && g->averaged;
    }
    fprintf(f, "%5s  %-*s  %-12s", "all", width, "", "");
    sums(f, t->packages > 0, t->energy_mj, t->uncertainty_mj, t->mean_power_mw);
    text_number(f, m->sum.peak_mw > 0, 9, 1, m->sum.peak_mw / 1e3);
    fprintf(f, "  %" PRIu32 " package%s, each once", t->packages, t->packages == 1 ? "" : "s");
    if (t->missing > 0)
        fprintf(f, "; WITHOUT %" PRIu32 " that %s no energy", t->missing, t->missing == 1 ? "has" : "have");
    fputc('\n', f);
    if (sampled) {
        fprintf(f, "peak: the highest mean over one sampling interval (%.2g ms)%s%s; of all together over %.0f ms\n", steps_ns / steps / 1e6,
                by_sensor ? ", by the power sensor where the counter is not used" : ", by the energy counter",
                averaged ? ", which averages over seconds" : "", (double)CELL_NS / 1e6);
    }
    if (m->lost > 0)
        fprintf(f, "%" PRIu64 " samples came too fast and are not in the curve; the energies are right all the same\n", m->lost);
    if (m->no_curve[0] != 0) {
        put_plain(f, m->no_curve, 0);
        fputc('\n', f);
    }
}

/* The shares of the run in which something held a GPU down. */
static void limits(FILE *f, const struct measure *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        const struct gpu *g = &m->gpus[i];
        char of[16];
        snprintf(of, sizeof of, "GPU %" PRIu32, i);
        if (g->chosen)
            limited_text(f, of, g->limited_status, &g->limited,
                         g->used.method != ZEUS_AMD_METHOD_NONE ? (double)g->used.mean_power_mw / 1e3 : 0, (double)g->limit_mw / 1e3);
    }
}

/* The node beside its GPUs, and the energy of the run. */
static void node(FILE *f, const struct measure *m)
{
    static const char *const scopes[] = {"nothing is measured", "the packages of the GPUs", "GPUs, processors and memory as far as they are measured",
                                         "the whole node"};
    const struct node *n = &m->node;
    const zeus_amd_node_total_t *t = &n->total;
    int has_window = t->struct_size != 0;
    if (has_window)
        fprintf(f, "%-20s %12s %8s %9s  %s\n", "node", "energy J", "+- J", "mean W", "how");
    for (uint32_t i = 0; has_window && i < n->count; i++) {
        const zeus_amd_node_energy_t *e = &n->used[i];
        if (n->domains[i].source == ZEUS_AMD_NODE_SOURCE_GPU)
            continue;
        put_plain(f, n->domains[i].name, 20);
        sums(f, e->status == ZEUS_AMD_STATUS_OK, e->energy_uj / 1000, (e->uncertainty_uj + 999) / 1000, e->mean_power_mw);
        fprintf(f, "  %s: %s", domain_source(&n->domains[i]),
                e->status == ZEUS_AMD_STATUS_OK ? zeus_amd_method_string(e->method) : zeus_amd_status_string(e->status));
        notes(f, e->flags);
        fputc('\n', f);
    }
    if (has_window && (t->valid & ZEUS_AMD_NODE_TOTAL_VALID_ENERGY_BIT)) {
        fprintf(f, "energy of the run: %.3f J +- %.3f J, mean %.1f W: %s", (double)t->energy_uj / 1e6, (double)t->uncertainty_uj / 1e6,
                (double)t->mean_power_mw / 1e3, t->scope < 4 ? scopes[t->scope] : "unknown");
        if (t->missing > 0)
            fprintf(f, ", WITHOUT %" PRIu32 " that %s no energy", t->missing, t->missing == 1 ? "has" : "have");
        fputc('\n', f);
    }
    if (n->why[0] != 0) {
        put_plain(f, n->why, 0);
        fputc('\n', f);
    }
    put_lines(f, n->opinion, "");
}

void report(FILE *f, const struct options *o, const struct measure *m, const struct child *c)
{
    char *command = join_command(o->command);
    char when[32] = "";
    struct tm utc;
    int status = child_exit_status(c);
    if (gmtime_r(&c->begin_time.tv_sec, &utc) != NULL)
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fputs("zeus-amd-run: ", f);
    put_plain(f, command != NULL ? command : o->command[0], 0);
    free(command);
    fprintf(f, "\n%.3f s from %s on ", (double)(c->end_ns - c->begin_ns) / 1e9, when);
    put_plain(f, o->place.host, 0);
    fprintf(f, ", exit status %d", status);
    if (status > 128 && c->status != status << 8)
        fprintf(f, " (signal %d)", status - 128);
    fputc('\n', f);
    if (o->place.rank >= 0)
        fprintf(f, "rank %ld of a job: each rank reports the GPUs that it sees; libzeus_amd_pmpi.so makes one report of all\n", o->place.rank);
    which_library(f, m);
    if (m->none[0] != 0) {
        fputs("no energy: ", f);
        put_plain(f, m->none, 0);
        fputc('\n', f);
        return;
    }
    which_gpus(f, o, m);
    table(f, m);
    limits(f, m);
    node(f, m);
}
