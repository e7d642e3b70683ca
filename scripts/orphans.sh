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
