# Sourced by build.sh, and by tests/packaging/run.sh: an installed tree, as packages are made of it.
VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# As packages name those who made them.
MAINTAINER=${ZEUS_AMD_MAINTAINER:-$(git log -1 --format='%an <%ae>' 2>/dev/null || echo 'zeus_amd maintainers <root@localhost>')}
# One time for all files: of the commit, or where there is none of the newest text of the release.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
# Of xz, whose dictionary holds the libraries that are much the same; 0 where nothing is kept.
COMPRESSION=${COMPRESSION:-6}
export COMPRESSION SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
umask 022

# staged NAME LIBDIR DOCDIR [CMAKE-OPTION...]: prints the folder, which is a prefix.
staged() {
    local build=$work/build-$1 tree=$work/tree-$1 log=$work/log-$1 libdir=$2 docdir=$3
    shift 3
    mkdir -p "$work" && rm -rf "$tree"
    {
        cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="$libdir" \
            -DCMAKE_INSTALL_DOCDIR="$docdir" -DZEUS_AMD_MPI=OFF -DZEUS_AMD_EXAMPLES=OFF "$@" &&
            cmake --build "$build" && cmake --install "$build" --prefix "$tree" --strip &&
            find "$tree" -type f \( -path '*/sim/rocm/*' -o -name zeus-amd-sim \) -exec strip --strip-all {} + &&
            python3 packaging/licences.py "$(uname -m)-unknown-linux-gnu" >"$tree/$docdir/THIRD-PARTY-LICENCES.txt"
    } >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    # A third of all; it stays with the build, where gdb can be pointed to it.
    find "$tree" -name '*.debug' -delete
    find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    echo "$tree"
}
