#!/usr/bin/env bash
# MPI: the header and the profiler on simulated machines, with Open MPI and with MPICH.
#
#     tests/mpi/run.sh [openmpi|mpich]
set -u
cd "$(dirname "$0")/../.."
root=$PWD
. examples-c/require.sh
ALSO=
dpkg -s scalapack-mpi-test >/dev/null 2>&1 || ALSO=scalapack-mpi-test
[ -e /usr/lib/x86_64-linux-gnu/openmpi/include/mpi.h ] || [ -n "$(find /usr/lib -path '*openmpi/include/mpi.h' 2>/dev/null)" ] || ALSO="$ALSO libopenmpi-dev"
export ALSO
require cc:build-essential gfortran:gfortran python3:python3 valgrind:valgrind mpirun.openmpi:openmpi-bin \
    mpicc.openmpi:libopenmpi-dev mpirun.mpich:mpich mpicc.mpich:libmpich-dev
require_rust 85

target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
export CARGO_TARGET_DIR=$target
cargo rustc --quiet --locked --release --lib --crate-type cdylib || exit 1
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"
tests/sim/run --build-only || exit 1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
sim=$root/tests/sim/run
start=$root/tests/mpi/start.sh
rank=$root/tests/mpi/rank.sh
check="python3 $root/tests/mpi/check.py"
report="python3 $root/tests/mpi/report.py"
blame="python3 $root/tests/mpi/valgrind.py"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
unset ZEUS_AMD_MPI_HOST ZEUS_AMD_PMPI_OUTPUT ZEUS_AMD_PMPI_REGIONS
failed=0
ok() {
    local name=$1 out began=$SECONDS
    shift
    if out=$("$@" </dev/null 2>&1); then
        printf '%s: %s%s\n' "$mpi" "$name" "${out:+: ${out##*   }} [$((SECONDS-began)) s]"
    else
        printf '%s: %s\n!! failed: %s\n' "$mpi" "$out" "$name"
        failed=$((failed + 1))
    fi
}

build() {
    local flags=(-Wall -Wextra -Werror -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -Iinclude)
    local link=(-L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release")
    local name
    "mpicc.$mpi" -std=gnu11 -O2 -fPIC -shared -fvisibility=hidden "${flags[@]}" mpi/*.c -o "$programs/libzeus_amd_pmpi.so" \
        "${link[@]}" -lpthread -ldl || return 1
    "mpicc.$mpi" -std=c99 "${flags[@]}" tests/mpi/job.c -o "$programs/job" "${link[@]}" || return 1
    "mpicc.$mpi" -std=c99 "${flags[@]}" examples-c/mpi_energy.c -o "$programs/mpi_energy" "${link[@]}" || return 1
    "mpicxx.$mpi" -x c++ -std=c++11 "${flags[@]}" tests/mpi/job.c -o "$programs/job_cpp" "${link[@]}" || return 1
    for name in phases ends threads; do
        "mpicc.$mpi" -std=c99 -Wall -Wextra -Werror "tests/mpi/$name.c" -o "$programs/$name" -lpthread || return 1
    done
    "mpifort.$mpi" -w -DMODULE=mpi -DOLD tests/mpi/calls.F90 -o "$programs/calls_mpi" || return 1
    "mpifort.$mpi" -w -DMODULE=mpi_f08 tests/mpi/calls.F90 -o "$programs/calls_mpi_f08"
}

# MPI's functions and nothing else are there to be taken for others; of Fortran's all forms that are there have PMPI's.
exports() {
    local others
    others=$(nm -D --defined-only "$programs/libzeus_amd_pmpi.so" | awk '{ print $3 }' | grep -Ev '^(MPI_[A-Z][A-Za-z_]*|mpi_[a-z0-9_]*_)$')
    [ -z "$others" ] || { echo "$others"; return 1; }
    nm -D --defined-only "$programs/libzeus_amd_pmpi.so" | grep -q ' MPI_Finalize$'
}

# job MACHINE ROCM [WITH...] -- RANKS RULE [ARGUMENTS...] -- FIELD=VALUE...: job.c in a machine, then check.py.
job() {
    local with=() words=() machine=$1 rocm=$2
    shift 2
    while [ "$1" != -- ]; do with+=(--with "$1"); shift; done
    shift
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    shift
    "$sim" --machine "$machine" --rocm "$rocm" "${with[@]}" -- bash -c '
        words=('"$(printf '%q ' "${words[@]}")"')
        "$start" "${words[0]}" "$rank" "${words[1]}" "$programs/${program:-job}" "${words[@]:2}" 0.3 > "$work/job.json" &&
            $check "$work/job.json" "*=$ZEUS_AMD_SIM" -- '"$*"
}

# Two machines at once: the same addresses in both, other powers. Even ranks are in a, odd ones in b.
two_nodes() { # FIELD=VALUE...
    "$sim" --machine mi300x-8 --rocm 7.0.2 -- bash -c '
        export MACHINE_A=$ZEUS_AMD_SIM
        unset LD_PRELOAD
        "$sim" --machine mi300x-8 --rocm 6.4.3 --with "all.power = { kind = \"square\", low = 150, high = 500, period_s = 0.05 }" -- bash -c "
            export MACHINE_B=\$ZEUS_AMD_SIM
            unset LD_PRELOAD
            \$start 4 \"\$rank\" nodes \"\$programs/job\" 0.3 > \"\$work/job.json\" &&
                \$check \"\$work/job.json\" \"a=\$MACHINE_A\" \"b=\$MACHINE_B\" -- '"$*"'"'
}

# with RANKS COMMAND... and without the profiler: the same output, errors and exit status.
same() {
    local n=$1
    shift
    (cd "${where:-$work}" && "$start" "$n" "$@") >"$work/plain.out" 2>"$work/plain.err"
    echo $? >"$work/plain.rc"
    rm -f "$work/report.json"
    (cd "${where:-$work}" && PROFILER=$programs/libzeus_amd_pmpi.so ZEUS_AMD_PMPI_OUTPUT=$work/report "$start" "$n" "$rank" shared "$@") \
        >"$work/profiled.out" 2>"$work/profiled.err"
    echo $? >"$work/profiled.rc"
    # MPICH's launcher has a few words of its own in the output, with numbers of processes.
    sed -i '/^=====/,$d' "$work/plain.out" "$work/profiled.out"
    cmp "$work/plain.out" "$work/profiled.out" && cmp "$work/plain.rc" "$work/profiled.rc" || return 1
    # Some messages of the launcher have numbers of processes, and the time.
    if [ "${numbers:-same}" = same ]; then
        cmp "$work/plain.err" "$work/profiled.err" || { diff "$work/plain.err" "$work/profiled.err"; return 1; }
    fi
    [ -z "${status-}" ] || [ "$(cat "$work/plain.rc")" = "$status" ] || { cat "$work/plain.rc"; return 1; }
    [ -e "$work/report.json" ] || [ "${reported:-yes}" = no ]
}

profiled() { # MACHINE RANKS RULE PROGRAM [ARGUMENTS] -- words of report.py
    local machine=$1 words=()
    shift
    while [ "$1" != -- ]; do words+=("$1"); shift; done
    shift
    "$sim" --machine "$machine" --rocm 7.0.2 ${power:+--with "$power"} -- bash -c '
        words=('"$(printf '%q ' "${words[@]}")"')
        export ZEUS_AMD_PMPI_OUTPUT=$work/report PROFILER=$programs/libzeus_amd_pmpi.so
        rm -f "$work/report.json"
        start_ns=$("$sim" truth --dir "$ZEUS_AMD_SIM" | python3 -c "import json, sys; print(json.load(sys.stdin)[\"epoch_ns\"])")
        words=("${words[@]/EPOCH/$start_ns}")
        "$start" "${words[0]}" "$rank" "${words[1]}" "$programs/${words[2]}" "${words[@]:3}" > "$work/program.out" &&
            $report "$work/report" '"$*"
}

threads() {
    profiled mi300x-8 2 shared threads -- truth '"$ZEUS_AMD_SIM"' || return 1
    $report "$work/report" "ranks.0.mpi_calls=$(head -n 1 "$work/program.out")" "ranks.1.mpi_calls=$(head -n 1 "$work/program.out")"
}

# Without a name each report gets one of its own, and none replaces another.
default_name() {
    mkdir -p "$work/here"
    (cd "$work/here" && for i in 1 2; do
        SLURM_JOB_ID=77 PROFILER=$programs/libzeus_amd_pmpi.so "$start" 1 "$rank" shared "$programs/ends" || exit 1
    done) >/dev/null || return 1
    (cd "$work/here" && echo zeus_amd_report.77*) | grep -qx 'zeus_amd_report.77-2.json zeus_amd_report.77-2.txt zeus_amd_report.77.json zeus_amd_report.77.txt'
    local right=$?
    rm -rf "$work/here"
    return $right
}

# The profiler of the other MPI says so. Open MPI's lets the program run; MPICH's cannot hand on the larger handles.
other_mpi() {
    local other=openmpi expected=3 out
    [ "$mpi" = openmpi ] && other=mpich expected=1
    out=$(PROFILER=$work/$other/libzeus_amd_pmpi.so "$start" 2 "$rank" shared "$programs/ends" three 2>"$work/other.err")
    [ $? = $expected ] && grep -q 'built for another MPI' "$work/other.err" && { [ $expected = 1 ] || [ "$out" = "sum 1" ]; }
}

# Nothing of ours is lost or read wrongly: with one rank, without a launcher. The MPIs have losses of their own.
memory() {
    "$sim" --machine mi210-1 --rocm 6.2.4 --with 'preload = false' -- bash -c '
        for program in "job 0.1" "ends three"; do
            set -- $program
            [ "$1" = job ] || export ZEUS_AMD_PMPI_OUTPUT="$work/report" profiler="$programs/libzeus_amd_pmpi.so"
            LD_PRELOAD=${profiler-} valgrind --leak-check=full --show-leak-kinds=definite --num-callers=20 \
                --log-file="$work/valgrind.$1" "$programs/$@" >"$work/valgrind.out" 2>&1
            $blame "$work/valgrind.$1" || exit 1
        done'
}

export sim start rank check report blame work programs

all() {
    mpi=$1
    programs=$work/$mpi
    export MPI_KIND=$mpi
    ok "exports" exports

    for n in 1 2 4 8; do
        ok "GPUs shared by $n" job mi300x-8 7.0.2 -- "$n" shared -- packages=8 nodes=1 missing=0 failed=0 "duplicates=$((8 * (n - 1)))"
    done
    program=job_cpp ok "in C++" job mi300x-8 7.0.2 -- 2 shared -- packages=8 duplicates=8
    ok "a GPU a rank" job mi300x-8 7.0.2 -- 8 one -- packages=8 duplicates=0 missing=0
    ok "two GPUs a rank" job mi350x-8 7.0.2 -- 4 pairs -- packages=8 duplicates=0 missing=0
    ok "some GPUs shared" job mi300x-8 6.4.3 -- 4 overlap -- packages=5 duplicates=3 missing=0
    ok "MI250X, all dies in all ranks" job mi250x-4 6.3.3 -- 2 shared -- packages=4 duplicates=4 missing=0
    ok "MI250X, a die a rank" job mi250x-4 6.3.3 -- 8 one -- packages=4 duplicates=0 missing=0
    ok "only second dies" job mi250x-4 6.3.3 -- 1 second -- packages=0 missing=1 energy_mj=0
    ok "a partition a rank" job mi300x-8 7.0.2 'gpu.0 = { compute_partition = "CPX", partitions = 8 }' -- 4 one -- packages=1 duplicates=0 missing=0
    ok "a stuck counter" job mi100-1 6.2.4 -- 2 shared -- packages=1 duplicates=1
    ok "power that jumps, no barriers" job mi300x-8 7.0.2 'all.power = { kind = "square", low = 90, high = 700, period_s = 0.03 }' -- 4 shared loose -- packages=8 duplicates=24
    ok "ranks in trouble" job mi300x-8 7.0.2 -- 4 troubles -- packages=1 failed=1 without_gpu=2 flags=768
    ok "no GPU at all" job mi300x-8 none 'all.absent = true' 'amdgpu = false' -- 2 shared -- packages=0 without_gpu=2 failed=0 energy_mj=0
    ok "two nodes" two_nodes packages=16 nodes=2 duplicates=16 missing=0
    ok "the example" "$sim" --machine mi250x-4 --rocm 6.3.3 -- bash -c '"$start" 2 "$programs/mpi_energy" 0.3 | grep -E "^job +[0-9.]+ J"'

    ok "profiler: shared GPUs" profiled mi300x-8 2 shared phases EPOCH -- job.packages=8 job.complete=True regions.0.number=2 regions.0.times=4 truth '"$ZEUS_AMD_SIM"'
    power='all.power = { kind = "square", low = 100, high = 600, period_s = 0.1, duty = 0.5 }' \
        ok "profiler: energy in MPI" profiled mi300x-8 2 one phases EPOCH -- job.packages=2 phases '"$ZEUS_AMD_SIM"' '"$work/program.out"'
    for module in mpi mpi_f08; do
        ok "profiler: Fortran, use $module" profiled mi250x-4 2 shared "calls_$module" -- ranks.0.mpi_calls=12 ranks.1.mpi_calls=12 regions.0.number=3 job.packages=4 truth '"$ZEUS_AMD_SIM"'
    done
    ok "profiler: threads" threads
    ok "profiler: no machine" same 2 "$programs/ends"
    ok "profiler: that report" $report "$work/report" job.ranks_without_gpu=2 ranks.0.status=-13 none
    where=$(dirname "$(find /usr/lib -path "*scalapack/$mpi-tests/PBLAS/dpb1tst")") ok "profiler: ScaLAPACK's tests" same 2 ./dpb1tst
    numbers=other status=2 reported=no ok "profiler: a test of BLACS that fails" \
        same 1 "$(find /usr/lib -path "*scalapack/$mpi-tests/xFbtest")"
    numbers=other status=3 ok "profiler: exit status 3" same 2 "$programs/ends" three
    numbers=other status=5 reported=no ok "profiler: MPI_Abort" same 2 "$programs/ends" abort
    numbers=other status=6 reported=no ok "profiler: exit without MPI_Finalize" same 2 "$programs/ends" exit
    numbers=other status=7 reported=no ok "profiler: one of two exits without it" same 2 "$programs/ends" one-exits
    numbers=other reported=no ok "profiler: killed" same 1 "$programs/ends" killed
    status=4 numbers=other reported=no ok "profiler: no MPI at all" same 1 "$programs/ends" no-mpi
    ok "profiler: names of reports" default_name
    ok "profiler: of the other MPI" other_mpi
    ok "memory" memory
}

for mpi in openmpi mpich; do
    programs=$work/$mpi
    mkdir -p "$programs"
    ok "builds" build
done
for one in ${1:-openmpi mpich}; do all "$one"; done
printf '%d failed\n' "$failed"
[ "$failed" = 0 ]
