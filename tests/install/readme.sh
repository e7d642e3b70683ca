# Sourced by run.sh: what README.md shows, as it stands there, with the installed library in the place of its /opt/zeus_amd.

# shown LANGUAGE: the blocks of code.
shown() { awk -v fence="\`\`\`$1" '$0 == fence { on = 1; next } /^```/ { on = 0 } on' README.md; }

# says_what_is_missing COMMAND...: no energy where there is none to measure (no GPU, the second die of an MI250X alone), and
# that the other package of two is missing.
says_what_is_missing() {
    in_machine env HIP_VISIBLE_DEVICES=9 "$@" >"$work/nothing" 2>&1 </dev/null || true
    machine=mi250x-4 in_machine env ROCR_VISIBLE_DEVICES=1 "$@" >>"$work/nothing" 2>&1 </dev/null || true
    if grep -E '[0-9] +J' "$work/nothing"; then die "$1 measures nothing and says so much"; fi
    machine=mi250x-4 in_machine env ROCR_VISIBLE_DEVICES=0,3 "$@" >"$work/half" 2>&1 </dev/null
    grep -Fq '(incomplete)' "$work/half" || die "$1 says $(cat "$work/half")"
}

# says_energy COMMAND...: with nothing but what README.md set.
says_energy() {
    says_what_is_missing "$@"
    in_machine "$@" >"$work/log" 2>&1 </dev/null
    grep -Eqx ' *[1-9][0-9]*\.[0-9]+ +J( (\+-|±) [0-9.]+ J)?' "$work/log" || die "$1 says $(cat "$work/log")"
}

readme=$work/readme
mkdir "$readme"
work_in_c='#include <time.h>
static void work(void) { struct timespec t = {0, 300000000}; nanosleep(&t, NULL); }'
{ shown c | grep '^#'; echo "$work_in_c"; echo 'int main(void) {'; shown c | grep -v '^#'; echo 'return 0; }'; } >"$readme/program.c"
{ echo '#include <cstdio>'; echo '#include <zeus_amd.hpp>'; echo "$work_in_c"; echo 'int main() {'; shown cpp; echo '}'; } >"$readme/program.cc"
{ shown fortran; printf 'contains\nsubroutine work()\ncall execute_command_line("sleep 0.3")\nend subroutine\nend\n'; } >"$readme/program.f90"
{ printf 'import time\ndef work(): time.sleep(0.3)\n'; shown python; } >"$readme/program.py"
{ printf 'cmake_minimum_required(VERSION 3.16)\nproject(program C)\nadd_executable(program program.c)\n'; shown cmake; } >"$readme/CMakeLists.txt"

# as_shown: its variables, then what is said here.
as_shown() {
    { shown sh | grep '^export ' | sed "s,/opt/zeus_amd,$prefix,g"; cat; } >"$readme/steps"
    quietly env -u PKG_CONFIG_PATH -u CMAKE_PREFIX_PATH -C "$readme" sh -e steps
}

part "README.md: C, by each of its commands"
shown sh | grep '^cc ' | while read -r command; do
    as_shown <<<"cc -Wall -Wextra -Werror ${command#cc}"
    says_energy "$readme/a.out"
done
part "README.md: CMake"
as_shown <<<"cmake -S . -B build && cmake --build build"
says_energy "$readme/build/program"
part "README.md: C++, Fortran and Python"
flags='$(pkg-config --cflags --libs zeus_amd) -Wl,-rpath,$(pkg-config --variable=libdir zeus_amd)'
as_shown <<<"c++ -std=c++17 -Wall -Wextra -Werror program.cc -o cxx $flags"
says_energy "$readme/cxx"
as_shown <<<"gfortran -Wall -Werror '$prefix/include/zeus_amd.f90' program.f90 -o fortran $flags"
says_energy "$readme/fortran"
says_energy env PYTHONPATH="$prefix/lib/zeus_amd/python" PYTHONDONTWRITEBYTECODE=1 PYTHONIOENCODING=utf-8 "$(command -v python3)" "$readme/program.py"
