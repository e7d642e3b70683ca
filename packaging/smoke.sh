#!/bin/sh
# The main job on simulated machines, by files that lie in PREFIX: the command line tool, the Python module, the region tools, the
# static library where there is a compiler. Needs no Rust, and nothing of this folder: tests copy it into other systems.
#
#     smoke.sh PREFIX [LIBDIR]        (lib)
set -eu
prefix=$1 lib=$1/${2:-lib}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() {
    echo "failed: $*" >&2
    exit 1
}
# in_machine ROCM COMMAND...: on an MI210 that draws 250 W.
in_machine() {
    rocm=$1
    shift
    env -u LD_LIBRARY_PATH -u PYTHONPATH "$prefix/bin/zeus-amd-sim" --machine mi210-1 --rocm "$rocm" --with 'all.power = { kind = "constant", w = 250 }' -- "$@"
}
# near VALUE WANTED: within two percent.
near() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0.98 * b && a < 1.02 * b) }'; }

for rocm in 6.2.4 7.0.2 10.2 none; do
    in_machine $rocm "$prefix/bin/zeus-amd-run" --json run.json -- sleep 0.5 2>run.txt || fail "zeus-amd-run, ROCm $rocm: $(cat run.txt)"
    watts=$(sed -n 's/.*"mean_power_w": *\([0-9.]*\).*/\1/p' run.json | head -n 1)
    near "${watts:-0}" 250 || fail "zeus-amd-run, ROCm $rocm: ${watts:-no} W of 250"
    echo "zeus-amd-run, ROCm $rocm: $watts W"
done

if command -v man >/dev/null; then
    # By its place beside bin/, which is in PATH.
    for page in zeus_amd_open zeus-amd-run zeus-amd-sim; do
        case $(env -u MANPATH PATH="$prefix/bin:$PATH" man -w "$page" 2>&1) in
        "$prefix"/share/man/man[13]/"$page".*) ;;
        *) fail "man $page" ;;
        esac
    done
    env -u MANPATH PATH="$prefix/bin:$PATH" man -P cat zeus_amd_open >page.txt 2>&1 && grep -q '^SYNOPSIS' page.txt &&
        grep -q 'zeus_amd_status_t zeus_amd_open(' page.txt || fail "man zeus_amd_open: $(cat page.txt)"
    echo "man zeus_amd_open: $(wc -l <page.txt) lines"
fi

if command -v python3 >/dev/null; then
    # Debian's packages have it where Python searches.
    module=$lib/zeus_amd/python
    [ -d "$module" ] || module=$prefix/lib/python3/dist-packages
    watts=$(in_machine 7.0.2 env LD_LIBRARY_PATH="$lib" python3 -c '
import sys, time
sys.path.insert(0, sys.argv[1])
import zeus_amd
with zeus_amd.window() as window:
    time.sleep(0.5)
print(window.total.mean_power_mw / 1e3)' "$module") || fail "the Python module"
    near "$watts" 250 || fail "the Python module: $watts W of 250"
    echo "Python module: $watts W"

    in_machine 7.0.2 env ZEUS_AMD_TOOLS_OUTPUT="$work/regions" ZEUS_AMD_TOOLS_FORMATS=json python3 -c '
import ctypes, sys, time
roctx = ctypes.CDLL(sys.argv[1])
roctx.roctxRangePushA(b"a region")
time.sleep(0.5)
roctx.roctxRangePop()' "$lib/zeus_amd/roctx/lib/libroctx64.so" || fail "region tools"
    python3 -c '
import json
region = json.load(open("regions.json"))["regions"][1]
energy, wanted = region["inclusive"], 250 * region["time_s"]
print("region tools: %.3f J +- %.3f J of %.3f J" % (energy["energy_j"], energy["uncertainty_j"], wanted))
assert abs(energy["energy_j"] - wanted) <= energy["uncertainty_j"], region' || fail "report of the region tools"
fi

if command -v cc >/dev/null; then
    include=$prefix/include source=$(find "$prefix/share/doc" -path '*/examples/energy_report.c' | head -n 1)
    cc -I"$include" "$source" -o shared -L"$lib" -lzeus_amd -Wl,-rpath,"$lib" || fail "linking with the library"
    cc -I"$include" "$source" -o static "$lib/libzeus_amd.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc || fail "linking with the archive"
    for program in shared static; do
        in_machine 6.2.4 "./$program" --seconds 0.3 >out.txt || fail "a program with the $program library: $(cat out.txt)"
        echo "C program, $program library: $(tail -n 1 out.txt)"
    done
fi
