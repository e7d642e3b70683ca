#!/bin/sh
# AMD's Python package amdsmi, unchanged from PyPI, on the simulated library of its own release, on every machine.
# Prints a line per combination, then the count; exit status 1 if any failed.
# usage: tests/python/amdsmi.sh [VERSION...]
. "$(dirname "$0")/../hermetic.sh"
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/venv.sh"
[ $# -gt 0 ] || set -- 6.1.2 6.2.4 6.3.3 6.4.3 7.0.2
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# What a plain install does not show: partitions, and a KFD order of one's own.
cpx='gpu.0.compute_partition = "CPX"
gpu.0.memory_partition = "NPS4"
gpu.0.partitions = 8'

check() { # VERSION MACHINE LABEL [MORE OPTIONS OF run...]
    version=$1 machine=$2 label=$3
    shift 3
    if "$sim" --machine "$machine" --rocm "$version" "$@" -- "$venv/bin/python" "$here/test_amdsmi.py" >"$log" 2>&1; then
        passed=$((passed + 1))
        echo "ok    amdsmi $version on $label"
    else
        failed=$((failed + 1))
        echo "FAIL  amdsmi $version on $label"
        sed 's/^/      /' "$log"
    fi
}

"$sim" list >/dev/null || exit 1
for version; do
    make_venv "amdsmi-$version" "amdsmi==$version" >"$log" 2>&1 || {
        echo "FAIL  amdsmi $version cannot be installed"
        sed 's/^/      /' "$log"
        failed=$((failed + 1))
        continue
    }
    for machine in $(regular_machines); do
        check "$version" "$machine" "$machine"
    done
    check "$version" mi300x-8 'mi300x-8, one GPU in 8 partitions' --with "$cpx"
    check "$version" mi300x-8 'mi300x-8, gaps in KFD nodes' --with 'gpu.2.kfd_node = 7' --with 'gpu.0.probe = 9'
    check "$version" mi210-1 'mi210-1, square wave with noise' \
        --with 'gpu.0.power = { kind = "square", low = 90, high = 280, period_s = 0.37 }' --with 'gpu.0.noise = { w = 15, seed = 3 }'
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
