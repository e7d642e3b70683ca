/* Which readings of GPU argv[1] exist: argv[2] has their letters. The others are a status and write nothing; none is a
 * number that means "not available". */
#include "readers.h"

static const char *wanted;

/* Is that reading wanted? Then it has to be there; otherwise it has to be NOT_SUPPORTED. */
static int there(char letter, zeus_amd_status_t status)
{
    int exists = strchr(wanted, letter) != NULL;
    if ((exists && status != ZEUS_AMD_STATUS_OK) || (!exists && status != ZEUS_AMD_STATUS_NOT_SUPPORTED))
        fprintf(stderr, "reading %c:\n", letter);
    CHECK_IS(status, exists ? ZEUS_AMD_STATUS_OK : ZEUS_AMD_STATUS_NOT_SUPPORTED);
    if (!exists)
        CHECK(says("GPU ") && says("not available"));
    return exists;
}

static void number(char letter, zeus_amd_status_t status, uint64_t value)
{
    if (!there(letter, status)) {
        CHECK(value == 12345);
        return;
    }
    CHECK(value != 0 && value != UINT64_MAX && value != UINT32_MAX && value != 0xFFFF);
    CHECK(value / 1000 != 0xFFFF && value / 1000 != UINT32_MAX && value < UINT64_C(1) << 50);
}

int main(int argc, char **argv)
{
    zeus_amd_session_t *z = NULL;
    zeus_amd_energy_raw_t raw = ZEUS_AMD_ENERGY_RAW_INIT;
    uint64_t value, low = 12345, high = 12345;
    uint32_t gpu, max = 12345, min = 12345;
    int32_t celsius = 12345;
    zeus_amd_status_t s;

    CHECK(argc == 3);
    gpu = (uint32_t)atoi(argv[1]);
    wanted = argv[2];
    CHECK_OK(zeus_amd_open(NULL, &z));
#define NUMBER(letter, f) (value = 12345, s = f(z, gpu, &value), number(letter, s, value))
    NUMBER('i', zeus_amd_power_instant_mw);
    NUMBER('a', zeus_amd_power_average_mw);
    NUMBER('m', zeus_amd_memory_power_average_mw);
    NUMBER('e', zeus_amd_energy_mj);
    NUMBER('l', zeus_amd_power_limit_mw);
    NUMBER('d', zeus_amd_power_limit_default_mw);
    if (there('r', zeus_amd_energy_raw(z, gpu, &raw)))
        CHECK(raw.accumulator != 0 && raw.accumulator != UINT64_MAX && raw.accumulator != UINT32_MAX);
    else
        CHECK(raw.accumulator == 0 && raw.driver_time_ns == 0 && raw.flags == 0);
    if (there('t', zeus_amd_temperature_c(z, gpu, &celsius)))
        CHECK(celsius > 0 && celsius < 150);
    else
        CHECK(celsius == 12345);
    if (there('L', zeus_amd_power_limit_range_mw(z, gpu, &low, &high)))
        CHECK(low < high && high < 10 * 1000 * 1000);
    else
        CHECK(low == 12345 && high == 12345);
    if (there('g', zeus_amd_graphics_clock_levels_mhz(z, gpu, &min, &max)))
        CHECK(max > min && max < 10000 && max != 12345);
    else
        CHECK(max == 12345 && min == 12345);
    max = 12345;
    CHECK_IS(zeus_amd_persistence_mode(z, gpu, &max), ZEUS_AMD_STATUS_NOT_SUPPORTED);
    CHECK(max == 12345);
    CHECK_OK(zeus_amd_energy_counter_usable(z, gpu, &max));
    CHECK(max == (strchr(wanted, 'e') != NULL));
    zeus_amd_close(z);
    return 0;
}
