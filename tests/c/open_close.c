/* What a well-behaved program does, a few times over. Run under valgrind. */
#include "readers.h"

int main(void)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z;
    uint64_t mw;
    int round;
    for (round = 0; round < 3; round++) {
        z = open_quickly();
        read_fake(z, 0);
        read_fake(z, 1);
        CHECK_IS(zeus_amd_power_instant_mw(z, 2, &mw), ZEUS_AMD_STATUS_NOT_FOUND);
        all_refuse(NULL, ZEUS_AMD_STATUS_INVALID_ARGUMENT);
        zeus_amd_close(z);
        z = NULL;
        zeus_amd_close(z);
        options.amdsmi_path = "/not-there";
        CHECK_IS(zeus_amd_open(&options, &z), ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND);
        CHECK(z == NULL);
    }
    return 0;
}
