#!/usr/bin/env bash
# ClearML 2.1.12 has 0 degrees for every AMD GPU, and -1 W for one that gives its current power only, as MI300s do.
#
# On NVIDIA, a statistic that cannot be had is None, and the monitor leaves it out. For AMD GPUs the temperature is not asked for, and
# 0 is put in its place; so it is with the power limit. The power is rsmi_dev_power_ave_get's, which an MI300 does not support; the -1
# that stands for the failure is a power like any other. Both are reported beside the measured values of other GPUs.
# Seen, of a GPU of 45 degrees with an average power of 95 W: 0, 95; of one without an average power: 0, -1.
. "$(dirname "$0")/lib.sh"
need cc
pypi clearml==2.1.12
# One GPU behind the C interface of librocm_smi64. 2 is RSMI_STATUS_NOT_SUPPORTED.
mkdir -p rocm/lib
cat >rsmi.c <<'EOT'
#include <stdint.h>
#include <stdlib.h>
int rsmi_init(uint64_t flags) { return (void)flags, 0; }
int rsmi_shut_down(void) { return 0; }
int rsmi_num_monitor_devices(uint32_t *count) { return *count = 1, 0; }
int rsmi_dev_id_get(uint32_t gpu, uint16_t *id) { return (void)gpu, *id = 0x74a1, 0; }
int rsmi_dev_name_get(uint32_t gpu, char *name, size_t length) { return (void)gpu, (void)length, *name = 0, 0; }
int rsmi_dev_busy_percent_get(uint32_t gpu, uint32_t *percent) { return (void)gpu, *percent = 50, 0; }
int rsmi_dev_memory_total_get(uint32_t gpu, int type, uint64_t *bytes) { return (void)gpu, (void)type, *bytes = 1 << 30, 0; }
int rsmi_dev_memory_usage_get(uint32_t gpu, int type, uint64_t *bytes) { return (void)gpu, (void)type, *bytes = 1 << 29, 0; }
int rsmi_dev_temp_metric_get(uint32_t gpu, uint32_t sensor, int metric, int64_t *millidegrees) {
    return (void)gpu, (void)sensor, (void)metric, *millidegrees = 45000, 0;
}
int rsmi_dev_fan_speed_get(uint32_t gpu, uint32_t sensor, int64_t *speed) { return (void)gpu, (void)sensor, (void)speed, 2; }
int rsmi_dev_power_ave_get(uint32_t gpu, uint32_t sensor, uint64_t *microwatts) {
    (void)gpu, (void)sensor;
    if (!getenv("STUB_AVERAGE_POWER")) return 2;
    return *microwatts = strtoull(getenv("STUB_AVERAGE_POWER"), NULL, 10) * 1000000, 0;
}
EOT
cc -shared -fPIC rsmi.c -o rocm/lib/librocm_smi64.so
cat >gpu.py <<'EOT'
from unittest import mock

from clearml.utilities.gpu import pyrsmi
from clearml.utilities.gpu.gpustat import GPUStatCollection

with mock.patch.object(pyrsmi, "_driver_initialized", lambda: True):  # it asks for the kernel's amdgpu module
    (gpu,) = GPUStatCollection.new_query()
print(gpu.temperature, gpu.power_draw)
EOT
export ROCM_PATH=$work/rocm
check "with an average power: degrees, watts" "0 95" env STUB_AVERAGE_POWER=95 "$python" gpu.py
check "without: degrees, watts" "0 -1" "$python" gpu.py
