// A session that closes itself: twenty lines of what a C++ user would write.
#ifndef ZEUS_AMD_TESTS_SESSION_HPP
#define ZEUS_AMD_TESTS_SESSION_HPP

#include <memory>
#include <stdexcept>
#include <string>

#include "zeus_amd.h"

struct Close {
    void operator()(zeus_amd_session_t *z) const { zeus_amd_close(z); }
};
using Session = std::unique_ptr<zeus_amd_session_t, Close>;

inline void check(zeus_amd_status_t status)
{
    if (status < ZEUS_AMD_STATUS_OK) {
        char text[1024] = "";
        (void)zeus_amd_last_error(text, sizeof text);
        throw std::runtime_error(text);
    }
}

inline Session open_session(const zeus_amd_options_t &options)
{
    zeus_amd_session_t *z = nullptr;
    check(zeus_amd_open(&options, &z));
    return Session(z);
}

#endif
