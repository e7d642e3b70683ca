# Sourced first, with the arguments: starts the script again with nothing of whoever starts it that programs under test would
# notice. Signals are as by default but SIGHUP, which nohup ignores; the standard streams are open and nothing else.
hermetic() {
    umask 022
    export LC_ALL=C.UTF-8
    [ -e /proc/$$/fd/0 ] || exec </dev/null
    [ -e /proc/$$/fd/1 ] || exec >/dev/null
    [ -e /proc/$$/fd/2 ] || exec 2>/dev/null
    for name in /proc/$$/fd/*; do
        name=${name##*/}
        # A plain sh knows those of one digit.
        case ${BASH_VERSION:-sh}$name in sh??*) ;; *) [ "$name" -le 2 ] || eval "exec $name>&-" ;; esac
    done
    for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
        case $name in
        ZEUS_AMD_SEED | ZEUS_AMD_TEST_* | ZEUS_AMD_MACHINES | ZEUS_AMD_ROUNDS | ZEUS_AMD_STORM | ZEUS_AMD_EACH_CALL | ZEUS_AMD_BLESS) ;;
        ZEUS_AMD_* | HIP_* | CUDA_* | ROCR_* | ROCM_* | HSA_* | GPU_DEVICE_ORDINAL | AMDSMI_* | LD_* | GLIBC_TUNABLES | MALLOC_* | \
            OMP_* | GOMP_* | KMP_* | OMPI_* | PMIX_* | PRTE_* | PMI_* | MPICH_* | HYDRA_* | SLURM_* | KOKKOS_* | PAPI_* | \
            PYTHON* | VIRTUAL_ENV | GREP_* | LANG | LANGUAGE | LC_[!A]* | CDPATH | BASH_ENV | ENV | POSIXLY_CORRECT | MAKEFLAGS) unset "$name" ;;
        esac
    done
    export ZEUS_AMD_TEST_HERMETIC=$$
    # A shell cannot take back that a signal is ignored; an env older than coreutils 8.31 cannot either.
    signals=--default-signal=INT,QUIT,PIPE,TERM,ALRM,USR1,USR2,CHLD,TSTP,TTIN,TTOU,CONT
    env $signals true 2>/dev/null || signals=
    # shellcheck disable=SC2086 # one word or none
    exec env $signals "$0" "$@"
}
[ "${ZEUS_AMD_TEST_HERMETIC:-}" = $$ ] || hermetic "$@"
