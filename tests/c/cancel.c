/* Threads that are cancelled (pthread_cancel) while they call the library. argv[1]: what happens. */
#include <pthread.h>


#include "check.h"
#include "process.h"

static zeus_amd_session_t *z;

/* --- A thread in a loop of calls, cancelled at any time. */

enum { READING, ALL, WINDOW, SAMPLER, OPEN, LOOPS };
static long rounds[LOOPS];

/* While the simulator waits for a processor nobody moves its files: their values are old then, and that is said. */
static void read_power(void)
{
    uint64_t mw;
    zeus_amd_status_t s = zeus_amd_power_instant_mw(z, 0, &mw);
    CHECK(s == ZEUS_AMD_STATUS_OK || s == ZEUS_AMD_STATUS_STALE);
}

static void one_round(int what)
{
    zeus_amd_reading_t readings[8] = {ZEUS_AMD_READING_INIT};
    uint32_t count = 8;
    zeus_amd_window_t *w;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_sampler_t *s;
    switch (what) {
    case READING: read_power(); break;
    case ALL: CHECK_OK(zeus_amd_read_all(z, readings, &count)); break;
    case WINDOW:
        CHECK_OK(zeus_amd_window_begin(z, &w));
        CHECK_OK(zeus_amd_window_end(w, &total, NULL, NULL));
        break;
    case SAMPLER:
        CHECK_OK(zeus_amd_sampler_start(z, NULL, &s));
        zeus_amd_sampler_free(s);
        break;
    default: zeus_amd_close(open_quickly());
    }
}

static void *calls(void *what)
{
    for (;;) {
        one_round((int)(intptr_t)what);
        rounds[(intptr_t)what]++;
        pthread_testcancel(); /* Calls are no cancellation points: nothing else ends this thread. */
    }
    return NULL;
}

static void in_loops(unsigned seed)
{
    int round, what, before;
    for (what = 0; what < LOOPS; what++) {
        one_round(what); /* What stays open from the first call on is open now. */
        before = entries("/proc/self/fd");
        for (round = 0; round < 40; round++) {
            pthread_t t;
            void *result;
            CHECK(pthread_create(&t, NULL, calls, (void *)(intptr_t)what) == 0);
            sleep_us((unsigned)rand_r(&seed) % 3000);
            CHECK(pthread_cancel(t) == 0 && pthread_join(t, &result) == 0 && result == PTHREAD_CANCELED);
            read_power(); /* No lock stays behind. */
        }
        CHECK(rounds[what] > 0);
        /* Helper threads of open may still hold theirs for a moment. */
        while (entries("/proc/self/fd") > before)
            sleep_us(1000);
    }
}

/* --- A cancellation that is pending already, in both states. */

static int ended_at;

static void *pending(void *state)
{
    int found;
    CHECK(pthread_setcancelstate((int)(intptr_t)state, NULL) == 0);
    CHECK(pthread_cancel(pthread_self()) == 0);
    for (int what = 0; what < LOOPS; what++)
        one_round(what);
    CHECK(zeus_amd_power_instant_mw(z, 99, NULL) != 0); /* A call that fails puts the state back as well. */
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &found) == 0 && found == (int)(intptr_t)state);
    ended_at = 1;
    CHECK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL) == 0);
    pthread_testcancel();
    return NULL;
}

static void in_state(int state)
{
    pthread_t t;
    void *result;
    ended_at = 0;
    CHECK(pthread_create(&t, NULL, pending, (void *)(intptr_t)state) == 0 && pthread_join(t, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && ended_at == 1);
}

/* --- In the log callback, on a thread of this program and on one of the library, which warns of a counter that is stuck. */

static int logged_by_caller, logged_in_background;
static pthread_t opener;

static void log_and_be_cancelled(uint32_t level, const char *text, void *user)
{
    (void)level, (void)text, (void)user;
    CHECK(pthread_cancel(pthread_self()) == 0);
    pthread_testcancel();
    __atomic_fetch_add(pthread_equal(pthread_self(), opener) ? &logged_by_caller : &logged_in_background, 1, __ATOMIC_SEQ_CST);
}

static void *opens(void *unused)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t **to = unused;
    opener = pthread_self();
    options.validation = ZEUS_AMD_VALIDATION_BACKGROUND;
    CHECK_OK(zeus_amd_open(&options, to));
    pthread_testcancel();
    return NULL;
}

static void in_callback(void)
{
    zeus_amd_session_t *other = NULL;
    zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
    pthread_t t;
    void *result;
    CHECK_OK(zeus_amd_set_log(log_and_be_cancelled, ZEUS_AMD_LOG_DEBUG, NULL));
    CHECK(pthread_create(&t, NULL, opens, &other) == 0 && pthread_join(t, &result) == 0);
    CHECK(result == PTHREAD_CANCELED && other != NULL && logged_by_caller > 0);
    do {
        sleep_us(1000);
        CHECK_OK(zeus_amd_gpu_info(other, 7, &info));
    } while (info.counter_state == ZEUS_AMD_COUNTER_STATE_PENDING || __atomic_load_n(&logged_in_background, __ATOMIC_SEQ_CST) == 0);
    /* The check was made to its end. In files that nobody moves the counter stands. */
    CHECK(info.counter_state == ZEUS_AMD_COUNTER_STATE_TRUSTED || info.counter_state == ZEUS_AMD_COUNTER_STATE_STUCK);
    CHECK_OK(zeus_amd_set_log(NULL, 0, NULL));
    zeus_amd_close(other);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    z = open_quickly();
    if (strcmp(argv[1], "loops") == 0)
        in_loops((unsigned)strtoul(argv[2], NULL, 10));
    else if (strcmp(argv[1], "pending") == 0) {
        in_state(PTHREAD_CANCEL_ENABLE);
        in_state(PTHREAD_CANCEL_DISABLE);
    } else
        in_callback();
    zeus_amd_close(z);
    puts("the program goes on");
    return 0;
}
