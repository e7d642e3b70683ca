/* Eight threads read all GPUs for argv[1] milliseconds: each value is that GPU's own. argv[2] and on: the instant
 * power of each GPU in mW, then the temperature of each in degrees. */
#include <pthread.h>
#include <time.h>

#include "readers.h"

#define THREADS 8
#define MOST 64

static zeus_amd_session_t *sessions[2];
static uint32_t gpus;
static uint64_t power_mw[MOST];
static int32_t celsius[MOST];
static double seconds;
static unsigned readings[THREADS];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *work(void *number)
{
    unsigned *mine = number, me = (unsigned)(mine - readings);
    const zeus_amd_session_t *z = sessions[me % 2];
    uint64_t last[MOST] = {0};
    double end = now() + seconds;
    uint32_t i;
    while (now() < end) {
        for (i = 0; i < gpus; i++) {
            uint32_t gpu = (i + me) % gpus;
            uint64_t mw = 0, mj = 0;
            int32_t t = 0;
            CHECK_FRESH(zeus_amd_power_instant_mw(z, gpu, &mw));
            CHECK(mw == power_mw[gpu]);
            CHECK_OK(zeus_amd_temperature_c(z, gpu, &t));
            CHECK(t == celsius[gpu]);
            CHECK_FRESH(zeus_amd_energy_mj(z, gpu, &mj));
            CHECK(mj >= last[gpu]);
            /* From one reading to the next the counter moves by far less than to another GPU's. */
            CHECK(last[gpu] == 0 || mj - last[gpu] < 10u * 1000u * 1000u);
            last[gpu] = mj;
            ++*mine;
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    uint32_t i;
    gpus = (uint32_t)(argc - 2) / 2;
    CHECK(argc > 3 && gpus <= MOST && argc == 2 + 2 * (int)gpus);
    seconds = atof(argv[1]) / 1e3;
    for (i = 0; i < gpus; i++) {
        power_mw[i] = strtoull(argv[2 + i], NULL, 10);
        celsius[i] = atoi(argv[2 + gpus + i]);
    }
    sessions[0] = open_quickly();
    sessions[1] = open_quickly();
    CHECK_OK(zeus_amd_gpu_count(sessions[0], &i));
    CHECK(i == gpus);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, &readings[i]) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(readings[i] >= gpus);
    zeus_amd_close(sessions[0]);
    zeus_amd_close(sessions[1]);
    return 0;
}
