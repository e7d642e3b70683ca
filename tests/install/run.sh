#!/usr/bin/env bash
# The library as users get it: built once, installed, moved, and then used from outside the tree in every way that the
# README names, on the simulated machine that is installed with it.
. "$(dirname "$0")/../hermetic.sh"
set -Eeu
cd "$(dirname "$0")/../.."
root=$PWD
. tests/needs.sh
require $(needs install)
require_rust $RUST

target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
unset CARGO_TARGET_DIR
host=$(cargo -vV | sed -n 's/^host: //p')
build=$target/install
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'echo "failed: line $LINENO: $BASH_COMMAND" >&2; [ ! -f "$work/log" ] || cat "$work/log" >&2' ERR

# quietly COMMAND...: its output is shown only if it fails.
quietly() { "$@" >"$work/log" 2>&1; }

die() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}

part() { printf '  %s\n' "$*"; }

# in_machine COMMAND...: on an MI210 of constant power, with nothing around but the installed simulator.
watts=250
in_machine() {
    env -i PATH=/usr/bin:/bin "$prefix/bin/zeus-amd-sim" --machine "${machine:-mi210-1}" --rocm 6.2.4 \
        --with "all.power = { kind = \"constant\", w = $watts }" -- "$@"
}

# right PROGRAM [VARIABLE=VALUE...]: it runs, and its numbers are the machine's.
right() {
    local program=$1
    shift
    quietly in_machine env "$@" "$program" ${watts}000
}

needed() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
is_shared() { needed "$1" | grep -x 'libzeus_amd\.so\.0' >/dev/null || die "$1 does not ask for libzeus_amd.so.0"; }
is_static() { if needed "$1" | grep zeus >/dev/null; then die "$1 is not static"; fi; }

. tests/install/programs.sh

part "build, whatever cargo's environment says, and install"
quietly cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/nowhere -DCMAKE_INSTALL_LIBDIR=lib \
    -DMPI_C_COMPILER="$(command -v mpicc.openmpi)" -DZEUS_AMD_SIMULATOR=ON -DZEUS_AMD_EXAMPLES=OFF \
    -DZEUS_AMD_CARGO_TARGET_DIR="$target"
CARGO_BUILD_TARGET=none-such-triple quietly cmake --build "$build"
prefix=$work/first
quietly cmake --install "$build" --prefix "$prefix"
mpicc.openmpi tests/install/consumer/job.c -o "$work/job"
runs_from "$prefix"
profiles_from "$prefix"
regions_from "$prefix"

part "move"
mkdir "$work/away"
mv "$prefix" "$work/away/second"
prefix=$work/away/second
runs_from "$prefix"
profiles_from "$prefix"
regions_from "$prefix"
so=$prefix/lib/libzeus_amd.so.0
archive=$prefix/lib/libzeus_amd.a

part "T29: no file names the place where it was built or first installed"
for file in "$prefix"/lib/cmake/zeus_amd/* "$prefix"/lib/pkgconfig/*; do
    if grep -nE "$work|$build|/nowhere" "$file" >&2; then die "$file"; fi
done
for file in "$so" "$prefix"/lib/*.so "$prefix"/bin/*; do
    if readelf -dW "$file" | grep -E 'R(UN)?PATH' | grep -v '\[\$ORIGIN[^:]*\]' >&2; then die "$file"; fi
done
[ "$(readlink "$prefix/lib/libzeus_amd.so")" = libzeus_amd.so.0 ]
[ "$(readlink "$so")" = "libzeus_amd.so.$(pkg-config --modversion "$prefix/lib/pkgconfig/zeus_amd.pc")" ]
for header in include/*; do cmp -s "$header" "$prefix/$header" || die "$header is not installed"; done

part "components: each alone"
for component in runtime development examples debug simulator; do
    quietly cmake --install "$build" --prefix "$work/parts/$component" --component "$component"
done
diff <(cd "$prefix" && find . ! -type d | sort) <(cd "$work/parts" && find . ! -type d | cut -d/ -f3- | sed 's,^,./,' | sort)

. tests/install/newcomer.sh
. tests/install/consumers.sh
. tests/install/readme.sh
. tests/install/trees.sh
. tests/install/archive.sh
. tests/install/simulator.sh
. tests/install/ways.sh
