# Sourced by run.sh: programs of Kokkos, roctx, OpenMP and PAPI, none of them written for this library.

# A program of Debian's Kokkos, which reads KOKKOS_PROFILE_LIBRARY only.
kokkos_program() { g++ -O1 -fopenmp -I/usr/include/trilinos "$tests/kokkos.cpp" -o "$work/kokkos" -ltrilinos_kokkoscore -ldl; }
kokkos_run() { KOKKOS_PROFILE_LIBRARY=$TOOL in_machine mi300x-8 -- "$work/kokkos" "$@"; }
kokkos_regions() {
    kokkos_run && value 'name("solve")["count"] == 3 and name("solve")["kind"] == "kokkos region"' \
        'name("axpy")["kind"] == "kokkos parallel_for" and r["regions"][name("axpy")["parent"]]["name"] == "solve"' \
        'name("dot")["kind"] == "kokkos parallel_reduce" and name("dot")["time_s"] > 0.119' \
        'name("Unnamed")["count"] == 3 and name("Templated<double>")["count"] == 3' \
        'name("physics::Solver::step(Kokkos::View<double*>)::{lambda(int)#1}")["count"] == 3' \
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
# Kokkos 4 and 5, which read KOKKOS_TOOLS_LIBS: PennyLane's simulator of quantum circuits. With fences each kernel ends with one.
gates() { # NAME
    echo "[(x['count'], x['kind']) for x in r['regions'] if '$1' in x['name'] and '<' in x['name']]"
}
fences="sorted(x['count'] for x in r['regions'] if 'Tool Fence' in x['name'] and x['parent'] != 0)"
kokkos_lightning() { # VERSION OF-KOKKOS
    local wanted
    make_venv "lightning-$1" "pennylane-lightning-kokkos==$1" numpy || return 1
    for wanted in 0 1; do
        KOKKOS_TOOLS_LIBS=$TOOL ZEUS_AMD_TOOLS_FENCE=$wanted in_machine mi210-1 -- env OMP_PROC_BIND=false \
            PYTHONPATH="$(echo "$venv"/lib/python3*/site-packages/pennylane_lightning)" "$venv/bin/python" "$tests/lightning.py" >"$work/out" &&
            grep -q "Kokkos Version: $2\." "$work/out" && grep -q '^\[0.5 0.5\]$' "$work/out" || return 1
        value "$(gates applyNC1Functor) == [(80, 'kokkos parallel_for')]" "$(gates applyNC2Functor) == [(75, 'kokkos parallel_for')]" \
            "any(x['kind'] == 'kokkos parallel_reduce' for x in r['regions']) and any(x['kind'] == 'kokkos copy' for x in r['regions'])" \
            'r["counted"]["unbalanced"] == 0 and r["counted"]["unfinished"] == 0' || return 1
        [ $wanted = 1 ] || value 'r["fences_round_kernels"] == "off"' "$fences == []" || return 1
    done
    value 'r["fences_round_kernels"] == "on"' "$fences[-2:] == [75, 80]"
}
# Regions of Kokkos, and in them parallel regions of OpenMP, in one report.
kokkos_openmp() {
    # shellcheck disable=SC2016 # for the inner shell
    KOKKOS_PROFILE_LIBRARY=$TOOL OMP_TOOL_LIBRARIES=$TOOL in_machine mi210-1 -- sh -c 'LD_PRELOAD=$LD_PRELOAD:$1 exec "$2"' sh "$llvm_omp" "$work/kokkos" &&
        value '[(x["parent"], x["count"], x["time_s"] > 0.0149) for x in r["regions"] if x["kind"] == "omp parallel"] == [(name("solve")["id"], 3, True)]' \
            'name("dot")["time_s"] > 0.119 and r["counted"]["unbalanced"] == 0 and r["counted"]["unfinished"] == 0'
}
kokkos() {
    ok "Kokkos: program" kokkos_program
    ok "Kokkos: kernels, regions, sections, copies" kokkos_regions
    ok "Kokkos: exit without finalize" kokkos_exit
    ok "Kokkos: fences" kokkos_fences
    ok "Kokkos: and OpenMP at once" kokkos_openmp
    ok "Kokkos 4: PennyLane" kokkos_lightning 0.41.1 4
    ok "Kokkos 5: PennyLane" kokkos_lightning 0.45.0 5
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
# Clang 19 ends a function whose last statement is a region with a jump into the runtime, which then knows the caller's line alone.
with_lines=(-g -O1 -fno-optimize-sibling-calls)
openmp_programs() {
    clang "${with_lines[@]}" -fopenmp -Wall -Werror "$tests/openmp.c" -o "$work/openmp_clang" -Wl,-rpath,"$(dirname "$llvm_omp")" &&
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
# In C++ with the names that the source has.
openmp_cxx() {
    clang++ -x c++ "${with_lines[@]}" -fopenmp "$tests/openmp.c" -o "$work/openmp_cxx" -Wl,-rpath,"$(dirname "$llvm_omp")" && openmp_run "$work/openmp_cxx" &&
        value 'place("solve()", 0)["count"] == 4 and place("main", 1)["count"] == 1'
}
# LLVM's runtime reports target regions, here with the processor as the device. It opens libomp.so by that name to find the tool.
# Debian 12 has one release of it installed at a time, so that this one is unpacked.
unpacked() ( # FOLDER PACKAGE...
    mkdir -p "$1" && cd "$1" && shift && rm -f ./*.deb &&
        { apt-get download -qq "$@" || { apt-get update -qq && apt-get download -qq "$@"; }; } 2>&1 &&
        for package in ./*.deb; do dpkg -x "$package" . || exit 1; done
)
openmp_offload() {
    local lib=/usr/lib/llvm-19/lib
    if ! [ -e $lib/libomptarget.so ]; then
        lib=$target/libomp-19$lib
        [ -e "$lib/libomptarget.so" ] || unpacked "$target/libomp-19" libomp5-19 libomp-19-dev >/dev/null || return 1
    fi
    clang-19 -g -O1 -fopenmp -fopenmp-targets="$(clang-19 -print-target-triple)" -Wall -Werror "$tests/target.c" -o "$work/target" -L"$lib" -Wl,-rpath,"$lib" &&
        openmp_run env LD_LIBRARY_PATH="$lib" "$work/target" && [ "$(cat "$work/out")" = 13 ] &&
        value 'kinds("omp target") == [("solve (target.c:", 3), (".omp_task_entry. (target.c", 1)]' \
            'kinds("omp target enter data") == kinds("omp target update") == kinds("omp target exit data") == [("main (target.c:", 1)]' \
            'sum(x["time_s"] for x in r["regions"] if x["kind"] == "omp target") > 0.099 and not kinds("omp parallel")' \
            'r["regions"][1]["time_s"] > 0.089 and abs(r["regions"][1]["inclusive"]["energy_j"] - 219 * r["regions"][1]["time_s"]) <= r["regions"][1]["inclusive"]["uncertainty_j"]' \
            'r["counted"]["unbalanced"] == 0 and r["counted"]["unfinished"] == 0'
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
    ok "OpenMP: C++" openmp_cxx
    ok "OpenMP: target regions, of LLVM 19" openmp_offload
    ok "OpenMP: target regions, both forms" openmp_target
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
