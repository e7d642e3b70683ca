# Sourced by every finding: a temporary folder, packages in it, one comparison. bash, Debian 12 on amd64.
# Exit status of a finding: 0 it behaves as described, 1 the behaviour has changed, 77 it could not be tried.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Nothing of the caller's may choose a library, a device or a language.
for name in $(compgen -e); do
    case $name in
        LD_* | PYTHON* | ROC* | HIP_* | CUDA_* | HSA_* | ZEUS*) unset "$name" ;;
        MPI* | OMPI_* | OPAL_* | PMI* | OMP_* | KOKKOS_*) unset "$name" ;;
    esac
done
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

cannot() { # WHY...
    echo "cannot be tried: $*" >&2
    exit 77
}

need() { # COMMAND...
    for command; do command -v "$command" >/dev/null || cannot "$command is missing"; done
}

# What a command prints on standard output, and its exit status where that is not 0.
check() { # WHAT EXPECTED COMMAND...
    local what=$1 expected=$2 found status=0
    shift 2
    found=$("$@") || status=$?
    [ "$status" -ne 77 ] || exit 77
    [ "$status" -eq 0 ] || found="$found (status $status)"
    if [ "$expected" != "$found" ]; then
        printf 'CHANGED  %s\n  expected: %s\n  found:    %s\n' "$what" "$expected" "$found"
        exit 1
    fi
    printf 'ok  %s: %s\n' "$what" "$found"
}

# From PyPI into a virtual environment, $venv, whose interpreter is $python. Called again: a fresh one.
pypi() { # PACKAGE==VERSION...
    need python3
    venv=$work/venv python=$work/venv/bin/python
    rm -rf "$venv"
    python3 -m venv "$venv" || cannot "python3 has no venv"
    "$python" -m pip --quiet install "$@" || cannot "PyPI has no $* for this Python"
}

# Debian's packages, unpacked below $debian and not installed, with what they depend on and the machine lacks. So each package whose
# version counts is to be named.
debian() { # PACKAGE=VERSION...
    need apt-get dpkg
    debian=$work/debian lib=$work/debian/usr/lib/x86_64-linux-gnu
    mkdir -p "$work/archives/partial" "$debian"
    apt-get -qq -y install --download-only --reinstall --allow-downgrades --no-install-recommends \
        -o Dir::Cache::archives="$work/archives" -o Debug::NoLocking=1 "$@" >"$work/apt.log" 2>&1 ||
        cannot "Debian has no $* (apt-get update?): $(tail -n 1 "$work/apt.log")"
    for archive in "$work"/archives/*.deb; do dpkg -x "$archive" "$debian"; done
    export LD_LIBRARY_PATH=$lib:$debian/lib/x86_64-linux-gnu PATH=$debian/usr/bin:$PATH
}

# A stand-in for libamd_smi where amdsmi of $venv finds it: amdsmi_stub.c, and NOT_SUPPORTED from all else that amdsmi names.
amdsmi_stub() {
    need cc
    mkdir -p "$work/rocm/lib"
    grep -oh "_libraries\['libamd_smi.so'\]\.\w*" "$venv"/lib/python3*/site-packages/amdsmi/amdsmi_wrapper.py | sed 's/.*\.//' |
        sort -u | sed 's/.*/__attribute__((weak)) int &(void) { return 2; }/' >all.c
    cc -O1 -shared -fPIC -o "$work/rocm/lib/libamd_smi.so" all.c "$here/amdsmi_stub.c"
    export ROCM_PATH=$work/rocm
}

# tool.c, a tool of OpenMP: its functions start and end from standard input, and what hands them to the runtime.
ompt_tool() {
    {
        echo '#include <omp-tools.h>'
        cat
        cat <<'EOT'
ompt_start_tool_result_t *ompt_start_tool(unsigned version, const char *runtime) {
    static ompt_start_tool_result_t result = {start, end, {0}};
    (void)version, (void)runtime;
    return &result;
}
EOT
    } >tool.c
}

# A program that knows no other root: with the folders of ./sys in place of those of /sys, and a /dev/shm of its own. Replaces the shell.
in_sys() { # COMMAND...
    need unshare mount
    # shellcheck disable=SC2016 # variables of the inner shell
    sys=$work/sys exec unshare --user --map-root-user --mount sh -c '
        mount -t tmpfs none /dev/shm || exit 77
        for folder in "$sys"/*; do
            [ ! -d "$folder" ] || mount --bind "$folder" "/sys/${folder##*/}" || exit 77
        done
        exec "$@"' sh "$@"
}

# What node_exporter of $debian answers for the sysfs in ./sys: lines that begin with node_NAME, without # and in order.
node_exporter() { # COLLECTOR NAME
    local port exporter
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    prometheus-node-exporter --path.sysfs="$work/sys" --collector.disable-defaults --collector."$1" \
        --web.listen-address="127.0.0.1:$port" >exporter.log 2>&1 &
    exporter=$!
    for ((try = 0; try < 600; try++)); do
        curl -sf --noproxy '*' "http://127.0.0.1:$port/metrics" >metrics && break
        sleep 0.1
    done
    kill "$exporter"
    wait "$exporter" || true
    grep "^node_$2" metrics | sed "s#$work/##" || true
}
