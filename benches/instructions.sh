#!/bin/sh
# Instructions of one energy reading, of one read_all over 8 GPUs, and of one window (begin and end) over 1 and over 8 GPUs,
# counted by callgrind: repeatable where times are not. Files are the simulated machine's, read without its preload.
# usage: benches/instructions.sh [PREFIX]     (PREFIX: an installed zeus_amd to measure instead of this tree's)
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/scripts/require.sh"
require cc:build-essential valgrind:valgrind
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
if [ $# -gt 0 ]; then
    include=$1/include
    library=$(find "$1" -name 'libzeus_amd.so' | head -n 1)
else
    cargo rustc --quiet --locked --release --lib --crate-type cdylib
    include=include library=${CARGO_TARGET_DIR:-target}/release/libzeus_amd.so
fi
cp "$library" "$work/libzeus_amd.so.0"
cc -O2 -I"$include" -o "$work/program" benches/instructions.c "$work/libzeus_amd.so.0" -Wl,-rpath,"$work"

# count MACHINE WHAT N: all instructions of a run.
count() {
    simulator/run --machine "$1" --rocm none --with preload=false -- \
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$work/program" "$2" "$3" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
# one MACHINE WHAT: instructions of one. The median of three, since the time that open takes varies by some polls.
one() {
    for _ in 1 2 3; do
        few=$(count "$1" "$2" 2000)
        many=$(count "$1" "$2" 12000)
        echo $(((many - few) / 10000))
    done | sort -n | sed -n 2p
}
printf '%-36s %s\n' \
    'energy of one GPU' "$(one mi300x-8 energy)" \
    'read_all, 8 GPUs' "$(one mi300x-8 all)" \
    'window begin and end, 8 GPUs' "$(one mi300x-8 window)" \
    'window restart and read, 8 GPUs' "$(one mi300x-8 restart)" \
    'window begin and end, 1 MI210' "$(one mi210-1 window)"
