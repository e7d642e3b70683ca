#!/bin/sh
# rank.sh RULE COMMAND...: what one rank of a test sees. N is the rank.
rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:?no rank}}
rule=$1
shift
in_machine() { # NAME DIR
    export ZEUS_AMD_MPI_HOST="$1" ZEUS_AMD_ROOT="$2" ZEUS_AMD_SIM="$2" ROCM_PATH="$2/opt/rocm" ROCM_HOME="$2/opt/rocm"
    export LD_PRELOAD="$2/preload.so"
}
case $rule in
shared) ;;
one) export ROCR_VISIBLE_DEVICES="$rank" ;;
pairs) export ROCR_VISIBLE_DEVICES="$((rank * 2)),$((rank * 2 + 1))" ;;
overlap) export ROCR_VISIBLE_DEVICES="$rank,$((rank + 1))" ;;
nodes) if [ $((rank % 2)) = 0 ]; then in_machine a "$MACHINE_A"; else in_machine b "$MACHINE_B"; fi ;;
troubles) # One GPU, then a rank whose open fails, one whose GPUs are masked, one on a machine without a driver.
    case $rank in
    0) export ROCR_VISIBLE_DEVICES=0 ;;
    1) export ZEUS_AMD_BACKEND=amdsmi ZEUS_AMD_AMDSMI=/nowhere/libamd_smi.so ;;
    2) export ROCR_VISIBLE_DEVICES= ;;
    3) export ZEUS_AMD_ROOT=/nowhere ROCM_PATH=/nowhere ;;
    esac ;;
second) export ROCR_VISIBLE_DEVICES=1 ;;
*) echo "rank.sh: no rule $rule" >&2; exit 2 ;;
esac
[ -z "${PROFILER-}" ] || export LD_PRELOAD="${LD_PRELOAD:+$LD_PRELOAD:}$PROFILER"
exec "$@"
