# Sourced by the steps: what each needs, as scripts/require.sh takes it.
. "${root:-.}/scripts/require.sh"

# The tests' own dependencies are younger than the library's.
RUST=88

# needs STEP...
needs() {
    for step; do
        case $step in
        format | clippy) ;;
        rust) echo cc:build-essential c++:build-essential clang:clang valgrind:valgrind setcap:libcap2-bin setpriv:util-linux \
            nm:binutils python3:python3 libjemalloc.so.2:libjemalloc2 \
            /usr/share/locale/de/LC_MESSAGES/libc.mo:libc-l10n ;;
        cmake) echo cc:build-essential c++:build-essential cmake:cmake python3:python3 ;;
        install) echo cc:build-essential c++:build-essential clang:clang ld.lld:lld ld.gold:binutils-gold cmake:cmake pkg-config:pkgconf \
            readelf:binutils objdump:binutils strace:strace gfortran:gfortran python3:python3 mpicc.openmpi:libopenmpi-dev \
            mpirun.openmpi:openmpi-bin man:man-db tclsh:tcl \
            "/usr/lib/*/modulecmd.tcl:environment-modules" ;;
        packaging) echo cc:build-essential cmake:cmake readelf:binutils xz:xz-utils pkg-config:pkgconf python3:python3 \
            dpkg-buildpackage:dpkg-dev dh:debhelper dh_python3:dh-python man:man-db ;;
        docs) echo cc:build-essential clang++:clang doxygen:doxygen groff:groff-base python3:python3 ;;
        abi) echo cc:build-essential abidiff:abigail-tools python3:python3 nm:binutils ;;
        bindings) echo cc:build-essential g++:build-essential clang++:clang gfortran:gfortran objdump:binutils python3:python3 \
            flang-new-19:flang-19 \
            bindgen:bindgen swig:swig luajit:luajit go:golang-go man:man-db python:venv,ensurepip:python3-venv ;;
        mpi) echo cc:build-essential clang:clang gfortran:gfortran python3:python3 valgrind:valgrind mpicc.openmpi:libopenmpi-dev \
            mpirun.openmpi:openmpi-bin mpicc.mpich:libmpich-dev mpirun.mpich:mpich \
            "/usr/lib/*/scalapack/openmpi-tests:scalapack-mpi-test" ;;
        tools) echo cc:build-essential g++:build-essential clang:clang nm:binutils python3:python3 python:venv,ensurepip:python3-venv \
            clang-19:clang-19 clang-linker-wrapper-19:clang-tools-19 \
            /usr/include/trilinos/Kokkos_Core.hpp:libtrilinos-kokkos-dev \
            "/usr/lib/llvm-*/lib/libomp.so:libomp-dev" libdw.so.1:libdw1 mpicc.openmpi:libopenmpi-dev \
            mpirun.openmpi:openmpi-bin mpicc.mpich:libmpich-dev mpirun.mpich:mpich \
            "/usr/lib/python3/dist-packages/mpi4py:python3-mpi4py" \
            /usr/share/i18n/locales/de_DE:locales papi_component_avail:papi-tools /usr/include/papi.h:libpapi-dev ;;
        amdsmi | amdsmi27 | zeus) echo cc:build-essential python3:python3 python:venv,ensurepip:python3-venv ;;
        *) echo cc:build-essential ;;
        esac
    done | tr ' ' '\n' | sort -u
}
