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
    REGIONS_OMP_ENTER_DATA,
    REGIONS_OMP_EXIT_DATA,
    REGIONS_OMP_UPDATE,
    REGIONS_MARK,
    REGIONS_PCONTROL,
    /* Time in MPI: not a region of the program. */
    REGIONS_MPI,
    REGIONS_KINDS
} regions_kind;

const char *regions_kind_name(regions_kind kind);

/* How far a reading of the energy may be off: in all since the start (total), what was used at most between a reading that is
 * older than its edge and that edge, with a refresh (lag), or between the edge and a later reading (late), and what was added to
 * the error since the start in between (drift). */
typedef struct regions_reading {
    double total_uj, lag_uj, late_uj, drift_uj;
    /* A sum that goes on, not an estimate of all at once, which the next one may correct. */
    int goes_on;
} regions_reading;

/* The energy of a region by one GPU. Between two readings of the counters it has a part of what was used; a run of such
 * spans without a gap has the error of two readings only. */
typedef struct regions_share {
    double uj, error_uj;
    /* Of it: energy of spans that the region shares with others, by time. */
    double shared_uj;
    /* At most: the time in it with the highest power. */
    double most_uj;
    uint64_t first_reading, last_span;
    /* Set by the report: microjoules that add up. */
    int64_t exact_uj;
    /* Of the readings at the begin and at the end of the run of spans. */
    regions_reading begin, end;
} regions_share;

/* A path: a region within its callers. Regions of all threads with the same path are one. */
typedef struct regions_region {
    struct regions_region *parent, *child, *sibling;
    char *name;
    /* Set by the report: as a reader knows it, and its place among all regions. */
    char *shown;
    uint64_t number;
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
    /* Ranges: how many are open, since when, and ticks in this span and in all. */
    uint64_t open, since, ticks, all_ticks;
} regions_region;

typedef struct regions_gpu {
    zeus_amd_gpu_info_t info;
    /* As of the last reading. */
    zeus_amd_gpu_energy_t energy;
    double uj;
    regions_reading error;
    /* What the age of counts at a reading is worth; INFINITY: not known yet. */
    double age_uj;
    /* The last reading after which the counter has advanced. */
    uint64_t confirmed;
    /* Most that it can draw. */
    double max_w;
    /* Limits, at the begin and over all the time. */
    zeus_amd_limit_counts_t counts;
    zeus_amd_limited_time_t limited;
    zeus_amd_status_t limited_status;
    /* Has an energy of its own; the last reading failed. */
    int measured, missed;
} regions_gpu;

/* A visit, or what a range was open, in ticks. */
typedef struct regions_event {
    const regions_region *region;
    uint64_t begin, end;
} regions_event;

/* Visits of one thread, in the order of their ends; the ranges of all threads have one of their own. */
typedef struct regions_events {
    regions_event *all;
    uint32_t count, room;
    const struct regions_events *next;
} regions_events;

/* All that a report is made of. To be read after regions_end() only. */
typedef struct regions_result {
    regions_region run, ranges;
    regions_gpu *gpus;
    uint32_t gpu_count;
    /* Of opening, and of the last reading. */
    int32_t status, end_status;
    char why[512];
    const zeus_amd_session_t *session;
    uint64_t begin_ns, end_ns;
    uint64_t begin_ticks;
    double ns_per_tick;
    /* Where a trace was asked for: each visit, as far as there is room, and the power. */
    int traced;
    const regions_events *events;
    uint64_t untraced;
    zeus_amd_sampler_t *sampler;
    /* What is measured of the node. */
    zeus_amd_node_total_t node;
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

/* The one range that is entered most; NULL: none. It is open while at least one thread is in it, and a thread may enter it
 * within it. by_several: threads may be in it at the same time. */
regions_region *regions_often_start(regions_kind kind, const char *name, int by_several);
void regions_often_enter(void);
void regions_often_leave(void);
/* How long it was open until now, in ticks. */
uint64_t regions_often_ticks(void);
/* After the end: what entering and leaving it has cost all threads, from calls that were timed. */
uint64_t regions_often_cost_ns(void);

/* Starts unless started: opens the session. The first push does so as well. */
void regions_start(void);
/* Before the start: keep each visit, and sample the power. */
void regions_trace(void);
/* Last reading; nothing is counted any more. Returns NULL if there was no start, or a second time. */
const regions_result *regions_end(void);
/* After the end: closes the session. */
void regions_close(void);
/* This thread is in a signal handler that has interrupted one of these functions. */
int regions_is_inside(void);
/* What is known, without a reading, for a copy of the process that does not come back. NULL: nothing. */
const regions_result *regions_known(void);
/* No reading any more, and no end: nothing is counted from now on. */
void regions_give_up(void);
/* In a forked child: nothing is counted, and nothing reported. */
void regions_forget(void);

/* Upper limit of the error of a share: it is not less than nothing nor more than all. */
double regions_uncertainty_uj(const regions_gpu *gpu, const regions_share *share);

#endif
