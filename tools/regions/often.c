/* SPDX-License-Identifier: Apache-2.0 */
/* The range that is entered most, such as the time in MPI: it is open while at least one thread is in it. An edge takes no lock
 * and writes to what its thread has for itself.
 *
 * The time is the sum of the moments at which the last thread left, less the sum of those at which a first one entered. Each
 * thread has its part of both sums, and in the lowest bits how many more of its edges began than ended: all in one word, so that
 * words are read while threads go on. What the lowest bits add up to is open: until now. A thread that is between its edge's clock
 * and its word is off by what that takes. */
#include "core.h"
#include "ticks.h"

/* Of the words; ticks have the other bits, which differ by less than 2^52 between two readings. */
enum { OPEN_BITS = 12 };
/* One call of so many is timed; at most so many times the shortest, for those that lost the processor meanwhile. */
enum { SAMPLED = 256, INTERRUPTED = 8 };

static regions_region *often;
static atomic_int runs;
/* Several threads may be in it at once; how many are. Else each edge is a first or a last one. */
static int several;
static _Alignas(64) atomic_int inside;
/* What was counted already, as in the words. */
static uint64_t counted;

static inline void add(core_thread *thread, uint64_t what)
{
    atomic_store_explicit(&thread->often.word, atomic_load_explicit(&thread->often.word, memory_order_relaxed) + what,
                          memory_order_relaxed);
}

static inline uint64_t opens(uint64_t now)
{
    return 1 - (now << OPEN_BITS);
}

/* From the edge's clock until all is done for it, with one clock. */
static void sample(core_often *at, uint64_t edge)
{
    const uint64_t took = ticks_done() - edge;
    at->shortest = at->samples == 0 || took < at->shortest ? took : at->shortest;
    at->sampled += took < INTERRUPTED * at->shortest ? took : INTERRUPTED * at->shortest;
    at->samples++;
}

static inline int is_sampled(const core_often *at)
{
    return __builtin_expect(at->calls % SAMPLED == 1, 0) != 0;
}

static inline int may_read(uint64_t now)
{
    return __builtin_expect(now >= atomic_load_explicit(&core_next_read, memory_order_relaxed), 0) != 0;
}

static void leave(core_thread *thread)
{
    const uint64_t now = ticks_now();
    if (!several || atomic_fetch_sub_explicit(&inside, 1, memory_order_relaxed) == 1)
        add(thread, -opens(now));
    if (is_sampled(&thread->often))
        sample(&thread->often, now);
    if (may_read(now))
        core_edge(thread, now);
}

void regions_often_enter(void)
{
    core_thread *thread = core_mine;
    uint64_t now;
    if (!atomic_load_explicit(&runs, memory_order_relaxed))
        return;
    if (__builtin_expect(thread == NULL, 0) && (thread = core_attach()) == NULL)
        return;
    if (thread->often.depth++ > 0)
        return;
    now = ticks_now();
    if (may_read(now)) {
        core_edge(thread, now);
        now = ticks_now();
    }
    thread->often.calls++;
    if (!several || atomic_fetch_add_explicit(&inside, 1, memory_order_relaxed) == 0)
        add(thread, opens(now));
    if (is_sampled(&thread->often))
        sample(&thread->often, now);
}

void regions_often_leave(void)
{
    core_thread *thread = core_mine;
    if (!atomic_load_explicit(&runs, memory_order_relaxed) || thread == NULL || thread->often.depth == 0)
        return;
    if (--thread->often.depth == 0)
        leave(thread);
}

void core_often_ends(core_thread *thread)
{
    if (thread->often.depth > 0 && atomic_load_explicit(&runs, memory_order_relaxed))
        leave(thread);
    thread->often.depth = 0;
}

int core_often_advance(const regions_region *range, uint64_t now)
{
    uint64_t sum = 0, open, total;
    int64_t more;
    if (range != often || often == NULL)
        return 0;
    often->count = 0;
    for (core_thread *t = core_threads; t != NULL; t = t->next) {
        sum += atomic_load_explicit(&t->often.word, memory_order_relaxed);
        often->count += t->often.calls;
    }
    open = (uint64_t)((int64_t)(sum << (64 - OPEN_BITS)) >> (64 - OPEN_BITS));
    total = (open * now << OPEN_BITS) + (sum - open);
    /* Threads that entered after now owe that time, until the next one. */
    more = (int64_t)(total - counted) >> OPEN_BITS;
    if (more > 0) {
        often->ticks += (uint64_t)more;
        often->all_ticks += (uint64_t)more;
        counted = total;
    }
    return 1;
}

regions_region *regions_often_start(regions_kind kind, const char *name, int by_several)
{
    if (!core_lock())
        return NULL;
    if (atomic_load(&core_held) == CORE_RUNS && (often = core_child(&core.ranges, kind, name)) != NULL) {
        several = by_several;
        atomic_store(&runs, 1);
    }
    core_unlock();
    return often;
}

void core_often_stop(void)
{
    atomic_store(&runs, 0);
}

uint64_t regions_often_ticks(void)
{
    uint64_t ticks = 0;
    if (!core_lock())
        return 0;
    if (core_often_advance(often, ticks_now()))
        ticks = often->all_ticks;
    core_unlock();
    return ticks;
}

/* A call has two edges. */
uint64_t regions_often_cost_ns(void)
{
    double ticks = 0;
    for (const core_thread *t = core_threads; t != NULL; t = t->next)
        if (t->often.samples > 0)
            ticks += 2 * (double)t->often.calls * (double)t->often.sampled / (double)t->often.samples;
    return (uint64_t)(ticks * core.ns_per_tick);
}
