#!/usr/bin/env bash
# README's two commands in a new Debian with nothing but a Rust toolchain: first as a user without rights, who is told what is
# missing, then as root. Not part of CI: it needs root, a network and half an hour.
#
#     tests/fresh.sh bookworm|trixie [FOLDER [STEP...]]
#
# Tests what is committed. The system is made in FOLDER, which must not be there, and kept; or in a temporary folder and removed.
set -eu
cd "$(dirname "$0")/.."
. scripts/require.sh
. scripts/system.sh
case ${1-} in
bookworm | trixie) ;;
*) sed -n '5,8s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { echo "please run as root: chroot and mounts need it" >&2; exit 1; }
require debootstrap:debootstrap git:git unshare:util-linux
release=$1
folder=${2-}
shift $(($# < 2 ? $# : 2))
system=${folder:-$(mktemp -d)/$release}
[ ! -e "$system" ] || { echo "please name another folder: what $system has may be what the tests need" >&2; exit 2; }
new_system "$release" "$system"
git clone --quiet --no-hardlinks . "$system/home/tests"
chmod -R a+rwX "$system/home/tests"
cat >"$system/home/in" <<'IN'
#!/bin/sh
# Within: the user without rights, then root.
export PATH=/opt/toolchain/bin:/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8
cd /home/tests
echo "== as a user without rights"
if setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp tests/run.sh >/home/said 2>&1; then
    echo "!! passed without a compiler"
    exit 1
fi
cat /home/said
grep -q '^missing: .*build-essential' /home/said && grep -q '^please run as root: apt-get update && apt-get install -y .*build-essential' /home/said ||
    { echo "!! does not say what is missing"; exit 1; }
[ ! -e target ] || { echo "!! built something"; exit 1; }
export PATH=$PATH:/usr/sbin:/sbin HOME=/root CARGO_HOME=/opt/cargo
echo "== as root: examples-c/run.sh"
examples-c/run.sh || exit 1
echo "== as root: tests/run.sh"
ls -A /tmp /var/tmp /dev/shm >/home/before
status=0
tests/run.sh "$@" || status=$?
ls -A /tmp /var/tmp /dev/shm | diff /home/before - || { echo "!! left something behind"; status=1; }
exit $status
IN
chmod +x "$system/home/in"
status=0
# Of cargo's folder only what it downloaded is shared.
in_system "$system" "$(rustc --print sysroot)=/opt/toolchain" "${CARGO_HOME:-$HOME/.cargo}/registry=/opt/cargo/registry" /home/in "$@" || status=$?
[ -n "$folder" ] || rm -rf "${system%/*}"
exit $status
