"""The programs of the wheel, under the names that pip puts into bin/."""

import os
import signal
import sys


def _become(name, *path):
    """Replaces this process, with the signals as they were before Python came to ignore some."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), *path, name)
    try:
        os.execv(program, [name, *sys.argv[1:]])
    except FileNotFoundError:
        sys.exit(f"{name}: not part of this wheel; packaging/build.sh makes one that has it")


def run():
    _become("zeus-amd-run", "bin")


def sim():
    _become("zeus-amd-sim", "sim")
