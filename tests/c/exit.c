/* Ends without closing its session: by return, by exit(), or while another thread still reads. */
#include <pthread.h>
#include <unistd.h>

#include "readers.h"

/* A call is refused once the process exits. */
static void *keep_reading(void *z)
{
    int status = ZEUS_AMD_STATUS_OK;
    int32_t celsius;
    while (status == ZEUS_AMD_STATUS_OK)
        status = zeus_amd_temperature_c(z, 0, &celsius);
    CHECK(status == ZEUS_AMD_STATUS_NOT_INITIALIZED);
    pause();
    return NULL;
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z = open_quickly();
    pthread_t thread;
    CHECK(argc == 2);
    read_fake(z, 0);
    if (strcmp(argv[1], "exit") == 0)
        exit(7);
    if (strcmp(argv[1], "thread") == 0) {
        CHECK(pthread_create(&thread, NULL, keep_reading, z) == 0);
        usleep(50000);
    }
    return 7;
}
