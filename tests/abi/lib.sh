# Sourced by run.sh.

# probe HEADER OUT.so: what the header promises, as debug information.
probe() {
    python3 tests/abi/probe.py "$1" cc >"${2%.so}.c" &&
        cc -g -O0 -w -shared -fPIC -o "$2" "${2%.so}.c"
}

# same_abi OLD-HEADER NEW-HEADER: the new one serves all that was built with the old one.
same_abi() {
    probe "$1" "$work/old.so" && probe "$2" "$work/new.so" &&
        abidiff --no-added-syms --suppressions tests/abi/abidiff.ini "$work/old.so" "$work/new.so"
}

# old_program FOLDER HEADER-FOLDER: the program of a release, built with a header, run with today's library.
old_program() {
    cc -std=c99 -O1 -Wall -Wextra -I"$2" "$1/program.c" -o "$work/program" -L"$target/release" -lzeus_amd &&
        simulator/run --machine "$1/machine.toml" --rocm 6.2.4 -- \
            env LD_LIBRARY_PATH="$target/release" "$work/program"
}

# changed SED-SCRIPT: today's header with a change, which must be one.
changed() {
    sed -E "$1" include/zeus_amd.h >"$work/changed/zeus_amd.h"
    ! cmp -s include/zeus_amd.h "$work/changed/zeus_amd.h"
}
