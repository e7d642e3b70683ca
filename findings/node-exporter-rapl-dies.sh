#!/usr/bin/env bash
# Prometheus' node_exporter 1.5.0 (Debian 12) gives each die of a processor a metric name of its own, and all the index 0.
#
# Linux calls a RAPL zone package-0, and package-0-die-1 where a package has more than one die. node_exporter makes the name's last
# number the label "index" and the rest the metric's name only where one number is in it. So a sum of node_rapl_package_joules_total,
# the usual one, has no series at all on such a machine, and no index tells the dies of one socket apart.
# Seen: node_rapl_package_joules_total of index 0 and 1; with dies, node_rapl_package_0_die_0_joules_total and ..._die_1_..., both 0.
. "$(dirname "$0")/lib.sh"
need curl python3
debian prometheus-node-exporter=1.5.0-1+b6
zones() { # NAME NAME
    local number=0
    for name; do
        zone=sys/class/powercap/intel-rapl:$number
        mkdir -p "$zone"
        echo "$name" >"$zone/name"
        echo 5000000 >"$zone/energy_uj"
        echo 262143328850 >"$zone/max_energy_range_uj"
        number=$((number + 1))
    done
    node_exporter rapl rapl
}
check "two packages" 'node_rapl_package_joules_total{index="0",path="sys/class/powercap/intel-rapl:0"} 5
node_rapl_package_joules_total{index="1",path="sys/class/powercap/intel-rapl:1"} 5' zones package-0 package-1
check "two dies" 'node_rapl_package_0_die_0_joules_total{index="0",path="sys/class/powercap/intel-rapl:0"} 5
node_rapl_package_0_die_1_joules_total{index="0",path="sys/class/powercap/intel-rapl:1"} 5' zones package-0-die-0 package-0-die-1
