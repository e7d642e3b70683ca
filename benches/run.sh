#!/bin/sh
# What this library costs, as a table: each line is a ratio within one run, both sides in turns, medians. On the simulated
# machine, whose files lie in memory, so that a pread is the kernel's own and as short as one can be. README.md says how to
# read it.
# usage: benches/run.sh [--against PREFIX]
#   --against PREFIX  beside an installed zeus_amd, such as the last release: its figures in a column of their own
# Needs Rust, cc, python3; valgrind for the instructions. AMD's package and Zeus come from PyPI; where they cannot, their lines
# are left out, and Zeus's half second stands in for its constructor.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")/../tests/python" && pwd)
. "$here/venv.sh"
before=
case ${1-} in
--against) before=$(CDPATH= cd -- "$2" && pwd) ;;
'') ;;
*) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
. benches/library.sh

model=mi300x-8 counter= metrics=
machine() {
    "$sim" --machine "$model" --rocm 7.0.2 --with preload=false ${counter:+--with "$counter"} ${metrics:+--with "$metrics"} -- "$@"
}

# A libamd_smi that answers at once, on a tree with nothing but two cards: what is left is what stands before the call.
mkdir -p "$work/sys/class/drm/card0" "$work/sys/class/drm/card1" "$work/sys/module/amdgpu"
cc -O2 -shared -fPIC -Wl,-soname,libamd_smi.so.26 -DFAKE_MINOR=4 -o "$work/libamd_smi.so" tests/c/fake_amdsmi.c

# The constructor of Zeus, five times, in a process of its own: the median in seconds.
zeus=0.5 whose="Zeus's fixed half second (Zeus is not there)" packages=
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
    zeus=0.5 packages=
    sed 's/^/      /' "$work/log" >&2
fi

# lines FOLDER: all lines of the library in FOLDER, "what|here|limit|ratio|goal|met".
lines() {
    speed=$1/speed
    machine "$speed" file
    # A table that describes itself, and a count that takes more than 40 bits.
    (metrics='all.metrics = "1.9"' counter='all.counter.initial = 3000000000000' && machine "$speed" file ', of 1.9')
    ZEUS_AMD_ROOT=$work ZEUS_AMD_AMDSMI=$work/libamd_smi.so "$speed" amdsmi "$work/libamd_smi.so"
    machine "$speed" all
    machine "$speed" window 1.25
    (model=mi210-1 && machine "$speed" window 1.4)
    machine "$speed" open "$zeus" "$whose"
    machine "$speed" sampler
    strip -o "$1/stripped.so" "$1/libzeus_amd.so.0"
    wc -c <"$1/stripped.so" | awk '{ printf "the library, stripped|%.0f kB||||\n", $1 / 1e3 }'
    if command -v valgrind >/dev/null; then
        benches/instructions.sh ${2:+"$2"} | awk -F'|' '{ printf "instructions: %s|%s|||%s|%s\n", $1, $2, $3 ? "<= " $3 : "", $4 }'
    fi
}

# made FOLDER [PREFIX]: the library and the program that measures it.
made() {
    mkdir "$1"
    installed_or_built "$1" "${2-}"
    cc -O2 -Wall -Wextra -Werror -I"$include" -o "$1/speed" benches/speed.c "$1/libzeus_amd.so.0" -Wl,-rpath,"$1" -ldl
}
made "$work/here"
[ -z "$before" ] || { made "$work/before" "$before" && lines "$work/before" "$before" >"$work/before/table"; }
lines "$work/here" '' >"$work/here/table"

cc -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Werror -Iinclude -o "$work/libzeus_amd_tools.so" tools/regions/*.c \
    tools/report/*.c tools/connect/*.c tools/files.c "$work/here/libzeus_amd.so.0" -Wl,-rpath,"$work/here" -Wl,-z,nodelete -lpthread -ldl -lm
cc -O2 -Wall -Wextra -Werror -o "$work/regions" benches/regions.c "$work/libzeus_amd_tools.so" -Wl,-rpath,"$work"
ZEUS_AMD_TOOLS_BUDGET=0 ZEUS_AMD_TOOLS_OUTPUT=$work/report machine "$work/regions" >>"$work/here/table"
# The profiler, with each MPI that is here: without readings, which have a budget of their own.
for mpi in openmpi mpich; do
    command -v "mpicc.$mpi" >/dev/null || continue
    benches/pmpi.sh "$mpi" "$work/here" | sed "s/^profiler/$mpi/" >>"$work/here/table"
done
if [ -n "$packages" ]; then
    ZEUS_AMD_LIBRARY=$work/here/libzeus_amd.so.0 PYTHONPATH=$root/python:$packages machine "$venv/bin/python" benches/peers.py \
        >>"$work/here/table"
fi

# With --against, its ratio, or where a line has none its figure, in a column before the goal.
old=$work/before/table
[ -n "$before" ] || { old=$work/none && echo >"$old"; }
awk -F'|' -v old="${before:+yes}" '
    FNR == 1 { file++ }
    file == 1 { before[$1] = $4 != "" ? $4 : $2; next }
    !said++ { print "what|here|limit|ratio" (old ? "|before" : "") "|goal|met" }
    { print $1 "|" $2 "|" $3 "|" $4 (old ? "|" before[$1] : "") "|" $5 "|" $6 }' \
    "$old" "$work/here/table" |
    column -t -s '|'
