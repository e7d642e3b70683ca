/* SPDX-License-Identifier: Apache-2.0 */
/* Time and energy in MPI, and regions, of one rank.
 *
 * The rank is in MPI while at least one of its threads is. The counters are not read at each call: once enough time has
 * passed they are read at the next edge of a call. What was used between two readings is split between MPI and the rest
 * by the times spent there. So long calls and long stretches between calls are measured, and short ones share what was
 * used around them in proportion to time. */
#define _GNU_SOURCE
#include "pmpi.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* Between two readings at least this, and so long that readings take no more than 1 % of the time. */
#define SPAN_NS 10000000u
#define SPAN_COSTS 100u

profile_meter profile;

static atomic_int on;
static __thread int depth;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Below lock: threads in MPI, since when, and the span since the last reading. */
static int inside;
static uint64_t since_ns, span_ns, span_mpi_ns, span_begin_ns, last_cost_ns;

uint64_t profile_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What was used since the last reading, split by time. */
static void split(const zeus_amd_gpu_energy_t *gpus, uint64_t now_ns)
{
    const double part = now_ns > span_begin_ns ? (double)span_mpi_ns / (double)(now_ns - span_begin_ns) : 0;
    for (uint32_t i = 0; i < profile.count; i++) {
        if (gpus[i].method != ZEUS_AMD_METHOD_NONE)
            profile.in_mpi_mj[i] += ((double)gpus[i].energy_mj - (double)profile.gpus[i].energy_mj) * part;
        profile.gpus[i] = gpus[i];
    }
    span_begin_ns = now_ns;
    span_mpi_ns = 0;
}

static void read_counters(uint64_t now_ns)
{
    zeus_amd_gpu_energy_t *gpus = profile.gpus + profile.count + 1;
    uint32_t count = profile.count;
    uint64_t cost_ns;
    gpus[0] = profile.gpus[0];
    if (zeus_amd_window_read(profile.window, NULL, gpus, &count) == ZEUS_AMD_STATUS_OK)
        split(gpus, now_ns);
    cost_ns = profile_now_ns() - now_ns;
    /* Of two readings the cheaper: one that was interrupted says nothing. */
    span_ns = SPAN_COSTS * (cost_ns < last_cost_ns ? cost_ns : last_cost_ns);
    span_ns = span_ns > SPAN_NS ? span_ns : SPAN_NS;
    last_cost_ns = cost_ns;
    profile.sums.read_ns += cost_ns;
    profile.sums.reads++;
}

/* At an edge, outside MPI. */
static void edge(uint64_t now_ns)
{
    if (profile.window != NULL && now_ns - span_begin_ns >= span_ns)
        read_counters(now_ns);
}

void profile_enter(void)
{
    uint64_t now_ns;
    if (depth++ > 0 || !atomic_load_explicit(&on, memory_order_relaxed))
        return;
    now_ns = profile_now_ns();
    pthread_mutex_lock(&lock);
    profile.sums.calls++;
    if (inside++ == 0) {
        edge(now_ns);
        since_ns = now_ns;
    }
    pthread_mutex_unlock(&lock);
}

void profile_leave(void)
{
    uint64_t now_ns;
    if (--depth > 0 || !atomic_load_explicit(&on, memory_order_relaxed))
        return;
    now_ns = profile_now_ns();
    pthread_mutex_lock(&lock);
    if (inside > 0 && --inside == 0 && now_ns > since_ns) {
        profile.sums.mpi_ns += now_ns - since_ns;
        span_mpi_ns += now_ns - since_ns;
        edge(now_ns);
    }
    pthread_mutex_unlock(&lock);
}

static void region_begin(profile_region *region)
{
    if (region->times++ == 0)
        region->begin_ns = zeus_amd_now_ns();
    if (profile.session != NULL && zeus_amd_window_begin(profile.session, &region->window) != ZEUS_AMD_STATUS_OK)
        region->window = NULL;
    region->since_ns = profile_now_ns();
    region->since_mpi_ns = profile.sums.mpi_ns;
}

/* Adds one visit; a GPU that lacks one has no sum. */
static void region_add(zeus_amd_gpu_energy_t *sum, const zeus_amd_gpu_energy_t *one, int first)
{
    if (first) {
        *sum = *one;
    } else if (one->method == ZEUS_AMD_METHOD_NONE || sum->method == ZEUS_AMD_METHOD_NONE) {
        sum->status = sum->method == ZEUS_AMD_METHOD_NONE ? sum->status : one->status;
        sum->method = ZEUS_AMD_METHOD_NONE;
    } else {
        sum->energy_mj += one->energy_mj;
        sum->uncertainty_mj += one->uncertainty_mj;
        sum->duration_ns += one->duration_ns;
        sum->end_ns = one->end_ns;
        sum->flags |= one->flags;
        sum->counter_state = one->counter_state;
        sum->method = one->method > sum->method ? one->method : sum->method;
    }
}

static void region_end(profile_region *region)
{
    zeus_amd_gpu_energy_t *gpus = profile.gpus != NULL ? profile.gpus + profile.count + 1 : NULL;
    uint32_t count = profile.count;
    int32_t status = ZEUS_AMD_STATUS_NO_MEMORY;
    const int first = region->gpus == NULL;
    region->ns += profile_now_ns() - region->since_ns;
    region->mpi_ns += profile.sums.mpi_ns - region->since_mpi_ns;
    region->end_ns = zeus_amd_now_ns();
    region->since_ns = 0;
    if (gpus == NULL)
        return;
    memset(gpus, 0, sizeof *gpus * (count + 1));
    gpus[0].struct_size = profile.gpus[0].struct_size;
    if (region->window != NULL)
        status = zeus_amd_window_end(region->window, NULL, gpus, &count);
    region->window = NULL;
    if (first)
        region->gpus = calloc(profile.count + 1, sizeof *region->gpus);
    if (region->gpus == NULL)
        return;
    for (uint32_t i = 0; i < profile.count; i++) {
        if (status != ZEUS_AMD_STATUS_OK) {
            gpus[i].method = ZEUS_AMD_METHOD_NONE;
            gpus[i].status = status;
        }
        region_add(&region->gpus[i], &gpus[i], first);
    }
}

void profile_pcontrol(int level)
{
    uint64_t began_ns;
    if (!atomic_load_explicit(&on, memory_order_relaxed))
        return;
    began_ns = profile_now_ns();
    pthread_mutex_lock(&lock);
    if (level > PROFILE_REGIONS || level < -PROFILE_REGIONS) {
        profile.sums.ignored++;
    } else if (level > 0) {
        if (profile.regions[level].since_ns == 0)
            region_begin(&profile.regions[level]);
    } else {
        for (int i = 1; i <= PROFILE_REGIONS; i++)
            if ((level == 0 || i == -level) && profile.regions[i].since_ns != 0)
                region_end(&profile.regions[i]);
    }
    profile.sums.read_ns += profile_now_ns() - began_ns;
    pthread_mutex_unlock(&lock);
}

/* What a call costs that does nothing, in the best of some tries: others were interrupted. */
static uint64_t cost_of_call(void)
{
    const int tries = 10, calls = 100;
    uint64_t least_ns = UINT64_MAX;
    span_ns = UINT64_MAX;
    for (int i = 0; i < tries; i++) {
        const uint64_t began_ns = profile_now_ns();
        uint64_t ns;
        for (int j = 0; j < calls; j++) {
            profile_enter();
            profile_leave();
        }
        ns = profile_now_ns() - began_ns;
        least_ns = ns < least_ns ? ns : least_ns;
    }
    return least_ns / (uint64_t)calls;
}

void profile_meter_begin(void)
{
    const zeus_amd_gpu_energy_t init = ZEUS_AMD_GPU_ENERGY_INIT;
    if (profile.session != NULL) {
        /* The second half is for the next reading. */
        profile.gpus = calloc(2 * ((size_t)profile.count + 1), sizeof *profile.gpus);
        profile.in_mpi_mj = calloc((size_t)profile.count + 1, sizeof *profile.in_mpi_mj);
        if (profile.gpus == NULL || profile.in_mpi_mj == NULL) {
            profile.status = ZEUS_AMD_STATUS_NO_MEMORY;
            profile.session = NULL;
        }
    }
    span_begin_ns = profile_now_ns();
    atomic_store(&on, 1);
    profile.sums.call_ns = cost_of_call();
    pthread_mutex_lock(&lock);
    if (profile.session != NULL) {
        profile.gpus[0] = init;
        profile.status = zeus_amd_window_begin(profile.session, &profile.window);
    }
    profile.sums.calls = 0;
    profile.sums.mpi_ns = 0;
    profile.begin_ns = zeus_amd_now_ns();
    span_begin_ns = profile_now_ns();
    span_ns = SPAN_NS;
    span_mpi_ns = 0;
    pthread_mutex_unlock(&lock);
}

void profile_meter_end(void)
{
    uint64_t now_ns;
    profile_pcontrol(0);
    atomic_store(&on, 0);
    pthread_mutex_lock(&lock);
    now_ns = profile_now_ns();
    profile.end_ns = zeus_amd_now_ns();
    if (profile.window != NULL) {
        zeus_amd_gpu_energy_t *gpus = profile.gpus + profile.count + 1;
        uint32_t count = profile.count;
        gpus[0] = profile.gpus[0];
        profile.status = zeus_amd_window_end(profile.window, NULL, gpus, &count);
        profile.window = NULL;
        if (profile.status == ZEUS_AMD_STATUS_OK)
            split(gpus, now_ns);
    }
    profile.sums.call_ns *= profile.sums.calls;
    pthread_mutex_unlock(&lock);
}
