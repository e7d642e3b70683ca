// The other file of the program.
#include <cstdint>

#include "zeus_amd.h"

#include "session.hpp"

std::string first_failure();
unsigned gpus_of(const Session &session);

unsigned gpus_of(const Session &session)
{
    std::uint32_t count = 0;
    check(zeus_amd_gpu_count(session.get(), &count));
    zeus_amd_gpu_info_t info = ZEUS_AMD_GPU_INFO_INIT;
    for (std::uint32_t i = 0; i < count; ++i)
        check(zeus_amd_gpu_info(session.get(), i, &info));
    return count;
}

std::string first_failure()
{
    zeus_amd_options_t options = ZEUS_AMD_OPTIONS_INIT;
    options.amdsmi_path = "/not-there";
    try {
        open_session(options);
    } catch (const std::runtime_error &e) {
        return e.what();
    }
    return "";
}
