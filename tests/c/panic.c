/* A panic inside a call, provoked by a hook that only test builds have. */
#include <pthread.h>

#include "readers.h"

zeus_amd_status_t zeus_amd__test_panic(const zeus_amd_session_t *session);

static void *in_a_thread(void *z)
{
    CHECK_IS(zeus_amd__test_panic(z), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("provoked by a test"));
    return NULL;
}

int main(void)
{
    zeus_amd_session_t *z = open_quickly(), *other = open_quickly();
    pthread_t thread;
    int i;

    /* Outside of a session: the text has message and place, and the library goes on. */
    CHECK_IS(zeus_amd__test_panic(NULL), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("provoked by a test") && says("hooks.rs:") && says("internal error"));
    read_fake(z, 0);

    /* Inside one: that session is broken from then on, and says so. */
    CHECK_IS(zeus_amd__test_panic(z), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("provoked by a test"));
    all_refuse(z, ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("open another") && !says("provoked"));
    CHECK_IS(zeus_amd__test_panic(z), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(!says("provoked"));

    /* Others are not touched, no lock stays taken, and new ones can be had. */
    read_fake(other, 1);
    zeus_amd_close(z);
    for (i = 0; i < 100; i++) {
        z = open_quickly();
        read_fake(z, 0);
        CHECK(pthread_create(&thread, NULL, in_a_thread, z) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        all_refuse(z, ZEUS_AMD_STATUS_INTERNAL);
        zeus_amd_close(z);
    }
    read_fake(other, 0);
    zeus_amd_close(other);
    return 0;
}
