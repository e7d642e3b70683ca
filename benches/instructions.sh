#!/bin/sh
# Instructions of one energy reading, of one read_all over 8 GPUs, and of one window over 1 and over 8 GPUs, counted by
# callgrind: steady where times are not. Files are the simulated machine's, read without its preload. Under callgrind a
# window takes so long that many of its readings are new ones, which cost more than repeated ones.
# usage: benches/instructions.sh [PREFIX]     (PREFIX: an installed zeus_amd to measure instead of this tree's)
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/scripts/require.sh"
require cc:build-essential valgrind:valgrind
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
. benches/library.sh
installed_or_built "$work" "${1-}"
cc -O2 -I"$include" -o "$work/program" benches/instructions.c "$work/libzeus_amd.so.0" -Wl,-rpath,"$work"

# line TEXT MACHINE WHAT GOAL
line() {
    all=$(simulator/run --machine "$2" --rocm none --with preload=false -- \
        valgrind --tool=callgrind --toggle-collect=repeat --callgrind-out-file=/dev/null "$work/program" "$3" 2000 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p')
    one=$((all / 2000))
    met=
    [ -z "$4" ] || { [ "$one" -le "$4" ] && met=yes || met=no; }
    echo "$1|$one|$4|$met"
}
line 'energy of one GPU' mi300x-8 energy ''
line 'read_all, 8 GPUs' mi300x-8 all ''
line 'window begin and end, 8 GPUs' mi300x-8 window 7000
line 'window restart and read, 8 GPUs' mi300x-8 restart 7000
line 'window begin and end, 1 MI210' mi210-1 window ''
