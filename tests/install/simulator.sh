# Sourced by run.sh: the installed simulated machine, used by somebody who has nothing of this tree.
alone=$work/parts/simulator
mkdir "$work/elsewhere"
mv "$alone" "$work/elsewhere/sim"
sim=$work/elsewhere/sim/bin/zeus-amd-sim
program=$work/build-gcc/c_static

part "simulator: a machine of the user's own, every kind of machine, without cargo or a compiler"
cat >"$work/mine.toml" <<'M'
[all]
model = "mi210"
power = { kind = "constant", w = 123 }
[gpu.0]
bdf = "0000:41:00.0"
unique_id = "0123456789abcdef"
temps = { edge = 40000, hotspot = 45000, mem = 41000 }
activity = [80, 30]
M
mkdir "$work/no-tools"
for tool in env cat sh; do ln -s "$(command -v $tool)" "$work/no-tools/$tool"; done
env -i PATH="$work/no-tools" "$sim" --machine "$work/mine.toml" --rocm 6.4.3 -- "$program" 123000 >"$work/log" 2>&1
env -i PATH="$work/no-tools" "$sim" list >"$work/list"
machines=$(sed -n '/^machines:/,/^ROCm/s/^  \([^ ]*\) .*/\1/p' "$work/list")
releases=$(sed -n '/^ROCm/,$s/^  \([^ ]*\) .*/\1/p' "$work/list")
[ "$(printf '%s\n' "$machines" | sort)" = "$(cd simulator/machines && ls | sed 's/\.toml$//' | sort)" ] || die "$machines"
for machine in $machines; do
    quietly env -i PATH="$work/no-tools" "$sim" --machine "$machine" --rocm 7.0.2 -- env
done
for release in $releases; do
    env -i PATH="$work/no-tools" "$sim" --machine mi210-1 --rocm "$release" -- cat /proc/self/environ | tr '\0' '\n' |
        grep -q '^ROCM_PATH=' || die "ROCm $release"
    ls "$work"/elsewhere/sim/lib/zeus_amd/sim/rocm/"$release"/libamd_smi.so.* >/dev/null
done

part "simulator: it opens no file of the tree"
strace -qq -f -e trace=%file -o "$work/trace" "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$(command -v true)"
if grep -F "\"$root/" "$work/trace" >&2 || grep -F "\"$target/" "$work/trace" >&2; then die "it looks into the tree"; fi

part "simulator: CTest of another project finds it"
mkdir "$work/ci"
cat >"$work/ci/CMakeLists.txt" <<'M'
cmake_minimum_required(VERSION 3.16)
project(code LANGUAGES C)
find_package(zeus_amd REQUIRED COMPONENTS shared simulator)
add_executable(code code.c)
target_link_libraries(code PRIVATE zeus_amd::zeus_amd)
enable_testing()
add_test(NAME energy COMMAND zeus_amd::sim --machine mi210-1 --rocm 6.2.4
         --with "all.power = { kind = \"constant\", w = 250 }" -- $<TARGET_FILE:code> 250000)
M
cp "$consumer/consumer.c" "$work/ci/code.c"
quietly cmake -S "$work/ci" -B "$work/ci/build" -DCMAKE_PREFIX_PATH="$prefix"
quietly cmake --build "$work/ci/build"
quietly cmake -E chdir "$work/ci/build" ctest --output-on-failure
