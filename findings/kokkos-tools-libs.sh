#!/usr/bin/env bash
# Debian 12's Kokkos (3.4.1, in libtrilinos-kokkos-dev 13.2.0) ignores KOKKOS_TOOLS_LIBS without a word.
#
# Kokkos Tools' own pages tell to set KOKKOS_TOOLS_LIBS. This release reads the name before that, KOKKOS_PROFILE_LIBRARY, only. It
# complains of a tool that cannot be loaded, but not of a variable that it does not know: the program runs, unprofiled, with status 0.
# Seen: KOKKOS_TOOLS_LIBS: nothing. KOKKOS_PROFILE_LIBRARY: the tool is started and is handed the kernel's name.
. "$(dirname "$0")/lib.sh"
need gcc g++
debian libtrilinos-kokkos-dev=13.2.0-4 libtrilinos-kokkos-13.2=13.2.0-4

cat >tool.c <<'EOF'
#include <stdint.h>
#include <stdio.h>
void kokkosp_init_library(int order, uint64_t version, uint32_t devices, void *info) {
    (void)order, (void)devices, (void)info;
    printf("interface %ju, ", (uintmax_t)version);
}
void kokkosp_begin_parallel_for(const char *name, uint32_t device, uint64_t *kernel) {
    (void)device, *kernel = 0;
    printf("kernel %s, ", name);
}
EOF
cat >program.cc <<'EOF'
#include <Kokkos_Core.hpp>
#include <cstdio>
struct Kernel {
    KOKKOS_INLINE_FUNCTION void operator()(int) const {}
};
int main(int argc, char **argv) {
    Kokkos::initialize(argc, argv);
    Kokkos::parallel_for("mine", 8, Kernel{});
    Kokkos::finalize();
    std::puts("end");
}
EOF
gcc -shared -fPIC tool.c -o tool.so
g++ -std=c++17 -I"$debian/usr/include/trilinos" program.cc -o program -L"$lib" -Wl,-rpath-link,"$lib" \
    -l:libtrilinos_kokkoscore.so.13.2 -ldl
check "KOKKOS_TOOLS_LIBS" end env KOKKOS_TOOLS_LIBS="$work/tool.so" ./program
check "KOKKOS_PROFILE_LIBRARY" "interface 20210225, kernel mine, end" env KOKKOS_PROFILE_LIBRARY="$work/tool.so" ./program
