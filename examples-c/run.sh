#!/bin/sh
# The main job in one command: builds the library and the C example, and reports the energy of each GPU.
#
#     examples-c/run.sh [--seconds N] [-- command arguments...]
#
# On a machine with AMD GPUs it measures those, elsewhere the simulated node with 8 MI300X. Needs a C compiler and Rust 1.77
# (1.85 for the simulated node); installs the compiler with apt-get where it may. The first build takes one to three minutes.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)

usage() { sed -n '2,/^set/{/^set/q;s/^# \{0,1\}//p;}' "$here/examples-c/run.sh"; }
refuse() {
    echo "examples-c/run.sh: $1; --help shows the options" >&2
    exit 2
}
# Before anything is built.
next=
for word; do
    case $next$word in
    --) break ;;
    -h | --help) usage; exit 0 ;;
    --seconds) next=seconds: ;;
    seconds:*[!0-9.]* | seconds:) refuse "--seconds $word: not a number" ;;
    seconds:*) next= ;;
    *) refuse "no option $word" ;;
    esac
done
[ -z "$next" ] || refuse "--seconds needs a number"

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
# The library alone needs 1.77; the simulator's own dependencies are younger. Rust first: nothing is installed in vain.
needed=85
[ "$real" = 0 ] || needed=77
rust_is_here $needed || {
    is_here cc || echo "and a C compiler (on Debian the package build-essential)" >&2
    exit 1
}
require cc:build-essential

# With cargo's own progress where there is a terminal.
step() { [ ! -t 2 ] || echo "$1" >&2; }
quiet=--quiet
[ ! -t 2 ] || quiet=

target=${CARGO_TARGET_DIR:-$here/target}
case $target in /*) ;; *) target=$here/$target ;; esac
export CARGO_TARGET_DIR="$target"
step "$(rustc --version), $(cc --version | head -n 1)"
step "building the library, which takes about a minute the first time"
# shellcheck disable=SC2086 # one word or none
(cd "$here" && cargo rustc $quiet --locked --release --lib --crate-type cdylib)
mkdir -p "$target/examples-c"
cc -std=c99 -O2 -Wall -Wextra -I"$here/include" "$here/examples-c/energy_report.c" -o "$target/examples-c/energy_report" \
    -L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release"

# The program records the soname; cargo makes the plain name only.
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"

if [ "$real" -gt 0 ]; then
    exec "$target/examples-c/energy_report" "$@"
fi
step "building the simulated machine, which takes about a minute the first time"
exec "$here/simulator/run" --machine mi300x-8 --rocm 7.0.2 -- "$target/examples-c/energy_report" "$@"
