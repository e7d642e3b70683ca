#!/usr/bin/env bash
# Debian 12's rocm-smi 5.2.3 shows 1002.7 J for a counter of 1000 J: its unit is 15.3 uJ, where the firmware's is 2^-16 J, 15.2588 uJ.
#
# energy_accumulator of gpu_metrics counts in 2^-16 J on MI200s and later. librocm_smi64 has the constant 15.3 for it and gives that to
# callers as the counter's resolution; the tool multiplies and prints eleven digits. All energies, and all powers made of their
# differences, are 0.27 % too high. As it is the same for each GPU and each run, no comparison between them shows it.
# Seen, of a counter of 1000 * 65536: "Accumulated Energy (uJ)": "1002700812.5".
. "$(dirname "$0")/lib.sh"
need python3
debian rocm-smi=5.2.3-2 librocm-smi64-1=5.2.3-2
# What the library asks an MI210 for when it starts.
gpu=sys/devices/pci0000:00/0000:00:01.1/0000:03:00.0
mkdir -p $gpu/hwmon/hwmon0 $gpu/drm/card0 sys/class/drm sys/module/amdgpu
ln -s ../../${gpu#sys/}/drm/card0 sys/class/drm/card0
ln -s ../../../0000:03:00.0 $gpu/drm/card0/device
echo live >sys/module/amdgpu/initstate
echo 0x1002 >$gpu/vendor
echo 0x740f >$gpu/device
echo 113-D67301-063 >$gpu/vbios_version
echo amdgpu >$gpu/hwmon/hwmon0/name
echo vddgfx >$gpu/hwmon/hwmon0/in0_label
node() { # NUMBER NAME GPU_ID PROPERTY=VALUE...
    local node=sys/class/kfd/kfd/topology/nodes/$1
    mkdir -p "$node/io_links/0"
    echo "$2" >"$node/name"
    echo "$3" >"$node/gpu_id"
    printf 'type 2\nnode_from %s\nnode_to %s\nweight 20\n' "$1" $((1 - $1)) >"$node/io_links/0/properties"
    shift 3
    printf '%s\n' "${@//=/ }" >"$node/properties"
}
node 0 "" 0 cpu_cores_count=64 simd_count=0
node 1 aldebaran 4242 cpu_cores_count=0 simd_count=416 array_count=8 simd_arrays_per_engine=1 cu_per_simd_array=16 \
    location_id=768 domain=0 hive_id=0
cat >table.py <<'EOT'
import struct
import sys

table = bytearray(b"\xff" * 120)  # gpu_metrics_v1_3; all ones is "not there"
struct.pack_into("<HBB", table, 0, len(table), 1, 3)
struct.pack_into("<Q", table, 24, 1000 << 16)  # energy_accumulator
sys.stdout.buffer.write(table)
EOT
python3 table.py >$gpu/gpu_metrics
check "1000 J" '{"card0": {"Energy counter": "65536000", "Accumulated Energy (uJ)": "1002700812.5"}}' \
    in_sys rocm-smi --showenergycounter --json
