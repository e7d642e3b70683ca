# Sourced by the scripts: installs what is missing where that is possible, else says what to install.

# require PROGRAM:DEBIAN-PACKAGE...; packages without a program are in ALSO.
require() {
    missing=${ALSO-}
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
    done
    # shellcheck disable=SC2086 # one word a package
    [ -z "$missing" ] || install_packages $missing
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || { echo "still no ${pair%%:*}; please install it" >&2; exit 1; }
    done
}

# install_packages PACKAGE...
install_packages() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "please install: $*" >&2
        exit 1
    elif [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "please run as root: apt-get update && apt-get install -y $*" >&2
        exit 1
    fi
    { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@"; } >&2
}

# require_rust MINOR [COMMAND...]: Rust 1.MINOR or later, with these cargo commands.
require_rust() {
    wanted=$1
    shift
    have=$(rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
    if [ "${have:-0}" -lt "$wanted" ] || ! command -v cargo >/dev/null 2>&1; then
        echo "please install Rust 1.$wanted or later (https://rustup.rs)" >&2
        exit 1
    fi
    for command in "$@"; do
        cargo "$command" --version >/dev/null 2>&1 || { echo "please install cargo $command (rustup component add clippy rustfmt)" >&2; exit 1; }
    done
}
