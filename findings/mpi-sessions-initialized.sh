#!/usr/bin/env bash
# A program that uses MPI sessions only runs from start to end without MPI being "initialized", or "finalized".
#
# MPI_Initialized and MPI_Finalized speak of the world model alone: of MPI_Init and MPI_Finalize. A program of MPI 4's sessions can
# have communicators and reduce over them while MPI_Initialized says no. A library that waits for MPI_Initialized before it uses MPI,
# or a profiler that starts in its wrapper of MPI_Init and reports in that of MPI_Finalize, never acts.
# Seen, MPICH 5.0.2, two ranks: the sum over the ranks is 2, initialized 0, finalized 0; neither MPI_Init nor MPI_Finalize is called.
. "$(dirname "$0")/lib.sh"
need cc
pypi mpich==5.0.2

cat >sessions.c <<'EOF'
#include <mpi.h>
#include <stdio.h>
int main(void) {
    MPI_Session session;
    MPI_Group group;
    MPI_Comm comm;
    int sum, one = 1, rank, initialized, finalized;
    MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session);
    MPI_Group_from_session_pset(session, "mpi://WORLD", &group);
    MPI_Comm_create_from_group(group, "all", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm);
    MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm);
    MPI_Comm_rank(comm, &rank);
    MPI_Initialized(&initialized);
    MPI_Comm_free(&comm);
    MPI_Group_free(&group);
    MPI_Session_finalize(&session);
    MPI_Finalized(&finalized);
    if (rank == 0) printf("sum %d initialized %d finalized %d\n", sum, initialized, finalized);
}
EOF
cat >profiler.c <<'EOF'
#include <mpi.h>
#include <stdio.h>
int MPI_Init(int *argc, char ***argv) { puts("wrapper of MPI_Init"); return PMPI_Init(argc, argv); }
int MPI_Finalize(void) { puts("wrapper of MPI_Finalize"); return PMPI_Finalize(); }
EOF
"$venv/bin/mpicc" sessions.c profiler.c -o sessions
check "two ranks" "sum 2 initialized 0 finalized 0" "$venv/bin/mpiexec" -n 2 ./sessions
