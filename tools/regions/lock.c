/* SPDX-License-Identifier: Apache-2.0 */
/* The lock of the core. A signal handler must not wait for what the thread that it interrupts has: it does without. */
#include "core.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* This thread has the lock, or is about to take it. */
static __thread atomic_int inside __attribute__((tls_model("initial-exec")));

static int enters(void)
{
    if (atomic_load_explicit(&inside, memory_order_relaxed)) {
        __atomic_fetch_add(&core.in_handlers, 1, __ATOMIC_RELAXED);
        return 0;
    }
    atomic_store_explicit(&inside, 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    return 1;
}

static void leaves(void)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&inside, 0, memory_order_relaxed);
}

int core_lock(void)
{
    if (!enters())
        return 0;
    pthread_mutex_lock(&lock);
    return 1;
}

int core_try_lock(void)
{
    if (!enters())
        return 0;
    if (pthread_mutex_trylock(&lock) == 0)
        return 1;
    leaves();
    return 0;
}

void core_unlock(void)
{
    pthread_mutex_unlock(&lock);
    leaves();
}

int core_is_locked_here(void)
{
    return atomic_load_explicit(&inside, memory_order_relaxed);
}

void core_new_lock(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    leaves();
}
