/* Every call and every kind of failure: the test that runs this wants stdout and stderr empty. */
#include "readers.h"

static unsigned messages;

static void count(uint32_t level, const char *text, void *user)
{
    CHECK(level <= ZEUS_AMD_LOG_DEBUG && text[0] != 0 && user == &messages);
    messages++;
}

static void fail_to_open(const char *path, zeus_amd_status_t expected)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = (zeus_amd_session_t *)&options;
    options.amdsmi_path = path;
    CHECK_IS(zeus_amd_open(&options, &z), expected);
    CHECK(z == NULL && says(path));
}

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_info_t session = ZEUS_AMD_SESSION_INFO_INIT;
    zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
    zeus_amd_session_t *z = NULL;
    uint64_t mj = 0;
    uint32_t n = 0, i;

    (void)argc;
    CHECK_OK(zeus_amd_set_log(count, ZEUS_AMD_LOG_DEBUG, &messages));
    CHECK_OK(zeus_amd_probe(NULL));
    CHECK_OK(zeus_amd_open(NULL, &z));
    CHECK_OK(zeus_amd_session_info(z, &session));
    CHECK_OK(zeus_amd_gpu_count(z, &n));
    CHECK(n == 2 && session.gpu_count == 2);
    for (i = 0; i < n; i++) {
        CHECK_OK(zeus_amd_gpu_info(z, i, &info));
        CHECK(info.counter_state == ZEUS_AMD_COUNTER_STATE_TRUSTED);
        CHECK_OK(zeus_amd_energy_mj(z, i, &mj));
        read_fake(z, i);
    }
    all_refuse(NULL, ZEUS_AMD_STATUS_INVALID_ARGUMENT);
    CHECK_IS(zeus_amd_energy_mj(z, n, &mj), ZEUS_AMD_STATUS_NOT_FOUND);
    CHECK_IS(zeus_amd_energy_mj(z, UINT32_MAX, &mj), ZEUS_AMD_STATUS_NOT_FOUND);

    fail_to_open("/not-there", ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND);
    fail_to_open(argv[0], ZEUS_AMD_STATUS_LIBRARY_INVALID);
    fail_to_open("/etc/passwd", ZEUS_AMD_STATUS_LIBRARY_INVALID);
    options.struct_size = 1;
    CHECK_IS(zeus_amd_probe(&options), ZEUS_AMD_STATUS_STRUCT_VERSION);

    read_fake(z, 1);
    zeus_amd_close(z);
    z = NULL;
    zeus_amd_close(z);
    CHECK(messages > 0);
    CHECK_OK(zeus_amd_set_log(NULL, 0, NULL));
    return 0;
}
