# Sourced by build.sh: RPMs of a staged tree.

# rpms TREE FOLDER ARCH: of a tree that has its libraries in lib64 and its texts in share/doc/zeus-amd-devel.
rpms() {
    local build=$work/rpm
    rm -rf "$build"
    mkdir -p "$build"
    rpmbuild -bb --target "$3-linux" --quiet --define "_topdir $build" --define "_rpmdir $2" --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
        --define "zeus_amd_version $VERSION" --define "zeus_amd_stage $1" --define "_prefix /usr" --define "_defaultdocdir /usr/share/doc" \
        --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" --define "_buildhost zeus_amd" \
        --define "_binary_payload w${COMPRESSION}T1.xzdio" --define "_dbpath $build/db" --define "packager $MAINTAINER" --define "zeus_amd_date $(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" \
        packaging/rpm/zeus-amd.spec >"$build/log" 2>&1 || { cat "$build/log" >&2; return 1; }
}

make_rpm() {
    local tree
    require rpmbuild:rpm rpmlint:rpmlint
    tree=$(portable_tree lib64 share/doc/zeus-amd-devel)
    rpms "$tree" "$to" "$arch"
    rpmlint --strict -c packaging/rpm/rpmlint.toml "$to"/*-"$VERSION"-1.*.rpm >&2
    ls "$to"/*-"$VERSION"-1.*.rpm
}
