// A program of Kokkos that knows nothing of energy: kernels with and without names, regions, sections, copies.
#include <Kokkos_Core.hpp>
#include <Kokkos_Profiling_ProfileSection.hpp>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <impl/Kokkos_Profiling_Interface.hpp>
#include <thread>

struct Unnamed {
    KOKKOS_INLINE_FUNCTION void operator()(int) const {}
};
template <class T>
struct Templated {
    KOKKOS_INLINE_FUNCTION void operator()(int) const {}
};

namespace physics {
struct Solver {
    void step(Kokkos::View<double *> of)
    {
        Kokkos::parallel_for(of.size(), KOKKOS_LAMBDA(int i) { of(i) = 0; });
    }
};
} // namespace physics

static void for_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

int main(int argc, char **argv)
{
    const int n = 1000;
    Kokkos::initialize(argc, argv);
    {
        Kokkos::View<double *> a("a", n), b("b", n);
        Kokkos::Profiling::ProfilingSection section("a section");
        section.start();
        for (int i = 0; i < 3; i++) {
            Kokkos::Profiling::pushRegion("solve");
            Kokkos::parallel_for("axpy", n, KOKKOS_LAMBDA(int j) { a(j) += 2 * b(j); });
            Kokkos::parallel_for(n, Unnamed());
            Kokkos::parallel_for(n, Templated<double>());
            physics::Solver().step(a);
            double sum = 0;
            Kokkos::parallel_reduce("dot", n, KOKKOS_LAMBDA(int j, double &s) {
                if (j == 0)
                    for_ms(40);
                s += a(j) * b(j);
            }, sum);
            Kokkos::deep_copy(b, a);
            Kokkos::fence();
#pragma omp parallel num_threads(2)
            for_ms(5);
            Kokkos::Profiling::popRegion();
        }
        section.stop();
        Kokkos::Profiling::markEvent("checkpoint");
        if (argc > 1 && std::strcmp(argv[1], "exit") == 0)
            std::exit(5);
    }
    Kokkos::finalize();
    return 0;
}
