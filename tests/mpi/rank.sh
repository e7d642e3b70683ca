#!/bin/sh
# rank.sh RULE COMMAND...: what one rank of a test sees. N is the rank.
rank=${OMPI_COMM_WORLD_RANK:-${PMI_RANK:?no rank}}
rule=$1
shift
if [ $((rank % 2)) = 0 ]; then side=a; else side=b; fi

# Other hosts are namespaces of this one, in which this script goes on.
case $rule in
nodes | namesakes) namespaces=$KERNELS ;;
containers) namespaces=yes ;;
*) namespaces=no ;;
esac
if [ "$namespaces" = yes ] && [ -z "${INSIDE-}" ]; then INSIDE=yes exec unshare -mu "$0" "$rule" "$@"; fi
running_kernel() { mount --bind "$shared/boot_id.$1" /proc/sys/kernel/random/boot_id; }
node() { # Where it cannot be one, the variable for tests stands for it.
    if [ "$KERNELS" = yes ]; then hostname "node-$1" && running_kernel "$1"; else export ZEUS_AMD_MPI_HOST="node-$1"; fi
    machine "$1"
}
machine() {
    case $1 in a) dir=$MACHINE_A ;; b) dir=$MACHINE_B ;; esac
    export ZEUS_AMD_ROOT="$dir" ZEUS_AMD_SIM="$dir" ROCM_PATH="$dir/opt/rocm" ROCM_HOME="$dir/opt/rocm"
    export LD_PRELOAD="$dir/preload.so"
}

case $rule in
shared) ;;
one) export ROCR_VISIBLE_DEVICES="$rank" ;;
pairs) export ROCR_VISIBLE_DEVICES="$((rank * 2)),$((rank * 2 + 1))" ;;
one_hash) # The two names have one hash.
    machine "$side"
    if [ "$side" = a ]; then export ZEUS_AMD_MPI_HOST=node-138882; else export ZEUS_AMD_MPI_HOST=node-682452; fi ;;
first_without) [ "$rank" != 0 ] || export ROCR_VISIBLE_DEVICES= ;;
overlap) export ROCR_VISIBLE_DEVICES="$rank,$((rank + 1))" ;;
nodes) node "$side" ;;
containers) hostname "container-$rank" ;; # of one machine
namesakes) running_kernel "$side" ;; # two machines of one name
apart) machine "$side" ;; # one machine, of which each side sees something else
troubles) # One GPU, then a rank whose open fails, one whose GPUs are masked, one on a machine without a driver.
    case $rank in
    0) export ROCR_VISIBLE_DEVICES=0 ;;
    1) export ZEUS_AMD_BACKEND=amdsmi ZEUS_AMD_AMDSMI=/nowhere/libamd_smi.so ;;
    2) export ROCR_VISIBLE_DEVICES= ;;
    3) export ZEUS_AMD_ROOT=/nowhere ROCM_PATH=/nowhere ;;
    esac ;;
gone) # The working directory of one rank is removed.
    [ "$rank" != "${GONE:-1}" ] || { cd "$(mktemp -d)" && rmdir "$PWD"; } ;;
second) export ROCR_VISIBLE_DEVICES=1 ;;
*) echo "rank.sh: no rule $rule" >&2; exit 2 ;;
esac || exit 2
[ -z "${PROFILER-}" ] || export LD_PRELOAD="${LD_PRELOAD:+$LD_PRELOAD:}$PROFILER"
exec "$@"
