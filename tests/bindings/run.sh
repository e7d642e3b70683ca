#!/bin/sh
# C++, Fortran and Python: held to the header, and run on simulated machines. Prints a line for each check, then the count;
# exit status 1 if any failed. Compilers that are missing are installed where that is possible.
. "$(dirname "$0")/../hermetic.sh"
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/../python/venv.sh"
. "$root/tests/needs.sh"
# shellcheck disable=SC2046 # words
require $(needs bindings)
require_rust "$RUST"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset HIP_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES ZEUS_AMD_BACKEND PYTHONHOME
passed=0 failed=0

check() { # LABEL COMMAND...
    label=$1
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

# Warnings are errors; nothing may be printed.
silently() {
    "$@" >"$work/said" 2>&1 && [ ! -s "$work/said" ] || { cat "$work/said"; return 1; }
}

(cd "$root" && CARGO_TARGET_DIR="$target" cargo rustc --quiet --locked --release --lib --crate-type cdylib) || exit 1
"$sim" build 6.4.3 7.0.2 >/dev/null || exit 1
export LIBRARIES="$target/release" PYTHONPATH="$root/python" PYTHONDONTWRITEBYTECODE=1
export ZEUS_AMD_LIBRARY="$LIBRARIES/libzeus_amd.so"
# The programs record the soname; cargo makes the plain name only.
ln -sf libzeus_amd.so "$LIBRARIES/libzeus_amd.so.0"
link="-L$LIBRARIES -lzeus_amd -Wl,-rpath,$LIBRARIES"

check "the bindings declare what the header declares" "$here/layout.sh"

cxx_warnings="-Wall -Wextra -Wpedantic -Werror -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Weffc++"
for compiler in g++ clang++; do
    for standard in 17 20 2b; do
        for exceptions in -fexceptions -fno-exceptions; do
            # shellcheck disable=SC2086 # words
            check "C++: $compiler -std=c++$standard $exceptions" silently $compiler -std=c++$standard $exceptions \
                $cxx_warnings -I"$root/include" "$root/tests/cpp/bindings.cc" \
                -o "$work/cpp-$compiler-$standard$exceptions" $link
        done
    done
done
for program in g++-17-fexceptions g++-2b-fexceptions clang++-20-fexceptions clang++-17-fno-exceptions g++-2b-fno-exceptions; do
    check "C++: $program on mi300x-8" "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$work/cpp-$program" control
    check "C++: $program on mi250x-4" "$sim" --machine mi250x-4 --rocm 6.4.3 -- "$work/cpp-$program"
done
# Files of one program may differ in standard and exceptions, and so in what a result is and does.
cat >"$work/other.cc" <<'END'
#include <zeus_amd.hpp>
int gpus();
int gpus()
{
    auto z = zeus_amd::basic_session<zeus_amd::simple_results>::open();
    return int(z.value().gpu_count().value());
}
END
cat >"$work/one.cc" <<'END'
#include <zeus_amd.hpp>
int gpus();
int main()
{
    auto z = zeus_amd::basic_session<zeus_amd::simple_results>::open();
    auto same = zeus_amd::nothrow::session::open();
    if (gpus() != int(z.value().gpu_count().value()) || gpus() != int(same.value().gpu_count().value()))
        return 1;
    try {
        z.value().energy_mj(99).value(); // not the other file's, which would abort
        return 2;
    } catch (const zeus_amd::error &) {
        return 0;
    }
}
END
mixed() {
    for standard in 17 2b; do
        # shellcheck disable=SC2086
        g++ -std=c++2b -fno-exceptions -O0 -I"$root/include" -c "$work/other.cc" -o "$work/other.o" &&
            g++ -std=c++$standard -O0 -I"$root/include" -c "$work/one.cc" -o "$work/one.o" &&
            g++ "$work/other.o" "$work/one.o" -o "$work/mixed" $link &&
            "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$work/mixed" || return 1
    done
}
check "C++: two standards, with and without exceptions, in one program" mixed

# A sample that comes when none has waited is for the next call: none is made up in its place.
cat >"$work/late.cc" <<'END'
#include <zeus_amd.hpp>
static unsigned calls;
zeus_amd_status_t zeus_amd_sampler_drain(zeus_amd_sampler_t *, zeus_amd_sample_t *, std::uint32_t *count, std::uint64_t *lost)
{
    // Without room it is asked how many wait, and nothing is lost.
    *count = *count == 0 && calls++ > 0 ? 1 : 0;
    if (lost != nullptr)
        *lost = 0;
    return ZEUS_AMD_STATUS_OK;
}
void zeus_amd_sampler_free(zeus_amd_sampler_t *) {}
int main()
{
    zeus_amd::sampler sampler(reinterpret_cast<zeus_amd_sampler_t *>(&calls));
    std::uint64_t lost = 99;
    return sampler.drain(&lost).empty() && lost == 0 ? 0 : 1;
}
END
late() {
    # shellcheck disable=SC2086
    g++ -std=c++17 -I"$root/include" "$work/late.cc" -o "$work/late" $link && "$work/late"
}
check "C++: a sample that comes while none waits" late

# The simulator's library is loaded before the sanitizers', which it does not disturb.
export ASAN_OPTIONS=verify_asan_link_order=0
fortran="gfortran -Wall -Wextra -Wpedantic -Werror -fcheck=all -g -fsanitize=address,undefined -J$work -I$work"
for standard in f2018 gnu; do
    # shellcheck disable=SC2086
    check "Fortran: module, -std=$standard" silently $fortran -std=$standard -c "$root/include/zeus_amd.f90" -o "$work/module.o"
done
for program in report behaviour; do
    # shellcheck disable=SC2086
    check "Fortran: $program" silently $fortran -std=f2018 "$root/tests/fortran/$program.f90" "$work/module.o" -o "$work/f-$program" $link
done
behaves() { # PROGRAM
    # shellcheck disable=SC2016
    "$sim" --machine mi300x-8 --rocm 7.0.2 -- \
        sh -c '"$1" >"$2" && python3 "$3" <"$2"' sh "$1" "$work/energies" "$here/energies.py"
}
# The oldest flang that knows procedure pointers and types by value. Its module files have the names of gfortran's.
mkdir "$work/flang"
flang_report() {
    (cd "$work/flang" && silently flang-new-19 "$root/include/zeus_amd.f90" "$root/tests/fortran/$1.f90" -o "$work/flang-$1" $link)
}
for program in report behaviour; do check "Fortran: $program by flang" flang_report $program; done
for program in f-behaviour flang-behaviour; do
    check "Fortran: windows, sampler, guard, log on mi300x-8, $program" behaves "$work/$program"
done

# shellcheck disable=SC2086
check "C: report" silently cc -std=c99 -Wall -Wextra -Wpedantic -Werror -I"$root/include" "$here/report.c" -o "$work/c-report" $link
same() { # MACHINE ROCM
    # shellcheck disable=SC2016
    "$sim" --machine "$1" --rocm "$2" -- sh -c '
        "$1/c-report" >"$1/c" && "$1/f-report" >"$1/f" && "$1/flang-report" >"$1/flang.txt" && python3 -W error "$2/report.py" >"$1/p" &&
            diff "$1/c" "$1/f" && diff "$1/c" "$1/flang.txt" && diff "$1/c" "$1/p" && [ "$(wc -l <"$1/c")" -gt 50 ]' sh "$work" "$root/tests/python"
}
check "C, Fortran and Python say the same of mi300x-8" same mi300x-8 7.0.2
check "C, Fortran and Python say the same of mi250x-4" same mi250x-4 6.4.3

for python in python3 python3.8; do
    # The oldest that the file is for, where there is one.
    "$python" -c '' 2>/dev/null || continue
    check "Python: $("$python" -V) on mi300x-8" "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$python" -W error "$root/tests/python/test_binding.py"
    check "Python: $("$python" -V) on mi250x-4" "$sim" --machine mi250x-4 --rocm 6.4.3 -- "$python" -W error "$root/tests/python/test_binding.py" Dies
done
check "Python: the wheel in a fresh environment" "$root/tests/python/wheel.sh"

# The powers of the machine file add up to 3259 W, which a count of the resolution that the kernel states gives.
# shellcheck disable=SC2086
check "example in C++" silently g++ -std=c++17 $cxx_warnings -I"$root/include" "$root/examples-c/phases.cpp" -o "$work/phases" $link
# shellcheck disable=SC2086
check "example in Fortran" silently gfortran -std=f2018 -Wall -Wextra -Wpedantic -Werror -J"$work" "$root/include/zeus_amd.f90" \
    "$root/examples-c/region.f90" -o "$work/region" $link
phases() { # PROGRAM: three lines, each with an energy
    "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$1" >"$work/phases.txt" && cat "$work/phases.txt" &&
        [ "$(grep -Ec '[1-9][0-9]*\.[0-9] J (±|\+-) +[0-9.]+ J in +[0-9.]+ s \( *32(5[89]|60)\.[0-9] W\)$' "$work/phases.txt")" = 3 ]
}
check "example in C++ on mi300x-8" phases "$work/phases"
check "example in Fortran on mi300x-8" phases "$work/region"

. "$here/readers.sh"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
