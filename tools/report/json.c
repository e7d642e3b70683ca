/* SPDX-License-Identifier: Apache-2.0 */
/* The report as JSON. docs/tools/regions.schema.json describes it. */
#define _GNU_SOURCE
#include "report.h"

#include "../files.h"
#include "../json_text.h"
#include "../node.h"
#include "../numbers.h"

#include <inttypes.h>
#include <unistd.h>

static const char *const how_inclusive = "energy while at least one thread was in the region";
static const char *const how_exclusive =
    "each moment's energy in equal parts to the innermost regions of all threads; these, with that of run (outside of all "
    "regions), add up to the total";
static const char *const how_shared =
    "of the energy: that of spans between two readings of the counters in which the region was for less than 90 % of the time, "
    "split by time; the uncertainty covers any power from zero to the highest";

static void member(FILE *to, const char *name, const char *text)
{
    fprintf(to, "\"%s\": ", name);
    json_string(to, text);
}

static double seconds(double ns)
{
    return ns / 1e9;
}

/* Microjoules, as they add up. */
static void joules(FILE *to, const char *name, int is_known, int64_t uj)
{
    const uint64_t size = uj < 0 ? (uint64_t)-uj : (uint64_t)uj;
    if (is_known)
        fprintf(to, "\"%s\": %s%" PRIu64 ".%06" PRIu64, name, uj < 0 ? "-" : "", size / 1000000, size % 1000000);
    else
        fprintf(to, "\"%s\": null", name);
}

static void energy(FILE *to, const char *name, const regions_result *r, const regions_share *shares, double ns)
{
    const report_energy sum = report_sum(r, shares), total = report_total(r);
    const int known = report_is_measured(r);
    const char *comma = "";
    fprintf(to, "\"%s\": {", name);
    joules(to, "energy_j", known, sum.uj);
    json_number(to, "uncertainty_j", known, sum.uncertainty_uj / 1e6, 6);
    json_number(to, "shared_j", known, sum.shared_uj / 1e6, 6);
    json_number(to, "mean_power_w", known && ns > 0, (double)sum.uj * 1e3 / ns, 3);
    json_number(to, "share", total.uj > 0, (double)sum.uj / (double)total.uj, 6);
    fputs(", \"gpus\": [", to);
    for (uint32_t i = 0; i < r->gpu_count; i++)
        if (r->gpus[i].measured) {
            fprintf(to, "%s{\"gpu\": %" PRIu32 ", ", comma, i);
            joules(to, "energy_j", 1, shares[i].exact_uj);
            fprintf(to, ", \"uncertainty_j\": %.6f}", regions_uncertainty_uj(&r->gpus[i], &shares[i]) / 1e6);
            comma = ", ";
        }
    fputs("]}", to);
}

static void names(FILE *to, const regions_region *one)
{
    member(to, "name", one->shown);
    fputs(", ", to);
    member(to, "raw_name", one->name);
    fputs(", ", to);
    member(to, "kind", regions_kind_name(one->kind));
    fprintf(to, ", \"count\": %" PRIu64, one->count);
}

/* The parent of each is an earlier one, by number. */
static void regions(FILE *to, const regions_result *r)
{
    for (const regions_region *one = &r->run; one != NULL; one = report_next(&r->run, one)) {
        fprintf(to, "%s\n    {\"id\": %" PRIu64 ", ", one->number == 0 ? "" : ",", one->number);
        if (one->parent == NULL)
            fputs("\"parent\": null, ", to);
        else
            fprintf(to, "\"parent\": %" PRIu64 ", ", one->parent->number);
        names(to, one);
        fprintf(to, ", \"time_s\": %.9f, \"own_time_s\": %.9f, \"thread_time_s\": %.9f, \"concurrent\": %s, ",
                seconds(one->wall_ns), seconds(one->own_ns), seconds(one->thread_ns), one->concurrent ? "true" : "false");
        energy(to, "inclusive", r, one->inclusive, one->wall_ns);
        fputs(", ", to);
        energy(to, "exclusive", r, one->exclusive, one->own_ns);
        fputs("}", to);
    }
}

static void ranges(FILE *to, const regions_result *r, int marks)
{
    const char *comma = "";
    for (const regions_region *one = r->ranges.child; one != NULL; one = one->sibling) {
        if ((one->kind == REGIONS_MARK) != marks)
            continue;
        fprintf(to, "%s\n    {", comma);
        names(to, one);
        if (!marks) {
            fprintf(to, ", \"time_s\": %.9f, ", seconds(one->wall_ns));
            energy(to, "inclusive", r, one->inclusive, one->wall_ns);
        }
        fputs("}", to);
        comma = ",";
    }
}

static void gpus(FILE *to, const regions_result *r)
{
    for (uint32_t i = 0; i < r->gpu_count; i++) {
        const regions_gpu *gpu = &r->gpus[i];
        fprintf(to, "%s\n    {\"gpu\": %" PRIu32 ", ", i == 0 ? "" : ",", i);
        member(to, "pci_address", gpu->info.pci_address);
        fputs(", ", to);
        member(to, "name", gpu->info.name);
        fputs(", ", to);
        member(to, "package", gpu->info.package);
        if (gpu->measured) {
            fputs(", ", to);
            joules(to, "energy_j", 1, r->run.inclusive[i].exact_uj);
            fprintf(to, ", \"uncertainty_j\": %.6f, \"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 ", ",
                    gpu->error.total_uj / 1e6, gpu->energy.begin_ns, gpu->energy.end_ns);
            member(to, "method", zeus_amd_method_string(gpu->energy.method));
            fprintf(to, ", \"flags\": %" PRIu32, gpu->energy.flags);
        }
        limited_json(to, gpu->limited_status, &gpu->limited);
        fputs(", ", to);
        member(to, "counter", zeus_amd_counter_state_string(gpu->energy.counter_state));
        fprintf(to, ", \"status\": %" PRId32 ", ", (int32_t)gpu->energy.status);
        member(to, "status_text", zeus_amd_status_string(gpu->energy.status));
        fputs("}", to);
    }
}

static void run(FILE *to, const report *p)
{
    const regions_result *r = p->result;
    zeus_amd_node_scope_t scope;
    const report_energy total = report_total(r), widest = report_widest(r, &scope);
    const int known = report_is_measured(r), widest_known = scope != ZEUS_AMD_NODE_SCOPE_NONE;
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    fputs("{\n  \"format\": \"zeus_amd regions\", \"version\": 1,\n  ", to);
    member(to, "program", p->program);
    fputs(", ", to);
    member(to, "host", host);
    fprintf(to, ", \"pid\": %ld, ", report_process != 0 ? report_process : (long)getpid());
    if (report_rank() != NULL) {
        member(to, "rank", report_rank());
        fputs(", ", to);
    }
    member(to, "zeus_amd", zeus_amd_version_string());
    fprintf(to, ",\n  \"run\": {\"begin_ns\": %" PRIu64 ", \"end_ns\": %" PRIu64 ", \"duration_s\": %.9f, ", r->begin_ns,
            r->end_ns, seconds((double)(r->end_ns - r->begin_ns)));
    joules(to, "energy_j", known, total.uj);
    json_number(to, "uncertainty_j", known, total.uncertainty_uj / 1e6, 6);
    fprintf(to, ", \"scope\": \"%s\", ", scope_key(scope));
    joules(to, "widest_energy_j", widest_known, widest.uj);
    json_number(to, "widest_uncertainty_j", widest_known, widest.uncertainty_uj / 1e6, 6);
    fprintf(to, ", \"aborted\": %s, \"status\": %" PRId32 ", ", p->aborted ? "true" : "false", r->status);
    member(to, "status_text", r->why[0] != '\0' ? r->why : zeus_amd_status_string(r->status));
    fputs("},\n  \"how\": {", to);
    member(to, "inclusive", how_inclusive);
    fputs(", ", to);
    member(to, "exclusive", how_exclusive);
    fputs(", ", to);
    member(to, "shared_j", how_shared);
    fputs("},\n  ", to);
    member(to, "fences_round_kernels", p->fences);
}

void report_json(FILE *to, const void *data)
{
    const report *p = data;
    const regions_result *r = p->result;
    run(to, p);
    fputs(",\n  \"gpus\": [", to);
    gpus(to, r);
    fputs("\n  ],\n  \"regions\": [", to);
    regions(to, r);
    fputs("\n  ],\n  \"ranges\": [", to);
    ranges(to, r, 0);
    fputs("\n  ],\n  \"marks\": [", to);
    ranges(to, r, 1);
    fprintf(to,
            "\n  ],\n  \"overhead\": {\"open_s\": %.9f, \"readings\": %" PRIu64 ", \"readings_s\": %.9f, \"budget_percent\": %g},"
            "\n  \"counted\": {\"paths\": %" PRIu64 ", \"threads\": %" PRIu64 ", \"unbalanced\": %" PRIu64
            ", \"unfinished\": %" PRIu64 ", \"beyond_limit\": %" PRIu64 ", \"in_signal_handlers\": %" PRIu64 "}\n}\n",
            seconds((double)r->open_ns), r->reads, seconds((double)r->read_ns), r->budget, r->paths, r->threads,
            r->unbalanced, r->unfinished, r->too_many, r->in_handlers);
}
