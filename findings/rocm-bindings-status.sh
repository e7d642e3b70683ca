#!/usr/bin/env bash
# rocm-bindings-systems 10.0.0.0.1.2 (AMD's Python bindings of ROCm 10.0): a failed call returns zeros, and raises nothing.
#
# Its predecessor amdsmi raised an exception for each status but SUCCESS. Here amdsmi_get_power_info returns a tuple of the status and
# a struct that nobody has filled. Who takes the second item reads 0 W: a valid power, of an idle GPU perhaps.
# Seen, with a library that answers NOT_SUPPORTED (2): status 2, current_socket_power 0, average_socket_power 0.
. "$(dirname "$0")/lib.sh"
need cc
pypi rocm-bindings-systems==10.0.0.0.1.2
mkdir -p rocm/lib
echo 'int amdsmi_get_power_info(void *gpu, void *info) { (void)gpu, (void)info; return 2; }' |
    cc -shared -fPIC -xc - -o rocm/lib/libamd_smi.so
export ROCM_PATH=$work/rocm

cat >power.py <<'EOF'
from rocm.bindings import amdsmi

gpu = 1  # any handle: the library above does not look at it
status, power = amdsmi.amdsmi_get_power_info(gpu)
print(status.name, power.current_socket_power, power.average_socket_power)
EOF
check "status, watts, watts" "AMDSMI_STATUS_NOT_SUPPORTED 0 0" "$python" power.py
