#!/usr/bin/env bash
# libzeus_amd_tools.so on simulated machines: real programs of each interface, energies against the machine's power formula,
# and annotations as they should not be.
#
#     tests/tools/run.sh [regions|node|abuse|kokkos|roctx|openmp|mpi|papi]...
. "$(dirname "$0")/../hermetic.sh"
set -u
cd "$(dirname "$0")/../.."
root=$PWD
. tests/needs.sh
. tests/again.sh
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
trap 'rm -rf "$work"; drop_foreign "$began"' EXIT
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
    local library=(cc -std=gnu11 -fPIC -fvisibility=hidden "${flags[@]}" -Wconversion -Iinclude)
    # Once: the profilers of mpi.sh are of the same sources.
    "${library[@]}" -r tools/regions/*.c -o "$work/regions.o" || return 1
    "${library[@]}" -r tools/report/*.c tools/connect/{kokkos,roctx,ompt}.c tools/files.c -o "$work/interfaces.o" || return 1
    "${library[@]}" -shared tools/connect/tool.c "$work/regions.o" "$work/interfaces.o" -o "$TOOL" "${link[@]}" \
        -Wl,-z,nodelete -lpthread -ldl -lm || return 1
    cc -std=gnu11 "${flags[@]}" tests/tools/regions.c -o "$work/regions" "$TOOL" -Wl,-rpath,"$work" -lpthread || return 1
    cc -std=gnu11 "${flags[@]}" -Wconversion -Iinclude tests/tools/often.c "$work/regions.o" -o "$work/often" "${link[@]}" -lpthread -lm || return 1
    cc -std=gnu11 -fPIC -shared "${flags[@]}" -Wconversion -Iinclude tests/tools/late.c -o "$work/late.so" -ldl || return 1
    cc -std=gnu11 "${flags[@]}" tests/tools/abuse.c -o "$work/abuse" -ldl -lpthread || return 1
    clang "${library[@]:1}" -shared tools/{regions,report}/*.c tools/connect/*.c tools/files.c -o "$work/of_clang.so" "${link[@]}" \
        -Wl,-z,nodelete -lpthread -ldl -lm
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
    ZEUS_AMD_TOOLS_OUTPUT=$work/report timeout 1200 simulator/run "${words[@]}" "$@"
}
check() { "$python" "$tests/check.py" "$@"; }
# value EXPRESSION...: of the report, as r; name(N) is the region of that name.
value() {
    check "$work/report.json" || return 1
    python3 -c '
import json, re, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
def kinds(kind): return [(re.split(r"(?<=:)\d+|\)", x["name"])[0], x["count"]) for x in r["regions"] if x["kind"] == kind]
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
    in_machine "$1" "$load" ${counter:+"$counter"} -- sh -c '"$1" truth --dir "$ZEUS_AMD_SIM" >"$2/truth.json" &&
        export LD_PRELOAD="$LD_PRELOAD${LATE_MS:+:$2/late.so}" && shift 2 && exec "$@"' sh "$root/simulator/run" \
        "$work" "$work/regions" "${@:4}" >"$work/visits" && check "$work/report.json" "$work/truth.json" "$work/visits"
}
. tests/seed.sh
seed=$ZEUS_AMD_SEED
# The node and the limits in a report of so many milliseconds; once more where the machine was too busy to say anything.
beside_gpus() { # MACHINE [TOML] MS SCOPE DOMAINS SHARES
    local machine=("${@:1:$#-4}") ms=${*: -4:1}
    one() {
        in_machine "${machine[@]}" -- python3 "$tests/node.py" "$work/report" "$@" "$work/regions" ms $((ms * LONGER)) && check "$work/report.json"
    }
    again one "${@: -3}"
}
often() { in_machine mi210-1 -- "$work/often" "$seed"; }
random() { # WHAT
    local machine
    for machine in "mi300x-8 400 250" "mi100-1 150 100"; do
        # shellcheck disable=SC2086 # words
        truth $machine "$1" "$seed" || { echo "seed $seed"; return 1; }
    done
    # A driver that is late, and one that copies the counter now and then.
    for counter in 'initial = 5, driver_lag_us = [0, 600]' 'initial = 5, driver_ms = 12'; do
        counter="all.counter = { $counter }" truth mi210-1 150 100 "$1" "$seed" || { echo "$counter, seed $seed"; return 1; }
    done
}
# The thread that reads the counters loses its processor, where the power is near to the most that the library reckons with.
busy() {
    local what
    for what in nested long "random $seed"; do
        # shellcheck disable=SC2086 # words
        LATE_MS=20 truth mi210-1 290 5 $what || { echo "$what"; return 1; }
    done
}
regions() {
    local what
    for what in nested recursive overlap threads short long; do ok "energies are the machine's: $what" truth mi300x-8 400 250 "$what"; done
    ok "energies are the machine's: a counter of 32 bits" truth mi100-1 150 100 nested
    ok "energies are the machine's: two dies a package" truth mi250x-4 300 150 nested
    ok "energies are the machine's: no counter" truth mi50-1 150 100 nested
    ok "energies are the machine's: random" random random
    ok "energies are the machine's: random, by threads and with ranges" random crowd
    ok "energies are the machine's: on a busy machine" busy
    ok "the range of all threads is as long as it was open" often
    ok "a trace: visits" again traced nested
    ok "a trace: ranges" again traced overlap
}

node() {
    # What the node measures: a controller; the processors' own registers; a package of a GPU that has the processor.
    local zone='node.powercap."0" = { name = "package-0", power = { kind = "sine", mean = 180, amplitude = 45, period_s = 0.7 } }'
    ok "the whole node" beside_gpus mi250x-ex 3000 node node ""
    ok "processors beside the GPUs" beside_gpus mi250x-4 "$zone" 1500 parts rapl:0 ""
    local held='all.counter.limited = { cycles = 70000, initial = 50000, ppt = 0.867, hbm_thm = 0.25 }'
    ok "MI300A: the processor is in the package" beside_gpus mi300a-4 "$zone" "$held" 700 gpus "" 0,0.867,0,0,0.25
    ok "time at a limit" beside_gpus mi300x-8 "$held" 700 gpus "" 0,0.867,0,0,0.25
    # All ones: the driver's word for what is not counted.
    ok "time at a limit: what is not counted" beside_gpus mi300x-8 "${held/initial = 50000/initial = 4294967295}" 700 gpus "" -,0.867,-,-,0.25
}

# In the trace each visit has the time that the program printed, and the area under the power is the energy.
traced() {
    ZEUS_AMD_TOOLS_FORMATS=json,trace truth mi300x-8 400 250 "$1" >/dev/null && python3 - "$work/report" "$work/visits" <<'EOF'
import json, sys
trace = json.load(open(sys.argv[1] + ".trace.json", encoding="utf-8"))
report = json.load(open(sys.argv[1] + ".json", encoding="utf-8"))
assert trace["otherData"] == {"left_out_visits": 0, "lost_samples": 0, "aborted": False}, trace["otherData"]
events = trace["traceEvents"]
assert all({"ph", "pid", "tid", "ts", "cat", "name"} <= set(e) and e["tid"] > 0 for e in events)
visits = [line.split(" ", 5) for line in open(sys.argv[2], encoding="utf-8").read().splitlines()]
seen = sorted((e["ts"] * 1e3, (e["ts"] + e["dur"]) * 1e3, e["name"]) for e in events if e["ph"] == "X")
# Of a thread nothing overlaps with what it is not within, to the nanosecond.
stacks = {}
for e in sorted((e for e in events if e["ph"] == "X"), key=lambda e: (round(e["ts"] * 1e3), -round(e["dur"] * 1e3))):
    begin, end, open_until = round(e["ts"] * 1e3), round((e["ts"] + e["dur"]) * 1e3), stacks.setdefault(e["tid"], [])
    while open_until and open_until[-1] <= begin:
        open_until.pop()
    assert not open_until or end <= open_until[-1], e
    open_until.append(end)
opened = {e["id"]: e for e in events if e["ph"] == "b"}
seen += sorted((opened[e["id"]]["ts"] * 1e3, e["ts"] * 1e3, "range " + e["name"]) for e in events if e["ph"] == "e")
assert len(seen) == len(visits), (len(seen), len(visits))
for visit in visits:
    before, begin, end, after = (int(t) for t in visit[:4])
    name = visit[5].rsplit("/", 1)[-1]
    # The clocks are brought together over the whole run.
    ms = 1e6
    assert any(before - ms <= b <= begin + ms and end - ms <= e <= after + ms and n == name for b, e, n in seen), visit
for gpu in report["gpus"]:
    steps = [(e["ts"] / 1e6, e["args"]["W"]) for e in events if e["ph"] == "C" and e["name"] == f"GPU {gpu['gpu']}"]
    joules = sum(w * (steps[i + 1][0] - t) for i, (t, w) in enumerate(steps[:-1]))
    # The first sample may be from before the run, the last one from after it, or from within where what begins or ends the run
    # waited for a processor.
    early, late = gpu["begin_ns"] / 1e9 - steps[0][0], steps[-1][0] - gpu["end_ns"] / 1e9
    beyond, missing = max(early, 0) + max(late, 0), max(-early, 0) + max(-late, 0)
    if max(beyond, missing) >= 0.3:
        sys.exit(75)
    assert joules <= gpu["energy_j"] + gpu["uncertainty_j"] + 650 * (beyond + 0.002), (joules, beyond, gpu)
    assert joules >= gpu["energy_j"] - gpu["uncertainty_j"] - 650 * (missing + 0.002), (joules, missing, gpu)
EOF
}

abused() { # STATUS WHAT EXPRESSION...
    local expected=$1 status=0
    in_machine mi210-1 -- "$work/abuse" "$2" || status=$?
    [ "$status" = "$expected" ] || { echo "exit status $status"; return 1; }
    if [ $# = 2 ]; then [ ! -e "$work/report.json" ]; else value "${@:3}"; fi
}
# All forms have the same energies, which add up to the total: those in the table and the stacks to the microjoule, those of the
# text as they are shown. A stack's value is what flamegraph.pl reads.
forms() { # MACHINE COMMAND...
    ZEUS_AMD_TOOLS_FORMATS=text,json,csv,folded in_machine "$1" -- "${@:2}" >/dev/null && value && python3 - "$work/report" <<'EOF'
import csv, decimal, json, re, sys
csv.field_size_limit(1 << 20)
base, exact = sys.argv[1], decimal.Decimal
def text_of(ending): return open(base + ending, encoding="utf-8", newline="").read()
report = json.loads(text_of(".json"), parse_float=exact)
regions, total = report["regions"], report["run"]["energy_j"]
rows = list(csv.DictReader(text_of(".csv").splitlines()))
in_tree = [row for row in rows if row["id"]]
assert len(rows) == len(regions) + len(report["ranges"]) + len(report["marks"]), (len(rows), len(regions))
for row, region in zip(in_tree, regions, strict=True):
    assert int(row["id"]) == region["id"] and (row["parent"] or None) == (None if region["parent"] is None else str(region["parent"])), row
    assert exact(row["own_energy_j"]) == region["exclusive"]["energy_j"] and exact(row["energy_j"]) == region["inclusive"]["energy_j"], row
    depth = row["path"].count("/")
    assert depth > 255 or row["path"].rsplit("/", 1)[-1] == re.sub(r"[\x00-\x1f\x7f-\x9f]", "\ufffd", region["name"]).replace("/", "|"), row
assert sum(exact(row["own_energy_j"]) for row in in_tree) == total
stacks = [re.fullmatch(r"(\S+) (\d+)", line) for line in text_of(".folded").split("\n")[:-1]]
assert all(stacks) and sum(int(stack[2]) for stack in stacks) == total * 10**6, "stacks"
text = text_of(".txt")
table = text[text.index("\nregion "):].split("\n\n")[0].split("\n")[2:]
shown = [exact(re.search(r"(-?[\d.]+)(  concurrent)?$", line)[1]) for line in table if "are left out here" not in line]
shown += [exact(hidden) for hidden in re.findall(r"their own energy is ([\d.]+) J", text)]
assert sum(shown) == exact(re.search(r"energy +([\d.]+) J", text)[1]), (shown, text[:200])
EOF
}
# Compilers differ in what the language leaves open, such as which argument comes first.
another_compiler() {
    TOOL=$work/of_clang.so forms mi210-1 "$work/abuse" names && grep -q '^  Lösung €x \[kokkos region\]  ' "$work/report.txt"
}
# A report that the disk has no room for leaves nothing behind, in none of its forms, and that is said.
no_half_report() {
    in_machine mi210-1 -- bash -c 'trap "" XFSZ; ulimit -f 1; exec "$0" names' "$work/abuse" 2>"$work/err" &&
        grep -q 'cannot be written: File too large' "$work/err" && ! ls "$work"/report.* 2>/dev/null
}
# In the trace they end where the run does, also where that is an abort.
open_at_end() {
    local way status aborted
    for way in "exits-inside 7 False" "aborts-inside 134 True"; do
        read -r way status aborted <<<"$way"
        ZEUS_AMD_TOOLS_FORMATS=json,trace abused "$status" "$way" 'r["counted"]["unfinished"] == 1003' &&
            python3 - "$work/report.trace.json" "$aborted" <<'EOF' || return 1
import json, sys
trace = json.load(open(sys.argv[1], encoding="utf-8"))
events = trace["traceEvents"]
def all_of(phase, name): return [e for e in events if e["ph"] == phase and e["name"] == name]
assert [len(all_of("X", name)) for name in ("main", "a thread", "ends here", "outer", "inner")] == [1, 500, 500, 1, 1], len(events)
[begin], [end] = all_of("b", "a range"), all_of("e", "a range")
assert all(us > 15000 for us in (all_of("X", "outer")[0]["dur"], all_of("X", "inner")[0]["dur"], end["ts"] - begin["ts"])), events[-5:]
assert trace["otherData"] == {"left_out_visits": 0, "lost_samples": 0, "aborted": sys.argv[2] == "True"}, trace["otherData"]
EOF
    done
}
form_twice() {
    mkdir -p "$work/twice" && (
        cd "$work/twice" && unset ZEUS_AMD_TOOLS_OUTPUT &&
            ZEUS_AMD_TOOLS_FORMATS=text,json,text "$root/simulator/run" --machine mi210-1 --rocm 7.0.2 -- "$work/abuse" twice &&
            [ "$(echo *)" = "$(echo zeus_amd_regions.*.json zeus_amd_regions.*.txt)" ]
    )
}
memory() {
    abused 0 calls 'sum(x["count"] for x in r["regions"] if x["name"] == "within") == 205000' 'name("x")["count"] == 205 * 334' 'name("here")["count"] == 205000' >"$work/grown" &&
        [ "$(cat "$work/grown")" -lt 4096 ]
}
# Also within a reading, which is where the program is all the time with such a budget.
handlers() {
    local i
    export ZEUS_AMD_TOOLS_BUDGET=100
    for i in 1 2 3 4 5 6; do
        abused 9 exits-in-handler 'name("a")' && abused 134 aborts-in-handler 'name("a") and r["run"]["aborted"]' || return 1
    done
}
# Its lock is held for ever: no report, and no hang.
broken_heap() {
    abused 134 broken-heap 2>"$work/err" && grep -q '^malloc(): ' "$work/err" && grep -q "no energy report: the program's heap is broken" "$work/err"
}
# Not 0 J, in no form: nothing is known.
without_energy() {
    value 'all(r["run"][k] is None for k in ("energy_j", "uncertainty_j", "widest_energy_j", "widest_uncertainty_j")) and r["run"]["scope"] == "none"' \
        'all(x[k][v] is None for x in r["regions"] for k in ("inclusive", "exclusive") for v in x[k] if v != "gpus")' 'name("main")["time_s"] > 0.019' &&
        grep -q '^energy    none: ' "$work/report.txt" && grep -q '^  main .* -          -       -         - .* -$' "$work/report.txt" &&
        grep -q '/main","[a-z ]*",1,[0-9.]*,,,,[0-9.]*,,$' "$work/report.csv" && [ ! -s "$work/report.folded" ]
}
no_gpu() {
    in_machine mi210-1 'all.absent = true' -- "$work/abuse" exit
    [ $? = 7 ] && value 'r["run"]["status"] < 0' && without_energy
}
# No session at all: the time is measured.
no_session() {
    ZEUS_AMD_BACKEND=amdsmi rocm=none in_machine mi210-1 -- "$work/abuse" exit
    [ $? = 7 ] && value 'r["run"]["status"] < 0' && without_energy
}
# The energy of a second die is its first die's.
second_die() {
    ROCR_VISIBLE_DEVICES=1 in_machine mi250x-4 -- "$work/abuse" exit
    [ $? = 7 ] && value 'r["run"]["status"] == 0 and len(r["gpus"]) == 1 and r["gpus"][0]["status"] < 0' && without_energy
}
# It is the process's, as that of any other report.
abort_name() {
    mkdir -p "$work/here" && rm -f "$work/here"/* && (
        cd "$work/here" && unset ZEUS_AMD_TOOLS_OUTPUT && "$root/simulator/run" --machine mi210-1 --rocm 7.0.2 -- sh -c 'echo $$; exec "$0" abort' "$work/abuse" >pid
        [ -e "zeus_amd_regions.$(cat pid).json" ] && grep -q "\"pid\": $(cat pid)," "zeus_amd_regions.$(cat pid).json"
    )
}
# A number of a variable has a point in a language that writes a comma as well; what is no number is named.
budget() {
    localedef -i de_DE -f UTF-8 "$work/de_DE.UTF-8" || return 1
    one() {
        in_machine mi210-1 -- env LOCPATH="$work" LC_ALL=de_DE.UTF-8 ZEUS_AMD_TOOLS_BUDGET="$1" "$work/abuse" twice 2>"$work/err" &&
            value "r['overhead']['budget_percent'] == $2"
    }
    one 0.5 0.5 && [ ! -s "$work/err" ] && one 0,5 1 && grep -q 'ZEUS_AMD_TOOLS_BUDGET: 0,5 is no number from 0 to 100, so it is 1$' "$work/err"
}
# Of a program without standard streams no report is in their place. The second form waits for its reader.
closed_streams() {
    rm -f "$work/report".* "$work/pid" && mkfifo "$work/report.json" || return 1
    # shellcheck disable=SC2016 # for the inner shell
    ZEUS_AMD_TOOLS_OUTPUT=$work/report ZEUS_AMD_TOOLS_FORMATS=text,json timeout 1200 simulator/run --machine mi210-1 --rocm 7.0.2 \
        --with 'all.absent = true' -- sh -c 'echo $$ >"$1" && exec "$0" twice <&- >&- 2>&-' "$work/abuse" "$work/pid" &
    local job=$! i open
    for i in {1..600}; do [ ! -e "$work/report.txt" ] || break; sleep 0.1; done
    sleep 0.5
    open=$(cd "/proc/$(cat "$work/pid")/fd" && for i in *; do echo "$i $(readlink "$i")"; done)
    timeout 60 cat "$work/report.json" >"$work/read"
    wait "$job" && [ -s "$work/read" ] && grep -q "^[0-9]* $work/report.txt\$" <<<"$open" && ! grep "^[012] $work/report" <<<"$open"
}
abuse() {
    ok "any name" abused 0 names 'r["counted"]["paths"] == 14' 'name("new\nline")["count"] == 1' 'name("\"quoted\"")' 'name("(NULL)")' \
        'len(next(x for x in r["regions"] if x["name"].startswith("yx"))["name"]) == 65536'
    ok "all forms: any name" forms mi210-1 "$work/abuse" names
    ok "all forms: any name, by another compiler" another_compiler
    ok "all forms: 10,000 nested levels" forms mi210-1 "$work/abuse" deep
    ok "all forms: threads" forms mi300x-8 "$work/regions" threads
    ok "all forms: random" forms mi250x-4 "$work/regions" random "$seed"
    ok "no half report" no_half_report
    ok "a form that is listed twice" form_twice
    ok "a trace: what is open at the end" open_at_end
    ok "a program without standard streams" closed_streams
    ok "the budget in any language" budget
    ok "ends without begins" abused 0 unbalanced 'r["counted"]["unbalanced"] >= 4 and r["counted"]["unfinished"] == 2'
    ok "10,000 nested levels" abused 0 deep 'max(x["id"] for x in r["regions"]) == 10001 and r["counted"]["beyond_limit"] == 0'
    ok "more names than are kept" abused 0 many 'r["counted"]["paths"] == 65536 and r["counted"]["beyond_limit"] == 70001 - 65536'
    ok "500 threads that end in a region" abused 0 threads 'name("a thread")["count"] == 500 and r["counted"]["threads"] == 2'
    ok "memory grows with paths only" memory
    ok "exit and abort in signal handlers" handlers
    ok "abort by a broken heap" broken_heap
    ok "signal handlers" abused 0 handler 'name("a")["count"] == 100000'
    ok "threads that go on at exit" abused 0 busy 'name("busy")["concurrent"]'
    ok "fork" abused 0 fork 'name("parent") and not name("child")'
    ok "exit" abused 7 exit 'not r["run"]["aborted"]'
    ok "_exit" abused 8 _exit
    ok "abort: the name of the report" abort_name
    ok "abort" abused 134 abort 'r["run"]["aborted"] and name("main")["count"] == 1'
    ok "SIGABRT from elsewhere" abused 134 killed 'r["run"]["aborted"] and name("main")["count"] == 1'
    ok "finalize twice, dlclose" abused 0 twice 'name("main")["count"] == 1'
    local ZEUS_AMD_TOOLS_FORMATS=text,json,csv,folded
    ok "no GPU" no_gpu
    ok "no session" no_session
    ok "a GPU without an energy" second_die
}

. tests/tools/interfaces.sh
. tests/tools/mpi.sh

ok "build" build
ok "exports" exports
ok "the schema of reports is one" check
[ $# -gt 0 ] || set -- regions node abuse kokkos roctx openmp mpi papi
for part; do "$part"; done
[ $failed = 0 ]
