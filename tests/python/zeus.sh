#!/bin/sh
# Zeus from PyPI, unchanged, and this library in one process on the simulated machine: see test_zeus.py and
# test_zeus_monitor.py; and Zeus on this library: see test_zeus_backend.py.
# Zeus 0.16.0 asks for amdsmi_get_gpu_enumeration_info, which AMD's package has since ROCm 6.4. Before, it is 0.15.1, the last
# one that does without.
# Prints a line per combination, then the count; exit status 1 if any failed.
# usage: tests/python/zeus.sh [ROCM...] [backend]
. "$(dirname "$0")/../hermetic.sh"
set -u
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/venv.sh"
[ $# -gt 0 ] || set -- 6.1.2 6.2.4 6.3.3 6.4.3 7.0.2 backend
passed=0 failed=0 started=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$root" && cargo rustc --quiet --locked --release --lib --crate-type cdylib) || exit 1
# shellcheck disable=SC2046 # words
"$sim" build $(echo "$@" | sed 's/backend/6.2.4 7.0.2 7.13 10.2/') >/dev/null || exit 1
export ZEUS_AMD_LIBRARY="$target/release/libzeus_amd.so" PYTHONDONTWRITEBYTECODE=1
unset ZEUS_FAILS HIP_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES

# The driver may show the second die's caps as 0 W instead of having none; without one, libamd_smi's power_info fails.
no_caps='caps = { present = true, cap_w = 0, default_w = 0, min_w = 0, max_w = 0 }'
shown="gpu.1.$no_caps
gpu.3.$no_caps
gpu.5.$no_caps
gpu.7.$no_caps"
# Second dies first in HIP's order.
swapped=$(for gpu in 0 1 2 3 4 5 6 7; do echo "gpu.$gpu.probe = $((gpu ^ 1))"; done)
cpx='gpu.0.compute_partition = "CPX"
gpu.0.memory_partition = "NPS4"
gpu.0.partitions = 8'
faults=

script=test_zeus.py
loads='gpu.0.power = { kind = "square", low = 80, high = 700, period_s = 0.13 }
gpu.1.power = { kind = "ramp", from = 60, to = 740, over_s = 0.9, repeat = true }
gpu.2.noise = { w = 50, seed = 5 }
gpu.3.counter.refresh_ms = 20
gpu.4.counter.refresh_ms = 10'

# Most of the time is validation, so the combinations of a release run at once.
start() { # LABEL ZEUS'S EXCEPTION OR - TESTS MACHINE [MORE OPTIONS OF run...]
    label=$1 fails=$2 tests=$3 machine=$4
    shift 4
    started=$((started + 1))
    echo "ROCm $rocm, $label" >"$work/$started.label"
    [ "$fails" = - ] || export ZEUS_FAILS="$fails"
    {
        # shellcheck disable=SC2086 # words
        "$sim" --machine "$machine" --rocm "$rocm" "$@" -- "$python" "$here/$script" $tests >"$work/$started.log" 2>&1
        echo $? >"$work/$started.status"
    } &
    unset ZEUS_FAILS
}

whole_zeus() {
    make_venv zeus-all-0.16.0 zeus==0.16.0 'httpx<1' nvidia-ml-py scikit-learn pandas pydantic rich >"$work/log" 2>&1 ||
        sed 's/^/      /' "$work/log"
}

# With the same Zeus whatever ROCm there is, and without AMD's package.
backend() {
    zeus='0.16.0 on this library'
    whole_zeus
    python=$venv/bin/python script=test_zeus_backend.py
    export PYTHONPATH="$root/python"
    # Most of a test is the start of Zeus's processes.
    for rocm in 6.2.4 7.0.2 7.13 none; do start 'mi300x-8, energies' - Backend.test_windows mi300x-8; done
    rocm=10.2
    start mi300x-8 - 'Backend Power Once' mi300x-8
    rocm=7.13
    start mi250x-4 - 'Backend Power' mi250x-4
    rocm=none
    start 'mi100-1, whose counter is stuck' - Backend mi100-1
    start 'mi50-1, without a counter' - Backend.test_windows mi50-1
    finish
}

finish() {
    wait
    for n in $(seq "$started"); do
        name="Zeus $zeus, $(cat "$work/$n.label")"
        if [ "$(cat "$work/$n.status")" = 0 ]; then
            passed=$((passed + 1))
            echo "ok    $name"
        else
            failed=$((failed + 1))
            echo "FAIL  $name"
            sed 's/^/      /' "$work/$n.log"
        fi
    done
    started=0
}

for rocm; do
    if [ "$rocm" = backend ]; then
        backend
        continue
    fi
    zeus=0.16.0
    case $rocm in 6.[0-3].*) zeus=0.15.1 ;; esac
    # The rest of what Zeus needs is for other parts than zeus.device.
    {
        make_venv "amdsmi-$rocm" "amdsmi==$rocm" && packages=$(echo "$venv"/lib/python3*/site-packages) &&
            make_venv "zeus-$zeus" "zeus==$zeus" 'httpx<1' nvidia-ml-py
    } >"$work/log" 2>&1 || {
        echo "FAIL  Zeus $zeus or amdsmi $rocm cannot be installed"
        sed 's/^/      /' "$work/log"
        failed=$((failed + 1))
        continue
    }
    export PYTHONPATH="$packages:$root/python"
    python=$venv/bin/python
    faults=${faults:-$("$python" "$here/test_zeus.py" --faults)}

    for machine in mi100-1 mi210-1 mi300x-8 mi350x-8 mixed-2; do
        start "$machine" - Machine "$machine"
    done
    start 'mi300x-8, settings' - Setters mi300x-8
    start 'mixed-2, all of one model' - DifferentModels mixed-2
    # This library would read the kernel's files, which do not fail.
    export ZEUS_AMD_BACKEND=amdsmi
    start 'mi300x-8, each status of AMD on some GPU' - EachStatus mi300x-8 --with "$faults"
    unset ZEUS_AMD_BACKEND
    start 'mi250x-4, caps of second dies shown as 0' - Machine mi250x-4 --with "$shown"
    start 'mi250x-4, second dies first' - Machine mi250x-4 --with "$shown" --with "$swapped"
    start 'mi250x-4, by a name without MI250' - Machine mi250x-4 --with "$shown" \
        --with 'all.name = "AMD INSTINCT MI200 (MCM) OAM LC MBA HPE C2"'
    start 'mi250x-4: Zeus cannot open it' ZeusBaseGPUError Machine mi250x-4
    start 'mi300x-8, one without a counter: Zeus cannot open it' ZeusGPUNotSupportedError Machine mi300x-8 \
        --with 'gpu.3.fault.amdsmi_get_energy_count = 2'
    if [ "$zeus" = 0.16.0 ]; then
        # hip_id is a difference of node numbers, not a rank.
        start 'mi300x-8, gaps in KFD nodes: Zeus cannot open it' ZeusGPUNotFoundError Machine mi300x-8 \
            --with 'gpu.2.kfd_node = 7'
        start 'mi300x-8, one GPU in 8 partitions: Zeus cannot open it' ZeusGPUNotSupportedError Machine mi300x-8 \
            --with "$cpx"
        # Its monitor needs more packages than its devices.
        whole_zeus
        python=$venv/bin/python script=test_zeus_monitor.py
        start 'ZeusMonitor and a window, mi300x-8' - Monitor mi300x-8 --with "$loads"
        start 'ZeusMonitor and a window, mi350x-8' - Monitor mi350x-8
        start 'ZeusMonitor and a window, mi210-1' - Monitor mi210-1
        script=test_zeus.py
    else
        start 'mi300x-8, gaps in KFD nodes' - Machine mi300x-8 --with 'gpu.2.kfd_node = 7'
    fi
    finish
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
