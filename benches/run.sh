#!/bin/sh
# What this library costs, as a table: each line is a ratio within one run, both sides in turns, medians. On the simulated
# machine, whose files lie in memory, so that a pread is the kernel's own and as short as one can be.
# usage: benches/run.sh        (Rust, cc, python3; Zeus comes from PyPI, and where it cannot, its half second stands in)
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../tests/python" && pwd)
. "$here/venv.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

cargo rustc --quiet --locked --release --lib --crate-type cdylib
cp "$target/release/libzeus_amd.so" "$work/libzeus_amd.so.0"
cc -O2 -Wall -Wextra -Werror -Iinclude -o "$work/speed" benches/speed.c "$work/libzeus_amd.so.0" -Wl,-rpath,"$work" -ldl
cc -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -Iinclude -o "$work/libzeus_amd_tools.so" tools/regions/*.c \
    tools/report/*.c tools/connect/*.c tools/files.c "$work/libzeus_amd.so.0" -Wl,-rpath,"$work" -Wl,-z,nodelete -lpthread -ldl -lm
cc -O2 -Wall -Wextra -Werror -o "$work/regions" benches/regions.c "$work/libzeus_amd_tools.so" -Wl,-rpath,"$work"
model=mi300x-8 counter= metrics=
machine() {
    "$sim" --machine "$model" --rocm 7.0.2 --with preload=false ${counter:+--with "$counter"} ${metrics:+--with "$metrics"} -- "$@"
}

# A libamd_smi that answers at once, on a tree with nothing but two cards: what is left is what stands before the call.
mkdir -p "$work/sys/class/drm/card0" "$work/sys/class/drm/card1" "$work/sys/module/amdgpu"
cc -O2 -shared -fPIC -Wl,-soname,libamd_smi.so.26 -DFAKE_MINOR=4 -o "$work/libamd_smi.so" tests/c/fake_amdsmi.c

# The constructor of Zeus, five times, in a process of its own: the median in seconds.
zeus=0.5 whose="Zeus's fixed half second (Zeus is not there)"
if {
    make_venv amdsmi-7.0.2 amdsmi==7.0.2 && packages=$(echo "$venv"/lib/python3*/site-packages) &&
        make_venv zeus-0.16.0 zeus==0.16.0 'httpx<1' nvidia-ml-py &&
        zeus=$(PYTHONPATH=$packages machine "$venv/bin/python" -c '
import gc, statistics, sys, time
from zeus.device.gpu.amd import AMDGPUs
took = []
for _ in range(5):
    begun = time.monotonic()
    gpus = AMDGPUs()
    took.append(time.monotonic() - begun)
    del gpus
    gc.collect()
print(statistics.median(took))')
} >"$work/log" 2>&1; then
    whose="Zeus 0.16.0's constructor"
else
    zeus=0.5
    sed 's/^/      /' "$work/log" >&2
fi

{
    echo 'what|here|limit|ratio|goal|met'
    machine "$work/speed" file
    # A table that describes itself, and a count that takes more than 40 bits.
    (metrics='all.metrics = "1.9"' counter='all.counter.initial = 3000000000000' && machine "$work/speed" file ', of 1.9')
    ZEUS_AMD_ROOT=$work ZEUS_AMD_AMDSMI=$work/libamd_smi.so "$work/speed" amdsmi "$work/libamd_smi.so"
    machine "$work/speed" all
    machine "$work/speed" window 1.25
    model=mi210-1 && machine "$work/speed" window 1.4 && model=mi300x-8
    machine "$work/speed" open "$zeus" "$whose"
    machine "$work/speed" sampler
    ZEUS_AMD_TOOLS_BUDGET=0 ZEUS_AMD_TOOLS_OUTPUT=$work/report machine "$work/regions"
    strip -o "$work/stripped.so" "$work/libzeus_amd.so.0"
    wc -c <"$work/stripped.so" | awk '{ printf "the library, stripped|%.0f kB||%.3f|<= 500 kB|%s\n", $1 / 1e3, $1 / 5e5, $1 <= 5e5 ? "yes" : "no" }'
} >"$work/table"
column -t -s '|' "$work/table"
