# Sourced by run.sh: installed in other ways and places. What is compiled is kept for the next run, what CMake found is not.

# tree_is_right PREFIX LIBDIR: the package, pkg-config and zeus-amd-run find the library.
tree_is_right() {
    local at
    at=$work/at-$(basename "$2")
    # Named: in which folders of a prefix CMake looks depends on the system.
    consumer_with "$(basename "$2")" -Dzeus_amd_DIR="$1/$2/cmake/zeus_amd"
    # shellcheck disable=SC2046 # words
    quietly cc "$consumer/consumer.c" -o "$at" $(PKG_CONFIG_PATH="$1/$2/pkgconfig" pkg-config --cflags --libs zeus_amd)
    right "$at" LD_LIBRARY_PATH="$1/$2"
    runs_from "$1"
}

part "DESTDIR, and Debian's folder of libraries"
multiarch=lib/$(cc -print-multiarch)
[ "$multiarch" != lib/ ] || multiarch=lib/$(cc -dumpmachine)
other=$target/install-multiarch
rm -f "$other/CMakeCache.txt"
quietly cmake -S . -B "$other" -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR="$multiarch" -DZEUS_AMD_MPI=OFF \
    -DZEUS_AMD_EXAMPLES=OFF -DZEUS_AMD_CARGO_TARGET_DIR="$target"
quietly cmake --build "$other"
DESTDIR=$work/image quietly cmake --install "$other"
[ "$(ls "$work/image")" = usr ] || die "not under DESTDIR/usr: $(ls "$work/image")"
tree_is_right "$work/image/usr" "$multiarch"

part "a guest that is installed with its host, in lib64: each has its own texts"
hosts=$target/install-host
mkdir -p "$hosts/.cargo"
rm -f "$hosts/build/CMakeCache.txt"
cat >"$hosts/CMakeLists.txt" <<'M'
cmake_minimum_required(VERSION 3.16)
project(host LANGUAGES C)
include(GNUInstallDirs)
add_subdirectory("${ZEUS_AMD_SOURCE}" zeus_amd)
install(FILES README.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
M
echo "the host's" >"$hosts/README.md"
# Cargo's configuration names a target, and when CMake looks the environment another.
printf '[build]\ntarget = "none-such-triple"\n' >"$hosts/.cargo/config.toml"
CARGO_BUILD_TARGET=$host quietly cmake -S "$hosts" -B "$hosts/build" -DCMAKE_INSTALL_LIBDIR=lib64 -DZEUS_AMD_SOURCE="$root" \
    -DZEUS_AMD_INSTALL=ON -DZEUS_AMD_STATIC=ON -DZEUS_AMD_MPI=OFF -DZEUS_AMD_CARGO_TARGET_DIR="$target"
quietly cmake --build "$hosts/build"
quietly cmake --install "$hosts/build" --prefix "$work/hosted"
cmp -s "$hosts/README.md" "$work/hosted/share/doc/host/README.md" || die "the host has another README.md"
cmp -s README.md "$work/hosted/share/doc/zeus_amd/README.md" || die "the guest's README.md is not where its name is"
[ "$(ls "$work/hosted/share/doc/host")" = README.md ] || die "with the host's: $(ls "$work/hosted/share/doc/host")"
tree_is_right "$work/hosted" lib64

part "manual pages are installed, and an old Rust is refused by its version: rustup's, which comes before the system's"
[ -s "$work/image/usr/share/man/man3/zeus_amd_open.3" ] && [ -s "$work/image/usr/share/man/man1/zeus-amd-run.1" ] || die "no manual pages"
[ -s "$work/image/usr/share/doc/zeus_amd/docs/troubleshooting.md" ] || die "no pages of docs/"
mkdir -p "$work/old-home/.cargo/bin"
printf '#!/bin/sh\nprintf "cargo 1.46.0\\nrelease: 1.46.0\\nhost: %s\\n"\n' "$host" >"$work/old-home/.cargo/bin/cargo"
chmod +x "$work/old-home/.cargo/bin/cargo"
if (unset CARGO_HOME && HOME=$work/old-home && quietly cmake -S . -B "$work/old" -DZEUS_AMD_MPI=OFF); then die "Rust 1.46 is taken"; fi
grep -q "old-home/.cargo/bin/cargo" "$work/log" && grep -q "1\.46\.0" "$work/log" && grep -q "1\.77" "$work/log" || die "$(cat "$work/log")"
