#!/usr/bin/env bash
# Zeus 0.16.0: GlobalPowerLimitOptimizer cannot start on an AMD GPU.
#
# Its constructor switches NVIDIA's persistence mode on. Zeus's AMD device answers that with ZeusGPUNotSupportedError, always, and
# the constructor catches only the error for missing rights. The power limits themselves, 100 to 300 W here, can be read and set.
# Seen: limits (100000, 300000) mW, then ZeusGPUNotSupportedError "Persistence mode is not supported on AMD GPUs."
. "$(dirname "$0")/lib.sh"
pypi zeus==0.16.0 amdsmi==7.0.2
amdsmi_stub

cat >optimizer.py <<'EOF'
from unittest import mock

from zeus.device import get_gpus
from zeus.monitor import ZeusMonitor
from zeus.optimizer import power_limit

monitor = ZeusMonitor(gpu_indices=[0])
print(get_gpus().get_power_management_limit_constraints(0), end=" ")
try:
    # The one question that it asks PyTorch or JAX before: one process or several.
    with mock.patch.object(power_limit, "is_distributed", lambda: False):
        power_limit.GlobalPowerLimitOptimizer(monitor)
    print("started")
except Exception as error:
    print(type(error).__name__, error)
EOF
check "limits, and the optimizer" \
    "(100000, 300000) ZeusGPUNotSupportedError Persistence mode is not supported on AMD GPUs." "$python" optimizer.py
