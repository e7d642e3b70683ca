/* SPDX-License-Identifier: Apache-2.0 */
/* What was used between two readings, to the regions of that time.
 *
 * Inclusive: the energy while at least one thread was in the region. Exclusive: each moment's energy in equal parts to the
 * regions in which threads are innermost, so that the exclusive energies, with that of the time outside of all regions,
 * are the total. Within a span only the times of each thread are known: its energy is split in proportion to them, and the
 * error covers any power between zero and the most that the GPU draws at any moment. */
#define _GNU_SOURCE
#include "core.h"

#include <math.h>
#include <stdlib.h>

/* A region with more of a span than this is taken as measured, not as sharing it. */
#define NEARLY_ALL 0.9

/* A part of a span, and between which limits it is known. */
typedef struct part {
    double is, least, most;
} part;

static regions_region *listed;

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* At the edge that a reading is. Where the counter was seen to advance afterwards (holds), it had not stopped before, and only
 * how old the count may be is not known. */
static double edge_error(const regions_gpu *gpu, const regions_reading *reading, int holds)
{
    if (!reading->goes_on)
        return INFINITY;
    return holds ? smaller(reading->total_uj, gpu->age_uj + reading->lag_uj) : reading->total_uj;
}

/* Of the energy between two readings: too much by the age of the first and the delay of the second, or too little the other way
 * round. */
static double reading_error(const regions_gpu *gpu, const regions_reading *begin, const regions_reading *end, int begin_holds,
                            int end_holds)
{
    const double more = edge_error(gpu, begin, begin_holds) + end->late_uj;
    const double less = edge_error(gpu, end, end_holds) + begin->late_uj;
    return smaller(begin->total_uj + end->total_uj, larger(more, less) + end->drift_uj - begin->drift_uj);
}

/* Without the limit that the total sets. */
static double error_of(const regions_gpu *gpu, const regions_share *share)
{
    double error = share->error_uj;
    if (share->last_span == 0)
        return 0;
    error += reading_error(gpu, &share->begin, &share->end, gpu->confirmed >= share->first_reading,
                           gpu->confirmed >= share->last_span);
    return smaller(error, larger(share->uj, share->most_uj - share->uj));
}

double regions_uncertainty_uj(const regions_gpu *gpu, const regions_share *share)
{
    /* All of the time: what the library says of it. */
    if (share == &core.run.inclusive[gpu - core.gpus])
        return gpu->error.total_uj;
    return smaller(error_of(gpu, share), larger(share->uj, gpu->uj + gpu->error.total_uj - share->uj));
}

/* The region has part of this span: what it lacks of it is not known better than by its times. */
static void add(const regions_gpu *known, regions_share *share, uint64_t number, double ns, part in, const core_span_gpu *gpu)
{
    const double error = reading_error(known, &gpu->begin, &gpu->end, known->confirmed >= number - 1, 0);
    const double most = gpu->max_w * ns / 1e3;
    if (share->last_span != number - 1) {
        share->error_uj = error_of(known, share);
        share->begin = gpu->begin;
        share->first_reading = number - 1;
    }
    share->last_span = number;
    share->end = gpu->end;
    share->uj += in.is * gpu->uj;
    share->most_uj += in.most > 0 ? in.most * most : 0;
    if (gpu->vague) {
        share->error_uj += larger(in.is * gpu->uj, in.most * most);
    } else if (in.least < 1) {
        const double out = (1 - in.is) * gpu->uj;
        const double more = out - larger(0, gpu->uj - error - in.most * most);
        const double less = smaller(gpu->uj + error, (1 - in.least) * most) - out;
        share->error_uj += larger(0, larger(more, less));
        share->shared_uj += in.is < NEARLY_ALL ? in.is * gpu->uj : 0;
    }
}

static void add_all(regions_share *shares, uint64_t number, double ns, part in, const core_span_gpu *gpus)
{
    in.least = larger(0, smaller(in.least, in.is));
    in.most = smaller(1, larger(in.most, in.is));
    for (uint32_t i = 0; in.most > 0 && i < core.gpu_count; i++)
        if (gpus[i].measured)
            add(&core.gpus[i], &shares[i], number, ns, in, &gpus[i]);
}

static void list(regions_region *region)
{
    if (!region->listed) {
        region->listed = 1;
        region->next_listed = listed;
        listed = region;
        region->outside = 1;
        region->sum = region->most = region->own = 0;
    }
}

/* What a thread did in the span. */
typedef struct activity {
    /* Ticks in regions; all of them in one: then nothing about this thread is unknown. */
    uint64_t ticks;
    int constant;
} activity;

static int deeper_first(const void *a, const void *b)
{
    const core_local *const *left = a, *const *right = b;
    const uint32_t x = (*left)->region->depth, y = (*right)->region->depth;
    return (x < y) - (x > y);
}

static core_local **sorted;
static size_t sorted_room;

/* The paths that this thread was in, with those around them, the deepest first. */
static size_t sort(core_thread *thread)
{
    size_t n = 0;
    core_local *last = NULL;
    for (core_local *one = thread->touched; one != NULL; last = one, one = one->next_touched)
        n++;
    for (core_local *one = thread->touched, *end = last; one != NULL; one = one == end ? NULL : one->next_touched)
        for (core_local *up = one->parent; up != NULL && !up->touched; up = up->parent) {
            up->touched = 1;
            up->next_touched = NULL;
            last->next_touched = up;
            last = up;
            n++;
        }
    if (n > sorted_room) {
        core_local **more = realloc(sorted, n * 2 * sizeof *more);
        if (more == NULL)
            return 0;
        sorted = more;
        sorted_room = n * 2;
    }
    n = 0;
    for (core_local *one = thread->touched; one != NULL; one = one->next_touched)
        sorted[n++] = one;
    qsort(sorted, n, sizeof *sorted, deeper_first);
    return n;
}

/* Adds a thread's times to the regions, and forgets them. */
static activity collect(core_thread *thread, uint64_t now, uint64_t span)
{
    activity did = {0, 0};
    size_t n;
    if ((int64_t)(now - thread->since) > 0) {
        thread->current->ticks += now - thread->since;
        thread->since = now;
        if (!thread->current->touched) {
            thread->current->touched = 1;
            thread->current->next_touched = thread->touched;
            thread->touched = thread->current;
        }
    }
    n = sort(thread);
    for (size_t i = 0; i < n; i++) {
        core_local *one = sorted[i];
        regions_region *region = one->region;
        one->inclusive += one->ticks;
        region->count += one->count;
        if (one->parent != NULL) {
            const double in = smaller(1, (double)one->inclusive / (double)span);
            one->parent->inclusive += one->inclusive;
            list(region);
            region->outside *= 1 - in;
            region->sum += in;
            region->most = larger(region->most, in);
            region->own += (double)one->ticks;
            did.ticks += one->ticks;
            did.constant |= one->ticks >= span;
        }
        one->touched = 0;
        one->ticks = one->count = one->inclusive = 0;
    }
    thread->touched = NULL;
    return did;
}

/* Of the threads together. */
typedef struct crowd {
    double own, outside, sum, most;
    uint32_t active;
    int constant;
} crowd;

static crowd collect_all(uint64_t now, uint64_t span)
{
    crowd all = {0, 1, 0, 0, 0, 1};
    for (core_thread *t = core_threads; t != NULL; t = t->next) {
        activity did;
        /* Most threads are in no region. */
        if (t->touched == NULL && t->current == &t->root) {
            t->since = now;
            continue;
        }
        did = collect(t, now, span);
        if (did.ticks > 0) {
            const double in = smaller(1, (double)did.ticks / (double)span);
            all.own += (double)did.ticks;
            all.outside *= 1 - in;
            all.sum += in;
            all.most = larger(all.most, in);
            all.active++;
            all.constant &= did.constant;
        }
    }
    return all;
}

/* Exclusive: all that is not outside, in proportion to the times of the threads in which the region was innermost. */
static part own_part(const regions_region *region, const crowd *all, uint64_t span)
{
    const double is = all->own > 0 ? (1 - all->outside) * region->own / all->own : 0;
    const int known = all->active == 1 || all->constant;
    return (part){is, known ? is : 0, known ? is : smaller(1, region->own / (double)span)};
}

static void account_ranges(double ns, uint64_t span, uint64_t number, const core_span_gpu *gpus)
{
    for (regions_region *range = core.ranges.child; range != NULL; range = range->sibling)
        if (range->ticks > 0) {
            const double in = smaller(1, (double)range->ticks / (double)span);
            range->ticks = 0;
            range->wall_ns += in * ns;
            range->thread_ns += in * ns;
            add_all(range->inclusive, number, ns, (part){in, in, in}, gpus);
        }
}

void core_account(uint64_t begin, uint64_t end, double ns, uint64_t number, const core_span_gpu *gpus)
{
    const uint64_t span = (int64_t)(end - begin) > 0 ? end - begin : 1;
    const double each = ns / (double)span;
    crowd all;
    part outside;
    listed = NULL;
    all = collect_all(end, span);
    for (regions_region *one = listed; one != NULL; one = one->next_listed) {
        const part in = {1 - one->outside, one->most, smaller(1, one->sum)}, own = own_part(one, &all, span);
        one->listed = 0;
        one->concurrent |= all.active > 1;
        one->wall_ns += in.is * ns;
        one->thread_ns += one->sum * ns;
        one->own_ns += one->own * each;
        add_all(one->inclusive, number, ns, in, gpus);
        add_all(one->exclusive, number, ns, own, gpus);
    }
    outside = (part){all.outside, 1 - smaller(1, all.sum), 1 - all.most};
    core.run.concurrent |= all.active > 1;
    core.run.wall_ns += ns;
    core.run.own_ns += outside.is * ns;
    add_all(core.run.inclusive, number, ns, (part){1, 1, 1}, gpus);
    add_all(core.run.exclusive, number, ns, outside, gpus);
    core_ranges_advance(end);
    account_ranges(ns, span, number, gpus);
}
