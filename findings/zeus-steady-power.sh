#!/usr/bin/env bash
# Zeus 0.16.0: PowerMonitor.get_energy of a steady power is 0.0 J.
#
# The sampling process sends a sample only where the power differs from the one before, and get_energy integrates over the samples
# that lie in the asked interval. A GPU that draws 100 W throughout has one sample, or none, and less than two make 0.0. Powers
# come in whole watts, so a quiet GPU is enough; where the power moves, the time after its last change is missing.
# Seen: get_power 100.0 W, get_energy over a second of it 0.0 J.
. "$(dirname "$0")/lib.sh"
pypi zeus==0.16.0 amdsmi==7.0.2
amdsmi_stub

cat >steady.py <<'EOF'
import time

from zeus.monitor.power import PowerMonitor

if __name__ == "__main__":
    begin = time.time()
    monitor = PowerMonitor(update_period=0.1)
    time.sleep(1)
    energy = monitor.get_energy(begin, time.time())
    print(monitor.get_power(), energy, "after more than a second:", time.time() - begin > 1)
    monitor.stop()
EOF
check "watts, joules" "{0: 100.0} {0: 0.0} after more than a second: True" "$python" steady.py
