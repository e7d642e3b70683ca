# For systems without environment modules, in bash or zsh:
#
#     . PREFIX/share/zeus_amd/env.sh
#
# Other shells: set ZEUS_AMD_HOME to PREFIX first.
# shellcheck shell=sh
if [ -n "${BASH_SOURCE:-}" ]; then
    # shellcheck disable=SC3028,SC3054 # bash
    ZEUS_AMD_HOME=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE:-}")/../.." && pwd)
elif [ -n "${ZSH_VERSION:-}" ]; then
    eval 'ZEUS_AMD_HOME=${${(%):-%x}:A:h:h:h}'
fi
if [ -e "${ZEUS_AMD_HOME:-}/share/zeus_amd/env.sh" ]; then
    export ZEUS_AMD_HOME
    export PATH="@env_BINDIR@:$PATH"
    export LD_LIBRARY_PATH="@env_LIBDIR@${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export LIBRARY_PATH="@env_LIBDIR@${LIBRARY_PATH:+:$LIBRARY_PATH}"
    export CPATH="@env_INCLUDEDIR@${CPATH:+:$CPATH}"
    export PKG_CONFIG_PATH="@env_LIBDIR@/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    export CMAKE_PREFIX_PATH="$ZEUS_AMD_HOME${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}"
    export PYTHONPATH="@env_LIBDIR@/zeus_amd/python${PYTHONPATH:+:$PYTHONPATH}"
    # What is empty stands for the system's.
    export MANPATH="@env_MANDIR@:${MANPATH:-}"
else
    echo "zeus_amd: set ZEUS_AMD_HOME to the folder that has share/zeus_amd/env.sh" >&2
fi
