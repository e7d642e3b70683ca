#!/usr/bin/env bash
# All tests in one command. Installs what it needs where it may (apt-get, PyPI), says what to install where not.
#
#     tests/run.sh                 all steps
#     tests/run.sh NAME...         these steps, or the Rust tests of such a file or name: tests/run.sh windows mpi
#     tests/run.sh --list          the steps and the files of Rust tests, with what each holds
#     tests/run.sh --long ...      with fresh seeds: random tests run ten times, the seed of each time is printed; 20,000 random machines, 10,000 rounds beside other code
#
# What a step says is in target/test-logs/STEP.log, and shown where it fails. The last line is "N passed, N failed".
. "$(dirname "$0")/hermetic.sh"
set -u
cd "$(dirname "$0")/.."
root=$PWD
. tests/needs.sh

STEPS=(format clippy build rust job cmake install packaging docs abi bindings mpi tools amdsmi amdsmi27 zeus leftovers)
# With --long only, or by its name: hours, and what goes with a release.
LONG=(endurance release)
what() {
    case $1 in
    format) echo "the Rust sources are formatted, and no text has words that only this project knows" ;;
    clippy) echo "clippy has nothing to say of any target" ;;
    build) echo "the library, the simulated libraries of all releases and the Rust tests build" ;;
    rust) echo "unit tests and tests/*.rs, simulator/tests" ;;
    job) echo "examples-c/run.sh, as a newcomer types it" ;;
    cmake) echo "CMake builds library and examples without a warning, and CTest runs them" ;;
    install) echo "the library as it is installed: packages, consumers, README's commands, moved trees" ;;
    packaging) echo "tarball, Debian packages and recipes, of what the other steps have built" ;;
    docs) echo "manual pages, Doxygen, and the code that docs/ shows" ;;
    abi) echo "programs of every release run with this library; abidiff judges the header" ;;
    bindings) echo "C++, Fortran and Python declare and say what the C header does" ;;
    mpi) echo "zeus_amd_mpi.h and the profiler, with Open MPI and MPICH" ;;
    tools) echo "energy by region, in programs of Kokkos, roctx and OpenMP" ;;
    amdsmi) echo "AMD's own Python packages run on the simulated machine" ;;
    amdsmi27) echo "AMD's binding of libamd_smi 27 runs on the simulated machine" ;;
    zeus) echo "Zeus and this library give the same numbers in one process" ;;
    endurance) echo "64 processes with guards that die at random, 200 rounds, 3 seeds; each call of the system fails once" ;;
    release) echo "packages for glibc 2.28: built, and judged by packaging/gate.sh, lintian and rpmlint" ;;
    leftovers) echo "no process, file or shared memory is left, also when a run is killed in the middle" ;;
    esac
}

# Files of Rust tests by name, as NAME FILE.
rust_files() {
    for file in tests/*.rs tests/*/main.rs simulator/tests/*.rs; do
        name=${file%/main.rs}
        name=$(basename "$name" .rs)
        [ "$name" = suite ] || echo "$name $file"
    done
}

list() {
    for step in "${STEPS[@]}" "${LONG[@]}"; do printf '%-12s %s\n' "$step" "$(what "$step")"; done
    printf '\nRust tests, by file:\n'
    rust_files | while read -r name file; do
        printf '%-12s %s\n' "$name" "$(sed -n '/^\/\/! /{s/^\/\/! //p;q}' "$file")"
    done
}

usage() { sed -n '2,/^$/{/^set/q;s/^# \{0,1\}//p}' tests/run.sh; }

is_step() { [[ " ${STEPS[*]} ${LONG[*]} " == *" $1 "* ]]; }
is_rust_test() {
    [[ $1 =~ ^[a-z0-9_:]+$ ]] || return 1
    rust_files | grep -q "^${1%%::*} " || grep -rqE "^ *fn [a-z0-9_]*${1##*::}" --include='*.rs' tests simulator src
}

chosen=() names=() long=
for word; do
    case $word in
    --list) list; exit 0 ;;
    -h | --help) usage; exit 0 ;;
    --long) long=yes ;;
    -*) echo "tests/run.sh: no option $word" >&2; usage >&2; exit 2 ;;
    *)
        if is_step "$word"; then
            chosen+=("$word")
        elif is_rust_test "$word"; then
            names+=("$word")
        else
            echo "tests/run.sh: no step and no test is named $word; --list lists them" >&2
            exit 2
        fi
        ;;
    esac
done
[ ${#names[@]} = 0 ] || chosen+=(rust)
[ ${#chosen[@]} -gt 0 ] || chosen=("${STEPS[@]}" ${long:+"${LONG[@]}"})

# What is here and what is not, in one list, before anything is built.
look() {
    local good=yes pairs missing
    nextest=$(cargo nextest --version 2>/dev/null | head -n 1)
    echo "$(rustc --version 2>/dev/null || echo 'no Rust'), ${nextest:-no cargo-nextest, which takes less time than cargo test}"
    rust_is_here $RUST fmt clippy || good=no
    mapfile -t pairs < <(needs "${chosen[@]}")
    missing=$(missing_of "${pairs[@]}")
    if [ ${#pairs[@]} -gt 0 ] && command -v dpkg-query >/dev/null; then
        # shellcheck disable=SC2046 # words
        dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' $(printf '%s\n' "${pairs[@]##*:}" | sort -u) 2>/dev/null |
            awk '/^ii/ { printf "%s%s %s", n++ ? ", " : "", $2, $3 } END { print "" }' | fold -s -w 120
    fi
    if [ -n "$missing" ]; then
        echo "missing: $missing"
        # shellcheck disable=SC2086 # words
        [ $good = no ] || install_packages $missing || good=no
        [ $good = no ] || missing=$(missing_of "${pairs[@]}")
        [ -z "$missing" ] || good=no
    fi
    [ $good = yes ] || { echo "not all is here that the tests need" >&2; exit 1; }
}
look

run=$(mktemp -d "${TMPDIR:-/tmp}/zeus_amd.XXXXXX") || exit 1
mkdir "$run/tmp" "$run/state"
# Some tests start programs as another user.
chmod 711 "$run"
chmod 1777 "$run/tmp"
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
logs=${ZEUS_AMD_TEST_LOGS:-$target/test-logs}
mkdir -p "$logs"
mark=ZEUS_AMD_TEST_RUN=${run##*.}
# Ends what is left when this is gone, however it went.
exec {alive}> >(exec setsid scripts/reap.sh "$mark" "$run" >/dev/null 2>&1)
reaper=$!
put_away() {
    # shellcheck disable=SC2046 # words
    kill $(jobs -p) 2>/dev/null
    exec {alive}>&-
    wait $reaper
}
trap put_away EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
export "${mark?}" TMPDIR="$run/tmp" CARGO_TARGET_DIR="$target" ZEUS_AMD_TEST_BEGAN
ZEUS_AMD_TEST_BEGAN=$(date +%s)
# One seed, so that nothing fails by chance, or a fresh one.
[ -n "$long" ] || ZEUS_AMD_SEED=${ZEUS_AMD_SEED:-1}
CI='' . tests/seed.sh

# tests NAME...: the Rust tests of such names, or all; each in a process of its own where there is cargo-nextest.
rust_tests() {
    local name filter=
    if [ -n "$nextest" ]; then
        for name; do
            filter="${filter:+$filter + }test(/(^|::|_)$name/)"
            [ "$name" != metrics ] || filter="$filter + binary(metrics)"
        done
        cargo nextest run --locked --workspace --cargo-quiet ${filter:+-E "$filter"} || return 1
        # nextest leaves out the examples in Rust's documentation.
        [ $# != 0 ] || cargo test --quiet --locked --workspace --doc
    else
        cargo test --quiet --locked --workspace --no-fail-fast -- "$@" | tee "$run/state/rust"
        [ "${PIPESTATUS[0]}" = 0 ] && grep -q '^test result: ok. [1-9]' "$run/state/rust"
    fi
}

step_format() { cargo fmt --all --check && scripts/words.sh; }
step_clippy() { cargo clippy --quiet --locked --workspace --all-targets -- -D warnings; }
step_build() {
    simulator/run build &&
        if [ -n "$nextest" ]; then
            cargo nextest run --locked --workspace --cargo-quiet --no-run
        else
            cargo test --quiet --locked --workspace --no-run
        fi && cargo rustc --quiet --locked --release --lib --crate-type cdylib
}
step_rust() {
    rust_tests ${names[@]+"${names[@]}"} || return 1
    [ -n "$long" ] || return 0
    if [ ${#names[@]} = 0 ]; then
        ZEUS_AMD_MACHINES=20000 ZEUS_AMD_STORM=64,200,3 ZEUS_AMD_ROUNDS=10000 \
            rust_tests any_machine processes_that_die_at_random beside_code_that_shuts || return 1
    fi
    local again random
    # Those with numbers that nobody chose.
    mapfile -t random < <(grep -rlE 'random::|Random|proptest!' --include='*.rs' tests simulator/tests src |
        sed -E '/^tests\/common/d;s/^(simulator\/tests|tests|src)\///;s/^metrics\/.*/metrics/;s/(\/(main|tests))?\.rs$//;s/\//::/g' | sort -u)
    [ ${#names[@]} = 0 ] || random=("${names[@]}")
    for again in {2..10}; do
        export ZEUS_AMD_SEED=$((ZEUS_AMD_SEED + 1))
        echo "time $again, seed $ZEUS_AMD_SEED"
        rust_tests "${random[@]}" || return 1
    done
}
# The main job, as a newcomer types it: its first line says on which machine, its last one the total.
step_job() {
    local out
    out=$(examples-c/run.sh --seconds 1) || return 1
    printf '%s\n' "$out"
    printf '%s\n' "$out" | head -n 1 | grep -Eq '^(Real|Simulated) machine: ' &&
        printf '%s\n' "$out" | tail -n 1 | grep -Eq '^all +[0-9.]+ J'
}
step_cmake() {
    # Cargo builds where it does for the installed library.
    cmake -S . -B "$target/cmake" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror \
        -DZEUS_AMD_CARGO_TARGET_DIR="$target" &&
        cmake --build "$target/cmake" &&
        ctest --test-dir "$target/cmake" --output-on-failure
}
step_install() { tests/install/run.sh; }
step_packaging() { tests/packaging/run.sh; }
step_docs() { tests/docs/run.sh; }
step_abi() { tests/abi/run.sh; }
step_bindings() { tests/bindings/run.sh; }
step_mpi() { tests/mpi/run.sh; }
step_tools() { tests/tools/run.sh; }
step_amdsmi() { tests/python/amdsmi.sh; }
step_amdsmi27() { tests/python/bindings.sh; }
step_zeus() { tests/python/zeus.sh; }
# Not by cargo-nextest, which limits the time of a test.
step_endurance() {
    ZEUS_AMD_STORM=64,200,3 ZEUS_AMD_EACH_CALL=1 cargo test --quiet --locked --test suite -- --nocapture --test-threads 2 \
        guard::shared::processes_ exhaustion::any_single_call_may_fail
}
step_release() { env -u CARGO_TARGET_DIR packaging/build.sh tarball wheel deb rpm crate; }
# In the folder of all steps, which it looks at.
step_leftovers() { rmdir "$TMPDIR" && TMPDIR=$run/tmp tests/leftovers.sh; }

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# one STEP: what became of it is in $run/state.
one() {
    local begun=$SECONDS result=FAIL
    echo "$begun" >"$run/state/$1.began"
    # Of its own: two Open MPI that start at once would both make the same folder.
    local TMPDIR=$run/tmp/$1
    mkdir -m 1777 "$TMPDIR"
    "step_$1" >"$logs/$1.log" 2>&1 </dev/null && result=ok
    # Open MPI 5.0.7 leaves the folders of a job that it ends. All else that is left is found by the last step.
    rm -rf "$TMPDIR"/ompi.*
    rmdir "$TMPDIR" 2>/dev/null
    # Of its own shell, then of what that has waited for: user and system.
    { echo 'processor time:'; times; } >>"$logs/$1.log"
    echo "$result $((SECONDS - begun))" >"$run/state/$1.new"
    mv "$run/state/$1.new" "$run/state/$1.done"
}

passed=0 failed=0 shown=" "
show() {
    local step result seconds running=
    for step in "${chosen[@]}"; do
        [[ $shown == *" $step "* ]] && continue
        if [ -e "$run/state/$step.done" ]; then
            read -r result seconds <"$run/state/$step.done"
            shown="$shown$step "
            [ ! -t 1 ] || printf '\r\033[K'
            printf '%-4s  %-10s %5d s   %s\n' "$result" "$step" "$seconds" "$(clock $SECONDS)"
            if [ "$result" = ok ]; then
                passed=$((passed + 1))
            else
                failed=$((failed + 1))
                sed 's/^/      /' "$logs/$step.log"
                echo "      ($logs/$step.log)"
            fi
        elif [ -e "$run/state/$step.began" ]; then
            running="$running $step $(clock $((SECONDS - $(<"$run/state/$step.began"))))"
        fi
    done
    [ ! -t 1 ] || printf '\r\033[K%s %s' "$(clock $SECONDS)" "$running"
}

tick() {
    show
    sleep 0.5 &
    wait $!
}

# in_turn STEP...: one after the other, each in a shell of its own, for its processor time.
in_turn() {
    local step
    for step; do (one "$step"); done
}

# at_once N STEP+STEP...: those that are chosen, N side by side, and one after the other where a plus is between them.
at_once() {
    local most=$1 steps step mine
    shift
    for steps; do
        mine=()
        for step in ${steps//+/ }; do
            [[ " ${chosen[*]} " != *" $step "* ]] || mine+=("$step")
        done
        [ ${#mine[@]} -gt 0 ] || continue
        while [ "$(jobs -pr | wc -l)" -ge "$most" ]; do tick; done
        in_turn "${mine[@]}" {alive}>&- &
    done
    while [ -n "$(jobs -pr)" ]; do tick; done
    show
}

SECONDS=0
at_once 1 format build
# Much of each is sleep, or the work of one core. The longest come first, after those that say much in a moment. Packages are of what
# install has built.
at_once "$(($(nproc) > 1 ? 3 : 1))" clippy job rust mpi install+packaging tools bindings zeus docs abi amdsmi amdsmi27 cmake
at_once 1 endurance release
at_once 1 leftovers
[ ! -t 1 ] || printf '\r\033[K'
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
