#!/usr/bin/env bash
# ctypesgen 1.1.1, SWIG 4.5.1 and bindgen 0.60.1 make three pairs of values of one header's two for "absent", and none has both right.
#
# C libraries mark an absent value by the largest one of the field's type: ~0u, 0xFFFFFFFFFFFFFFFFu. ctypesgen leaves the u out and lets
# Python compute, without a width. SWIG takes u for 32 bits, whatever the number. bindgen takes both constants for an int. So in Python a
# test such as power == ABSENT_32 is false for the absent power too, which goes on as a number; Rust asks for a cast, and ABSENT_32 as
# u64 is 2^64-1, not the 2^32-1 of C. None of the three warns.
# Seen: C 4294967295 and 18446744073709551615; ctypesgen -1 and the right one; SWIG the right one and 4294967295; bindgen -1 and -1.
. "$(dirname "$0")/lib.sh"
need gcc
cat >absent.h <<'EOT'
#define ABSENT_32 (~0u)
#define ABSENT_64 0xFFFFFFFFFFFFFFFFu
EOT
cat >program.c <<'EOT'
#include "absent.h"
#include <stdio.h>
int main(void) { printf("%llu %llu\n", (unsigned long long)ABSENT_32, (unsigned long long)ABSENT_64); }
EOT
gcc program.c -o program
check "C" "4294967295 18446744073709551615" ./program

pypi ctypesgen==1.1.1 swig==4.5.1
values() { "$python" -c 'import absent; print(absent.ABSENT_32, absent.ABSENT_64)'; }
"$venv/bin/ctypesgen" absent.h -o absent.py 2>/dev/null
check "ctypesgen" "-1 18446744073709551615" values
rm absent.py
echo '%module absent
%include "absent.h"' >absent.i
"$venv/bin/swig" -python absent.i
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[ -e "$include/Python.h" ] || cannot "Python.h is missing"
gcc -shared -fPIC -I"$include" absent_wrap.c -o _absent.so
check "SWIG" "4294967295 4294967295" values

debian bindgen=0.60.1-2+b2 libclang1-14=1:14.0.6-12
constants() { LIBCLANG_PATH=$lib bindgen absent.h | sed -n 's/^pub const //p'; }
check "bindgen" "ABSENT_32: i32 = -1;
ABSENT_64: i32 = -1;" constants
