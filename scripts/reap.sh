#!/bin/sh
# reap.sh VARIABLE=VALUE [FOLDER...]: when its input closes, which is when whoever started it is gone, however it went, ends
# every process that has this in its environment, and removes the folders and what they had in shared memory.
. "$(dirname "$0")/orphans.sh"
began=$(date +%s)
trap '' HUP INT TERM
cat >/dev/null
mark=$1
shift
# Not by grep's exit status: that is an error where a process ends meanwhile.
marked() { grep -lszxF "$mark" /proc/[0-9]*/environ; }
is_any() { [ -n "$(marked)" ]; }
end() { # SIGNAL
    for file in $(marked); do
        file=${file#/proc/}
        kill "-$1" "${file%/environ}" 2>/dev/null
    done
}

# Simulated machines are put away by their keepers, if they are given the time; a busy machine takes more of it.
end TERM
tries=0
while is_any && [ $((tries += 1)) -le 60 ]; do
    sleep 0.2
done
for _ in 1 2 3 4 5 6 7 8 9; do
    is_any || break
    end KILL
done
rm -rf "$@"
orphans "$began" | while read -r path; do rm -rf "$path"; done
