# Sourced by build.sh: compiler, linker and options of files that run on older systems than this one. zig's stubs of glibc are what
# makes them; zig comes from PyPI.

# portable_toolchain FOLDER: $arch's, in a folder that comes first in PATH.
portable_toolchain() {
    local venv=$1/venv prefix= tool
    [ "$arch" = "$(uname -m)" ] || prefix=$arch-linux-gnu-
    require cmake:cmake git:git python:venv,ensurepip:python3-venv xz:xz-utils \
        "${prefix}gcc:gcc${prefix:+-${arch/_/-}-linux-gnu}" "${prefix}objcopy:binutils${prefix:+-${arch/_/-}-linux-gnu}"
    # The version is part of what makes two builds equal.
    if ! "$venv/bin/python" -c 'import ziglang' 2>/dev/null; then
        python3 -m venv "$venv" && "$venv/bin/pip" --quiet --disable-pip-version-check install 'ziglang==0.17.1'
    fi
    ZEUS_AMD_ZIG=$("$venv/bin/python" -c 'import os, ziglang; print(os.path.dirname(ziglang.__file__))')/zig
    ZEUS_AMD_LIBGCC_S=$("${prefix}gcc" -print-file-name=libgcc_s.so.1)
    export ZEUS_AMD_ZIG ZEUS_AMD_LIBGCC_S ZEUS_AMD_ARCH=$arch
    export ZEUS_AMD_GLIBC=2.28 ZIG_GLOBAL_CACHE_DIR=$1/zig ZIG_LOCAL_CACHE_DIR=$1/zig
    mkdir -p "$1/bin"
    # For this machine it is cargo's and the simulator's cc; for another one build scripts keep theirs.
    ln -sf "$PWD/packaging/zig-cc" "$1/bin/${prefix}cc"
    [ -z "$prefix" ] || export "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$arch-unknown-linux-gnu")_LINKER=$1/bin/${prefix}cc"
    for tool in ar ld.bfd nm objcopy objdump strip; do ln -sf "$(command -v "$prefix$tool")" "$1/bin/$tool"; done
    PATH=$1/bin:$PATH
    # Nothing says where it was built: not Rust's panic messages and line tables, not __FILE__, not the simulator.
    export RUSTFLAGS="--remap-path-prefix=$PWD=/zeus_amd --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=/crates \
-C link-arg=-Wl,--build-id=sha1"
    export ZEUS_AMD_SIM_SOURCE=simulator
    # The simulator is built as the tests build it; no debugger is used on this one.
    export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0
    unset CARGO_BUILD_TARGET CARGO_TARGET_DIR
}

# portable_tree LIBDIR [DOCDIR]: Cargo builds once for all of them. The simulator runs where it is built.
portable_tree() {
    staged "${1//[.\/]/-}" "$1" "${2:-share/doc/zeus_amd}" -DCMAKE_C_COMPILER="$(ls "$work"/toolchain/bin/*cc)" -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_SYSTEM_PROCESSOR="$arch" -DCMAKE_AR="$work/toolchain/bin/ar" -DZEUS_AMD_LD="$work/toolchain/bin/ld.bfd" \
        -DZEUS_AMD_OBJCOPY="$work/toolchain/bin/objcopy" -DZEUS_AMD_CARGO_TARGET="$arch-unknown-linux-gnu" \
        -DZEUS_AMD_CARGO_TARGET_DIR="$work/cargo" -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DCMAKE_C_FLAGS="-ffile-prefix-map=$PWD=/zeus_amd -fstack-protector-strong -D_FORTIFY_SOURCE=2" \
        -DCMAKE_EXE_LINKER_FLAGS="-pie -Wl,--build-id=sha1" -DCMAKE_SHARED_LINKER_FLAGS="-Wl,--build-id=sha1" \
        -DZEUS_AMD_SIMULATOR="$([ "$arch" = "$(uname -m)" ] && echo ON || echo OFF)"
}
