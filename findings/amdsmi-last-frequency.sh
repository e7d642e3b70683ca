#!/usr/bin/env bash
# amdsmi 6.2.4 leaves out the last frequency of a clock: the highest one.
#
# amdsmi_get_clk_freq says how many frequencies a clock has, and lists one less. Levels rise, so what lacks is the maximum; of a
# clock with one level nothing is left. 6.3.3 lists all.
# Seen, on three levels of 500, 1000 and 1700 MHz: 6.2.4 says 3 and lists 500 and 1000; 6.3.3 lists three.
. "$(dirname "$0")/lib.sh"

clock() { # VERSION
    pypi "amdsmi==$1"
    amdsmi_stub
    "$python" - <<'EOF'
import amdsmi

amdsmi.amdsmi_init()
gpu, = amdsmi.amdsmi_get_processor_handles()
clock = amdsmi.amdsmi_get_clk_freq(gpu, amdsmi.AmdSmiClkType.GFX)
print(clock["num_supported"], [hz // 1_000_000 for hz in clock["frequency"]])
EOF
}
check 6.2.4 "3 [500, 1000]" clock 6.2.4
check 6.3.3 "3 [500, 1000, 1700]" clock 6.3.3
