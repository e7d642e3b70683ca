#!/usr/bin/env bash
# All tests in one command. Installs what it needs where it may (apt-get, PyPI), says what to install where not.
set -u
cd "$(dirname "$0")/.."
. scripts/require.sh

PATH=$PATH:/usr/sbin:/sbin
also=
python3 -c 'import venv, ensurepip' 2>/dev/null || also="$also python3-venv"
ldconfig -p | grep -q libjemalloc.so.2 || also="$also libjemalloc2"
ALSO=$also require cc:build-essential c++:build-essential clang:clang cmake:cmake valgrind:valgrind setcap:libcap2-bin \
    python3:python3 nm:binutils setpriv:util-linux
require_rust 88 fmt clippy

passed=0
failed=0
step() {
    local name=$1
    shift
    local begun=$SECONDS
    printf '== %s\n' "$name"
    if "$@" </dev/null; then
        passed=$((passed + 1))
        printf '   %s: %d s\n' "$name" $((SECONDS - begun))
    else
        failed=$((failed + 1))
        printf '!! failed: %s, after %d s\n' "$name" $((SECONDS - begun))
    fi
}

cmake_builds() {
    cmake -S . -B target/cmake -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror >/dev/null &&
        cmake --build target/cmake >/dev/null &&
        simulator/run --machine mi210-1 --rocm 6.2.4 -- target/cmake/energy_report --seconds 0.2 &&
        simulator/run --machine mi350x-8 --rocm 7.0.2 -- target/cmake/list_gpus &&
        simulator/run --machine mi300x-8 --rocm 6.3.3 -- python3 examples-c/read_power.py target/cmake/libzeus_amd.so
}

# The main job, as a newcomer types it: its first line says on which machine, its last one the total.
main_job() {
    local out
    out=$(examples-c/run.sh --seconds 1) || return 1
    printf '%s\n' "$out"
    printf '%s\n' "$out" | head -n 1 | grep -Eq '^(Real|Simulated) machine: ' &&
        printf '%s\n' "$out" | tail -n 1 | grep -Eq '^all +[0-9.]+ J'
}

step "formatting" cargo fmt --all --check
step "clippy" cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
step "simulated machine builds" simulator/run build
step "cargo test" cargo test --quiet --locked --workspace --no-fail-fast
step "main job" main_job
step "CMake" cmake_builds
step "installed library" tests/install/run.sh
step "ABI of releases" tests/abi/run.sh
step "C++, Fortran and Python" tests/bindings/run.sh
step "MPI, with Open MPI and MPICH" tests/mpi/run.sh
step "AMD's amdsmi packages on the simulated machine" tests/python/amdsmi.sh
step "AMD's binding of libamd_smi 27 on the simulated machine" tests/python/bindings.sh
step "Zeus and this library agree" tests/python/zeus.sh

printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
