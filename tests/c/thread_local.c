/* Thread-local variables of a program are on the stacks of all threads: these are larger than a thread needs otherwise. */
#include <unistd.h>

#include "fake.h"
#include "readers.h"

static __thread volatile char large[12 << 20];

int main(void)
{
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_session_t *z = open_quickly();
    large[sizeof large - 1] = 1;
    read_fake(z, 0);
    read_fake(z, 1);
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    usleep(20000);
    zeus_amd_sampler_free(sampler);
    zeus_amd_close(z);
    return 0;
}
