#!/usr/bin/env bash
# Two builds of the same commit, in two folders and with two folders of cargo's, give the same bytes. Not part of CI: two full builds.
#
#     tests/packaging/reproducible.sh [FILE...]
#
# FILE: results of another build of this commit to compare with; else two builds are made.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# built NAME: what is committed, in a folder of that name.
built() {
    git clone --quiet --no-hardlinks . "$work/$1/source"
    mkdir -p "$work/$1/cargo"
    env -u CARGO_TARGET_DIR CARGO_HOME="$work/$1/cargo" PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin" \
        "$work/$1/source/packaging/build.sh" --to "$work/$1/dist" tarball wheel deb
}
built "elsewhere" >&2
[ $# -gt 0 ] || { built here >&2 && set -- "$work/here/dist"/*; }
wrong=0
for file; do
    if cmp "$file" "$work/elsewhere/dist/$(basename "$file")"; then
        echo "same: $(sha256sum "$file" | cut -c1-16) $(basename "$file")"
    else
        wrong=1
    fi
done
exit $wrong
