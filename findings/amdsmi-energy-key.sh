#!/usr/bin/env bash
# amdsmi: the energy counter has three forms in four releases, and one of its names is "power".
#
# amdsmi_get_energy_count returns a dict. In 6.2.4 the accumulated count, an energy, is called "power"; in 6.3.3 it is there twice;
# in 6.4.3 and later only as "energy_accumulator". The C function below has not changed. Code written on either end fails
# with a KeyError on the other.
# Seen: 6.2.4 power · 6.3.3 energy_accumulator and power · 6.4.3 and 7.0.2 energy_accumulator.
. "$(dirname "$0")/lib.sh"

keys() { # VERSION
    pypi "amdsmi==$1"
    amdsmi_stub
    "$python" - <<'EOF'
import amdsmi

amdsmi.amdsmi_init()
gpu, = amdsmi.amdsmi_get_processor_handles()
energy = amdsmi.amdsmi_get_energy_count(gpu)
print(*sorted({"power", "energy_accumulator"} & energy.keys()))
EOF
}
check 6.2.4 "power" keys 6.2.4
check 6.3.3 "energy_accumulator power" keys 6.3.3
check 6.4.3 "energy_accumulator" keys 6.4.3
check 7.0.2 "energy_accumulator" keys 7.0.2
