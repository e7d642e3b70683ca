# Sourced by build.sh, and by tests/packaging/run.sh.

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
    file=$to/zeus_amd-$VERSION-linux-$arch.tar.xz
    packed "$tree" "$file"
    packaging/gate.sh --glibc "$ZEUS_AMD_GLIBC" "$file"
    echo "$file"
}
