# Sourced by run.sh: programs that use the installed library, each outside the tree.
consumer=$work/consumer
cp -r tests/install/consumer "$consumer"

# in_machine as a command, for CTest.
cat >"$work/in-machine" <<M
#!/bin/bash
prefix=$prefix watts=$watts
$(declare -f in_machine)
in_machine "\$@"
M
chmod +x "$work/in-machine"

# tested FOLDER COUNT: what CTest has there passes, and is so much.
tested() {
    quietly ctest --test-dir "$1" --output-on-failure
    grep -q "tests passed, 0 tests failed out of $2\$" "$work/log" || die "$(cat "$work/log")"
}

# consumer_with NAME [CMAKE-OPTION...]: configures, builds, and runs the programs.
consumer_with() {
    local out=$work/build-$1
    shift
    quietly cmake -S "$consumer" -B "$out" -DCMAKE_PREFIX_PATH="$prefix" -DCONSUMER_RUN="$work/in-machine" \
        -DCONSUMER_POWER_MW="${watts}000" "$@"
    quietly cmake --build "$out"
    for program in c_shared cxx_shared wrapped fortran; do is_shared "$out/$program"; done
    for program in c_static cxx_static; do is_static "$out/$program"; done
    tested "$out" 6
}

part "CMake, find_package: C, C++ and Fortran, shared and static, gcc"
consumer_with gcc -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DCMAKE_C_FLAGS="-Wall -Wextra -Werror"
part "CMake, find_package: the same with clang and lld (T27)"
consumer_with clang -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld
part "CMake, add_subdirectory: a guest in another project"
consumer_with subdirectory -DZEUS_AMD_SOURCE="$root" -DZEUS_AMD_CARGO_TARGET_DIR="$target"
quietly cmake --install "$work/build-subdirectory" --prefix "$work/guest"
[ -z "$(find "$work/guest" ! -type d 2>/dev/null)" ] || die "a guest installs itself with its host"

part "the installed examples build with the installed package"
quietly cmake -S "$prefix/share/doc/zeus_amd/examples" -B "$work/examples" -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$work/examples"
quietly in_machine "$work/examples/energy_report" --seconds 0.2
quietly in_machine "$work/examples/zeus-amd-run" -- true
quietly in_machine "$work/examples/region_fortran"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
for cc in gcc clang; do
    part "pkg-config: shared and static, $cc"
    # shellcheck disable=SC2046 # words
    quietly $cc "$consumer/consumer.c" -o "$work/pc" $(pkg-config --cflags --libs zeus_amd)
    is_shared "$work/pc"
    right "$work/pc" LD_LIBRARY_PATH="$prefix/lib"
    quietly $cc "$consumer/consumer.c" -o "$work/pc-static" $(pkg-config --cflags --libs zeus_amd-static)
    is_static "$work/pc-static"
    right "$work/pc-static"
    # --static where the shared library is not beside the other one.
    mkdir -p "$work/only-static/$cc"
    cp -r "$prefix/." "$work/only-static/$cc"
    rm "$work/only-static/$cc"/lib/libzeus_amd.so*
    quietly $cc "$consumer/consumer.c" -o "$work/pc-only" \
        $(PKG_CONFIG_PATH=$work/only-static/$cc/lib/pkgconfig pkg-config --static --cflags --libs zeus_amd)
    is_static "$work/pc-only"
    right "$work/pc-only"
done

part "Python: with nothing but the path of the module"
quietly in_machine env PYTHONPATH="$prefix/lib/zeus_amd/python" PYTHONDONTWRITEBYTECODE=1 "$(command -v python3)" \
    "$consumer/consumer.py" ${watts}000

part "T10: a panic in the installed library is a status, in silence: shared and static"
for package in zeus_amd zeus_amd-static; do
    quietly cc "$consumer/panic.c" -o "$work/panic" $(pkg-config --cflags --libs $package)
    in_machine env LD_LIBRARY_PATH="$prefix/lib" "$work/panic" >"$work/log" 2>&1
    [ ! -s "$work/log" ] || die "$(cat "$work/log")"
done
if CARGO_PROFILE_RELEASE_PANIC=abort cargo check --quiet --locked --release --lib --target-dir "$target/abort" \
    >"$work/log" 2>&1; then
    die "the library builds with panic = abort"
fi
grep -q 'must be built with panic = "unwind"' "$work/log"
