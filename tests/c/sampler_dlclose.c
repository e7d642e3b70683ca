/* argv[1]: libzeus_amd.so. A thread loads it, starts a sampler, closes the library and ends; the sampler goes on. Loaded
 * again the sampler can still be asked and stopped. Not linked with the library. */
#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "plain.h"

static const char *path;
static zeus_amd_sampler_t *sampler;
static zeus_amd_session_t *z;

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    return found;
}

static void *start_and_close(void *unused)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_sampler_options_t how = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_status_t (*open_)(const zeus_amd_options_t *, zeus_amd_session_t **);
    zeus_amd_status_t (*start)(const zeus_amd_session_t *, const zeus_amd_sampler_options_t *, zeus_amd_sampler_t **);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    *(void **)&open_ = symbol(library, "zeus_amd_open");
    *(void **)&start = symbol(library, "zeus_amd_sampler_start");
    options.validation = ZEUS_AMD_VALIDATION_BACKGROUND;
    how.period_ns = 1000000;
    CHECK(open_(&options, &z) == ZEUS_AMD_STATUS_OK);
    CHECK(start(z, &how, &sampler) == ZEUS_AMD_STATUS_OK);
    CHECK(dlclose(library) == 0);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    void *library;
    uint32_t waiting = 0;
    zeus_amd_status_t (*drain)(zeus_amd_sampler_t *, zeus_amd_sample_t *, uint32_t *, uint64_t *);
    void (*free_)(zeus_amd_sampler_t *);
    CHECK(argc == 3);
    path = argv[1];
    CHECK(pthread_create(&thread, NULL, start_and_close, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    usleep(200000);
    if (strcmp(argv[2], "leave") == 0)
        return 7;
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    *(void **)&drain = symbol(library, "zeus_amd_sampler_drain");
    *(void **)&free_ = symbol(library, "zeus_amd_sampler_free");
    while (waiting <= 20) {
        usleep(1000);
        waiting = 0;
        CHECK(drain(sampler, NULL, &waiting, NULL) == ZEUS_AMD_STATUS_OK);
    }
    free_(sampler);
    CHECK(dlclose(library) == 0);
    return 7;
}
