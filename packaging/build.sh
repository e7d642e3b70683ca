#!/usr/bin/env bash
# Builds files that run without a toolchain, on any Linux with glibc 2.28 or later (RHEL 8, SLES 15 SP3, Debian 10, Ubuntu 20.04):
# a relocatable tarball, and on request a wheel, Debian packages and RPMs of the same files. Needs Rust; installs or names the rest.
#
#     packaging/build.sh [--arch x86_64|aarch64] [--to FOLDER] [tarball] [wheel] [deb] [rpm] [crate]
#
# Without a kind: the tarball. What is built lies in target/portable, the results in FOLDER (target/portable/dist); their names are the
# only output. Two builds of one commit are equal byte for byte, wherever the tree lies (tests/packaging/reproducible.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/require.sh
arch=$(uname -m) to='' kinds=()
while [ $# -gt 0 ]; do
    case $1 in
    --arch) arch=${2:?} && shift ;;
    --to) mkdir -p "${2:?}" && to=$(cd "$2" && pwd) && shift ;;
    tarball | wheel | deb | rpm | crate) kinds+=("$1") ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" >&2; [ "$1" = --help ] && exit 0 || exit 2 ;;
    esac
    shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(tarball)
require_rust 85
target=${CARGO_TARGET_DIR:-$PWD/target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
work=$target/portable/$arch
to=${to:-$target/portable/dist}
mkdir -p "$to"
. packaging/stage.sh
. packaging/portable.sh
portable_toolchain "$work/toolchain"
for kind in "${kinds[@]}"; do
    . "packaging/$kind.sh"
    "make_$kind"
done
