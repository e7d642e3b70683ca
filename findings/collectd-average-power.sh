#!/usr/bin/env bash
# collectd 5.12.0 (Debian 12) has no power of a GPU that gives its average only, as MI100s, MI200s and Radeons do.
#
# hwmon has power1_average, power1_input or both, and which of them amdgpu makes depends on the GPU: MI300s have the input. libsensors
# gives either. collectd's sensors plugin asks it for the input alone, and a sensor without one is left out with no message: voltage
# and temperature of the same GPU are there, its power is not, so a sum over nodes of several models is too low.
# Seen, of one GPU: both files: temperature, voltage and power (of the input, 140 W); the average alone: temperature and voltage.
. "$(dirname "$0")/lib.sh"
debian collectd-core=5.12.0-14 libsensors5=1:3.6.0-7.1

device=sys/devices/pci0000:00/0000:00:01.1/0000:03:00.0
hwmon=$device/hwmon/hwmon0
mkdir -p $hwmon sys/class/hwmon
ln -s ../../devices/pci0000:00/0000:00:01.1/0000:03:00.0/hwmon/hwmon0 sys/class/hwmon/hwmon0
ln -s ../../../0000:03:00.0 $hwmon/device
ln -s ../../../../bus/pci $device/subsystem
cd $hwmon
echo amdgpu >name
echo 850 >in0_input
echo 45000 >temp1_input
echo PPT >power1_label
echo 95000000 >power1_average
echo 140000000 >power1_input
cd "$work"
(in_sys true) || cannot "no mount namespace for this user"

cat >collectd.conf <<EOT
BaseDir "$work"
PluginDir "$debian/usr/lib/collectd"
TypesDB "$debian/usr/share/collectd/types.db"
Hostname "node"
FQDNLookup false
Interval 1
WriteThreads 1
LoadPlugin csv
LoadPlugin sensors
<Plugin csv>
  DataDir "$work/csv"
</Plugin>
<Plugin sensors>
  SensorConfigFile "/dev/null"
</Plugin>
EOT
# One thread writes what was read in order: a third voltage comes after all of the second reading.
values() {
    rm -rf csv
    in_sys collectd -f -C "$work/collectd.conf" >/dev/null 2>&1 &
    for ((try = 0; try < 600; try++)); do
        [ "$(cat csv/node/*/voltage-in0-* 2>/dev/null | grep -c '^[0-9]')" -lt 3 ] || break
        sleep 0.1
    done
    kill $!
    wait $! || true
    [ "$try" -lt 600 ] || cannot "collectd has written too little in a minute"
    for file in csv/node/*/*; do
        file=${file#csv/node/sensors-}
        echo "${file%-????-??-??} $(tail -n 1 "csv/node/sensors-$file" | cut -d , -f 2)"
    done | sort -u
}
export PATH=$debian/usr/sbin:$PATH
check "both powers" "amdgpu-pci-0300/power-power1 140.000000
amdgpu-pci-0300/temperature-temp1 45.000000
amdgpu-pci-0300/voltage-in0 0.850000" values
rm $hwmon/power1_input
check "average only" "amdgpu-pci-0300/temperature-temp1 45.000000
amdgpu-pci-0300/voltage-in0 0.850000" values
