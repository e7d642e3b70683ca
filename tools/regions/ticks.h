/* SPDX-License-Identifier: Apache-2.0 */
/* The cheapest clock of the machine. Its unit does not matter: a tick counts as a part of the time between two readings of
 * the counters, which is known in nanoseconds. */
#ifndef ZEUS_AMD_TOOLS_TICKS_H
#define ZEUS_AMD_TOOLS_TICKS_H

#include <stdint.h>
#include <time.h>

static inline uint64_t ticks_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#if defined(__x86_64__)
/* Set where the kernel itself uses the processor's counter: then it is the same on all processors. */
extern int ticks_tsc;
static inline uint64_t ticks_now(void)
{
    return ticks_tsc ? __builtin_ia32_rdtsc() : ticks_ns();
}
/* When all before it is done: the processor reads its counter ahead. */
static inline uint64_t ticks_done(void)
{
    __builtin_ia32_lfence();
    return ticks_now();
}
#elif defined(__aarch64__)
static inline uint64_t ticks_now(void)
{
    uint64_t t;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
    return t;
}
static inline uint64_t ticks_done(void)
{
    __asm__ volatile("isb" ::: "memory");
    return ticks_now();
}
#else
static inline uint64_t ticks_now(void)
{
    return ticks_ns();
}
static inline uint64_t ticks_done(void)
{
    return ticks_ns();
}
#endif

#endif
