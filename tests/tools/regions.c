/* Drives the regions of libzeus_amd_tools.so through the interface of Kokkos Tools, and prints of each visit when it was:
 * "BEFORE BEGIN END AFTER THREAD PATH" in CLOCK_BOOTTIME, where the visit is at least BEGIN to END and at most BEFORE to AFTER.
 * usage: regions nested|recursive|overlap|threads|short|long|ms MS|random SEED|crowd SEED */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void kokkosp_init_library(int sequence, uint64_t version, uint32_t count, void *devices);
void kokkosp_push_profile_region(const char *name);
void kokkosp_pop_profile_region(void);
void kokkosp_create_profile_section(const char *name, uint32_t *id);
void kokkosp_start_profile_section(uint32_t id);
void kokkosp_stop_profile_section(uint32_t id);
uint64_t roctxRangeStartA(const char *message);
void roctxRangeStop(uint64_t id);

typedef struct visit {
    const struct visit *around;
    const char *name;
    uint64_t before, begin, end, after;
    int thread;
} visit;
enum { MOST = 200000 };
static visit visits[MOST];
static int count;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void for_ms(double ms)
{
    const uint64_t until = now() + (uint64_t)(ms * 1e6);
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &t, NULL) != 0) {
    }
}

static __thread const visit *around;
static __thread int number;

static visit *in(const char *name)
{
    visit *v = &visits[__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED)];
    v->around = around;
    v->name = name;
    v->thread = number;
    v->before = now();
    kokkosp_push_profile_region(name);
    v->begin = now();
    return v;
}

static void out(visit *v)
{
    v->end = now();
    kokkosp_pop_profile_region();
    v->after = now();
}

/* A region with children: its path is that of the children around it. */
#define WITHIN(name, body)                                                                                             \
    do {                                                                                                               \
        const visit *const before = around;                                                                            \
        visit *const v = in(name);                                                                                     \
        around = v;                                                                                                    \
        body;                                                                                                          \
        around = before;                                                                                               \
        out(v);                                                                                                        \
    } while (0)

static void nested(void)
{
    for (int i = 0; i < 3; i++)
        WITHIN("step", {
            WITHIN("assemble", for_ms(40));
            WITHIN("solve", {
                for_ms(10);
                WITHIN("precondition", for_ms(60));
                WITHIN("iterate", for_ms(35));
            });
            for_ms(15);
        });
    for_ms(25);
}

static void recurse(int depth)
{
    WITHIN("recurse", {
        for_ms(12);
        if (depth > 1)
            recurse(depth - 1);
        for_ms(8);
    });
}

/* Ranges are no part of a path. */
static void overlap(void)
{
    uint32_t ids[2];
    visit *v[4];
    kokkosp_create_profile_section("first", &ids[0]);
    kokkosp_create_profile_section("second", &ids[1]);
    for (int i = 0; i < 4; i++) {
        /* first begins, second begins, first ends, second ends */
        const int which = i % 2, begins = i < 2;
        v[i] = begins ? &visits[count++] : v[which];
        if (begins) {
            v[i]->name = which == 0 ? "range first" : "range second";
            v[i]->before = now();
            kokkosp_start_profile_section(ids[which]);
            v[i]->begin = now();
        } else {
            v[i]->end = now();
            kokkosp_stop_profile_section(ids[which]);
            v[i]->after = now();
        }
        if (i == 0)
            WITHIN("inside", for_ms(70));
        else
            for_ms(80);
    }
}

static void *thread(void *which)
{
    const int n = *(int *)which;
    number = n;
    for_ms(20 * n);
    for (int i = 0; i < 2; i++)
        WITHIN("shared", {
            for_ms(60);
            WITHIN(n == 1 ? "one" : n == 2 ? "two" : "three", for_ms(30 + 10 * n));
        });
    return NULL;
}

static void threads(void)
{
    pthread_t all[3];
    int numbers[3] = {1, 2, 3};
    for (int i = 0; i < 3; i++)
        pthread_create(&all[i], NULL, thread, &numbers[i]);
    for (int i = 0; i < 3; i++)
        pthread_join(all[i], NULL);
}

static void shorts(void)
{
    for (int i = 0; i < 100000; i++) {
        visit *const v = in("short");
        while (now() - v->begin < 10000) {
        }
        out(v);
    }
}

static __thread uint64_t state;
static uint32_t below(uint32_t n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % n;
}

static void randomly(int depth)
{
    static const char *const names[] = {"a", "b", "c"};
    const int children = (int)below(4);
    for (int i = 0; i < children; i++)
        WITHIN(names[below(3)], {
            for_ms(below(5) == 0 ? 0.05 * below(20) : below(15));
            if (depth < 4)
                randomly(depth + 1);
            for_ms(below(8));
        });
}

/* Ranges of three names, by any thread, of which several may be open at once, also of one name. */
enum { OPEN = 4 };
static struct {
    visit *v;
    uint64_t id;
} open_ranges[OPEN];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void range(void)
{
    static const char *const names[] = {"range x", "range y", "range z"};
    const uint32_t at = below(OPEN);
    pthread_mutex_lock(&lock);
    if (open_ranges[at].v == NULL) {
        visit *const v = open_ranges[at].v = &visits[__atomic_fetch_add(&count, 1, __ATOMIC_RELAXED)];
        v->name = names[below(3)];
        v->before = now();
        open_ranges[at].id = roctxRangeStartA(v->name + strlen("range "));
        v->begin = now();
    } else {
        open_ranges[at].v->end = now();
        roctxRangeStop(open_ranges[at].id);
        open_ranges[at].v->after = now();
        open_ranges[at].v = NULL;
    }
    pthread_mutex_unlock(&lock);
}

static void *one_of_many(void *seed)
{
    number = *(int *)seed % 100;
    state = (uint64_t)*(int *)seed;
    for (int i = 0; i < 6; i++) {
        range();
        randomly(1);
        for_ms(below(10));
    }
    return NULL;
}

static void crowd(int seed)
{
    pthread_t all[4];
    int seeds[4];
    for (int i = 0; i < 4; i++) {
        seeds[i] = (seed % 10000) * 100 + i + 1;
        pthread_create(&all[i], NULL, one_of_many, &seeds[i]);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(all[i], NULL);
    for (int i = 0; i < OPEN * 1000; i++)
        if (open_ranges[i % OPEN].v != NULL)
            range();
}

static void path(const visit *v)
{
    if (v != NULL) {
        path(v->around);
        printf("%s/", v->name);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    kokkosp_init_library(0, 20210225, 0, NULL);
    if (strcmp(what, "nested") == 0) {
        nested();
    } else if (strcmp(what, "recursive") == 0) {
        for (int i = 0; i < 3; i++)
            recurse(4);
    } else if (strcmp(what, "overlap") == 0) {
        overlap();
    } else if (strcmp(what, "threads") == 0) {
        threads();
    } else if (strcmp(what, "short") == 0) {
        shorts();
    } else if (strcmp(what, "long") == 0) {
        WITHIN("long", for_ms(1500));
    } else if (strcmp(what, "ms") == 0 && argc > 2) {
        WITHIN("a time", for_ms(strtod(argv[2], NULL)));
    } else if (strcmp(what, "random") == 0 && argc > 2) {
        state = strtoull(argv[2], NULL, 10);
        for (int i = 0; i < 8; i++)
            randomly(0);
    } else if (strcmp(what, "crowd") == 0 && argc > 2) {
        crowd((int)(strtoull(argv[2], NULL, 10) % 1000000));
    } else {
        return 2;
    }
    for (int i = 0; i < count; i++) {
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %d ", visits[i].before, visits[i].begin, visits[i].end,
               visits[i].after, visits[i].thread);
        path(visits[i].around);
        puts(visits[i].name);
    }
    return 0;
}
