# Sourced with `here` set to this folder: sets root, target (made absolute) and sim.
root=$(CDPATH= cd -- "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
sim=$root/simulator/run

# The machines whose files show what is true.
regular_machines() {
    for file in "$root"/simulator/machines/*.toml; do
        grep -q '^irregular = true' "$file" || basename "$file" .toml
    done
}

# make_venv NAME PACKAGE [WHAT IT NEEDS...]: sets venv to $target/venv/NAME, where PACKAGE is installed, unchanged
# and by itself, after what it needs. What is there is used as it is. Of steps side by side one makes it.
make_venv() {
    venv=$target/venv/$1 package=$2
    shift 2
    mkdir -p "$target/venv"
    (
        flock 9
        "$venv/bin/python" -c 'import importlib.metadata as m, sys; m.version(sys.argv[1])' "${package%%[=>]*}" 2>/dev/null && exit
        python3 -m venv "$venv" || exit
        [ $# -eq 0 ] || "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" || exit
        "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "$package"
    ) 9>"$venv.lock"
}
