/* Each thread has its own last error, at the same time, and a success does not clear it. */
#include <pthread.h>

#include "readers.h"

static pthread_barrier_t together;
static zeus_amd_session_t *z;

static void *fail(void *argument)
{
    uint32_t gpu = 1000 + *(const uint32_t *)argument;
    char mine[64], text[1024];
    uint64_t mw;
    int round;
    CHECK(zeus_amd_last_error(text, sizeof text) == 0 && text[0] == 0);
    snprintf(mine, sizeof mine, "no GPU %u:", (unsigned)gpu);
    for (round = 0; round < 200; round++) {
        CHECK_IS(zeus_amd_power_instant_mw(z, gpu, &mw), ZEUS_AMD_STATUS_NOT_FOUND);
        pthread_barrier_wait(&together);
        CHECK(says(mine));
        CHECK_OK(zeus_amd_power_instant_mw(z, 0, &mw));
        CHECK(says(mine));
        pthread_barrier_wait(&together);
    }
    return NULL;
}

int main(void)
{
    uint32_t numbers[4] = {0, 1, 2, 3};
    pthread_t threads[4];
    char text[8];
    int i;
    z = open_quickly();
    CHECK(pthread_barrier_init(&together, NULL, 4) == 0);
    for (i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, fail, &numbers[i]) == 0);
    for (i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    /* This thread has not failed yet. */
    CHECK(zeus_amd_last_error(text, sizeof text) == 0 && text[0] == 0);
    zeus_amd_close(z);
    return 0;
}
