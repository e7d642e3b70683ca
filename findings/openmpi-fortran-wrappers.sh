#!/usr/bin/env bash
# Open MPI 4.1.4: a Fortran program calls no MPI function by its C name, so a profiler with C wrappers sees an empty program.
#
# PMPI lets a tool define MPI_Send and call PMPI_Send. Open MPI's Fortran bindings call the PMPI_ names directly: all that they need
# from libmpi begins with PMPI_. MPICH's "use mpi" calls MPI_ names, so a tool that was tried there sees nothing here.
# Seen, with wrappers of four functions preloaded: the C program passes all four; the Fortran program, "use mpi", none.
. "$(dirname "$0")/lib.sh"
need gcc nm
debian libopenmpi-dev=4.1.4-3+b1 libopenmpi3=4.1.4-3+b1 openmpi-common=4.1.4-3 libpmix2=4.2.2-1+deb12u1 \
    gfortran-12=12.2.0-14+deb12u1

cat >wrappers.c <<'EOF'
#include <mpi.h>
#include <unistd.h>
static void seen(const char *name) { (void)!write(1, name, 1); }
int MPI_Init(int *c, char ***v) { seen("I"); return PMPI_Init(c, v); }
int MPI_Comm_size(MPI_Comm m, int *n) { seen("S"); return PMPI_Comm_size(m, n); }
int MPI_Bcast(void *b, int n, MPI_Datatype t, int r, MPI_Comm m) { seen("B"); return PMPI_Bcast(b, n, t, r, m); }
int MPI_Finalize(void) { seen("F"); return PMPI_Finalize(); }
EOF
cat >c.c <<'EOF'
#include <mpi.h>
#include <stdio.h>
int main(void) {
    int n, x = 1;
    MPI_Init(NULL, NULL);
    MPI_Comm_size(MPI_COMM_WORLD, &n);
    MPI_Bcast(&x, 1, MPI_INT, 0, MPI_COMM_WORLD);
    MPI_Finalize();
    printf(" size %d\n", n);
}
EOF
cat >fortran.f90 <<'EOF'
program fortran
  use mpi
  integer :: n, x = 1, ierror
  call MPI_Init(ierror)
  call MPI_Comm_size(MPI_COMM_WORLD, n, ierror)
  call MPI_Bcast(x, 1, MPI_INTEGER, 0, MPI_COMM_WORLD, ierror)
  call MPI_Finalize(ierror)
  print '(" size ", i0)', n
end program
EOF
c="-I$lib/openmpi/include"
link=(-L"$lib" "-Wl,-rpath-link,$lib:$debian/lib/x86_64-linux-gnu"
    -l:libmpi_usempi_ignore_tkr.so.40 -l:libmpi_mpifh.so.40 -l:libmpi.so.40 -l:libgfortran.so.5)
gcc -shared -fPIC "$c" wrappers.c -o wrappers.so
gcc "$c" c.c -o c "${link[@]}"
gfortran-12 -c -I"$lib/fortran/gfortran-mod-15/openmpi" fortran.f90
gcc fortran.o -o fortran "${link[@]}"

# Open MPI away from the folder that it was built for, as one process without a daemon.
export OPAL_PREFIX=$lib/openmpi OPAL_DATADIR=$debian/usr/share OMPI_MCA_mca_base_component_path=$lib/openmpi/lib/openmpi3
export PMIX_INSTALL_PREFIX=$lib/pmix2 OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_mca_base_component_show_load_errors=0
check "wrappers that C passes" "ISBF size 1" env LD_PRELOAD=./wrappers.so ./c
check "wrappers that Fortran passes" " size 1" env LD_PRELOAD=./wrappers.so ./fortran
needs() { nm -D --undefined-only "$lib/libmpi_mpifh.so.40" | grep -o '\bP\?MPI_' | sort -u; }
check "names that the Fortran library needs begin with" PMPI_ needs
