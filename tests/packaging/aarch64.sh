#!/usr/bin/env bash
# Tarball and wheel for aarch64, built in a new Debian with Debian's own Rust, which has a standard library of that machine as a package; its
# files then run in qemu on simulated machines (of this machine's tarball), by sysfs. Not part of CI: it needs root, a network and time.
#
#     tests/packaging/aarch64.sh [FOLDER]
#
# Tests what is committed. FOLDER: the system, made there and kept; else it lies in a temporary folder and is removed.
set -eu
cd "$(dirname "$0")/../.."
. scripts/require.sh
. scripts/system.sh
[ "$(id -u)" = 0 ] || { echo "please run as root: chroot and mounts need it" >&2; exit 1; }
require debootstrap:debootstrap unshare:util-linux git:git
dist=${CARGO_TARGET_DIR:-$PWD/target}/portable/dist
[ -n "$(ls "$dist"/*-x86_64.tar.xz 2>/dev/null)" ] || { echo "first: packaging/build.sh" >&2; exit 1; }
system=${1:-$(mktemp -d)/bookworm}
new_system bookworm "$system" >/dev/null
# The web browsers' Rust, a recent one, is in the security and updates suites.
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
printf 'deb %s main\n' "$mirror bookworm" "$mirror bookworm-updates" "${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security} bookworm-security" \
    >"$system/etc/apt/sources.list"
rm -rf "$system/home/source" "$system/simulator"
git clone --quiet --no-hardlinks . "$system/home/source"
mkdir "$system/simulator"
tar -xf "$dist"/*-x86_64.tar.xz -C "$system/simulator" --strip-components=1
cat >"$system/in" <<'IN'
#!/bin/bash
set -eu
dpkg --add-architecture arm64
apt-get update -qq
apt-get install -y -qq --no-install-recommends rustc-web cargo-web libstd-rust-web-dev:arm64 qemu-user git libc6-dev-arm64-cross >/dev/null 2>&1
git config --global --add safe.directory /home/source
cd /home/source
packaging/build.sh --arch aarch64 --to /dist tarball wheel
cd /tmp
rm -rf tree wheel
mkdir tree
python3 -m zipfile -e /dist/*-manylinux_2_28_aarch64.whl wheel
chmod +x wheel/zeus_amd/bin/*
tar -xf /dist/*-aarch64.tar.xz -C tree --strip-components=1
aarch64-linux-gnu-gcc -Itree/include tree/share/doc/zeus_amd/examples/energy_report.c -o shared -Ltree/lib -lzeus_amd -Wl,-rpath,"$PWD/tree/lib"
aarch64-linux-gnu-gcc -Itree/include tree/share/doc/zeus_amd/examples/energy_report.c -o static tree/lib/libzeus_amd.a \
    -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
# The library to preload is this machine's: files are refreshed by the simulator alone.
in_machine() { /simulator/bin/zeus-amd-sim --machine "$1" --rocm none --with 'preload = false' -- qemu-aarch64 -L / "${@:2}"; }
for program in shared static; do
    in_machine mi210-1 ./$program --seconds 0.5 | tee said
    tail -n 1 said | grep -q '  219\.0 W'
    in_machine mi300x-8 ./$program --seconds 0.5 | tee said
    tail -n 1 said | grep -q ' 3259\.0 W'
done
for program in tree/bin wheel/zeus_amd/bin; do in_machine mi210-1 $program/zeus-amd-run -- true; done
IN
chmod +x "$system/in"
status=0
in_system "$system" /in || status=$?
[ -n "${1-}" ] || rm -rf "${system%/*}"
exit $status
