#!/usr/bin/env python3
"""check.py RESULT HOST=DIR... [-- FIELD=VALUE...]: a result of job.c against the truth of the machines it ran on.

Each package's energy lies within its bound of the machine file's integral over the time of the rank that read it, and so
does the sum. Fields are those of the result, as numbers. HOST is * for any."""
import json
import os
import subprocess
import sys

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sim/run")


def ask(*words):
    return json.loads(subprocess.run([RUN, *words], check=True, capture_output=True, text=True).stdout)


def energy_j(directory, begin_ns, end_ns):
    return ask("energy", "--dir", directory, str(begin_ns), str(end_ns))


def main():
    words = sys.argv[2:]
    cut = words.index("--") if "--" in words else len(words)
    machines = dict(w.split("=", 1) for w in words[:cut])
    expected = dict(w.split("=", 1) for w in words[cut + 1:])
    with open(sys.argv[1], encoding="utf-8") as f:
        result = json.load(f)
    for name, value in expected.items():
        assert result[name] == int(value), f"{name} is {result[name]}, not {value}: {result}"

    ranks, packages = result["ranks"], result["package"]
    truth_j = total_j = bound_j = 0.0
    for p in packages:
        if p["rank"] < 0:
            assert p["energy_mj"] == 0 and p["status"] < 0, p
            continue
        rank = ranks[p["rank"]]
        directory = machines.get(rank["host"]) or machines["*"]
        gpus = ask("truth", "--dir", directory)["gpus"]
        index = next(i for i, g in enumerate(gpus) if g["bdf"] == p["pci"] and not g["secondary_die"])
        true_j = energy_j(directory, rank["begin_ns"], rank["end_ns"])[index]
        off = abs(p["energy_mj"] / 1e3 - true_j)
        assert off <= p["bound_mj"] / 1e3 + 1e-3, f"{p}: the truth is {true_j} J"
        assert true_j > 1, "nothing was used, so nothing was tested"
        truth_j += true_j
        total_j += p["energy_mj"] / 1e3
        bound_j += p["bound_mj"] / 1e3
    assert abs(total_j - result["energy_mj"] / 1e3) < 1e-6 * (1 + total_j), "the total is not the sum"
    assert abs(bound_j - result["bound_mj"] / 1e3) < 1e-6 * (1 + bound_j), "nor its bound"
    assert abs(result["energy_mj"] / 1e3 - truth_j) <= bound_j + 1e-3
    averaged = result["flags"] & 64  # a power that lags by seconds bounds nothing so soon
    assert averaged or bound_j <= 0.2 * truth_j + 1e-9, f"a bound of {bound_j} J for {truth_j} J says nothing"
    print(f"   {result['energy_mj'] / 1e3:.1f} J +- {bound_j:.1f} J, truth {truth_j:.1f} J, "
          f"{result['packages']} packages, {len(ranks)} ranks")


if __name__ == "__main__":
    main()
