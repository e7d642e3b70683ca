# Sourced by build.sh: the crate, which has to build from what is packed.
make_crate() {
    cargo package --quiet --locked --package zeus_amd --target-dir "$work/crate"
    mv "$work/crate/package/zeus_amd-$VERSION.crate" "$to/"
    echo "$to/zeus_amd-$VERSION.crate"
}
