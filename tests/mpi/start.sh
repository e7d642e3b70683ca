#!/bin/sh
# start.sh RANKS COMMAND...: runs a job with the MPI that $MPI_KIND names, for no more than twenty minutes, or $MOST_SECONDS.
n=$1
shift
case $MPI_KIND in
openmpi) exec timeout "${MOST_SECONDS:-1200}" mpirun.openmpi --oversubscribe -n "$n" "$@" ;;
mpich) exec timeout "${MOST_SECONDS:-1200}" mpirun.mpich -n "$n" "$@" ;;
esac
