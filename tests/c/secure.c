/* With file capabilities or without. argv[1]: the root of a machine, argv[2]: "secure" or "plain".
 * It changes its root to that machine, so that "/" has a card, and the variables name a libamd_smi in it. */
#include <sys/auxv.h>
#include <unistd.h>

#include "check.h"

int main(int argc, char **argv)
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    zeus_amd_session_t *z = NULL;
    int secure;
    CHECK(argc == 3);
    secure = strcmp(argv[2], "secure") == 0;
    CHECK((getauxval(AT_SECURE) == 1) == secure);
    CHECK(chroot(argv[1]) == 0 && chdir("/") == 0);
    options.backend = ZEUS_AMD_BACKEND_AMDSMI;
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    if (secure) {
        /* No variable counts, and there is no ROCm at its usual place. */
        CHECK_IS(zeus_amd_probe(&options), ZEUS_AMD_STATUS_OK);
        CHECK_IS(zeus_amd_open(&options, &z), ZEUS_AMD_STATUS_LIBRARY_NOT_FOUND);
        CHECK(z == NULL && says("/opt/rocm") && !says("names"));
        CHECK(access("/loaded", F_OK) != 0);
        /* What the program itself asks for is another matter. */
        options.amdsmi_path = "/libamd_smi.so";
    }
    CHECK_OK(zeus_amd_open(&options, &z));
    CHECK(access("/loaded", F_OK) == 0);
    zeus_amd_close(z);
    return 0;
}
