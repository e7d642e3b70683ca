/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of paths, of all threads. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

/* Names that differ at each call must not fill the memory. */
#define MOST_PATHS 65536u

const char *regions_kind_name(regions_kind kind)
{
    static const char *const names[REGIONS_KINDS] = {
        "run",           "kokkos region", "kokkos parallel_for",   "kokkos parallel_reduce", "kokkos parallel_scan",
        "kokkos copy",   "kokkos fence",  "kokkos section",        "roctx",                  "roctx paused",
        "omp parallel",  "omp target",    "omp target enter data", "omp target exit data",   "omp target update",
        "mark",          "MPI_Pcontrol",  "MPI",
    };
    return names[kind];
}

uint32_t core_hash(const void *parent, regions_kind kind, const char *name)
{
    const size_t length = strlen(name);
    uint64_t hash = (uint64_t)(uintptr_t)parent * 0x9E3779B97F4A7C15u + (uint64_t)kind, word;
    for (size_t at = 0; at < length; at += sizeof word) {
        word = 0;
        memcpy(&word, name + at, length - at < sizeof word ? length - at : sizeof word);
        hash = (hash ^ word) * 0xFF51AFD7ED558CCDu;
        hash ^= hash >> 32;
    }
    return (uint32_t)(hash ^ hash >> 29);
}

/* Buckets of all regions by parent, kind and name. */
static regions_region **table;
static uint32_t size, filled;

static int grow(void)
{
    const uint32_t larger = size == 0 ? 1024 : size * 4;
    regions_region **to = calloc(larger, sizeof *to);
    if (to == NULL)
        return size != 0;
    for (uint32_t i = 0; i < size; i++)
        for (regions_region *one = table[i], *next; one != NULL; one = next) {
            const uint32_t at = core_hash(one->parent, one->kind, one->name) % larger;
            next = one->next;
            one->next = to[at];
            to[at] = one;
        }
    free(table);
    table = to;
    size = larger;
    return 1;
}

regions_region *core_child(regions_region *parent, regions_kind kind, const char *name)
{
    regions_region *region;
    uint32_t at;
    if (filled >= size && !grow())
        return NULL;
    at = core_hash(parent, kind, name) % size;
    for (region = table[at]; region != NULL; region = region->next)
        if (region->parent == parent && region->kind == kind && strcmp(region->name, name) == 0)
            return region;
    if (core.paths >= MOST_PATHS || (region = calloc(1, sizeof *region)) == NULL)
        return NULL;
    region->name = strdup(name);
    region->inclusive = calloc((size_t)core.gpu_count * 2 + 1, sizeof *region->inclusive);
    if (region->name == NULL || region->inclusive == NULL) {
        free(region->name);
        free(region->inclusive);
        free(region);
        return NULL;
    }
    region->exclusive = region->inclusive + core.gpu_count;
    region->kind = kind;
    region->parent = parent;
    region->depth = parent->depth + 1;
    region->sibling = parent->child;
    parent->child = region;
    region->next = table[at];
    table[at] = region;
    filled++;
    core.paths++;
    return region;
}
