# Sourced.

# orphans SINCE: what was made in shared memory since then (seconds of the clock) and nobody has any more: simulated machines
# whose keeper is gone, segments of MPI that no process has mapped.
orphans() {
    find /dev/shm -mindepth 1 -maxdepth 1 -user "$(id -u)" -newermt "@$1" 2>/dev/null | while read -r path; do
        case ${path##*/} in
        zeus-amd-sim-*)
            keeper=${path#*/zeus-amd-sim-}
            [ -e "/proc/${keeper%%-*}" ] || echo "$path"
            ;;
        mpich_* | sm_segment.* | vader_segment.*)
            cat /proc/[0-9]*/maps 2>/dev/null | grep -F " $path" >/dev/null || echo "$path"
            ;;
        esac
    done
}

# drop_segments SINCE: removes the segments among them: jobs of MPI that end badly, as some of the tests' do, leave theirs. A
# rank may outlive its launcher by a moment.
drop_segments() {
    for _ in 1 2 3 4 5; do
        orphans "$1" | grep -v /zeus-amd-sim- | while read -r path; do rm -f "$path"; done
        [ -n "$(find /dev/shm -maxdepth 1 -user "$(id -u)" -newermt "@$1" \( -name 'mpich_*' -o -name '*_segment.*' \) 2>/dev/null)" ] || break
        sleep 1
    done
}
