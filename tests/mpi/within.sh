#!/usr/bin/env bash
# within.sh MACHINE ROCM [TOML...] [+ MACHINE ROCM [TOML...]] -- COMMAND...: runs it in the simulated machine MACHINE_A; with
# a second one also for MACHINE_B, and then in neither: rank.sh puts each rank into one of them.
set -eu
words=(--machine "$1" --rocm "$2")
shift 2
while [ "$1" != + ] && [ "$1" != -- ]; do
    words+=(--with "$1")
    shift
done
[ "$1" != -- ] || shift
exec "$(dirname "$0")/../../simulator/run" "${words[@]}" -- bash -c '
    if [ -z "${MACHINE_A-}" ]; then
        export MACHINE_A=$ZEUS_AMD_SIM
    else
        export MACHINE_B=$ZEUS_AMD_SIM
        unset LD_PRELOAD
    fi
    if [ "$1" = + ]; then
        unset LD_PRELOAD
        shift
        exec "$0" "$@"
    fi
    exec "$@"' "$0" "$@"
