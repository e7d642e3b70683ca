/* Eight threads on one GPU each or all on GPU 0 (argv[2] 1), for argv[1] milliseconds and until each has read often enough:
 * power, temperature, energy, and a count that lies between the counts that the constant power allows. argv[4] and on: for each
 * GPU its power in W, the count at the machine's start, its temperature, whether its power is the instant one; before them
 * the machine's start in ns of CLOCK_BOOTTIME. */
#include <pthread.h>
#include <time.h>

#include "readers.h"

#define THREADS 8
#define MOST 64
#define ENOUGH 40

static zeus_amd_session_t *z;
static uint32_t gpus, same;
static double start_ns, milliseconds;
static struct { double watts, counts; int celsius, instant; } truth[MOST];
static unsigned long readings[THREADS];

static double boot_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A count at a driver's time: what the power had counted until then, less one refresh at the most. */
static void check_count(uint32_t gpu, uint64_t count, uint64_t time_ns)
{
    double seconds = ((double)time_ns - start_ns) / 1e9;
    double most = truth[gpu].counts + truth[gpu].watts * seconds * 65536;
    double least = most - truth[gpu].watts * 0.025 * 65536;
    if ((double)count > most + 2 || (double)count < least - 2) {
        fprintf(stderr, "GPU %u: %llu counts at %.6f s, and not %.0f to %.0f\n", gpu, (unsigned long long)count, seconds,
                least, most);
        exit(1);
    }
}

/* floor(count * 15.3 / 1000): 15.3f is 16043213 / 2^20. */
static uint64_t reported_mj(uint64_t count)
{
    CHECK(count < UINT64_C(1) << 39);
    return count * 16043213 / 1000 >> 20;
}

/* The status of the call, or of the first GPU that has not all. */
static zeus_amd_status_t read_all(zeus_amd_reading_t *all, uint32_t *count)
{
    zeus_amd_status_t status = zeus_amd_read_all(z, all, count);
    uint32_t i;
    for (i = 0; i < *count && status == ZEUS_AMD_STATUS_OK; i++)
        status = all[i].status;
    return status;
}

static void *work(void *number)
{
    unsigned long *mine = number;
    uint32_t me = (uint32_t)(mine - readings), gpu = same ? 0 : me % gpus;
    double end = boot_ns() + milliseconds * 1e6;
    uint64_t last = 0;
    int had_powers = 0;
    /* How fast they read, and how they share the processors, is not for this test. */
    while (boot_ns() < end || *mine < ENOUGH || !had_powers) {
        zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
        zeus_amd_reading_t all[MOST] = {ZEUS_AMD_READING_INIT};
        uint32_t count = MOST, i;
        uint64_t mw = 0, mj = 0;
        int32_t c = 0;
        CHECK_OK(zeus_amd_energy_raw(z, gpu, &raw));
        CHECK(raw.driver_time_ns >= last);
        last = raw.driver_time_ns;
        check_count(gpu, raw.accumulator, raw.driver_time_ns);
        /* Between two readings of the count lies the energy. */
        CHECK_FRESH(zeus_amd_energy_mj(z, gpu, &mj));
        CHECK(mj >= reported_mj(raw.accumulator));
        CHECK_OK(zeus_amd_energy_raw(z, gpu, &raw));
        CHECK(mj <= reported_mj(raw.accumulator));
        last = raw.driver_time_ns;
        CHECK_FRESH(truth[gpu].instant ? zeus_amd_power_instant_mw(z, gpu, &mw) : zeus_amd_power_average_mw(z, gpu, &mw));
        CHECK(mw == (uint64_t)(truth[gpu].watts * 1e3));
        CHECK_FRESH(zeus_amd_temperature_c(z, gpu, &c));
        CHECK(c == truth[gpu].celsius);
        if (++*mine % 8)
            continue;
        CHECK_FRESH(read_all(all, &count));
        CHECK(count == gpus);
        /* Where threads wait for processors libamd_smi may have no power of a count's time: then there is none. */
        had_powers = 1;
        for (i = 0; i < count; i++) {
            uint32_t bit = truth[i].instant ? ZEUS_AMD_READING_VALID_POWER_INSTANT_BIT
                                            : ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT;
            uint64_t power_mw = truth[i].instant ? all[i].power_instant_mw : all[i].power_average_mw;
            CHECK(all[i].gpu == i);
            CHECK(power_mw == (all[i].valid & bit ? (uint64_t)(truth[i].watts * 1e3) : 0));
            had_powers &= (all[i].valid & bit) != 0;
            CHECK(all[i].temperature_c == truth[i].celsius);
            check_count(i, all[i].accumulator, all[i].driver_time_ns);
            CHECK(all[i].valid & ZEUS_AMD_READING_VALID_ENERGY_BIT && all[i].energy_mj == reported_mj(all[i].accumulator));
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    uint32_t i;
    CHECK(argc > 4 && (argc - 4) % 4 == 0);
    milliseconds = atof(argv[1]);
    same = (uint32_t)atoi(argv[2]);
    start_ns = strtod(argv[3], NULL);
    gpus = (uint32_t)(argc - 4) / 4;
    for (i = 0; i < gpus; i++) {
        truth[i].watts = strtod(argv[4 + 4 * i], NULL);
        truth[i].counts = strtod(argv[5 + 4 * i], NULL);
        truth[i].celsius = atoi(argv[6 + 4 * i]);
        truth[i].instant = atoi(argv[7 + 4 * i]);
    }
    z = open_quickly();
    CHECK_OK(zeus_amd_gpu_count(z, &i));
    CHECK(i == gpus);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, work, &readings[i]) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    zeus_amd_close(z);
    return 0;
}
