# Sourced by run.sh: the programs that are installed, each from where it lies, on the machine of constant power.

# value FILE EXPRESSION: of a report in JSON, as r.
value() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$@" || die "$2: $(cat "$1")"; }

# runs_from PREFIX: zeus-amd-run finds its library, hands on what the command does, and has the machine's power.
runs_from() {
    local status=0
    # shellcheck disable=SC2016 # for the inner shell
    in_machine "$1/bin/zeus-amd-run" --json "$work/run.json" -- sh -c 'sleep 0.3; cat; exit 3' >"$work/out" 2>"$work/log" \
        <<<"through" || status=$?
    [ $status = 3 ] || die "zeus-amd-run: exit status $status: $(cat "$work/log")"
    [ "$(cat "$work/out")" = through ]
    value "$work/run.json" "r['exit_status'] == 3 and abs(r['gpus'][0]['mean_power_w'] - $watts) < 0.01 * $watts"
}

# profiles_from PREFIX: a program that knows nothing of it gets its report, with two ranks on one GPU.
profiles_from() {
    rm -f "$work/report".*
    # The machine has a library of its own to preload. Open MPI 5 does not start without a home.
    # shellcheck disable=SC2016 # for the inner shell
    in_machine env HOME="$work" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ZEUS_AMD_PMPI_OUTPUT="$work/report" \
        sh -c 'exec mpirun.openmpi --oversubscribe -n 2 -x LD_PRELOAD="$LD_PRELOAD:$1" "$2"' sh \
        "$1/lib/libzeus_amd_pmpi.so" "$work/job" >"$work/out" 2>"$work/log"
    [ "$(cat "$work/out")" = "sum 1" ] || die "the program says $(cat "$work/out")"
    value "$work/report.json" "r['job']['packages'] == 1 and r['packages'][0]['ranks'] == 2"
    # The package's own time: the job's is that of the longest rank, which may be another.
    value "$work/report.json" "abs(r['packages'][0]['energy_j'] - $watts * r['packages'][0]['duration_s']) < 0.01 * r['packages'][0]['energy_j'] + r['packages'][0]['uncertainty_j']"
    value "$work/report.json" "r['job']['energy_j'] == r['packages'][0]['energy_j']"
    grep -q 'overhead' "$work/report.txt"
}

# regions_from PREFIX: ranges of roctx, by the name of that library.
regions_from() {
    rm -f "$work/regions".*
    in_machine env ZEUS_AMD_TOOLS_OUTPUT="$work/regions" python3 -c '
import ctypes, sys, time
roctx = ctypes.CDLL(sys.argv[1])
roctx.roctxRangePushA(b"a region")
time.sleep(0.1)
roctx.roctxRangePop()' "$1/lib/zeus_amd/roctx/lib/libroctx64.so" >"$work/log" 2>&1 || die "roctx: $(cat "$work/log")"
    value "$work/regions.json" "r['regions'][1]['name'] == 'a region' and r['regions'][1]['time_s'] >= 0.1"
    value "$work/regions.json" "abs(r['regions'][1]['inclusive']['energy_j'] - $watts * r['regions'][1]['time_s']) <= r['regions'][1]['inclusive']['uncertainty_j'] + 0.01"
}
