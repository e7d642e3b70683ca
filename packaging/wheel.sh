# Sourced by build.sh: the wheel, with zeus-amd-run and the simulator.
make_wheel() {
    local tree wheel
    tree=$(portable_tree .)
    wheel=$(PYTHONHASHSEED=0 python/build_wheel.sh "$to" "$tree")
    case $wheel in
    *-py3-none-manylinux_2_"${ZEUS_AMD_GLIBC#2.}"_"$arch".whl) ;;
    *) echo "not for glibc $ZEUS_AMD_GLIBC: $wheel" >&2 && return 1 ;;
    esac
    echo "$wheel"
}
