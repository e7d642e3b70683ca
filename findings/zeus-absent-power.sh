#!/usr/bin/env bash
# Zeus 0.16.0 over amdsmi 7.0.2: an absent average power switches a right energy counter off.
#
# Zeus compares half a second of the energy counter with power times time, and takes the average power where that is a number.
# amdsmi leaves the UINT32_MAX that ROCm 7.13 has for "absent" a number (amdsmi-absent-values.sh), so the expected energy is
# that of 4 GW and the counter "is not accurate". The current power beside it, 100 W, is not tried, and log level INFO tells.
# Seen: average power 0xFFFF: energy counter in use. 0xFFFFFFFF: not in use, average power 4294967295000 mW.
. "$(dirname "$0")/lib.sh"
pypi zeus==0.16.0 amdsmi==7.0.2
amdsmi_stub

cat >energy.py <<'EOF'
from zeus.device import get_gpus
from zeus.device.gpu.common import ZeusGPUNotSupportedError

gpu = get_gpus().gpus[0]
try:
    average = gpu.get_average_power_usage()
except ZeusGPUNotSupportedError:
    average = None
print("average", average, "current", gpu.get_instant_power_usage(), "counter", gpu.supports_get_total_energy_consumption())
EOF
zeus() { STUB_AVERAGE_POWER=$1 "$python" energy.py; }
check "absent as 0xFFFF" "average None current 100000 counter True" zeus 0xFFFF
check "absent as 0xFFFFFFFF" "average 4294967295000 current 100000 counter False" zeus 0xFFFFFFFF
