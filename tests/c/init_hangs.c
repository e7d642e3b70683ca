/* amdsmi_init sleeps for a day, longer than this program may run: every open gives up in time, and the program ends at once. */
#include <pthread.h>
#include <time.h>

#include "fake.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The first one waits for it, those that come when its time is over do not. */
static void *try_to_open(void *first)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = (zeus_amd_session_t *)&options;
    double begin = now(), took;
    /* Long enough to come as far as that call, on a busy machine too. */
    options.init_timeout_ms = 1500;
    CHECK_IS(zeus_amd_open(&options, &z), ZEUS_AMD_STATUS_TIMEOUT);
    took = now() - begin;
    CHECK(z == NULL && (first == NULL || took >= 1.49));
    CHECK(says("amdsmi_init") && says("1500 ms") && says(getenv("ZEUS_AMD_AMDSMI")));
    return NULL;
}

int main(void)
{
    pthread_t threads[4];
    int i;
    try_to_open(&i);
    try_to_open(NULL);
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, try_to_open, NULL) == 0);
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    /* Looking does not wait for it. */
    CHECK_OK(zeus_amd_probe(NULL));
    return 0;
}
