/*
 * A program of its day: compiled with the header of a release, run with every later library, on the machine of
 * machine.toml beside it. It looks at every struct field whose value that machine says, and at what lies behind each
 * struct: a field that has moved, or a library that writes its own size, shows.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <zeus_amd.h>

static int wrong;

#define IS(what, expected)                                                     \
    do {                                                                       \
        long long got_ = (long long)(what), want_ = (long long)(expected);     \
        if (got_ != want_) {                                                   \
            printf("%s: %lld, not %lld\n", #what, got_, want_);                \
            wrong++;                                                           \
        }                                                                      \
    } while (0)
#define TEXT(what, expected)                                                   \
    do {                                                                       \
        if (strncmp(what, expected, sizeof what)) {                            \
            printf("%s: \"%.60s\", not \"%s\"\n", #what, what, expected);      \
            wrong++;                                                           \
        }                                                                      \
    } while (0)
#define BETWEEN(what, low, high)                                               \
    do {                                                                       \
        double got_ = (double)(what);                                          \
        if (!(got_ >= (low) && got_ <= (high))) {                              \
            printf("%s: %g, not from %g to %g\n", #what, got_, (double)(low), (double)(high)); \
            wrong++;                                                           \
        }                                                                      \
    } while (0)
#define OK(call)                                                               \
    do {                                                                       \
        int32_t status_ = (call);                                              \
        if (status_ != ZEUS_AMD_STATUS_OK) {                                   \
            char text_[400];                                                   \
            zeus_amd_last_error(text_, sizeof text_);                          \
            printf("%s: %d, %s\n", #call, (int)status_, text_);                \
            wrong++;                                                           \
        }                                                                      \
    } while (0)

/* A struct of the header's size with something behind it that nobody may touch. */
#define GUARDED(type, name, init)                                              \
    struct {                                                                   \
        type s;                                                                \
        unsigned char behind[256];                                             \
    } name = {init, {0}};                                                      \
    memset(name.behind, 0xa5, sizeof name.behind)
#define UNTOUCHED(name)                                                        \
    do {                                                                       \
        size_t i_;                                                             \
        for (i_ = 0; i_ < sizeof name.behind; i_++)                            \
            IS(name.behind[i_], 0xa5);                                         \
        IS(name.s.struct_size, sizeof name.s);                                 \
    } while (0)

static int spoken;

static void log_line(uint32_t level, const char *text, void *user)
{
    spoken += user == &spoken && level <= ZEUS_AMD_LOG_DEBUG && text[0] != '\0';
}

static void pause_ms(long ms)
{
    struct timespec t;
    t.tv_sec = 0;
    t.tv_nsec = ms * 1000000;
    nanosleep(&t, NULL);
}

static void identity(zeus_amd_session_t *z)
{
    uint32_t n = 0;
    GUARDED(zeus_amd_session_info_t, session, ZEUS_AMD_SESSION_INFO_INIT);
    GUARDED(zeus_amd_gpu_info_t, gpu, ZEUS_AMD_GPU_INFO_INIT);
    OK(zeus_amd_session_info(z, &session.s));
    UNTOUCHED(session);
    IS(session.s.gpu_count, 1);
    IS(session.s.valid & 1, ZEUS_AMD_SESSION_INFO_VALID_AMDSMI_BIT);
    IS(session.s.flags & 3, 0);
    IS(session.s.amdsmi_status, ZEUS_AMD_STATUS_OK);
    IS(session.s.energy_resolution, ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE);
    IS(session.s.amdsmi_version_0, 24);
    IS(session.s.no_gpu_reason, 0);
    IS(strncmp(session.s.rocm, "6.2", 3), 0);
    IS(session.s.amdsmi_path[0], '/');

    OK(zeus_amd_gpu_info(z, 0, &gpu.s));
    UNTOUCHED(gpu);
    IS(gpu.s.index, 0);
    IS(gpu.s.unmasked_index, 0);
    IS(gpu.s.kfd_node, 2);
    IS(gpu.s.partition, 0);
    IS(gpu.s.die_role, ZEUS_AMD_DIE_SINGLE);
    IS(gpu.s.counter_state, ZEUS_AMD_COUNTER_STATE_TRUSTED);
    IS(gpu.s.device_id, 0x740f);
    IS(gpu.s.unique_id == 0x67c63ac3c3c637f9u, 1);
    IS(gpu.s.valid & ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT, ZEUS_AMD_GPU_INFO_VALID_UNIQUE_ID_BIT);
    TEXT(gpu.s.name, "AMD Instinct MI210");
    TEXT(gpu.s.pci_address, "0000:63:00.0");
    IS(gpu.s.uuid[0] != '\0', 1);
    IS(gpu.s.package[0] != '\0', 1);
    OK(zeus_amd_find_by_pci(z, "0000:63:00.0", &n));
    OK(zeus_amd_find_by_uuid(z, gpu.s.uuid, &n));
    IS(zeus_amd_find_by_pci(z, "0000:64:00.0", &n), ZEUS_AMD_STATUS_NOT_FOUND);
}

static double millijoules(const zeus_amd_energy_raw_t *raw)
{
    return (double)raw->accumulator * raw->resolution_uj / 1e3;
}

/* Limits are other readings, not times: a machine may stand still at any moment, for as long as it likes. */
static void readings(zeus_amd_session_t *z)
{
    uint64_t a = 0, b = 0, asked;
    uint32_t low = 0, high = 0, count = 1;
    int32_t c = 0;
    GUARDED(zeus_amd_energy_raw_t, raw, ZEUS_AMD_ENERGY_RAW_INIT);
    GUARDED(zeus_amd_energy_raw_t, later, ZEUS_AMD_ENERGY_RAW_INIT);
    GUARDED(zeus_amd_reading_t, all, ZEUS_AMD_READING_INIT);
    OK(zeus_amd_power_average_mw(z, 0, &a));
    IS(a, 219000);
    IS(zeus_amd_power_instant_mw(z, 0, &a), ZEUS_AMD_STATUS_NOT_SUPPORTED);
    OK(zeus_amd_temperature_c(z, 0, &c));
    IS(c, 51);
    OK(zeus_amd_power_limit_mw(z, 0, &a));
    IS(a, 285000);
    OK(zeus_amd_power_limit_range_mw(z, 0, &a, &b));
    IS(a, 0);
    IS(b, 300000);
    OK(zeus_amd_memory_clock_levels_mhz(z, 0, &low, &high));
    IS(high, 1600);
    IS(low, 400);
    asked = zeus_amd_now_ns();
    OK(zeus_amd_energy_raw(z, 0, &raw.s));
    UNTOUCHED(raw);
    BETWEEN(raw.s.resolution_uj, 15.2587, 15.2589);
    BETWEEN(raw.s.driver_time_ns, (double)asked - 2e9, (double)zeus_amd_now_ns());
    OK(zeus_amd_energy_mj(z, 0, &a));
    OK(zeus_amd_read_all(z, &all.s, &count));
    UNTOUCHED(all);
    OK(zeus_amd_energy_raw(z, 0, &later.s));
    BETWEEN(a, millijoules(&raw.s) - 1, millijoules(&later.s));
    IS(count, 1);
    IS(all.s.gpu, 0);
    IS(all.s.status, ZEUS_AMD_STATUS_OK);
    /* A later library may set more. */
    IS(all.s.valid & 1023, ZEUS_AMD_READING_VALID_ENERGY_BIT | ZEUS_AMD_READING_VALID_ACCUMULATOR_BIT |
                               ZEUS_AMD_READING_VALID_DRIVER_TIME_BIT | ZEUS_AMD_READING_VALID_FIRMWARE_TIME_BIT |
                               ZEUS_AMD_READING_VALID_POWER_AVERAGE_BIT | ZEUS_AMD_READING_VALID_TEMPERATURE_BIT |
                               ZEUS_AMD_READING_VALID_RESOLUTION_BIT);
    IS(all.s.flags & 1023, ZEUS_AMD_READING_FLAG_FIRMWARE_RESOLUTION_BIT);
    IS(all.s.counter_state, ZEUS_AMD_COUNTER_STATE_TRUSTED);
    BETWEEN(all.s.energy_mj, (double)a, millijoules(&later.s));
    BETWEEN(all.s.accumulator, (double)raw.s.accumulator, (double)later.s.accumulator);
    BETWEEN(all.s.driver_time_ns, (double)raw.s.driver_time_ns, (double)later.s.driver_time_ns);
    BETWEEN(all.s.firmware_time_ns, (double)raw.s.firmware_time_ns, (double)later.s.firmware_time_ns);
    BETWEEN(all.s.resolution_uj, 15.2587, 15.2589);
    IS(all.s.power_average_mw, 219000);
    IS(all.s.temperature_c, 51);
}

static void windows(zeus_amd_session_t *z)
{
    zeus_amd_window_t *window = NULL;
    uint32_t count = 1;
    uint64_t before = zeus_amd_now_ns();
    GUARDED(zeus_amd_total_energy_t, total, ZEUS_AMD_TOTAL_ENERGY_INIT);
    GUARDED(zeus_amd_gpu_energy_t, gpu, ZEUS_AMD_GPU_ENERGY_INIT);
    OK(zeus_amd_window_begin(z, &window));
    pause_ms(300);
    OK(zeus_amd_window_end(window, &total.s, &gpu.s, &count));
    UNTOUCHED(total);
    UNTOUCHED(gpu);
    IS(total.s.packages, 1);
    IS(total.s.missing, 0);
    IS(total.s.energy_mj, gpu.s.energy_mj);
    BETWEEN(total.s.duration_ns, 0.29e9, (double)(zeus_amd_now_ns() - before));
    IS(gpu.s.gpu, 0);
    IS(total.s.valid & 1, ZEUS_AMD_TOTAL_ENERGY_VALID_ENERGY_BIT);
    IS(total.s.flags & 128, ZEUS_AMD_TOTAL_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT);
    IS(gpu.s.valid & 513, ZEUS_AMD_GPU_ENERGY_VALID_ENERGY_BIT | ZEUS_AMD_GPU_ENERGY_VALID_RESOLUTION_BIT);
    IS(gpu.s.flags & 128, ZEUS_AMD_GPU_ENERGY_FLAG_FIRMWARE_RESOLUTION_BIT);
    IS(gpu.s.method, ZEUS_AMD_METHOD_COUNTER);
    TEXT(zeus_amd_method_string(gpu.s.method), "counter");
    IS(gpu.s.counter_state, ZEUS_AMD_COUNTER_STATE_TRUSTED);
    IS(gpu.s.status, ZEUS_AMD_STATUS_OK);
    BETWEEN(gpu.s.mean_power_mw, 215e3, 223e3);
    BETWEEN(gpu.s.begin_ns, (double)before - 1e9, (double)zeus_amd_now_ns() - 0.29e9);
    BETWEEN(gpu.s.end_ns, (double)before + 0.27e9, (double)zeus_amd_now_ns());
    IS(gpu.s.duration_ns, gpu.s.end_ns - gpu.s.begin_ns);
    BETWEEN(gpu.s.energy_mj, 0.215 * (double)gpu.s.duration_ns / 1e3, 0.223 * (double)gpu.s.duration_ns / 1e3);
    BETWEEN(gpu.s.uncertainty_mj, 0, (double)gpu.s.energy_mj);
    BETWEEN(gpu.s.resolution_uj, 15.2587, 15.2589);
}

static void sampler(zeus_amd_session_t *z)
{
    zeus_amd_sampler_t *sampler = NULL;
    zeus_amd_sampler_options_t options = ZEUS_AMD_SAMPLER_OPTIONS_INIT;
    zeus_amd_sample_t samples[64] = {ZEUS_AMD_SAMPLE_INIT};
    uint32_t count = 0, i;
    options.capacity = 64;
    options.period_ns = 10000000;
    OK(zeus_amd_sampler_start(z, &options, &sampler));
    /* Minutes on a machine that is slow; for ever on none. */
    for (i = 0; count < 5 && i < 10000; i++) {
        pause_ms(10);
        count = 0;
        OK(zeus_amd_sampler_drain(sampler, NULL, &count, NULL));
    }
    OK(zeus_amd_sampler_stop(sampler));
    count = 64;
    OK(zeus_amd_sampler_drain(sampler, samples, &count, NULL));
    BETWEEN(count, 5, 64);
    for (i = 1; i < count; i++) {
        IS(samples[i].gpu, 0);
        IS(samples[i].power_mw, 219000);
        IS(samples[i].valid & 385, ZEUS_AMD_SAMPLE_VALID_ENERGY_BIT | ZEUS_AMD_SAMPLE_VALID_POWER_BIT |
                                       ZEUS_AMD_SAMPLE_VALID_COUNTER_POWER_BIT);
        IS(samples[i].flags & 1184, ZEUS_AMD_SAMPLE_FLAG_FIRMWARE_RESOLUTION_BIT);
        IS(samples[i].time_ns > samples[i - 1].time_ns, 1);
        IS(samples[i].energy_uj >= samples[i - 1].energy_uj, 1);
    }
    zeus_amd_sampler_free(sampler);
}

int main(void)
{
    zeus_amd_session_t *z = NULL;
    zeus_amd_guard_t *guard = NULL;
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    uint64_t limit = 0;
    options.validation = ZEUS_AMD_VALIDATION_FIXED;
    options.energy_resolution = ZEUS_AMD_ENERGY_RESOLUTION_FIRMWARE;
    options.init_timeout_ms = 60000;
    OK(zeus_amd_set_log(log_line, ZEUS_AMD_LOG_DEBUG, &spoken));
    OK(zeus_amd_open(&options, &z));
    if (z == NULL)
        return 1;
    identity(z);
    readings(z);
    windows(z);
    sampler(z);
    OK(zeus_amd_guard_begin(z, 0, &guard));
    OK(zeus_amd_set_power_limit_mw(z, 0, 200000));
    OK(zeus_amd_power_limit_mw(z, 0, &limit));
    IS(limit, 200000);
    OK(zeus_amd_guard_end(guard));
    OK(zeus_amd_power_limit_mw(z, 0, &limit));
    IS(limit, 285000);
    zeus_amd_close(z);
    /* An index mask that hides the GPU, through the last fields of the options. */
    options.flags = ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT;
    options.hip_visible_devices = "-1";
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    OK(zeus_amd_open(&options, &z));
    OK(zeus_amd_gpu_count(z, &options.struct_size));
    IS(options.struct_size, 0);
    zeus_amd_close(z);
    return wrong != 0;
}
