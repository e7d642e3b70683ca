/* Many windows at once, of random length, at random times, some of which are read on their way. Prints a line for each GPU
 * at each reading and end: gpu method flags counter state status energy_mj uncertainty_mj duration_ns mean_power_mw begin_ns end_ns
 * resolution_uj, then of the window: its number, when its begin had returned and its end was called, the duration of the total,
 * and how long both calls took.
 * argv: validation, unit, threads, windows, shortest and longest in us, seed, pause before each in us. */
#include <inttypes.h>
#include <pthread.h>
#include <time.h>

#include "check.h"

enum { MOST = 64 };

static zeus_amd_session_t *z;
static uint32_t gpus;
static int windows, begun;
static double shortest_us, longest_us, before_us;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* SplitMix64, as a part of one. */
static double chance(uint64_t *state)
{
    uint64_t v = *state += UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
    return (double)((v ^ v >> 31) >> 11) / (double)(UINT64_C(1) << 53);
}

static void pause_us(double us)
{
    struct timespec t;
    t.tv_sec = (time_t)(us / 1e6);
    t.tv_nsec = (long)((us - (double)t.tv_sec * 1e6) * 1e3);
    nanosleep(&t, NULL);
}

/* As many short ones as long ones: each doubling has the same chance. */
static double length_us(uint64_t *state)
{
    double us, doublings = 0;
    for (us = shortest_us; us * 2 <= longest_us; us *= 2)
        doublings += 1;
    doublings *= chance(state);
    for (us = shortest_us; doublings >= 1; doublings -= 1)
        us *= 2;
    return us * (1 + doublings);
}

/* The total is that of the packages, each once. */
static void check_total(const zeus_amd_total_energy_t *total, const zeus_amd_gpu_energy_t *each, uint32_t n)
{
    uint64_t energy = 0, bound = 0;
    uint32_t i, packages = 0;
    for (i = 0; i < n; i++) {
        energy += each[i].energy_mj;
        bound += each[i].uncertainty_mj;
        packages += each[i].status == ZEUS_AMD_STATUS_OK;
    }
    CHECK(total->packages == packages);
    /* Each is rounded, the bounds up. */
    CHECK(total->energy_mj <= energy + n && total->energy_mj + n >= energy);
    CHECK(total->uncertainty_mj <= bound + n && total->uncertainty_mj + 3 * n >= bound);
}

/* Ends the window, or only reads it, and prints what it says; begin took so long, and had returned then. */
static void print_until_now(zeus_amd_window_t *w, int ends, int number, uint64_t from, uint64_t took)
{
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_gpu_energy_t each[MOST] = {ZEUS_AMD_GPU_ENERGY_INIT};
    uint64_t to = zeus_amd_now_ns();
    uint32_t i, n = MOST;
    CHECK_OK(ends ? zeus_amd_window_end(w, &total, each, &n) : zeus_amd_window_read(w, &total, each, &n));
    took += zeus_amd_now_ns() - to;
    CHECK(n == gpus);
    check_total(&total, each, n);
    CHECK(pthread_mutex_lock(&lock) == 0);
    for (i = 0; i < n; i++) {
        zeus_amd_gpu_energy_t *e = &each[i];
        printf("%" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRId32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
               " %" PRIu64 " %" PRIu64 " %.17g %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
               e->gpu, e->method, e->flags, e->counter_state, e->status, e->energy_mj, e->uncertainty_mj, e->duration_ns,
               e->mean_power_mw, e->begin_ns, e->end_ns, e->resolution_uj, number, from, to, total.duration_ns, took);
    }
    CHECK(pthread_mutex_unlock(&lock) == 0);
}

static void one(int number, uint64_t *state)
{
    zeus_amd_window_t *w;
    uint64_t begin, from;
    double us;
    pause_us(before_us + chance(state) * 3000);
    begin = zeus_amd_now_ns();
    CHECK_OK(zeus_amd_window_begin(z, &w));
    from = zeus_amd_now_ns();
    us = length_us(state);
    if (number % 4 == 3) {
        pause_us(us / 2);
        print_until_now(w, 0, number, from, from - begin);
        us /= 2;
    }
    pause_us(us);
    print_until_now(w, 1, number, from, from - begin);
}

static void *work(void *seed)
{
    for (;;) {
        int number;
        CHECK(pthread_mutex_lock(&lock) == 0);
        number = begun++;
        CHECK(pthread_mutex_unlock(&lock) == 0);
        if (number >= windows)
            return NULL;
        one(number, seed);
    }
}

int main(int argc, char **argv)
{
    static uint64_t seeds[MOST];
    pthread_t threads[MOST];
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    int i, n;
    CHECK(argc == 9);
    options.validation = (uint32_t)atoi(argv[1]);
    options.energy_resolution = (uint32_t)atoi(argv[2]);
    n = atoi(argv[3]);
    windows = atoi(argv[4]);
    shortest_us = atof(argv[5]);
    longest_us = atof(argv[6]);
    before_us = atof(argv[8]);
    CHECK(n <= MOST);
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK_OK(zeus_amd_gpu_count(z, &gpus));
    CHECK(gpus <= MOST);
    for (i = 0; i < n; i++) {
        seeds[i] = strtoull(argv[7], NULL, 10) + (uint64_t)i * 1000003;
        CHECK(pthread_create(&threads[i], NULL, work, &seeds[i]) == 0);
    }
    for (i = 0; i < n; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    zeus_amd_close(z);
    return 0;
}
