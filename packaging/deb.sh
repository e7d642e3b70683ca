# Sourced by build.sh, and by tests/packaging/run.sh: Debian packages of a staged tree.
# Upstream's own packages, which Debian's would replace.
DEBIAN_REVISION=0upstream1

# since FUNCTION: the first release that has it.
since() {
    local list
    for list in $(printf '%s\n' tests/abi-snapshots/*/exports.txt | sort -V); do
        if grep -qx "$1" "$list"; then basename "$(dirname "$list")" && return; fi
    done
    echo "$VERSION"
}

# debian_folder FOLDER: debian/, with what is known elsewhere: version, functions, maintainer.
debian_folder() {
    local name
    mkdir -p "$1"
    cp -R packaging/debian "$1/"
    sed -i "s/@MAINTAINER@/$MAINTAINER/" "$1/debian/control"
    printf 'zeus-amd (%s) unstable; urgency=medium\n\n  * New upstream release; NEWS has the changes.\n\n -- %s  %s\n' \
        "$VERSION-$DEBIAN_REVISION" "$MAINTAINER" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" >"$1/debian/changelog"
    {
        echo "libzeus_amd.so.0 libzeus-amd0 #MINVER#"
        while read -r name; do echo " $name@Base $(since "$name")"; done <cmake/exports.txt
    } >"$1/debian/libzeus-amd0.symbols"
}

# manual_pages FOLDER: each with what it is about.
manual_pages() {
    local page package
    (cd "$1/stage" && find share/man -type f 2>/dev/null || true) | LC_ALL=C sort | while read -r page; do
        case $page in
        */zeus-amd-sim.1) package=zeus-amd-sim ;;
        *.1) package=zeus-amd-tools ;;
        *) package=libzeus-amd-dev ;;
        esac
        echo "usr/$page" >>"$1/debian/$package.install"
    done
}

# debs TREE FOLDER ARCH: of a tree that has its libraries in lib/MULTIARCH and its texts in share/doc/libzeus-amd-dev.
debs() {
    local build=$work/deb
    rm -rf "$build"
    debian_folder "$build/zeus-amd"
    cp -a "$1" "$build/zeus-amd/stage"
    manual_pages "$build/zeus-amd"
    (cd "$build/zeus-amd" && env -u RUSTFLAGS dpkg-buildpackage --build=binary --host-arch="$3" --no-sign --no-check-builddeps) \
        >"$build/log" 2>&1 || { cat "$build/log" >&2; return 1; }
    mkdir -p "$2"
    mv "$build"/*.deb "$2/"
}

make_deb() {
    local tree debian_arch=${arch/x86_64/amd64}
    debian_arch=${debian_arch/aarch64/arm64}
    require dh:debhelper dh_python3:dh-python dpkg-buildpackage:dpkg-dev lintian:lintian
    tree=$(portable_tree "lib/$arch-linux-gnu" share/doc/libzeus-amd-dev)
    debs "$tree" "$to" "$debian_arch"
    lintian --allow-root --fail-on error,warning "$to"/*_"$VERSION-$DEBIAN_REVISION"_*.deb >&2
    ls "$to"/*_"$VERSION-$DEBIAN_REVISION"_*.deb
}
