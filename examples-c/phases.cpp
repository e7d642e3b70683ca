// The energy of the phases of a computation, from C++: a scope is a phase.
//
//     phase A:    1234.5 J ± 0.6 J in 3.20 s (385.7 W)

#include <zeus_amd.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <thread>

namespace {

// Prints what all GPUs of this process used while it was in scope. A measurement that fails stops no computation.
class Phase {
public:
    Phase(const zeus_amd::session &session, const char *name) : name_(name), window_(session.begin_window()) {}
    Phase(const Phase &) = delete;
    Phase &operator=(const Phase &) = delete;
    ~Phase()
    {
        try {
            const auto used = window_.end_total();
            const bool is_short = (used.flags & ZEUS_AMD_TOTAL_ENERGY_FLAG_HIGH_UNCERTAINTY_BIT) != 0;
            const char *note = used.missing > 0 ? ", without some of the GPUs"
                               : is_short       ? ", too short for a small uncertainty"
                                                : "";
            std::printf("phase %s: %9.1f J ± %.1f J in %.2f s (%.1f W)%s\n", name_, double(used.energy_mj) / 1e3,
                        double(used.uncertainty_mj) / 1e3, double(used.duration_ns) / 1e9, double(used.mean_power_mw) / 1e3,
                        note);
        } catch (const zeus_amd::error &e) {
            std::printf("phase %s: no energy: %s\n", name_, e.what());
        }
    }

private:
    const char *name_;
    zeus_amd::window window_;
};

// Stands in for kernels that run on the GPUs.
double compute()
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
    double sum = 0;
    for (int i = 1; std::chrono::steady_clock::now() < end; ++i)
        sum += std::sqrt(double(i));
    return sum;
}

} // namespace

int main()
{
    try {
        const zeus_amd::session session;
        std::printf("%u GPUs\n", session.gpu_count());
        const Phase all(session, "all");
        {
            const Phase a(session, "A");
            std::this_thread::sleep_for(std::chrono::milliseconds(600));
        }
        {
            const Phase b(session, "B");
            std::printf("sum %.0f\n", compute());
        }
        return 0;
    } catch (const zeus_amd::error &e) {
        std::fprintf(stderr, "phases: %s\n", e.what());
        return 1;
    }
}
