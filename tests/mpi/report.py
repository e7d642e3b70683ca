#!/usr/bin/env python3
"""report.py FILE [FIELD=VALUE...] [COMMAND]: a report of the profiler, as JSON and as text beside it.

FIELD is a path such as job.packages or ranks.0.mpi_calls. COMMAND: truth DIR (each package against the machine),
phases DIR INTERVALS (energy in MPI against the machine's over the times that rank 1 was in MPI), none (no energy)."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check import ask, energy_j  # noqa: E402


def field(report, path):
    for name in path.split("."):
        report = report[int(name)] if isinstance(report, list) else report[name]
    return report


def index_of(directory, package):
    gpus = ask("truth", "--dir", directory)["gpus"]
    return next(i for i, g in enumerate(gpus) if g["bdf"] == package["pci_address"] and not g["secondary_die"])


def truth(report, directory):
    ranks, total, bound = report["ranks"], 0.0, 0.0
    for p in report["packages"]:
        r = ranks[p["read_by_rank"]]
        true_j = energy_j(directory, r["begin_ns"], r["end_ns"])[index_of(directory, p)]
        assert abs(p["energy_j"] - true_j) <= p["bound_j"] + 1e-3, f"{p}: the truth is {true_j} J"
        assert true_j > 1
        assert p["energy_in_mpi_j"] <= p["energy_j"]
        total += true_j
        bound += p["bound_j"]
    assert abs(report["job"]["energy_j"] - total) <= bound + 1e-3
    assert abs(sum(r["share_j"] for r in ranks) - report["job"]["energy_j"]) < 1e-2, "shares"
    assert abs(sum(n["energy_j"] for n in report["nodes"]) - report["job"]["energy_j"]) < 1e-2, "nodes"
    for r in ranks:
        assert 0 <= r["time_in_mpi_s"] <= report["job"]["duration_s"] + 1e-3
    print(f"   {report['job']['energy_j']} J, truth {total:.1f} J")


def phases(report, directory, intervals):
    package = next(p for p in report["packages"] if p["read_by_rank"] == 1)
    index = index_of(directory, package)
    with open(intervals, encoding="utf-8") as f:
        times = [[int(w) for w in line.split()] for line in f]
    assert len(times) == 8
    true_j = sum(energy_j(directory, a, b)[index] for a, b in times)
    in_mpi_s = sum(b - a for a, b in times) / 1e9
    mine = package["energy_in_mpi_j"]
    # MPI_Bcast and the wait for the other rank at the end are in MPI too: a little more, never less.
    by_time = package["energy_j"] * report["ranks"][1]["time_in_mpi_s"] / report["job"]["duration_s"]
    assert report["ranks"][1]["time_in_mpi_s"] >= in_mpi_s * 0.99
    assert abs(mine - true_j) < 0.15 * true_j, f"{mine} J in MPI, truth {true_j} J, by time alone {by_time:.1f} J"
    assert abs(by_time - true_j) > 0.2 * true_j, "time alone would have done"
    print(f"   {mine} J in MPI, truth {true_j:.1f} J; by time alone it would be {by_time:.1f} J")


def none(report):
    assert report["job"]["packages"] == 0 and report["job"]["energy_j"] == 0


def main():
    with open(sys.argv[1] + ".json", encoding="utf-8") as f:
        report = json.load(f)
    with open(sys.argv[1] + ".txt", encoding="utf-8") as f:
        text = f.read()
    words = sys.argv[2:]
    while words and "=" in words[0]:
        path, value = words.pop(0).split("=", 1)
        assert str(field(report, path)) == value, f"{path} is {field(report, path)!r}, not {value}"
    if report["job"]["packages"] > 0:
        assert f"{report['job']['energy_j']:.3f} J +- {report['job']['bound_j']:.3f} J" in text, text
    else:
        assert "energy    none" in text, text
    assert "overhead" in text
    if words:
        {"truth": truth, "phases": phases, "none": none}[words[0]](report, *words[1:])


if __name__ == "__main__":
    main()
