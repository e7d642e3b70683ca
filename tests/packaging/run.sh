#!/usr/bin/env bash
# What packaging/ makes, from a build of this machine: the tarball, Debian packages, and the recipes of others. That the files run on
# older systems is judged by packaging/build.sh, with lintian's and rpmlint's opinion, and tried by tests/packaging/fresh.sh: both take
# too long for each run.
. "$(dirname "$0")/../hermetic.sh"
set -Eeuo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
. tests/needs.sh
require $(needs packaging)
require_rust $RUST

target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
unset CARGO_TARGET_DIR
work=$target/packaging
export COMPRESSION=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'echo "failed: line $LINENO: $BASH_COMMAND" >&2' ERR
die() {
    printf 'failed: %s\n' "$*" >&2
    exit 1
}
part() { printf '  %s\n' "$*"; }
. packaging/stage.sh
. packaging/tarball.sh
. packaging/deb.sh
# tree NAME LIBDIR DOCDIR: Cargo builds where it does for the other steps.
tree() { staged "$@" -DZEUS_AMD_SIMULATOR=ON -DZEUS_AMD_CARGO_TARGET_DIR="$target"; }

part "tarball: twice the same, and it runs where it was moved to"
plain=$(tree lib lib share/doc/zeus_amd)
archive=$scratch/zeus_amd-$VERSION-linux-$(uname -m).tar.xz
packed "$plain" "$archive"
cp -R "$plain" "$scratch/again"
packed "$scratch/again" "$scratch/again.tar.xz"
cmp <(xz -dc "$archive" | tar -t --full-time -v | sed "s,zeus_amd-$VERSION-linux-$(uname -m)/,,") \
    <(xz -dc "$scratch/again.tar.xz" | tar -t --full-time -v | sed 's,again/,,')
packaging/gate.sh "$archive"
if packaging/gate.sh --glibc 2.3 "$archive" 2>"$scratch/said"; then die "the gate lets pass what needs a newer glibc"; fi
grep -q 'libzeus_amd.so.* needs GLIBC_2' "$scratch/said"

part "its licences name every package that is linked"
texts=$plain/share/doc/zeus_amd/THIRD-PARTY-LICENCES.txt
for crate in $(cargo tree --locked --quiet --edges normal,no-proc-macro --prefix none --format '{p}' -p zeus_amd -p zeus-amd-sim | cut -d' ' -f1 | sort -u); do
    case $crate in
    zeus_amd | zeus-amd-sim) ;;
    *) grep -q "^    $crate [0-9]" "$texts" || die "no licence of $crate" ;;
    esac
done

part "Debian packages: every file once, the dependencies, and what they do when they are unpacked"
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
debs "$(tree deb "lib/$multiarch" share/doc/libzeus-amd-dev)" "$scratch/debs" "$(dpkg-architecture -qDEB_HOST_ARCH)"
names=$(for deb in "$scratch"/debs/*.deb; do dpkg-deb -f "$deb" Package; done | sort | tr '\n' ' ')
[ "$names" = "libzeus-amd-dev libzeus-amd0 python3-zeus-amd zeus-amd-sim zeus-amd-tools " ] || die "packages: $names"
for deb in "$scratch"/debs/*.deb; do dpkg-deb -c "$deb" | awk '!/^d/ { print $6 }'; done | sort | uniq -d >"$scratch/twice"
[ ! -s "$scratch/twice" ] || die "in two packages: $(cat "$scratch/twice")"
field() { dpkg-deb -f "$scratch"/debs/"$1"_*.deb "$2"; }
[[ $(field libzeus-amd0 Depends) == *libc6* ]] || die "depends: $(field libzeus-amd0 Depends)"
[[ $(field libzeus-amd-dev Depends) == "libzeus-amd0 (= $VERSION-$DEBIAN_REVISION)" ]] || die "depends: $(field libzeus-amd-dev Depends)"
[[ $(field zeus-amd-tools Depends) == *"libzeus-amd0 (= $VERSION-$DEBIAN_REVISION)"* ]] || die "depends: $(field zeus-amd-tools Depends)"
dpkg-deb -e "$scratch"/debs/libzeus-amd0_*.deb "$scratch/control"
grep -q 'ldconfig' "$scratch/control/triggers"
grep -qx "libzeus_amd 0 libzeus-amd0 (>= .*)" "$scratch/control/shlibs"
[ "$(grep -c '@Base ' "$scratch/control/symbols")" = "$(wc -l <cmake/exports.txt)" ]
for deb in "$scratch"/debs/*.deb; do dpkg-deb -x "$deb" "$scratch/system"; done
packaging/smoke.sh "$scratch/system/usr" "lib/$multiarch" | sed 's/^/    /'

part "recipes of EasyBuild and Spack are Python"
packaging/easybuild/make.sh "$archive" >"$scratch/zeus_amd-$VERSION.eb"
if grep -n '@[A-Z0-9]*@' "$scratch/zeus_amd-$VERSION.eb"; then die "a name is left"; fi
for file in "$scratch/zeus_amd-$VERSION.eb" packaging/spack/zeus_amd/package.py packaging/*.py; do
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' "$file"
done

# With as much of Spack as the recipe uses. The tree has been installed with the same folder for libraries.
python3 - "$plain" <<'P'
import os, sys, types
spack = types.ModuleType("spack.package")
class CMakePackage:
    prefix = types.SimpleNamespace(lib=os.path.join(sys.argv[1], "lib"))
    spec = types.SimpleNamespace(satisfies=lambda what: False)
    def define(self, name, value): return f"-D{name}={value}"
    def define_from_variant(self, name, variant): return f"-D{name}=OFF"
nothing = dict.fromkeys(["license", "version", "variant", "depends_on"], lambda *words, **more: None)
vars(spack).update(nothing, CMakePackage=CMakePackage, join_path=os.path.join)
sys.modules.update({"spack": types.ModuleType("spack"), "spack.package": spack})
recipe, paths = {}, {}
with open("packaging/spack/zeus_amd/package.py", encoding="utf-8") as file:
    exec(file.read(), recipe)
package = recipe["ZeusAmd"]()
package.setup_run_environment(types.SimpleNamespace(prepend_path=paths.__setitem__, set=lambda name, value: None))
assert "-DCMAKE_INSTALL_LIBDIR=lib" in package.cmake_args(), package.cmake_args()
assert os.path.isdir(os.path.join(paths["PYTHONPATH"], "zeus_amd")), paths
P

part "modules and environment script"
cp "$plain/share/zeus_amd/env.sh" "$scratch/env.sh"
[ "$(bash -uc '. "$1/share/zeus_amd/env.sh" && command -v zeus-amd-run && pkg-config --modversion zeus_amd' bash "$plain")" = "$plain/bin/zeus-amd-run
$VERSION" ]
python3 - "$plain" packaging/modulefiles/* <<'P'
import re, sys
# All three set the same variables from the same folders.
said = [set(re.findall(r'(?:prepend-path |prepend_path\("|export )(\w*PATH)\b', open(f).read())) for f in sys.argv[2:]]
assert said[0] == said[1] == said[2] and len(said[0]) == 8, said
P
