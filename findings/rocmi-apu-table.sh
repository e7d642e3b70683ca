#!/usr/bin/env bash
# rocmi 0.3.1 reads the metrics table of an APU as that of a GPU: a core's temperature becomes the power.
#
# The kernel's gpu_metrics starts with a format revision (1 for GPUs, 2 and 3 for APUs) and a content revision. rocmi looks at the
# second only, so an APU's 2.3 is taken for 1.3: no error, other fields. Where 1.3 has the socket power, 2.3 has the temperature of
# the eighth core, in hundredths of a degree. What the comment of current_power calls milliwatts is microwatts besides.
# Seen, on a 2.3 table whose socket power is 15 and whose eighth core has 45.5 degrees: 4550000000.
. "$(dirname "$0")/lib.sh"
pypi rocmi==0.3.1

cat >table.py <<'EOF'
import pathlib
import struct
from unittest import mock

table = bytearray(b"\xff" * 152)  # gpu_metrics_v2_3; 0xFFFF is "not there"
struct.pack_into("<HBB", table, 0, len(table), 2, 3)
struct.pack_into("<8H", table, 8, *[4400] * 7, 4550)  # temperature_core
struct.pack_into("<H", table, 40, 15)  # average_socket_power
pathlib.Path("gpu_metrics").write_bytes(table)

with mock.patch("os.listdir", lambda folder: []):  # it lists the machine's GPUs when it is imported
    import rocmi
print(rocmi.DeviceInfo(".").current_power)
EOF
check "power" 4550000000 "$python" table.py
