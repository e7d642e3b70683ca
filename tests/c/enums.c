/* Every number a caller may pass where the header has an enum, flags or an index: refused or taken, never a crash.
 * argv: the seed of the random ones; the header's highest backend, validation, resolution and log level; all its flags; its
 * highest method and counter state. */
#include "readers.h"

static uint32_t samples[2048];
static size_t count;

static void add(uint32_t value)
{
    CHECK(count < COUNT(samples));
    samples[count++] = value;
}

static void fill(uint64_t seed)
{
    uint32_t i;
    for (i = 0; i < 300; i++)
        add(i);
    for (i = 9; i < 32; i++) {
        add((1u << i) - 1);
        add(1u << i);
        add((1u << i) + 1);
    }
    for (i = 0; i < 5; i++)
        add(UINT32_MAX - i);
    add(100000);
    for (i = 0; i < 1000; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        add((uint32_t)(seed >> 32));
    }
}

static void refused(zeus_amd_options_t options)
{
    zeus_amd_session_t *z = (zeus_amd_session_t *)&options;
    CHECK_IS(zeus_amd_probe(&options), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK_IS(zeus_amd_open(&options, &z), ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK(z == NULL && says("unknown"));
}

int main(int argc, char **argv)
{
    static const zeus_amd_options_t plain = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = open_quickly();
    size_t i;
    uint32_t known[7];
    CHECK(argc == 9);
    fill(strtoull(argv[1], NULL, 10));
    for (i = 0; i < 7; i++)
        known[i] = (uint32_t)strtoul(argv[2 + i], NULL, 10);
    for (i = 0; i < count; i++) {
        uint32_t v = samples[i];
        zeus_amd_options_t options;
        uint64_t mw;

        options = plain;
        options.backend = v;
        if (v > known[0])
            refused(options);
        else
            CHECK_OK(zeus_amd_probe(&options));

        options = plain;
        options.validation = v;
        if (v > known[1])
            refused(options);
        else
            CHECK_OK(zeus_amd_probe(&options));

        options = plain;
        options.energy_resolution = v;
        if (v > known[2])
            refused(options);
        else
            CHECK_OK(zeus_amd_probe(&options));

        options = plain;
        options.flags = v;
        if (v & ~known[4])
            refused(options);
        else
            CHECK_OK(zeus_amd_probe(&options));

        CHECK_IS(zeus_amd_set_log(NULL, v, NULL),
                 v > known[3] ? ZEUS_AMD_STATUS_INVALID_ARGUMENT : ZEUS_AMD_STATUS_OK);
        CHECK(zeus_amd_status_string((int32_t)v) != NULL && zeus_amd_status_string((int32_t)v)[0] != 0);
        CHECK(zeus_amd_method_string(v) != NULL && zeus_amd_counter_state_string(v) != NULL);
        CHECK((strcmp(zeus_amd_method_string(v), "unknown method") == 0) == (v > known[5]));
        CHECK((strcmp(zeus_amd_counter_state_string(v), "unknown counter state") == 0) == (v > known[6]));
        CHECK_IS(zeus_amd_power_instant_mw(z, v, &mw), v < 2 ? ZEUS_AMD_STATUS_OK : ZEUS_AMD_STATUS_NOT_FOUND);
    }
    read_fake(z, 1);
    zeus_amd_close(z);
    return 0;
}
