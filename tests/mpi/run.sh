#!/usr/bin/env bash
# MPI: the header and the profiler on simulated machines, with Open MPI and with MPICH.
#
#     tests/mpi/run.sh [openmpi|mpich [PATTERN]]        (those tests whose names match)
. "$(dirname "$0")/../hermetic.sh"
set -u
cd "$(dirname "$0")/../.."
root=$PWD
. tests/needs.sh
. tests/again.sh
require $(needs mpi)
require_rust $RUST

target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
export CARGO_TARGET_DIR=$target
cargo rustc --quiet --locked --release --lib --crate-type cdylib || exit 1
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"
simulator/run --build-only || exit 1

# Of both MPIs: their programs, the profiler's libraries, the numbers of running kernels.
shared=$(mktemp -d) || exit 1
work=$shared
began=$(date +%s)
. scripts/orphans.sh
trap 'rm -rf "$shared"; drop_foreign "$began"' EXIT
within=$root/tests/mpi/within.sh
start=$root/tests/mpi/start.sh
rank=$root/tests/mpi/rank.sh
check="python3 $root/tests/mpi/check.py"
report="python3 $root/tests/mpi/report.py"
blame="python3 $root/tests/mpi/valgrind.py"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export PYTHONUTF8=1
pattern=${2-}
unset MACHINE_A MACHINE_B ZEUS_AMD_MPI_HOST ZEUS_AMD_PMPI_OUTPUT ZEUS_AMD_PMPI_REGIONS
failed=0

# Hosts of other names, and of other running kernels, are namespaces of this one.
for side in a b; do printf '%s\n' "5eed000$side-0000-4000-8000-00000000000$side" >"$shared/boot_id.$side"; done
namespaces=yes
unshare -mu sh -c 'hostname node-a && mount --bind "$0" /proc/sys/kernel/random/boot_id' "$shared/boot_id.a" 2>/dev/null || {
    namespaces=no
    echo "no namespaces are permitted here: ZEUS_AMD_MPI_HOST tells hosts apart, and some tests are left out"
}

ok() {
    local name=$1 out began=$SECONDS
    [[ $name = builds || $name =~ $pattern ]] || return 0
    shift
    if out=$("$@" </dev/null 2>&1); then
        printf '%s: %s%s\n' "$mpi" "$name" "${out:+: ${out##*   }} [$((SECONDS-began)) s]"
    else
        printf '%s: %s\n!! failed: %s\n' "$mpi" "$out" "$name"
        failed=$((failed + 1))
    fi
}

# What of the profiler is no MPI's, for both.
build_regions() {
    cc -std=gnu11 -O2 -fPIC -r -fvisibility=hidden -Wall -Wextra -Werror -Iinclude tools/regions/*.c tools/report/*.c \
        tools/connect/{kokkos,roctx,ompt}.c tools/files.c -o "$shared/regions.o"
}
build() {
    local flags=(-Wall -Wextra -Werror -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -Iinclude)
    local link=(-L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release")
    local name
    "mpicc.$mpi" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden "${flags[@]}" tools/pmpi/*.c "$shared/regions.o" \
        -o "$programs/libzeus_amd_pmpi.so" "${link[@]}" -Wl,-z,nodelete,-z,defs -lpthread -ldl -lm || return 1
    "mpicc.$mpi" -std=c99 "${flags[@]}" tests/mpi/job.c -o "$programs/job" "${link[@]}" || return 1
    "mpicc.$mpi" -std=c99 "${flags[@]}" examples-c/mpi_energy.c -o "$programs/mpi_energy" "${link[@]}" || return 1
    "mpicxx.$mpi" -x c++ -std=c++11 "${flags[@]}" tests/mpi/job.c -o "$programs/job_cpp" "${link[@]}" || return 1
    for name in phases ends threads calls; do
        "mpicc.$mpi" -std=c99 -Wall -Wextra -Werror -rdynamic "tests/mpi/$name.c" -o "$programs/$name" -lpthread -ldl || return 1
    done
    "mpifort.$mpi" -w -DMODULE=mpi -DOLD tests/mpi/calls.F90 -o "$programs/calls_mpi" || return 1
    "mpifort.$mpi" -w -DMODULE=mpi_f08 tests/mpi/calls.F90 -o "$programs/calls_mpi_f08"
}

# Of the header no compiler has anything to say, in any standard, as of zeus_amd.h. MPI's own headers are the system's.
header() {
    local warnings=(-Wall -Wextra -Werror -pedantic-errors -Wconversion -Wundef -Wmissing-field-initializers)
    local include compiler standard
    include=$(dirname "$(find /usr/include /usr/lib -path "*$mpi*/mpi.h" | head -n 1)")
    printf '#include <zeus_amd_mpi.h>\n#include <zeus_amd_mpi.h>\n' >"$work/header.c"
    warnings+=(-Iinclude -isystem "$include" -fsyntax-only "$work/header.c")
    for compiler in gcc clang; do
        for standard in c99 c11 c17 c2x; do
            "$compiler" "-std=$standard" -Wstrict-prototypes -Wmissing-prototypes "${warnings[@]}" || return 1
        done
    done
    for compiler in g++ clang++; do
        for standard in c++11 c++14 c++17 c++20 c++2b; do
            "$compiler" "-std=$standard" -x c++ -Wold-style-cast -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX "${warnings[@]}" || return 1
        done
    done
}

# Of each public function the header says which threads and which processes may call it, and since when.
documented() {
    awk '/^\/\*\*/ { said = "" } { said = said $0 }
        /^static inline .* zeus_amd_mpi_[a-z]+\(/ {
            count++
            if (said !~ /@threadsafety/ || said !~ /@forksafety/ || said !~ /@since/) { print $0; bad = 1 }
        }
        END { exit bad || count != 5 }' include/zeus_amd_mpi.h
}

# MPI's functions, those that announce regions, and nothing else are there to be taken for others.
exports() {
    local others
    others=$(nm -D --defined-only "$programs/libzeus_amd_pmpi.so" | awk '{ print $3 }' | grep -Ev '^(MPI_[A-Z][A-Za-z_]*|mpi_[a-z0-9_]*_|kokkosp_[a-z_]*|roctx[A-Za-z_]*|ompt_start_tool)$')
    [ -z "$others" ] || { echo "$others"; return 1; }
    nm -D --defined-only "$programs/libzeus_amd_pmpi.so" | grep ' MPI_Finalize$' >/dev/null
}

# in_machine FUNCTION MACHINES -- ARGUMENTS...: the function within machines (see within.sh).
in_machine() {
    local what=$1 machines=()
    shift
    while [ "$1" != -- ]; do machines+=("$1"); shift; done
    "$within" "${machines[@]}" -- bash -c "$(declare -f ran again "$what")"$'\n"$@"' bash "$what" "${@:2}"
}

# job.c, then check.py; once more where a busy machine left too wide a bound.
job() { # RANKS RULE [loose] -- FIELD=VALUE...
    local words=()
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    one() {
        "$start" "${words[0]}" "$rank" "${words[1]}" "$programs/${program:-job}" "${words[@]:2}" "$(awk "BEGIN { print ${seconds:-0.3} * $LONGER }")" >"$work/job.json" &&
            $check "$work/job.json" "$@"
    }
    again one "${@:2}"
}

# What a run of a job left: output, errors and exit status. A launcher has words of its own, with numbers of hosts, jobs and
# processes in them, and those of several ranks come in any order.
ran() { # NAME RANKS COMMAND...
    local to=$work/$1
    (cd "${where:-$work}" && "$start" "${@:2}") >"$to.out" 2>"$to.err"
    echo $? >"$to.rc"
    # The launcher's frame, and an empty line that it prints before it or not.
    sed -i '/^=====/,$d' "$to.out"
    sed -i -e :a -e '/^\n*$/{$d;N;ba' -e '}' "$to.out"
    sed -E '/ UCX +(ERROR|WARN) /d; s/\[[^][ ]*:[0-9]+\]/[HOST:PID]/g; s/\[\[[0-9]+,/[[JOB,/g' "$to.err" | sort >"$to.sorted"
}

# With the profiler and without: the same output, errors and exit status. A job that ends badly does not always end in the
# same way, its launcher may lose what a rank has written, and MPICH 4.2 has exit status 0 at times: the one with the
# profiler has to be as one of ten without, once in three tries, and one of those has to end with $status. With $held words
# of report.py on the report.
same() { # RANKS COMMAND...
    local n=$1 matched=no status_seen=${status:+no} what="out rc sorted" tries=1 one
    shift
    is_same() {
        for one in $what; do cmp -s "$work/plain.$one" "$work/profiled.$one" || return 1; done
    }
    # Some messages of the launcher have the time, or say what was running.
    [ "${numbers:-same}" = same ] || what="out rc" tries="1 2 3"
    for _ in $tries; do
        rm -f "$work/report.json"
        PROFILER=$programs/libzeus_amd_pmpi.so ZEUS_AMD_PMPI_OUTPUT=$work/report ran profiled "$n" "$rank" shared "$@"
        for _ in {1..10}; do
            ran plain "$n" "$@"
            [ "$(cat "$work/plain.rc")" != "${status-}" ] || status_seen=yes
            is_same && matched=yes
            [ $matched = no ] || [ "$status_seen" = no ] || break 2
        done
    done
    if [ $matched = no ]; then
        for one in $what; do diff "$work/plain.$one" "$work/profiled.$one"; done
        return 1
    fi
    [ "$status_seen" != no ] || { echo "no exit status $status"; return 1; }
    [ -e "$work/report.json" ] || [ "${reported:-yes}" = no ] || return 1
    [ -z "${held-}" ] || $report "$work/report" $held
}

# A program with the profiler, then report.py. EPOCH stands for when the machine started, OUT for what the program printed.
profiled() { # RANKS RULE PROGRAM [ARGUMENTS] -- words of report.py
    local words=() epoch_ns
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    shift
    rm -f "$work/report.json"
    epoch_ns=$(simulator/run truth --dir "$MACHINE_A" | python3 -c 'import json, sys; print(json.load(sys.stdin)["epoch_ns"])')
    words=("${words[@]/EPOCH/$epoch_ns}")
    ZEUS_AMD_PMPI_OUTPUT=$work/report PROFILER=$programs/libzeus_amd_pmpi.so \
        "$start" "${words[0]}" "$rank" "${words[1]}" "$programs/${words[2]}" "${words[@]:3}" >"$work/program.out" &&
        $report "$work/report" "${@/OUT/$work/program.out}"
}

threads() {
    busy profiled mi300x-8 7.0.2 -- 2 shared threads -- truth || return 1
    $report "$work/report" "ranks.0.mpi_calls=$(head -n 1 "$work/program.out")" "ranks.1.mpi_calls=$(head -n 1 "$work/program.out")"
}

# busy FUNCTION MACHINES -- ARGUMENTS...: in other machines where these were too busy.
busy() { again in_machine "$@"; }

# Each rank of calls.c has made as many calls as the report says.
calls() {
    local words
    in_machine profiled mi210-1 6.2.4 -- 4 shared calls "$work/file" -- job.packages=1 || return 1
    mapfile -t words < <(sed -n 's/^\([0-9]*\) \([0-9]*\)$/ranks.\1.mpi_calls=\2/p' "$work/program.out")
    [ "${#words[@]}" = 4 ] && $report "$work/report" "${words[@]}"
}

# One rank with the profiler, in a folder of its own: the report's name is as the variables have it.
here() { # COMMAND...: what to look at then
    (cd "$work/here" && PROFILER=$programs/libzeus_amd_pmpi.so "$start" 1 "$rank" shared "$programs/ends" "${how-}" >/dev/null) && (cd "$work/here" && "$@" >/dev/null)
}

# Without a name each report gets one of its own, and none replaces a file, whichever of the two it is.
default_name() {
    mkdir -p "$work/here"
    export SLURM_JOB_ID=77
    local names=zeus_amd_report.77
    here ls $names.txt $names.json && here ls $names-2.txt $names-2.json &&
        echo mine >"$work/here/$names-3.json" && here ls $names-4.txt $names-4.json &&
        [ "$(cat "$work/here/$names-3.json")" = mine ] && [ "$(ls "$work/here" | wc -l)" = 7 ]
    local right=$?
    unset SLURM_JOB_ID
    rm -rf "$work/here"
    return $right
}

# A chosen name is taken whole, or refused in words.
chosen_name() {
    local part folder
    part=$(printf 'x%.0s' {1..200})
    folder=$work/here/$part/$part/$part/$part
    mkdir -p "$folder"
    ZEUS_AMD_PMPI_OUTPUT=$folder/name here ls "$folder/name.txt" "$folder/name.json" &&
        ZEUS_AMD_PMPI_OUTPUT=$(printf "$part/%.0s" {1..30}) here true 2>"$work/here.err" &&
        grep -q 'cannot be written: File name too long' "$work/here.err"
    local right=$?
    rm -rf "$work/here"
    return $right
}

# A report that the disk has no room for leaves nothing behind, neither of its two files, and that is said.
whole_or_none() {
    mkdir -p "$work/here"
    how=full ZEUS_AMD_PMPI_OUTPUT=$work/here/part here true 2>"$work/here.err" &&
        grep -q 'cannot be written: File too large' "$work/here.err" && [ -z "$(ls "$work/here")" ]
    local right=$?
    rm -rf "$work/here"
    return $right
}

# Only the rank that writes needs a working directory, and that only for a name that is relative to it.
no_folder() {
    export MOST_SECONDS=120
    one() { PROFILER=$programs/libzeus_amd_pmpi.so "$start" 2 "$rank" gone "$programs/ends" >"$work/gone.out" 2>"$work/gone.err"; }
    rm -f "$work/gone".*
    ZEUS_AMD_PMPI_OUTPUT=$work/gone one && $report "$work/gone" job.ranks=2 && rm "$work/gone.json" &&
        GONE=0 ZEUS_AMD_PMPI_OUTPUT=$work/gone one && $report "$work/gone" job.ranks=2 &&
        GONE=0 ZEUS_AMD_PMPI_OUTPUT=gone one && [ "$(grep -c 'cannot be written: there was no working directory' "$work/gone.err")" = 1 ]
    local right=$?
    unset MOST_SECONDS
    return $right
}

# The profiler of the other MPI says so. Open MPI's lets the program run; MPICH's cannot hand on the larger handles.
other_mpi() {
    local other=openmpi expected=3 out
    [ "$mpi" = openmpi ] && other=mpich expected=1
    # A launcher may lose the last line of a rank.
    for _ in 1 2 3; do
        out=$(PROFILER=$shared/$other/libzeus_amd_pmpi.so "$start" 2 "$rank" shared "$programs/ends" three 2>"$work/other.err")
        [ $? = $expected ] && { [ $expected = 1 ] || [ "$out" = "sum 1" ]; } || return 1
        ! grep -q 'built for another MPI' "$work/other.err" || return 0
    done
    return 1
}

# Header, profiler and library lose nothing and read nothing wrongly: with one rank, without a launcher. The MPIs have losses of
# their own.
memory() {
    rm -f "$work/report.json"
    ZEUS_AMD_PMPI_OUTPUT=$work/report LD_PRELOAD=$programs/libzeus_amd_pmpi.so valgrind --leak-check=full \
        --show-leak-kinds=definite --num-callers=20 --log-file="$work/valgrind" "$programs/job" 0.1 >"$work/valgrind.out" 2>&1 &&
        [ -e "$work/report.json" ] && $blame "$work/valgrind"
}

# All GPUs but those of one index are hidden by a device cgroup.
only() {
    local i
    for i in 0 1 2 3 4 5 6 7; do [ "$i" = "$1" ] || printf 'gpu.%s.access = "hidden"\n' "$i"; done
}

export within start rank check report blame shared work programs

all() {
    mpi=$1
    programs=$shared/$mpi
    export MPI_KIND=$mpi KERNELS=$namespaces
    # UCX, below MPICH, takes another kernel for another machine too, and over TCP its MPI_Finalize now and then waits for ever.
    [ "$mpi" = openmpi ] || KERNELS=no
    local mi300x=(mi300x-8 7.0.2) mi250x=(mi250x-4 6.3.3)
    local cpx=(mi300x-8 7.0.2 'gpu.0 = { compute_partition = "CPX", partitions = 8 }')
    local square='all.power = { kind = "square", low = 150, high = 500, period_s = 0.05 }'
    local two=("${mi300x[@]}" + mi300x-8 6.4.3 "$square")
    # A job step that gives each rank one die of a package, or one of another package.
    local dies=(mi250x-4 6.3.3 "$(only 2)" + mi250x-4 6.3.3 "$(only 3)")
    ok "the header in every C and C++" header
    ok "exports" exports

    for n in 1 2 4; do
        ok "GPUs shared by $n" in_machine job "${mi300x[@]}" -- "$n" shared -- packages=8 nodes=1 missing=0 failed=0 "duplicates=$((8 * (n - 1)))"
    done
    seconds=1.5 ok "GPUs shared by 8" in_machine job "${mi300x[@]}" -- 8 shared -- packages=8 nodes=1 missing=0 failed=0 duplicates=56
    program=job_cpp ok "in C++" in_machine job "${mi300x[@]}" -- 2 shared -- packages=8 duplicates=8
    ok "a GPU a rank" in_machine job "${mi300x[@]}" -- 8 one -- packages=8 duplicates=0 missing=0
    ok "two GPUs a rank" in_machine job mi350x-8 7.0.2 -- 4 pairs -- packages=8 duplicates=0 missing=0
    ok "some GPUs shared" in_machine job mi300x-8 6.4.3 -- 4 overlap -- packages=5 duplicates=3 missing=0
    ok "MI250X, all dies in all ranks" in_machine job "${mi250x[@]}" -- 4 shared -- packages=4 duplicates=12 missing=0
    ok "MI250X, a die a rank" in_machine job "${mi250x[@]}" -- 8 one -- packages=4 duplicates=0 missing=0
    ok "MI250X, a die a rank, the others hidden" in_machine job "${dies[@]}" -- 2 apart -- packages=1 nodes=1 missing=0 failed=0 shares=equal
    ok "MI250X, four ranks on two dies" in_machine job "${dies[@]}" -- 4 apart -- packages=1 duplicates=1 missing=0 shares=equal
    ok "only second dies" in_machine job "${mi250x[@]}" -- 1 second -- packages=0 missing=1 energy_mj=0
    ok "a partition a rank" in_machine job "${cpx[@]}" -- 4 one -- packages=1 duplicates=3 missing=0 shares=equal
    ok "eight ranks, eight partitions" in_machine job "${cpx[@]}" -- 8 one -- packages=1 duplicates=7 missing=0 shares=equal
    ok "partitions shared" in_machine job "${cpx[@]}" -- 4 shared -- packages=8 duplicates=24 missing=0
    ok "a stuck counter" in_machine job mi100-1 6.2.4 -- 2 shared -- packages=1 duplicates=1
    ok "power that jumps, no barriers" in_machine job "${mi300x[@]}" 'all.power = { kind = "square", low = 90, high = 700, period_s = 0.03 }' -- 4 shared loose -- packages=8 duplicates=24
    ok "ranks in trouble" in_machine job "${mi300x[@]}" -- 4 troubles -- packages=1 failed=1 without_gpu=2 flags=896
    # Its host and its GPUs are known since the begin.
    ok "no descriptor for a rank, late" in_machine job "${mi300x[@]}" -- 2 one late -- packages=2 failed=0 missing=0 without_gpu=0
    for when in full early; do
        ok "no descriptor for a rank, $when" in_machine job "${mi300x[@]}" -- 2 one "$when" -- packages=1 failed=1 missing=0 without_gpu=0 flags=896
    done
    ok "no GPU at all" in_machine job mi300x-8 none 'all.absent = true' 'amdgpu = false' -- 2 shared -- packages=0 without_gpu=2 failed=0 energy_mj=0
    ok "two nodes, 2 ranks" in_machine job "${two[@]}" -- 2 nodes -- packages=16 nodes=2 duplicates=0 missing=0
    ok "two nodes, 4 ranks" in_machine job "${two[@]}" -- 4 nodes -- packages=16 nodes=2 duplicates=16 missing=0
    seconds=1.5 ok "two nodes, 8 ranks" in_machine job "${two[@]}" -- 8 nodes -- packages=16 nodes=2 duplicates=48 missing=0
    ok "two nodes of one hash" in_machine job "${mi250x[@]}" + "${mi250x[@]}" -- 4 one_hash -- packages=8 nodes=2 duplicates=8
    ok "a part of the ranks, in another order" in_machine job "${two[@]}" -- 5 nodes part -- packages=16 nodes=2 duplicates=16
    ok "two nodes with partitions" in_machine job "${cpx[@]}" + "${cpx[@]}" -- 4 nodes -- packages=16 nodes=2 duplicates=16 missing=0
    [ "$namespaces" = no ] ||
        ok "containers of one node" in_machine job "${mi300x[@]}" -- 4 containers -- packages=8 nodes=1 duplicates=24
    [ "$KERNELS" = no ] ||
        ok "two nodes of one name" in_machine job "${mi300x[@]}" -- 4 namesakes -- packages=16 nodes=2 duplicates=16
    # What the node measures: a controller; the processors' own registers; a package of a GPU that has the processor.
    local zone='node.powercap."0" = { name = "package-0", power = { kind = "sine", mean = 180, amplitude = 45, period_s = 0.7 } }'
    local controlled=(mi250x-ex 7.0.2) registers=(mi250x-4 6.3.3 "$zone") one_package=(mi300a-4 7.0.2 "$zone")
    local unmeasured='gpu.1.metrics = "none"'$'\n''gpu.1.file = { power1_input = { read = "EIO" }, power1_average = { read = "EIO" } }'
    # Of loads that vary little: what the sensors, which average over a second, do not show may be a fifth of such a window.
    local steady=
    for n in 0 2 4 6; do steady+="gpu.$n.power = { kind = \"sine\", mean = $((270 + 20 * n)), amplitude = 10, period_s = 0.2 }"$'\n'; done
    for n in 1 2 8; do
        seconds=3 ok "the whole node, $n" in_machine job "${controlled[@]}" "$steady" -- "$n" shared -- packages=4 scope=3 beside=node
    done
    seconds=3 ok "the whole node, a die a rank" in_machine job "${controlled[@]}" -- 8 one -- packages=4 scope=3 beside=node
    for n in 1 2 8; do
        seconds=1.5 ok "processors beside the GPUs, $n" in_machine job "${registers[@]}" -- "$n" shared -- packages=4 scope=2 beside=rapl:0
    done
    ok "processors beside the GPUs, a die a rank" in_machine job "${registers[@]}" -- 8 one -- packages=4 scope=2 beside=rapl:0
    ok "MI300A: the processor is in the package" in_machine job "${one_package[@]}" -- 4 shared -- packages=4 scope=1 beside=
    ok "MI300A: a rank without GPU cannot know" in_machine job "${one_package[@]}" -- 4 first_without -- packages=4 scope=1 beside= without_gpu=1
    ok "MI300A: a rank whose package cannot be measured" in_machine job mi300a-4 7.0.2 "$zone"$'\n'"$unmeasured" -- 4 one -- packages=3 missing=1 scope=1 beside=
    seconds=3 ok "nodes of several scopes" in_machine job "${controlled[@]}" + "${registers[@]}" -- 4 nodes -- packages=8 nodes=2 scope=2 beside=node/rapl:0
    ok "nodes of several scopes, MI300A" in_machine job "${registers[@]}" + "${one_package[@]}" -- 4 nodes -- packages=8 nodes=2 scope=1 beside=rapl:0/
    local at_limit='all.counter.limited = { cycles = 70000, initial = 50000, ppt = 0.867, hbm_thm = 0.25 }'
    ok "time at a limit" in_machine job "${mi300x[@]}" "$at_limit" -- 4 shared -- packages=8 limited=0,0.867,0,0,0.25
    ok "time at a limit, not known at the begin" in_machine job "${mi300x[@]}" -- 1 shared busy -- packages=8 limited_status=-7
    ok "time at a limit, no memory at the begin" in_machine job "${mi300x[@]}" -- 1 shared tight -- packages=8 limited_status=-9
    ok "the example" "$within" "${mi250x[@]}" -- bash -c '"$start" 2 "$programs/mpi_energy" 0.3 | grep -E "^job +[0-9.]+ J"'

    local waves='all.power = { kind = "square", low = 100, high = 600, period_s = 0.5, duty = 0.5 }'
    local visited=(regions.0.number=2 region OUT)
    ok "profiler: shared GPUs" busy profiled "${mi300x[@]}" -- 4 shared phases EPOCH -- job.packages=8 job.duplicate_readings=24 job.complete=True "${visited[@]}"
    ok "profiler: energy in MPI" busy profiled "${mi300x[@]}" "$waves" -- 2 one phases EPOCH -- job.packages=2 in_mpi OUT
    ok "profiler: the whole node" busy profiled "${controlled[@]}" -- 4 shared phases EPOCH -- job.scope=node beside OUT node
    ok "profiler: processors beside the GPUs" busy profiled "${registers[@]}" -- 8 one phases EPOCH -- job.scope=parts beside OUT rapl:0
    ok "profiler: the processor is in the package" busy profiled "${one_package[@]}" -- 2 shared phases EPOCH -- job.scope=gpus beside OUT ""
    ok "profiler: nodes of several scopes" busy profiled "${controlled[@]}" + "${registers[@]}" -- 2 nodes phases EPOCH -- \
        job.scope=parts nodes.0.scope=node beside OUT node/rapl:0
    ok "profiler: time at a limit" busy profiled "${mi300x[@]}" "$at_limit" -- 2 shared phases EPOCH -- limited OUT 0,0.867,0,0,0.25
    # All ones: the driver's word for what is not counted.
    ok "profiler: time at a limit, what is not counted" busy profiled "${mi300x[@]}" "${at_limit/initial = 50000/initial = 4294967295}" -- \
        2 shared phases EPOCH -- limited OUT -,0.867,-,-,0.25
    ok "profiler: only second dies" in_machine profiled "${mi250x[@]}" -- 1 second phases EPOCH -- job.packages=0 job.missing_packages=1 none
    ok "profiler: a partition a rank" busy profiled "${cpx[@]}" -- 4 one phases EPOCH -- job.packages=1 job.nodes=1 "${visited[@]}"
    ok "profiler: two nodes" busy profiled "${two[@]}" -- 4 nodes phases EPOCH -- job.packages=16 job.nodes=2 job.complete=True "${visited[@]}"
    ok "profiler: a die a rank, the others hidden" busy profiled "${dies[@]}" -- 2 apart phases EPOCH -- job.packages=1 job.missing_packages=0 job.complete=True "${visited[@]}"
    ZEUS_AMD_PMPI_REGIONS=2=setup,3=größe ok "profiler: Fortran, use mpi" \
        busy profiled "${mi250x[@]}" -- 2 shared calls_mpi -- ranks.0.mpi_calls=18 ranks.1.mpi_calls=18 regions.0.number=3 regions.0.name=größe job.packages=4 truth
    ZEUS_AMD_PMPI_REGIONS=3=$'gr\xf6\xdfe \xed\xa0\x80 "\xf0\x9f\x94\xa5"' ok "profiler: Fortran, use mpi_f08" \
        busy profiled "${mi250x[@]}" -- 4 shared calls_mpi_f08 -- ranks.0.mpi_calls=18 ranks.3.mpi_calls=18 regions.0.name='gr��e ��� "🔥"' job.packages=4 truth
    ZEUS_AMD_PMPI_REGIONS=3=$(printf 'ß%.0s' {1..50}) ok "profiler: a long name of a region" \
        in_machine profiled mi210-1 6.2.4 -- 1 shared calls_mpi -- regions.0.name="$(printf 'ß%.0s' {1..50})"
    ok "profiler: all kinds of calls" calls
    ok "profiler: threads" threads
    ok "profiler: no machine" same 2 "$programs/ends"
    ok "profiler: that report" $report "$work/report" job.ranks_without_gpu=2 ranks.0.status=-13 none
    where=$(dirname "$(find /usr/lib -path "*scalapack/$mpi-tests/PBLAS/dpb1tst")") held="job.packages=8 job.complete=True truth" \
        ok "profiler: ScaLAPACK's tests" busy same "${mi300x[@]}" -- 2 ./dpb1tst
    numbers=other status=2 reported=no ok "profiler: a test of BLACS that fails" \
        in_machine same "${mi300x[@]}" -- 1 "$(find /usr/lib -path "*scalapack/$mpi-tests/xFbtest")"
    numbers=other status=3 ok "profiler: exit status 3" in_machine same "${mi300x[@]}" -- 2 "$programs/ends" three
    numbers=other status=5 reported=no ok "profiler: MPI_Abort" in_machine same "${mi300x[@]}" -- 2 "$programs/ends" abort
    numbers=other status=6 reported=no ok "profiler: exit without MPI_Finalize" in_machine same "${mi300x[@]}" -- 2 "$programs/ends" exit
    numbers=other status=7 reported=no ok "profiler: one of two exits without it" in_machine same "${mi300x[@]}" -- 2 "$programs/ends" one-exits
    numbers=other reported=no ok "profiler: killed" in_machine same "${mi300x[@]}" -- 1 "$programs/ends" killed
    status=4 numbers=other reported=no ok "profiler: no MPI at all" in_machine same "${mi300x[@]}" -- 1 "$programs/ends" no-mpi
    ok "profiler: names of reports" default_name
    ok "profiler: a long name" chosen_name
    ok "profiler: no half report" whole_or_none
    ok "profiler: no working directory" no_folder
    ok "profiler: of the other MPI" other_mpi
    ok "memory" in_machine memory mi210-1 6.2.4 'preload = false' --
}

mpi=header ok "documented" documented
mpi=profiler ok "builds" build_regions
for mpi in openmpi mpich; do
    programs=$shared/$mpi
    mkdir -p "$programs"
    ok "builds" build
done
# Side by side: most of a job's time is its launcher's. Each has a folder of its own for what its jobs write.
jobs=()
for one in ${1:-openmpi mpich}; do
    (
        work=$shared/in-$one failed=0
        mkdir "$work"
        all "$one"
        exit "$failed"
    ) &
    jobs+=($!)
done
for one in "${jobs[@]}"; do
    wait "$one"
    failed=$((failed + $?))
done
printf '%d failed\n' "$failed"
[ "$failed" = 0 ]
