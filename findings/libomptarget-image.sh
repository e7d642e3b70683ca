#!/usr/bin/env bash
# LLVM's libomptarget 19.1.7 (Debian 12), offloading to the host's processors, leaves a file in /tmp at each run, whatever TMPDIR says.
#
# It writes the image of the target regions to a file of a new name, loads that, and never removes it. A job's own TMPDIR, which a
# batch system empties, does not have it: on a node that runs such a program again and again, or its tests, /tmp fills up.
# Seen, of two runs with a TMPDIR of their own: two ELF files in /tmp, each with the regions' code, none in TMPDIR. Both ran well.
. "$(dirname "$0")/lib.sh"
need gcc
debian libomp5-19=1:19.1.7-3~deb12u1 libomp-19-dev=1:19.1.7-3~deb12u1 clang-19=1:19.1.7-3~deb12u1 \
    libclang-common-19-dev=1:19.1.7-3~deb12u1 clang-tools-19=1:19.1.7-3~deb12u1 llvm-19-linker-tools=1:19.1.7-3~deb12u1
llvm=$debian/usr/lib/llvm-19
# The region's name says whose file one in /tmp is.
region=region_of_$$_$RANDOM
cat >program.c <<EOT
#include <omp.h>
#include <stdio.h>
static void $region(int *offloaded) {
#pragma omp target map(tofrom : offloaded[0 : 1])
    *offloaded = !omp_is_initial_device();
}
int main(void) {
    int offloaded = 0;
    $region(&offloaded);
    printf("offloaded %d\n", offloaded);
}
EOT
"$llvm/bin/clang" -fopenmp -fopenmp-targets=x86_64-pc-linux-gnu program.c -o program -L"$llvm/lib"
export LD_LIBRARY_PATH=$llvm/lib:$LD_LIBRARY_PATH
mkdir own
check "the first run" "offloaded 1" env TMPDIR="$work/own" ./program
check "the second run" "offloaded 1" env TMPDIR="$work/own" ./program
mapfile -t files < <(grep -ls "$region" /tmp/tmpfile_??????)
left() {
    local file elf=0
    for file in "${files[@]}"; do [ "$(od -An -tx1 -N4 "$file" | tr -d ' ')" != 7f454c46 ] || elf=$((elf + 1)); done
    echo "$elf in /tmp, $(find own -type f | wc -l) in TMPDIR"
}
check "files" "2 in /tmp, 0 in TMPDIR" left
rm -f "${files[@]}"
