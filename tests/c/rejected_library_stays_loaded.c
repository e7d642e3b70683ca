/* A library without the functions of libamd_smi (ZEUS_AMD_AMDSMI) is refused, and stays mapped: it may have threads. */
#include "check.h"
#include "mapped.h"

int main(void)
{
    zeus_amd_session_t *z = NULL;
    int round;
    for (round = 0; round < 3; round++) {
        CHECK_IS(zeus_amd_open(NULL, &z), ZEUS_AMD_STATUS_LIBRARY_SYMBOLS);
        CHECK(z == NULL && says("amdsmi_init"));
        CHECK(is_mapped(getenv("ZEUS_AMD_AMDSMI")));
    }
    return 0;
}
