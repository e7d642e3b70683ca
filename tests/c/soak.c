/* All at once, for long: two samplers of all GPUs at 1 kHz, one of which loses samples, windows and laps, threads and sessions
 * that come and go, children that are forked. argv: seconds, seed.
 *
 * Lines: "w gpu status method flags energy_mj uncertainty_mj begin_ns end_ns" for each GPU of each window and of each energy
 * between two samples; "s gpu time_ns energy_uj" for a sample now and then; "m heap_bytes rss_kb descriptors threads" each
 * second; in the end "loss" and "gaps", as print_totals() has them. */
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "process.h"

enum { GPUS = 8, ROOM = 1 << 15, KEPT = 1 << 17, FEW = 2000 };
#define PERIOD_NS UINT64_C(1000000)
#define SECOND_NS UINT64_C(1000000000)

static zeus_amd_session_t *z;
static volatile int end;
static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;

static uint64_t next(uint64_t *state)
{
    uint64_t v = *state += UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
    return v ^ v >> 31;
}

static void line(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    CHECK(pthread_mutex_lock(&printing) == 0);
    vprintf(format, list);
    CHECK(pthread_mutex_unlock(&printing) == 0);
    va_end(list);
}

static void print_energy(const zeus_amd_gpu_energy_t *e)
{
    line("w %" PRIu32 " %" PRId32 " %" PRIu32 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", e->gpu, e->status,
         e->method, e->flags, e->energy_mj, e->uncertainty_mj, e->begin_ns, e->end_ns);
}

/* --- Windows of 1 ms to 4 s. */

static void *windows(void *seed)
{
    uint64_t *state = seed;
    while (!end) {
        zeus_amd_gpu_energy_t each[GPUS] = {ZEUS_AMD_GPU_ENERGY_INIT};
        zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
        zeus_amd_window_t *w;
        uint32_t n = GPUS;
        const uint64_t us = UINT64_C(1000) << next(state) % 12;
        const int laps = next(state) % 4 == 0 ? 3 : 0;
        CHECK_OK(zeus_amd_window_begin(z, &w));
        for (int lap = 0; lap < laps; lap++) {
            sleep_us((unsigned)(us / 4));
            CHECK_OK(zeus_amd_window_lap(w, &total, each, &n));
            for (uint32_t i = 0; i < n; i++)
                print_energy(&each[i]);
        }
        sleep_us((unsigned)us);
        CHECK_OK(zeus_amd_window_end(w, &total, each, &n));
        for (uint32_t i = 0; i < n; i++)
            print_energy(&each[i]);
    }
    return NULL;
}

/* --- Samplers. One keeps all, the other is too small, so that what it says it lost can be counted. */

static zeus_amd_sampler_t *sampler, *small;
static struct {
    uint64_t count, first_ns, last_ns, last_uj, printed_ns;
    uint64_t over_1_5, over_10, over_100, longest_ns, flagged; /* times between two samples, in ms */
} of_gpu[GPUS];
static uint64_t lost, small_count, small_lost;
/* Samples of the first one while the other one ran: surely, and at most. */
static uint64_t begun_ns[2], stopped_ns[2] = {UINT64_MAX, UINT64_MAX}, surely, at_most;

static void take(const zeus_amd_sample_t *s)
{
    const uint64_t ns = s->time_ns - of_gpu[s->gpu].last_ns;
    CHECK(s->gpu < GPUS && s->valid & ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT);
    surely += s->time_ns >= begun_ns[1] && s->time_ns <= stopped_ns[0];
    at_most += s->time_ns >= begun_ns[0] && s->time_ns <= stopped_ns[1];
    if (of_gpu[s->gpu].count++ > 0) {
        CHECK(s->time_ns > of_gpu[s->gpu].last_ns && s->energy_uj >= of_gpu[s->gpu].last_uj);
        of_gpu[s->gpu].over_1_5 += ns > PERIOD_NS * 3 / 2;
        of_gpu[s->gpu].over_10 += ns > PERIOD_NS * 10;
        of_gpu[s->gpu].over_100 += ns > PERIOD_NS * 100;
        of_gpu[s->gpu].flagged += (s->flags & ZEUS_AMD_SAMPLE_FLAG_SAMPLING_GAP_BIT) != 0;
        if (ns > of_gpu[s->gpu].longest_ns)
            of_gpu[s->gpu].longest_ns = ns;
    } else {
        of_gpu[s->gpu].first_ns = s->time_ns;
    }
    of_gpu[s->gpu].last_ns = s->time_ns;
    of_gpu[s->gpu].last_uj = s->energy_uj;
    if (s->time_ns >= of_gpu[s->gpu].printed_ns + SECOND_NS) {
        of_gpu[s->gpu].printed_ns = s->time_ns;
        line("s %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", s->gpu, s->time_ns, s->energy_uj);
    }
}

static void drain(zeus_amd_sampler_t *from, int is_small)
{
    static zeus_amd_sample_t some[ROOM] = {ZEUS_AMD_SAMPLE_INIT};
    uint32_t n = ROOM;
    while (n == ROOM) {
        uint64_t missed = 0;
        CHECK_OK(zeus_amd_sampler_drain(from, some, &n, &missed));
        *(is_small ? &small_lost : &lost) += missed;
        small_count += is_small ? n : 0;
        for (uint32_t i = 0; !is_small && i < n; i++)
            take(&some[i]);
    }
}

static void ask(uint64_t *state)
{
    zeus_amd_gpu_energy_t e = ZEUS_AMD_GPU_ENERGY_INIT;
    const uint32_t gpu = (uint32_t)(next(state) % GPUS);
    const uint64_t to = of_gpu[gpu].last_ns - next(state) % SECOND_NS, from = to - 1 - next(state) % (8 * SECOND_NS);
    /* Later than the first sample, and never so old that it is overwritten. */
    if (from > of_gpu[gpu].first_ns && from < to && zeus_amd_sampler_energy_between(sampler, gpu, from, to, &e) == ZEUS_AMD_STATUS_OK)
        print_energy(&e);
}

static void *drains(void *seed)
{
    uint64_t *state = seed;
    while (!end) {
        sleep_us((unsigned)(50000 + next(state) % 400000));
        drain(sampler, 0);
        drain(small, 1);
        ask(state);
    }
    return NULL;
}

static zeus_amd_sampler_t *start(uint32_t capacity)
{
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sampler_t *s;
    how.period_ns = PERIOD_NS;
    how.capacity = capacity;
    CHECK_OK(zeus_amd_sampler_start(z, &how, &s));
    return s;
}

static void stop(void)
{
    stopped_ns[0] = zeus_amd_now_ns();
    CHECK_OK(zeus_amd_sampler_stop(small));
    stopped_ns[1] = zeus_amd_now_ns();
    CHECK_OK(zeus_amd_sampler_stop(sampler));
    drain(sampler, 0);
    drain(small, 1);
}

/* "loss": lost by the large one; drained and lost of the small one, and how many that has to be. "gaps gpu samples over_1.5_ms
 * over_10_ms over_100_ms longest_ns flagged". */
static void print_totals(void)
{
    line("loss %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", lost, small_count, small_lost, surely, at_most);
    for (int i = 0; i < GPUS; i++)
        line("gaps %d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, of_gpu[i].count, of_gpu[i].over_1_5,
             of_gpu[i].over_10, of_gpu[i].over_100, of_gpu[i].longest_ns, of_gpu[i].flagged);
}

/* --- What comes and goes. */

static void short_window(zeus_amd_session_t *of)
{
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_window_t *w;
    CHECK_OK(zeus_amd_window_begin(of, &w));
    sleep_us(5000);
    CHECK_OK(zeus_amd_window_end(w, &total, NULL, NULL));
}

/* A thread of this session, and now and then one with a session of its own. */
static void *comes(void *own)
{
    zeus_amd_reading_t each[GPUS] = {ZEUS_AMD_READING_INIT};
    uint32_t n = GPUS;
    CHECK_OK(zeus_amd_read_all(z, each, &n));
    short_window(z);
    if (own != NULL) {
        zeus_amd_session_t *other = open_quickly();
        zeus_amd_sampler_t *s;
        CHECK_OK(zeus_amd_sampler_start(other, NULL, &s));
        short_window(other);
        zeus_amd_close(other);
        zeus_amd_sampler_free(s);
    }
    return NULL;
}

/* Its parent's handles are refused, and its own session measures. */
static void child(void)
{
    uint64_t mj;
    zeus_amd_session_t *own;
    CHECK_IS(zeus_amd_energy_mj(z, 0, &mj), ZEUS_AMD_STATUS_FORKED);
    own = open_quickly();
    CHECK_OK(zeus_amd_energy_mj(own, 0, &mj));
    short_window(own);
    zeus_amd_close(own);
    _exit(0);
}

static void forks(void)
{
    int status;
    /* Its copy of what is not yet printed is not printed twice. */
    CHECK(pthread_mutex_lock(&printing) == 0);
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0)
        child();
    CHECK(pthread_mutex_unlock(&printing) == 0);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void print_memory(void)
{
    line("m %zu %ld %d %d\n", mallinfo2().uordblks, resident_kb(), entries("/proc/self/fd") - 3,
         entries("/proc/self/task") - 2);
}

int main(int argc, char **argv)
{
    static uint64_t states[4];
    pthread_t threads[4];
    uint64_t until, seed;
    CHECK(argc == 3);
    seed = strtoull(argv[2], NULL, 10);
    /* One arena: what is free in others would be counted as growth. */
    CHECK(mallopt(M_ARENA_MAX, 1) == 1);
    z = open_quickly();
    until = zeus_amd_now_ns() + strtoull(argv[1], NULL, 10) * SECOND_NS;
    sampler = start(KEPT);
    begun_ns[0] = zeus_amd_now_ns();
    small = start(FEW);
    begun_ns[1] = zeus_amd_now_ns();
    for (int i = 0; i < 4; i++) {
        states[i] = next(&seed);
        CHECK(pthread_create(&threads[i], NULL, i == 0 ? drains : windows, &states[i]) == 0);
    }
    for (int round = 0; zeus_amd_now_ns() < until; round++) {
        pthread_t t;
        CHECK(pthread_create(&t, NULL, comes, round % 16 == 0 ? &t : NULL) == 0);
        sleep_us(100000);
        CHECK(pthread_join(t, NULL) == 0);
        if (round % 8 == 0) {
            forks();
            print_memory();
        }
    }
    end = 1;
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    stop();
    print_totals();
    zeus_amd_sampler_free(sampler);
    zeus_amd_sampler_free(small);
    zeus_amd_close(z);
    return 0;
}
