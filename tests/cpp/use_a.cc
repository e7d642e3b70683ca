// One of two files of a program that both include the header, and one of them twice.
#include <cstdint>

#include "session.hpp"
#include "zeus_amd.h"

std::string first_failure();
unsigned gpus_of(const Session &session);

int main()
{
    if (zeus_amd_version() != ZEUS_AMD_VERSION_NUMBER)
        return 1;
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    options.validation = ZEUS_AMD_VALIDATION_OFF;
    Session session = open_session(options);
    if (gpus_of(session) != 2)
        return 2;
    std::uint64_t mw = 0;
    check(zeus_amd_power_instant_mw(session.get(), 1, &mw));
    if (mw != 101000)
        return 3;
    return first_failure().find("not-there") == std::string::npos ? 4 : 0;
}
