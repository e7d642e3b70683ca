#!/usr/bin/env bash
# Judges a tarball of build.sh: what its files need, what they show, and that it works in another folder than it was built in.
#
#     packaging/gate.sh [--glibc VERSION] FILE.tar.xz
#
# VERSION: the newest glibc that a file may ask for; with it, no file may name a place of this machine either. Prints nothing but what is
# wrong. A tree for another machine is not run.
set -euo pipefail
cd "$(dirname "$0")/.."
glibc=
[ "${1-}" != --glibc ] || { glibc=$2 && shift 2; }
archive=${1:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wrong=0
bad() {
    printf '%s: %s\n' "$(basename "$archive")" "$*" >&2
    wrong=1
}

name=$(basename "$archive" .tar.xz)
tar -tvf "$archive" --numeric-owner --full-time --utc >"$work/list"
[ "$(awk '{ print $2 }' "$work/list" | sort -u)" = 0/0 ] || bad "a file has an owner"
[ "$(awk '{ print $4 "T" $5 }' "$work/list" | sort -u | wc -l)" = 1 ] || bad "times differ"
# Names within each folder: a slash comes before all that a name may have.
awk '{ print $6 }' "$work/list" | tr / '\001' | LC_ALL=C sort -c 2>/dev/null || bad "not sorted"
if awk '{ print $6 }' "$work/list" | grep -v "^$name/" >&2; then bad "a file outside of $name"; fi
mkdir "$work/first" "$work/moved here"
tar -xf "$archive" -C "$work/first"
mv "$work/first/$name" "$work/moved here/"
tree="$work/moved here/$name"
library=$tree/lib/libzeus_amd.so.0

# Every file that the loader or a linker reads.
allowed='libzeus_amd\.so\.0|libgcc_s\.so\.1|lib(c|m|dl|pthread|rt|util)\.so\.[0-9]+|ld-linux-(x86-64\.so\.2|aarch64\.so\.1)'
count=0
while IFS= read -r -d '' file; do
    [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
    count=$((count + 1)) short=${file#"$tree/"}
    readelf -dW "$file" >"$work/dynamic"
    sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' "$work/dynamic" | { ! grep -vxE "$allowed"; } || bad "$short needs another library"
    sed -n 's/.*(R[UN]*PATH).*\[\(.*\)\]/\1/p' "$work/dynamic" | { ! grep -v '^\$ORIGIN[^:]*$'; } || bad "$short has a path"
    ! grep -q TEXTREL "$work/dynamic" || bad "$short has text relocations"
    ! readelf -lW "$file" | grep -q 'GNU_STACK.*RWE' || bad "$short has an executable stack"
    if [ -n "$glibc" ]; then
        for needed in "GLIBC_ $glibc" "GCC_ 8"; do
            newest=$(objdump -T "$file" | sed -n "s/.*(\\{0,1\\}${needed% *}\\([0-9.]*\\).*/\\1/p" | sort -V | tail -n 1)
            [ "$(printf '%s\n' "${newest:-0}" "${needed#* }" | sort -V | tail -n 1)" = "${needed#* }" ] || bad "$short needs ${needed% *}$newest"
        done
    fi
done < <(find "$tree" -type f -print0)
[ "$count" -ge 4 ] || bad "only $count files for the loader"

[ "$(readelf -dW "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')" = libzeus_amd.so.0 ] || bad "soname of the library"
nm -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort | diff cmake/exports.txt - >&2 || bad "exports of the library"
nm -g --defined-only "$tree/lib/libzeus_amd.a" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort | diff cmake/exports.txt - >&2 ||
    bad "symbols of the static library"
nm -D --defined-only "$tree/lib/libzeus_amd_tools.so" | awk '{ print $3 }' | grep -vE '^(kokkosp_|roctx|ompt_start_tool$|zeus_amd_tools)' >&2 &&
    bad "exports of libzeus_amd_tools.so" || true

for word in ${glibc:+"$PWD" "${CARGO_HOME:-$HOME/.cargo}" "$(rustc --print sysroot 2>/dev/null || echo /no-rust)"}; do
    # A folder of one name, as /usr, is part of other names.
    case $word in /*/*) ! grep -rlF -- "$word/" "$tree" >&2 || bad "says $word" ;; esac
done
for file in bin/zeus-amd-run include/zeus_amd.h include/zeus_amd.f90 lib/pkgconfig/zeus_amd.pc lib/cmake/zeus_amd/zeus_amd-config.cmake \
    share/doc/zeus_amd/LICENSE share/doc/zeus_amd/THIRD-PARTY-LICENCES.txt share/zeus_amd/pmpi/CMakeLists.txt share/zeus_amd/env.sh; do
    [ -e "$tree/$file" ] || bad "no $file"
done
if find "$tree" -xtype l | grep . >&2; then bad "links to nothing"; fi

[ $wrong = 0 ] || exit 1
case $(uname -m) in
*"${name##*-}") packaging/smoke.sh "$tree" >"$work/said" 2>&1 || { cat "$work/said" >&2; bad "its programs fail"; } ;;
esac
exit $wrong
