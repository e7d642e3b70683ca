#!/usr/bin/env bash
# Run by fresh.sh in a new Debian with dnf, rpm and createrepo-c: a root made of nothing but RPMs, into which dnf installs ours by what
# they require, with their scripts, and out of which it removes them. No distribution's RPMs can be had everywhere, so what ours need
# comes from one RPM of this Debian's files, which provides glibc as RHEL 8 does: up to 2.28.
#
#     rpm_root.sh FOLDER      with our RPMs and smoke.sh
set -eu
dist=$1
work=/tmp/rpm-root
root=$work/root
rm -rf "$work"
mkdir -p "$work/files" "$root"
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }

# What smoke.sh uses, with its libraries, and Python with its own modules.
python=$(readlink -f /usr/bin/python3)
programs="sh bash env cat sed awk head grep find mktemp rm sleep true readlink ldconfig pkg-config python3"
{
    for program in $programs; do
        type -P "$program"
        readlink -f "$(type -P "$program")"
    done
    dpkg -L "${python##*/}-minimal" "lib${python##*/}-minimal" "lib${python##*/}-stdlib" | grep "^/usr/lib/${python##*/}/"
    echo /lib64/ld-linux-x86-64.so.2
    ls /usr/lib/x86_64-linux-gnu/lib{gcc_s,c,m,dl,pthread,rt,util}.so.[0-9]*
} >"$work/list"
xargs -a "$work/list" ldd 2>/dev/null | sed -n 's,.* => \(/[^ ]*\) .*,\1,p' | sort -u >>"$work/list"
# bin, lib, lib64 and sbin are links here; the folders that they name have all.
sed -i 's,^/\(bin\|sbin\|lib\|lib64\)/,/usr/\1/,' "$work/list"
for folder in bin sbin lib lib64; do
    mkdir -p "$work/files/usr/$folder"
    ln -s "usr/$folder" "$work/files/$folder"
done
while read -r file; do [ -d "$file" ] || echo "${file#/}"; done <"$work/list" | sort -u | tar -C / -cf - --dereference --hard-dereference -T - | tar -C "$work/files" -xf -
chmod +x "$work"/files/usr/lib/x86_64-linux-gnu/*.so*
ln -sf "${python##*/}" "$work/files/usr/bin/python3"
mkdir -p "$work/files"/{proc,dev,sys,etc,var/cache,root,usr/include,usr/share/doc,usr/share/man/man{1,3,7}}
mkdir -m 1777 "$work/files/tmp"
printf '/usr/lib64\n/usr/lib/x86_64-linux-gnu\n' >"$work/files/etc/ld.so.conf"

# repository NAME GLIBC: our RPMs, and one of those files that provides no newer glibc.
repository() {
    local newer
    newer=$(strings -a /usr/lib/x86_64-linux-gnu/libc.so.6 | grep -xE 'GLIBC_2\.[0-9]+' | sort -uV | sed "1,/^GLIBC_$2\$/d" | tr '\n' '|')
    cat >"$work/base.spec" <<S
%global debug_package %{nil}
%global _build_id_links none
%global __os_install_post %{nil}
%global __provides_exclude \\\\((${newer%|})\\\\)
Name: base
Version: 1
Release: 1
Summary: Files of this Debian
License: GPL-2.0-or-later
AutoReq: no
Provides: /sbin/ldconfig /bin/sh
%description
Files of this Debian.
%install
cp -a $work/files/. %{buildroot}
%files
/*
S
    mkdir -p "$work/$1"
    quietly rpmbuild -bb --define "_topdir $work/build" --define "_rpmdir $work/$1" --define "_binary_payload w0.gzdio" "$work/base.spec"
    cp "$dist"/*.rpm "$work/$1/"
    quietly createrepo_c "$work/$1"
}
on() { dnf -q -y --installroot="$root" --repofrompath="$1,$work/$1" --repo="$1" --nogpgcheck --releasever=8 --setopt=install_weak_deps=False \
    --setopt=cachedir="$work/cache" --setopt=keepcache=False "${@:2}"; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }
files() { (cd "$root" && find . -xdev \( -path ./var -o -path ./tmp -o -path ./proc -o -path ./dev -o -path ./sys -o -path ./etc/ld.so.cache -o -path './usr/lib/python3*' \) -prune -o -print | sort); }

repository old 2.17
if on old install zeus-amd-tools >"$work/log" 2>&1; then echo "installed where glibc is 2.17" >&2; exit 1; fi
grep -q 'GLIBC_2\.' "$work/log" || { cat "$work/log" >&2; exit 1; }
echo "refused where glibc is 2.17: $(grep -o 'libc.so.6(GLIBC_2[^ ]*' "$work/log" | head -n 1)"

repository new 2.28
quietly on new install base
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
cp "$dist/smoke.sh" "$root/tmp/"
before=$(files)
quietly on new install zeus-amd-tools
rpm --root "$root" -q libzeus-amd0 zeus-amd-tools
inside ldconfig -p | grep 'libzeus_amd\.so\.0.*/usr/lib64/'
quietly on new install zeus-amd-devel zeus-amd-sim
inside /tmp/smoke.sh /usr lib64
rpm --root "$root" --verify libzeus-amd0 zeus-amd-devel zeus-amd-tools zeus-amd-sim
quietly on new remove libzeus-amd0 zeus-amd-sim
if rpm --root "$root" -qa | grep zeus; then echo "dnf leaves packages" >&2; exit 1; fi
diff <(echo "$before") <(files)
echo "nothing is left of them"
umount -R "$root/proc" "$root/dev"
