/* A process that samples by libamd_smi forks: libamd_smi's own locks may be held by the sampler at that moment, and stay
 * so in the child, which measures all the same. */
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static void pause_ms(long ms)
{
    const struct timespec t = {0, ms * 1000000};
    nanosleep(&t, NULL);
}

static void child(void)
{
    zeus_amd_session_t *z = NULL;
    zeus_amd_window_t *w = NULL;
    zeus_amd_total_energy_t total = ZEUS_AMD_TOTAL_ENERGY_INIT;
    zeus_amd_session_info_t info = ZEUS_AMD_SESSION_INFO_INIT;
    char text[8192] = "";
    CHECK_OK(zeus_amd_open(NULL, &z));
    CHECK_OK(zeus_amd_session_info(z, &info));
    CHECK(info.backend == ZEUS_AMD_BACKEND_SYSFS && info.gpu_count == 8);
    CHECK_OK(zeus_amd_explain(z, text, sizeof text, NULL));
    CHECK(strstr(text, "before fork()") != NULL);
    CHECK_OK(zeus_amd_window_begin(z, &w));
    pause_ms(20);
    CHECK_OK(zeus_amd_window_end(w, &total, NULL, NULL));
    CHECK(total.packages == 8 && total.energy_mj > 0);
    zeus_amd_close(z);
    _exit(0);
}

int main(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_sampler_options_t fast = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    zeus_amd_sampler_t *s = NULL;
    int i;
    options.backend = ZEUS_AMD_BACKEND_AMDSMI;
    fast.period_ns = 200000;
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK_OK(zeus_amd_sampler_start(z, &fast, &s));
    for (i = 0; i < 40; i++) {
        int status = -1;
        pid_t pid;
        pause_ms(1);
        pid = fork();
        CHECK(pid >= 0);
        if (pid == 0)
            child();
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    zeus_amd_sampler_free(s);
    zeus_amd_close(z);
    return 0;
}
