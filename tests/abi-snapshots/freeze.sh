#!/usr/bin/env bash
# At a release: keeps its header, its list of symbols and a program of its day, which later libraries must go on serving.
#
#     tests/abi-snapshots/freeze.sh 0.1
#
# What is kept never changes, and is refused a second time. Until CHANGELOG.md says that the release is out, it is kept
# anew: by then its programs are not in anybody's hands.
set -eu
cd "$(dirname "$0")/../.."
version=${1-}
to=${2-tests/abi-snapshots/$version}
if ! printf '%s\n' "$version" | grep -Eqx '[0-9]+\.[0-9]+'; then
    echo "usage: tests/abi-snapshots/freeze.sh MAJOR.MINOR" >&2
    exit 2
elif [ -e "$to" ] && ! grep -qx "## $version\.0 (not yet released)" CHANGELOG.md; then
    echo "$to is kept already, and never changes" >&2
    exit 1
elif ! grep -Eq "^version = \"$version\.[0-9]+\"" Cargo.toml; then
    echo "Cargo.toml is not of version $version" >&2
    exit 1
fi
mkdir -p "$to"
cp include/zeus_amd.h cmake/exports.txt tests/abi-snapshots/program.c tests/abi-snapshots/machine.toml "$to"
echo "kept $to; commit it with the release"
