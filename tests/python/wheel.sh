#!/bin/sh
# The wheel, in a fresh environment and on simulated machines: it brings its library, passes the tests of the binding, and
# its platform is what auditwheel makes of it.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
. "$here/venv.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ZEUS_AMD_LIBRARY PYTHONPATH PYTHONHOME
wheel=$("$root/python/build_wheel.sh" "$work")
python3 -m venv "$work/venv"
pip="$work/venv/bin/pip --quiet --disable-pip-version-check"
$pip install --no-index "$wheel"
cd /
"$sim" --machine mi300x-8 --rocm 7.0.2 -- "$work/venv/bin/python" -W error "$here/test_binding.py"
"$sim" --machine mi250x-4 --rocm 6.4.3 -- "$work/venv/bin/python" -W error "$here/test_binding.py" Dies
# Its .pth makes Zeus use this library where the environment asks for it, and does nothing else.
ZEUS_AMD_FOR_ZEUS=1 "$work/venv/bin/python" -c 'import sys; sys.exit("zeus_amd_for_zeus" not in sys.modules or "zeus_amd" in sys.modules)'
"$work/venv/bin/python" -c 'import sys; sys.exit("zeus_amd_for_zeus" in sys.modules)'
"$work/venv/bin/python" -c 'import sys, zeus_amd; sys.exit(not zeus_amd._library._lib._name.startswith(sys.argv[1]))' "$work/venv/"

# The oldest and the newest Python that is here, from 3.8 on; tests/packaging/fresh.sh has those of Debian's releases.
others=$(ls "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3.* /usr/bin/python3.* 2>/dev/null | sed -n 's,.*/python3\.\([0-9]*\)$,\1 &,p' |
    awk '$1 >= 8' | sort -nu | sed -n '1p;$p' | cut -d' ' -f2)
for other in $others; do
    rm -rf "$work/other"
    "$other" -m venv --without-pip "$work/other" 2>/dev/null || continue
    # Its own pip takes seconds to install, and is only needed where the other is too old (22.2), or too new for that Python. That of
    # old ones leaves a file in the folder for temporary ones.
    $pip --python "$work/other" install --no-index "$wheel" 2>/dev/null || {
        TMPDIR=$work "$work/other/bin/python" -m ensurepip >/dev/null 2>&1 || continue
        TMPDIR=$work "$work/other/bin/python" -m pip --quiet --disable-pip-version-check install --no-index "$wheel"
    }
    "$sim" --machine mi300x-8 --rocm 7.0.2 -- "$work/other/bin/python" -W error "$here/test_binding.py"
    echo "ok    $("$work/other/bin/python" --version)"
done

make_venv auditwheel 'auditwheel>=6' packaging pyelftools
tag=$(basename "$wheel" .whl)
tag=${tag##*-}
"$venv/bin/auditwheel" show "$wheel" >"$work/shown"
grep -q "\"$tag\"" "$work/shown" || { cat "$work/shown"; exit 1; }
echo "ok    the wheel is $tag"
