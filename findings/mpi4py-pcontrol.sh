#!/usr/bin/env bash
# mpi4py 4.1.2: MPI.Pcontrol lets levels 0, 1 and 2 through, and raises for every other.
#
# The MPI standard gives a meaning to 0, 1 and 2 and leaves all other levels, and further arguments, to the profiler. Some profilers
# have commands there. From C each level arrives; mpi4py checks the level itself, before it calls the library, and gives the error the
# look of one of MPI's. Python programs cannot reach such commands.
# Seen, with MPICH 5.0.2: 0, 1, 2 pass; -1, 3, 100 raise MPI.Exception of class MPI_ERR_ARG. From C, MPI_Pcontrol(3) is MPI_SUCCESS.
. "$(dirname "$0")/lib.sh"
need cc
pypi mpi4py==4.1.2 mpich==5.0.2

cat >levels.py <<'EOF'
from mpi4py import MPI

def level(n):
    try:
        MPI.Pcontrol(n)
        return "passes"
    except MPI.Exception as error:
        return {MPI.ERR_ARG: "MPI_ERR_ARG"}[error.Get_error_class()]
print(*[f"{n}: {level(n)}" for n in (-1, 0, 1, 2, 3, 100)], sep=", ")
EOF
cat >level.c <<'EOF'
#include <mpi.h>
#include <stdio.h>
int main(void) {
    MPI_Init(NULL, NULL);
    puts(MPI_Pcontrol(3) == MPI_SUCCESS ? "passes" : "fails");
    return MPI_Finalize();
}
EOF
"$venv/bin/mpicc" level.c -o level
check "Python" "-1: MPI_ERR_ARG, 0: passes, 1: passes, 2: passes, 3: MPI_ERR_ARG, 100: MPI_ERR_ARG" "$python" levels.py
check "C, level 3" passes ./level
