# Sourced by the scripts: installs what is missing where that is possible, else says what to install.

# require PROGRAM:DEBIAN-PACKAGE...
require() {
    missing=
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
    done
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

require_rust() {
    command -v cargo >/dev/null 2>&1 && return
    echo "please install Rust 1.77 or later (https://rustup.rs, or the package cargo of a recent distribution)" >&2
    exit 1
}
