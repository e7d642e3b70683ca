# Sourced by run.sh: what the two commands of README.md and zeus-amd-run say before there is anything to measure.

# says STATUS TEXT COMMAND...: in one line at most, and builds nothing.
says() {
    local wanted=$1 text=$2 status=0
    shift 2
    CARGO_TARGET_DIR=$work/untouched "$@" >"$work/log" 2>&1 || status=$?
    [ $status = "$wanted" ] || die "exit status $status: $*"
    grep -qF -- "$text" "$work/log" || die "$* says $(cat "$work/log")"
    [ ! -e "$work/untouched" ] || die "$* builds"
}

part "options are answered before anything is built"
says 0 "[--seconds N]" examples-c/run.sh --help
says 2 "no option --nope" examples-c/run.sh --nope
says 2 "not a number" examples-c/run.sh --seconds nope
[ "$(wc -l <"$work/log")" = 1 ]
says 2 "needs a number" examples-c/run.sh --seconds
says 0 "tests/run.sh NAME..." tests/run.sh --help
says 2 "no option --nope" tests/run.sh --nope
says 2 "no step and no test is named nope" tests/run.sh nope

part "what is missing is said in one list: Rust with its version and the names that serve, and the compiler"
mkdir "$work/few"
for tool in sh bash cat dirname sed env; do ln -s "$(type -P $tool)" "$work/few/$tool"; done
few() { says 1 "$1" env -i PATH="$work/few" HOME="$work" examples-c/run.sh; }
few "please install Rust 1.85"
grep -q 'rustc-web cargo-web' "$work/log" && grep -q 'build-essential' "$work/log" || die "$(cat "$work/log")"
printf '#!/bin/sh\necho "rustc 1.63.0 (4b91a6ea7 2022-08-08)"\n' >"$work/few/rustc"
chmod +x "$work/few/rustc"
few "this is 1.63"

part "zeus-amd-run and zeus-amd-sim: a wrong option is one line, a machine that is not there names those that are"
one_line() {
    says "$@"
    [ "$(wc -l <"$work/log")" = 1 ] || die "$(cat "$work/log")"
}
one_line 2 "'--nope'" "$prefix/bin/zeus-amd-run" --nope
one_line 2 "--period-us nope" "$prefix/bin/zeus-amd-run" --period-us nope -- true
one_line 2 "no command" "$prefix/bin/zeus-amd-run" --
one_line 127 "there are mi100-1 " "$prefix/bin/zeus-amd-sim" --machine nope --rocm 7.0.2 -- true
one_line 127 "there are 6.0.0 " "$prefix/bin/zeus-amd-sim" --machine mi210-1 --rocm 9.9 -- true
says 0 "usage: zeus-amd-sim --machine" "$prefix/bin/zeus-amd-sim" --help
says 0 "usage: zeus-amd-run" "$prefix/bin/zeus-amd-run" --help

part "a report comes in one piece, so that those of several ranks are not mixed"
# A pipe that keeps the limits of each write.
in_machine "$(command -v python3)" -c '
import os, subprocess, sys
out, into = os.pipe2(os.O_DIRECT)
process = subprocess.Popen([sys.argv[1], "--", "true"], stderr=into)
os.close(into)
said = os.read(out, 1 << 16).decode()
while os.read(out, 1 << 16):
    pass
assert process.wait() == 0
assert said.startswith("zeus-amd-run: true\n") and "\n  all " in said and "\npeak: " in said, said' "$prefix/bin/zeus-amd-run"
