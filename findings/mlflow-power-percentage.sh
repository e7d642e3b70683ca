#!/usr/bin/env bash
# MLflow 3.17.2's power percentage of an AMD GPU is that of 500 W, whatever the GPU: an MI300X at its cap of 750 W has 150 %.
#
# On NVIDIA, the system metric gpu_N_power_usage_percentage is the share of the GPU's own power limit. For AMD GPUs, the metric of the same
# name has a constant of 500 W in that place. So it is right for a GPU of 500 W, too low for smaller ones and too high for larger
# ones, and runs on different GPUs cannot be compared by it.
# Seen, of GPUs that draw what their limit allows: 60.0 % with a limit of 300 W, 150.0 % with one of 750 W.
. "$(dirname "$0")/lib.sh"
pypi mlflow-skinny==3.17.2 pyrsmi==1.1.0 amdsmi==7.0.2
amdsmi_stub
cat >percentage.py <<'EOT'
from unittest import mock

from pyrsmi import rocml

with mock.patch.object(rocml, "_driver_initialized", lambda: True):  # it asks for the kernel's amdgpu module
    from mlflow.system_metrics.metrics.rocm_monitor import ROCMMonitor

    monitor = ROCMMonitor()
monitor.collect_metrics()
metrics = monitor.aggregate_metrics()
print(metrics["gpu_0_power_usage_watts"], metrics["gpu_0_power_usage_percentage"])
EOT
percentage() { STUB_CURRENT_POWER=$1 "$python" percentage.py; }
check "watts, per cent at 300 W" "300.0 60.0" percentage 300
check "watts, per cent at 750 W" "750.0 150.0" percentage 750
