/* argv[1]: libzeus_amd.so, argv[2]: the fake libamd_smi, argv[3]: a function. A thread loads the library, calls that
 * function first, opens and reads, closes the library and ends. Not linked with the library. */
#include <dlfcn.h>
#include <pthread.h>

#include "mapped.h"

static char **args;

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    return found;
}

/* All functions take their arguments in registers, and NULL and 0 are safe for each: called as the longest. */
typedef intptr_t (*any)(intptr_t, intptr_t, intptr_t, intptr_t);

static void *use_and_close(void *unused)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    uint64_t mw = 0;
    any f;
    zeus_amd_status_t (*open_)(const zeus_amd_options_t *, zeus_amd_session_t **);
    zeus_amd_status_t (*power)(const zeus_amd_session_t *, uint32_t, uint64_t *);
    void (*close_)(zeus_amd_session_t *);
    void *library = dlopen(args[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    *(void **)&f = symbol(library, args[3]);
    *(void **)&open_ = symbol(library, "zeus_amd_open");
    *(void **)&power = symbol(library, "zeus_amd_power_instant_mw");
    *(void **)&close_ = symbol(library, "zeus_amd_close");
    f(0, 0, 0, 0);
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    CHECK(open_(&options, &z) == ZEUS_AMD_STATUS_OK);
    CHECK(power(z, 1, &mw) == ZEUS_AMD_STATUS_OK && mw == 101000);
    f(0, 0, 0, 0);
    close_(z);
    CHECK(dlclose(library) == 0);
    return unused;
}

int main(int argc, char **argv)
{
    int round;
    CHECK(argc == 4);
    args = argv;
    for (round = 0; round < 3; round++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, use_and_close, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK(is_mapped(argv[1]));
        CHECK(is_mapped(argv[2]));
    }
    CHECK(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) != NULL);
    {
        void *fake = dlopen(argv[2], RTLD_NOW | RTLD_NOLOAD);
        int *inits, *shutdowns;
        CHECK(fake != NULL);
        *(void **)&inits = symbol(fake, "fake_inits");
        *(void **)&shutdowns = symbol(fake, "fake_shutdowns");
        CHECK(*inits == 1 && *shutdowns == 0);
    }
    return 0;
}
