#!/bin/sh
# Names, constants, struct layouts and signatures of the C++ header, the Fortran module and the Python file are those of
# zeus_amd.h. Exit status 1 if any is not.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONDONTWRITEBYTECODE=1
status=0
verdict() { # WHAT FILE
    if [ -s "$2" ]; then
        echo "FAIL  $1"
        sed 's/^/      /' "$2"
        status=1
    else
        echo "ok    $1"
    fi
}

# Constants and layouts: a C program, and the same of the others.
python3 "$here/header.py" c >"$work/probe.c"
cc -std=c99 -Wall -Wextra -Werror -I"$root/include" "$work/probe.c" -o "$work/c"
"$work/c" >"$work/c.txt"
[ "$(wc -l <"$work/c.txt")" -gt 150 ]

python3 "$here/header.py" fortran >"$work/probe.f90"
fortran="gfortran -std=f2018 -Wall -Wextra -Wpedantic -Werror -J $work"
$fortran -c "$root/include/zeus_amd.f90" -o "$work/module.o"
$fortran -c "$work/probe.f90" -o "$work/probe.o"
gfortran "$work/probe.o" "$work/module.o" -o "$work/fortran" -L"$LIBRARIES" -lzeus_amd -Wl,-rpath,"$LIBRARIES"
"$work/fortran" >"$work/fortran.txt"
diff "$work/c.txt" "$work/fortran.txt" >"$work/diff" || true
verdict "constants and structs of the Fortran module" "$work/diff"

gfortran -J"$work" -fsyntax-only -fc-prototypes "$root/include/zeus_amd.f90" >"$work/prototypes.h"
python3 "$here/signatures.py" "$work/prototypes.h" >"$work/diff" 2>&1 || true
verdict "signatures of the Fortran module" "$work/diff"

ZEUS_AMD_LIBRARY="$LIBRARIES/libzeus_amd.so" python3 "$here/python_layout.py" "$work/c.txt" >"$work/diff" 2>&1 || true
verdict "constants, structs and signatures of the Python file" "$work/diff"

# Nothing of the interface is left out of the C++ header.
while read -r name; do
    grep -qE "\b$name\b" "$root/include/zeus_amd.hpp" || echo "$name is not used"
done <"$root/cmake/exports.txt" >"$work/diff"
verdict "functions of the C++ header" "$work/diff"
exit $status
