#!/usr/bin/env bash
# LLVM's libomptarget 19.1.7 (Debian 12) finds the OpenMP tool through libomp.so, a name that only the development package has.
#
# A tool that OMP_TOOL_LIBRARIES names is started by libomp.so.5, which the program is linked to, and registers its callbacks there. For
# those of target regions libomptarget asks libomp, which it opens itself, as "libomp.so". The runtime package has libomp.so.5 alone.
# There every registration still returns ompt_set_always (5) and parallel regions are seen, but no device and no target region: to a
# profiler of offloaded code on a node without compilers, the program uses no GPU. Nothing is printed.
# Seen, offloading to the host's processors: with libomp.so: device, target, parallel; without: parallel. The region runs both times.
. "$(dirname "$0")/lib.sh"
need gcc
! /sbin/ldconfig -p | grep -q "libomp\.so " || cannot "this machine has a libomp.so"
debian libomp5-19=1:19.1.7-3~deb12u1 libomp-19-dev=1:19.1.7-3~deb12u1 clang-19=1:19.1.7-3~deb12u1 \
    libclang-common-19-dev=1:19.1.7-3~deb12u1 clang-tools-19=1:19.1.7-3~deb12u1 llvm-19-linker-tools=1:19.1.7-3~deb12u1
llvm=$debian/usr/lib/llvm-19
cp "$llvm/lib/clang/19/include/omp-tools.h" .

ompt_tool <<'EOT'
#include <stdio.h>
static void device(int number, const char *type, ompt_device_t *d, ompt_function_lookup_t lookup, const char *documentation) {
    (void)type, (void)d, (void)lookup, (void)documentation;
    if (number == 0) printf("device ");
}
static void target(ompt_target_t kind, ompt_scope_endpoint_t endpoint, int number, ompt_data_t *task, ompt_data_t *target_task,
                   ompt_data_t *data, const void *address) {
    (void)kind, (void)number, (void)task, (void)target_task, (void)data, (void)address;
    if (endpoint == ompt_scope_begin) printf("target ");
}
static void parallel(ompt_data_t *task, const ompt_frame_t *frame, ompt_data_t *data, unsigned threads, int flags, const void *address) {
    (void)task, (void)frame, (void)data, (void)threads, (void)flags, (void)address;
    printf("parallel ");
}
static int start(ompt_function_lookup_t lookup, int number, ompt_data_t *data) {
    ompt_set_callback_t set = (ompt_set_callback_t)lookup("ompt_set_callback");
    (void)number, (void)data;
    printf("%d ", set(ompt_callback_device_initialize, (ompt_callback_t)device));
    printf("%d ", set(ompt_callback_target_emi, (ompt_callback_t)target));
    printf("%d ", set(ompt_callback_parallel_begin, (ompt_callback_t)parallel));
    return 1;
}
static void end(ompt_data_t *data) { (void)data; }
EOT
cat >program.c <<'EOT'
#include <omp.h>
#include <stdio.h>
int main(void) {
    int offloaded = 0;
#pragma omp target map(tofrom : offloaded)
    offloaded = !omp_is_initial_device();
#pragma omp parallel num_threads(2)
    (void)0;
    printf("offloaded %d\n", offloaded);
}
EOT
gcc -shared -fPIC -I. tool.c -o tool.so
"$llvm/bin/clang" -fopenmp -fopenmp-targets=x86_64-pc-linux-gnu program.c -o program -L"$llvm/lib"
mkdir runtime
cp "$llvm/lib/libomp.so.5" "$llvm"/lib/libomptarget.so.19.1 runtime
run() { OMP_TOOL_LIBRARIES=$work/tool.so LD_LIBRARY_PATH=runtime:$LD_LIBRARY_PATH ./program; }
check "the runtime package's libraries" "5 5 5 parallel offloaded 1" run
ln -s libomp.so.5 runtime/libomp.so
check "and libomp.so" "5 5 5 device target parallel offloaded 1" run
