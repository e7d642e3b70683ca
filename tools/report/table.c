/* SPDX-License-Identifier: Apache-2.0 */
/* The report as comma-separated values, and as stacks for a flame graph. */
#define _GNU_SOURCE
#include "report.h"

#include "../json_text.h"

#include <inttypes.h>

/* Deeper paths have their outermost levels only: the table would grow with the square of the depth. */
#define LEVELS 256

/* How a path is written: what separates names, and what they have instead of that, of a quote and of a blank. */
typedef struct style {
    char separator;
    const char *instead, *quote, *blank;
} style;

static void name(FILE *to, const char *text, const style *how)
{
    size_t length;
    for (; *text != '\0'; text += length) {
        const uint32_t c = utf8_next(text, &length);
        if (c == (uint32_t)(unsigned char)how->separator)
            fputs(how->instead, to);
        else if (c == '"')
            fputs(how->quote, to);
        else if (c == ' ')
            fputs(how->blank, to);
        else
            utf8_put(to, text, length, c);
    }
}

/* From the run downwards. Control characters and broken UTF-8 are replaced. */
static void path(FILE *to, const regions_region *region, const style *how)
{
    const regions_region *all[LEVELS + 1];
    const uint32_t depth = region->depth;
    for (const regions_region *one = region; one != NULL; one = one->parent)
        if (one->depth <= LEVELS)
            all[one->depth] = one;
    for (uint32_t i = 0; i <= depth && i <= LEVELS; i++) {
        if (i > 0)
            fputc(how->separator, to);
        name(to, all[i]->shown, how);
    }
    if (depth > LEVELS)
        fprintf(to, "%c...", how->separator);
}

/* Joules; empty: not known. */
static void cell(FILE *to, int is_known, double uj)
{
    fputc(',', to);
    if (is_known)
        fprintf(to, "%.6f", uj / 1e6);
}

/* A range has no number and no place in the tree. */
static void line(FILE *to, const regions_result *r, const regions_region *one, int is_range)
{
    static const style in_table = {'/', "|", "\"\"", " "};
    const report_energy whole = report_sum(r, one->inclusive), own = report_sum(r, one->exclusive);
    const int known = report_is_measured(r);
    if (is_range)
        fputs(",,", to);
    else if (one->parent == NULL)
        fprintf(to, "%" PRIu64 ",,", one->number);
    else
        fprintf(to, "%" PRIu64 ",%" PRIu64 ",", one->number, one->parent->number);
    fputc('"', to);
    path(to, one, &in_table);
    fprintf(to, "\",\"%s\",%" PRIu64 ",%.9f", regions_kind_name(one->kind), one->count, one->wall_ns / 1e9);
    cell(to, known, (double)whole.uj);
    cell(to, known, whole.uncertainty_uj);
    cell(to, known, whole.shared_uj);
    if (is_range)
        fputc(',', to);
    else
        fprintf(to, ",%.9f", one->own_ns / 1e9);
    cell(to, known && !is_range, (double)own.uj);
    cell(to, known && !is_range, own.uncertainty_uj);
    fputc('\n', to);
}

void report_csv(FILE *to, const void *data)
{
    const report *p = data;
    const regions_result *r = p->result;
    fputs("id,parent,path,kind,count,time_s,energy_j,uncertainty_j,shared_j,own_time_s,own_energy_j,own_uncertainty_j\n", to);
    for (const regions_region *one = &r->run; one != NULL; one = report_next(&r->run, one))
        line(to, r, one, 0);
    for (const regions_region *one = r->ranges.child; one != NULL; one = one->sibling)
        line(to, r, one, 1);
}

/* Of each path its own energy in microjoules, as flamegraph.pl and speedscope read it. */
void report_folded(FILE *to, const void *data)
{
    /* flamegraph.pl takes a number after a blank for a second value. */
    static const style in_stacks = {';', ",", "\"", "_"};
    const report *p = data;
    const regions_result *r = p->result;
    for (const regions_region *one = &r->run; one != NULL; one = report_next(&r->run, one)) {
        const report_energy own = report_sum(r, one->exclusive);
        if (own.uj <= 0)
            continue;
        path(to, one, &in_stacks);
        fprintf(to, " %" PRId64 "\n", own.uj);
    }
}
