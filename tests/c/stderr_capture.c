/* Opens a session while another thread writes to standard error; the log goes to standard output. */
#include <zeus_amd.h>

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static volatile int done;

static void *host(void *unused)
{
    const struct timespec pause = {0, 10000000};
    (void)unused;
    for (int i = 0; !done; i++) {
        /* Not by stdio, which many hosts do not use. */
        dprintf(2, "host %d\n", i);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void log_line(uint32_t level, const char *text, void *user)
{
    (void)level;
    (void)user;
    printf("%s\n", text);
}

int main(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    pthread_t thread;
    zeus_amd_status_t s;

    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (zeus_amd_set_log(log_line, ZEUS_AMD_LOG_INFO, NULL) != ZEUS_AMD_STATUS_OK)
        return 1;
    if (pthread_create(&thread, NULL, host, NULL) != 0)
        return 1;
    s = zeus_amd_open(&options, &z);
    done = 1;
    pthread_join(thread, NULL);
    zeus_amd_close(z);
    z = NULL;
    return s == ZEUS_AMD_STATUS_OK ? 0 : 1;
}
