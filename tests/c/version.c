/* The macros of the header and the library that runs say the same. */
#include "check.h"

int main(void)
{
    char text[32];
    CHECK(zeus_amd_version() == ZEUS_AMD_VERSION_NUMBER);
    CHECK(zeus_amd_version() ==
          ((unsigned)ZEUS_AMD_VERSION_MAJOR << 16 | ZEUS_AMD_VERSION_MINOR << 8 | ZEUS_AMD_VERSION_PATCH));
    snprintf(text, sizeof text, "%d.%d.%d", ZEUS_AMD_VERSION_MAJOR, ZEUS_AMD_VERSION_MINOR,
             ZEUS_AMD_VERSION_PATCH);
    CHECK(strcmp(text, zeus_amd_version_string()) == 0);
    CHECK(ZEUS_AMD_VERSION_AT_LEAST(ZEUS_AMD_VERSION_MAJOR, ZEUS_AMD_VERSION_MINOR, ZEUS_AMD_VERSION_PATCH));
    CHECK(!ZEUS_AMD_VERSION_AT_LEAST(ZEUS_AMD_VERSION_MAJOR, ZEUS_AMD_VERSION_MINOR,
                                     ZEUS_AMD_VERSION_PATCH + 1));
    CHECK(!ZEUS_AMD_VERSION_AT_LEAST(ZEUS_AMD_VERSION_MAJOR, ZEUS_AMD_VERSION_MINOR + 1, 0));
    CHECK(!ZEUS_AMD_VERSION_AT_LEAST(ZEUS_AMD_VERSION_MAJOR + 1, 0, 0));
    return 0;
}
