/* SPDX-License-Identifier: Apache-2.0 */
/* The stack of each thread. A push or a pop takes no lock and writes only to what the thread has for itself; the thread that
 * ends a span holds all others first. The cost is on its side: a thread marks itself busy by a plain store, and membarrier()
 * orders that against the holder's. */
#define _GNU_SOURCE
#include "core.h"
#include "ticks.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUCKETS 64u

/* What core_thread.busy says. CHANGES: the holder waits. SLOW: the thread takes a lock; the holder need not wait, but a
 * signal handler must not push. */
enum { IDLE, CHANGES, SLOW };

atomic_int core_held = CORE_NOT_STARTED;
regions_result core;
core_thread *core_threads;
atomic_uint_fast64_t core_next_read;
#if defined(__x86_64__)
int ticks_tsc;
#endif

__thread core_thread *core_mine __attribute__((tls_model("initial-exec")));
static core_thread *free_threads;
static pthread_key_t key;
/* No membarrier(): each push and pop has a fence. */
static int fences;

static void touch(core_thread *thread, core_local *local)
{
    if (!local->touched) {
        local->touched = 1;
        local->next_touched = thread->touched;
        thread->touched = local;
    }
}

static int wait_to_enter(core_thread *thread)
{
    atomic_store_explicit(&thread->busy, IDLE, memory_order_release);
    if (atomic_load(&core_held) == CORE_NOT_STARTED)
        regions_start();
    if (!core_lock())
        return 0;
    core_unlock();
    return atomic_load(&core_held) != CORE_ENDED;
}

/* From here to leave() no other thread changes the stack. 0: not to be counted. */
static inline int enter(core_thread *thread)
{
    for (;;) {
        if (__builtin_expect(atomic_load_explicit(&thread->busy, memory_order_relaxed) != IDLE, 0)) {
            /* In a signal handler, within a push or a pop. */
            __atomic_fetch_add(&core.in_handlers, 1, __ATOMIC_RELAXED);
            return 0;
        }
        atomic_store_explicit(&thread->busy, CHANGES, memory_order_relaxed);
        if (__builtin_expect(fences, 0))
            atomic_thread_fence(memory_order_seq_cst);
        else
            atomic_signal_fence(memory_order_seq_cst);
        if (__builtin_expect(atomic_load_explicit(&core_held, memory_order_acquire) == CORE_RUNS, 1))
            return 1;
        if (!wait_to_enter(thread))
            return 0;
    }
}

static inline void leave(core_thread *thread)
{
    atomic_store_explicit(&thread->busy, IDLE, memory_order_release);
}

/* What has passed since the last change goes to the region that was current. */
static inline void advance(core_thread *thread, uint64_t now)
{
    if ((int64_t)(now - thread->since) > 0) {
        thread->current->ticks += now - thread->since;
        touch(thread, thread->current);
        thread->since = now;
    }
}

static void ends(void *thread)
{
    core_thread *t = thread;
    if (enter(t)) {
        advance(t, ticks_now());
        if (core.traced)
            core_trace_levels(t, &t->root, t->since);
        for (; t->current != &t->root; t->current = t->current->parent)
            __atomic_fetch_add(&core.unfinished, 1, __ATOMIC_RELAXED);
        t->beyond = 0;
        leave(t);
    }
    core_often_ends(t);
    core_mine = NULL;
    if (!core_lock())
        return;
    t->next_free = free_threads;
    free_threads = t;
    core_unlock();
}

/* Threads that have ended leave their paths to the next ones, so memory does not grow with their number. */
core_thread *core_attach(void)
{
    core_thread *t;
    if (atomic_load(&core_held) == CORE_NOT_STARTED)
        regions_start();
    if (!core_lock())
        return NULL;
    if (atomic_load(&core_held) == CORE_ENDED) {
        core_unlock();
        return NULL;
    }
    t = free_threads;
    if (t != NULL) {
        free_threads = t->next_free;
    } else if ((t = aligned_alloc(_Alignof(core_thread), sizeof *t)) != NULL &&
               (*t = (core_thread){0}, t->table = calloc(BUCKETS, sizeof *t->table)) != NULL) {
        t->table_size = BUCKETS;
        t->root.region = &core.run;
        t->current = &t->root;
        t->next = core_threads;
        core_threads = t;
        core.threads++;
    } else {
        free(t);
        t = NULL;
    }
    if (t != NULL) {
        t->since = ticks_now();
        core_mine = t;
        pthread_setspecific(key, t);
    }
    core_unlock();
    return t;
}

static void grow(core_thread *thread)
{
    const uint32_t size = thread->table_size * 4;
    core_local **table = calloc(size, sizeof *table);
    if (table == NULL)
        return;
    for (uint32_t i = 0; i < thread->table_size; i++)
        for (core_local *one = thread->table[i], *next; one != NULL; one = next) {
            next = one->next_hashed;
            one->next_hashed = table[one->hash % size];
            table[one->hash % size] = one;
        }
    free(thread->table);
    thread->table = table;
    thread->table_size = size;
}

static inline int is(const core_local *local, regions_kind kind, const char *name)
{
    return local->region->kind == kind && strcmp(local->region->name, name) == 0;
}

static core_local *find(core_thread *thread, regions_kind kind, const char *name)
{
    core_local *at = thread->current->recent;
    uint32_t hash;
    if (__builtin_expect(at != NULL && is(at, kind, name), 1))
        return at;
    hash = core_hash(thread->current, kind, name);
    for (at = thread->table[hash % thread->table_size]; at != NULL; at = at->next_hashed)
        if (at->hash == hash && at->parent == thread->current && is(at, kind, name))
            return thread->current->recent = at;
    return NULL;
}

/* The first time on this thread. */
static core_local *create(core_thread *thread, regions_kind kind, const char *name)
{
    core_local *local = calloc(1, sizeof *local);
    regions_region *region = NULL;
    if (!core_lock()) {
        free(local);
        return NULL;
    }
    if (local != NULL && atomic_load(&core_held) == CORE_RUNS)
        region = core_child(thread->current->region, kind, name);
    if (region == NULL) {
        core.too_many++;
        core_unlock();
        free(local);
        return NULL;
    }
    core_unlock();
    if (++thread->locals > thread->table_size)
        grow(thread);
    local->region = region;
    local->parent = thread->current;
    local->hash = core_hash(thread->current, kind, name);
    local->next_hashed = thread->table[local->hash % thread->table_size];
    thread->table[local->hash % thread->table_size] = local;
    return thread->current->recent = local;
}

void core_edge(core_thread *thread, uint64_t now)
{
    if (atomic_load_explicit(&thread->busy, memory_order_relaxed) != IDLE)
        return;
    atomic_store_explicit(&thread->busy, SLOW, memory_order_relaxed);
    core_read(now);
    leave(thread);
}

static inline core_thread *thread_at_edge(uint64_t now)
{
    core_thread *thread = core_mine;
    if (__builtin_expect(thread == NULL, 0))
        thread = core_attach();
    if (thread != NULL && now >= atomic_load_explicit(&core_next_read, memory_order_relaxed))
        core_edge(thread, now);
    return thread;
}

void regions_push(regions_kind kind, const char *name)
{
    core_thread *thread;
    core_local *child;
    uint64_t now = ticks_now();
    if (atomic_load_explicit(&core_held, memory_order_relaxed) == CORE_ENDED)
        return;
    if (name == NULL)
        name = "(NULL)";
    thread = thread_at_edge(now);
    if (thread == NULL || !enter(thread))
        return;
    child = find(thread, kind, name);
    if (__builtin_expect(child == NULL, 0) && thread->beyond == 0) {
        /* Nothing is half done, and the thread that holds all others may wait for the lock. */
        atomic_store_explicit(&thread->busy, SLOW, memory_order_release);
        child = create(thread, kind, name);
        leave(thread);
        if (!enter(thread))
            return;
        now = ticks_now();
    }
    if (child == NULL || thread->beyond > 0) {
        thread->beyond++;
        leave(thread);
        return;
    }
    /* Where the counters were read meanwhile, that time is the caller's. */
    advance(thread, (int64_t)(now - thread->since) > 0 ? now : ticks_now());
    child->count++;
    child->entered = thread->since;
    touch(thread, child);
    thread->current = child;
    leave(thread);
}

/* The innermost of that kind; those within it end with it. */
static core_local *enclosing(core_thread *thread, regions_kind kind)
{
    core_local *at = thread->current;
    while (at != &thread->root && at->region->kind != kind)
        at = at->parent;
    __atomic_fetch_add(&core.unbalanced, 1, __ATOMIC_RELAXED);
    return at == &thread->root ? NULL : at;
}

int regions_pop(regions_kind kind)
{
    const uint64_t now = ticks_now();
    core_thread *thread;
    core_local *top;
    if (atomic_load_explicit(&core_held, memory_order_relaxed) == CORE_ENDED)
        return -1;
    thread = thread_at_edge(now);
    if (thread == NULL || !enter(thread))
        return -1;
    if (thread->beyond > 0) {
        thread->beyond--;
        leave(thread);
        return 0;
    }
    top = thread->current;
    if (__builtin_expect(top->region->kind != kind, 0))
        top = enclosing(thread, kind);
    if (top != NULL) {
        advance(thread, now);
        if (__builtin_expect(core.traced, 0))
            core_trace_levels(thread, top->parent, now);
        thread->current = top->parent;
    }
    leave(thread);
    return top != NULL ? 0 : -1;
}

/* A thread that is not free after a second was ended within a push; it does not change its stack any more. */
static void wait_for(core_thread *thread)
{
    for (int i = 0; i < 1000 && atomic_load_explicit(&thread->busy, memory_order_acquire) == CHANGES; i++) {
        const struct timespec millisecond = {0, 1000000};
        if (i < 100)
            sched_yield();
        else
            nanosleep(&millisecond, NULL);
    }
}

void core_hold(void)
{
    if (atomic_load(&core_held) == CORE_ENDED)
        return;
    atomic_store(&core_held, CORE_READING);
    if (core_threads == NULL || (core_threads == core_mine && core_mine->next == NULL))
        return;
    if (fences)
        atomic_thread_fence(memory_order_seq_cst);
    else
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    for (core_thread *t = core_threads; t != NULL; t = t->next)
        if (t != core_mine)
            wait_for(t);
}

int regions_is_inside(void)
{
    return core_is_locked_here() || (core_mine != NULL && atomic_load_explicit(&core_mine->busy, memory_order_relaxed) != IDLE);
}

void core_release(int state)
{
    atomic_store(&core_held, state);
}

static pthread_once_t prepared = PTHREAD_ONCE_INIT;

static int kernel_uses_tsc(void)
{
    char name[16] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    const int read = file != NULL && fgets(name, sizeof name, file) != NULL;
    if (file != NULL)
        fclose(file);
    return read && strcmp(name, "tsc\n") == 0;
}

static void prepare(void)
{
#if defined(__x86_64__)
    ticks_tsc = kernel_uses_tsc();
#else
    (void)kernel_uses_tsc;
#endif
    fences = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
    pthread_key_create(&key, ends);
    pthread_atfork(NULL, NULL, regions_forget);
}

void regions_start(void)
{
    const int saved = errno;
    pthread_once(&prepared, prepare);
    if (!core_lock())
        return;
    if (atomic_load(&core_held) == CORE_NOT_STARTED) {
        core_open();
        core_release(CORE_RUNS);
    }
    core_unlock();
    errno = saved;
}

void regions_forget(void)
{
    atomic_store(&core_held, CORE_ENDED);
    core_new_lock();
    core_often_stop();
    core_threads = NULL;
    core_mine = NULL;
}
