/* main ends with pthread_exit, and the library's background threads are the last ones. argv[1]: what is open; argv[2]: the
 * number of a signal that the process gets then, or 0, or "works": a thread of this program stays for a while. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

static zeus_amd_sampler_t *sampler;

/* Deep, as exit handlers may be, and open for signals. */
static void at_exit(void)
{
    volatile char deep[512 << 10];
    sigset_t blocked;
    for (size_t i = 0; i < sizeof deep; i += 1024)
        deep[i] = 1;
    if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 && !sigismember(&blocked, SIGTERM))
        puts("exit handlers have run");
}

static void wait_for_samples(void)
{
    uint32_t waiting = 0;
    while (waiting == 0) {
        sleep_us(1000);
        CHECK_OK(zeus_amd_sampler_drain(sampler, NULL, &waiting, NULL));
    }
}

/* The sampler works for as long as this thread is there. */
static void *work(void *unused)
{
    static zeus_amd_sample_t samples[1 << 16] = {ZEUS_AMD_SAMPLE_INIT};
    for (int round = 0; round < 8; round++) {
        uint32_t count = 1 << 16;
        wait_for_samples();
        CHECK_OK(zeus_amd_sampler_drain(sampler, samples, &count, NULL));
        sleep_us(400000);
    }
    wait_for_samples();
    puts("the thread has worked");
    return unused;
}

static void signal_later(int number)
{
    const pid_t parent = getpid();
    if (number > 0 && fork() == 0) {
        sleep_us(200000);
        kill(parent, number);
        _exit(0);
    }
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z, *other;
    zeus_amd_sampler_t *second;
    zeus_amd_window_t *w;
    pthread_t t;
    CHECK(argc == 3 && atexit(at_exit) == 0);
    options.validation = strcmp(argv[1], "background") == 0 ? ZEUS_AMD_VALIDATION_BACKGROUND : ZEUS_AMD_VALIDATION_DEFAULT;
    CHECK_OK(zeus_amd_open(&options, &z));
    if (strcmp(argv[1], "window") == 0)
        CHECK_OK(zeus_amd_window_begin(z, &w));
    else if (strcmp(argv[1], "background") != 0)
        CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    if (strcmp(argv[1], "several") == 0) {
        CHECK_OK(zeus_amd_open(NULL, &other));
        CHECK_OK(zeus_amd_sampler_start(other, NULL, &second));
    }
    if (strcmp(argv[2], "works") == 0)
        CHECK(pthread_create(&t, NULL, work, NULL) == 0);
    else
        signal_later((int)strtol(argv[2], NULL, 10));
    pthread_exit(NULL);
}
