# Sourced.

is_mapped() { cat /proc/[0-9]*/maps 2>/dev/null | grep -F " $1" >/dev/null; }

# orphans SINCE: what was made in shared memory and /tmp since then (seconds of the clock) and nobody has any more: simulated
# machines whose keeper is gone, segments of MPI that no process has mapped, and two kinds of files that are in /tmp whatever
# TMPDIR says: what MPICH 4.2 tells the ranks of a job, and the image of target regions that LLVM 19 runs on processors.
orphans() {
    find /dev/shm /tmp -mindepth 1 -maxdepth 1 -user "$(id -u)" -newermt "@$1" 2>/dev/null | while read -r path; do
        case ${path##*/} in
        zeus-amd-sim-*)
            keeper=${path#*/zeus-amd-sim-}
            [ -e "/proc/${keeper%%-*}" ] || echo "$path"
            ;;
        mpich_* | sm_segment.* | vader_segment.*) is_mapped "$path" || echo "$path" ;;
        hydra_hwloc_xmlfile_*) grep -qsx hydra_pmi_proxy /proc/[0-9]*/comm || echo "$path" ;;
        tmpfile_??????) ! grep -q __omp_offloading "$path" || is_mapped "$path" || echo "$path" ;;
        esac
    done
}

# drop_foreign SINCE: removes those among them that other software has made: jobs of MPI that end badly, as some of the tests'
# do, leave theirs. A rank may outlive its launcher by a moment.
drop_foreign() {
    for _ in 1 2 3 4 5; do
        orphans "$1" | grep -v /zeus-amd-sim- | while read -r path; do rm -f "$path"; done
        [ -n "$(find /dev/shm /tmp -maxdepth 1 -user "$(id -u)" -newermt "@$1" \
            \( -name 'mpich_*' -o -name '*_segment.*' -o -name 'hydra_hwloc_xmlfile_*' \) 2>/dev/null)" ] || break
        sleep 1
    done
}
