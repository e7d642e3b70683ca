#!/bin/sh
# reap.sh VARIABLE=VALUE [FOLDER...]: when its input closes, which is when whoever started it is gone, however it went, ends
# every process that has this in its environment, and removes the folders and what they had in shared memory.
. "$(dirname "$0")/orphans.sh"
began=$(date +%s)
trap '' HUP INT TERM
cat >/dev/null
mark=$1
shift
marked() { grep -lszxF "$mark" /proc/[0-9]*/environ; }
end() { # SIGNAL
    for file in $(marked); do
        file=${file#/proc/}
        kill "-$1" "${file%/environ}" 2>/dev/null
    done
}

# Simulated machines are put away by their keepers, if they are given the time.
end TERM
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    marked >/dev/null || break
    sleep 0.2
done
for _ in 1 2 3 4 5 6 7 8 9; do
    marked >/dev/null || break
    end KILL
done
rm -rf "$@"
orphans "$began" | while read -r path; do rm -rf "$path"; done
