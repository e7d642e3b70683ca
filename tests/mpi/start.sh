#!/bin/sh
# start.sh RANKS COMMAND...: runs a job with the MPI that $MPI_KIND names.
n=$1
shift
case $MPI_KIND in
openmpi) exec mpirun.openmpi --oversubscribe -n "$n" "$@" ;;
mpich) exec mpirun.mpich -n "$n" "$@" ;;
esac
