/* A panic inside a call, provoked by a hook that only test builds have. */
#include <pthread.h>

#include "readers.h"

zeus_amd_status_t zeus_amd__test_panic(const zeus_amd_session_t *session);
void zeus_amd__test_panic_in_sampler(const zeus_amd_sampler_t *sampler);

static void *in_a_thread(void *z)
{
    CHECK_IS(zeus_amd__test_panic(z), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("provoked by a test"));
    return NULL;
}

/* GPU 0 is broken; the session, its other GPU, windows, samplers and guards are not. */
static void the_others_live_on(zeus_amd_session_t *z)
{
    zeus_amd_reading_t readings[2] = {ZEUS_AMD_READING_INIT};
    zeus_amd_gpu_energy_t energies[2] = {ZEUS_AMD_GPU_ENERGY_INIT};
    zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_sampler_t *sampler;
    zeus_amd_window_t *window;
    zeus_amd_guard_t *guard;
    uint64_t value;
    uint32_t count = 2;

    CHECK_OK(zeus_amd_window_begin(z, &window));
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &sampler));
    CHECK_OK(zeus_amd_guard_begin(z, 0, &guard));
    CHECK_IS(zeus_amd_power_instant_mw(z, 0, &value), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("open another") && says("GPU 0") && !says("provoked"));
    CHECK_IS(zeus_amd_energy_mj(z, 0, &value), ZEUS_AMD_STATUS_INTERNAL);
    CHECK_OK(zeus_amd_gpu_info(z, 0, &info));
    read_fake(z, 1);
    CHECK_OK(zeus_amd_read_all(z, readings, &count));
    CHECK_IS(readings[0].status, ZEUS_AMD_STATUS_INTERNAL);
    CHECK(readings[0].valid == 0 && (readings[1].valid & ZEUS_AMD_READING_VALID_ENERGY_BIT));
    CHECK_OK(zeus_amd_guard_end(guard));
    zeus_amd_sampler_free(sampler);
    CHECK_OK(zeus_amd_window_end(window, NULL, energies, &count));
    CHECK_IS(energies[0].status, ZEUS_AMD_STATUS_INTERNAL);
    CHECK(energies[0].valid == 0 && (energies[1].valid & ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT));
}

/* A sampler is broken; another one of its session is still sampled by the thread of both. */
static void the_other_sampler_goes_on(const zeus_amd_session_t *z)
{
    zeus_amd_sample_t samples[64] = {ZEUS_AMD_SAMPLE_INIT};
    zeus_amd_gpu_energy_t energy = ZEUS_AMD_GPU_ENERGY_INIT;
    zeus_amd_sampler_t *broken, *other;
    zeus_amd_window_t *window;
    uint64_t lost;
    uint32_t before = 0, count = 0;

    CHECK_OK(zeus_amd_sampler_start(z, NULL, &broken));
    CHECK_OK(zeus_amd_sampler_start(z, NULL, &other));
    CHECK_OK(zeus_amd_window_begin(z, &window));
    zeus_amd__test_panic_in_sampler(broken);
    CHECK_IS(zeus_amd_sampler_drain(broken, NULL, &count, NULL), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("start another") && !says("provoked"));
    count = 64;
    CHECK_IS(zeus_amd_sampler_drain(broken, samples, &count, &lost), ZEUS_AMD_STATUS_INTERNAL);
    CHECK_IS(zeus_amd_sampler_energy_between(broken, 0, 1, 2, &energy), ZEUS_AMD_STATUS_INTERNAL);
    CHECK_OK(zeus_amd_sampler_drain(other, NULL, &before, NULL));
    for (count = before; count < before + 4; sleep_us(1000)) {
        count = 0;
        CHECK_OK(zeus_amd_sampler_drain(other, NULL, &count, NULL));
    }
    CHECK_OK(zeus_amd_sampler_stop(broken));
    zeus_amd_sampler_free(broken);
    zeus_amd_sampler_free(other);
    CHECK_OK(zeus_amd_window_end(window, NULL, NULL, NULL));
    read_fake(z, 0);
    read_fake(z, 1);
}

int main(void)
{
    zeus_amd_session_t *z = open_quickly(), *other = open_quickly();
    pthread_t thread;
    int i;

    /* Outside of a session: the message has message and place, and the library goes on. */
    CHECK_IS(zeus_amd__test_panic(NULL), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("provoked by a test") && says("hooks.rs:") && says("internal error"));
    read_fake(z, 0);

    the_other_sampler_goes_on(z);

    /* While a GPU is read: that GPU is not read again, and its status says why. */
    CHECK_IS(zeus_amd__test_panic(z), ZEUS_AMD_STATUS_INTERNAL);
    CHECK(says("provoked by a test"));
    the_others_live_on(z);

    /* Other sessions are not touched, no lock stays taken, and new ones can be had. */
    read_fake(other, 0);
    read_fake(other, 1);
    zeus_amd_close(z);
    for (i = 0; i < 100; i++) {
        z = open_quickly();
        read_fake(z, 0);
        CHECK(pthread_create(&thread, NULL, in_a_thread, z) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
        the_others_live_on(z);
        zeus_amd_close(z);
    }
    read_fake(other, 0);
    zeus_amd_close(other);
    return 0;
}
