#!/usr/bin/env bash
# The results of packaging/build.sh in a new Debian without Rust, and without a compiler until one is needed: tarball, wheel, Debian
# packages and RPMs (if there are any) are installed, do their main job on simulated machines, and are removed; the tarball also by the
# modulefiles of Lmod and Environment Modules, and by EasyBuild. Not part of CI: it needs root, a network and some minutes.
#
#     tests/packaging/fresh.sh bullseye|bookworm|trixie|... [FOLDER]
#
# FOLDER: the system, made there and kept; else it lies in a temporary folder and is removed.
set -eu
cd "$(dirname "$0")/../.."
. scripts/require.sh
. scripts/system.sh
[ $# -gt 0 ] || { sed -n '6,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "please run as root: chroot and mounts need it" >&2; exit 1; }
require debootstrap:debootstrap unshare:util-linux
dist=${CARGO_TARGET_DIR:-$PWD/target}/portable/dist
[ -n "$(ls "$dist"/*.tar.xz "$dist"/*.whl "$dist"/*.deb 2>/dev/null)" ] || { echo "first: packaging/build.sh tarball wheel deb" >&2; exit 1; }
system=${2:-$(mktemp -d)/$1}
new_system "$1" "$system" >/dev/null
rm -rf "$system/dist"
mkdir "$system/dist"
cp "$dist"/*.tar.xz "$dist"/*.whl "$dist"/*.deb packaging/smoke.sh tests/packaging/rpm_root.sh "$system/dist/"
cp "$dist"/*.rpm "$system/dist/" 2>/dev/null || true
mkdir -p "$system/dist/tests/python" "$system/dist/tests/bindings"
cp tests/python/test_binding.py "$system/dist/tests/python/"
cp tests/bindings/energies.py "$system/dist/tests/bindings/"
cp -R packaging/easybuild "$system/dist/"
cat >"$system/dist/in" <<'IN'
#!/bin/bash
set -eu
quietly() { "$@" >/tmp/log 2>&1 || { cat /tmp/log >&2; exit 1; }; }
files() { find / -xdev \( -path /var -o -path /tmp -o -path /dist -o -path /root -o -path '/usr/lib/python3.*/*' -o -path /etc/ld.so.cache \) -prune -o -print | sort; }
nothing_is_left() { diff <(echo "$before") <(files); echo "nothing is left of them"; }
echo "== $(. /etc/os-release && echo "$PRETTY_NAME"), $(ldd --version | sed -n '1s/.* /glibc /p')"
quietly apt-get update
quietly apt-get install -y xz-utils
for tool in cc rustc python3; do if command -v $tool; then echo "$tool is here already" >&2; exit 1; fi; done
echo "== tarball, as a user without rights, without Python and without a compiler"
rm -rf "/opt/a folder"
mkdir "/opt/a folder"
tar -xf /dist/zeus_amd-*.tar.xz -C "/opt/a folder"
tree=$(echo /opt/a\ folder/zeus_amd-*)
setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp TMPDIR=/tmp /dist/smoke.sh "$tree"
echo "== the same with Python and a compiler"
quietly apt-get install -y --no-install-recommends python3 python3-venv gcc libc6-dev man-db
/dist/smoke.sh "$tree"
(. "$tree/share/zeus_amd/env.sh" && zeus-amd-sim --machine mi300x-8 --rocm 7.0.2 -- zeus-amd-run -- true)
# Of which Debian has one at a time. Folders of modules have no blanks in their names (Lmod 6).
rm -rf /opt/moved
mv "/opt/a folder" /opt/moved
tree=$(echo /opt/moved/zeus_amd-*)
for package in lmod environment-modules; do
    quietly apt-get install -y --no-install-recommends $package
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -ec '
        . "$1"
        module use "$2/share/zeus_amd/modulefiles"
        module load zeus_amd
        [ "$(command -v zeus-amd-run)" = "$2/bin/zeus-amd-run" ]
        [ "$(man -w zeus_amd_open)" = "$2/share/man/man3/zeus_amd_open.3" ]
        man -w ls >/dev/null
        zeus-amd-sim --machine mi210-1 --rocm 7.0.2 -- python3 -Bc "import zeus_amd; zeus_amd.Session()"
        module unload zeus_amd
        ! env | grep "zeus_amd" | grep -vE "^[A-Z_]*(MODULEPATH|ModuleTable)[a-z0-9_]*="' \
        bash "$(dpkg -L $package | grep '/init/bash$' | head -n 1)" "$tree"
    echo "module load zeus_amd, and unload: $package $(dpkg-query -W -f '${Version}' $package)"
    [ $package = environment-modules ] || quietly apt-get purge -y $package
done
rm -rf /opt/moved

echo "== EasyBuild from PyPI, with its own tests of what it has installed, to a module"
python3 -m venv /tmp/easybuild
quietly /tmp/easybuild/bin/pip install 'easybuild>=5'
mkdir -p /tmp/configs
/dist/easybuild/make.sh /dist/*.tar.xz >"/tmp/configs/$(basename /dist/*.tar.xz | sed 's/-linux.*//').eb"
quietly env MODULES_CMD="$(ls /usr/lib/*/modulecmd.tcl)" PATH="/tmp/easybuild/bin:$PATH" eb --allow-use-as-root-and-accept-consequences --prefix=/opt/eb \
    --modules-tool=EnvironmentModules --module-syntax=Tcl --sourcepath=/dist /tmp/configs/*.eb
bash -ec '. /usr/share/modules/init/bash
    module use /opt/eb/modules/all
    module load zeus_amd
    [ "$(man -w zeus_amd_open)" = "$EBROOTZEUS_AMD/share/man/man3/zeus_amd_open.3" ]
    zeus-amd-sim --machine mi210-1 --rocm 10.2 -- python3 -Bc "import zeus_amd; zeus_amd.Session()"
    echo "module load zeus_amd: $ZEUS_AMD_HOME"'
quietly apt-get purge -y environment-modules
rm -rf /opt/eb

echo "== wheel"
python3 -m venv /tmp/venv
quietly /tmp/venv/bin/pip install --no-index /dist/*.whl
PATH=/tmp/venv/bin:$PATH zeus-amd-sim --machine mi300x-8 --rocm 7.0.2 -- zeus-amd-run -- sleep 0.3
/tmp/venv/bin/zeus-amd-sim --machine mi210-1 --rocm 10.2 -- /tmp/venv/bin/python -c '
import sys, time, zeus_amd
with zeus_amd.window() as window: time.sleep(0.3)
print("Python", sys.version.split()[0], window.total.energy_mj, "mJ")'
# The tests look for the simulator where it is in the sources.
mkdir -p /dist/simulator
ln -sf /tmp/venv/bin/zeus-amd-sim /dist/simulator/run
quietly /tmp/venv/bin/zeus-amd-sim --machine mi300x-8 --rocm 7.0.2 -- /tmp/venv/bin/python -W error /dist/tests/python/test_binding.py
grep '^Ran ' /tmp/log
[ "$(PATH=/tmp/venv/bin:$PATH man -w zeus_amd_open)" = /tmp/venv/share/man/man3/zeus_amd_open.3 ]
quietly /tmp/venv/bin/pip uninstall -y zeus-amd
if find /tmp/venv -name '*zeus*' | grep .; then echo "pip leaves files" >&2; exit 1; fi

echo "== Debian packages"
before=$(files)
quietly apt-get install -y --no-install-recommends /dist/*.deb
/dist/smoke.sh /usr "lib/$(gcc -print-multiarch 2>/dev/null || dpkg-architecture -qDEB_HOST_MULTIARCH)"
python3 -c 'import zeus_amd; print("python3 -c \"import zeus_amd\":", zeus_amd.version())'
dpkg --verify | { ! grep zeus; }
quietly apt-get purge -y 'libzeus-amd*' 'zeus-amd-*' python3-zeus-amd
nothing_is_left

ls /dist/*.rpm >/dev/null 2>&1 || exit 0
echo "== RPMs, by dnf into a root of RPMs"
quietly apt-get install -y --no-install-recommends rpm dnf createrepo-c binutils pkgconf
/dist/rpm_root.sh /dist
echo "== RPMs, by rpm into this Debian, whose packages are not in rpm's database: what they require is listed and not checked"
before=$(files)
rpm --requires -qp /dist/*.rpm | sed -n 's/.*(\(GLIBC_[0-9.]*\|GCC_[0-9.]*\)).*/\1/p' | sort -uV | tail -n 1
quietly rpm --install --nodeps --noplugins /dist/*.rpm
/dist/smoke.sh /usr lib64
rpm --verify --nodeps libzeus-amd0 zeus-amd-devel zeus-amd-tools zeus-amd-sim
quietly rpm --erase --nodeps --noplugins libzeus-amd0 zeus-amd-devel zeus-amd-tools zeus-amd-sim
nothing_is_left
IN
chmod +x "$system/dist/in"
status=0
in_system "$system" /dist/in || status=$?
[ -n "${2-}" ] || rm -rf "${system%/*}"
exit $status
