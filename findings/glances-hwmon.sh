#!/usr/bin/env bash
# Glances 4.5.8 has no temperature of an AMD GPU whose hwmon folder has a number of two digits; of the others, the mean of all sensors.
#
# Its pattern is hwmon[0-9]. Linux counts the hwmon folders of all drivers, disks and network cards included, so on a node with several
# GPUs some are hwmon10 and above, which ones may differ from boot to boot, and these have no temperature, without a message. The rest
# have the mean of edge, junction and memory: 65 degrees for a GPU that throttles for a junction of 100.
# Seen, of two GPUs with 35, 100 and 60 degrees each: hwmon9: 65; hwmon10: None.
. "$(dirname "$0")/lib.sh"
pypi glances==4.5.8
gpu() { # CARD HWMON
    local hwmon=drm/$1/device/hwmon/$2
    mkdir -p "$hwmon"
    echo 50 >"drm/$1/device/gpu_busy_percent"
    echo amdgpu >"$hwmon/name"
    echo 35000 >"$hwmon/temp1_input"
    echo 100000 >"$hwmon/temp2_input"
    echo 60000 >"$hwmon/temp3_input"
}
cat >temperatures.py <<'EOT'
import sys

from glances.plugins.gpu.cards.amd import AmdGPU

(gpu,) = AmdGPU(sys.argv[1]).get_device_stats()
print(gpu["proc"], gpu["temperature"])
EOT
gpu card0 hwmon9
check "hwmon9: use, temperature" "50 65" "$python" temperatures.py drm
mv drm/card0/device/hwmon/hwmon9 drm/card0/device/hwmon/hwmon10
check "hwmon10: use, temperature" "50 None" "$python" temperatures.py drm
