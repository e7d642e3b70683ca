/* SPDX-License-Identifier: Apache-2.0 */
/* Time and energy in MPI, and the regions of MPI_Pcontrol, of one rank: ranges of the core that all tools share.
 *
 * The rank is in MPI while at least one of its threads is. The counters are not read at each call, but at edges of calls and
 * regions, as the budget allows; what was used between two readings is split by the times spent there. */
#define _GNU_SOURCE
#include "pmpi.h"

#include "../report/report.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

profile_meter profile;

static atomic_int on;
static regions_region *in_mpi;
/* Of each level: the open range and the time in MPI when it began, in ticks; below lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint64_t range, mpi_ticks_before, mpi_ticks;
} levels[PROFILE_REGIONS + 1];

uint64_t profile_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The connectors' first region, before MPI or after it. The report comes at MPI_Finalize. */
void tool_start(void)
{
    regions_start();
}

static void level_begin(int level)
{
    char name[16];
    snprintf(name, sizeof name, "%d", level);
    levels[level].range = regions_range_start(REGIONS_PCONTROL, name, 0);
    levels[level].mpi_ticks_before = regions_often_ticks();
}

static void level_end(int level)
{
    regions_range_stop(levels[level].range, NULL);
    levels[level].range = 0;
    levels[level].mpi_ticks += regions_often_ticks() - levels[level].mpi_ticks_before;
}

/* The innermost of those that were begun by a level of their own cannot be known: 0 ends them all. */
void profile_pcontrol(int level)
{
    if (!atomic_load_explicit(&on, memory_order_relaxed))
        return;
    pthread_mutex_lock(&lock);
    if (level > PROFILE_REGIONS || level < -PROFILE_REGIONS) {
        profile.sums.ignored++;
    } else if (level > 0) {
        if (levels[level].range == 0)
            level_begin(level);
    } else {
        for (int i = 1; i <= PROFILE_REGIONS; i++)
            if ((level == 0 || i == -level) && levels[i].range != 0)
                level_end(i);
    }
    pthread_mutex_unlock(&lock);
}

uint64_t profile_mpi_ns(const regions_region *region)
{
    if (region->kind != REGIONS_PCONTROL)
        return 0;
    return (uint64_t)((double)levels[atoi(region->name)].mpi_ticks * profile.result->ns_per_tick);
}

void profile_meter_begin(int by_several_threads)
{
    if (profile_by_rank() && report_is_traced())
        regions_trace();
    regions_start();
    in_mpi = regions_often_start(REGIONS_MPI, "MPI", by_several_threads);
    atomic_store(&on, 1);
}

/* What the region has of each GPU, as the library would say it of a window. */
zeus_amd_gpu_energy_t *profile_energies(const regions_share *shares, uint64_t ns)
{
    const regions_result *r = profile.result;
    zeus_amd_gpu_energy_t *all = calloc((size_t)r->gpu_count + 1, sizeof *all);
    for (uint32_t i = 0; all != NULL && i < r->gpu_count; i++) {
        const double uj = shares[i].uj > 0 ? shares[i].uj : 0;
        all[i] = r->gpus[i].energy;
        if (!r->gpus[i].measured || r->gpus[i].missed) {
            all[i].method = ZEUS_AMD_METHOD_NONE;
            continue;
        }
        all[i].energy_mj = (uint64_t)llround(uj / 1e3);
        all[i].uncertainty_mj = (uint64_t)ceil(regions_uncertainty_uj(&r->gpus[i], &shares[i]) / 1e3);
        all[i].duration_ns = ns;
    }
    return all;
}

static void take_result(void)
{
    const regions_result *r = profile.result;
    profile.count = r->gpu_count;
    profile.begin_ns = r->begin_ns;
    profile.end_ns = r->end_ns;
    profile.status = r->status != ZEUS_AMD_STATUS_OK ? r->status : r->end_status;
    profile.session = profile.status == ZEUS_AMD_STATUS_OK ? r->session : NULL;
    snprintf(profile.why.text, sizeof profile.why.text, "%s", r->why);
    profile.sums.reads = r->reads;
    profile.sums.read_ns = r->read_ns;
    profile.sums.open_ns = r->open_ns;
    profile.sums.unbalanced = r->unbalanced;
    profile.sums.unfinished = r->unfinished;
    profile.sums.too_many = r->too_many;
    profile.sums.in_handlers = r->in_handlers;
    profile.gpus = calloc((size_t)profile.count + 1, sizeof *profile.gpus);
    profile.in_mpi_mj = calloc((size_t)profile.count + 1, sizeof *profile.in_mpi_mj);
    if (profile.gpus == NULL || profile.in_mpi_mj == NULL) {
        profile.status = ZEUS_AMD_STATUS_NO_MEMORY;
        profile.session = NULL;
        return;
    }
    for (uint32_t i = 0; i < profile.count; i++) {
        profile.gpus[i] = r->gpus[i].energy;
        if (r->gpus[i].missed || !r->gpus[i].measured)
            profile.gpus[i].method = ZEUS_AMD_METHOD_NONE;
        profile.in_mpi_mj[i] = in_mpi != NULL ? in_mpi->inclusive[i].uj / 1e3 : 0;
    }
}

void profile_meter_end(void)
{
    profile_pcontrol(0);
    atomic_store(&on, 0);
    profile.result = regions_end();
    if (profile.result == NULL) {
        profile.status = ZEUS_AMD_STATUS_INTERNAL;
        return;
    }
    take_result();
    if (in_mpi != NULL) {
        profile.sums.calls += in_mpi->count;
        profile.sums.mpi_ns = (uint64_t)in_mpi->wall_ns;
        profile.sums.call_ns = regions_often_cost_ns();
    }
}
