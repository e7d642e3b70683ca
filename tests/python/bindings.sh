#!/bin/sh
# AMD's Cython binding of libamd_smi 27 (rocm-bindings-systems from PyPI), unchanged, on the simulated libraries of ROCm 10.
# Prints a line per combination, then the count; exit status 1 if any failed.
# usage: tests/python/bindings.sh [ROCM...]
. "$(dirname "$0")/../hermetic.sh"
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/venv.sh"
[ $# -gt 0 ] || set -- 10.0 10.1 10.2
version=10.0.0.0.1.2
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

cpx='gpu.0.compute_partition = "CPX"
gpu.0.memory_partition = "NPS4"
gpu.0.partitions = 8'

check() { # ROCM MACHINE LABEL [MORE OPTIONS OF run...]
    rocm=$1 machine=$2 label=$3
    shift 3
    if "$sim" --machine "$machine" --rocm "$rocm" "$@" -- "$venv/bin/python" "$here/test_bindings.py" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    binding of 27.0 with ROCm $rocm on $label"
    else
        failed=$((failed + 1))
        echo "FAIL  binding of 27.0 with ROCm $rocm on $label"
        sed 's/^/      /' "$log"
    fi
}

"$sim" build "$@" >/dev/null || exit 1
make_venv "bindings-$version" "rocm-bindings-systems==$version" "rocm-bindings-core==$version" >"$log" 2>&1 || {
    echo "FAIL  rocm-bindings-systems $version cannot be installed"
    sed 's/^/      /' "$log"
    exit 1
}
for rocm; do
    for machine in $(regular_machines); do
        check "$rocm" "$machine" "$machine"
    done
    check "$rocm" mi300x-8 'mi300x-8, one GPU in 8 partitions' --with "$cpx"
    check "$rocm" mi300x-8 'mi300x-8, gaps in KFD nodes' --with 'gpu.2.kfd_node = 7' --with 'gpu.0.probe = 9'
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
