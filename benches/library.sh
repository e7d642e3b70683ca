# Sourced in the project's root.

# installed_or_built FOLDER [PREFIX]: puts the library of an installed zeus_amd, or else this tree's, into FOLDER under the
# name that programs look for; sets `include`.
installed_or_built() {
    if [ -n "${2-}" ]; then
        include=$2/include
        library=$(find "$2" -name 'libzeus_amd.so' | head -n 1)
        [ -n "$library" ] || { echo "no libzeus_amd.so below $2" >&2; exit 1; }
    else
        cargo rustc --quiet --locked --release --lib --crate-type cdylib
        include=include library=${CARGO_TARGET_DIR:-target}/release/libzeus_amd.so
    fi
    cp "$library" "$1/libzeus_amd.so.0"
}
