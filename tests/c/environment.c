/* Who asks for the environment, and who changes it? This program has its own getenv and setenv, which count. */
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>

#include "readers.h"

extern char **environ;

static volatile int reads, changes, stop;
static __thread int is_ours;

char *getenv(const char *name)
{
    static char *(*real)(const char *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getenv");
    if (!is_ours)
        __sync_fetch_and_add(&reads, 1);
    return real(name);
}

char *secure_getenv(const char *name)
{
    return getenv(name);
}

int setenv(const char *name, const char *value, int overwrite)
{
    static int (*real)(const char *, const char *, int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "setenv");
    if (!is_ours)
        __sync_fetch_and_add(&changes, 1);
    return real(name, value, overwrite);
}

int unsetenv(const char *name)
{
    static int (*real)(const char *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "unsetenv");
    if (!is_ours)
        __sync_fetch_and_add(&changes, 1);
    return real(name);
}

int putenv(char *text)
{
    (void)text;
    __sync_fetch_and_add(&changes, 1);
    return 0;
}

/* A host that changes its environment all the time, as it may: only `open` has to be left alone. */
static void *storm(void *unused)
{
    char name[32];
    unsigned i;
    is_ours = 1;
    for (i = 0; !stop; i++) {
        snprintf(name, sizeof name, "STORM_%u", i % 1000);
        CHECK(setenv(name, "ZEUS_AMD_AMDSMI=/not-there", 1) == 0);
        if (i % 3 == 0)
            CHECK(unsetenv(name) == 0);
    }
    return unused;
}

int main(void)
{
    zeus_amd_session_info_t session = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_gpu_info_t gpu = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_session_t *z;
    pthread_t thread;
    time_t end;
    int before, count = 0;
    char **e, *copy[512];

    for (e = environ; *e; e++) {
        CHECK(count < 512);
        copy[count++] = strdup(*e);
    }
    z = open_quickly();
    /* Counting works: open asked. */
    CHECK(reads > 0);
    for (e = environ; *e; e++)
        CHECK(strcmp(*e, copy[e - environ]) == 0);
    CHECK(e - environ == count);

    before = reads;
    CHECK(pthread_create(&thread, NULL, storm, NULL) == 0);
    for (end = time(NULL) + 2; time(NULL) < end;) {
        read_fake(z, 0);
        read_fake(z, 1);
        CHECK_OK(zeus_amd_session_info(z, &session));
        CHECK_OK(zeus_amd_gpu_info(z, 1, &gpu));
        all_refuse(NULL, ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    }
    stop = 1;
    CHECK(pthread_join(thread, NULL) == 0);
    zeus_amd_close(z);
    CHECK(reads == before);
    CHECK(changes == 0);
    return 0;
}
