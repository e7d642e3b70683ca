/* SPDX-License-Identifier: Apache-2.0 */
/* What all forms of the report share. */
#define _GNU_SOURCE
#include "report.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

regions_region *report_next(const regions_region *top, const regions_region *at)
{
    if (at->child != NULL)
        return at->child;
    while (at != top && at->sibling == NULL)
        at = at->parent;
    return at == top ? NULL : at->sibling;
}

static char no_name[] = "(no name)";

static double energy_uj(const regions_result *result, const regions_region *region)
{
    double sum = 0;
    for (uint32_t i = 0; i < result->gpu_count; i++)
        sum += region->inclusive[i].uj;
    return sum;
}

typedef struct ranked {
    regions_region *region;
    double uj;
} ranked;

/* Types that C++ has mangled: nested, local, of templates, or a plain name after its length. A name that someone chose seldom
 * begins like that, and hardly ever with the number of letters that follow. */
static int is_mangled(const char *name)
{
    char *end;
    if (strncmp(name, "_Z", 2) == 0)
        return 1;
    if (name[0] >= '1' && name[0] <= '9') {
        const unsigned long length = strtoul(name, &end, 10);
        return length >= 4 && (strlen(end) == length || (strlen(end) > length && end[length] == 'I'));
    }
    /* Of a lambda that of the function around it comes first. */
    name += name[0] == 'Z' && (name[1] == 'N' || name[1] == 'Z');
    return (name[0] == 'N' || name[0] == 'Z') && ((name[1] >= '1' && name[1] <= '9') || name[1] == 'K' || strncmp(name + 1, "St", 2) == 0);
}

/* A program in C++ can demangle; this library need not. A module of Python has loaded that runtime for itself. */
char *report_demangled(const char *name)
{
    char *(*demangle)(const char *, char *, size_t *, int *) = NULL;
    void *runtime;
    int status = -1;
    *(void **)&demangle = dlsym(RTLD_DEFAULT, "__cxa_demangle");
    if (demangle == NULL && (runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD)) != NULL)
        *(void **)&demangle = dlsym(runtime, "__cxa_demangle");
    return demangle != NULL ? demangle(name, NULL, NULL, &status) : NULL;
}

/* Kokkos calls kernels without a name by their mangled type, OMPT regions by an address. */
static char *shown(const regions_region *region)
{
    char *name = NULL;
    if (region->kind >= REGIONS_KOKKOS_FOR && region->kind <= REGIONS_KOKKOS_SCAN && is_mangled(region->name))
        name = report_demangled(region->name);
    if (region->kind >= REGIONS_OMP_PARALLEL && region->kind <= REGIONS_OMP_UPDATE && region->name[0] == '0')
        name = report_source(strtoull(region->name, NULL, 16));
    if (name != NULL)
        return name;
    return region->name[0] != '\0' ? region->name : no_name;
}

/* Two places of one line, or types of one name, are two regions: in the order of their own names, which is that of addresses, so
 * that in all ranks of a job they have the same. */
static void tell_apart(regions_region *parent)
{
    for (regions_region *one = parent->child; one != NULL; one = one->sibling) {
        one->number = 1;
        for (const regions_region *other = parent->child; one->shown != one->name && other != NULL; other = other->sibling)
            one->number += other->kind == one->kind && strcmp(other->shown, one->shown) == 0 && strcmp(other->name, one->name) < 0;
    }
    for (regions_region *one = parent->child; one != NULL; one = one->sibling) {
        char *name;
        if (one->number > 1 && asprintf(&name, "%s (%" PRIu64 ")", one->shown, one->number) >= 0) {
            free(one->shown);
            one->shown = name;
        }
    }
}

/* More energy first, then more time, then the name: no order by chance. */
static int compare(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->uj != y->uj)
        return x->uj < y->uj ? 1 : -1;
    if (x->region->wall_ns != y->region->wall_ns)
        return x->region->wall_ns < y->region->wall_ns ? 1 : -1;
    return strcmp(x->region->name, y->region->name);
}

static void sort_children(const regions_result *result, regions_region *parent)
{
    size_t count = 0;
    ranked *all;
    for (regions_region *one = parent->child; one != NULL; one = one->sibling)
        count++;
    if (count < 2 || (all = malloc(count * sizeof *all)) == NULL)
        return;
    count = 0;
    for (regions_region *one = parent->child; one != NULL; one = one->sibling)
        all[count++] = (ranked){one, energy_uj(result, one)};
    qsort(all, count, sizeof *all, compare);
    parent->child = all[0].region;
    for (size_t i = 0; i < count; i++)
        all[i].region->sibling = i + 1 < count ? all[i + 1].region : NULL;
    free(all);
}

/* Exclusive energies are rounded together: their sum is the total, to the microjoule. */
static void round_exclusive(regions_region *run, uint32_t gpu, int64_t total_uj)
{
    double sum = 0;
    int64_t given = 0;
    regions_region *last = run;
    for (regions_region *one = run; one != NULL; one = report_next(run, one)) {
        regions_share *share = &one->exclusive[gpu];
        sum += share->uj;
        share->exact_uj = llround(sum) - given;
        given += share->exact_uj;
        if (share->uj > last->exclusive[gpu].uj)
            last = one;
    }
    last->exclusive[gpu].exact_uj += total_uj - given;
}

/* Of one thread, a region has what its children have and its own. Those of several threads at once overlap. */
static void round_inclusive(regions_region *run, uint32_t gpu, int64_t total_uj)
{
    /* Children before their parents. */
    regions_region *upwards = NULL;
    for (regions_region *one = run; one != NULL; one = report_next(run, one)) {
        one->inclusive[gpu].exact_uj = one->exclusive[gpu].exact_uj;
        one->next_listed = upwards;
        upwards = one;
    }
    for (regions_region *one = upwards; one != NULL && one->parent != NULL; one = one->next_listed) {
        one->parent->inclusive[gpu].exact_uj += one->inclusive[gpu].exact_uj;
        if (one->concurrent)
            one->inclusive[gpu].exact_uj = llround(one->inclusive[gpu].uj);
    }
    run->inclusive[gpu].exact_uj = total_uj;
}

void report_prepare(const regions_result *result)
{
    regions_region *run = (regions_region *)&result->run, *ranges = (regions_region *)&result->ranges;
    uint64_t number = 0;
    for (regions_region *one = run; one != NULL; one = report_next(run, one))
        sort_children(result, one);
    sort_children(result, ranges);
    for (regions_region *one = run; one != NULL; one = report_next(run, one))
        one->shown = shown(one);
    for (regions_region *one = ranges; one != NULL; one = report_next(ranges, one))
        one->shown = shown(one);
    for (regions_region *one = run; one != NULL; one = report_next(run, one))
        tell_apart(one);
    for (regions_region *one = run; one != NULL; one = report_next(run, one))
        one->number = number++;
    for (uint32_t i = 0; i < result->gpu_count; i++) {
        round_exclusive(run, i, llround(result->gpus[i].uj));
        round_inclusive(run, i, llround(result->gpus[i].uj));
        for (regions_region *one = ranges->child; one != NULL; one = one->sibling)
            one->inclusive[i].exact_uj = llround(one->inclusive[i].uj);
    }
}

int report_is_measured(const regions_result *result)
{
    for (uint32_t i = 0; i < result->gpu_count; i++)
        if (result->gpus[i].measured)
            return 1;
    return 0;
}

report_energy report_sum(const regions_result *result, const regions_share *shares)
{
    report_energy sum = {0, 0, 0};
    for (uint32_t i = 0; i < result->gpu_count; i++) {
        sum.uj += shares[i].exact_uj;
        sum.uncertainty_uj += regions_uncertainty_uj(&result->gpus[i], &shares[i]);
        sum.shared_uj += shares[i].shared_uj;
    }
    return sum;
}

report_energy report_total(const regions_result *result)
{
    report_energy sum = {0, 0, 0};
    for (uint32_t i = 0; i < result->gpu_count; i++) {
        sum.uj += result->run.inclusive[i].exact_uj;
        sum.uncertainty_uj += result->gpus[i].error.total_uj;
    }
    return sum;
}

report_energy report_widest(const regions_result *result, zeus_amd_node_scope_t *scope)
{
    const zeus_amd_node_total_t *node = &result->node;
    report_energy sum = {0, 0, 0};
    if (node->scope != ZEUS_AMD_NODE_SCOPE_NODE && result->run.inclusive != NULL)
        sum = report_total(result);
    *scope = node->scope >= ZEUS_AMD_NODE_SCOPE_PARTS ? node->scope
             : report_is_measured(result)             ? ZEUS_AMD_NODE_SCOPE_GPUS
                                                      : ZEUS_AMD_NODE_SCOPE_NONE;
    sum.uj += (int64_t)node->beside_uj;
    sum.uncertainty_uj += (double)node->beside_uncertainty_uj;
    return sum;
}
