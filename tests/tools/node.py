#!/usr/bin/env python3
"""node.py BASE SCOPE DOMAINS SHARES PROGRAM...: runs a program of tests/tools/regions.c in the simulated machine, then its report
BASE.json and BASE.txt against the machine's formulas: the widest scope, what it has beside the GPUs (DOMAINS, by commas; empty:
nothing), and the time at each limit (SHARES, "-" for one that is not counted; empty: the machine counts none). 75: the machine was
too busy to say anything."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../mpi"))
from check import reported_limits, widest  # noqa: E402

WORDS = {"node": "the whole node", "parts": "GPUs, processors and memory as far as they are measured"}


def main():
    base, scope, domains, shares, *program = sys.argv[1:]
    began_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    visits = subprocess.run(program, check=True, capture_output=True, text=True).stdout.splitlines()
    outer = began_ns, time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    # A visit lies within the run.
    inner = [int(t) for t in visits[0].split(" ")[1:3]]
    with open(base + ".json", encoding="utf-8") as f:
        report = json.load(f)
    with open(base + ".txt", encoding="utf-8") as f:
        text = f.read()
    run = report["run"]
    assert run["scope"] == scope, run
    energies = [run[name] for name in ("energy_j", "uncertainty_j", "widest_energy_j", "widest_uncertainty_j")]
    if not widest(os.environ["ZEUS_AMD_SIM"], energies, inner, outer, domains.split(",") if domains else []):
        print("a package that counted twice would not have been noticed")
        sys.exit(75)
    line = f"\n          {energies[2]:.3f} J +- {energies[3]:.3f} J of {WORDS.get(scope)}\n"
    assert (line in text) == (scope in WORDS), text
    for gpu in report["gpus"]:
        assert ("limited" in gpu) == (shares != ""), gpu
        if shares:
            mean_w = gpu["energy_j"] / run["duration_s"]
            reported_limits(f"GPU {gpu['gpu']}", mean_w, gpu["limited"], shares, inner, outer, text)


if __name__ == "__main__":
    main()
