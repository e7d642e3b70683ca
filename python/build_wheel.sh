#!/bin/sh
# Builds the library and a wheel that carries it; prints the wheel's path. It runs on what has a glibc as new as the symbols
# that the library needs: packaging/build.sh wheel builds one for glibc 2.28, with zeus-amd-run and the simulator.
# usage: python/build_wheel.sh [FOLDER [TREE]]
# TREE: what is installed already, with libraries in its root; nothing is built then.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
to=${1:-$target/wheel}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unset ZEUS_AMD_WHEEL_TREE
[ $# -lt 2 ] || export ZEUS_AMD_WHEEL_TREE="$2"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" --quiet --disable-pip-version-check wheel --no-deps --wheel-dir "$work/wheel" "$here"
wheel=$(basename "$work"/wheel/*.whl)
mkdir -p "$to"
mv "$work/wheel/$wheel" "$to/"
echo "$to/$wheel"
