#!/bin/sh
# The main job in one command: builds the library and the C example, and reports the energy of each GPU.
#
#     examples-c/run.sh [--seconds N] [-- command arguments...]
#
# On a machine with AMD GPUs it measures those, elsewhere the simulated node with 8 MI300X.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

amd_gpus() {
    n=0
    for vendor in /sys/class/drm/card[0-9]*/device/vendor; do
        case $vendor in */card*-*/*) continue ;; esac
        [ -r "$vendor" ] && [ "$(cat "$vendor")" = 0x1002 ] && [ -e /sys/module/amdgpu ] && n=$((n + 1))
    done
    echo "$n"
}

real=$(amd_gpus)
if [ "$real" -gt 0 ]; then
    echo "Real machine: $real AMD GPU(s)."
else
    echo "Simulated machine: 8 MI300X of ROCm 7.0.2 (this one has no AMD GPU)."
fi

# shellcheck source=../scripts/require.sh
. "$here/scripts/require.sh"
require cc:build-essential
# The library alone needs 1.77; the simulator's own dependencies are younger.
if [ "$real" -gt 0 ]; then require_rust 77; else require_rust 85; fi

target=${CARGO_TARGET_DIR:-$here/target}
case $target in /*) ;; *) target=$here/$target ;; esac
export CARGO_TARGET_DIR="$target"
(cd "$here" && cargo rustc --quiet --locked --release --lib --crate-type cdylib)
mkdir -p "$target/examples-c"
cc -std=c99 -O2 -Wall -Wextra -I"$here/include" "$here/examples-c/energy_report.c" -o "$target/examples-c/energy_report" \
    -L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release"

# The program records the soname; cargo makes the plain name only.
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"

if [ "$real" -gt 0 ]; then
    exec "$target/examples-c/energy_report" "$@"
fi
exec "$here/simulator/run" --machine mi300x-8 --rocm 7.0.2 -- "$target/examples-c/energy_report" "$@"
