#!/bin/bash
# What the profiler costs with one MPI: lines of the table, and its instructions for one call.
# usage: benches/pmpi.sh openmpi|mpich FOLDER    (FOLDER has libzeus_amd.so.0)
set -eu
cd "$(dirname "$0")/.."
mpi=$1 folder=$(CDPATH= cd -- "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
profiler=$work/libzeus_amd_pmpi.so
"mpicc.$mpi" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -Iinclude tools/pmpi/*.c tools/regions/*.c \
    tools/report/*.c tools/connect/{kokkos,roctx,ompt}.c tools/files.c -o "$profiler" "$folder/libzeus_amd.so.0" -Wl,-rpath,"$folder" \
    -Wl,-z,nodelete -lpthread -ldl -lm
"mpicc.$mpi" -O2 -Wall -Wextra -Werror -o "$work/pmpi" benches/pmpi.c -lpthread
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ZEUS_AMD_PMPI_OUTPUT=$work/report ZEUS_AMD_TOOLS_BUDGET=0
export ZEUS_AMD_ROOT=$work/none
launcher="mpirun.$mpi"
[ "$mpi" = mpich ] || launcher="$launcher --oversubscribe"
for mode in single ''; do
    $launcher -n 2 env LD_PRELOAD="$profiler" "$work/pmpi" $mode
done
command -v valgrind >/dev/null || exit 0
# count PRELOADED: instructions of one MPI_Test.
count() {
    local part
    for part in none count; do
        LD_PRELOAD=$1 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/pmpi" $part 2>&1 | awk '/Collected/ { print $4 }'
    done | awk 'NR == 1 { before = $1 } NR == 2 { printf "%.0f\n", ($1 - before) / 100000 }'
}
with=$(count "$profiler")
without=$(count '')
echo "profiler: instructions of a call|$((with - without))||||"
