/* The range that is entered most, from many threads: how long it was open, and how often it was entered, as the test's own clocks
 * have it. Edges are made one at a time, so that a visit is at least from BEGIN to END, and at most from BEFORE to AFTER.
 * usage: often SEED */
#define _GNU_SOURCE
#include "../../tools/regions/core.h"
#include "../../tools/regions/ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 5, GENERATIONS = 6, VISITS = 300, MOST = THREADS * GENERATIONS * VISITS };

static struct visit {
    uint64_t before, begin, end, after;
} visits[MOST];
static int count;
static pthread_mutex_t edge = PTHREAD_MUTEX_INITIALIZER;

static void enter(struct visit *v)
{
    pthread_mutex_lock(&edge);
    v->before = ticks_done();
    regions_often_enter();
    v->begin = ticks_done();
    pthread_mutex_unlock(&edge);
}

static void leave(struct visit *v)
{
    pthread_mutex_lock(&edge);
    v->end = ticks_done();
    regions_often_leave();
    v->after = ticks_done();
    pthread_mutex_unlock(&edge);
}

static void spin(unsigned *seed)
{
    for (volatile int i = rand_r(seed) % 2000; i > 0; i--) {
    }
}

/* Every third thread ends within its last visit. */
static void *work(void *number)
{
    const int ends_within = (int)(intptr_t)number % 3 == 0;
    unsigned seed = (unsigned)(intptr_t)number;
    for (int i = 0; i < VISITS; i++) {
        struct visit *v = &visits[__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED)];
        enter(v);
        spin(&seed);
        for (int nested = rand_r(&seed) % 3; nested > 0; nested--) {
            regions_often_enter();
            spin(&seed);
            regions_often_leave();
        }
        if (i == VISITS - 1 && ends_within) {
            v->end = ticks_done();
            return v;
        }
        leave(v);
        spin(&seed);
        if (rand_r(&seed) % 8 == 0)
            regions_often_leave(); /* Of nothing. */
    }
    return NULL;
}

static int by_begin(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;
    return (x->before > y->before) - (x->before < y->before);
}

/* Visits are in the order of their edges, so either way of looking has them in this one. */
static uint64_t length(int most)
{
    uint64_t sum = 0, until = 0;
    for (int i = 0; i < count; i++) {
        const uint64_t from = most ? visits[i].before : visits[i].begin, to = most ? visits[i].after : visits[i].end;
        sum += to <= until ? 0 : to - (from > until ? from : until);
        until = to > until ? to : until;
    }
    return sum;
}

static void generation(unsigned seed)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(intptr_t)(seed % 100000 + (unsigned)i)) != 0)
            exit(3);
    for (int i = 0; i < THREADS; i++) {
        void *left;
        pthread_join(threads[i], &left);
        if (left != NULL)
            ((struct visit *)left)->after = ticks_done();
    }
}

/* A copy of the process counts nothing, and waits for nothing. */
static int fork_is_idle(void)
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        const uint64_t before = regions_often_ticks();
        regions_often_enter();
        if (regions_often_ticks() != before)
            _exit(1);
        regions_often_leave();
        _exit(regions_often_ticks() == before ? 0 : 1);
    }
    return waitpid(child, &status, 0) == child && status == 0;
}

int main(int argc, char **argv)
{
    const unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    const regions_result *result;
    regions_region *range;
    uint64_t least, most;
    printf("seed %u\n", seed);
    regions_start();
    range = regions_often_start(REGIONS_MPI, "often", 1);
    for (int i = 0; i < GENERATIONS; i++) {
        if (i == GENERATIONS / 2 && !fork_is_idle())
            return puts("a child counts"), 1;
        generation(seed + (unsigned)(i * THREADS));
    }
    result = regions_end();
    qsort(visits, (size_t)count, sizeof *visits, by_begin);
    least = length(0);
    most = length(1);
    printf("open for %lu ticks, %lu to %lu; %lu visits, %d\n", (unsigned long)range->all_ticks, (unsigned long)least,
           (unsigned long)most, (unsigned long)range->count, count);
    if (range->all_ticks < least || range->all_ticks > most || range->count != (uint64_t)count)
        return 1;
    if (range->wall_ns <= 0 || range->wall_ns > result->run.wall_ns || regions_often_cost_ns() == 0)
        return puts("no time, or no cost"), 1;
    regions_often_enter();
    regions_often_leave();
    return range->count != (uint64_t)count;
}
