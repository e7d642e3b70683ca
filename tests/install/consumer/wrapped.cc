// As consumer.c, through the C++ header.
#include <cstdio>
#include <cstdlib>

#include <zeus_amd.hpp>

int main(int argc, char **argv)
{
    const auto truth_mw = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 0;
    try {
        zeus_amd::session session;
        const auto mw = session.power_average_mw(0);
        if (mw == truth_mw)
            return 0;
        std::fprintf(stderr, "%llu mW\n", static_cast<unsigned long long>(mw));
    } catch (const std::exception &failed) {
        std::fprintf(stderr, "%s\n", failed.what());
    }
    return 1;
}
