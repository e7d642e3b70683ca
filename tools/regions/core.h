/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the core share. */
#ifndef ZEUS_AMD_TOOLS_CORE_H
#define ZEUS_AMD_TOOLS_CORE_H

#include "regions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/* A path on one thread: only that thread writes here, but for the end of a span. */
typedef struct core_local {
    regions_region *region;
    struct core_local *parent, *recent, *next_hashed, *next_touched;
    uint64_t ticks, count, inclusive, entered;
    uint32_t hash;
    int touched;
} core_local;

/* Of the range that is entered most (often.c): written by its thread only. */
typedef struct core_often {
    atomic_uint_fast64_t word;
    uint64_t calls, depth;
    /* Edges that were timed, in ticks. */
    uint64_t samples, sampled, shortest;
} core_often;

typedef struct core_thread {
    /* On a line of memory that no other thread writes to. */
    _Alignas(64) core_often often;
    /* IDLE, or what the thread does to what is below. */
    atomic_int busy;
    core_local *current, *touched;
    uint64_t since;
    /* Pushed beyond the most paths. */
    uint64_t beyond;
    core_local root;
    core_local **table;
    uint32_t table_size, locals;
    regions_events events;
    struct core_thread *next, *next_free;
} core_thread;

/* core_held: 0, or all have to wait or to return. */
enum { CORE_RUNS, CORE_NOT_STARTED, CORE_READING, CORE_ENDED };
extern atomic_int core_held;
extern regions_result core;
extern core_thread *core_threads;
/* NULL: not attached yet. */
extern __thread core_thread *core_mine __attribute__((tls_model("initial-exec")));
/* When the counters may be read again, in ticks. */
extern atomic_uint_fast64_t core_next_read;

/* lock.c: guards all but what threads have for themselves. 0: not taken, as this thread has it already and is in a signal handler,
 * or for core_try_lock as another thread has it. */
int core_lock(void);
int core_try_lock(void);
void core_unlock(void);
int core_is_locked_here(void);
/* In a forked child. */
void core_new_lock(void);

/* tree.c: a region's child of that name, made where there is none; NULL: no more. */
regions_region *core_child(regions_region *parent, regions_kind kind, const char *name);
uint32_t core_hash(const void *parent, regions_kind kind, const char *name);

/* threads.c: with the lock. Stops all threads from changing their stacks, and lets them go on. */
void core_hold(void);
void core_release(int state);

/* trace.c: one more event, if there is room; of no time if it begins after its end. Only one thread at a time for each list. */
void core_event(regions_events *events, const regions_region *region, uint64_t begin, uint64_t end);
/* Those of a thread that end now, from the innermost level on. */
void core_trace_levels(core_thread *thread, const core_local *until, uint64_t end);
void core_trace_begin(const zeus_amd_session_t *session);
/* What is still open ends then. */
void core_trace_end(uint64_t end);
extern regions_events core_range_events;

/* threads.c: this thread's, made where there is none; NULL: nothing is counted any more. */
core_thread *core_attach(void);
/* At an edge at which the counters may be read; without the lock. */
void core_edge(core_thread *thread, uint64_t now);

/* meter.c: the same, where no signal handler can push meanwhile. */
void core_read(uint64_t now);
/* With the lock, threads held: until now is a span, of which the last one ends the measurement. */
void core_open(void);
void core_span(int last);

/* node.c: with the lock; beside the window of the GPUs. */
void core_node_begin(const zeus_amd_session_t *session);
void core_node_end(const zeus_amd_session_t *session);

/* account.c: what a span used, to its regions; with the lock, threads held. */
typedef struct core_span_gpu {
    double uj, max_w;
    regions_reading begin, end;
    int measured, vague;
} core_span_gpu;
void core_account(uint64_t begin, uint64_t end, double ns, uint64_t number, const core_span_gpu *gpus);

/* ranges.c: with the lock. Brings the ticks of the ranges up to now. */
void core_ranges_advance(uint64_t now);
/* Events of those that are still open. */
void core_ranges_trace(uint64_t end);

/* often.c: with the lock. The same of that range; 0: it is another one. */
int core_often_advance(const regions_region *range, uint64_t now);
void core_often_stop(void);
/* By the thread that ends. */
void core_often_ends(core_thread *thread);

#endif
