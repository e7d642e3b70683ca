#!/usr/bin/env bash
# hatchling 1.33.0 makes a wheel for any machine of a package with a shared library; where .gitignore names *.so, one without it.
#
# A wheel's tag tells pip where it can be installed. hatchling's is py3-none-any whatever the files are, unless a build hook says
# otherwise: pip installs an x86-64 library on aarch64 too. And as git is not to keep what is built, .gitignore often has *.so;
# hatchling leaves out what git would, with no message, though no repository is there and the library is. The package that is
# installed from it finds out at its first call.
# Seen: gpu-1-py3-none-any.whl with gpu/libgpu.so; the same name without it.
. "$(dirname "$0")/lib.sh"
need cc
pypi hatchling==1.33.0
mkdir -p package/gpu
cd package
cat >pyproject.toml <<'EOF'
[build-system]
requires = ["hatchling==1.33.0"]
build-backend = "hatchling.build"
[project]
name = "gpu"
version = "1"
requires-python = ">=3.9"
EOF
touch gpu/__init__.py
echo 'int power_mw(void) { return 95000; }' >power.c
cc -shared -fPIC power.c -o gpu/libgpu.so

wheel() {
    rm -rf dist
    "$python" -m hatchling build -t wheel >/dev/null 2>&1
    echo dist/*
    "$python" -m zipfile -l dist/*.whl | grep -o '^gpu/[^ ]*'
}
check "wheel" "dist/gpu-1-py3-none-any.whl
gpu/__init__.py
gpu/libgpu.so" wheel
echo '*.so' >.gitignore
check "wheel, *.so in .gitignore" "dist/gpu-1-py3-none-any.whl
gpu/__init__.py" wheel
