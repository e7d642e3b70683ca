/* SPDX-License-Identifier: Apache-2.0 */
/* Energy by region: stacks of regions by thread, aggregated by path, and ranges that may overlap. The connectors (Kokkos
 * Tools, roctx, OMPT) call this; the report reads the result. */
#ifndef ZEUS_AMD_TOOLS_REGIONS_H
#define ZEUS_AMD_TOOLS_REGIONS_H

#include <stdint.h>
#include <zeus_amd.h>

/* What a region was announced by. A pop ends the innermost region of its kind. */
typedef enum regions_kind {
    REGIONS_RUN,
    REGIONS_KOKKOS_REGION,
    REGIONS_KOKKOS_FOR,
    REGIONS_KOKKOS_REDUCE,
    REGIONS_KOKKOS_SCAN,
    REGIONS_KOKKOS_COPY,
    REGIONS_KOKKOS_FENCE,
    REGIONS_KOKKOS_SECTION,
    REGIONS_ROCTX,
    REGIONS_ROCTX_PAUSED,
    REGIONS_OMP_PARALLEL,
    REGIONS_OMP_TARGET,
    REGIONS_MARK,
    REGIONS_KINDS
} regions_kind;

const char *regions_kind_name(regions_kind kind);

/* The energy of a region by one GPU. Between two readings of the counters it has a part of what was used; a run of such
 * spans without a gap has the error of two readings only. */
typedef struct regions_share {
    double uj, error_uj;
    /* Of it: energy of spans that the region shares with others, by time. */
    double shared_uj;
    /* At most: the time in it with the highest power. */
    double most_uj;
    uint64_t last_span;
    /* Set by the report: microjoules that add up. */
    int64_t exact_uj;
    /* Error and drift of the readings at the begin and at the end of the run of spans. */
    double begin_error_uj, begin_drift_uj, end_error_uj, end_drift_uj;
} regions_share;

/* A path: a region within its callers. Regions of all threads with the same path are one. */
typedef struct regions_region {
    struct regions_region *parent, *child, *sibling;
    char *name;
    /* Set by the report: as a reader knows it. */
    char *shown;
    regions_kind kind;
    uint32_t depth;
    uint64_t count;
    /* Time in which at least one thread was in it, without its children's the same by thread, and the sum over threads. */
    double wall_ns, own_ns, thread_ns;
    /* Some of it was while several threads were in regions: their energies overlap. */
    int concurrent;
    /* By GPU. */
    regions_share *inclusive, *exclusive;
    struct regions_region *next;
    /* Of the span that is being accounted. */
    int listed;
    struct regions_region *next_listed;
    double outside, sum, most, own;
    /* Ranges: how many are open, since when, and ticks in this span. */
    uint64_t open, since, ticks;
} regions_region;

typedef struct regions_gpu {
    zeus_amd_gpu_info_t info;
    /* As of the last reading. */
    zeus_amd_gpu_energy_t energy;
    double uj, error_uj, drift_uj, least_error_uj;
    /* Most that it can draw, or 0: not known. */
    double max_w;
    /* Has an energy of its own; the last reading failed. */
    int measured, missed;
} regions_gpu;

/* All that a report is made of. To be read after regions_end() only. */
typedef struct regions_result {
    regions_region run, ranges;
    regions_gpu *gpus;
    uint32_t gpu_count;
    int32_t status;
    char why[512];
    uint64_t begin_ns, end_ns;
    /* Readings and what they took; bounds on what could not be counted. */
    uint64_t reads, read_ns, open_ns;
    uint64_t paths, threads, unbalanced, unfinished, too_many, in_handlers;
    double budget;
} regions_result;

/* All may be called at any time from any thread; before a start and after the end they do little. */
void regions_push(regions_kind kind, const char *name);
/* Returns 0, or -1 if there is no such region. */
int regions_pop(regions_kind kind);
/* A range is no part of a stack: it may overlap with anything, and end on another thread. Returns its number, or 0. What the
 * caller hands over is returned by the stop, also before the start and after the end. */
uint64_t regions_range_start(regions_kind kind, const char *name, uint64_t own);
int regions_range_stop(uint64_t id, uint64_t *own);
void regions_mark(const char *name);

/* Starts unless started: opens the session. The first push does so as well. */
void regions_start(void);
/* Last reading; nothing is counted any more. Returns NULL if there was no start, or a second time. */
const regions_result *regions_end(void);
/* What is known, without a reading, for a copy of the process that does not come back. NULL: nothing. */
const regions_result *regions_known(void);
/* In a forked child: nothing is counted, and nothing reported. */
void regions_forget(void);

/* Upper limit of the error of a share: it is not less than nothing nor more than all. */
double regions_uncertainty_uj(const regions_gpu *gpu, const regions_share *share);

#endif
