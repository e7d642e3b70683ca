# Sourced by tests that need a new Debian: root, debootstrap, a network.

# new_system RELEASE FOLDER: with nothing but what Debian calls required, and this machine's way to the network.
new_system() {
    if [ -e "$2/etc/os-release" ] && ! grep -q "^VERSION_CODENAME=$1$" "$2/etc/os-release"; then
        echo "please name another folder: $2 is not $1" >&2
        return 2
    fi
    if [ ! -e "$2/etc/debian_version" ]; then
        debootstrap --variant=minbase --include=ca-certificates "$1" "$2" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
    fi
    # Proxies, certificates, settings of apt and pip.
    grep -l '^Acquire' /etc/apt/apt.conf.d/* | xargs -r cp -t "$2/etc/apt/apt.conf.d"
    cp -L /etc/resolv.conf /etc/pip.conf "$2/etc/" 2>/dev/null || true
}

# in_system FOLDER [FROM=TO]... COMMAND...: with folders of this machine, no memory that is shared with it, and mounts that end with
# the command.
in_system() {
    unshare -m --propagation private sh -c '
        set -e
        mount -t proc proc "$1/proc"
        mount -t sysfs -o ro sysfs "$1/sys"
        mount --rbind /dev "$1/dev"
        mount -t tmpfs -o mode=1777 none "$1/dev/shm"
        mount --bind /etc/ssl "$1/etc/ssl"
        system=$1
        shift
        while from=${1%%=*} && [ "$from" != "$1" ]; do
            mkdir -p "$system${1#*=}"
            mount --bind "$from" "$system${1#*=}"
            shift
        done
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            $(env | grep -E "^(https?_proxy|no_proxy|CI|PIP_[A-Z_]*|[A-Z_]*CERT_FILE|[A-Z_]*CA_BUNDLE)=") chroot "$system" "$@"' sh "$@"
}
