#!/usr/bin/env bash
# rocm-bindings-systems 10.0.0.0.1.2 (AMD's Python bindings of ROCm 10.0) do not find a libamd_smi that has its version in its name.
#
# They open "libamd_smi.so", the name that a linker wants, and never "libamd_smi.so.27", the soname of ROCm 10. A runtime-only install
# has the second name only. A library of that soname which the process has already loaded is not taken either.
# Seen: libamd_smi.so.27 on the loader's path, and even preloaded: RuntimeError. The same file as libamd_smi.so: called.
. "$(dirname "$0")/lib.sh"
need cc
pypi rocm-bindings-systems==10.0.0.0.1.2
mkdir runtime develop
echo 'int amdsmi_shut_down(void) { return 0; }' |
    cc -shared -fPIC -Wl,-soname,libamd_smi.so.27 -xc - -o runtime/libamd_smi.so.27
cp runtime/libamd_smi.so.27 develop/libamd_smi.so
if [ -e /opt/rocm/lib/libamd_smi.so ]; then cannot "there is a ROCm in /opt/rocm"; fi

cat >call.py <<'EOF'
from rocm.bindings import amdsmi

try:
    print("status", int(amdsmi.amdsmi_shut_down()[0]))
except Exception as error:
    print(type(error).__name__)
EOF
check "only the soname" RuntimeError env LD_LIBRARY_PATH=runtime "$python" call.py
check "preloaded" RuntimeError env LD_PRELOAD="$work/runtime/libamd_smi.so.27" "$python" call.py
check "the linker's name" "status 0" env LD_LIBRARY_PATH=develop "$python" call.py
