/* SPDX-License-Identifier: Apache-2.0 */
/* The regions of all ranks: a region of one rank is that of another with the same path. */
#define _GNU_SOURCE
#include "pmpi.h"

#include <stdint.h>

/* Each takes some collective calls at the end. */
#define MOST_REGIONS 2000
#define MOST_BYTES (1u << 20)

/* All regions, then all ranges but the time in MPI; NULL: the first. */
static const regions_region *next_of(const regions_region *at)
{
    const regions_result *r = profile.result;
    const int in_ranges = at != NULL && at->parent == &r->ranges;
    at = in_ranges ? at->sibling : report_next(&r->run, at == NULL ? &r->run : at);
    if (at == NULL && !in_ranges)
        at = r->ranges.child;
    while (at != NULL && at->kind == REGIONS_MPI)
        at = at->sibling;
    return at;
}

/* Of each region from the outermost on: its kind as a letter, small for a range, its name, and a separator, or at the end a
 * zero. Addresses differ between ranks, so the name is the one for readers. Returns the length. */
enum { SEPARATOR = 0x1E, INSTEAD = 0x1F };
static size_t add_path(char *to, const regions_region *region)
{
    const size_t before = region->depth > 1 ? add_path(to, region->parent) : 0, length = strlen(region->shown);
    if (before > 0)
        to[before - 1] = SEPARATOR;
    to[before] = (char)((region->parent == &profile.result->ranges ? 'a' : 'A') + region->kind);
    memcpy(to + before + 1, region->shown, length + 1);
    for (char *at = to + before + 1; (at = strchr(at, SEPARATOR)) != NULL;)
        *at = INSTEAD;
    return before + length + 2;
}

/* Its length, or more than there is room for. */
static size_t path_size(const regions_region *region, size_t room)
{
    size_t size = 0;
    for (; region != NULL && region->depth > 0 && size <= room; region = region->parent)
        size += strlen(region->shown) + 2;
    return size;
}

/* Paths of this rank, one after the other, and which region each is. */
static struct {
    char *text;
    size_t size, count;
    profile_path *all;
} own;

static int by_path(const void *a, const void *b)
{
    return strverscmp(((const profile_path *)a)->path, ((const profile_path *)b)->path);
}

static int list_own(void)
{
    size_t at = 0;
    if (profile.result == NULL)
        return 1;
    report_prepare(profile.result);
    own.all = calloc(MOST_REGIONS, sizeof *own.all);
    if (own.all == NULL)
        return 0;
    for (const regions_region *r = next_of(NULL); r != NULL; r = next_of(r)) {
        const size_t room = own.count < MOST_REGIONS ? MOST_BYTES - own.size : 0, size = path_size(r, room);
        if (size > room) {
            profile.sums.left_out++;
            continue;
        }
        own.all[own.count++].region = r;
        own.size += size;
    }
    own.text = malloc(own.size + 1);
    if (own.text == NULL)
        return 0;
    for (size_t i = 0; i < own.count; i++) {
        own.all[i].path = own.text + at;
        at += add_path(own.text + at, own.all[i].region);
    }
    qsort(own.all, own.count, sizeof *own.all, by_path);
    return 1;
}

const regions_region *profile_find(const char *path)
{
    const profile_path key = {path, NULL};
    const profile_path *found = own.count == 0 ? NULL : bsearch(&key, own.all, own.count, sizeof *own.all, by_path);
    return found != NULL ? found->region : NULL;
}

char *profile_shown(const char *path)
{
    char *text = strdup(path + 1), *to = text;
    for (const char *from = text; from != NULL && *from != '\0'; from++) {
        /* A separator has the kind of the next one behind it. */
        const int separates = *from == SEPARATOR && from[1] != '\0';
        *to++ = separates ? '/' : *from;
        from += separates;
    }
    if (to != NULL)
        *to = '\0';
    return text;
}

regions_kind profile_kind(const char *path)
{
    const char *last = strrchr(path, SEPARATOR), letter = last != NULL ? last[1] : path[0];
    return (regions_kind)(letter - (letter >= 'a' ? 'a' : 'A'));
}

/* On rank 0: what all ranks have, each once, one after the other. Returns the size. */
static size_t unite(char *text, size_t size)
{
    size_t count = 0, to = 0;
    profile_path *all = calloc(size / 2 + 1, sizeof *all);
    char *united = malloc(size + 1);
    for (size_t at = 0; all != NULL && at < size; at += strlen(text + at) + 1)
        all[count++].path = text + at;
    if (all != NULL && united != NULL) {
        qsort(all, count, sizeof *all, by_path);
        for (size_t i = 0, kept = 0; i < count; i++) {
            const size_t length = strlen(all[i].path) + 1;
            if (i > 0 && strcmp(all[i].path, all[i - 1].path) == 0)
                continue;
            if (kept == MOST_REGIONS) {
                profile.sums.left_out++;
                continue;
            }
            memcpy(united + to, all[i].path, length);
            to += length;
            kept++;
        }
        memcpy(text, united, to);
    }
    free(all);
    free(united);
    return to;
}

/* What the ranks have of it on rank 0, each path once. */
static zeus_amd_status_t unite_ranks(const zeus_amd_mpi_i_level_t *level, zeus_amd_mpi_i_table_t *paths, zeus_amd_status_t status)
{
    if (zeus_amd_mpi_i_gather(level, paths, 1, &status) != MPI_SUCCESS)
        return ZEUS_AMD_STATUS_IO;
    if (status == ZEUS_AMD_STATUS_OK && paths->all != NULL)
        paths->all_count = unite(paths->all, paths->all_count);
    return status;
}

int32_t profile_all_paths(MPI_Comm comm, const zeus_amd_mpi_i_tree_t *tree, char **text, int *size)
{
    const int listed = list_own();
    zeus_amd_mpi_i_table_t of_node, of_job = {0};
    zeus_amd_status_t status = listed ? ZEUS_AMD_STATUS_OK : ZEUS_AMD_STATUS_NO_MEMORY;
    zeus_amd_mpi_i_table(&of_node, own.text, 1, listed ? own.size : 0);
    status = unite_ranks(&tree->node, &of_node, status);
    if (tree->leaders.comm != MPI_COMM_NULL) {
        zeus_amd_mpi_i_table(&of_job, of_node.all, 1, of_node.all_count);
        status = unite_ranks(&tree->leaders, &of_job, status);
    }
    free(of_node.all);
    *size = (int)of_job.all_count;
    *text = of_job.all;
    if (PMPI_Bcast(size, 1, MPI_INT, 0, comm) != MPI_SUCCESS)
        return ZEUS_AMD_STATUS_IO;
    if (*text == NULL)
        *text = malloc((size_t)*size + 1);
    status = profile_agree(comm, *text != NULL ? status : ZEUS_AMD_STATUS_NO_MEMORY);
    if (status == ZEUS_AMD_STATUS_OK && PMPI_Bcast(*text, *size, MPI_CHAR, 0, comm) != MPI_SUCCESS)
        status = ZEUS_AMD_STATUS_IO;
    return status;
}

void profile_free_paths(void)
{
    free(own.text);
    free(own.all);
    memset(&own, 0, sizeof own);
}
