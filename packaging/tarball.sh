# Sourced by build.sh, and by tests/packaging/run.sh.

# with_modules TREE: what sets the environment for a tree that lies anywhere.
with_modules() {
    local modules=$1/share/zeus_amd/modulefiles/zeus_amd
    mkdir -p "$modules"
    cp packaging/modulefiles/zeus_amd "$modules/$VERSION"
    cp packaging/modulefiles/zeus_amd.lua "$modules/$VERSION.lua"
    cp packaging/modulefiles/env.sh "$1/share/zeus_amd/env.sh"
}

# packed TREE FILE: order, owners, times and compression depend on nothing but the files.
packed() {
    local name
    name=$(basename "$2" .tar.xz)
    tar --create --directory "$1" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mode=u+rwX,go=rX \
        --mtime="@$SOURCE_DATE_EPOCH" --transform="flags=r;s,^\.,$name," . | xz "-$COMPRESSION" --threads=1 >"$2.part"
    mv "$2.part" "$2"
}

make_tarball() {
    local tree file
    tree=$(portable_tree lib)
    with_modules "$tree"
    file=$to/zeus_amd-$VERSION-linux-$arch.tar.xz
    packed "$tree" "$file"
    packaging/gate.sh --glibc "$ZEUS_AMD_GLIBC" "$file"
    echo "$file"
}
