#!/usr/bin/env bash
# The crate amdgpu-sysfs 0.22.0 has no temperature of an MI300: it counts up from temp1 and stops at the first one that is missing.
#
# amdgpu numbers a temperature by what it is: temp1 is edge, temp2 junction, temp3 memory. A sensor that the GPU does not have leaves a
# gap, and MI300s have no edge. HwMon::get_temps, which has no error to return, gives an empty map for them, with the junction and the
# memory there to be read. A tool that warns of a hot junction stays silent.
# Seen, junction 70 and memory 60 degrees: with temp1: edge, junction, mem; without: nothing.
. "$(dirname "$0")/lib.sh"
need cargo
mkdir -p src hwmon
cat >Cargo.toml <<'EOT'
[package]
name = "temperatures"
version = "0.0.0"
edition = "2021"
[dependencies]
amdgpu-sysfs = "=0.22.0"
EOT
cat >src/main.rs <<'EOT'
use amdgpu_sysfs::hw_mon::HwMon;

fn main() {
    let temperatures = HwMon::new_from_path("hwmon".into()).unwrap().get_temps();
    let mut lines: Vec<_> = temperatures.iter().map(|(name, t)| format!("{name} {}", t.current.unwrap())).collect();
    lines.sort();
    println!("{} {}", lines.len(), lines.join(" "));
}
EOT
CARGO_HOME=$PWD/cargo CARGO_TARGET_DIR=target cargo build --quiet 2>log || cannot "cargo: $(tail -n 1 log)"
sensor() { # NUMBER NAME MILLIDEGREES
    echo "$2" >"hwmon/temp$1_label"
    echo "$3" >"hwmon/temp$1_input"
}
echo amdgpu >hwmon/name
sensor 1 edge 45000
sensor 2 junction 70000
sensor 3 mem 60000
check "with edge" "3 edge 45 junction 70 mem 60" target/debug/temperatures
rm hwmon/temp1_*
check "without" "0 " target/debug/temperatures
