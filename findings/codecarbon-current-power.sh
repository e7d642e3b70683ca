#!/usr/bin/env bash
# codecarbon 3.3.2 has 0 W for an AMD GPU that gives its current power only, as MI300s do.
#
# amdsmi_get_power_info has an average and a current power, and one of them is "N/A" on most GPUs. codecarbon takes the average, here
# and in the metrics table, and what is not a number is 0. While the energy counter can be read that is a line of its details only;
# where it cannot, energy is power by time, and an hour is 0 kWh. The log warns of 0 W as if the GPU had said so.
# Seen, of a GPU of 100 W without an energy counter, in an hour: 0.1 kWh if the 100 W are the average, 0.0 if they are the current power.
. "$(dirname "$0")/lib.sh"
pypi codecarbon==3.3.2 amdsmi==7.0.2
amdsmi_stub
cat >hour.py <<'EOF'
from codecarbon.core.gpu import AllGPUDevices
from codecarbon.core.units import Time

gpu, = AllGPUDevices().devices
gpu.start()
used = gpu.delta(Time.from_seconds(3600))
print(used["power_usage"], used["delta_energy_consumption"])
EOF

hour() { # CURRENT AVERAGE
    STUB_ENERGY_STATUS=2 STUB_CURRENT_POWER=$1 STUB_AVERAGE_POWER=$2 "$python" hour.py 2>/dev/null
}
check "average only" "Power(kW=0.1) Energy(kWh=0.1)" hour 0xFFFF 100
check "current only" "Power(kW=0.0) Energy(kWh=0.0)" hour 100 0xFFFF
