#!/usr/bin/env bash
# Debian 12's rocm-smi 5.2.3 shows no GPU at all where one of them has no voltage in hwmon, as every MI300: one absent file.
#
# The kernel hides in0_input and in0_label of MI300s (hwmon_attributes_visible in drivers/gpu/drm/amd/pm/amdgpu_pm.c), because there is no
# vddgfx to show. librocm_smi64 reads the label of each GPU when it starts, and takes the absent file for a failure of rsmi_init: so the
# MI210 beside an MI300 is gone as well, and the tool ends with status 8. The same files with the label show both.
# Seen: "Exception caught: rsmi_init." and "ROCm SMI returned 8 (the expected value is 0)".
. "$(dirname "$0")/lib.sh"
need python3
debian rocm-smi=5.2.3-2 librocm-smi64-1=5.2.3-2
mkdir -p sys/class/drm sys/module/amdgpu
echo live >sys/module/amdgpu/initstate
node() { # NUMBER NAME GPU_ID PROPERTY=VALUE...
    local node=sys/class/kfd/kfd/topology/nodes/$1
    mkdir -p "$node/io_links/0"
    echo "$2" >"$node/name"
    echo "$3" >"$node/gpu_id"
    printf 'type 2\nnode_from %s\nnode_to %s\nweight 20\n' "$1" $((1 - ($1 > 0))) >"$node/io_links/0/properties"
    shift 3
    printf '%s\n' "${@//=/ }" >"$node/properties"
}
gpu() { # CARD BUS DEVICE LOCATION NAME
    local pci=sys/devices/pci0000:00/0000:00:0$2.1/0000:0$2:00.0
    mkdir -p "$pci/hwmon/hwmon$1" "$pci/drm/card$1"
    ln -s "../../${pci#sys/}/drm/card$1" "sys/class/drm/card$1"
    ln -s "../../../0000:0$2:00.0" "$pci/drm/card$1/device"
    echo 0x1002 >"$pci/vendor"
    echo "$3" >"$pci/device"
    echo 113-D67301-063 >"$pci/vbios_version"
    echo amdgpu >"$pci/hwmon/hwmon$1/name"
    echo vddgfx >"$pci/hwmon/hwmon$1/in0_label"
    node $(($1 + 1)) "$5" $((4242 + $1)) cpu_cores_count=0 simd_count=416 array_count=8 simd_arrays_per_engine=1 \
        cu_per_simd_array=16 location_id="$4" domain=0 hive_id=0
}
node 0 "" 0 cpu_cores_count=64 simd_count=0
gpu 0 3 0x740f 768 aldebaran
gpu 1 4 0x74a1 1024 aqua_vanjaram
ids() { (in_sys rocm-smi --showid --json 2>&1); }
check "both have a voltage" '{"card0": {"GPU ID": "0x740f"}, "card1": {"GPU ID": "0x74a1"}}' ids
rm sys/devices/pci*/*/0000:04:00.0/hwmon/hwmon1/in0_label
check "the MI300X has none" "Exception caught: rsmi_init.
ERROR:root:ROCm SMI returned 8 (the expected value is 0) (status 8)" ids
