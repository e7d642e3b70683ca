#!/bin/sh
# Writes the manual pages: man1 of the programs, man3 of each function and struct, man7 zeus_amd.
# usage: docs/man.sh FOLDER
set -eu
case ${1--} in -*) set -- ;; esac # an option is no folder
[ $# = 1 ] || { sed -n '2,/^set/{/^set/q;s/^# //p;}' "$0" >&2; exit 2; }
exec python3 "$(dirname "$0")/man.py" "$1"
