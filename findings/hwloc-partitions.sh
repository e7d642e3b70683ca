#!/usr/bin/env bash
# hwloc 2.9.0 (Debian 12) places one partition of an MI300 at its NUMA node, and the other ones at the whole machine.
#
# In the modes DPX, QPX and CPX, amdgpu makes a DRM device for each partition: the first one below the PCI device, the others below
# platform devices of their own, amdgpu_xcp_N, which have no NUMA node. hwloc takes the place from the path. So a launcher that binds
# each rank next to its GPU does that for the first partition, and leaves the ranks of the others on all processors, with no message.
# Seen, a GPU at NUMA node 1 of two with two partitions: renderD128 has processor 1 (0x2), renderD129 has both (0x3).
. "$(dirname "$0")/lib.sh"
debian hwloc-nox=2.9.0-1 libhwloc15=2.9.0-1
# Two processors, each with a NUMA node; a GPU at the second.
root=$work/root
mkdir -p root/proc root/sys/class/drm root/sys/bus/pci/devices root/sys/devices/system/{cpu,node}
touch root/proc/cpuinfo
cd root/sys/devices/system
for list in cpu/online cpu/possible node/online; do echo 0-1 >$list; done
for number in 0 1; do
    mkdir -p cpu/cpu$number/topology node/node$number
    echo 0 >cpu/cpu$number/topology/physical_package_id
    echo 3 >cpu/cpu$number/topology/package_cpus
    echo $number >cpu/cpu$number/topology/core_id
    echo $((1 << number)) | tee cpu/cpu$number/topology/core_cpus >node/node$number/cpumap
    echo "Node $number MemTotal: 1000000 kB" >node/node$number/meminfo
done
cd ../..
gpu=devices/pci0000:00/0000:00:01.1/0000:03:00.0
mkdir -p $gpu
echo 0x120000 >$gpu/class
echo 0x1002 >$gpu/vendor
echo 0x74a1 >$gpu/device
echo 1 >$gpu/numa_node
echo 2 >$gpu/local_cpus
head -c 64 /dev/zero >$gpu/config
ln -s ../../../$gpu bus/pci/devices/
partition() { # NAME MINOR DEVICE
    mkdir -p "$3/drm/$1"
    echo "226:$2" >"$3/drm/$1/dev"
    ln -s "../../../${3##*/}" "$3/drm/$1/device"
    ln -s "../../$3/drm/$1" class/drm/
}
partition renderD128 128 $gpu
partition renderD129 129 devices/platform/amdgpu_xcp_0
cd "$work"

export HWLOC_FSROOT=$root HWLOC_THISSYSTEM=0 HWLOC_COMPONENTS=linux,stop
check "processors of NUMA node 1" 0x00000002 hwloc-calc numanode:1
check "processors near the first partition" 0x00000002 hwloc-calc os=renderD128
check "processors near the second partition" 0x00000003 hwloc-calc os=renderD129
