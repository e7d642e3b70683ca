#!/usr/bin/env bash
# Debian 12's rocm-smi 5.2.3 ends with status 0 where the amdgpu driver is not loaded, also when it was to set something.
#
# It logs an error and leaves with exit(), which is success. So --json prints nothing at all, which is no JSON, and a job's prologue that
# sets a power cap goes on as if the cap were there: on a node whose driver failed, the one case that a status is for.
# Seen, without the driver: an empty standard output and status 0 for --showpower --json and for --setpoweroverdrive 100.
. "$(dirname "$0")/lib.sh"
need python3
[ ! -e /sys/module/amdgpu ] || cannot "the amdgpu driver is loaded"
debian rocm-smi=5.2.3-2 librocm-smi64-1=5.2.3-2
smi() { # ARGUMENT...
    local status=0
    rocm-smi "$@" >out 2>err || status=$?
    echo "status $status, $(wc -c <out) bytes, $(grep -o 'Driver not initialized' err)"
}
check "--showpower --json" "status 0, 0 bytes, Driver not initialized" smi --showpower --json
check "--setpoweroverdrive 100" "status 0, 0 bytes, Driver not initialized" smi --setpoweroverdrive 100
