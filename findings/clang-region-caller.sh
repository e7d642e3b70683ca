#!/usr/bin/env bash
# Clang (14.0.6, at -O2) names the caller of a function that ends with a parallel region as the place of the region.
#
# OMPT hands a profiler the return address of the call into the runtime, to show where a region is in the source. Where the region is
# the last statement of a function, the optimizer makes that call a jump, and the return address is in the function's caller: regions
# of several functions have one place, or the line of an innocent call. The region has nothing to tell it by.
# Seen: at -O1 the region is in solve; at -O2 in main; at -O2 with -fno-optimize-sibling-calls in solve.
. "$(dirname "$0")/lib.sh"
need gcc
debian clang-14=1:14.0.6-12 libomp-14-dev=1:14.0.6-12 libomp5-14=1:14.0.6-12

ompt_tool <<'EOT'
#include <dlfcn.h>
#include <stdio.h>
static void region(ompt_data_t *task, const ompt_frame_t *frame, ompt_data_t *parallel, unsigned threads, int flags, const void *address) {
    Dl_info info;
    (void)task, (void)frame, (void)parallel, (void)threads, (void)flags;
    puts(dladdr(address, &info) && info.dli_sname ? info.dli_sname : "?");
}
static int start(ompt_function_lookup_t lookup, int device, ompt_data_t *data) {
    ompt_set_callback_t set = (ompt_set_callback_t)lookup("ompt_set_callback");
    (void)device, (void)data;
    set(ompt_callback_parallel_begin, (ompt_callback_t)region);
    return 1;
}
static void end(ompt_data_t *data) { (void)data; }
EOT
cat >program.c <<'EOT'
int sum;
__attribute__((noinline)) void solve(void) {
#pragma omp parallel num_threads(2) reduction(+ : sum)
    sum++;
}
int main(void) {
    solve();
    return sum != 2;
}
EOT
gcc -D_GNU_SOURCE -shared -fPIC -I"$debian/usr/lib/llvm-14/lib/clang/14.0.6/include" tool.c -o tool.so
region_of() { # OPTION...
    clang-14 "$@" -fopenmp -rdynamic program.c -o program -L"$debian/usr/lib/llvm-14/lib"
    OMP_TOOL_LIBRARIES=$work/tool.so LD_PRELOAD=$debian/usr/lib/llvm-14/lib/libomp.so.5 ./program
}
check "-O1" solve region_of -O1
check "-O2" main region_of -O2
check "-O2 -fno-optimize-sibling-calls" solve region_of -O2 -fno-optimize-sibling-calls
