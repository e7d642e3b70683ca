/* The heap does not grow with the number of calls: less is in use more after many rounds than the smallest block a round. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mallinfo2() */
#endif
#include <malloc.h>
#include <pthread.h>

#include "check.h"

/* A thread that is about to end, and a stack that glibc keeps for the next thread, have a KiB each. */
enum { ROUNDS = 400, CALLBACKS = 10000, SMALLEST = 32 };

static void hears(uint32_t level, const char *text, void *user)
{
    (void)level, (void)text, (void)user;
}

static void callbacks(int count)
{
    for (int i = 0; i < count; i++)
        CHECK_OK(zeus_amd_set_log(hears, ZEUS_AMD_LOG_DEBUG, (void *)(intptr_t)i));
    CHECK_OK(zeus_amd_set_log(NULL, 0, NULL));
}

/* Callbacks are replaced while another thread calls them: what cannot be freed then is freed later. */
static volatile int end;

static void *logs(void *unused)
{
    while (!end)
        zeus_amd_close(open_quickly());
    return unused;
}

static void callbacks_in_use(void)
{
    pthread_t t;
    end = 0;
    CHECK(pthread_create(&t, NULL, logs, NULL) == 0);
    for (int i = 0; i < 100; i++) {
        callbacks(CALLBACKS / 100);
        sleep_us(1000);
    }
    end = 1;
    CHECK(pthread_join(t, NULL) == 0);
    callbacks(1);
}

static void sessions(int count)
{
    for (int i = 0; i < count; i++) {
        zeus_amd_session_t *z = open_quickly();
        zeus_amd_sampler_t *s, *late;
        zeus_amd_window_t *w;
        zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
        zeus_amd_guard_t *g;
        zeus_amd_node_window_t *node;
        CHECK_OK(zeus_amd_node_window_begin(z, &node));
        CHECK_OK(zeus_amd_sampler_start(z, NULL, &s));
        CHECK_OK(zeus_amd_sampler_start(z, NULL, &late));
        CHECK_OK(zeus_amd_window_begin(z, &w));
        CHECK_OK(zeus_amd_guard_begin(z, 0, &g));
        CHECK_OK(zeus_amd_sampler_stop(s));
        zeus_amd_sampler_free(s);
        CHECK_OK(zeus_amd_window_end(w, &total, NULL, NULL));
        CHECK_OK(zeus_amd_guard_end(g));
        zeus_amd_close(z);
        zeus_amd_sampler_free(late);
        CHECK_OK(zeus_amd_node_window_end(node, NULL, NULL, NULL));
    }
}

static void grows_by_less(const char *what, size_t before, size_t least)
{
    const size_t now = mallinfo2().uordblks;
    if (now >= before + least) {
        fprintf(stderr, "%s: %zu bytes before, %zu bytes after\n", what, before, now);
        exit(1);
    }
}

int main(void)
{
    size_t before;
    CHECK(mallopt(M_ARENA_MAX, 1) == 1);
    sessions(10);
    callbacks_in_use();
    before = mallinfo2().uordblks;
    callbacks(CALLBACKS);
    grows_by_less("zeus_amd_set_log", before, CALLBACKS);
    before = mallinfo2().uordblks;
    callbacks_in_use();
    grows_by_less("zeus_amd_set_log while it logs", before, CALLBACKS);
    before = mallinfo2().uordblks;
    sessions(ROUNDS);
    grows_by_less("sessions with samplers", before, ROUNDS * SMALLEST / 2);
    return 0;
}
