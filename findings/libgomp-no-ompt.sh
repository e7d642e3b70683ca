#!/usr/bin/env bash
# gcc 12's OpenMP runtime has no tools interface, and passes OMP_TOOL_LIBRARIES over in silence; LLVM's takes the same program.
#
# OpenMP 5.0 defines OMPT: a runtime loads the libraries of OMP_TOOL_LIBRARIES and calls ompt_start_tool. libgomp does not, nor
# does it warn. LLVM's libomp has the entry points that gcc's compiler calls: preloaded, it runs the unchanged program, with the tool.
# Seen, gcc 12.2.0 and libomp 14.0.6, one program: libgomp: "region of 2"; libomp: "tool started, region of 2".
. "$(dirname "$0")/lib.sh"
need gcc
debian libomp-14-dev=1:14.0.6-12 libomp5-14=1:14.0.6-12 libgomp1=12.2.0-14+deb12u1

ompt_tool <<'EOF'
#include <stdio.h>
static int start(ompt_function_lookup_t lookup, int device, ompt_data_t *data) {
    (void)lookup, (void)device, (void)data;
    fputs("tool started, ", stdout);
    return 1;
}
static void end(ompt_data_t *data) { (void)data; }
EOF
cat >program.c <<'EOF'
#include <stdio.h>
int main(void) {
    int threads = 0;
#pragma omp parallel num_threads(2) reduction(+ : threads)
    threads = 1;
    printf("region of %d\n", threads);
}
EOF
gcc -shared -fPIC -I"$debian/usr/lib/llvm-14/lib/clang/14.0.6/include" tool.c -o tool.so
gcc -fopenmp program.c -o program
export OMP_TOOL_LIBRARIES=$work/tool.so
check "gcc's libgomp" "region of 2" ./program
check "LLVM's libomp" "tool started, region of 2" env LD_PRELOAD="$debian/usr/lib/llvm-14/lib/libomp.so.5" ./program
