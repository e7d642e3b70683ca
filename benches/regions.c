/* What libzeus_amd_tools.so costs: ns of push and pop of one region, of one among 100 names, and of a nested one, without a
 * reading of the counters; and what of a core 100,000 regions a second take, beyond the budget for readings.
 * usage: regions    (with ZEUS_AMD_TOOLS_BUDGET=0, so that nothing is read) */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void kokkosp_init_library(int sequence, uint64_t version, uint32_t count, void *devices);
void kokkosp_push_profile_region(const char *name);
void kokkosp_pop_profile_region(void);

enum { CALLS = 200000, ROUNDS = 15 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static char names[100][32];

static void one(int i)
{
    (void)i;
    kokkosp_push_profile_region("a region of usual length");
    kokkosp_pop_profile_region();
}

static void hundred(int i)
{
    kokkosp_push_profile_region(names[i % 100]);
    kokkosp_pop_profile_region();
}

/* Twice the clock that a push and a pop cannot go without. */
static volatile uint64_t sink;
static void clocks(int i)
{
    (void)i;
#if defined(__x86_64__)
    sink = __builtin_ia32_rdtsc();
    sink = __builtin_ia32_rdtsc();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    clock_gettime(CLOCK_MONOTONIC, &t);
#endif
}

static int up(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the rounds the fastest quarter: the others share their processor. */
static double ns(void (*what)(int))
{
    double all[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        const double began = now();
        for (int i = 0; i < CALLS; i++)
            what(i);
        all[r] = (now() - began) / CALLS;
    }
    qsort(all, ROUNDS, sizeof *all, up);
    return all[ROUNDS / 4];
}

int main(void)
{
    double bare, single, many;
    kokkosp_init_library(0, 20210225, 0, NULL);
    for (int i = 0; i < 100; i++)
        snprintf(names[i], sizeof names[i], "region number %d of 100", i);
    bare = ns(clocks);
    single = ns(one);
    many = ns(hundred);
    printf("push and pop of a region|%.0f ns|%.0f ns: two clocks|%.2f|<= 60 ns|%s\n", single, bare, single / bare,
           single <= 60 ? "yes" : "no");
    printf("push and pop, 100 names in turn|%.0f ns|%.0f ns: two clocks|%.2f||\n", many, bare, many / bare);
    printf("100,000 regions a second|%.2f %% of a core|||<= 1 %%|%s\n", single / 100, single <= 100 ? "yes" : "no");
    return 0;
}
