#!/bin/sh
# All at once, for long: 8 simulated GPUs at 1 kHz, windows, threads and sessions that come and go, forks. No sample is lost,
# memory stays flat, each energy is inside its uncertainty. Prints figures and fails where that does not hold.
#
#     tests/soak.sh [MINUTES]         (default: 60; at least 3)
#
# Runs on copies of the test program and the library in a temporary folder, so that they may be built anew meanwhile.
. "$(dirname "$0")/hermetic.sh"
set -eu
cd "$(dirname "$0")/.."
minutes=${1:-60}
built=$(cargo test --no-run --test suite 2>&1 | sed -n 's/.*(\(.*suite-[0-9a-f]*\))$/\1/p')
[ -x "$built" ] || { echo "tests/soak.sh: the tests do not build" >&2; exit 1; }
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp "$built" "$(dirname "$built")/libzeus_amd.so" "$(dirname "$built")"/libzeus_amd_sim-*.a "$copy"
ln -s libzeus_amd.so "$copy/libzeus_amd.so.0"
ZEUS_AMD_SOAK_MINUTES=$minutes CARGO_MANIFEST_DIR=$PWD "$copy/$(basename "$built")" --ignored --nocapture soak::
