#!/usr/bin/env bash
# LLVM's OpenMP runtime (libomp 14.0.6) starts a tool only with the first region, and does not end it after exit() inside one.
#
# An OMPT tool opens its report when it is initialized and writes it when it is finalized. A program without a region that runs never
# has the tool; one that leaves from within a region, which an error path may well do, has it started and never finalized: its data
# is lost although the process ends in order, with atexit handlers run.
# Seen: no region: nothing. A region: start, end. exit() by thread 0 in a region of two: start, the handler, no end.
. "$(dirname "$0")/lib.sh"
need gcc
debian libomp-14-dev=1:14.0.6-12 libomp5-14=1:14.0.6-12

ompt_tool <<'EOF'
#include <unistd.h>
static int start(ompt_function_lookup_t lookup, int device, ompt_data_t *data) {
    (void)lookup, (void)device, (void)data;
    return (int)write(1, "start ", 6);
}
static void end(ompt_data_t *data) { (void)data, (void)!write(1, "end ", 4); }
EOF
cat >program.c <<'EOF'
#include <omp.h>
#include <stdlib.h>
#include <unistd.h>
static void handler(void) { (void)!write(1, "handler ", 8); }
int main(int argc, char **argv) {
    atexit(handler);
    if (argc > 1) {
#pragma omp parallel num_threads(2)
        if (*argv[1] == 'x' && omp_get_thread_num() == 0) exit(0);
    }
}
EOF
gcc -shared -fPIC -I"$debian/usr/lib/llvm-14/lib/clang/14.0.6/include" tool.c -o tool.so
gcc -fopenmp program.c -o program
run() { OMP_TOOL_LIBRARIES=$work/tool.so LD_PRELOAD=$debian/usr/lib/llvm-14/lib/libomp.so.5 ./program "$@"; }
check "no region" "handler " run
check "a region" "start handler end " run region
check "exit in a region" "start handler " run x
