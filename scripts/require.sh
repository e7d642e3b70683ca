# Sourced by the scripts: looks for what they need, installs what is missing where that is possible, else says how to.
# What is needed is named NAME:DEBIAN-PACKAGE. NAME is a program, a library of the loader (lib*.so*), modules of Python
# (python:a,b) or a file (/..., a pattern).
PATH=$PATH:/usr/sbin:/sbin

is_here() {
    case $1 in
    lib*.so*) ldconfig -p | grep -qF "$1 " ;;
    python:*) python3 -c "import ${1#python:}" ;;
    # shellcheck disable=SC2086 # a pattern
    /*) ls -d $1 ;;
    *) command -v "$1" ;;
    esac >/dev/null 2>&1
}

# missing_of NAME:PACKAGE...: the packages of what is not here.
missing_of() {
    for pair; do is_here "${pair%:*}" || echo "${pair##*:}"; done | sort -u | tr '\n' ' '
}

# require NAME:PACKAGE...
require() {
    missing=$(missing_of "$@")
    # shellcheck disable=SC2086 # one word a package
    [ -z "$missing" ] || install_packages $missing || exit 1
    for pair; do is_here "${pair%:*}" || { echo "still no ${pair%:*}; please install it" >&2; exit 1; }; done
}

# install_packages PACKAGE...
install_packages() {
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "please install: $*" >&2
        return 1
    elif [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "please run as root: apt-get update && apt-get install -y $*" >&2
        return 1
    fi
    { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 "$@"; } >&2
}

# rust_is_here MINOR [COMMAND...]: whether Rust 1.MINOR or later is, with these commands of cargo; says what to do if not.
rust_is_here() {
    wanted=$1
    shift
    have=$(rustc --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\)\..*/\1/p')
    if [ "${have:-0}" -lt "$wanted" ] || ! command -v cargo >/dev/null 2>&1; then
        echo "please install Rust 1.$wanted or later (https://rustup.rs; on Debian 12 also the packages rustc-web cargo-web)${have:+; this is 1.$have: rustup update stable}" >&2
        return 1
    fi
    for command; do
        cargo "$command" --version >/dev/null 2>&1 || {
            echo "please install cargo $command: rustup component add clippy rustfmt" >&2
            return 1
        }
    done
}

require_rust() { rust_is_here "$@" || exit 1; }
