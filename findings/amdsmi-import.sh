#!/usr/bin/env bash
# amdsmi 7.0.2 without libamd_smi: import fails with a KeyError, and prints on standard output.
#
# A program that offers AMD as one of several backends guards its import with "except ImportError", and perhaps OSError. Neither
# comes: the loader's OSError is caught and printed, and the next line of the package looks the library up in an empty dict.
# Whoever parses the program's standard output finds two lines of AMD's in it.
# Seen: "KeyError 'libamd_smi.so'", two lines on standard output, none on standard error.
. "$(dirname "$0")/lib.sh"
pypi amdsmi==7.0.2
# A folder without libraries, so that an installed ROCm is not found: it is looked for by ROCM_PATH too.
export ROCM_PATH=$work/empty
if "$python" -c 'import ctypes; ctypes.CDLL("libamd_smi.so")' 2>/dev/null; then cannot "the loader has a libamd_smi.so"; fi

cat >guarded.py <<'EOF'
import sys

try:
    import amdsmi
except (ImportError, OSError):
    sys.exit("as one would expect")
except KeyError as error:
    print(type(error).__name__, error, file=sys.stderr)
EOF
"$python" guarded.py >out 2>err
check "what import raises" "KeyError 'libamd_smi.so'" cat err
check "lines on standard output" 2 wc -l <out
check "the second of them" 1 grep -c '^Unable to find libamd_smi.so' out
