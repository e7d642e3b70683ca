/* SPDX-License-Identifier: Apache-2.0 */
/* The report as comma-separated values, and as stacks for a flame graph. */
#define _GNU_SOURCE
#include "report.h"

#include "../json_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A path from the run downwards. Control characters and broken UTF-8 are replaced, and what separates names. */
static void path(FILE *to, const regions_region *region, char separator, char instead)
{
    const regions_region **all = calloc((size_t)region->depth + 1, sizeof *all);
    uint32_t depth = region->depth;
    if (all == NULL)
        return;
    for (const regions_region *one = region; one != NULL; one = one->parent)
        all[one->depth] = one;
    for (uint32_t i = 0; i <= depth; i++) {
        size_t length;
        if (i > 0)
            fputc(separator, to);
        for (const char *at = all[i]->shown; *at != '\0'; at += length) {
            const uint32_t c = utf8_next(at, &length);
            if (c == (uint32_t)(unsigned char)separator || c == '"')
                fputc(c == '"' ? '\'' : instead, to);
            else
                utf8_put(to, at, length, c);
        }
    }
    free(all);
}

static void line(FILE *to, const regions_result *r, const regions_region *one, int ranges)
{
    const report_energy whole = report_sum(r, one->inclusive), own = report_sum(r, one->exclusive);
    fputc('"', to);
    path(to, one, '/', '|');
    fprintf(to, "\",\"%s\",%" PRIu64 ",%.9f,%.6f,%.6f,%.6f,", regions_kind_name(one->kind), one->count, one->wall_ns / 1e9,
            (double)whole.uj / 1e6, whole.uncertainty_uj / 1e6, whole.shared_uj / 1e6);
    if (ranges)
        fputs(",,\n", to);
    else
        fprintf(to, "%.9f,%.6f,%.6f\n", one->own_ns / 1e9, (double)own.uj / 1e6, own.uncertainty_uj / 1e6);
}

void report_csv(FILE *to, const void *data)
{
    const report *p = data;
    const regions_result *r = p->result;
    fputs("path,kind,count,time_s,energy_j,uncertainty_j,shared_j,own_time_s,own_energy_j,own_uncertainty_j\n", to);
    for (const regions_region *one = &r->run; one != NULL; one = report_next(&r->run, one))
        line(to, r, one, 0);
    for (const regions_region *one = r->ranges.child; one != NULL; one = one->sibling)
        line(to, r, one, 1);
}

/* Of each path its own energy in microjoules, as flamegraph.pl and speedscope read it. */
void report_folded(FILE *to, const void *data)
{
    const report *p = data;
    const regions_result *r = p->result;
    for (const regions_region *one = &r->run; one != NULL; one = report_next(&r->run, one)) {
        const report_energy own = report_sum(r, one->exclusive);
        if (own.uj <= 0)
            continue;
        path(to, one, ';', ',');
        fprintf(to, " %" PRId64 "\n", own.uj);
    }
}
