#!/usr/bin/env bash
# amdsmi 7.0.2 (AMD's Python package of ROCm 7.0) knows one of the two values that stand for an absent power.
#
# amdsmi_power_info_t has fields of 32 and 64 bits. Libraries up to ROCm 6.4 put 0xFFFF into those that are not supported; that of
# ROCm 7.13, with the soname that this package goes with, the maximum of the field's width. The package compares with 0xFFFF only,
# though for clocks and others with the field's width. So an absent power is 4,294,967,295 W to whoever tests for "N/A".
# Seen: average_socket_power of 0xFFFF is 'N/A', of 0xFFFFFFFF is 4294967295.
. "$(dirname "$0")/lib.sh"
pypi amdsmi==7.0.2
amdsmi_stub

average() { # WHAT THE LIBRARY SAYS
    STUB_AVERAGE_POWER=$1 "$python" - <<'EOF'
import amdsmi

amdsmi.amdsmi_init()
gpu, = amdsmi.amdsmi_get_processor_handles()
print(repr(amdsmi.amdsmi_get_power_info(gpu)["average_socket_power"]))
EOF
}
check "a power of 95" 95 average 95
check "a power of 0xFFFF" "'N/A'" average 0xFFFF
check "a power of 0xFFFFFFFF" 4294967295 average 0xFFFFFFFF
