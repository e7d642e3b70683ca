#!/usr/bin/env bash
# MPICH 4.0.2: which calls of a Fortran program a profiler's C wrappers see depends on "use mpi" or "use mpi_f08", and on the call.
#
# With "use mpi" each call passes the C name MPI_..., where a tool may stand. With "use mpi_f08" the same calls pass it only if they
# have a choice buffer (MPI_Bcast); all others go to PMPI_ directly. So a profiler in C sees messages of a program that, for
# all it can see, has never called MPI_Init, nor MPI_Finalize, in which such tools begin and report.
# Seen, wrappers of four functions preloaded: "use mpi" passes Init, Comm_size, Bcast, Finalize; "use mpi_f08" passes Bcast.
. "$(dirname "$0")/lib.sh"
need gcc
debian libmpich-dev=4.0.2-3+b1 libmpich12=4.0.2-3+b1 gfortran-12=12.2.0-14+deb12u1

cat >wrappers.c <<'EOF'
#include <mpi.h>
#include <stdio.h>
int MPI_Init(int *c, char ***v) { fputs("Init ", stdout); return PMPI_Init(c, v); }
int MPI_Comm_size(MPI_Comm m, int *n) { fputs("Comm_size ", stdout); return PMPI_Comm_size(m, n); }
int MPI_Bcast(void *b, int n, MPI_Datatype t, int r, MPI_Comm m) { fputs("Bcast ", stdout); return PMPI_Bcast(b, n, t, r, m); }
int MPI_Finalize(void) { fputs("Finalize ", stdout); return PMPI_Finalize(); }
EOF
program() { # MODULE
    cat <<EOF
program fortran
  use $1
  integer :: n, x = 1, ierror
  call MPI_Init(ierror)
  call MPI_Comm_size(MPI_COMM_WORLD, n, ierror)
  call MPI_Bcast(x, 1, MPI_INTEGER, 0, MPI_COMM_WORLD, ierror)
  call MPI_Finalize(ierror)
  if (n /= 1) error stop
end program
EOF
}
gcc -shared -fPIC -I"$debian/usr/include/x86_64-linux-gnu/mpich" wrappers.c -o wrappers.so
for module in mpi mpi_f08; do
    program $module >$module.f90
    gfortran-12 -c -I"$lib/fortran/gfortran-mod-15/mpich" $module.f90
    gcc $module.o -o $module -L"$lib" -Wl,-rpath-link,"$lib:$debian/lib/x86_64-linux-gnu" \
        -l:libmpichfort.so.12 -l:libmpich.so.12 -l:libgfortran.so.5
done
check "use mpi" "Init Comm_size Bcast Finalize " env LD_PRELOAD=./wrappers.so ./mpi
check "use mpi_f08" "Bcast " env LD_PRELOAD=./wrappers.so ./mpi_f08
