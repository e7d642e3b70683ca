#!/usr/bin/env bash
# mpi4py 4.1.2: to name the MPI that is there (MPI4PY_MPIABI) can make the import fail that succeeds without.
#
# The wheel has a module for MPICH and one for Open MPI. Asked for nothing, it searches the environment's own folder of libraries,
# opens the MPI that it finds, and so has it in the process when the module for it is loaded. With the variable set it need not find
# out, so it opens nothing: the module's libmpi.so.12 is looked for where the loader looks, and that is not there.
# Seen, with PyPI's MPICH 5.0.2 beside it: imported; with MPI4PY_MPIABI=mpich: ImportError.
. "$(dirname "$0")/lib.sh"
pypi mpi4py==4.1.2 mpich==5.0.2
if [ "$("$python" -c 'import ctypes; ctypes.CDLL("libmpi.so.12"); print("found")' 2>/dev/null)" ]; then
    cannot "the loader has a libmpi.so.12"
fi

cat >import.py <<'EOF'
import os

try:
    from mpi4py import MPI
    print(MPI.Get_library_version().split()[0])
except ImportError as error:
    print("ImportError", error)
EOF
check "asked for nothing" MPICH "$python" import.py
check "asked for MPICH" "ImportError libmpi.so.12: cannot open shared object file: No such file or directory" \
    env MPI4PY_MPIABI=mpich "$python" import.py
