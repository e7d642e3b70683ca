#!/usr/bin/env bash
# MPICH 5.0.2 has two libraries of one version string and one set of function names, whose handles have different sizes.
#
# libmpi.so.12 is MPICH's own ABI, where MPI_Comm is an int; libmpi_abi.so.1 is the MPI standard's, where it is a pointer. What
# recognises an MPI by MPI_Get_library_version, or by its symbols, and then uses the handles of MPICH's mpi.h, takes the second for
# the first. MPI_Abi_get_version, which both export, tells: -1 for MPICH's own.
# Seen: MPI_COMM_WORLD 0x44000000 in 4 bytes and 0x101 in 8; the version strings are equal; ABI versions -1 and 1.
. "$(dirname "$0")/lib.sh"
need cc
pypi mpich==5.0.2

cat >handles.c <<'EOF'
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
int main(int argc, char **argv) {
    char version[MPI_MAX_LIBRARY_VERSION_STRING];
    int length, major, minor;
    MPI_Get_library_version(version, &length);
    MPI_Abi_get_version(&major, &minor);
    if (argc > 1 && argv[1]) puts(version);
    else printf("%#jx in %zu bytes, ABI %d\n", (uintmax_t)(uintptr_t)MPI_COMM_WORLD, sizeof(MPI_Comm), major);
}
EOF
"$venv/bin/mpicc" -w handles.c -o own
"$venv/bin/mpicc_abi" -w handles.c -o standard
check "MPICH's own" "0x44000000 in 4 bytes, ABI -1" ./own
check "the standard's" "0x101 in 8 bytes, ABI 1" ./standard
./own version >own.txt
./standard version >standard.txt
check "the version string begins" "MPICH Version:      5.0.2" head -n 1 own.txt
check "differences of the version strings" "" diff own.txt standard.txt
