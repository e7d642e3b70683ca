#!/usr/bin/env bash
# Zeus 0.16.0: the update period that PowerMonitor infers is 0 s, whatever the GPU.
#
# infer_counter_update_period polls the power at full speed to see how often it changes, then takes the minimum of that and of an
# initial 0.0. So the monitor waits 0 s between samples where no period is given. The limit of 0.1 s that
# the function has for long periods never acts.
# Seen, on a GPU whose power changes every 20 ms and on one whose power never changes: 0.0.
. "$(dirname "$0")/lib.sh"
pypi zeus==0.16.0

cat >infer.py <<'EOF'
import sys
import time
from unittest import mock

from zeus.monitor import power

class Changing:
    period_s = float(sys.argv[1])
    def get_name(self, index):
        return "a GPU"
    def get_instant_power_usage(self, index):
        time.sleep(1e-4)
        return 100_000 + int(time.monotonic() / self.period_s) % 2 * 1000

with mock.patch.object(power, "get_gpus", Changing):
    print("changes within 0.2 s:", 0 < power._infer_counter_update_period_single(0) <= 0.2, end=", ")
    print("inferred:", power.infer_counter_update_period([0]))
EOF
check "power that changes" "changes within 0.2 s: True, inferred: 0.0" "$python" infer.py 0.02
check "power that does not" "changes within 0.2 s: True, inferred: 0.0" "$python" infer.py 1e9
