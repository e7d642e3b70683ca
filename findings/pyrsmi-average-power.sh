#!/usr/bin/env bash
# pyrsmi 1.1.0 has no power for a GPU with an average power only (MI200 and Navi): -1 with amdsmi installed, 65535 W without.
#
# smi_get_device_average_power asks amdsmi, or libamd_smi itself where that package is missing. Both ways take the current power first
# and do not expect it to be absent: amdsmi's "N/A" is compared with 0 and the TypeError is swallowed, the library's 0xFFFF is a power.
# Seen, of a GPU with an average of 95 W and no current power: -1 and 65535.0.
. "$(dirname "$0")/lib.sh"
pypi pyrsmi==1.1.0 amdsmi==7.0.2
amdsmi_stub
cat >power.py <<'EOF'
from unittest import mock

from pyrsmi import rocml

with mock.patch.object(rocml, "_driver_initialized", lambda: True):  # it asks for the kernel's amdgpu module
    rocml.smi_initialize()
print(rocml.smi_get_device_average_power(0))
EOF

power() { # CURRENT AVERAGE
    STUB_CURRENT_POWER=$1 STUB_AVERAGE_POWER=$2 "$python" power.py
}
check "both powers" 100.0 power 100 95
check "average only, through amdsmi" -1 power 0xFFFF 95
"$python" -m pip --quiet uninstall --yes amdsmi
check "average only, without amdsmi" 65535.0 power 0xFFFF 95
