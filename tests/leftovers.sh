#!/usr/bin/env bash
# Nothing is left of a run: no process, no temporary file, no memory that processes shared, no core file. First of the run that
# this step is the last of, then of one that SIGTERM ends in the middle.
set -u
cd "$(dirname "$0")/.."
. scripts/orphans.sh
: "${ZEUS_AMD_TEST_RUN:?is set by tests/run.sh}"

processes() { env -u ZEUS_AMD_TEST_RUN grep -lszxF "ZEUS_AMD_TEST_RUN=$1" /proc/[0-9]*/environ | cut -d/ -f3; }

# Those of the files named on standard input that the kernel wrote of a dead process: ELF of type 4. Packages have files named core too.
cores() {
    local file
    while IFS= read -r file; do
        [ "$(od -An -tx1 -N4 "$file" | tr -d ' \n')$(od -An -tx1 -j16 -N2 "$file" | tr -d ' \n')" != 7f454c460400 ] || printf 'core file %s\n' "$file"
    done
}

# named PID ...: those that are there, and are not of this step.
named() {
    local pid said
    for pid; do
        said=$(tr '\0' ' ' <"/proc/$pid/cmdline") || continue
        [[ $said == *leftovers.sh* ]] || echo "process $pid: $said"
    done 2>/dev/null
}

# left MARK FOLDER SINCE WHAT: fails, and says what is left.
left() {
    local found pids
    pids=$(processes "$1" | sort)
    # What waits, looks and lists here ends by itself, on a busy machine after a while.
    for _ in {1..20}; do
        # shellcheck disable=SC2086 # words
        [ -n "$(named $pids)" ] || break
        sleep 1
        pids=$(comm -12 <(echo "$pids") <(processes "$1" | sort))
    done
    found=$(
        # shellcheck disable=SC2086 # words
        named $pids
        [ ! -e "$2" ] || find "$2" -mindepth 1
        orphans "$3"
        find . -path ./target/debug -prune -o -path ./target/release -prune -o -type f \( -name core -o -name 'core.[0-9]*' \) -newermt "@$3" -print |
            cores
    ) 2>/dev/null
    [ -z "$found" ] || { printf 'left by %s:\n%s\n' "$4" "$found"; return 1; }
}

status=0
# A step cannot remove what may be of another step's job.
drop_foreign "$ZEUS_AMD_TEST_BEGAN"
left "$ZEUS_AMD_TEST_RUN" "$TMPDIR" "$ZEUS_AMD_TEST_BEGAN" "this run" || status=1

# A run of its own, in a session of its own, with machines, samplers and jobs of MPI.
began=$(date +%s)
ZEUS_AMD_TEST_LOGS=$TMPDIR/logs setsid tests/run.sh mpi sampler >"$TMPDIR/killed" 2>&1 &
killed=$!
machines() {
    local pid
    for pid in $(processes "$1"); do tr '\0' ' ' <"/proc/$pid/cmdline"; done 2>/dev/null | grep -c zeus-amd-sim
}
for _ in {1..600}; do
    folder=$(find "$TMPDIR" -maxdepth 1 -name 'zeus_amd.*')
    [ -n "$folder" ] && [ -e "$folder/state/mpi.began" ] && [ "$(machines "${folder##*.}")" -gt 1 ] && break
    kill -0 $killed 2>/dev/null || break
    sleep 0.2
done
[ -n "$folder" ] && [ -e "$folder/state/mpi.began" ] && kill -0 $killed || { cat "$TMPDIR/killed"; exit 1; }
sleep 3
printf 'killed in the middle: %s processes\n' "$(processes "${folder##*.}" | wc -l)"
kill -TERM -- -$killed
wait $killed
code=$?
[ $code = 143 ] || { echo "exit status $code, not 143"; status=1; }
# What is not its child (a job's daemons) is ended by scripts/reap.sh, which it waits for.
left "${folder##*.}" "$folder" "$began" "a killed run" || status=1
rm -rf "$TMPDIR/logs" "$TMPDIR/killed"
exit $status
