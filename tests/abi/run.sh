#!/usr/bin/env bash
# Today's header and library against every release that is kept in tests/abi-snapshots: its declarations by abidiff, its symbols,
# and its program, built with its header and run with the library of today. First the gate itself is tried.
. "$(dirname "$0")/../hermetic.sh"
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
. tests/needs.sh
require $(needs abi)
require_rust $RUST
. tests/abi/lib.sh

target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
export CARGO_TARGET_DIR="$target"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/changed"
cargo rustc --quiet --locked --release --lib --crate-type cdylib
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"

failed=0
fail() {
    printf 'failed: %s\n' "$*" >&2
    failed=1
}

# passes|refused WHAT SED-SCRIPT: how abidiff must judge a change of the header.
passes() {
    changed "$2" || fail "the change \"$1\" changes nothing"
    same_abi include/zeus_amd.h "$work/changed/zeus_amd.h" >"$work/log" 2>&1 || { fail "abidiff refuses: $1"; cat "$work/log"; }
}
refused() {
    changed "$2" || fail "the change \"$1\" changes nothing"
    if same_abi include/zeus_amd.h "$work/changed/zeus_amd.h" >"$work/log" 2>&1; then fail "abidiff lets pass: $1"; fi
    grep -q 'Removed\|Changed\|changed' "$work/log" || { fail "abidiff did not judge: $1"; cat "$work/log"; }
}

echo "  the gate itself"
same_abi include/zeus_amd.h include/zeus_amd.h >"$work/log" 2>&1 || { fail "a header differs from itself"; cat "$work/log"; }
diff cmake/exports.txt <(nm -D --defined-only "$work/new.so" | awk '$2 == "T" { print $3 }' | LC_ALL=C sort) ||
    fail "the probe's functions are not the header's"
passes "a field at the end of a struct" 's/^\} zeus_amd_gpu_info_t;/    uint64_t more;\n&/'
passes "a new function" 's/^ZEUS_AMD_API uint32_t zeus_amd_version\(void\);/&\nuint32_t zeus_amd_new(void);/'
passes "a new status" 's/^( *)ZEUS_AMD_STATUS_INTERNAL = -99,/&\n\1ZEUS_AMD_STATUS_NEW = -100,/'
refused "a field in the middle of a struct" 's/^    uint32_t unmasked_index;/    uint32_t more;\n&/'
refused "two fields in another order" 's/^    uint32_t (flags|device_id);$/    uint32_t X\1;/; s/Xflags/device_id/; s/Xdevice_id/flags/'
refused "a field of another size" 's/^    zeus_amd_counter_state_t counter_state;/    uint64_t counter_state;/'
refused "a shorter text" 's/^    char rocm\[32\];/    char rocm[16];/'
refused "a field that is gone" '/^    char package\[64\];/d'
refused "a parameter of another type" 's/(zeus_amd_status_string)\(int32_t status\)/\1(int64_t status)/'
refused "a function that is gone" '/zeus_amd_version_string\(void\);/d'
refused "a status of another number" 's/(ZEUS_AMD_STATUS_BUSY) = -7/\1 = -97/'
refused "a counter state of another number" 's/(ZEUS_AMD_COUNTER_STATE_STUCK) = 2/\1 = 12/'
refused "a flag of another bit" 's/(#define ZEUS_AMD_OPEN_EXPLICIT_MASKS_BIT) 8$/\1 2048/'

echo "  a release that is kept now, in a temporary place"
version=$(sed -n 's/^version = "\([0-9]*\.[0-9]*\)\..*/\1/p' Cargo.toml | head -n 1)
tests/abi-snapshots/freeze.sh "$version" "$work/kept" >"$work/log"
mkdir "$work/released"
cp -r --parents Cargo.toml CHANGELOG.md include/zeus_amd.h cmake/exports.txt tests/abi-snapshots "$work/released"
sed -i "s/^\(## $version\.0\) .*/\1 (2000-01-01)/" "$work/released/CHANGELOG.md"
"$work/released/tests/abi-snapshots/freeze.sh" "$version" "$work/out" >"$work/log"
if "$work/released/tests/abi-snapshots/freeze.sh" "$version" "$work/out" >/dev/null 2>&1; then fail "a release is kept twice"; fi
if tests/abi-snapshots/freeze.sh 99.0 "$work/other" >/dev/null 2>&1; then fail "a version that this is not is kept"; fi
old_program "$work/kept" "$work/kept" || fail "the program of this version"
for change in 's/^    uint32_t unmasked_index;/    uint64_t more;\n&/' 's/^    double resolution_uj;$/    uint64_t more;\n&/' \
    's/^    uint32_t gpu_count;/    uint32_t backend_;\n&/' 's/^    zeus_amd_method_t method;/    uint64_t more;\n&/'; do
    changed "$change" || fail "$change changes nothing"
    if old_program "$work/kept" "$work/changed" >"$work/log" 2>&1; then fail "the program does not see $change"; fi
    grep -q ': .*, not ' "$work/log" || { fail "not for its numbers: $change"; cat "$work/log"; }
done

kept=0
for old in tests/abi-snapshots/[0-9]*/; do
    [ -d "$old" ] || continue
    kept=$((kept + 1))
    old=${old%/}
    echo "  $old"
    if [ ! -f "$old/zeus_amd.h" ] || [ ! -f "$old/program.c" ] || [ ! -f "$old/exports.txt" ]; then
        fail "$old is not whole"
        continue
    fi
    same_abi "$old/zeus_amd.h" include/zeus_amd.h || fail "$old/zeus_amd.h: programs built with it break"
    gone=$(comm -23 <(LC_ALL=C sort "$old/exports.txt") <(nm -D --defined-only "$target/release/libzeus_amd.so" | awk '{ print $3 }' | LC_ALL=C sort))
    [ -z "$gone" ] || fail "$old had, and the library has not:" $gone
    old_program "$old" "$old" || fail "the program of $old"
done
[ "$kept" -gt 0 ] || fail "no release is kept in tests/abi-snapshots: tests/abi-snapshots/freeze.sh $version"
echo "  $kept release(s) kept in tests/abi-snapshots"
exit $failed
