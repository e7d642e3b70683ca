#!/usr/bin/env bash
# carbontracker 2.4.7: where one socket's energy counter wraps, all sockets have 0 W.
#
# The powers are the differences of two readings, and max_energy_range_uj is not read, so a wrapped counter makes a negative power.
# Then three attempts follow, all on the two readings that are there: none can end otherwise. What is left is 0 W for every socket,
# the ones that did not wrap included, with no message. A counter that wraps at 262 kJ does so each 22 minutes at 200 W.
# Seen, of two sockets that draw 100 W and 120 W: both powers; with a wrap of the first one: 0.0 and 0.0.
. "$(dirname "$0")/lib.sh"
pypi carbontracker==2.4.7
cat >sockets.py <<'EOF'
import pathlib
import sys
from unittest import mock

from carbontracker.components.cpu import intel

WRAP_UJ = 262_143_328_850
root = pathlib.Path("powercap")


def write(first_uj, second_uj):
    for socket, energy_uj in enumerate([first_uj, second_uj]):
        zone = root / f"intel-rapl:{socket}"
        zone.mkdir(parents=True, exist_ok=True)
        (zone / "name").write_text(f"package-{socket}\n")
        (zone / "max_energy_range_uj").write_text(f"{WRAP_UJ}\n")
        (zone / "energy_uj").write_text(f"{energy_uj % WRAP_UJ}\n")


start = int(sys.argv[1])
write(start, 0)
a_second = mock.patch("time.sleep", lambda seconds: write(start + 100_000_000, 120_000_000))
with mock.patch.object(intel, "RAPL_DIR", str(root)), a_second:
    cpu = intel.IntelCPU([], False)
    cpu.init()
    print(sorted(zip(cpu.devices(), cpu.power_usage())))
EOF
check "watts" "[('cpu:0', 100.0), ('cpu:1', 120.0)]" "$python" sockets.py 0
check "watts, the first one wraps" "[('cpu:0', 0.0), ('cpu:1', 0.0)]" "$python" sockets.py 262143000000
