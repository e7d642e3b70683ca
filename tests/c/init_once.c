/* libamd_smi is initialised once a process and stays, unless a session asked for its end; never under another one. */
#include "fake.h"
#include "readers.h"

static zeus_amd_session_t *open_with(uint32_t flags)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    options.flags = flags;
    CHECK_OK(zeus_amd_open(&options, &z));
    return z;
}

int main(void)
{
    volatile int *inits = fake("fake_inits"), *shutdowns = fake("fake_shutdowns");
    zeus_amd_session_t *a, *b;
    int i;
    CHECK(*inits == 0);
    for (i = 0; i < 5; i++) {
        a = open_with(0);
        b = open_with(0);
        read_fake(a, 0);
        zeus_amd_close(a);
        read_fake(b, 1);
        zeus_amd_close(b);
        CHECK(*inits == 1 && *shutdowns == 0);
    }

    /* A wish for the end waits for the last user. */
    a = open_with(ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT);
    b = open_with(0);
    zeus_amd_close(a);
    CHECK(*inits == 1 && *shutdowns == 0);
    read_fake(b, 0);
    zeus_amd_close(b);

    a = open_with(ZEUS_AMD_OPEN_SHUTDOWN_ON_CLOSE_BIT);
    zeus_amd_close(a);
    CHECK(*inits == 1 && *shutdowns == 1);

    /* And a session after that starts it anew. */
    a = open_with(0);
    CHECK(*inits == 2);
    read_fake(a, 1);
    zeus_amd_close(a);
    CHECK(*inits == 2 && *shutdowns == 1);
    return 0;
}
