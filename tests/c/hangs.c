/* Some call of libamd_smi for GPU 3 stops returning. Eight threads read all that each GPU has, under a window, a sampler and
 * a guard; GPU g draws 100 + 10 g watts, has 40 + g degrees and a limit of 600 + g watts. Prints how many values were wrong and
 * how many calls refused. argv[1], how it ends: "close", "exit" (without a close), "fork" (and close). */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { GPUS = 8, ROUNDS = 40 };

static zeus_amd_session_t *z;
static atomic_ulong wrong, refused;

static void note(zeus_amd_status_t s, int right)
{
    refused += s != ZEUS_AMD_STATUS_OK;
    wrong += s == ZEUS_AMD_STATUS_OK && !right;
}

static void *read_gpu(void *number)
{
    const uint32_t gpu = (uint32_t)(size_t)number;
    for (int i = 0; i < ROUNDS; i++) {
        zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
        uint64_t mw = 0, limit = 0;
        int32_t c = 0;
        zeus_amd_status_t s = zeus_amd_power_instant_mw(z, gpu, &mw);
        note(s, mw == 100000 + 10000 * gpu);
        s = zeus_amd_temperature_c(z, gpu, &c);
        note(s, c == (int32_t)(40 + gpu));
        s = zeus_amd_power_limit_mw(z, gpu, &limit);
        note(s, limit == (gpu == 2 ? 500000 : 600000 + 1000 * gpu));
        s = zeus_amd_energy_raw(z, gpu, &raw);
        note(s, raw.accumulator > 0);
    }
    return NULL;
}

static void child(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *own;
    uint64_t mw = 0;
    CHECK(zeus_amd_power_instant_mw(z, 3, &mw) == ZEUS_AMD_STATUS_FORKED);
    zeus_amd_close(z);
    options.backend = ZEUS_AMD_BACKEND_AUTO;
    unsetenv("ZEUS_AMD_BACKEND");
    CHECK_OK(zeus_amd_open(&options, &own));
    CHECK_OK(zeus_amd_power_instant_mw(own, 3, &mw));
    CHECK(mw == 130000);
    zeus_amd_close(own);
    exit(0);
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_window_t *window;
    zeus_amd_sampler_t *sampler;
    zeus_amd_guard_t *guard;
    zeus_amd_session_t *hurried = NULL;
    pthread_t threads[GPUS];
    int status = -1;
    CHECK(argc == 2);
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK_OK(zeus_amd_guard_begin(z, 0, &guard));
    CHECK_OK(zeus_amd_set_power_limit_mw(z, 2, 500000));
    /* The time limit is that of the last open, which may exceed it. */
    options.init_timeout_ms = 500;
    if (zeus_amd_open(&options, &hurried) == ZEUS_AMD_STATUS_OK)
        zeus_amd_close(hurried);
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    CHECK_OK(zeus_amd_window_begin(z, &window));
    for (size_t i = 0; i < GPUS; i++)
        CHECK(pthread_create(&threads[i], NULL, read_gpu, (void *)i) == 0);
    for (int i = 0; i < GPUS; i++)
        pthread_join(threads[i], NULL);
    CHECK_OK(zeus_amd_window_end(window, &total, NULL, NULL));
    CHECK(total.packages == GPUS && total.missing == 0);
    printf("wrong %lu refused %lu \n", wrong, refused);
    fflush(stdout);
    if (strcmp(argv[1], "fork") == 0) {
        pid_t pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child();
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    CHECK_OK(zeus_amd_guard_end(guard));
    if (strcmp(argv[1], "exit") == 0)
        return 0;
    CHECK_OK(zeus_amd_sampler_stop(sampler));
    zeus_amd_sampler_free(sampler);
    zeus_amd_close(z);
    return 0;
}
