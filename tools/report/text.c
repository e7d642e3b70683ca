/* SPDX-License-Identifier: Apache-2.0 */
/* The report as text. */
#define _GNU_SOURCE
#include "report.h"

#include "../json_text.h"
#include "../node.h"
#include "../numbers.h"

#include <inttypes.h>
#include <string.h>

/* Columns for names; longer ones are cut. */
#define WIDTH 56u

static void name(FILE *to, uint32_t indent, const char *text, const char *kind)
{
    uint32_t column = 0;
    size_t length;
    for (; column < indent && column < WIDTH / 2; column++)
        fputc(' ', to);
    for (; *text != '\0' && column < WIDTH - 1; text += length, column++) {
        const uint32_t c = utf8_next(text, &length);
        utf8_put(to, text, length, c);
    }
    if (*text != '\0') {
        fputc('>', to);
        column++;
    } else if (kind != NULL && column + strlen(kind) + 3 <= WIDTH) {
        column += (uint32_t)fprintf(to, " [%s]", kind);
    }
    fprintf(to, "%*s", (int)(WIDTH - column), "");
}

static int64_t millijoules(int64_t uj)
{
    return (uj + 500) / 1000;
}

/* Times, energy and its error; "~": more than half of it was split by time. */
static void numbers(FILE *to, const regions_result *r, uint64_t count, double ns, const regions_share *shares)
{
    const report_energy sum = report_sum(r, shares), total = report_total(r);
    if (!report_is_measured(r)) {
        fprintf(to, " %9" PRIu64 " %10.3f %13s %10s  %6s %9s", count, ns / 1e9, "-", "-", "-", "-");
        return;
    }
    fprintf(to, " %9" PRIu64 " %10.3f %13.3f %10.3f%c %6.1f %9.1f", count, ns / 1e9, (double)millijoules(sum.uj) / 1e3,
            sum.uncertainty_uj / 1e6, sum.shared_uj > 0.5 * (double)sum.uj ? '~' : ' ',
            total.uj > 0 ? 100 * (double)sum.uj / (double)total.uj : 0, ns > 0 ? (double)sum.uj * 1e3 / ns : 0);
}

/* Of a GPU over the run. */
static double mean_w(const regions_result *r, uint32_t gpu)
{
    const double ns = (double)(r->end_ns - r->begin_ns);
    return ns > 0 && r->gpus[gpu].measured ? (double)r->run.inclusive[gpu].exact_uj * 1e3 / ns : 0;
}

static void head(FILE *to, const report *p)
{
    const regions_result *r = p->result;
    zeus_amd_node_scope_t scope;
    const report_energy total = report_total(r), widest = report_widest(r, &scope);
    const double ns = (double)(r->end_ns - r->begin_ns);
    fputs("Energy by region of ", to);
    utf8_print(to, p->program, 0);
    fputs("\n\n", to);
    if (r->run.inclusive == NULL || r->status != ZEUS_AMD_STATUS_OK)
        fprintf(to, "energy    none: %s\n", r->why[0] != '\0' ? r->why : zeus_amd_status_string(r->status));
    else if (!report_is_measured(r))
        fputs("energy    none: no GPU has one; the lines of the GPUs say why\n", to);
    else
        fprintf(to, "energy    %.3f J +- %.3f J\n", (double)millijoules(total.uj) / 1e3, total.uncertainty_uj / 1e6);
    if (scope >= ZEUS_AMD_NODE_SCOPE_PARTS)
        fprintf(to, "          %.3f J +- %.3f J of %s\n", (double)widest.uj / 1e6, widest.uncertainty_uj / 1e6,
                scope == ZEUS_AMD_NODE_SCOPE_NODE ? "the whole node" : "GPUs, processors and memory as far as they are measured");
    fprintf(to, "time      %.3f s, from the first region%s\n", ns / 1e9,
            p->aborted ? " to the last reading: it aborted, or a signal handler ended it" : " to the end of the program");
    fprintf(to, "overhead  %" PRIu64 " readings, %.6f s (%.2f %% of the time), and %.3f s to open\n", r->reads,
            (double)r->read_ns / 1e9, ns > 0 ? 100 * (double)r->read_ns / ns : 0, (double)r->open_ns / 1e9);
    fprintf(to, "fences    round kernels: %s\n", p->fences);
    fprintf(to, "\n%-4s %-14s %13s %10s %9s  %s\n", "GPU", "PCI address", "energy J", "+- J", "mean W", "by");
    for (uint32_t i = 0; i < r->gpu_count; i++) {
        const regions_gpu *gpu = &r->gpus[i];
        fprintf(to, "%-4" PRIu32 " %-14s ", i, gpu->info.pci_address);
        if (gpu->measured)
            fprintf(to, "%13.3f %10.3f %9.1f  %s%s%s\n", (double)r->run.inclusive[i].exact_uj / 1e6, gpu->error.total_uj / 1e6,
                    mean_w(r, i), zeus_amd_method_string(gpu->energy.method),
                    gpu->missed ? ", up to when it could be read last: " : "",
                    gpu->missed ? zeus_amd_status_string(gpu->energy.status) : "");
        else
            fprintf(to, "none: %s, %s\n", zeus_amd_counter_state_string(gpu->energy.counter_state),
                    zeus_amd_status_string(gpu->energy.status));
    }
    for (uint32_t i = 0; i < r->gpu_count; i++) {
        char gpu[16];
        snprintf(gpu, sizeof gpu, "GPU %" PRIu32, i);
        limited_text(to, gpu, r->gpus[i].limited_status, &r->gpus[i].limited, mean_w(r, i), 0);
    }
}

/* Own energies are rounded together, so that as they are shown they add up to the total as it is shown. */
typedef struct rounded {
    int64_t uj, given_mj;
} rounded;

static double own_joules(rounded *sum, int64_t uj)
{
    int64_t mj;
    sum->uj += uj;
    mj = millijoules(sum->uj) - sum->given_mj;
    sum->given_mj += mj;
    return (double)mj / 1e3;
}

static void regions(FILE *to, const report *p)
{
    const regions_result *r = p->result;
    const int known = report_is_measured(r);
    rounded sum = {0, 0};
    uint64_t hidden = 0;
    double hidden_j = 0;
    fprintf(to, "\n%-*s %9s %10s %13s %10s  %6s %9s %10s %13s\n", (int)WIDTH, "region", "count", "time s", "energy J", "+- J",
            "%", "mean W", "own s", "own J");
    for (const regions_region *one = &r->run; one != NULL; one = report_next(&r->run, one)) {
        const double own_j = own_joules(&sum, report_sum(r, one->exclusive).uj);
        if (one->depth > p->depth) {
            hidden++;
            hidden_j += own_j;
            continue;
        }
        name(to, 2 * one->depth, one->shown, one == &r->run ? NULL : regions_kind_name(one->kind));
        numbers(to, r, one->count, one->wall_ns, one->inclusive);
        fprintf(to, " %10.3f", one->own_ns / 1e9);
        text_number(to, known, 13, 3, own_j);
        fputs(one->concurrent && one != &r->run ? "  concurrent\n" : "\n", to);
    }
    if (hidden > 0) {
        fprintf(to, "%" PRIu64 " region(s) deeper than %" PRIu32 " levels are left out here", hidden, p->depth);
        if (known)
            fprintf(to, "; their own energy is %.3f J", hidden_j);
        fputc('\n', to);
    }
}

static void ranges(FILE *to, const regions_result *r)
{
    int any = 0;
    for (const regions_region *one = r->ranges.child; one != NULL; one = one->sibling) {
        if (one->kind == REGIONS_MARK)
            continue;
        if (!any)
            fprintf(to, "\n%-*s %9s %10s %13s %10s  %6s %9s\n", (int)WIDTH, "range", "count", "time s", "energy J", "+- J",
                    "%", "mean W");
        any = 1;
        name(to, 0, one->shown, regions_kind_name(one->kind));
        numbers(to, r, one->count, one->wall_ns, one->inclusive);
        fputc('\n', to);
    }
    any = 0;
    for (const regions_region *one = r->ranges.child; one != NULL; one = one->sibling) {
        if (one->kind != REGIONS_MARK)
            continue;
        if (!any)
            fprintf(to, "\n%-*s %9s\n", (int)WIDTH, "mark", "count");
        any = 1;
        name(to, 0, one->shown, NULL);
        fprintf(to, " %9" PRIu64 "\n", one->count);
    }
}

void report_notes(FILE *to, const regions_result *r)
{
    if (r->unbalanced > 0)
        fprintf(to, "%" PRIu64 " end(s) of a region that was not the innermost one, or not open.\n", r->unbalanced);
    if (r->unfinished > 0)
        fprintf(to, "%" PRIu64 " region(s) were still open at the end.\n", r->unfinished);
    if (r->too_many > 0)
        fprintf(to, "%" PRIu64 " time(s) a new path was not counted: there are too many.\n", r->too_many);
    if (r->in_handlers > 0)
        fprintf(to, "%" PRIu64 " event(s) in signal handlers were not counted.\n", r->in_handlers);
}

static void notes(FILE *to, const regions_result *r)
{
    fputs("\nregion: all paths of calls; energy while at least one thread is there, \"own\" without the regions within. The own\n"
          "energies add up to the total, where run has that of the time outside of regions.\n"
          "~: more than half of the energy was split by time between regions that are shorter than the time between two\n"
          "readings; +- covers any power from zero to the highest.\n", to);
    if (r->run.concurrent)
        fputs("concurrent: several threads were in regions at once; the energies of such regions overlap.\n", to);
    if (r->ranges.child != NULL)
        fputs("range: begun and ended by number, may overlap with all; not part of the sum.\n", to);
    report_notes(to, r);
}

void report_text(FILE *to, const void *data)
{
    const report *p = data;
    head(to, p);
    if (p->result->run.inclusive != NULL) {
        regions(to, p);
        ranges(to, p->result);
    }
    notes(to, p->result);
}
