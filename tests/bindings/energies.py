"""Reads lines `energy GPU begin_ns end_ns energy_mj uncertainty_mj` and holds each to the truth of the simulated machine that
this runs in; echoes nothing. Exit status 1 if an energy is further off than its bound."""

import functools
import json
import os
import pathlib
import subprocess
import sys

RUN = pathlib.Path(__file__).resolve().parents[2] / "simulator" / "run"
DIR = os.environ["ZEUS_AMD_SIM"]


def simulator(*args):
    text = subprocess.run([str(RUN), *args], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    return json.loads(text)


ORDER = [gpu for gpu, _ in simulator("truth", "--dir", DIR)["hip_order"]]


@functools.lru_cache(maxsize=None)
def energies_j(begin_ns, end_ns):
    """Of all GPUs; what has been used stays the same."""
    return simulator("energy", "--dir", DIR, str(begin_ns), str(end_ns))


def true_mj(gpu, begin_ns, end_ns):
    """Of HIP's index."""
    return energies_j(begin_ns, end_ns)[ORDER[gpu]] * 1e3


if __name__ == "__main__":
    seen = wrong = 0
    for line in sys.stdin:
        gpu, begin, end, mj, bound = map(int, line.split()[1:])
        truth = true_mj(gpu, begin, end)
        seen += 1
        if abs(truth - mj) > bound or bound > mj:
            wrong += 1
            print(f"GPU {gpu}: {mj} mJ, off by at most {bound}, and it is {truth:.3f}")
    sys.exit(wrong > 0 or seen == 0)
