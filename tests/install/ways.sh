# Sourced by run.sh: the ways to an installed tree (man, env.sh, modules), and the way back.

# found: prints where a shell, pkg-config and man find what belongs together.
found() {
    command -v zeus-amd-run
    pkg-config --modversion zeus_amd
    pkg-config --variable=libdir zeus_amd | xargs -d '\n' realpath
    man -w zeus_amd_open
    man -w ls
    python3 -c 'import os, zeus_amd; print(os.path.dirname(zeus_amd.__file__))'
}
# wanted PREFIX LIBDIR
wanted() {
    printf '%s\n' "$1/bin/zeus-amd-run" "$(pkg-config --modversion "$1/$2/pkgconfig/zeus_amd.pc")" "$1/$2" "$1/share/man/man3/zeus_amd_open.3"
    env -i PATH=/usr/bin:/bin man -w ls
    echo "$1/$2/zeus_amd/python/zeus_amd"
}
ways="$(declare -f found); set -eu; export PYTHONDONTWRITEBYTECODE=1"

part "man finds the pages of what PATH has"
[ "$(env -i PATH="$prefix/bin:/usr/bin:/bin" man -w zeus_amd_open)" = "$prefix/share/man/man3/zeus_amd_open.3" ]
env -i PATH="$prefix/bin:/usr/bin:/bin" MANPAGER=cat man zeus_amd_open >"$work/page" 2>"$work/log"
grep -q 'zeus_amd_status_t zeus_amd_open(' "$work/page" || die "$(cat "$work/page")"

part "env.sh, in lib and in lib64"
for tree in "$prefix lib" "$work/hosted lib64"; do
    # shellcheck disable=SC2016 # for the inner shell
    env -i PATH=/usr/bin:/bin bash -c "$ways"'; . "$1/share/zeus_amd/env.sh"; found' sh "${tree% *}" >"$work/found" 2>"$work/log"
    # shellcheck disable=SC2086 # two words
    diff <(wanted $tree) "$work/found"
done

part "a module is loaded and unloaded"
modules=$(ls /usr/lib/*/modulecmd.tcl)
# shellcheck disable=SC2016 # for the inner shell
env -i PATH=/usr/bin:/bin bash -c "$ways"'
    module() { local said; said=$(tclsh "$modules" bash "$@") && eval "$said"; }
    modules=$1
    module use "$2/share/zeus_amd/modulefiles"
    module load zeus_amd
    found
    module unload zeus_amd
    echo "${ZEUS_AMD_HOME-none} ${LD_LIBRARY_PATH-none} $PATH"' sh "$modules" "$prefix" >"$work/found" 2>"$work/log"
diff <(wanted "$prefix" lib; echo "none none /usr/bin:/bin") "$work/found"

part "env.sh and a module of folders that are given from the root on"
# As nixpkgs gives them.
quietly cmake -S . -B "$work/apart" -DCMAKE_INSTALL_PREFIX=/a/prefix -DCMAKE_INSTALL_LIBDIR=/a/lib -DCMAKE_INSTALL_BINDIR=/a/bin \
    -DCMAKE_INSTALL_INCLUDEDIR=/a/include -DCMAKE_INSTALL_MANDIR=/a/man -DZEUS_AMD_MPI=OFF -DZEUS_AMD_EXAMPLES=OFF -DZEUS_AMD_CARGO_TARGET_DIR="$target"
mkdir -p "$work/a-prefix/share"
cp -R "$work/apart/modules" "$work/a-prefix/share/zeus_amd"
# shellcheck disable=SC2016 # for the inner shells
for way in '. "$1/zeus_amd/env.sh"' 'eval "$(tclsh "$0" bash use "$1/zeus_amd/modulefiles")"; eval "$(tclsh "$0" bash load zeus_amd)"'; do
    env -i PATH=/usr/bin:/bin bash -c "$way"'; printf "%s\n" "$PATH" "$LD_LIBRARY_PATH" "$LIBRARY_PATH" "$CPATH" "$PKG_CONFIG_PATH" "$PYTHONPATH" \
        "$MANPATH"' "$modules" "$work/a-prefix/share" >"$work/found" 2>"$work/log"
    diff <(printf '%s\n' /a/bin:/usr/bin:/bin /a/lib /a/lib /a/include /a/lib/pkgconfig /a/lib/zeus_amd/python /a/man:) "$work/found"
done

part "uninstall leaves what is another's, and nothing else"
gone=$work/gone/zeus_amd
mkdir -p "$gone/lib/python"
echo "another's" | tee "$gone/lib/libother.so" >"$gone/lib/python/other.py"
quietly cmake --install "$build" --prefix "$gone"
in_machine env PATH=/usr/bin:/bin LD_LIBRARY_PATH="$gone/lib" python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import zeus_amd' \
    "$gone/lib/zeus_amd/python"
[ -d "$gone/lib/zeus_amd/python/zeus_amd/__pycache__" ] || die "Python compiles nothing"
quietly cmake --build "$build" --target uninstall
[ "$(find "$work/gone" ! -type d | sort)" = "$gone/lib/libother.so
$gone/lib/python/other.py" ] || die "left: $(find "$work/gone" ! -type d)"
[ "$(find "$gone" -mindepth 1 -type d | sort)" = "$gone/lib
$gone/lib/python" ] || die "left: $(find "$gone" -type d)"
if quietly cmake --build "$build" --target uninstall; then die "uninstalls again"; fi
grep -q 'nothing is installed' "$work/log"
# With the variable that it was installed with; only that tree.
DESTDIR=$work/image quietly cmake --build "$other" --target uninstall
[ -z "$(find "$work/image" ! -type d 2>/dev/null)" ] || die "left: $(find "$work/image" ! -type d)"
