#!/usr/bin/env bash
# The reference and the pages of docs/: manual pages, Doxygen without a warning, what is generated is current, and the code that they
# show compiles and runs. Prints a line for each check, then the count; exit status 1 if any failed.
. "$(dirname "$0")/../hermetic.sh"
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/../python/venv.sh"
. "$root/tests/needs.sh"
# shellcheck disable=SC2046 # words
require $(needs docs)
require_rust "$RUST"
cd "$root" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset HIP_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES ZEUS_AMD_BACKEND PYTHONHOME
passed=0 failed=0

check() { # LABEL COMMAND...
    local label=$1
    shift
    if "$@" >"$work/log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "ok    $label"
    else
        failed=$((failed + 1))
        echo "FAIL  $label"
        sed 's/^/      /' "$work/log"
    fi
}

export PYTHONDONTWRITEBYTECODE=1
docs/man.sh "$work/man" || exit 1

each_function_has_a_page() {
    local name
    while read -r name; do [ -s "$work/man/man3/$name.3" ] || { echo "no page of $name"; return 1; }; done <cmake/exports.txt
    [ -s "$work/man/man1/zeus-amd-run.1" ] && [ -s "$work/man/man1/zeus-amd-sim.1" ] && [ -s "$work/man/man7/zeus_amd.7" ] &&
        [ -s "$work/man/man3/zeus_amd_mpi_begin.3" ]
}
check "each function has a manual page" each_function_has_a_page
an_option_is_no_folder() {
    local script=$PWD/docs/man.sh
    ! (cd "$work" && "$script" --help) && [ ! -e "$work/--help" ]
}
check "an option of man.sh is no folder" an_option_is_no_folder

# The text of a page, as man shows it.
shown() { groff -man -Tascii -P-cbou -rLL=100n "$1"; }
pages_are_right() {
    local page
    for page in "$work"/man/*/*; do
        groff -man -Tascii -ww -W break -z "$page" >"$work/said" 2>&1
        [ ! -s "$work/said" ] || { cat "$work/said" "$page"; return 1; }
        shown "$page" | grep -q '^NAME' && shown "$page" | grep -q '^SYNOPSIS\|^DESCRIPTION' || { echo "$page"; return 1; }
    done
    # Held to the header, for one page whose parts are known.
    shown "$work/man/man3/zeus_amd_set_power_limit_mw.3" >"$work/said"
    grep -q 'session, uint32_t gpu, uint64_t limit_mw);' "$work/said" && grep -q 'Within zeus_amd_power_limit_range_mw(); not 0.' "$work/said" &&
        grep -q 'ZEUS_AMD_STATUS_INVALID_ARGUMENT (0 mW)' "$work/said" || { cat "$work/said"; return 1; }
}
check "groff has nothing to say of them" pages_are_right

options_are_documented() {
    local option
    shown "$work/man/man1/zeus-amd-run.1" >"$work/said"
    for option in $(sed -n 's/.*{"\([a-z-]*\)", [a-z]*_argument.*/\1/p; s/.*}, *{"\([a-z-]*\)", [a-z]*_argument.*/\1/p' tools/zeus-amd-run/options.c); do
        grep -q -- "--$option" "$work/said" || { echo "--$option is in no help"; return 1; }
    done
}
check "each option of zeus-amd-run is in its help and page" options_are_documented

# Of the headers: the configuration may be younger or older than this Doxygen.
doxygen_is_silent() {
    { cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = $work/doxygen"; } | doxygen - >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
    ! grep 'warning:.*' "$work/said" | grep include/ && [ -s "$work/doxygen/html/index.html" ]
}
check "Doxygen warns of nothing in the headers" doxygen_is_silent
check "docs/supported.md is what the sources say" sh -c 'python3 docs/supported.py | diff docs/supported.md -'

citation() {
    local version date
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
    date=$(sed -n "s/^## $version (\(.*\))/\1/p" CHANGELOG.md)
    grep -qx "version: $version" CITATION.cff && grep -qx "date-released: $date" CITATION.cff
}
check "CITATION.cff has the version and its date" citation

pkg_config_names() { diff <(grep '^| pkg-config' docs/link.md | grep -o 'zeus_amd[a-z-]*' | sort) <(cd cmake && printf '%s\n' *.pc.in | sed 's/\.pc\.in$//' | sort); }
check "link.md: the names for pkg-config are those that are installed" pkg_config_names

# code PAGE LANGUAGE: what a page shows.
code() { awk -v fence="\`\`\`$2" '$0 == fence { on = 1; next } /^```/ { on = 0 } on' "docs/$1"; }
(CARGO_TARGET_DIR="$target" cargo rustc --quiet --locked --release --lib --crate-type cdylib) || exit 1
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"
export ZEUS_AMD_LIBRARY="$target/release/libzeus_amd.so" PYTHONPATH="$root/python:$here/stub/python"
energy='^[1-9][0-9]*\.[0-9] J (\+-|±) [0-9.]+ J$'

# There is no HIP here: a compiler for it, and a stub of its header.
hip_snippet() {
    code asynchronous.md hip >"$work/hip.cpp"
    clang++ -x hip --cuda-host-only -nogpuinc -nogpulib -std=c++17 -Wall -Werror -Wno-unused-command-line-argument -fsyntax-only -I"$here/stub" -Iinclude "$work/hip.cpp"
}
check "asynchronous.md: HIP compiles" hip_snippet

# On a host without such a device the target regions run on the host.
openmp_snippet() {
    code asynchronous.md c >"$work/openmp.c"
    cc -std=c11 -O1 -fopenmp -foffload=disable -Wall -Wextra -Werror -Iinclude "$work/openmp.c" -o "$work/openmp" -L"$target/release" -lzeus_amd \
        -Wl,-rpath,"$target/release" &&
        OMP_NUM_THREADS=2 OMP_TARGET_OFFLOAD=DISABLED "$sim" --machine mi300x-8 --rocm none -- "$work/openmp" | grep -E "$energy"
}
check "asynchronous.md: OpenMP runs" openmp_snippet

torch_snippet() {
    code asynchronous.md python >"$work/snippet.py"
    PYTHONIOENCODING=utf-8 "$sim" --machine mi300x-8 --rocm none -- python3 "$work/snippet.py" | grep -E "$energy"
}
check "asynchronous.md: PyTorch runs" torch_snippet

python_readme() {
    { printf 'import time\ndef work(): time.sleep(0.2)\n'; awk '/^```python/ { if (n++) exit; on = 1; next } /^```/ { on = 0 } on' python/README.md; } >"$work/readme.py"
    PYTHONIOENCODING=utf-8 "$sim" --machine mi300x-8 --rocm 7.0.2 -- python3 "$work/readme.py" >"$work/said" && grep -Eq "$energy" "$work/said" &&
        grep -Eq '^[0-7] [0-9]+ [0-9]+$' "$work/said"
}
check "python/README.md runs" python_readme

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
